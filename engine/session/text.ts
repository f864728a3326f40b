import { formatSeconds } from '../base/index.ts';

/** Figures as people read them: thousands separators, units, no machine locale. */

export function count(n: number): string {
  return n.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

export function plural(n: number, word: string): string {
  return `${count(n)} ${word}${n === 1 ? '' : 's'}`;
}

/** Traffic, as the window shows it: three significant digits with a decimal unit, as in `422 kB`. */
export function bytesText(n: number): string {
  return scaled(n, 1_000, ['B', 'kB', 'MB', 'GB', 'TB']);
}

/** Memory (buffers, sockets), as the window shows it: a binary unit, as in `412 KiB`. */
export function memoryText(n: number): string {
  return scaled(n, 1_024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
}

function scaled(n: number, base: number, units: readonly string[]): string {
  let value = n;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${unit === 0 ? count(value) : significant(value)} ${units[unit]!}`;
}

/** A rate in bits a second with a decimal unit. */
export function rateText(bps: number): string {
  const units = ['b/s', 'kb/s', 'Mb/s', 'Gb/s', 'Tb/s'];
  let value = bps;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${significant(value)} ${units[unit]!}`;
}

function significant(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A duration with the unit that fits: `850 ns`, `3.1 ms`, `12.5 s`. */
export function durationText(ns: number): string {
  if (ns < 1_000) return `${String(Math.round(ns))} ns`;
  if (ns < 999_500) return `${trim(ns / 1_000)} µs`;
  if (ns < 999_500_000) return `${trim(ns / 1_000_000)} ms`;
  return `${trim(ns / 1_000_000_000)} s`;
}

function trim(value: number): string {
  const text = value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** An instant on the lab clock, `12.48 s`: as many decimals as a person needs to find it on the timeline. */
export function instantText(ns: number): string {
  return `${formatSeconds(ns, 3)} s`;
}

export function percent(part: number, whole: number): string {
  if (whole <= 0) return '0 %';
  const p = (part / whole) * 100;
  if (p === 0 || p >= 99.95) return `${p.toFixed(0)} %`;
  return p < 0.01 ? '< 0.01 %' : `${p < 1 ? p.toFixed(2) : p.toFixed(1)} %`;
}

/** A word of a shell command, quoted where a shell would read it otherwise. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) && !word.startsWith('-')
    ? word
    : `'${(word.startsWith('-') ? `./${word}` : word).replaceAll("'", `'\\''`)}'`;
}

/** `device RX queue 2`, from `device.rx.2`. */
export function objectName(id: string): string {
  const [port = '', kind = '', queue = ''] = id.split('.');
  const words: Readonly<Record<string, string>> = { rx: 'RX ring', tx: 'TX ring', pool: 'packet pool' };
  return `${port} ${words[kind] ?? kind}, queue ${queue}`;
}
