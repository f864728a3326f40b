import type {
  OffloadCosts,
  OffloadMode,
  OffloadOverrides,
  OffloadReport,
  Progress,
  SuperPacket,
} from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';

const DEBOUNCE_MS = 200;

/** What the Offload panel asks for, and what the engine made of it. */
export class OffloadState {
  /** Empty strings stand for what the scenario says. */
  mode = $state<OffloadMode | ''>('');
  aggregate = $state('');
  mtuText = $state('');
  localText = $state('');
  exact = $state(false);

  report = $state.raw<OffloadReport | null>(null);
  running = $state(false);
  progress = $state.raw<Progress | null>(null);
  error = $state.raw<unknown>(null);
  costs = $state.raw<OffloadCosts | null>(null);
  measuring = $state(false);
  /** The last run was stopped; raised, `again` asks for it once more. */
  stopped = $state(false);
  again = $state(0);
  /** Aggregate shown, by its index; -1 for none. */
  opened = $state(-1);
  superPacket = $state.raw<SuperPacket | null>(null);

  readonly #app: AppStore;
  /** The run that was asked for last: only it may say that nothing runs any more. */
  #latest: AbortController | null = null;

  constructor(app: AppStore) {
    this.#app = app;
  }

  readonly mtuValid = $derived(this.mtuText.trim() === '' || (/^\d+$/.test(this.mtuText.trim()) && inRange(Number(this.mtuText))));

  /** For the engine; null while something typed in is no figure. */
  readonly overrides: OffloadOverrides | null = $derived.by(() => {
    if (!this.mtuValid) return null;
    const local = this.localText.split(/[\s,]+/).filter((text) => text !== '');
    return {
      ...(this.mode !== '' && { mode: this.mode }),
      ...(this.aggregate !== '' && { aggregateKiB: Number(this.aggregate) }),
      ...(this.mtuText.trim() !== '' && { mtuBytes: Number(this.mtuText) }),
      ...(this.exact && { exact: true }),
      ...(local.length > 0 && { local }),
    };
  });

  /** Asks after a short pause; the undo ends it. */
  request(session: string, overrides: OffloadOverrides): () => void {
    const controller = new AbortController();
    this.#latest = controller;
    this.stopped = false;
    const timer = setTimeout(() => void this.#run(session, overrides, controller.signal), this.report === null ? 0 : DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
      if (this.#latest === controller) this.running = false;
    };
  }

  /** Leaves the figures as they are. */
  cancel(): void {
    this.#latest?.abort();
    this.running = false;
    this.stopped = true;
  }

  async #run(session: string, overrides: OffloadOverrides, signal: AbortSignal): Promise<void> {
    this.running = true;
    this.progress = null;
    const onProgress = (progress: Progress): void => {
      if (!signal.aborted) this.progress = progress;
    };
    try {
      const report = await this.#app.call('offload.run', { session, overrides }, { signal, onProgress });
      if (signal.aborted) return;
      this.report = report;
      this.error = null;
      await this.open(report.superPackets.rows[0]?.index ?? -1);
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.running = false;
  }

  async open(index: number): Promise<void> {
    this.opened = index;
    const session = this.#app.sessionId;
    if (index < 0 || session === null) {
      this.superPacket = null;
      return;
    }
    try {
      const found = await this.#app.call('offload.superPacket', { session, index });
      if (this.opened === index) this.superPacket = found;
    } catch (error) {
      this.error = error;
    }
  }

  async measure(): Promise<void> {
    const session = this.#app.sessionId;
    const { overrides } = this;
    if (session === null || overrides === null) return;
    this.measuring = true;
    try {
      this.costs = await this.#app.call('offload.costs', { session, overrides });
    } catch (error) {
      this.error = error;
    }
    this.measuring = false;
  }

  forget(): void {
    this.report = null;
    this.costs = null;
    this.error = null;
    this.stopped = false;
    this.opened = -1;
    this.superPacket = null;
  }
}

function inRange(mtu: number): boolean {
  return mtu >= 576 && mtu <= 65_535;
}

export const offloadState = sharedState((app) => new OffloadState(app));
