import { NS_PER_MS, NS_PER_S } from '../../base/index.ts';

/** Longest timeout, RFC 6298 section 2.5. */
const MAX_RTO_NS = 60 * NS_PER_S;
/** G of RFC 6298 section 4. */
const CLOCK_NS = NS_PER_MS;
/** RFC 6298 section 2.3. */
const ALPHA = 1 / 8;
const BETA = 1 / 4;

/** The retransmission timer of RFC 6298. Times in ns. */
export class RetransmissionTimer {
  rtoNs = NS_PER_S;
  srttNs = 0;
  rttvarNs = 0;
  private readonly minNs: number;

  /** `minNs`: the RFC says a second (section 2.4); most systems use 200 ms. */
  constructor(minNs: number) {
    this.minNs = minNs;
  }

  /**
   * A round trip, and how many of them a window of data gives. Each of many weighs less, so that the timer remembers as many round
   * trips as with one sample for each (RFC 7323 section 4.2 and appendix G).
   */
  sample(rttNs: number, expectedSamples = 1): void {
    if (this.srttNs === 0) {
      this.srttNs = rttNs;
      this.rttvarNs = rttNs / 2;
    } else {
      // In this order: the deviation is from the mean before this sample.
      this.rttvarNs += (Math.abs(this.srttNs - rttNs) - this.rttvarNs) * (BETA / expectedSamples);
      this.srttNs += (rttNs - this.srttNs) * (ALPHA / expectedSamples);
    }
    this.rtoNs = Math.min(MAX_RTO_NS, Math.max(this.minNs, Math.round(this.srttNs + Math.max(CLOCK_NS, 4 * this.rttvarNs))));
  }

  backOff(): void {
    this.rtoNs = Math.min(MAX_RTO_NS, 2 * this.rtoNs);
  }
}
