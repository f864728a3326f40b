import { RateClock } from './rate-clock.ts';

/** Colours of RFC 2697 and RFC 2698, as numbers for typed arrays. */
export const GREEN = 0;
export const YELLOW = 1;
export const RED = 2;
export type Colour = typeof GREEN | typeof YELLOW | typeof RED;

/** A meter that gives every packet a colour. Times are whole nanoseconds and never fall. */
export interface Marker {
  /** Colour of a packet of `lengthBytes` at `tNs` that came with colour `before`; GREEN for a color-blind meter. */
  meter(tNs: number, lengthBytes: number, before: Colour): Colour;
}

/**
 * A bucket of whole bytes and an exact fraction. Tokens flow in continuously at the rate of its clock: that is the limit of the RFCs'
 * "incremented by one CIR times per second" and does not depend on where between two increments the first packet came.
 */
class Bucket {
  readonly sizeBytes: number;
  bytes: number;
  private fraction = 0;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.bytes = sizeBytes;
  }

  /** Adds tokens; what does not fit is left in `overBytes` and `overFraction`. */
  fill(bytes: number, fraction: number, unitsPerByte: number): void {
    let sum = this.fraction + fraction;
    let whole = this.bytes + bytes;
    if (sum >= unitsPerByte) {
      sum -= unitsPerByte;
      whole++;
    }
    if (whole < this.sizeBytes) {
      this.bytes = whole;
      this.fraction = sum;
      overBytes = 0;
      overFraction = 0;
      return;
    }
    this.bytes = this.sizeBytes;
    this.fraction = 0;
    overBytes = whole - this.sizeBytes;
    overFraction = sum;
  }
}

/** What the last `fill` had no room for. Module state instead of a result object: it runs for every packet. */
let overBytes = 0;
let overFraction = 0;

/** Single rate three color marker (RFC 2697 section 3): CIR, CBS, and EBS filled by what CBS has no room for. */
export class SingleRateMarker implements Marker {
  private readonly clock: RateClock;
  private readonly committed: Bucket;
  private readonly excess: Bucket;
  private lastNs = Number.NaN;

  constructor(cirBps: number, cbsBytes: number, ebsBytes: number) {
    this.clock = new RateClock(cirBps);
    this.committed = new Bucket(cbsBytes);
    this.excess = new Bucket(ebsBytes);
  }

  meter(tNs: number, lengthBytes: number, before: Colour): Colour {
    const { clock, committed, excess } = this;
    if (tNs > this.lastNs) {
      clock.accrue(tNs - this.lastNs);
      committed.fill(clock.bytes, clock.fraction, clock.unitsPerByte);
      excess.fill(overBytes, overFraction, clock.unitsPerByte);
    }
    this.lastNs = tNs;
    if (before === GREEN && committed.bytes >= lengthBytes) {
      committed.bytes -= lengthBytes;
      return GREEN;
    }
    if (before !== RED && excess.bytes >= lengthBytes) {
      excess.bytes -= lengthBytes;
      return YELLOW;
    }
    return RED;
  }
}

/** Two rate three color marker (RFC 2698 section 3): PIR with PBS decides red, CIR with CBS decides yellow. */
export class TwoRateMarker implements Marker {
  private readonly peakClock: RateClock;
  private readonly committedClock: RateClock;
  private readonly peak: Bucket;
  private readonly committed: Bucket;
  private lastNs = Number.NaN;

  constructor(cirBps: number, cbsBytes: number, pirBps: number, pbsBytes: number) {
    this.peakClock = new RateClock(pirBps);
    this.committedClock = new RateClock(cirBps);
    this.peak = new Bucket(pbsBytes);
    this.committed = new Bucket(cbsBytes);
  }

  meter(tNs: number, lengthBytes: number, before: Colour): Colour {
    const { peak, committed, peakClock, committedClock } = this;
    if (tNs > this.lastNs) {
      const dtNs = tNs - this.lastNs;
      peakClock.accrue(dtNs);
      peak.fill(peakClock.bytes, peakClock.fraction, peakClock.unitsPerByte);
      committedClock.accrue(dtNs);
      committed.fill(committedClock.bytes, committedClock.fraction, committedClock.unitsPerByte);
    }
    this.lastNs = tNs;
    if (before === RED || peak.bytes < lengthBytes) return RED;
    peak.bytes -= lengthBytes;
    if (before === YELLOW || committed.bytes < lengthBytes) return YELLOW;
    committed.bytes -= lengthBytes;
    return GREEN;
  }
}

const ASSURED_FORWARDING = /* AF11 to AF43 */ [10, 12, 14, 18, 20, 22, 26, 28, 30, 34, 36, 38];

/**
 * Colour that a packet came with, from its DSCP: the drop precedence of assured forwarding (RFC 2597 section 2), where AFx1 is green,
 * AFx2 yellow and AFx3 red. Everything else is green.
 */
export function colourOfDscp(dscp: number): Colour {
  if (!ASSURED_FORWARDING.includes(dscp)) return GREEN;
  const precedence = (dscp >>> 1) & 3;
  return precedence === 1 ? GREEN : precedence === 2 ? YELLOW : RED;
}
