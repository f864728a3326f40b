export * from './config.ts';
export * from './merged-input.ts';
export * from './side-output.ts';
export * from './run-captures.ts';
export { needsPacketBytes, TranslatingWorld, type TranslationStep } from './world.ts';
export type { PortEvent, TranslatorPort } from './translator-port.ts';
export * from './tables.ts';
export * from './pool-tables.ts';
export { FlowPairs, MAX_FLOW_PAIRS } from './flow-pairs.ts';
