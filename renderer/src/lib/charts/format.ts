/** What charts, cards and byte panes say beyond `lib/format.ts`: grouped times, axis labels, offsets, and shares that fit a fixed column. */
import { formatSeconds } from '../format.ts';

/** Parts the groups of a fraction: `12.480 116`. Thin, so that it does not read as two numbers; never breaks. */
export const GROUP_SPACE = '\u202f';
/** Shown where there is no figure. */
export const NO_VALUE = '–';

const NS_PER_S = 1_000_000_000;

/** `12.480 116`: in cards, paths and crosshairs, where a time stands alone. */
export function formatSecondsGrouped(ns: number, digits: 6 | 9 = 6): string {
  const text = formatSeconds(ns, digits);
  const dot = text.indexOf('.');
  const groups = text.slice(dot + 1).match(/.{3}/g) ?? [];
  return `${text.slice(0, dot)}.${groups.join(GROUP_SPACE)}`;
}

/**
 * Share of a whole for figures in a narrow column: no decimals, and honest at both ends. `<1 %` where it is more than nothing, 100 % only
 * where it is everything.
 */
export function formatShare(part: number, whole: number): string {
  if (!(whole > 0)) return NO_VALUE;
  const percent = (part / whole) * 100;
  if (part > 0 && percent < 1) return '<1 %';
  return `${String(part < whole ? Math.min(99, Math.round(percent)) : Math.round(percent))} %`;
}

/** Hexadecimal offset of a byte, four digits or more. */
export function formatOffset(offset: number): string {
  return offset.toString(16).padStart(4, '0');
}

/** Time axis label in seconds, with as many digits as the distance between ticks needs: `12 s`, `12.5 s`, `12.48 s`. */
export function formatAxisSeconds(ns: number, stepNs: number): string {
  const digits = stepNs >= NS_PER_S ? 0 : Math.min(9, Math.ceil(-Math.log10(stepNs / NS_PER_S) - 1e-9));
  return `${(ns / NS_PER_S).toFixed(digits)} s`;
}
