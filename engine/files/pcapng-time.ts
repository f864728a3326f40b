import { CLOCK_LIMIT_NS } from './reader-base.ts';
import type { InterfaceInfo } from './types.ts';

const NS = 1_000_000_000n;

/** Who rounds what the clock cannot show exactly: the reader. */
export interface Rounder {
  round(timeNs: bigint, fileOffset: number, lastNs: number): number;
}

/**
 * Turns one interface's 64-bit timestamps into clock time. The distance to the interface's first timestamp is taken in ticks,
 * where float64 is exact, and only the constant part needs bigints; units that are no whole number of ns (finer than ns, or
 * powers of two) go the slow way for every packet.
 */
export class InterfaceClock {
  /** ns of a tick, or 0 where it is no whole number. */
  readonly tickNs: number;
  private readonly ticks: bigint;
  private readonly offsetNs: bigint;
  private started = false;
  private firstHigh = 0;
  private firstLow = 0;
  private shiftNs = 0;
  private limitTicks = 0;

  constructor(info: InterfaceInfo) {
    this.ticks = info.ticksPerSecond;
    this.offsetNs = info.tsOffsetSeconds * NS;
    this.tickNs = this.ticks <= NS && NS % this.ticks === 0n ? Number(NS / this.ticks) : 0;
  }

  /** ns since 1970. */
  epochNs(high: number, low: number): bigint {
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    return (ticks * NS) / this.ticks + this.offsetNs;
  }

  /** Clock time of a timestamp, given the epoch of the input and the clock time of the packet before. */
  at(high: number, low: number, epochNs: bigint, rounder: Rounder, fileOffset: number, lastNs: number): number {
    if (this.tickNs === 0) return rounder.round(this.epochNs(high, low), fileOffset, lastNs);
    if (!this.started) {
      const first = this.epochNs(high, low);
      const rounded = rounder.round(first, fileOffset, lastNs);
      if (BigInt(rounded) !== first - epochNs) return rounded;
      this.started = true;
      this.firstHigh = high;
      this.firstLow = low;
      this.shiftNs = rounded;
      this.limitTicks = Math.floor(CLOCK_LIMIT_NS / this.tickNs);
    }
    const ticks = (high - this.firstHigh) * 4294967296 + (low - this.firstLow);
    if (ticks <= this.limitTicks && ticks >= -this.limitTicks) {
      const t = ticks * this.tickNs + this.shiftNs;
      if (t <= CLOCK_LIMIT_NS && t >= -CLOCK_LIMIT_NS) return t;
    }
    return rounder.round(this.epochNs(high, low), fileOffset, lastNs);
  }
}
