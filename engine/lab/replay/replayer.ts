import type { StepUnit } from '../../contract/index.ts';
import { NS_PER_MS, NS_PER_S, assert } from '../../base/index.ts';
import { burstEnd, burstGapNs, burstStart } from './bursts.ts';
import type { Player } from './player.ts';
import { TimingError, type TimingErrorFigures } from './timing-error.ts';

/**
 * The transport: play, pause, seek, step, loop. It owns no timer and no clock. The host calls `tick` when the time that the last
 * tick returned has come; every tick does a bounded piece of work, so that the host stays able to answer whatever the input.
 *
 * Paced replay feeds a packet at the first tick at or after its due time, never before. How late it was is measured for every
 * packet. How the host waits (a timer alone, or a timer and a spin at the end) is its own decision; `waitStrategy` names it.
 */

/** Packets of one tick: a few milliseconds of work. */
const TICK_PACKETS = 8_192;
/** Packets fed between two looks at the clock, so that the error measured for a packet is its own. */
const FEED_PACKETS = 256;
/** Longest sleep while playing: the playhead and the rings move on the screen also where no packet comes. */
const MAX_SLEEP_NS = 16 * NS_PER_MS;
/** A tick this much later than asked for is a machine that slept or a clock that was set, not a slow engine. */
const SUSPEND_NS = 2 * NS_PER_S;

export type ReplayState = 'stopped' | 'playing' | 'paused' | 'ended';

export interface LoopRange {
  readonly fromNs: number;
  readonly toNs: number;
}

export interface ReplayerOptions {
  /** Monotonic wall clock in ns. */
  readonly clock: () => number;
  /** Gaps of the input longer than this are shortened to it; null plays every gap in full. */
  readonly skipGapsNs?: number | null;
  /** Gap that ends a burst, for stepping; found from the input where not given. */
  readonly burstGapNs?: number;
  /** How the host waits, in words, for the status bar and the report. */
  readonly waitStrategy?: string;
  /** Called after every change of state, position aside. */
  readonly onChange?: () => void;
}

export interface ReplayCounters {
  /** Times the wall clock jumped or the machine slept, since the last play; so are the gaps. */
  readonly clockJumps: number;
  readonly gapsSkipped: number;
  /** Time of the input left out by skipping gaps, ns. */
  readonly gapsSkippedNs: number;
  readonly loops: number;
}

/** Where a seek is going. It may take several ticks. */
interface Goal {
  readonly packet: number;
  readonly tNs: number;
}

const STEP_NS: Readonly<Record<Exclude<StepUnit, 'packet' | 'burst'>, number>> = {
  '1ms': NS_PER_MS,
  '10ms': 10 * NS_PER_MS,
  '100ms': 100 * NS_PER_MS,
  '1s': NS_PER_S,
};

export class Replayer {
  readonly waitStrategy: string;
  private readonly player: Player;
  private readonly clock: () => number;
  private readonly onChange: () => void;
  private readonly error = new TimingError();
  private gapLimitNs: number | null;
  private lastSkip: LoopRange | null = null;
  private burstGap: number | undefined;
  private currentState: ReplayState = 'stopped';
  private currentSpeed = 1;
  private currentLoop: LoopRange | null = null;
  private goal: Goal | null = null;
  /** Wall time and input time that belong together while playing at a speed. */
  private anchorWallNs = 0;
  private anchorNs = 0;
  private lastTickNs = 0;
  private wakeNs = Infinity;
  private clockJumps = 0;
  private gapsSkipped = 0;
  private gapsSkippedNs = 0;
  private loops = 0;

  constructor(player: Player, options: ReplayerOptions) {
    this.player = player;
    this.clock = options.clock;
    this.gapLimitNs = options.skipGapsNs ?? null;
    this.burstGap = options.burstGapNs;
    this.waitStrategy = options.waitStrategy ?? 'timer';
    this.onChange = options.onChange ?? (() => undefined);
    this.lastTickNs = this.clock();
  }

