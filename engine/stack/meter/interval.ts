import { NS_PER_MS, NS_PER_S, NS_PER_US } from '../../base/index.ts';
import type { Capability, MeterSpec } from '../../contract/index.ts';

/**
 * The release interval (B-17). Fixed, or adaptive in the way XNU mitigates interrupts (1.6): packets and bytes of 10 ms windows,
 * averaged with 1/8 when growing and 1/4 when shrinking, move through five levels; each level has low and high marks and a delay.
 * Up only when both averages are at the high marks, down only when both are at or under the low marks; a level is held for a
 * second, and a second of silence goes back to the first.
 */
const WINDOW_NS = 10 * NS_PER_MS;
const HOLD_NS = NS_PER_S;
const GROW_SHIFT = 8;
const SHRINK_SHIFT = 4;
const DELAYS_US = [100, 300, 500, 1_000, 200] as const;
const CELLULAR_DELAYS_US = [300, 500, 700, 1_500, 400] as const;
/** Marks of each level for a window: packets low and high, bytes low and high. */
const MARKS = [
  [10, 60, 4_000, 6_000],
  [40, 100, 5_000, 300_000],
  [80, 200, 100_000, 300_000],
  [220, 240, 330_000, 375_000],
  [250, 2_000, 450_000, 30_000_000],
] as const;

const CELLULAR = /^(lte|nr|umts|gsm|5g|4g)/i;

export class ReleaseInterval {
  readonly adaptive: boolean;
  ns: number;
  level = 0;
  /** Averages of packets and bytes a window. */
  packets = 0;
  bytes = 0;
  windowNs = 0;
  windowPackets = 0;
  windowBytes = 0;
  lastNs = 0;
  levelNs = 0;
  private delaysUs: readonly number[] = DELAYS_US;

  constructor(spec: MeterSpec, capability: Capability) {
    this.adaptive = spec.intervalMode === 'adaptive';
    this.ns = Math.round(spec.intervalUs * NS_PER_US);
    this.setCapability(capability);
  }

  setCapability(capability: Capability): void {
    this.delaysUs = CELLULAR.test(capability.rat) ? CELLULAR_DELAYS_US : DELAYS_US;
    if (this.adaptive) this.ns = this.delaysUs[this.level]! * NS_PER_US;
  }

  /** Counts what came to the meter. */
  arrived(tNs: number, lenBytes: number): void {
    if (!this.adaptive) return;
    if (tNs - this.lastNs >= HOLD_NS) this.reset(tNs);
    else if (tNs - this.windowNs >= WINDOW_NS) this.close(tNs);
    this.lastNs = tNs;
    this.windowPackets++;
    this.windowBytes += lenBytes;
  }

  private reset(tNs: number): void {
    this.level = 0;
    this.packets = 0;
    this.bytes = 0;
    this.windowPackets = 0;
    this.windowBytes = 0;
    this.windowNs = tNs;
    this.levelNs = tNs;
    this.ns = this.delaysUs[0]! * NS_PER_US;
  }

  /** Ends the windows that are over; empty ones count as silence. */
  private close(tNs: number): void {
    while (tNs - this.windowNs >= WINDOW_NS) {
      this.packets = average(this.packets, this.windowPackets);
      this.bytes = average(this.bytes, this.windowBytes);
      this.windowPackets = 0;
      this.windowBytes = 0;
      this.windowNs += WINDOW_NS;
    }
    if (tNs - this.levelNs < HOLD_NS) return;
    const [packetsLow, packetsHigh, bytesLow, bytesHigh] = MARKS[this.level]!;
    const before = this.level;
    if (this.packets >= packetsHigh && this.bytes >= bytesHigh && this.level < MARKS.length - 1) this.level++;
    else if (this.packets <= packetsLow && this.bytes <= bytesLow && this.level > 0) this.level--;
    if (this.level === before) return;
    this.levelNs = tNs;
    this.ns = this.delaysUs[this.level]! * NS_PER_US;
  }
}

function average(old: number, sample: number): number {
  return old + (sample - old) / (sample > old ? GROW_SHIFT : SHRINK_SHIFT);
}
