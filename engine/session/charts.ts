import type { ReportChart, ReportUnit } from '../contract/index.ts';
import { type Html, html } from './html.ts';
import { instantText } from './text.ts';

/** Inline SVG charts. They carry classes, not colours, so that the style sheet gives them both themes. */

/** Columns a time chart is drawn with: more could not be told apart on paper. */
const COLUMNS = 480;

/** Bins folded to at most COLUMNS columns. */
export function fold(values: readonly number[], how: 'sum' | 'max'): number[] {
  const per = Math.max(1, Math.ceil(values.length / COLUMNS));
  const out: number[] = [];
  for (let i = 0; i < values.length; i += per) {
    let v = 0;
    for (let j = i; j < Math.min(values.length, i + per); j++) v = how === 'sum' ? v + values[j]! : Math.max(v, values[j]!);
    out.push(v);
  }
  return out;
}

function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Path of columns from the bottom up; columns of zero are left out. */
function columns(values: readonly number[], top: number, width: number, height: number, y: number): string {
  const w = width / Math.max(1, values.length);
  let path = '';
  for (let i = 0; i < values.length; i++) {
    if (values[i]! <= 0 || top <= 0) continue;
    const h = Math.max(0.75, (Math.min(values[i]!, top) / top) * height);
    path += `M${px(i * w)} ${px(y + height)}v${px(-h)}h${px(w)}v${px(h)}z`;
  }
  return path;
}

function timeAxis(startNs: number, endNs: number, width: number, y: number): Html {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((f) => {
    const anchor = f === 0 ? 'start' : f === 1 ? 'end' : 'middle';
    return html`<text x="${px(f * width)}" y="${y}" text-anchor="${anchor}">${instantText(startNs + f * (endNs - startNs))}</text>`;
  });
  return html`${ticks}`;
}

const WIDTH = 1_000;

/** Packets over time with drops below. */
export function timelineChart(startNs: number, binNs: number, packets: readonly number[], drops: readonly number[]): Html {
  const p = fold(packets, 'sum');
  const d = fold(drops, 'sum');
  const peak = Math.max(1, ...p);
  const worst = Math.max(0, ...d);
  const endNs = startNs + binNs * packets.length;
  return html`<svg viewBox="0 0 ${WIDTH} 150" role="img" aria-label="Packets over time, ${peak} in the busiest column; drops below">
    <path class="bar" d="${columns(p, peak, WIDTH, 96, 4)}" />
    <path class="axis" d="M0 100.5H${WIDTH}" />
    <path class="dropbar" d="${columns(d, worst, WIDTH, 24, 104)}" />
    ${timeAxis(startNs, endNs, WIDTH, 145)}
  </svg>`;
}

/** Occupancy of one ring or pool against its capacity, with the high-water line and the drops at the foot. */
export function occupancyChart(max: readonly number[], drops: readonly number[], capacity: number, highWater: number, label: string): Html {
  const values = fold(max, 'max');
  const lost = fold(drops, 'sum');
  const w = 600 / Math.max(1, values.length);
  const y = (v: number) => px(40 - (Math.min(v, capacity) / Math.max(1, capacity)) * 36);
  const points = values.map((v, i) => `L${px(i * w)} ${y(v)}H${px((i + 1) * w)}`).join('');
  const line = `M0 ${y(values[0] ?? 0)}${points}`;
  return html`<svg viewBox="0 0 600 48" role="img" aria-label="${label}">
    <path class="area" d="${`${line}V40H0z`}" />
    <path class="stroke" d="${line}" />
    <path class="high" d="${`M0 ${y(highWater)}H600`}" />
    <path class="axis" d="M0 40.5H600" />
    <path class="dropbar" d="${columns(lost, Math.max(0, ...lost), 600, 6, 42)}" />
  </svg>`;
}

/** One horizontal bar: `part` of `whole`, in the colour of the class. */
export function barChart(part: number, whole: number, className: string, label: string): Html {
  const w = whole > 0 ? Math.min(1, part / whole) * 200 : 0;
  return html`<svg class="hbar" viewBox="0 0 200 10" preserveAspectRatio="none" role="img" aria-label="${label}">
    <path class="trackbar" d="M0 1H200V9H0z" />
    <path class="${className}" d="M0 1H${px(w)}V9H0z" />
  </svg>`;
}

interface Strip {
  readonly label: string;
  /** Already folded; equally many in every strip. */
  readonly values: readonly number[];
  /** The value that fills the strip. */
  readonly top: number;
  readonly className: string;
}

const STRIP_HEIGHT = 44;

/** Strips of columns on one time axis, one below the other. */
function stripChart(startNs: number, endNs: number, strips: readonly Strip[], label: string): Html {
  const height = strips.length * STRIP_HEIGHT;
  const lines = strips.map((strip, i) => {
    const y = i * STRIP_HEIGHT;
    return html`<text x="0" y="${y + 11}">${strip.label}</text
      ><path class="${strip.className}" d="${columns(strip.values, strip.top, WIDTH, 26, y + 14)}" /><path
        class="axis"
        d="M0 ${y + 40.5}H${WIDTH}"
      />`;
  });
  return html`<svg viewBox="0 0 ${WIDTH} ${height + 16}" role="img" aria-label="${label}">
    ${lines}${timeAxis(startNs, endNs, WIDTH, height + 12)}
  </svg>`;
}

/** Drops over time, one row of columns for each reason. */
export function dropsChart(
  startNs: number,
  binNs: number,
  rows: readonly { readonly reason: string; readonly drops: readonly number[] }[],
): Html {
  const folded = rows.map((row) => ({ label: row.reason, values: fold(row.drops, 'sum') }));
  const top = Math.max(1, ...folded.flatMap((row) => row.values));
  const bins = rows[0]?.drops.length ?? 0;
  const strips = folded.map((row) => ({ ...row, top, className: 'dropbar' }));
  return stripChart(startNs, startNs + binNs * bins, strips, 'Drops over time by reason');
}

/** A chart of a module. `peak` gives a strip's largest value its digits and unit. */
export function moduleChart(chart: ReportChart, peak: (value: number, unit: ReportUnit) => string): Html {
  const folded = chart.strips.map((strip) => ({ ...strip, values: fold(strip.values, strip.how) }));
  const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
  const strips = folded.map(({ name, unit, how, scale, values }) => ({
    label: `${name}, at most ${peak(largest(values), unit)}`,
    values,
    top: largest(folded.filter((other) => other.scale === scale).map((other) => largest(other.values))),
    className: how === 'max' ? 'heldbar' : 'bar',
  }));
  const bins = chart.strips[0]?.values.length ?? 0;
  return stripChart(chart.startNs, chart.startNs + chart.binNs * bins, strips, chart.title);
}
