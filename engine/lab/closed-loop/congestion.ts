import { NS_PER_S } from '../../base/index.ts';

/** How a sender sizes its window. Windows are bytes; `flight` is what is sent and not acknowledged. */
export interface CongestionControl {
  cwnd: number;
  ssthresh: number;
  /** New data was acknowledged outside of recovery, while this window was what held the sender back. `rttNs` is the smoothed one. */
  acked(bytes: number, tNs: number, rttNs: number): void;
  /** A loss was seen by duplicate acknowledgments: the window after it is `ssthresh`. */
  lost(flight: number): void;
  /** The retransmission timer ran out for a segment, `again` if it had run out for the same segment before. */
  timedOut(flight: number, again: boolean): void;
}

/** RFC 6928: ten segments, at most 14,600 bytes unless two segments are more. */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14_600));
}

/** Slow start and congestion avoidance of RFC 5681 section 3.1, equations 2, 3 and 4. */
export class Reno implements CongestionControl {
  cwnd: number;
  ssthresh = Number.POSITIVE_INFINITY;
  private readonly mss: number;

  constructor(mss: number) {
    this.mss = mss;
    this.cwnd = initialWindow(mss);
  }

  acked(bytes: number): void {
    if (this.cwnd < this.ssthresh) this.cwnd += Math.min(bytes, this.mss);
    else this.cwnd += (this.mss * Math.min(bytes, this.mss)) / this.cwnd;
  }

  lost(flight: number): void {
    this.ssthresh = Math.max(flight / 2, 2 * this.mss);
  }

  timedOut(flight: number, again: boolean): void {
    // The threshold stays where it is when a retransmission of the timer is lost too.
    if (!again) this.lost(flight);
    this.cwnd = this.mss;
  }
}

/** RFC 8312 sections 4.5 and 5.1. */
const BETA = 0.7;
const C = 0.4;
/** RFC 8312 section 4.2: additive increase of the estimate of what Reno would have. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/**
 * CUBIC of RFC 8312 in the form of RFC 9438, which counts the Reno-friendly estimate by acknowledgments, takes the threshold from what is
 * in flight, and grows by half a window a round trip at most. With fast convergence; slow start as RFC 5681.
 */
export class Cubic implements CongestionControl {
  cwnd: number;
  ssthresh = Number.POSITIVE_INFINITY;
  private readonly mss: number;
  /** In segments. */
  private wMax = 0;
  private prior = 0;
  private estimate = 0;
  private epochNs = -1;
  private k = 0;

  constructor(mss: number) {
    this.mss = mss;
    this.cwnd = initialWindow(mss);
  }

  acked(bytes: number, tNs: number, rttNs: number): void {
    const { mss } = this;
    if (this.cwnd < this.ssthresh) {
      this.cwnd += Math.min(bytes, mss);
      return;
    }
    const window = this.cwnd / mss;
    // An acknowledgment that fills a hole may cover many windows of segments: it counts as one, not as many round trips.
    const segments = Math.min(bytes / mss, window);
    if (this.epochNs < 0) this.begin(tNs, window);
    const t = (tNs - this.epochNs) / NS_PER_S;
    const cubic = (at: number): number => C * (at - this.k) ** 3 + this.wMax;
    this.estimate += ((this.estimate < this.prior ? ALPHA : 1) * segments) / window;
    if (cubic(t) < this.estimate) {
      this.cwnd = Math.max(window, this.estimate) * mss;
      return;
    }
    const target = Math.min(1.5 * window, Math.max(window, cubic(t + rttNs / NS_PER_S)));
    this.cwnd += ((target - window) / window) * mss;
  }

  private begin(tNs: number, window: number): void {
    this.epochNs = tNs;
    this.estimate = window;
    if (this.wMax < window) this.wMax = window;
    this.k = Math.cbrt((this.wMax - window) / C);
  }

  lost(flight: number): void {
    const window = this.cwnd / this.mss;
    this.prior = window;
    this.wMax = window < this.wMax ? (window * (1 + BETA)) / 2 : window;
    this.ssthresh = Math.max(flight * BETA, 2 * this.mss);
    this.epochNs = -1;
  }

  timedOut(flight: number, again: boolean): void {
    if (!again) this.lost(flight);
    // The next avoidance starts from the window that it finds, with K = 0 (RFC 8312 section 4.7).
    this.wMax = 0;
    this.epochNs = -1;
    this.cwnd = this.mss;
  }
}
