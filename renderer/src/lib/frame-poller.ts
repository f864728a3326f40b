import type { FrameScheduler } from './raf.ts';

export interface FrameSource {
  /** Asks the engine for the state at the playhead; settles when it was taken or failed. */
  fetch(): Promise<void>;
  /** The playhead moves: called once an animation frame, before the fetch. */
  moved(): void;
}

/**
 * Decides when to ask the engine for a frame: once an animation frame at most, one question in the air at a time, only while
 * somebody watches; continuously while the playhead moves, and once after a change while it stands.
 */
export class FramePoller {
  readonly #scheduler: FrameScheduler;
  readonly #source: FrameSource;
  #watchers = 0;
  #wanted = false;
  #inFlight = false;
  #stopLoop: (() => void) | null = null;

  constructor(scheduler: FrameScheduler, source: FrameSource) {
    this.#scheduler = scheduler;
    this.#source = source;
  }

  watch(): () => void {
    this.#watchers++;
    this.request();
    return () => {
      this.#watchers--;
    };
  }

  request(): void {
    if (this.#watchers === 0) return;
    this.#wanted = true;
    this.#scheduler.request(this.#poll);
  }

  setMoving(moving: boolean): void {
    if (moving === (this.#stopLoop !== null)) return;
    this.#stopLoop?.();
    this.#stopLoop = moving ? this.#scheduler.onFrame(this.#tick) : null;
  }

  dispose(): void {
    this.setMoving(false);
    this.#scheduler.cancel(this.#poll);
  }

  readonly #tick = (): void => {
    this.#source.moved();
    this.#wanted = true;
    this.#poll();
  };

  readonly #poll = (): void => {
    if (!this.#wanted || this.#inFlight || this.#watchers === 0) return;
    this.#wanted = false;
    this.#inFlight = true;
    void this.#source.fetch().finally(() => {
      this.#inFlight = false;
      if (this.#wanted) this.#scheduler.request(this.#poll);
    });
  };
}
