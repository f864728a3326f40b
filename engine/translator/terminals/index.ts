export * from './simulation.ts';
export * from './sdp.ts';
export { rank, rendezvous, type Candidate, type Ranked, type SelectionRule } from './selection.ts';
export { Registry, type Announcement } from './registry.ts';
export { Relay, type RelayStyle } from './relay.ts';
export { MAX_TERMINALS, type Family, type Node } from './node.ts';
export { MAX_DECISIONS, MAX_DIVERTS, MAX_MESSAGES, type PacketRecorder } from './lab.ts';
export { gini } from './result.ts';
