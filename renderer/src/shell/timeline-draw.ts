import type { TimelineFrame } from '../../../engine/contract/index.ts';
import { dropMarks, ticks, xAt, type TimeRange } from '../lib/timeline.ts';

/** Measures of the strip, CSS px. */
export const TIMELINE = {
  padPx: 12,
  /** One bar and the gap after it. */
  barPx: 3,
  barWidthPx: 2,
  topPx: 6,
  /** Drop marks and the axis, below the bars; dragging there zooms. */
  axisPx: 26,
} as const;

/** The ends of a loop are brackets: this long at the top. */
const LOOP_HOOK_PX = 6;
/** Between two lines of a hatching. */
const HATCH_PX = 7;

export interface TimelineScene {
  readonly width: number;
  readonly height: number;
  readonly range: TimeRange;
  readonly data: TimelineFrame | null;
  /** Packets of a bin at full height. */
  readonly peak: number;
  readonly playheadNs: number;
  readonly brush: TimeRange | null;
  readonly loop: TimeRange | null;
  /** The part of a gap that is being left out. */
  readonly skipped: TimeRange | null;
  readonly hoverX: number | null;
  readonly theme: string;
  readonly zoomed: boolean;
  readonly durationNs: number;
}

interface Pen {
  readonly ctx: CanvasRenderingContext2D;
  readonly colour: (token: string) => string;
  readonly plotWidth: number;
  readonly baseY: number;
}

export function drawTimeline(canvas: HTMLCanvasElement, scene: TimelineScene): void {
  const ctx = sized(canvas, scene.width, scene.height);
  if (ctx === null) return;
  const pen: Pen = {
    ctx,
    colour: (token) => tokenValue(scene.theme, token),
    plotWidth: scene.width - 2 * TIMELINE.padPx,
    baseY: scene.height - TIMELINE.axisPx,
  };
  ctx.clearRect(0, 0, scene.width, scene.height);
  ctx.save();
  ctx.translate(TIMELINE.padPx, 0);
  if (scene.loop !== null) drawLoop(pen, scene, scene.loop);
  if (scene.skipped !== null) drawSkipped(pen, scene, scene.skipped);
  if (scene.brush !== null) drawBand(pen, scene, scene.brush, 'accent-fill', 0.2);
  if (scene.data !== null) drawBars(pen, scene, scene.data);
  drawAxis(pen, scene);
  if (scene.data !== null) drawDrops(pen, scene.data, scene);
  if (scene.hoverX !== null) {
    ctx.fillStyle = pen.colour('line-strong');
    ctx.fillRect(Math.round(scene.hoverX), TIMELINE.topPx, 1, pen.baseY - TIMELINE.topPx);
  }
  drawPlayhead(pen, scene);
  if (scene.zoomed) drawWindow(pen, scene);
  ctx.restore();
}

/** Tokens as the theme has them. Reading a computed style makes the browser settle all styles first: once a theme, not once a frame. */
const tokens = new Map<string, string>();