  get state(): ReplayState {
    return this.currentState;
  }
  get speed(): number {
    return this.currentSpeed;
  }
  get loop(): LoopRange | null {
    return this.currentLoop;
  }
  /** Where the playhead is; while a seek is under way, where it is going. */
  get tNs(): number {
    return this.goal?.tNs ?? this.player.tNs;
  }
  get packet(): number {
    return this.goal?.packet ?? this.player.packet;
  }
  get seeking(): boolean {
    return this.goal !== null;
  }
  /** Errors since the last `play`; null before a packet was replayed to the clock. */
  get errorNs(): TimingErrorFigures | null {
    return this.error.figures();
  }
  get counters(): ReplayCounters {
    const { clockJumps, gapsSkipped, gapsSkippedNs, loops } = this;
    return { clockJumps, gapsSkipped, gapsSkippedNs, loops };
  }
  /** Gaps longer than this are shortened to it; null plays them in full. */
  get skipGapsNs(): number | null {
    return this.gapLimitNs;
  }
  /** What was left out of a gap last; null before that, and after a seek. */
  get skipped(): LoopRange | null {
    return this.lastSkip;
  }
  /** Gap that ends a burst, ns. */
  get burstGapNs(): number {
    return (this.burstGap ??= burstGapNs(this.player));
  }

  /**
   * Plays from the playhead, at a factor of the input's own time, or as fast as possible with speed 0. While playing it changes
   * the speed and the figures go on; error, jumps and gaps begin anew from rest. At the end it starts over.
   */
  play(speed: number): void {
    assert(speed >= 0 && Number.isFinite(speed), 'the contract checks the speed');
    if (this.currentState === 'ended') this.seek(this.currentLoop?.fromNs ?? 0);
    if (this.currentState !== 'playing') this.resetFigures();
    this.currentSpeed = speed;
    this.currentState = 'playing';
    this.reanchor();
    this.onChange();
  }

  private resetFigures(): void {
    this.error.reset();
    this.clockJumps = 0;
    this.gapsSkipped = 0;
    this.gapsSkippedNs = 0;
    this.lastSkip = null;
  }

  pause(): void {
    if (this.currentState !== 'playing') return;
    this.currentState = 'paused';
    this.wakeNs = Infinity;
    this.onChange();
  }

  /** Moves the playhead to a time; a playing transport goes on from there. */
  seek(tNs: number): void {
    const t = Math.min(Math.max(0, Math.floor(tNs)), this.player.endNs);
    this.go({ packet: this.player.packetAt(t), tNs: t });
  }

  /** Moves the playhead to just after a packet; 0 is the start. */
  seekPacket(number: number): void {
    const packet = Math.min(Math.max(0, Math.floor(number)), this.player.packets);
    this.go({ packet, tNs: packet === 0 ? 0 : this.player.timeOf(packet) });
  }

  /** One step, which also pauses. Steps by time move exactly that far; steps by burst end after a burst or before one. */
  step(unit: StepUnit, direction: 1 | -1): void {
    if (this.currentState === 'playing') this.pause();
    const { packet } = this;
    if (unit === 'packet') this.seekPacket(packet + direction);
    else if (unit !== 'burst') this.seek(this.tNs + direction * STEP_NS[unit]);
    else if (direction === 1) this.seekPacket(packet >= this.player.packets ? packet : burstEnd(this.player, packet + 1, this.burstGapNs));
    else this.seekPacket(packet === 0 ? 0 : burstStart(this.player, packet, this.burstGapNs) - 1);
  }

  /** Repeats between two times, or not. A range without length is refused. */
  setLoop(range: LoopRange | null): boolean {
    if (range !== null && !(range.toNs > range.fromNs && range.fromNs >= 0)) return false;
    this.currentLoop = range;
    this.onChange();
    return true;
  }

  /** Shortens gaps of the input to a length, from now on and also the one that the playhead is in; null plays them in full. */
  setSkipGaps(longerThanNs: number | null): void {
    this.gapLimitNs = longerThanNs;
    this.lastSkip = null;
    this.reanchor();
    this.onChange();
  }

  /** Does a bounded piece of work. Returns the wall time of the next tick, Infinity when there is nothing to do until a call. */
  tick(): number {
    const now = this.clock();
    this.noticeClock(now);
    this.lastTickNs = now;
    if (this.goal !== null) this.wakeNs = this.pursue(this.goal, now);
    else if (this.currentState !== 'playing') this.wakeNs = Infinity;
    else this.wakeNs = this.currentSpeed === 0 ? this.playFast(now) : this.playPaced(now);
    return this.wakeNs;
  }

  private go(goal: Goal): void {
    this.goal = goal;
    this.lastSkip = null;
    if (this.currentState === 'stopped' || this.currentState === 'ended') this.currentState = 'paused';
    this.wakeNs = this.lastTickNs;
    this.onChange();
  }

