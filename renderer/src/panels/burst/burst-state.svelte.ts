import type { BurstOutcome, CallAnswer, CallRequest, Override, Progress } from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';
import { History } from './history.svelte.ts';

export type BurstRun = CallAnswer<'burst.run'>;
export type BurstView = 'meter' | 'senders' | 'bursts';

/** A change is run after this long, so that a choice held down on the keyboard does not start a run for each step. */
const DEBOUNCE_MS = 60;
/** Files of channel conditions whose names are kept, so that undo comes back to them. */
const MAX_FILES = 8;
/** Inputs above this are run when asked for: two runs of them take longer than a second. */
export const AUTO_RUN_PACKETS = 400_000;
export const STRIP_BINS = 600;
/** A first look at a longer input: a fraction of a second, and what it compiles the whole run goes on with. */
export const FIRST_LOOK_PACKETS = 4_096;

/** Where a scenario has the channel conditions. */
const CONDITIONS = 'device.network.conditions';

/** A CSV file of channel conditions as the host read it. */
export type ConditionsFile = CallAnswer<'burst.conditions'>;

type Range = Pick<CallRequest<'burst.run'>, 'session' | 'fromNs' | 'toNs' | 'bins'>;

/** What head and body of the Burst panel share: the view, what-if parameters, and the two runs with the meter on and off. */
export class BurstPanelState {
  view = $state<BurstView>('meter');
  /** Which of the two runs the figures are of. */
  meterOn = $state(true);
  overrides = $state.raw<readonly Override[]>([]);
  /** Stretch of time shown; null for the whole input. */
  range = $state.raw<{ readonly fromNs: number; readonly toNs: number } | null>(null);
  run = $state.raw<BurstRun | null>(null);
  running = $state(false);
  progress = $state.raw<Progress | null>(null);
  error = $state.raw<unknown>(null);
  /** Set for large inputs, when the user asked for the run. */
  asked = $state(false);
  /** Raised to run once more what was cancelled. */
  again = $state(0);

  readonly shown: BurstOutcome | null = $derived(this.run === null ? null : this.meterOn ? this.run.on : this.run.off);

  /** The file that the channel tried comes from; null where it is no file. */
  readonly conditions: ConditionsFile | null = $derived.by(() => {
    const csv = this.override(`${CONDITIONS}.csv`);
    return csv === undefined ? null : (this.#files.find((file) => file.csv === csv) ?? null);
  });

  #files = $state.raw<readonly ConditionsFile[]>([]);
  readonly #app: AppStore;
  readonly #history = new History<readonly Override[]>();
  readonly canUndo: boolean = $derived(this.#history.canUndo);
  #controller: AbortController | null = null;

  constructor(app: AppStore) {
    this.#app = app;
  }

  /** Value of a parameter that was changed here, undefined where the scenario's own holds. */
  override(path: string): Override['value'] | undefined {
    return this.overrides.find((one) => one.path === path)?.value;
  }

  /** A parameter to try; undefined takes the scenario's own again. */
  set(path: string, value: Override['value'] | undefined): void {
    const others = this.overrides.filter((one) => one.path !== path);
    this.#change(value === undefined ? others : [...others, { path, value }]);
  }

  /** Channel conditions from a file, in place of whatever the channel was. */
  tryConditions(file: ConditionsFile): void {
    this.#files = [file, ...this.#files.filter(({ csv }) => csv !== file.csv)].slice(0, MAX_FILES);
    this.view = 'meter';
    this.#change([
      ...this.#withoutChannel(),
      { path: `${CONDITIONS}.trace`, value: 'rows' },
      { path: `${CONDITIONS}.csv`, value: file.csv },
    ]);
  }

  /** Another kind of channel: `rows` those of the scenario, the rest as generated. */
  setTrace(trace: string): void {
    this.#change([...this.#withoutChannel(), { path: `${CONDITIONS}.trace`, value: trace }]);
  }

  #withoutChannel(): Override[] {
    return this.overrides.filter(({ path }) => path !== `${CONDITIONS}.trace` && path !== `${CONDITIONS}.csv`);
  }

  /** Back to the session's scenario; can be undone. */
  reset(): void {
    this.#change([]);
  }

  undo(): void {
    const before = this.#history.pop();
    if (before !== undefined) this.overrides = before;
  }

  /** The parameters tried have become the scenario's own: there is nothing to go back to. */
  kept(): void {
    this.#history.clear();
    this.overrides = [];
  }

  #change(to: readonly Override[]): void {
    if (JSON.stringify(to) === JSON.stringify(this.overrides)) return;
    this.#history.push(this.overrides);
    this.overrides = to;
  }

  /**
   * Runs the input with the meter on and off after a short pause; a later call or the undo that is given back ends it. The first time there
   * is no pause, and the answer to a long input begins with its first packets; with `only` it ends there, until the session has been run itself.
   */
  request(session: string, fromNs: number, toNs: number, only: 'first look' | null = null): () => void {
    const controller = new AbortController();
    this.#controller?.abort();
    this.#controller = controller;
    const asked = { session, fromNs, toNs, bins: STRIP_BINS };
    const timer = setTimeout(() => void this.#ask(asked, only, controller), this.run === null ? 0 : DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
      if (this.#controller === controller) this.running = false;
    };
  }

  cancel(): void {
    this.#controller?.abort();
    this.running = false;
  }

  async #ask(range: Range, only: 'first look' | null, { signal }: AbortController): Promise<void> {
    const ask = { ...range, overrides: [...this.overrides] };
    this.running = true;
    this.progress = null;
    const long = this.#app.totalPackets > 2 * FIRST_LOOK_PACKETS;
    try {
      if (only !== null || (this.run === null && long)) await this.#run({ ...ask, packets: FIRST_LOOK_PACKETS }, signal);
      if (only === null) await this.#run(ask, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    // After a first look alone the run of the session goes on, and the whole run comes after it.
    if (!signal.aborted && (only === null || this.error !== null)) this.running = false;
  }

  async #run(request: CallRequest<'burst.run'>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const onProgress = (progress: Progress): void => {
      if (!signal.aborted) this.progress = progress;
    };
    const run = await this.#app.call('burst.run', request, { signal, onProgress });
    if (signal.aborted) return;
    this.run = run;
    this.error = null;
  }

  /** Forgets what belonged to another session. */
  forget(): void {
    this.cancel();
    this.kept();
    this.range = null;
    this.run = null;
    this.error = null;
    this.asked = false;
  }
}

export const burstState = sharedState((app) => new BurstPanelState(app));
