import {
  sendersSchema,
  type CallAnswer,
  type Override,
  type Progress,
  type SendersInput,
  type SendersSpec,
} from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';
import { History } from './history.svelte.ts';

export type SendersRun = CallAnswer<'burst.senders'>;
export type SendersKey = keyof SendersSpec;

const DEBOUNCE_MS = 60;

/** TCP senders into the meter: what was typed in, and the two runs with the meter off and on. */
export class SendersState {
  run = $state.raw<SendersRun | null>(null);
  /** What the figures are of: it may be older than what stands in the fields. */
  ran = $state.raw<SendersSpec | null>(null);
  running = $state(false);
  progress = $state.raw<Progress | null>(null);
  error = $state.raw<unknown>(null);
  /** Why the last figure typed in was not taken, and for which field. */
  wrong = $state.raw<{ readonly key: SendersKey; readonly why: string } | null>(null);
  #given = $state.raw<SendersInput>({});
  readonly spec: SendersSpec = $derived(sendersSchema.parse(this.#given));
  readonly canReset: boolean = $derived(Object.keys(this.#given).length > 0);
  readonly #history = new History<SendersInput>();
  readonly canUndo: boolean = $derived(this.#history.canUndo);
  readonly #app: AppStore;
  #controller: AbortController | null = null;

  constructor(app: AppStore) {
    this.#app = app;
  }

  /** Another value of a field; undefined where what was typed in is none. */
  set(key: SendersKey, value: string | number | undefined): void {
    const given = { ...this.#given, [key]: value };
    const read = sendersSchema.safeParse(given);
    if (value === undefined || !read.success) {
      const issue = read.error?.issues[0];
      this.wrong = { key, why: issue?.code === 'custom' ? issue.message : 'a figure such as 4, 80M, 40ms, 2M' };
      return;
    }
    this.wrong = null;
    if (JSON.stringify(read.data) === JSON.stringify(this.spec)) return;
    this.#history.push(this.#given);
    this.#given = given;
  }

  undo(): void {
    const before = this.#history.pop();
    if (before !== undefined) this.#given = before;
    this.wrong = null;
  }

  reset(): void {
    this.#history.push(this.#given);
    this.#given = {};
    this.wrong = null;
  }

  /** Runs the senders into the session's scenario with what is tried in the view Meter; a later call or the undo ends it. */
  request(session: string, overrides: readonly Override[], senders: SendersSpec): () => void {
    const controller = new AbortController();
    this.#controller?.abort();
    this.#controller = controller;
    const timer = setTimeout(() => void this.#ask(session, overrides, senders, controller), this.run === null ? 0 : DEBOUNCE_MS);
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

  async #ask(session: string, overrides: readonly Override[], senders: SendersSpec, { signal }: AbortController): Promise<void> {
    if (signal.aborted) return;
    this.running = true;
    this.progress = null;
    const onProgress = (progress: Progress): void => {
      if (!signal.aborted) this.progress = progress;
    };
    try {
      const run = await this.#app.call('burst.senders', { session, overrides: [...overrides], senders }, { signal, onProgress });
      if (signal.aborted) return;
      this.run = run;
      this.ran = senders;
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.running = false;
  }

  /** Forgets what belonged to another session; the path and its senders stay. */
  forget(): void {
    this.cancel();
    this.run = null;
    this.ran = null;
    this.error = null;
  }
}

export const sendersState = sharedState((app) => new SendersState(app));
