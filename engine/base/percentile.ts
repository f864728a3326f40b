/** Rank, from 1 on, of a nearest-rank percentile (0 to 100) among `count` values: the smallest that is not below p percent of them. */
export function nearestRank(p: number, count: number): number {
  return Math.max(1, Math.ceil((p / 100) * count));
}

/** Nearest-rank percentile of values in ascending order; NaN where there is none. */
export function percentileOfSorted(sorted: readonly number[], p: number): number {
  return sorted[nearestRank(p, sorted.length) - 1] ?? Number.NaN;
}
