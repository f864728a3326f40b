/** Two-sided 95 % points of Student's t by degrees of freedom 1 to 30; beyond, the normal distribution is near enough. */
const T95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086,
  2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const NORMAL95 = 1.96;
const ROUNDING = 1e-12;

/** Mean of samples and half the width of its 95 % confidence interval (W-07). */
export interface Interval {
  readonly mean: number;
  /** 0 where there is one sample, which tells nothing about the spread. */
  readonly plusMinus: number;
}

export function meanInterval(samples: readonly number[]): Interval {
  const n = samples.length;
  if (n === 0) return { mean: NaN, plusMinus: NaN };
  const mean = samples.reduce((sum, x) => sum + x, 0) / n;
  if (n === 1) return { mean, plusMinus: 0 };
  const variance = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  const plusMinus = (T95[n - 2] ?? NORMAL95) * Math.sqrt(variance / n);
  // Equal samples differ from their mean by rounding alone.
  return { mean, plusMinus: plusMinus > Math.abs(mean) * ROUNDING ? plusMinus : 0 };
}

/** Seeds of repeated runs: the given one and those after it. */
export function seedsFrom(seed: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (seed + i) >>> 0);
}
