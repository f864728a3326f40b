import { nearestRank } from '../../base/index.ts';

/**
 * How far replayed packets were from their due time: a histogram with 16 buckets per octave, so every figure is right within
 * 4.5 %, in constant memory whatever the length of the replay.
 */

const BUCKETS_PER_OCTAVE = 16;
/** Largest error told apart: 2^43 ns, two and a half hours. */
const OCTAVES = 43;

export interface TimingErrorFigures {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly packets: number;
}

export class TimingError {
  private readonly buckets = new Uint32Array(OCTAVES * BUCKETS_PER_OCTAVE + 1);
  private count = 0;
  private maxNs = 0;

  /** Wall time minus due time, ns. A packet is never fed early, so rounding below zero counts as zero. */
  add(errorNs: number): void {
    const ns = errorNs > 0 ? errorNs : 0;
    const bucket = ns < 1 ? 0 : Math.min(this.buckets.length - 1, 1 + Math.floor(Math.log2(ns) * BUCKETS_PER_OCTAVE));
    this.buckets[bucket]!++;
    this.count++;
    if (ns > this.maxNs) this.maxNs = ns;
  }

  reset(): void {
    this.buckets.fill(0);
    this.count = 0;
    this.maxNs = 0;
  }

  /** Nearest-rank percentiles in whole ns, the upper end of the bucket and never above the maximum; null before any packet. */
  figures(): TimingErrorFigures | null {
    if (this.count === 0) return null;
    return { p50: this.percentile(50), p99: this.percentile(99), max: Math.round(this.maxNs), packets: this.count };
  }

  private percentile(p: number): number {
    const rank = nearestRank(p, this.count);
    let seen = 0;
    for (let i = 0; i < this.buckets.length; i++) {
      seen += this.buckets[i]!;
      if (seen >= rank) return i === 0 ? 0 : Math.round(Math.min(2 ** (i / BUCKETS_PER_OCTAVE), this.maxNs));
    }
    return Math.round(this.maxNs);
  }
}
