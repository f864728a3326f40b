import { NS_PER_S, NS_PER_US } from '../../base/index.ts';
import type { ConverterGroup } from '../../contract/index.ts';
import type { Relay } from './relay.ts';

export type RoleSpec = NonNullable<ConverterGroup['converter']>;

/** The processor is looked at over this time. */
const WINDOW_NS = NS_PER_S;
/** Share of it at work from which sessions are given away, and down to which no new one is taken (T-18). */
const BUSY_HIGH = 0.9;
const BUSY_LOW = 0.7;

/** What a session that asks to be converted is like. */
export interface Asked {
  readonly session: number;
  /** Bits per second of one direction, headers included. */
  readonly rateBps: number;
  /** The converter is one of its parties: an end point, not a converter. */
  readonly ownParty: boolean;
}

/** The role of converter: admission, and the processor that relays. */
export class ConverterRole {
  readonly spec: RoleSpec;
  readonly relay: Relay;
  enabled: boolean;
  draining = false;
  /** Reservations refused, by reason. */
  readonly refusals = new Map<string, number>();
  /** Sessions ever reserved. */
  taken = 0;
  /** Bits per second each way that relayed sessions may take: what the narrower link has, less a call of the owner (T-07). */
  private readonly relayBps: number;
  private busyUntil = 0;
  private windowNs = 0;
  private windowBusyNs = 0;
  private saturated = false;

  constructor(spec: RoleSpec, relay: Relay, relayBps: number) {
    this.spec = spec;
    this.relay = relay;
    this.relayBps = relayBps;
    this.enabled = spec.enabled;
  }

  /** Sessions it takes while its terminal is, or is not, in a call of its own: less, but never none (T-07). */
  capacity(ownCall: boolean): number {
    const { capacity, ownCallShare } = this.spec;
    return ownCall ? Math.max(1, Math.floor(capacity * (1 - ownCallShare))) : capacity;
  }

  /** Why it takes no session now (T-06, T-07, T-18, T-19), or an empty text. Counts what it refuses. */
  refuse(asked: Asked, ownCall: boolean, nowNs: number): string {
    const why = this.reasonAgainst(asked, ownCall, nowNs);
    if (why !== '') this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1);
    return why;
  }

  private reasonAgainst({ session, rateBps, ownParty }: Asked, ownCall: boolean, nowNs: number): string {
    const { relay } = this;
    const { nat } = this.spec;
    if (!this.enabled) return 'disabled';
    if (this.draining) return 'draining';
    if (ownParty) return 'a party of the call';
    // One converter for a session, and each once: a second request has gone in a circle.
    if (relay.has(session)) return 'has the session already';
    if (relay.sessions >= this.capacity(ownCall)) return 'full';
    if (relay.reservedBps + rateBps > this.relayBps) return 'no bandwidth beside a call of its own';
    if (this.saturated && nowNs - this.windowNs < 2 * WINDOW_NS) return 'its processor is busy';
    if (nat === 'peer-dependent') return 'behind a NAT that gives every peer another port';
    return nat !== 'none' && relay.style === 'prefix' ? 'behind a NAT that has no addresses for prefix mapping' : '';
  }

  /**
   * When the processor is done with a packet that came at `tNs`; -1 where too many wait. The terminal's own call goes ahead of relayed packets
   * where the role says so: then it takes the processor's time and waits for nobody.
   */
  process(tNs: number, own: boolean): number {
    const serviceNs = this.spec.relayUs * NS_PER_US;
    const start = Math.max(tNs, this.busyUntil);
    const ahead = own && this.spec.ownPriority;
    if (!ahead && start - tNs > this.spec.queuePackets * serviceNs) return -1;
    this.busyUntil = start + serviceNs;
    this.windowBusyNs += serviceNs;
    return Math.round((ahead ? tNs : start) + serviceNs);
  }

  /** True once in each second that the processor had too much to do: time to give a session away. Between both marks it stays as it is. */
  overloaded(nowNs: number): boolean {
    const passedNs = nowNs - this.windowNs;
    if (passedNs < WINDOW_NS) return false;
    const busy = this.windowBusyNs / passedNs;
    this.windowNs = nowNs;
    this.windowBusyNs = 0;
    this.saturated = busy > (this.saturated ? BUSY_LOW : BUSY_HIGH);
    return this.saturated;
  }
}
