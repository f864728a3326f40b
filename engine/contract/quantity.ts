/** Figures with units as engineers type them: `10M`, `1.5 Gbit/s`, `64KiB`, `250us`. */

const DECIMAL: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const BINARY: Readonly<Record<string, number>> = { ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40 };
const TIME_NS: Readonly<Record<string, number>> = { '': 1e3, ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9 };

const NUMBER = String.raw`(\d+(?:[.,]\d+)?|\d*\.\d+)(?:e(\d{1,2}))?\s*`;

function scaled(text: string, unit: RegExp, factors: Readonly<Record<string, number>>): number | undefined {
  const match = new RegExp(`^\\s*${NUMBER}(?:${unit.source})?\\s*$`, 'i').exec(text);
  if (match === null) return undefined;
  const factor = factors[(match[3] ?? '').toLowerCase()];
  if (factor === undefined) return undefined;
  const value = Number(match[1]!.replace(',', '.')) * 10 ** Number(match[2] ?? '0') * factor;
  // 0.1 * 3 is not to fail for its last digit.
  return Math.round(value * 1e3) / 1e3;
}

/** Bits per second: `10M`, `1.5 Gbit/s`, `9600`. Undefined if it is no rate, or no whole number of bits above 0. */
export function parseRateBps(text: string): number | undefined {
  // A capital B is bytes.
  const value = /B(?!it)/.test(text) ? undefined : scaled(text, /([kmgt]?)(?:b(?:it)?(?:\/s|ps)?)?/, DECIMAL);
  return value !== undefined && Number.isInteger(value) && value >= 1 ? value : undefined;
}

/** Bytes: `1500`, `64KiB`, `64k` (64,000), `1.5 MB`. Undefined if it is no size or no whole number of bytes. */
export function parseSizeBytes(text: string): number | undefined {
  const value = scaled(text, /([kmgt]?i?)b?/, { ...DECIMAL, ...BINARY });
  return value !== undefined && Number.isInteger(value) ? value : undefined;
}

/** Nanoseconds: `250us`, `1ms`, `0.5 s`; a bare number is microseconds. Undefined if it is no time or no whole number of ns. */
export function parseTimeNs(text: string): number | undefined {
  const value = scaled(text, /(ns|us|µs|μs|ms|s)/, TIME_NS);
  return value !== undefined && Number.isInteger(value) && value >= 1 ? value : undefined;
}
