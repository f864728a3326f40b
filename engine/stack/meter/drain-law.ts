import { NS_PER_MS, NS_PER_US } from '../../base/index.ts';
import type { Capability, MeterSpec } from '../../contract/index.ts';

/** Weight of a new gap between bursts in the expected one: one eighth, as RFC 6298 weighs round trips. */
const GAP_WEIGHT = 1 / 8;
/** Shortest time to drain in: a law that asks for less asks for no meter. */
const MIN_TARGET_NS = 100 * NS_PER_US;

/**
 * How fast a ring is drained (B-16): rate = clamp(bytes in the ring / target, min, max). The target is the gap to the next burst that
 * is expected, shorter on a good channel (the next burst comes soon: 0.5 of the gap at quality 1) and longer on a bad one (spread
 * out: 1.5 at quality 0), and never more than half of the delay that may be added.
 */
export class DrainLaw {
  expectedGapNs: number;
  targetNs = 0;
  minBps = 0;
  maxBps = 0;
  quality = 1;
  bursts = 0;
  burstBytes = 0;
  burstMaxBytes = 0;
  lastArrivalNs = -1;
  private readonly spec: MeterSpec;
  private readonly burstGapNs: number;
  private currentBps = Number.POSITIVE_INFINITY;
  private capability: Capability;

  constructor(spec: MeterSpec, capability: Capability) {
    this.spec = spec;
    this.capability = capability;
    this.burstGapNs = Math.round(spec.burstGapUs * NS_PER_US);
    this.expectedGapNs = capability.burstPeriodUs * NS_PER_US;
    this.update();
  }

  setCapability(capability: Capability): void {
    this.capability = capability;
    this.forget();
  }

  /** After a handover or another record: what was learnt of the gaps holds no more. */
  forget(): void {
    this.expectedGapNs = this.capability.burstPeriodUs * NS_PER_US;
    this.update();
  }

  setChannel(quality: number, currentBps: number): void {
    this.quality = quality;
    this.currentBps = currentBps;
    this.update();
  }

  /** Counts a packet that came to the device; a silence before it ends the burst. */
  arrived(tNs: number, lenBytes: number): void {
    const gapNs = tNs - this.lastArrivalNs;
    if (this.lastArrivalNs < 0 || gapNs >= this.burstGapNs) {
      if (this.lastArrivalNs >= 0) {
        this.expectedGapNs += (gapNs - this.expectedGapNs) * GAP_WEIGHT;
        this.update();
      }
      this.bursts++;
      this.burstBytes = 0;
    }
    if (tNs > this.lastArrivalNs) this.lastArrivalNs = tNs;
    this.burstBytes += lenBytes;
    if (this.burstBytes > this.burstMaxBytes) this.burstMaxBytes = this.burstBytes;
  }

  /** Recomputes target and limits. */
  update(): void {
    const { spec, capability } = this;
    const base = spec.drain === 'static' ? capability.burstPeriodUs * NS_PER_US : this.expectedGapNs * (1.5 - this.quality);
    this.targetNs = Math.max(MIN_TARGET_NS, Math.min(base, (spec.maxAddedDelayMs * NS_PER_MS) / 2));
    const peak = spec.rateMaxBps ?? capability.peakBps;
    this.maxBps = spec.drain === 'static' ? peak : Math.min(peak, this.currentBps);
    this.minBps = Math.min(this.maxBps, spec.rateMinBps ?? capability.sustainedBps);
  }

  /** Rate for a ring that holds `bytes`, bits per second. */
  rateFor(bytes: number): number {
    const wanted = (bytes * 8e9) / this.targetNs;
    return wanted < this.minBps ? this.minBps : wanted > this.maxBps ? this.maxBps : wanted;
  }
}
