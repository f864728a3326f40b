import { NS_PER_MS } from '../../base/index.ts';
import type { Random } from '../../base/index.ts';
import type { AccessSpec, ConverterLinkFacts } from '../../contract/index.ts';

/** A link as its terminal describes it: a fact of the past when it is read. */
export type LinkFacts = ConverterLinkFacts;

/** Why a link carries a packet no further. */
export const LINK_LOST = -1;
export const LINK_QUEUE_FULL = -2;

/**
 * A terminal's access to the core of the network in one family: each way a serial link with a queue, behind it a delay with jitter that
 * keeps the order, and random loss.
 */
export class AccessLink {
  readonly spec: AccessSpec;
  /** One way, ns. */
  readonly delayNs: number;
  /** False while the family is gone (T edge case: family lost on one leg). */
  up = true;
  private readonly nsPerByte: number;
  private readonly jitterNs: number;
  private readonly queueNs: number;
  private readonly loss: number;
  private readonly random: Random;
  /** By direction, 0 out of the terminal and 1 in: until when the link sends, and when the last packet arrives. */
  private readonly busyUntil = new Float64Array(2);
  private readonly lastArrival = new Float64Array(2);

  /** `scale` stretches the round trip of the spec. */
  constructor(spec: AccessSpec, scale: number, random: Random) {
    this.spec = spec;
    this.delayNs = Math.round((spec.rttMs * scale * NS_PER_MS) / 2);
    this.nsPerByte = 8e9 / spec.bandwidthBps;
    this.jitterNs = spec.jitterMs * NS_PER_MS;
    this.queueNs = spec.queueMs * NS_PER_MS;
    this.loss = spec.lossPercent / 100;
    this.random = random;
  }

  /** What a terminal announces of the link (T-01, T-04). */
  get facts(): LinkFacts {
    const { kind, lossPercent, jitterMs, bandwidthBps } = this.spec;
    return { kind, rttMs: this.rttMs, lossPercent, jitterMs, bandwidthBps };
  }

  /** Round trip to the core, ms. */
  get rttMs(): number {
    return (2 * this.delayNs) / NS_PER_MS;
  }

  /**
   * When a packet given to the link at `tNs` is at the other end, or LINK_LOST or LINK_QUEUE_FULL. A packet that goes `ahead` takes the link's time
   * and waits for nobody (T-07).
   */
  carry(tNs: number, bytes: number, direction: 0 | 1, ahead = false): number {
    const start = Math.max(tNs, this.busyUntil[direction]!);
    if (!ahead && start - tNs > this.queueNs) return LINK_QUEUE_FULL;
    const takesNs = Math.round(bytes * this.nsPerByte);
    this.busyUntil[direction] = start + takesNs;
    const sent = (ahead ? tNs : start) + takesNs;
    if (!this.up || (this.loss > 0 && this.random.float() < this.loss)) return LINK_LOST;
    const jitter = this.jitterNs > 0 ? Math.round(this.random.float() * this.jitterNs) : 0;
    const arrival = Math.max(sent + this.delayNs + jitter, this.lastArrival[direction]!);
    this.lastArrival[direction] = arrival;
    return arrival;
  }
}
