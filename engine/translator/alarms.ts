import type { Nat64Spec } from '../contract/index.ts';
import { mask4 } from './prefix64.ts';
import { REASON } from './reasons.ts';

/** What is told: a quota that was exceeded, ports or addresses that ran out, a threshold that was reached (RFC 8158 sections 4.3 to 4.5). */
export type AlarmKind =
  | 'sessions'
  | 'bindings'
  | 'subscriber'
  | 'subscribers'
  | 'fragments'
  | 'ports'
  | 'addresses'
  | 'bindings-threshold'
  | 'subscriber-threshold';

/** What ran out, and what is a warning before anything does; the others are quotas. */
export const EXHAUSTED: ReadonlySet<AlarmKind> = new Set<AlarmKind>(['ports', 'addresses']);
export const THRESHOLDS: ReadonlySet<AlarmKind> = new Set<AlarmKind>(['bindings-threshold', 'subscriber-threshold']);

export interface Alarm {
  readonly kind: AlarmKind;
  /** The limit or threshold; 0 where ports or addresses ran out. */
  readonly limit: number;
  /** Prefix of the subscriber, or the source of a fragment from IPv6. */
  readonly v6?: Uint8Array;
  /** The address whose ports ran out, or the source of a fragment from IPv4; unsigned. */
  readonly address4?: number;
  readonly protocol?: number;
}

export type AlarmListener = (alarm: Alarm, nowNs: number) => void;

/** Subjects whose last alarm is remembered; the one told longest ago goes. */
export const MAX_ALARM_SUBJECTS = 4_096;

/**
 * Notifications of limits (RFC 6888 REQ-11 C, RFC 7422 section 2.2, RFC 8158 sections 4.6.5 to 4.6.8): made only where somebody listens, and the same of
 * the same not again for a while.
 */
export class Alarms {
  listener: AlarmListener | undefined;
  /** Not told because the same had just been said. */
  suppressed = 0;
  private readonly spec: Nat64Spec;
  private readonly subscribers: number;
  private readonly everyNs: number;
  private readonly told = new Map<string, number>();

  /** `subscribers`: those that have a block by calculation, 0 where none has. */
  constructor(spec: Nat64Spec, subscribers: number) {
    this.spec = spec;
    this.subscribers = subscribers;
    this.everyNs = spec.alarms.everyS * 1e9;
  }

  /** The host with this address got no mapping or session for this reason; `full4` is the address whose ports ran out, -1 where it was all of them. */
  refused(code: number, word: (i: number) => number, protocol: number, full4: number, nowNs: number): void {
    if (this.listener === undefined) return;
    const limit = this.limitOf(code);
    if (code === REASON.addressUnreachable || code === REASON.portsResting) {
      this.tell(full4 < 0 ? { kind: 'addresses', limit: 0 } : { kind: 'ports', limit: 0, address4: full4, protocol }, nowNs);
    } else if (code === REASON.sessionsFull) this.tell({ kind: 'sessions', limit }, nowNs);
    else if (code === REASON.bindingsFull) this.tell({ kind: 'bindings', limit }, nowNs);
    else if (code === REASON.noPortBlock) this.tell({ kind: 'subscribers', limit }, nowNs);
    else if (limit > 0) this.tell({ kind: 'subscriber', limit, v6: this.prefixOf(word) }, nowNs);
  }

  private limitOf(code: number): number {
    const {
      maxSessions,
      maxBindings,
      maxBindingsPerSubscriber,
      maxSessionsPerSubscriber,
      maxSessionsPerBinding,
      subscriberRate,
      portBlocks,
    } = this.spec;
    switch (code) {
      case REASON.sessionsFull:
        return maxSessions;
      case REASON.bindingsFull:
        return maxBindings;
      case REASON.noPortBlock:
        return this.subscribers;
      case REASON.subscriberLimit:
        return maxBindingsPerSubscriber;
      case REASON.subscriberSessions:
        return maxSessionsPerSubscriber ?? 0;
      case REASON.bindingSessions:
        return maxSessionsPerBinding ?? 0;
      case REASON.subscriberRate:
        return subscriberRate?.burst ?? 0;
      case REASON.portBlocksUsed:
        return portBlocks.maxPerSubscriber * portBlocks.size;
      default:
        return 0;
    }
  }

  /** A binding was made: `bindings` there are now, `own` of them of the subscriber with this address. */
  bound(bindings: number, own: number, word: (i: number) => number, nowNs: number): void {
    if (this.listener === undefined) return;
    const { alarms } = this.spec;
    if (bindings === alarms.bindings) this.tell({ kind: 'bindings-threshold', limit: bindings }, nowNs);
    if (own === alarms.bindingsPerSubscriber) this.tell({ kind: 'subscriber-threshold', limit: own, v6: this.prefixOf(word) }, nowNs);
  }

  /** No room for a fragment of this source. */
  fragment(source: Pick<Alarm, 'v6' | 'address4'>, nowNs: number): void {
    if (this.listener === undefined) return;
    this.tell({ kind: 'fragments', limit: this.spec.maxFragments, ...source }, nowNs);
  }

  private prefixOf(word: (i: number) => number): Uint8Array {
    const out = new Uint8Array(16);
    const bits = this.spec.subscriberPrefix;
    for (let i = 0; i < 16; i++) {
      const masked = word(i >>> 2) & mask4(Math.max(0, Math.min(32, bits - 32 * (i >>> 2))));
      out[i] = masked >>> (24 - 8 * (i & 3));
    }
    return out;
  }

  private tell(alarm: Alarm, nowNs: number): void {
    const key = `${alarm.kind} ${alarm.limit} ${alarm.v6?.join('.') ?? ''} ${alarm.address4 ?? ''} ${alarm.protocol ?? ''}`;
    const before = this.told.get(key);
    if (before !== undefined && nowNs < before + this.everyNs) {
      this.suppressed++;
      return;
    }
    this.told.delete(key);
    this.told.set(key, nowNs);
    if (this.told.size > MAX_ALARM_SUBJECTS) {
      const first = this.told.keys().next();
      if (first.done !== true) this.told.delete(first.value);
    }
    this.listener?.(alarm, nowNs);
  }
}
