/**
 * Figures as the window shows them: thousands separators, units, and times with the digits the input has. One place, so that the
 * same number looks the same in every panel. Locale is fixed to English: the same capture must read the same on every screen.
 */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1,234,567 */
export function formatCount(value: number): string {
  return whole.format(value);
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, three significant digits: 171 MB, 1.42 GB. Exact below 1,000 bytes. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1_000, BYTE_UNITS);
}

const IEC_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Binary units, for memory: 1.4 MiB. */
export function formatMemory(bytes: number): string {
  return scaled(bytes, 1_024, IEC_UNITS);
}

const RATE_UNITS = ['b/s', 'kb/s', 'Mb/s', 'Gb/s', 'Tb/s'] as const;

export function formatRate(rateBps: number): string {
  return scaled(rateBps, 1_000, RATE_UNITS);
}

const PACKET_RATE_UNITS = ['p/s', 'kp/s', 'Mp/s', 'Gp/s'] as const;

export function formatPacketRate(rate: number): string {
  return scaled(rate, 1_000, PACKET_RATE_UNITS);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let unit = 0;
  let rest = value;
  while (Math.abs(rest) >= base - 0.5 && unit < units.length - 1) {
    rest /= base;
    unit++;
  }
  const digits = unit === 0 || Math.abs(rest) >= 100 ? 0 : Math.abs(rest) >= 10 ? 1 : 2;
  return `${rest.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** Seconds since the start with the input's digits: `12.480310` or `12.480310117`. Fixed width after the point. */
export function formatSeconds(tNs: number, digits: 6 | 9): string {
  const sign = tNs < 0 ? '-' : '';
  const ns = Math.abs(Math.round(tNs));
  const seconds = Math.floor(ns / 1e9);
  const fraction = String(ns - seconds * 1e9).padStart(9, '0');
  return `${sign}${String(seconds)}.${fraction.slice(0, digits)}`;
}

/** The transport's clock: `00:12.480 116` (or with nanoseconds `00:12.480 116 420`), hours in front where there are any. */
export function formatClock(tNs: number, digits: 3 | 6 | 9): string {
  const ns = Math.max(0, Math.round(tNs));
  const totalSeconds = Math.floor(ns / 1e9);
  const fraction = String(ns - totalSeconds * 1e9).padStart(9, '0');
  const hours = Math.floor(totalSeconds / 3_600);
  const minutes = Math.floor(totalSeconds / 60) % 60;
  const two = (n: number): string => String(n).padStart(2, '0');
  const head = hours > 0 ? `${String(hours)}:${two(minutes)}` : two(minutes);
  const groups = [fraction.slice(0, 3), fraction.slice(3, 6), fraction.slice(6, 9)].slice(0, digits / 3);
  return `${head}:${two(totalSeconds % 60)}.${groups.join('\u202f')}`;
}

/** A duration with the unit that suits it: `41 µs`, `4.86 ms`, `2.5 s`, `3 min 20 s`. */
export function formatDuration(ns: number): string {
  const abs = Math.abs(ns);
  if (abs < 1_000) return `${ns.toFixed(0)} ns`;
  if (abs < 1e6) return `${three(ns / 1e3)} µs`;
  if (abs < 1e9) return `${three(ns / 1e6)} ms`;
  if (abs < 120e9) return `${three(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${String(hours)} h ${String(minutes)} min` : `${String(minutes)} min ${String(seconds % 60)} s`;
}

function three(value: number): string {
  const abs = Math.abs(value);
  return value.toFixed(abs >= 100 ? 0 : abs >= 10 ? 1 : 2);
}

/** `82 %`, with one digit below 10 % so that a small fill is not shown as nothing. */
export function formatPercent(part: number, of: number): string {
  if (of <= 0) return '0 %';
  const percent = (part * 100) / of;
  // A few is not none, and nearly all is not all.
  if (percent > 0 && percent < 0.05) return '<0.1 %';
  if (percent >= 99.5 && percent < 100) return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** `1 packet`, `2 packets`: counts with their noun. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
