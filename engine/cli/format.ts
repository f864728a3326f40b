import { bytesText } from '../session/index.ts';

/** `1,234,567`. Whole numbers by hand: a locale costs 20 ms at its first use, and the rest of a short command hardly more. */
export function count(n: number | bigint): string {
  if (typeof n === 'number' && !Number.isInteger(n)) return n.toLocaleString('en-US');
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Traffic and files: `1.50 kB`, `3.20 GB`, as the window and the report have it. */
export const bytes = bytesText;

/** `12.48 s`, `3.1 ms`: three significant digits. */
export function duration(ns: number): string {
  if (ns >= 1e9) return `${(ns / 1e9).toPrecision(Math.max(3, String(Math.floor(ns / 1e9)).length))} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toPrecision(3)} ms`;
  if (ns >= 1e3) return `${(ns / 1e3).toPrecision(3)} µs`;
  return `${ns} ns`;
}

/** Columns padded to their widest cell; numbers to the right. The last column is not padded. */
export function table(rows: readonly (readonly string[])[], rightAligned: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length);
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const pad = ' '.repeat(widths[i]! - [...cell].length);
        if (rightAligned.includes(i)) return pad + cell;
        return i === row.length - 1 ? cell : cell + pad;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Control characters of packets and file names must not reach the terminal: they could move its cursor or rename its window. */
export function printable(text: string): string {
  return [...text].map((c) => (c < ' ' || (c >= '\u007f' && c <= '\u009f') ? '\ufffd' : c)).join('');
}
