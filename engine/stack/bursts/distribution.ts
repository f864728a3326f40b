import type { DistributionSummary } from '../../contract/index.ts';
import { HISTOGRAM_BUCKETS, histogramBucket, histogramPercentile } from '../histogram.ts';

/** Distribution of whole numbers from 0 on, in bounded memory. Counts are doubles: empty windows may be more than 32 bits hold. */
export class Distribution {
  private readonly counts = new Float64Array(HISTOGRAM_BUCKETS);
  private sum = 0;
  private max = 0;
  count = 0;

  add(value: number): void {
    const bucket = histogramBucket(value);
    this.counts[bucket] = this.counts[bucket]! + 1;
    this.count++;
    this.sum += value;
    if (value > this.max) this.max = value;
  }

  /** The same as `times` calls of add(0). */
  addZeros(times: number): void {
    this.counts[0] = this.counts[0]! + times;
    this.count += times;
  }

  summary(): DistributionSummary {
    const at = (p: number): number => histogramPercentile(this.counts, p, this.max);
    return { count: this.count, mean: this.count === 0 ? 0 : this.sum / this.count, p50: at(50), p95: at(95), p99: at(99), max: this.max };
  }
}
