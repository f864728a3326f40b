import type { ReportModel } from '../../contract/index.ts';
import { Replayer, type ReplayerOptions } from '../../lab/index.ts';
import type { Playhead } from './playhead.ts';

/** Work between two looks at the thread's messages: a frame is never late by more than this and one tick. */
const SLICE_MS = 5;
/**
 * The last stretch before a packet is due is waited through in small sleeps of this thread, because the event loop's timers are a
 * millisecond wide and often another one late.
 */
const PRECISE_MS = 2.5;
/** How often listeners are told of the position while playing. */
const TELL_MS = 250;

export interface DriveHooks {
  /** The transport changed in a way that people should see. */
  changed(): void;
  /** The file cannot be read any more. */
  failed(message: string): void;
}

/** Runs the transport in a thread: calls its ticks when they are due, in slices between which calls are answered. */
export class Drive {
  readonly replayer: Replayer;
  private readonly playhead: Playhead;
  private readonly hooks: DriveHooks;
  private readonly sleeper = new Int32Array(new SharedArrayBuffer(4));
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private waiting: (() => void)[] = [];
  private toldMs = 0;
  private ended = false;

  constructor(playhead: Playhead, hooks: DriveHooks, options: Partial<ReplayerOptions> = {}) {
    this.playhead = playhead;
    this.hooks = hooks;
    this.replayer = new Replayer(playhead, {
      clock: () => performance.now() * 1e6,
      waitStrategy: 'timer, then sleeps below a millisecond',
      onChange: () => {
        hooks.changed();
      },
      ...options,
    });
  }

  /** To be called after every order to the replayer. */
  wake(): void {
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    if (this.ended) return;
    this.immediate = setImmediate(() => {
      this.run();
    });
  }

  /** Resolves when no seek is under way any more, its own or a later one. */
  async settled(): Promise<void> {
    this.wake();
    if (!this.replayer.seeking) return;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** What a timed replay came to, for a report; null before packets were replayed to the clock. */
  paced(): ReportModel['paced'] {
    const { errorNs, speed, waitStrategy, counters } = this.replayer;
    if (errorNs === null) return null;
    const { clockJumps, gapsSkipped, gapsSkippedNs } = counters;
    return { speed, waitStrategy, errorNs: { ...errorNs }, clockJumps, gapsSkipped, gapsSkippedNs };
  }

  dispose(): void {
    this.ended = true;
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    this.release();
  }

  private release(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private run(): void {
    const until = performance.now() + SLICE_MS;
    for (;;) {
      const wakeMs = this.replayer.tick() / 1e6;
      if (!this.replayer.seeking) this.release();
      if (this.playhead.unreadable) {
        this.stop();
        return;
      }
      if (wakeMs === Number.POSITIVE_INFINITY) return;
      const left = wakeMs - performance.now();
      if (left > PRECISE_MS) {
        this.tell();
        this.timer = setTimeout(() => {
          this.run();
        }, left - PRECISE_MS);
        return;
      }
      if (performance.now() >= until) {
        this.tell();
        this.immediate = setImmediate(() => {
          this.run();
        });
        return;
      }
      if (left > 0) Atomics.wait(this.sleeper, 0, 0, left);
    }
  }

  private stop(): void {
    this.replayer.pause();
    this.release();
    this.hooks.failed('The file has become shorter since it was opened: the replay stops here. Open it again.');
  }

  private tell(): void {
    const now = performance.now();
    if (this.replayer.state !== 'playing' || now - this.toldMs < TELL_MS) return;
    this.toldMs = now;
    this.hooks.changed();
  }
}
