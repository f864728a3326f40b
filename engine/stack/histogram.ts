import { nearestRank } from '../base/index.ts';

/**
 * A histogram of delays with sixteen buckets an octave: a value is known to one sixteenth, whatever its size. Values are
 * integer nanoseconds; below 16 every value has a bucket of its own.
 */
export const HISTOGRAM_BUCKETS = 16 * 50;

export function histogramBucket(value: number): number {
  if (value < 16) return value < 0 ? 0 : value | 0;
  if (value < 0x8000_0000) return smallBucket(value | 0);
  const high = Math.floor(value / 0x800_0000);
  const octave = 31 - Math.clz32(high);
  const shifted = octave >= 4 ? high >>> (octave - 4) : high << (4 - octave);
  const bucket = ((octave + 27 - 3) << 4) | (shifted & 15);
  return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/** The same for 16 <= value < 2^31, in integers only. */
export function smallBucket(value: number): number {
  const octave = 31 - Math.clz32(value);
  return ((octave - 3) << 4) | ((value >>> (octave - 4)) & 15);
}

/** Largest value that falls into a bucket. */
export function histogramUpper(bucket: number): number {
  if (bucket < 16) return bucket;
  const octave = (bucket >>> 4) + 3;
  return (16 + (bucket & 15) + 1) * 2 ** (octave - 4) - 1;
}

/** Nearest-rank percentile (0 < p <= 100): upper end of the bucket that holds it, but never more than `max`. 0 when empty. */
export function histogramPercentile(counts: Uint32Array | Float64Array, p: number, max: number): number {
  let total = 0;
  for (const n of counts) total += n;
  if (total === 0) return 0;
  const rank = nearestRank(p, total);
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i]!;
    if (seen >= rank) return Math.min(max, histogramUpper(i));
  }
  return max;
}
