import type {
  CallAnswer,
  ConverterDecision,
  ConverterMessage,
  ConverterSession,
  ConvertersResult,
  Progress,
  TranslationPair,
} from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';

export type ConverterScenario = CallAnswer<'converters.list'>['scenarios'][number];
export type ConvertersView = 'network' | 'calls';
export type Parameter = 'switch.converters' | 'switch.selection' | 'switch.discovery' | 'style' | 'seed';

/** Messages of a call shown at most; the command line prints all. */
const MESSAGES = 200;

/** What head and body of the Converters panel share: the network, changed parameters, the run, the instant looked at, and the chosen call. */
export class ConvertersPanelState {
  view = $state<ConvertersView>('network');
  scenarios = $state.raw<readonly ConverterScenario[]>([]);
  id = $state('');
  set = $state.raw<Readonly<Partial<Record<Parameter, string | number>>>>({});
  result = $state.raw<ConvertersResult | null>(null);
  /** Whose calls run: the network's own, or the conversations of the open capture. */
  calls = $state<'scenario' | 'capture'>('scenario');
  running = $state(false);
  progress = $state.raw<Progress | null>(null);
  error = $state.raw<unknown>(null);
  /** Instant of the network's clock that is shown, ns. */
  tNs = $state(0);
  call = $state(-1);
  messages = $state.raw<readonly ConverterMessage[]>([]);

  /** Direction of the call whose packet is shown: 0 from the caller on. */
  direction = $state<0 | 1>(0);
  pair = $state.raw<TranslationPair | null>(null);

  readonly scenario = $derived(this.scenarios.find((one) => one.id === this.id) ?? null);
  readonly chosen: ConverterSession | null = $derived(this.result?.sessions[this.call] ?? null);
  readonly decisions: readonly ConverterDecision[] = $derived(this.result?.decisions.filter((one) => one.session === this.call) ?? []);

  readonly #app: AppStore;
  #texts = new Map<string, string>();
  #session = '';
  #controller: AbortController | null = null;

  constructor(app: AppStore) {
    this.#app = app;
  }

  /** Loads the list of networks and runs the first one. Conversations of a capture run again when another one is opened. */
  async start(session: string): Promise<void> {
    const another = session !== this.#session;
    this.#session = session;
    if (this.result !== null && this.calls === 'capture' && another) await this.useCalls(session, 'capture');
    if (this.result !== null || this.running) return;
    try {
      this.scenarios = (await this.#app.call('converters.list', { session })).scenarios;
      const first = this.scenarios.find((one) => one.id === 'two-phones') ?? this.scenarios[0];
      if (first !== undefined) await this.choose(session, first.id);
    } catch (error) {
      this.error = error;
    }
  }

  async choose(session: string, id: string): Promise<void> {
    this.id = id;
    this.set = {};
    this.call = -1;
    this.tNs = 0;
    await this.run(session);
  }

  async change(session: string, path: Parameter, value: string | number): Promise<void> {
    this.set = { ...this.set, [path]: value };
    await this.run(session);
  }

  async run(session: string): Promise<void> {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    this.running = true;
    this.progress = null;
    try {
      const yaml = await this.#text(session);
      const set = Object.entries(this.set).map(([path, value]) => ({ path, value }));
      const onProgress = (progress: Progress): void => {
        if (this.#controller === controller) this.progress = progress;
      };
      const request = { session, yaml, set, calls: this.calls };
      const result = await this.#app.call('converters.run', request, { signal: controller.signal, onProgress });
      if (this.#controller !== controller) return;
      this.result = result;
      this.error = null;
      this.tNs = Math.min(Math.max(this.tNs, 0), result.endNs);
      if (this.tNs === 0) this.tNs = busiest(result);
      const first = result.sessions.findIndex((one) => one.path === 'terminal' || one.path === 'gateway');
      await this.look(session, this.call >= 0 && this.call < result.sessions.length ? this.call : Math.max(0, first));
    } catch (error) {
      if (this.#controller === controller && !controller.signal.aborted) this.error = error;
    }
    if (this.#controller === controller) this.running = false;
  }

  /** Shows one call: its choices are there, its messages are asked for. */
  async look(session: string, call: number): Promise<void> {
    this.call = call;
    this.messages = [];
    try {
      const { rows } = await this.#app.call('converters.messages', { session, call, first: 0, count: MESSAGES });
      if (this.call === call) this.messages = rows;
    } catch (error) {
      this.error = error;
    }
  }

  /** Asks for the packet of the chosen call that was relayed last before the instant shown. */
  async readPacket(session: string, signal: AbortSignal): Promise<void> {
    const { call, direction, tNs } = this;
    if (call < 0) return;
    try {
      const { pair } = await this.#app.call('converters.packet', { session, call, direction, tNs }, { signal });
      if (!signal.aborted) this.pair = pair;
    } catch (error) {
      if (!signal.aborted) this.error = error;
    }
  }

  /** Ends the run that is under way; what was there before stays. */
  cancel(): void {
    this.#controller?.abort();
  }

  async useCalls(session: string, calls: 'scenario' | 'capture'): Promise<void> {
    this.calls = calls;
    this.call = -1;
    this.tNs = 0;
    await this.run(session);
  }

  /** Parameters as the scenario has them again. */
  async reset(session: string): Promise<void> {
    this.set = {};
    await this.run(session);
  }

  async #text(session: string): Promise<string> {
    const known = this.#texts.get(this.id);
    if (known !== undefined) return known;
    const { yaml } = await this.#app.call('converters.text', { session, id: this.id });
    this.#texts.set(this.id, yaml);
    return yaml;
  }
}

/** Start of the bin with most sessions. */
function busiest({ load }: ConvertersResult): number {
  let best = 0;
  let most = -1;
  for (let bin = 0; bin < load.bins; bin++) {
    let sum = 0;
    for (let i = 0; i < load.nodes.length; i++) sum += load.sessions[i * load.bins + bin] ?? 0;
    if (sum > most) {
      most = sum;
      best = bin;
    }
  }
  return best * load.binNs;
}

/** The converter that has a call at an instant; empty where it has none or talks directly. */
export function converterAt(result: ConvertersResult, session: ConverterSession, tNs: number): string {
  if (session.answeredNs < 0 || tNs < session.answeredNs || tNs > session.endedNs || session.path === 'direct') return '';
  let id = session.converter;
  for (const divert of result.diverts) {
    if (divert.session !== session.id) continue;
    if (tNs < divert.tNs) return divert.from;
    id = divert.to;
  }
  return id;
}

export const convertersState = sharedState((app) => new ConvertersPanelState(app));
