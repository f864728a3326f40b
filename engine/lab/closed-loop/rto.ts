import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';

/** Longest timeout, RFC 6298 section 2.5. */
const MAX_RTO_NS = 60 * NS_PER_S;
const CLOCK_NS = NS_PER_MS;

/** The retransmission timer of RFC 6298. Times in ns. */
export class RetransmissionTimer {
  rtoNs = NS_PER_S;
  srttNs = 0;
  rttvarNs = 0;
  private readonly minNs: number;

  /** `minNs`: the RFC says a second; most systems use 200 ms. */
  constructor(minNs: number) {
    this.minNs = minNs;
  }

  /** A round trip of a segment that was sent once (Karn's algorithm). */
  sample(rttNs: number): void {
    if (this.srttNs === 0) {
      this.srttNs = rttNs;
      this.rttvarNs = rttNs / 2;
    } else {
      this.rttvarNs += (Math.abs(this.srttNs - rttNs) - this.rttvarNs) / 4;
      this.srttNs += (rttNs - this.srttNs) / 8;
    }
    this.rtoNs = Math.min(MAX_RTO_NS, Math.max(this.minNs, Math.round(this.srttNs + Math.max(CLOCK_NS, 4 * this.rttvarNs))));
  }

  backOff(): void {
    this.rtoNs = Math.min(MAX_RTO_NS, 2 * this.rtoNs);
  }
}
