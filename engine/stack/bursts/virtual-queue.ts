import type { CurvePoint, Microburst, QueueSummary } from '../../contract/index.ts';
import { RateClock, greatestCommonDivisor } from './rate-clock.ts';
import { Distribution } from './distribution.ts';
import { TopList } from './top-list.ts';

/**
 * A queue without limit that is drained at a constant rate. A packet enters whole at its time stamp. The largest level is the
 * smallest buffer that loses nothing and, by the same arithmetic, the smallest token bucket that finds every packet conforming: a
 * bucket of B bytes holds B - level tokens. Levels are exact (see RateClock); a fraction of a byte rounds the need up.
 */
export class VirtualQueue {
  private readonly clock: RateClock;
  private readonly top: TopList<Microburst>;
  private readonly peaks = new Distribution();
  private bytes = 0;
  private fraction = 0;
  private lastNs = Number.NaN;
  private lastPacket = 0;
  private mostBytes = 0;
  private mostNs = 0;
  private mostPacket = 0;
  private busyNs = 0;
  // The busy period that goes on.
  private startNs = 0;
  private firstPacket = 0;
  private packets = 0;
  private volume = 0;
  private peakBytes = 0;
  private peakNs = 0;
  private peakPacket = 0;

  constructor(rateBps: number, top: number) {
    this.clock = new RateClock(rateBps);
    this.top = new TopList(top);
  }

  /** A packet; times never fall. */
  add(tNs: number, lengthBytes: number, number: number): void {
    if (this.packets > 0 && tNs > this.lastNs) this.drain(tNs - this.lastNs);
    if (this.packets === 0) {
      this.startNs = tNs;
      this.firstPacket = number;
      this.volume = 0;
      this.peakBytes = 0;
      this.peakNs = tNs;
      this.peakPacket = number;
    }
    this.lastNs = tNs;
    this.lastPacket = number;
    this.packets++;
    this.volume += lengthBytes;
    this.bytes += lengthBytes;
    const level = this.bytes + (this.fraction > 0 ? 1 : 0);
    if (level <= this.peakBytes) return;
    this.peakBytes = level;
    this.peakNs = tNs;
    this.peakPacket = number;
  }

  /** Bytes queued now, a started byte counted whole. */
  get level(): number {
    return this.bytes + (this.fraction > 0 ? 1 : 0);
  }

  private drain(dtNs: number): void {
    const { clock } = this;
    clock.accrue(dtNs);
    let bytes = this.bytes - clock.bytes;
    let fraction = this.fraction - clock.fraction;
    if (fraction < 0) {
      fraction += clock.unitsPerByte;
      bytes--;
    }
    if (bytes < 0 || (bytes === 0 && fraction === 0)) {
      this.close();
      return;
    }
    this.bytes = bytes;
    this.fraction = fraction;
  }

  private close(): void {
    const { clock, peakBytes, startNs } = this;
    const endNs = this.lastNs + clock.drainNs(this.bytes, this.fraction);
    this.peaks.add(peakBytes);
    this.busyNs += endNs - startNs;
    if (peakBytes > this.mostBytes) {
      this.mostBytes = peakBytes;
      this.mostNs = this.peakNs;
      this.mostPacket = this.peakPacket;
    }
    if (this.top.accepts(peakBytes)) {
      const { firstPacket, lastPacket, packets, volume, peakNs, peakPacket } = this;
      const drainNs = clock.drainNs(peakBytes, 0);
      this.top.add(peakBytes, {
        startNs,
        endNs,
        firstPacket,
        lastPacket,
        packets,
        bytes: volume,
        peakBytes,
        peakNs,
        peakPacket,
        drainNs,
      });
    }
    this.bytes = 0;
    this.fraction = 0;
    this.packets = 0;
  }

  /** Ends the last busy period and says what the queue came to. Call once. */
  finish(): QueueSummary {
    if (this.packets > 0) this.close();
    const { clock, mostBytes } = this;
    return {
      rateBps: clock.rateBps,
      bufferBytes: mostBytes,
      bufferNs: clock.drainNs(mostBytes, 0),
      peakNs: this.mostNs,
      peakPacket: this.mostPacket,
      busyPeriods: this.peaks.count,
      busyNs: this.busyNs,
      peakBytes: this.peaks.summary(),
      microbursts: this.top.items(),
    };
  }
}

/** Six rates a decade from 1 kbit/s to 1 Tbit/s. */
export const CURVE_RATES_BPS: readonly number[] = Array.from({ length: 9 }, (_, decade) =>
  [1, 1.5, 2, 3, 5, 7].map((n) => n * 10 ** (decade + 3)),
)
  .flat()
  .concat(1e12);

/**
 * Virtual queues at many rates at once, levels only. A level is a whole number of units of 1/q byte, where p/q bytes flow a
 * nanosecond, in lowest terms; with the rates of the curve it is exact up to 562 MB at least. A queue that leaves the 53 bits of a
 * double is given up: its level becomes infinite.
 */
export class QueueBank {
  private readonly rates: readonly number[];
  private readonly unitsPerNs: Float64Array;
  private readonly unitsPerByte: Float64Array;
  private readonly levels: Float64Array;
  private readonly peaks: Float64Array;
  private lastNs = Number.NaN;

  constructor(rates: readonly number[] = CURVE_RATES_BPS) {
    this.rates = rates;
    const common = rates.map((rate) => greatestCommonDivisor(rate, 8e9));
    this.unitsPerNs = Float64Array.from(rates, (rate, i) => rate / common[i]!);
    this.unitsPerByte = Float64Array.from(common, (n) => 8e9 / n);
    this.levels = new Float64Array(rates.length);
    this.peaks = new Float64Array(rates.length);
  }

  /** A packet; times never fall. */
  add(tNs: number, lengthBytes: number): void {
    const { levels, peaks, unitsPerNs, unitsPerByte } = this;
    const dtNs = tNs > this.lastNs ? tNs - this.lastNs : 0;
    this.lastNs = tNs;
    for (let i = 0; i < levels.length; i++) {
      // A product above 2^53 is not exact, but then it is more than any finite level.
      let level = levels[i]! - unitsPerNs[i]! * dtNs;
      if (level < 0) level = 0;
      level += lengthBytes * unitsPerByte[i]!;
      if (level > peaks[i]!) {
        if (level > Number.MAX_SAFE_INTEGER) level = Number.POSITIVE_INFINITY;
        peaks[i] = level;
      }
      levels[i] = level;
    }
  }

  points(): CurvePoint[] {
    return this.rates.map((rateBps, i) => {
      const peak = this.peaks[i]!;
      return { rateBps, bucketBytes: peak === Number.POSITIVE_INFINITY ? null : Math.ceil(peak / this.unitsPerByte[i]!) };
    });
  }
}
