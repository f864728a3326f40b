import { EventQueue, NS_PER_MS, NS_PER_S, Random, assert } from '../../base/index.ts';
import type { ConverterDecision, ConverterDivert, ConverterMessage, ConvertersSpec } from '../../contract/index.ts';
import { type Call } from './call.ts';
import { datagram } from './datagram.ts';
import type { Family, Node } from './node.ts';
import { makeNodes, type Nodes } from './nodes.ts';
import { Registry } from './registry.ts';

/** Kinds of events. The numbers mean nothing; events of one instant run in the order they were scheduled. */
export const EVENT = { action: 0, send: 1, atConverter: 2, relayed: 3, arrive: 4, silence: 5, bin: 6, firstReport: 7, report: 8 } as const;

/** Events that may wait at once: every terminal in a call with 256 packets under way would be fewer. */
const MAX_EVENTS = 8_000_000;
/** Rows kept of each list; what is beyond is counted. */
export const MAX_MESSAGES = 20_000;
export const MAX_DECISIONS = 10_000;
export const MAX_DIVERTS = 100_000;
/** SIP timer T1 (RFC 3261 section 17.1.1.1): a lost message is sent again after it, then after twice as long, and so on. */
const T1_NS = 500 * NS_PER_MS;
const MAX_RETRANSMISSIONS = 6;
const SIP_PORT = 5_060;

/** Gets every packet at a node that takes part, for a capture file. `b` holds a packet from its IP header on, until the call returns. */
export type PacketRecorder = (node: Node, family: Family, tNs: number, b: Uint8Array, offset: number, length: number) => void;

/** What all parts of the simulation share: clock, nodes, registry, and the lists of what happened. */
export class Lab {
  readonly spec: ConvertersSpec;
  readonly queue = new EventQueue(MAX_EVENTS);
  readonly nodes: Nodes;
  readonly registry = new Registry();
  readonly calls: Call[] = [];
  readonly messages: ConverterMessage[] = [];
  readonly decisions: ConverterDecision[] = [];
  readonly diverts: ConverterDivert[] = [];
  readonly leftOut: Record<string, number> = {};
  /** Media packets that did not arrive, by reason. */
  readonly lost = new Map<string, number>();
  /** The same for reports about media. */
  readonly lostReports = new Map<string, number>();
  /** Reports on their way. */
  reportsInFlight = 0;
  /** Calls that have not ended. */
  openCalls = 0;
  /** Media packets on their way. */
  inFlight = 0;
  readonly durationNs: number;
  readonly random: Random;
  readonly reportRandom: Random;
  readonly recorder: PacketRecorder | null;
  private readonly signalRandom: Random;
  private readonly actions: ((() => void) | undefined)[] = [];
  private readonly freeActions: number[] = [];

  constructor(spec: ConvertersSpec, recorder: PacketRecorder | null) {
    this.spec = spec;
    this.recorder = recorder;
    const root = new Random(spec.seed);
    this.nodes = makeNodes(spec, root.fork('nodes'));
    this.random = root.fork('choices');
    this.signalRandom = root.fork('signalling');
    this.reportRandom = root.fork('reports');
    this.durationNs = spec.durationS * NS_PER_S;
  }

  get nowNs(): number {
    return this.queue.tNs;
  }

  /** True while something can still happen by itself. */
  get going(): boolean {
    return this.nowNs < this.durationNs || this.openCalls > 0;
  }

  /** Runs something later. */
  at(tNs: number, action: () => void): void {
    const place = this.freeActions.pop() ?? this.actions.length;
    this.actions[place] = action;
    const scheduled = this.queue.schedule(Math.max(tNs, this.nowNs), EVENT.action, place);
    assert(scheduled, 'there is room for every action');
  }

  after(delayNs: number, action: () => void): void {
    this.at(this.nowNs + delayNs, action);
  }

  runAction(place: number): void {
    const action = this.actions[place];
    this.actions[place] = undefined;
    this.freeActions.push(place);
    action?.();
  }

  /** One way from node to node for signalling, ns. */
  oneWayNs(from: Node, to: Node): number {
    return (from.link(from.signalFamily)?.delayNs ?? 0) + (to.link(to.signalFamily)?.delayNs ?? 0);
  }

  /**
   * A message of call control: arrives after the one-way delay, later where the network loses it and it is sent again, never where the
   * other side is gone or one of them has no network. `sip` is the message as it was received, and as it is sent on.
   */
  signal(
    from: Node,
    to: Node,
    name: string,
    call: Call | null,
    text: string,
    then: () => void,
    sip?: { before: string; after: string },
  ): void {
    this.log(from, to, name, call?.id ?? -1, text, sip);
    const family = from.common(to);
    const atSwitch = to.role === 'switch';
    if (sip !== undefined && !atSwitch) this.recordSip(from, to, family, sip.after);
    let delayNs = this.oneWayNs(from, to);
    const loss = 1 - (1 - lossOf(from)) * (1 - lossOf(to));
    if (loss >= 1) return;
    for (let again = 0; again < MAX_RETRANSMISSIONS && loss > 0 && this.signalRandom.float() < loss; again++) delayNs += T1_NS * 2 ** again;
    this.after(delayNs, () => {
      if (!to.alive) return;
      if (sip !== undefined && atSwitch) this.recordSip(from, to, family, sip.after);
      then();
    });
  }

  log(from: Node, to: Node, name: string, session: number, text: string, sip?: { before: string; after: string }): void {
    if (this.messages.length >= MAX_MESSAGES) this.leaveOut('messages');
    else {
      const { before, after } = sip ?? { before: '', after: '' };
      this.messages.push({ tNs: this.nowNs, from: from.id, to: to.id, name, session, text, before, after });
    }
  }

  /** Schedules what is not an action; what finds no room is counted. */
  plan(tNs: number, kind: number, a: number, b = 0): boolean {
    const scheduled = this.queue.schedule(tNs, kind, a, b);
    if (!scheduled) this.leaveOut('events because too many waited');
    return scheduled;
  }

  leaveOut(list: string): void {
    this.leftOut[list] = (this.leftOut[list] ?? 0) + 1;
  }

  decide(decision: ConverterDecision): void {
    if (this.decisions.length >= MAX_DECISIONS) this.leaveOut('decisions');
    else this.decisions.push(decision);
  }

  lose(reason: string, packets = 1): void {
    this.lost.set(reason, (this.lost.get(reason) ?? 0) + packets);
  }

  /** True while SIP texts are of use to somebody. */
  get wantsSip(): boolean {
    return this.recorder !== null || this.messages.length < MAX_MESSAGES;
  }

  /** A message as it is at the switch. */
  private recordSip(from: Node, to: Node, family: Family | 0, message: string): void {
    if (this.recorder === null || family === 0) return;
    const target = { family, address4: to.addr4, address6: to.addr6, port: SIP_PORT };
    const b = datagram(from, SIP_PORT, target, new TextEncoder().encode(message));
    this.record(from.role === 'switch' ? from : to, family, () => b);
  }

  /** A packet at a node, where somebody wants it. */
  record(node: Node, family: Family, packet: () => Uint8Array): void {
    if (this.recorder === null) return;
    const b = packet();
    this.recorder(node, family, this.nowNs, b, 0, b.length);
  }
}

/** Share of the messages that a node's access loses: all of them where it has none. */
function lossOf(node: Node): number {
  if (!node.connected) return 1;
  return (node.link(node.signalFamily)?.spec.lossPercent ?? 0) / 100;
}
