import { NS_PER_MS, NS_PER_S, type Random } from '../../base/index.ts';
import { BURST_PATTERNS, type FlowStreamSpec } from './spec.ts';

/** When the packets of a flow stream come, and which of them are acknowledgments in the other direction. */
export interface Pacing {
  /** Time of the current packet. */
  tNs: number;
  /** True where the current packet is an acknowledgment. */
  reverse: boolean;
  /** Acknowledgments that the packets since the last ones have earned: they leave when the burst is over. */
  acks: number;
  advance(): void;
}

class SteadyPacing implements Pacing {
  tNs: number;
  readonly reverse = false;
  acks = 0;
  private exact: number;
  private readonly gapNs: number;
  private readonly random: Random | null;

  constructor(startNs: number, ratePps: number, random: Random | null) {
    this.gapNs = NS_PER_S / ratePps;
    this.random = random;
    this.exact = startNs + (random === null ? 0 : random.exponential(this.gapNs));
    this.tNs = Math.floor(this.exact);
  }

  advance(): void {
    this.exact += this.random === null ? this.gapNs : this.random.exponential(this.gapNs);
    this.tNs = Math.floor(this.exact);
  }
}

/** Gap between two acknowledgments that leave together. */
const ACK_GAP_NS = 2_000;
/** From the last packet of a burst to the first acknowledgment. */
const ACK_DELAY_NS = 150_000;

interface BurstFigures {
  readonly periodNs: number;
  readonly jitter: number;
  readonly packetsMin: number;
  readonly packetsMax: number;
  readonly gapNs: number;
  readonly acks: boolean;
}

class BurstPacing implements Pacing {
  tNs = 0;
  reverse = false;
  acks = 0;
  private left = 0;
  private nextBurstNs: number;
  private readonly f: BurstFigures;
  private readonly random: Random;

  constructor(startNs: number, f: BurstFigures, random: Random) {
    this.f = f;
    this.random = random;
    this.nextBurstNs = startNs;
    this.begin();
  }

  advance(): void {
    if (this.left > 1) {
      this.left--;
      this.tNs += this.reverse ? ACK_GAP_NS : this.f.gapNs;
    } else if (!this.reverse && this.f.acks && this.acks > 0) {
      this.reverse = true;
      this.left = this.acks;
      this.acks = 0;
      this.tNs += ACK_DELAY_NS;
    } else {
      this.begin();
    }
  }

  private begin(): void {
    const { f, random } = this;
    this.reverse = false;
    this.left = random.int(f.packetsMin, f.packetsMax);
    const moved = this.nextBurstNs + f.periodNs * f.jitter * random.float();
    // A burst longer than its period pushes the next one back; time never goes backwards.
    this.tNs = Math.max(Math.floor(moved), this.tNs);
    this.nextBurstNs += f.periodNs;
  }
}

/** Frame size inside bursts, after the pattern's default. */
export function burstBytes(spec: Extract<FlowStreamSpec, { kind: 'burst' }>): number {
  return spec.bytes ?? BURST_PATTERNS[spec.pattern].bytes;
}

export function makePacing(spec: FlowStreamSpec, random: Random): Pacing {
  const startNs = Math.floor(spec.startMs * NS_PER_MS);
  if (spec.kind === 'constant') return new SteadyPacing(startNs, spec.ratePps, null);
  if (spec.kind === 'imix') return new SteadyPacing(startNs, spec.ratePps, spec.gaps === 'poisson' ? random : null);
  const base = BURST_PATTERNS[spec.pattern];
  const packetsMin = spec.packetsMin ?? Math.min(base.packetsMin, spec.packetsMax ?? Infinity);
  const figures: BurstFigures = {
    periodNs: (spec.periodMs ?? base.periodMs) * NS_PER_MS,
    jitter: spec.jitter ?? base.jitter,
    packetsMin,
    packetsMax: Math.max(packetsMin, spec.packetsMax ?? base.packetsMax),
    gapNs: Math.max(1, Math.floor((burstBytes(spec) * 8 * NS_PER_S) / (spec.lineBps ?? base.lineBps))),
    acks: spec.acks && spec.tcpShare > 0,
  };
  return new BurstPacing(startNs, figures, random);
}
