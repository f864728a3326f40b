/** Arithmetic of the timeline strip: pure, so that it is tested without a canvas. Times in ns, lengths in CSS px. */

export interface TimeRange {
  readonly fromNs: number;
  readonly toNs: number;
}

/** Shortest range that can be zoomed to: a microsecond. */
const MIN_RANGE_NS = 1_000;

export function timeAt(range: TimeRange, widthPx: number, x: number): number {
  return widthPx <= 0 ? range.fromNs : range.fromNs + (x / widthPx) * (range.toNs - range.fromNs);
}

export function xAt(range: TimeRange, widthPx: number, tNs: number): number {
  const length = range.toNs - range.fromNs;
  return length <= 0 ? 0 : ((tNs - range.fromNs) / length) * widthPx;
}

/** Keeps a range inside the input and not shorter than the minimum; longer than the input becomes the input. */
export function clampRange(range: TimeRange, durationNs: number): TimeRange {
  const whole = Math.max(durationNs, MIN_RANGE_NS);
  const length = Math.min(whole, Math.max(MIN_RANGE_NS, range.toNs - range.fromNs));
  const fromNs = Math.max(0, Math.min(range.fromNs, whole - length));
  return { fromNs, toNs: fromNs + length };
}

/** Zooms by a factor (below 1: closer) keeping the time under the pointer where it is. */
export function zoom(range: TimeRange, aroundNs: number, factor: number, durationNs: number): TimeRange {
  const fromNs = aroundNs - (aroundNs - range.fromNs) * factor;
  return clampRange({ fromNs, toNs: fromNs + (range.toNs - range.fromNs) * factor }, durationNs);
}

const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10] as const;

/** The next round figure at or above a value: axes rescale in steps, so that nothing trembles while data arrives. */
export function stepAbove(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of STEPS) if (factor * power >= value) return factor * power;
  return 10 * power;
}

export interface Tick {
  readonly tNs: number;
  readonly label: string;
}

/** Round times about `spacingPx` apart, labelled with the digits their distance needs. */
export function ticks(range: TimeRange, widthPx: number, spacingPx = 120): Tick[] {
  const length = range.toNs - range.fromNs;
  if (widthPx <= 0 || length <= 0) return [];
  const stepNs = tickStep((length * spacingPx) / widthPx);
  const first = Math.ceil(range.fromNs / stepNs);
  const last = Math.floor(range.toNs / stepNs);
  const out: Tick[] = [];
  for (let i = first; i <= last; i++) out.push({ tNs: i * stepNs, label: tickLabel(i * stepNs, stepNs) });
  return out;
}

const S = 1e9;
const LONG_STEPS_NS = [60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400].map((seconds) => seconds * S);

function tickStep(leastNs: number): number {
  if (leastNs <= 30 * S) {
    const power = 10 ** Math.floor(Math.log10(leastNs));
    const round = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= leastNs) ?? 10 * power;
    return Math.max(1, round > 30 * S ? 60 * S : round);
  }
  return LONG_STEPS_NS.find((step) => step >= leastNs) ?? Math.ceil(leastNs / (86_400 * S)) * 86_400 * S;
}

function tickLabel(tNs: number, stepNs: number): string {
  if (stepNs >= 60 * S) {
    const minutes = Math.round(tNs / (60 * S));
    return minutes < 60 ? `${String(minutes)} min` : `${String(Math.floor(minutes / 60))}:${String(minutes % 60).padStart(2, '0')} h`;
  }
  if (stepNs >= S) return `${String(Math.round(tNs / S))} s`;
  const digits = Math.min(9, Math.ceil(-Math.log10(stepNs / S) - 1e-9));
  return `${(tNs / S).toFixed(digits)} s`;
}

/** Places of drop marks: bins with drops, those nearer than `apartPx` drawn as one with their sum. */
export function dropMarks(drops: Uint32Array, barPx: number, apartPx = 9): { readonly x: number; readonly count: number }[] {
  const out: { x: number; count: number }[] = [];
  for (let i = 0; i < drops.length; i++) {
    const count = drops[i] ?? 0;
    if (count === 0) continue;
    const x = (i + 0.5) * barPx;
    const last = out.at(-1);
    if (last !== undefined && x - last.x < apartPx) last.count += count;
    else out.push({ x, count });
  }
  return out;
}