  private pursue(goal: Goal, now: number): number {
    const { player } = this;
    const behind = player.packet > goal.packet || player.tNs > goal.tNs;
    if (behind || player.leads(goal.packet, goal.tNs)) player.restore(goal.packet, goal.tNs);
    for (let left = TICK_PACKETS; left > 0 && player.packet < goal.packet;) {
      const fed = player.feed(goal.packet, Math.min(left, FEED_PACKETS));
      if (fed === 0) break;
      left -= fed;
    }
    if (player.packet < goal.packet) return now;
    if (player.tNs < goal.tNs) player.advance(goal.tNs);
    this.goal = null;
    this.reanchor();
    this.onChange();
    return this.currentState === 'playing' ? this.clock() : Infinity;
  }

  /** A machine that slept, or a clock that was set: the replay goes on where it was, and says that it happened. */
  private noticeClock(now: number): void {
    const expected = Math.max(this.lastTickNs, Math.min(this.wakeNs, this.lastTickNs + MAX_SLEEP_NS));
    const late = now - expected;
    if (now >= this.lastTickNs && late <= SUSPEND_NS) return;
    if (this.currentState === 'playing' && this.currentSpeed > 0) {
      this.anchorWallNs += now < this.lastTickNs ? now - this.lastTickNs : late;
      this.clockJumps++;
    }
  }

  private reanchor(): void {
    this.anchorWallNs = this.clock();
    this.anchorNs = this.player.tNs;
    this.lastTickNs = this.anchorWallNs;
    this.wakeNs = this.anchorWallNs;
  }

  private get stopNs(): number {
    return Math.min(this.player.endNs, this.currentLoop?.toNs ?? Infinity);
  }

  private dueNs(tNs: number): number {
    return this.anchorWallNs + (tNs - this.anchorNs) / this.currentSpeed;
  }

  private playFast(now: number): number {
    const { player, stopNs } = this;
    const last = player.packetAt(stopNs);
    if (player.packet < last) player.feed(last, TICK_PACKETS);
    return player.packet >= last ? this.arrive(stopNs) : now;
  }

  private playPaced(now: number): number {
    const { player, stopNs } = this;
    const nowNs = this.anchorNs + (now - this.anchorWallNs) * this.currentSpeed;
    const last = player.packetAt(Math.min(nowNs, stopNs));
    const wall = this.feedMeasured(last, now);
    if (player.packet < last) return wall;
    if (nowNs >= stopNs) return this.arrive(stopNs);
    if (nowNs > player.tNs) player.advance(Math.floor(nowNs));
    const nextNs = player.packet < player.packets ? player.timeOf(player.packet + 1) : stopNs;
    this.skipGap(Math.min(nextNs, stopNs));
    return Math.min(this.dueNs(Math.min(nextNs, stopNs)), wall + MAX_SLEEP_NS);
  }

  /** Feeds up to `last`, at most a tick's worth, and measures each packet against the clock after its own small batch. */
  private feedMeasured(last: number, now: number): number {
    const { player } = this;
    let wall = now;
    for (let left = TICK_PACKETS; left > 0 && player.packet < last;) {
      const first = player.packet + 1;
      const fed = player.feed(last, Math.min(left, FEED_PACKETS));
      if (fed === 0) break;
      wall = this.clock();
      for (let n = first; n < first + fed; n++) this.error.add(wall - this.dueNs(player.timeOf(n)));
      left -= fed;
    }
    return wall;
  }

  private skipGap(nextNs: number): void {
    if (this.gapLimitNs === null) return;
    const { player } = this;
    const fromNs = player.tNs;
    const cut = nextNs - fromNs - this.gapLimitNs;
    // What is left of a gap that was shortened before is exactly the limit, and rounding must not shorten it again.
    if (cut < 1) return;
    player.advance(nextNs - this.gapLimitNs);
    this.anchorNs = player.tNs;
    this.anchorWallNs = this.clock();
    this.gapsSkipped++;
    this.gapsSkippedNs += cut;
    this.lastSkip = { fromNs, toNs: player.tNs };
    this.onChange();
  }

  /** At the end of the input or of the loop. */
  private arrive(stopNs: number): number {
    const { player } = this;
    if (player.tNs < stopNs) player.advance(stopNs);
    const range = this.currentLoop;
    if (range !== null && range.fromNs < stopNs) {
      this.loops++;
      this.seek(range.fromNs);
      return this.clock();
    }
    this.currentState = 'ended';
    this.onChange();
    return Infinity;
  }
}
