/**
 * The one frame scheduler. Everything that draws registers here, so that one animation frame reads the state once, then draws
 * once; and the frames a second and the frame time in the status bar are measured where the frames are made.
 *
 * The loop runs while at least one `continuous` callback is registered or a single draw was requested, and sleeps otherwise: an
 * idle window costs nothing.
 */

export type FrameCallback = (nowMs: number) => void;

/** Frames over which the rate and the worst frame are measured: about one second at 60 a second. */
const WINDOW_FRAMES = 60;
/** A gap longer than this between two frames of a running loop means that the tab was hidden, not that a frame was slow. */
const HIDDEN_GAP_MS = 1_000;

export interface FrameStats {
  /** Frames a second over the last second of drawing, 0 before the first. */
  readonly fps: number;
  /** Longest gap between two frames in that window, ms. */
  readonly worstMs: number;
  /** Time spent inside our own callbacks in the longest frame of that window, ms. */
  readonly busyMs: number;
}

export class FrameScheduler {
  readonly #continuous = new Set<FrameCallback>();
  readonly #once = new Set<FrameCallback>();
  #handle = 0;
  #lastMs = 0;
  readonly #gaps = new Float64Array(WINDOW_FRAMES);
  readonly #busy = new Float64Array(WINDOW_FRAMES);
  #count = 0;

  /** Calls back on every frame until disposed. */
  onFrame(callback: FrameCallback): () => void {
    this.#continuous.add(callback);
    this.#wake();
    return () => {
      this.#continuous.delete(callback);
    };
  }

  /** Calls back on the next frame, once, however often it was requested before. */
  request(callback: FrameCallback): void {
    this.#once.add(callback);
    this.#wake();
  }

  cancel(callback: FrameCallback): void {
    this.#once.delete(callback);
  }

  get running(): boolean {
    return this.#continuous.size > 0;
  }

  stats(): FrameStats {
    const frames = Math.min(this.#count, WINDOW_FRAMES);
    let sum = 0;
    let worstMs = 0;
    let busyMs = 0;
    for (let i = 0; i < frames; i++) {
      const gap = this.#gaps[i] ?? 0;
      sum += gap;
      worstMs = Math.max(worstMs, gap);
      busyMs = Math.max(busyMs, this.#busy[i] ?? 0);
    }
    return { fps: sum > 0 ? (frames * 1_000) / sum : 0, worstMs, busyMs };
  }

  #wake(): void {
    if (this.#handle === 0) this.#handle = requestAnimationFrame(this.#tick);
  }

  readonly #tick = (nowMs: number): void => {
    this.#handle = 0;
    const started = performance.now();
    const once = [...this.#once];
    this.#once.clear();
    for (const callback of this.#continuous) callback(nowMs);
    for (const callback of once) callback(nowMs);
    this.#measure(nowMs, performance.now() - started);
    if (this.#continuous.size > 0 || this.#once.size > 0) this.#wake();
    else this.#lastMs = 0;
  };

  #measure(nowMs: number, busyMs: number): void {
    const gap = nowMs - this.#lastMs;
    if (this.#lastMs > 0 && gap > 0 && gap < HIDDEN_GAP_MS) {
      const at = this.#count % WINDOW_FRAMES;
      this.#gaps[at] = gap;
      this.#busy[at] = busyMs;
      this.#count++;
    }
    this.#lastMs = nowMs;
  }
}

export const frames = new FrameScheduler();
