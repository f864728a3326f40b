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
  /** Positions 0..slots-1. */
  readonly head: number;
  readonly tail: number;
}

const TURN = Math.PI * 2;
/** Slot 0 is at twelve o'clock, slots run clockwise. */
const TOP = -Math.PI / 2;
/** A single packet of a large ring must still be seen: at least three degrees. */
const LEAST_SWEEP = TURN / 120;

/** The fill reached as far as this pale arc, as the tide leaves its mark. */
const TIDE_ALPHA = 0.3;

interface Circle {
  readonly cx: number;
  readonly cy: number;
  readonly radius: number;
  readonly thickness: number;
}

function circleOf({ width, height }: Surface): Circle {
  const side = Math.min(width, height);
  const thickness = Math.max(4, Math.round(side * 0.16));
  return { cx: width / 2, cy: height / 2, radius: side / 2 - thickness / 2 - 2.5, thickness };
}

/**
 * One ring as a circle: the owned slots [head, tail) are filled where they lie, so that the fill turns as packets pass; the head is the long mark, the
 * tail the short one; a pale arc shows the high-water mark, measured from the head. Several rings (the queues of one port): one arc each, filled from its start.
 */
export function drawCircle(surface: Surface, rings: readonly CircleFigures[], colours: OccupancyColours): void {
  const only = rings.length === 1 ? rings[0] : undefined;
  const circle = circleOf(surface);
  if (circle.radius <= 0) return;
  if (only) drawOne(surface, circle, only, colours);
  else drawSeveral(surface, circle, rings, colours);
}

function arc({ context }: Surface, { cx, cy, radius, thickness }: Circle, from: number, to: number, colour: string): void {
  context.lineCap = 'butt';
  context.lineWidth = thickness;
  context.strokeStyle = colour;
  context.beginPath();
  context.arc(cx, cy, radius, from, to);
  context.stroke();
}

function drawOne(surface: Surface, circle: Circle, figures: CircleFigures, colours: OccupancyColours): void {
  if (figures.slots <= 0) return;
  const { cx, cy, radius, thickness } = circle;
  const angle = (slots: number): number => (Math.min(slots, figures.slots) / figures.slots) * TURN;
  const start = TOP + angle(figures.head);
  arc(surface, circle, 0, TURN, colours.track);
  if (figures.highWater > 0) arc(surface, circle, start, start + angle(figures.highWater), withAlpha(colours.fill, TIDE_ALPHA));
  if (figures.used > 0) arc(surface, circle, start, start + Math.max(angle(figures.used), LEAST_SWEEP), colours.fill);
  const inner = radius - thickness / 2;
  const outer = radius + thickness / 2;
  tick(surface, cx, cy, inner - 2, outer, TOP + angle(figures.head), colours.head, 1.5);
  tick(surface, cx, cy, inner - 2, inner + 3, TOP + angle(figures.tail), colours.tail, 2);
}

function drawSeveral(surface: Surface, circle: Circle, rings: readonly CircleFigures[], colours: OccupancyColours): void {
  const share = TURN / rings.length;
  const gap = Math.min(share * 0.15, 2 / circle.radius);
  rings.forEach((ring, at) => {
    if (ring.slots <= 0) return;
    const start = TOP + at * share + gap / 2;
    const room = share - gap;
    const angle = (slots: number): number => (Math.min(slots, ring.slots) / ring.slots) * room;
    arc(surface, circle, start, start + room, colours.track);
    if (ring.highWater > 0) arc(surface, circle, start, start + angle(ring.highWater), withAlpha(colours.fill, TIDE_ALPHA));
    if (ring.used > 0) arc(surface, circle, start, start + Math.max(angle(ring.used), Math.min(room, LEAST_SWEEP)), colours.fill);
  });
}

function tick(
  { context }: Surface,
  cx: number,
  cy: number,
  from: number,
  to: number,
  angle: number,
  colour: string,
  lineWidth: number,
): void {
  context.strokeStyle = colour;
  context.lineWidth = lineWidth;
  context.beginPath();
  context.moveTo(cx + Math.cos(angle) * from, cy + Math.sin(angle) * from);
  context.lineTo(cx + Math.cos(angle) * to, cy + Math.sin(angle) * to);
  context.stroke();
}

export interface HistoryFigures {
  /** Largest fill in the bin as a share of the capacity, 0..1. */
  readonly share: Float32Array;
  /** Drops in the bin. */
  readonly drops: Uint32Array;
  /** High-water mark of the whole run, 0..1. */
  readonly highWater: number;
}

/** Padding above full and below empty, so that the line at either end is whole. */
const EDGE_PX = 2;
const DROP_MARK_PX = 4;

/**
 * Fill over time on a fixed axis from empty to full, the high-water line dashed, bins with drops marked at the top edge.
 */
export function drawHistory(surface: Surface, figures: HistoryFigures, colours: OccupancyColours): void {
  const { context, width, height } = surface;
  const bins = figures.share.length;
  if (bins < 1) return;
  const y = (share: number): number => height - EDGE_PX - Math.min(1, share) * (height - 2 * EDGE_PX);
  const step = width / bins;
  const outline = new Path2D();
  for (let bin = 0; bin < bins; bin++) {
    const level = y(figures.share[bin] ?? 0);
    if (bin === 0) outline.moveTo(0, level);
    else outline.lineTo(bin * step, level);
    outline.lineTo((bin + 1) * step, level);
  }
  const area = new Path2D(outline);
  area.lineTo(width, height);
  area.lineTo(0, height);
  area.closePath();
  context.fillStyle = withAlpha(colours.fill, 0.22);
  context.fill(area);
  context.strokeStyle = colours.fill;
  context.lineWidth = 1.25;
  context.lineJoin = 'round';
  context.stroke(outline);
  drawHighWater(surface, y(figures.highWater), figures.highWater, colours.highWater);
  drawDropMarks(surface, figures.drops, step, colours.drop);
}

function drawDropMarks({ context }: Surface, drops: Uint32Array, step: number, colour: string): void {
  context.fillStyle = colour;
  for (let bin = 0; bin < drops.length; bin++) {
    if ((drops[bin] ?? 0) > 0) context.fillRect(Math.floor(bin * step), 0, Math.max(2, step), DROP_MARK_PX);
  }
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
