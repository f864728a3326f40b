/**
 * Time on the lab clock (W-01): integer nanoseconds since the first instant of the input, in a float64.
 * Integers stay exact up to 2^53 ns, 104 days. The bigint epoch of the input is kept once, beside the input.
 */
export const NS_PER_US = 1_000;
export const NS_PER_MS = 1_000_000;
export const NS_PER_S = 1_000_000_000;

/** Largest instant at which every nanosecond is exact. Later instants are rounded by the reader, which counts them. */
export const MAX_CLOCK_NS = Number.MAX_SAFE_INTEGER;

/** `12.480310` (6 digits) or `12.480310117` (9 digits): seconds with a fixed number of decimals. */
export function formatSeconds(tNs: number, digits: 0 | 3 | 6 | 9 = 6): string {
  const negative = tNs < 0;
  const abs = Math.abs(Math.round(tNs));
  const seconds = Math.floor(abs / NS_PER_S);
  const fraction = String(abs - seconds * NS_PER_S)
    .padStart(9, '0')
    .slice(0, digits);
  return `${negative ? '-' : ''}${String(seconds)}${digits > 0 ? `.${fraction}` : ''}`;
}

/** ISO 8601 in UTC with nanoseconds, from a bigint of ns since 1970. Instants outside the years 0001-9999 print as raw seconds. */
export function formatEpoch(epochNs: bigint): string {
  let ms = epochNs / 1_000_000n;
  let rest = epochNs % 1_000_000n;
  if (rest < 0n) {
    rest += 1_000_000n;
    ms -= 1n;
  }
  const date = new Date(Number(ms));
  const year = date.getUTCFullYear();
  if (Number.isNaN(year) || year < 1 || year > 9999) {
    return `${String(epochNs / 1_000_000_000n)} s since 1970`;
  }
  return `${date.toISOString().slice(0, -1)}${String(rest).padStart(6, '0')}Z`;
}
