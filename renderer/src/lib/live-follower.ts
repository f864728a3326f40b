/** How often the figures of the whole capture are brought up to date while it runs, at least this far apart, ms. */
const LIVE_RUN_EVERY_MS = 2_000;
/** A run over all that was captured so far takes longer as the capture grows: it may take a tenth of the time, no more. */
const LIVE_RUN_SHARE = 10;

/**
 * While a capture runs, its packets go through the pipeline as they come, but rings over time, drops by time and the report belong to a
 * run of the whole input. This repeats such a run over what is there, at a distance that grows with its cost.
 */
export class LiveFollower {
  readonly #update: () => Promise<boolean>;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  /** `update` brings the figures up to date; false ends it. */
  constructor(update: () => Promise<boolean>) {
    this.#update = update;
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const started = performance.now();
    const goesOn = await this.#update();
    if (!goesOn || this.#stopped) return;
    const tookMs = performance.now() - started;
    this.#timer = setTimeout(() => void this.#round(), Math.max(LIVE_RUN_EVERY_MS, tookMs * LIVE_RUN_SHARE));
  }
}
