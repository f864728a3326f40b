/** Drawing of ring occupancy: the circle with head, tail and high-water, and the fill over time. Pure drawing: figures in, pixels out. */

import type { Surface } from './canvas.ts';
import { withAlpha } from './canvas.ts';

export interface OccupancyColours {
  readonly fill: string;
  readonly track: string;
  readonly highWater: string;
  readonly head: string;
  readonly tail: string;
  readonly drop: string;
}

export interface CircleFigures {
  readonly slots: number;
  readonly used: number;
  readonly highWater: number;
  /** Positions 0..slots-1; -1 where a circle stands for several rings and has no single head and tail. */
  readonly head: number;
  readonly tail: number;
}

const TURN = Math.PI * 2;
/** Slot 0 is at twelve o'clock, slots run clockwise. */
const TOP = -Math.PI / 2;

/**
 * The ring as a circle. With a head, the owned slots [head, tail) are filled where they lie in the ring, so that it turns as packets pass;
 * without, the fill starts at the top.
 */
export function drawCircle(surface: Surface, figures: CircleFigures, colours: OccupancyColours): void {
  const { context, width, height } = surface;
  const cx = width / 2;
  const cy = height / 2;
  const thickness = Math.max(4, Math.round(Math.min(width, height) * 0.17));
  const radius = Math.min(width, height) / 2 - thickness / 2 - 2;
  if (radius <= 0 || figures.slots <= 0) return;
  const angle = (slots: number): number => (slots / figures.slots) * TURN;
  context.lineCap = 'butt';
  context.lineWidth = thickness;
  context.strokeStyle = colours.track;
  context.beginPath();
  context.arc(cx, cy, radius, 0, TURN);
  context.stroke();
  const start = TOP + (figures.head >= 0 ? angle(figures.head) : 0);
  const used = Math.min(figures.used, figures.slots);
  if (used > 0) {
    // A single packet of a large ring must still be seen: at least three degrees.
    const sweep = Math.max(angle(used), TURN / 120);
    context.strokeStyle = colours.fill;
    context.beginPath();
    context.arc(cx, cy, radius, start, start + Math.min(sweep, TURN));
    context.stroke();
  }
  if (figures.highWater > 0) {
    tick(
      surface,
      cx,
      cy,
      radius + thickness / 2 - 1,
      radius + thickness / 2 + 2,
      start + angle(Math.min(figures.highWater, figures.slots)),
      {
        colour: colours.highWater,
        width: 1.5,
      },
    );
  }
  if (figures.head >= 0) {
    const inner = radius - thickness / 2;
    tick(surface, cx, cy, inner - 2, inner + thickness, TOP + angle(figures.head), { colour: colours.head, width: 1.5 });
    tick(surface, cx, cy, inner - 2, inner + 3, TOP + angle(figures.tail), { colour: colours.tail, width: 2 });
  }
}

function tick(
  { context }: Surface,
  cx: number,
  cy: number,
  from: number,
  to: number,
  angle: number,
  pen: { colour: string; width: number },
): void {
  context.strokeStyle = pen.colour;
  context.lineWidth = pen.width;
  context.beginPath();
  context.moveTo(cx + Math.cos(angle) * from, cy + Math.sin(angle) * from);
  context.lineTo(cx + Math.cos(angle) * to, cy + Math.sin(angle) * to);
  context.stroke();
}

export interface HistoryFigures {
  readonly bins: number;
  readonly capacity: number;
  readonly highWater: number;
  /** Occupancy and drops of bin b. */
  max(bin: number): number;
  drops(bin: number): number;
}

/** Padding above full and below empty, so that the line at either end is whole. */
const EDGE_PX = 2;

/** Fill over time with the high-water line dashed and drops marked at the top. The axis is 0 to capacity, fixed. */
export function drawHistory(surface: Surface, figures: HistoryFigures, colours: OccupancyColours, playedPx: number): void {
  const { context, width, height } = surface;
  if (figures.bins < 1 || figures.capacity <= 0) return;
  const y = (used: number): number => height - EDGE_PX - (Math.min(used, figures.capacity) / figures.capacity) * (height - 2 * EDGE_PX);
  const x = (bin: number): number => (bin / figures.bins) * width;
  const outline = new Path2D();
  outline.moveTo(0, y(figures.max(0)));
  for (let bin = 0; bin < figures.bins; bin++) {
    const level = y(figures.max(bin));
    outline.lineTo(x(bin), level);
    outline.lineTo(x(bin + 1), level);
  }
  const area = new Path2D(outline);
  area.lineTo(width, height);
  area.lineTo(0, height);
  area.closePath();
  paintHalf(surface, 0, playedPx, area, outline, colours.fill, 0.24, 1);
  paintHalf(surface, playedPx, width, area, outline, colours.fill, 0.1, 0.45);
  drawHighWater(surface, y(figures.highWater), figures.highWater, colours.highWater);
  context.fillStyle = colours.drop;
  for (let bin = 0; bin < figures.bins; bin++) {
    if (figures.drops(bin) > 0) context.fillRect(Math.floor(x(bin)), 0, Math.max(1.5, width / figures.bins), 4);
  }
}

/** What is played stands in full colour, what is to come is paler: the same as in the timeline. */
function paintHalf(
  { context, height }: Surface,
  fromPx: number,
  toPx: number,
  area: Path2D,
  outline: Path2D,
  colour: string,
  areaAlpha: number,
  lineAlpha: number,
): void {
  if (toPx <= fromPx) return;
  context.save();
  context.beginPath();
  context.rect(fromPx, 0, toPx - fromPx, height);
  context.clip();
  context.fillStyle = withAlpha(colour, areaAlpha);
  context.fill(area);
  context.strokeStyle = withAlpha(colour, lineAlpha);
  context.lineWidth = 1.25;
  context.lineJoin = 'round';
  context.stroke(outline);
  context.restore();
}

function drawHighWater({ context, width }: Surface, level: number, highWater: number, colour: string): void {
  if (highWater <= 0) return;
  context.save();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  context.beginPath();
  context.moveTo(0, Math.round(level) - 0.5);
  context.lineTo(width, Math.round(level) - 0.5);
  context.stroke();
  context.restore();
}
