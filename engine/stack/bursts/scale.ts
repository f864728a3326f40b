import type { PacketBurst, ScaleSummary } from '../../contract/index.ts';
import { Distribution } from './distribution.ts';
import { TopList } from './top-list.ts';

/** Windows of a scale slide in tenths: a peak is found to a tenth of a window, wherever it begins. */
export const STEPS = 10;

/** Windows and bursts at one scale, one packet at a time, in bounded memory. */
export class Scale {
  readonly scaleNs: number;
  private readonly stepNs: number;
  /** Bytes that the rate takes in a window; infinite without a rate. */
  private readonly roomBytes: number;
  private startNs = Number.NaN;

  // Sliding window: the last ten steps.
  private readonly stepBytes = new Float64Array(STEPS);
  private readonly stepFirst = new Float64Array(STEPS);
  private step = 0;
  private stepEndNs = Number.NEGATIVE_INFINITY;
  private slidingBytes = 0;
  private peakBytes = 0;
  private peakStep = 0;
  private peakFirst = 0;

  // Windows side by side.
  private window = 0;
  private windowSum = 0;
  private total = 0;
  private readonly windowBytes = new Distribution();
  private emptyWindows = 0;
  private aboveWindows = 0;
  private aboveBytes = 0;
  private aboveMax = 0;

  // The burst that goes on.
  private burstStartNs = 0;
  private burstEndNs = 0;
  private burstFirst = 0;
  private burstLast = 0;
  private burstPackets = 0;
  private burstBytes = 0;
  private single = 0;
  private readonly bytes = new Distribution();
  private readonly packets = new Distribution();
  private readonly durations = new Distribution();
  private readonly gaps = new Distribution();
  private readonly top: TopList<PacketBurst>;

  constructor(scaleNs: number, rateBps: number | null, top: number) {
    this.scaleNs = scaleNs;
    this.stepNs = scaleNs / STEPS;
    this.roomBytes = rateBps === null ? Number.POSITIVE_INFINITY : (rateBps * scaleNs) / 8e9;
    this.top = new TopList(top);
  }

  /** A packet; times never fall. */
  add(tNs: number, lengthBytes: number, number: number): void {
    if (tNs >= this.stepEndNs) this.advance(tNs);
    const slot = this.step % STEPS;
    if (this.stepFirst[slot] === 0) this.stepFirst[slot] = number;
    this.stepBytes[slot] = this.stepBytes[slot]! + lengthBytes;
    this.slidingBytes += lengthBytes;
    this.windowSum += lengthBytes;
    this.total += lengthBytes;
    if (this.slidingBytes > this.peakBytes) this.notePeak();
    this.addToBurst(tNs, lengthBytes, number);
  }

  /** Moves on to the step that an instant falls into. */
  private advance(tNs: number): void {
    if (Number.isNaN(this.startNs)) {
      this.startNs = tNs;
      this.burstEndNs = tNs;
    }
    const step = Math.floor((tNs - this.startNs) / this.stepNs);
    const passed = Math.min(STEPS, step - this.step);
    for (let i = 1; i <= passed; i++) {
      const slot = (this.step + i) % STEPS;
      this.slidingBytes -= this.stepBytes[slot]!;
      this.stepBytes[slot] = 0;
      this.stepFirst[slot] = 0;
    }
    this.step = step;
    this.stepEndNs = this.startNs + (step + 1) * this.stepNs;
    const window = Math.floor(step / STEPS);
    if (window === this.window) return;
    this.closeWindow();
    const empty = window - this.window - 1;
    this.emptyWindows += empty;
    this.windowBytes.addZeros(empty);
    this.window = window;
  }

  private notePeak(): void {
    this.peakBytes = this.slidingBytes;
    this.peakStep = this.step;
    for (let i = 1; i <= STEPS; i++) {
      const first = this.stepFirst[(this.step + i) % STEPS]!;
      if (first === 0) continue;
      this.peakFirst = first;
      return;
    }
  }

  private closeWindow(): void {
    const sum = this.windowSum;
    this.windowBytes.add(sum);
    if (sum === 0) this.emptyWindows++;
    const over = sum - this.roomBytes;
    if (over > 0) {
      this.aboveWindows++;
      this.aboveBytes += over;
      if (over > this.aboveMax) this.aboveMax = over;
    }
    this.windowSum = 0;
  }

  private addToBurst(tNs: number, lengthBytes: number, number: number): void {
    const gap = tNs - this.burstEndNs;
    if (gap > this.scaleNs) {
      this.closeBurst();
      this.gaps.add(gap);
    }
    if (this.burstPackets === 0) {
      this.burstStartNs = tNs;
      this.burstFirst = number;
    }
    this.burstEndNs = tNs;
    this.burstLast = number;
    this.burstPackets++;
    this.burstBytes += lengthBytes;
  }

  private closeBurst(): void {
    const { burstStartNs: startNs, burstEndNs: endNs, burstPackets: packets, burstBytes: bytes } = this;
    if (packets === 1) this.single++;
    this.bytes.add(bytes);
    this.packets.add(packets);
    this.durations.add(endNs - startNs);
    if (this.top.accepts(bytes)) {
      this.top.add(bytes, { startNs, endNs, firstPacket: this.burstFirst, lastPacket: this.burstLast, packets, bytes });
    }
    this.burstPackets = 0;
    this.burstBytes = 0;
  }

  /** Ends the last window and burst. Call once. */
  finish(): ScaleSummary {
    if (this.burstPackets > 0) {
      this.closeBurst();
      this.closeWindow();
    }
    const windows = this.windowBytes.count;
    const mean = windows === 0 ? 0 : this.total / windows;
    const rated = this.roomBytes !== Number.POSITIVE_INFINITY;
    return {
      scaleNs: this.scaleNs,
      windows,
      emptyWindows: this.emptyWindows,
      windowBytes: this.windowBytes.summary(),
      peak: {
        bytes: this.peakBytes,
        startNs: windows === 0 ? 0 : this.startNs + Math.max(0, this.peakStep - STEPS + 1) * this.stepNs,
        firstPacket: this.peakFirst,
      },
      peakToMean: mean === 0 ? 0 : this.peakBytes / mean,
      above: rated ? { windows: this.aboveWindows, bytes: Math.ceil(this.aboveBytes), maxBytes: Math.ceil(this.aboveMax) } : null,
      bursts: {
        count: this.bytes.count,
        single: this.single,
        bytes: this.bytes.summary(),
        packets: this.packets.summary(),
        durationNs: this.durations.summary(),
        gapNs: this.gaps.summary(),
      },
    };
  }

  /** The largest bursts by bytes, after `finish`. */
  largest(): PacketBurst[] {
    return this.top.items();
  }
}
