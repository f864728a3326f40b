import { HISTOGRAM_BUCKETS, histogramBucket } from '../histogram.ts';

/** Delays of one stage in integer nanoseconds: a histogram, the largest, the sum. */
export class Delays {
  readonly counts: Uint32Array = new Uint32Array(HISTOGRAM_BUCKETS);
  maxNs = 0;
  sumNs = 0;

  add(delayNs: number): void {
    this.counts[histogramBucket(delayNs)]!++;
    this.sumNs += delayNs;
    if (delayNs > this.maxNs) this.maxNs = delayNs;
  }
}
