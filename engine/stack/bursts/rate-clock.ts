import { assert } from '../../base/index.ts';

/** Highest rate of a meter or a queue, bits per second: above it the products below would not be exact. */
export const MAX_RATE_BPS = 1e12;

/** Bytes that a clock says at most between two packets: more than any bucket or queue here holds. */
export const ACCRUAL_LIMIT_BYTES = 2 ** 50;

/** One byte is this many bit-nanoseconds at one bit per second. */
const BYTE_UNITS = 8e9;
const SPLIT = 2 ** 20;

export function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/**
 * How many bytes a rate is worth over a time, exactly: whole bytes and a fraction in units of 1/`unitsPerByte`. Rates are whole bits
 * per second and times whole nanoseconds, so R * dt / 8e9 bytes is a fraction whose denominator divides 8e9. A product that would
 * leave the 53 bits of a double is split by seconds and by the halves of the rate, so nothing is ever rounded. Times above
 * ACCRUAL_LIMIT_BYTES worth of bytes give that limit: any bucket is full and any queue empty by then.
 */
export class RateClock {
  readonly rateBps: number;
  /** Denominator of `fraction`: 8e9 divided by what it has in common with the rate. */
  readonly unitsPerByte: number;
  /** Result of the last `accrue`. */
  bytes = 0;
  fraction = 0;
  private readonly unitsPerNs: number;
  private readonly common: number;

  constructor(rateBps: number) {
    assert(Number.isInteger(rateBps) && rateBps >= 1 && rateBps <= MAX_RATE_BPS, `rate ${String(rateBps)} bps`);
    this.rateBps = rateBps;
    this.common = greatestCommonDivisor(rateBps, BYTE_UNITS);
    this.unitsPerByte = BYTE_UNITS / this.common;
    this.unitsPerNs = rateBps / this.common;
  }

  /** Sets `bytes` and `fraction` to what `dtNs` (whole, not negative) is worth. */
  accrue(dtNs: number): void {
    const units = this.unitsPerNs * dtNs;
    if (units > Number.MAX_SAFE_INTEGER) {
      this.accrueLong(dtNs);
      return;
    }
    this.bytes = Math.floor(units / this.unitsPerByte);
    this.fraction = units - this.bytes * this.unitsPerByte;
  }

  /** Nanoseconds until a level is worked off at this rate, rounded up. */
  drainNs(bytes: number, fraction: number): number {
    return Math.ceil(((bytes + fraction / this.unitsPerByte) * BYTE_UNITS) / this.rateBps);
  }

  private accrueLong(dtNs: number): void {
    const { rateBps } = this;
    if ((rateBps / BYTE_UNITS) * dtNs >= ACCRUAL_LIMIT_BYTES) {
      this.bytes = ACCRUAL_LIMIT_BYTES;
      this.fraction = 0;
      return;
    }
    const seconds = Math.floor(dtNs / 1e9);
    const ns = dtNs - seconds * 1e9;
    const bits = rateBps * seconds;
    let bytes = Math.floor(bits / 8);
    let rest = (bits % 8) * 1e9;
    const high = Math.floor(rateBps / SPLIT) * ns;
    const highBytes = Math.floor(high / BYTE_UNITS);
    const middle = (high - highBytes * BYTE_UNITS) * SPLIT;
    const low = (rateBps % SPLIT) * ns;
    bytes += highBytes * SPLIT + Math.floor(middle / BYTE_UNITS) + Math.floor(low / BYTE_UNITS);
    rest += (middle % BYTE_UNITS) + (low % BYTE_UNITS);
    const carry = Math.floor(rest / BYTE_UNITS);
    this.bytes = bytes + carry;
    this.fraction = (rest - carry * BYTE_UNITS) / this.common;
  }
}
