/** Drawing of the Burst panel: bars and lines over time, histograms. Figures in, pixels out. */
import { withAlpha, type Surface } from '../../lib/charts/canvas.ts';

const DROP_MARK_PX = 4;

/** Largest value of a column, 0 for none. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i] ?? 0);
  return most;
}

/** Bars from the bottom, one a bin, up to `top`; bins with drops are marked at the upper edge. */
export function drawBars(
  surface: Surface,
  values: ArrayLike<number>,
  top: number,
  colour: string,
  drops?: Uint32Array,
  dropColour = '',
): void {
  const { context, width, height } = surface;
  const room = height - DROP_MARK_PX - 1;
  const step = width / Math.max(1, values.length);
  context.fillStyle = colour;
  for (let bin = 0; bin < values.length; bin++) {
    const value = values[bin] ?? 0;
    if (value <= 0 || top <= 0) continue;
    const size = Math.max(1, (value / top) * room);
    context.fillRect(bin * step, height - size, Math.max(1, step - (step > 3 ? 1 : 0)), size);
  }
  if (drops === undefined) return;
  context.fillStyle = dropColour;
  for (let bin = 0; bin < drops.length; bin++) {
    if ((drops[bin] ?? 0) > 0) context.fillRect(Math.floor(bin * step), 0, Math.max(2, step), DROP_MARK_PX);
  }
}

/** A stepped line with a pale area below it. */
export function drawLine(surface: Surface, values: ArrayLike<number>, top: number, colour: string): void {
  const { context, width, height } = surface;
  if (values.length === 0) return;
  const y = (value: number): number => height - 1.5 - (top > 0 ? Math.min(1, value / top) : 0) * (height - 4);
  const step = width / values.length;
  const line = new Path2D();
  for (let bin = 0; bin < values.length; bin++) {
    const level = y(values[bin] ?? 0);
    if (bin === 0) line.moveTo(0, level);
    else line.lineTo(bin * step, level);
    line.lineTo((bin + 1) * step, level);
  }
  const area = new Path2D(line);
  area.lineTo(width, height);
  area.lineTo(0, height);
  area.closePath();
  context.fillStyle = withAlpha(colour, 0.18);
  context.fill(area);
  context.strokeStyle = colour;
  context.lineWidth = 1.25;
  context.stroke(line);
}

/** A level across the whole width, dashed: a limit or a capacity. */
export function drawLevel({ context, width, height }: Surface, share: number, colour: string): void {
  const y = Math.round(height - 1.5 - Math.min(1, share) * (height - 4)) + 0.5;
  context.save();
  context.strokeStyle = colour;
  context.setLineDash([2, 3]);
  context.beginPath();
  context.moveTo(0, y);
  context.lineTo(width, y);
  context.stroke();
  context.restore();
}

export interface DelayHistogram {
  readonly upToNs: readonly number[];
  readonly counts: readonly number[];
}

/** From a tenth of a microsecond to ten seconds: one axis for all stages, so that they can be compared. */
export const DELAY_FROM_NS = 100;
export const DELAY_TO_NS = 1e10;

/** Place of a delay on the logarithmic axis, 0 to 1. */
export function delayShare(ns: number): number {
  if (ns <= DELAY_FROM_NS) return 0;
  return Math.min(1, Math.log(ns / DELAY_FROM_NS) / Math.log(DELAY_TO_NS / DELAY_FROM_NS));
}

/** Packets by delay, put into columns of the logarithmic axis. */
export function delayColumns({ upToNs, counts }: DelayHistogram, columns: number): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0; i < counts.length; i++) {
    const column = Math.min(columns - 1, Math.floor(delayShare(upToNs[i] ?? 0) * columns));
    out[column] = (out[column] ?? 0) + (counts[i] ?? 0);
  }
  return out;
}