function tokenValue(theme: string, token: string): string {
  const key = `${theme} ${token}`;
  let value = tokens.get(key);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${token}`).trim();
    tokens.set(key, value);
  }
  return value;
}

function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  const w = Math.round(width * ratio);
  const h = Math.round(height * ratio);
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const ctx = canvas.getContext('2d');
  ctx?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return ctx;
}

function drawBand(pen: Pen, scene: TimelineScene, band: TimeRange, token: string, alpha: number): void {
  const left = Math.max(0, xAt(scene.range, pen.plotWidth, band.fromNs));
  const right = Math.min(pen.plotWidth, xAt(scene.range, pen.plotWidth, band.toNs));
  pen.ctx.globalAlpha = alpha;
  pen.ctx.fillStyle = pen.colour(token);
  pen.ctx.fillRect(left, TIMELINE.topPx - 4, Math.max(1, right - left), pen.baseY - TIMELINE.topPx + 4);
  pen.ctx.globalAlpha = 1;
}

/** The stretch that repeats: a band with an end mark on either side to take hold of. */
function drawLoop(pen: Pen, scene: TimelineScene, loop: TimeRange): void {
  drawBand(pen, scene, loop, 'held-fill', 0.13);
  pen.ctx.fillStyle = pen.colour('held-fill');
  for (const [tNs, inward] of [
    [loop.fromNs, 1],
    [loop.toNs, -1],
  ] as const) {
    // prettier-ignore
    const x = xAt(scene.range, pen.plotWidth, tNs);
    if (x < -1 || x > pen.plotWidth + 1) continue;
    pen.ctx.fillRect(Math.round(x) - 1, TIMELINE.topPx - 4, 2, pen.baseY - TIMELINE.topPx + 4);
    pen.ctx.fillRect(inward === 1 ? Math.round(x) : Math.round(x) - LOOP_HOOK_PX, TIMELINE.topPx - 4, LOOP_HOOK_PX, 2);
  }
}

/** What was left out of a gap: hatched, because it is no time that was played. */
function drawSkipped(pen: Pen, scene: TimelineScene, skipped: TimeRange): void {
  const left = Math.max(0, xAt(scene.range, pen.plotWidth, skipped.fromNs));
  const right = Math.min(pen.plotWidth, xAt(scene.range, pen.plotWidth, skipped.toNs));
  const height = pen.baseY - TIMELINE.topPx;
  if (right - left < 1) return;
  const { ctx } = pen;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, TIMELINE.topPx, right - left, height);
  ctx.clip();
  ctx.strokeStyle = pen.colour('held-fill');
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let x = left - height; x < right; x += HATCH_PX) {
    ctx.moveTo(x, pen.baseY);
    ctx.lineTo(x + height, TIMELINE.topPx);
  }
  ctx.stroke();
  ctx.restore();
}

/** Bars left of the playhead in colour, the rest grey. The data may be of an older range while the new one is on its way. */
function drawBars(pen: Pen, scene: TimelineScene, data: TimelineFrame): void {
  const { ctx } = pen;
  const full = pen.baseY - TIMELINE.topPx;
  const played = pen.colour('accent-fill');
  const ahead = pen.colour('off-fill');
  const binPx = xAt(scene.range, pen.plotWidth, data.startNs + data.binNs) - xAt(scene.range, pen.plotWidth, data.startNs);
  const barPx = Math.max(1, Math.min(TIMELINE.barWidthPx, binPx - 1), binPx - 1);
  for (const part of ['played', 'ahead'] as const) {
    ctx.fillStyle = part === 'played' ? played : ahead;
    ctx.globalAlpha = part === 'played' ? 1 : 0.62;
    for (let i = 0; i < data.bins; i++) {
      const packets = data.packets[i] ?? 0;
      if (packets === 0) continue;
      const tNs = data.startNs + i * data.binNs;
      if (tNs + data.binNs / 2 <= scene.playheadNs !== (part === 'played')) continue;
      const x = xAt(scene.range, pen.plotWidth, tNs);
      if (x < -binPx || x > pen.plotWidth) continue;
      const bar = Math.max(1, Math.round((packets / scene.peak) * full));
      ctx.fillRect(Math.round(x * 2) / 2, pen.baseY - bar, Math.min(barPx, pen.plotWidth - x), bar);
    }
  }
  ctx.globalAlpha = 1;
  ctx.fillStyle = pen.colour('line');
  ctx.fillRect(0, pen.baseY, pen.plotWidth, 1);
}

function drawAxis(pen: Pen, scene: TimelineScene): void {
  const { ctx } = pen;
  ctx.font = `10px ${tokenValue(scene.theme, 'font-ui')}`;
  ctx.textBaseline = 'alphabetic';
  ctx.textAlign = 'left';
  for (const tick of ticks(scene.range, pen.plotWidth)) {
    const x = Math.round(xAt(scene.range, pen.plotWidth, tick.tNs));
    ctx.fillStyle = pen.colour('line-strong');
    ctx.fillRect(x, pen.baseY, 1, 4);
    const wide = ctx.measureText(tick.label).width;
    ctx.fillStyle = pen.colour('dim');
    ctx.fillText(tick.label, Math.min(Math.max(0, x - wide / 2), pen.plotWidth - wide), scene.height - 5);
  }
}

function drawDrops(pen: Pen, data: TimelineFrame, scene: TimelineScene): void {
  const { ctx } = pen;
  const binPx = xAt(scene.range, pen.plotWidth, data.startNs + data.binNs) - xAt(scene.range, pen.plotWidth, data.startNs);
  const startX = xAt(scene.range, pen.plotWidth, data.startNs);
  ctx.strokeStyle = pen.colour('drop-fill');
  ctx.lineWidth = 1.6;
  const y = pen.baseY + 7;
  ctx.beginPath();
  for (const mark of dropMarks(data.drops, binPx)) {
    const x = startX + mark.x;
    if (x < 0 || x > pen.plotWidth) continue;
    ctx.moveTo(x - 3, y - 3);
    ctx.lineTo(x + 3, y + 3);
    ctx.moveTo(x + 3, y - 3);
    ctx.lineTo(x - 3, y + 3);
  }
  ctx.stroke();
}

function drawPlayhead(pen: Pen, scene: TimelineScene): void {
  const x = xAt(scene.range, pen.plotWidth, scene.playheadNs);
  if (x < -1 || x > pen.plotWidth + 1) return;
  const { ctx } = pen;
  const at = Math.round(x);
  ctx.fillStyle = pen.colour('text');
  ctx.fillRect(at - 0.75, 2, 1.5, pen.baseY + 4);
  ctx.beginPath();
  ctx.moveTo(at - 5, 1);
  ctx.lineTo(at + 5, 1);
  ctx.lineTo(at + 5, 4);
  ctx.lineTo(at, 9);
  ctx.lineTo(at - 5, 4);
  ctx.closePath();
  ctx.fill();
}

/** Where the zoomed stretch lies in the whole input: a thin line along the lower edge. */
function drawWindow(pen: Pen, scene: TimelineScene): void {
  const whole = { fromNs: 0, toNs: scene.durationNs };
  const y = scene.height - 2;
  pen.ctx.fillStyle = pen.colour('track');
  pen.ctx.fillRect(0, y, pen.plotWidth, 2);
  const left = xAt(whole, pen.plotWidth, scene.range.fromNs);
  const right = xAt(whole, pen.plotWidth, scene.range.toNs);
  pen.ctx.fillStyle = pen.colour('accent-fill');
  pen.ctx.fillRect(left, y, Math.max(2, right - left), 2);
}
