import type { Nat64Spec } from '../contract/index.ts';
import { REASON } from './reasons.ts';
import { SubscriberCounts } from './subscriber-counts.ts';

/** Subscribers whose rate is remembered; the one that opened nothing for longest goes, and has a full allowance again. */
export const MAX_RATED_SUBSCRIBERS = 65_536;

/** Word `i` of an IPv6 address. */
export type AddressWord = (i: number) => number;

/**
 * Limits of one subscriber beyond its bindings (RFC 6888 REQ-4 C and REQ-5): sessions it has, and how fast it opens them. Asked only when a session is
 * made, and only where the configuration has such a limit: packets of sessions that are there never come here.
 */
export class SubscriberLimits {
  /** Sessions refused for their number and for their rate, and subscribers whose rate was forgotten for room. */
  sessionsRefused = 0;
  rateRefused = 0;
  forgotten = 0;
  /** Null where sessions are not limited. */
  readonly sessions: SubscriberCounts | null;
  private readonly maxSessions: number;
  /** Time between two sessions, and by how much a burst may be ahead of it; 0 where the rate is not limited. */
  private readonly spacingNs: number;
  private readonly aheadNs: number;
  private readonly numberOf: (word: AddressWord) => number;
  /** By subscriber: when its allowance is full again. The one that opened last stands last. */
  private readonly fullAt = new Map<number, number>();

  private constructor(spec: Nat64Spec, numberOf: (word: AddressWord) => number) {
    const { maxSessionsPerSubscriber, subscriberRate, maxBindings, subscriberPrefix } = spec;
    this.maxSessions = maxSessionsPerSubscriber ?? Infinity;
    this.sessions = maxSessionsPerSubscriber === undefined ? null : new SubscriberCounts(maxBindings, subscriberPrefix);
    this.spacingNs = subscriberRate === undefined ? 0 : 1e9 / subscriberRate.sessionsPerS;
    this.aheadNs = this.spacingNs * ((subscriberRate?.burst ?? 1) - 1);
    this.numberOf = numberOf;
  }

  /** Null where the configuration has no such limit. `numberOf` tells subscribers apart. */
  static create(spec: Nat64Spec, numberOf: (word: AddressWord) => number): SubscriberLimits | null {
    const { maxSessionsPerSubscriber, subscriberRate } = spec;
    return maxSessionsPerSubscriber === undefined && subscriberRate === undefined ? null : new SubscriberLimits(spec, numberOf);
  }

  /**
   * Whether the host with this address may have one more session: a reason, 0 for yes, which then counts against the rate. Sessions opened `fromInside`
   * alone are rated: a host outside cannot use up what a subscriber may do.
   */
  refusal(word: AddressWord, fromInside: boolean, nowNs: number): number {
    if (this.sessions !== null && this.sessions.of(word) >= this.maxSessions) {
      this.sessionsRefused++;
      return REASON.subscriberSessions;
    }
    return this.spacingNs === 0 || !fromInside || this.inRate(this.numberOf(word), nowNs) ? 0 : REASON.subscriberRate;
  }

  /** Generic cell rate algorithm: one number for a bucket. */
  private inRate(subscriber: number, nowNs: number): boolean {
    const { fullAt } = this;
    const full = Math.max(nowNs, fullAt.get(subscriber) ?? nowNs);
    if (full - nowNs > this.aheadNs) {
      this.rateRefused++;
      return false;
    }
    fullAt.delete(subscriber);
    fullAt.set(subscriber, full + this.spacingNs);
    if (fullAt.size > MAX_RATED_SUBSCRIBERS) this.forgetFirst(nowNs);
    return true;
  }

  private forgetFirst(nowNs: number): void {
    const first = this.fullAt.entries().next();
    if (first.done === true) return;
    const [subscriber, full] = first.value;
    this.fullAt.delete(subscriber);
    if (full > nowNs) this.forgotten++;
  }

  opened(word: AddressWord): void {
    this.sessions?.add(word);
  }

  ended(word: AddressWord): void {
    this.sessions?.remove(word);
  }
}
