import type { DropsOverTime } from '../../../../engine/contract/index.ts';

/** Fill tokens of the drop reasons, the most frequent first; what comes behind shares the last. */
export const REASON_COLOURS = ['--drop-fill', '--held-fill', '--ipv6-fill', '--ipv4-fill', '--accent-fill', '--off-fill'] as const;

/** One path for each colour, stacked from below; `most` is the tallest bin. Null where there is nothing to draw. */
export function dropPaths(
  drops: DropsOverTime,
  width: number,
  height: number,
): { readonly paths: readonly string[]; readonly most: number } | null {
  const { bins, counts, reasons } = drops;
  if (reasons.length === 0 || bins === 0) return null;
  const totals = new Float64Array(bins);
  counts.forEach((n, i) => {
    totals[i % bins] = (totals[i % bins] ?? 0) + n;
  });
  const most = totals.reduce((max, n) => Math.max(max, n), 0);
  if (most === 0) return null;
  const base = new Float64Array(bins);
  const paths: string[] = [];
  const one = (n: number): string => String(Math.round(n * 100) / 100);
  reasons.forEach((_, r) => {
    let d = '';
    for (let b = 0; b < bins; b++) {
      const n = counts[r * bins + b] ?? 0;
      if (n === 0) continue;
      const below = base[b] ?? 0;
      // At least a pixel and a half, so that a single drop in a long run can be seen.
      const tall = Math.max(1.5, (n / most) * (height - 14));
      const wide = Math.max(1, width / bins);
      d += `M${one((b / bins) * width)} ${one(height - below)}h${one(wide)}v${one(-tall)}h${one(-wide)}z`;
      base[b] = below + tall;
    }
    const colour = Math.min(r, REASON_COLOURS.length - 1);
    paths[colour] = (paths[colour] ?? '') + d;
  });
  return { paths, most };
}
