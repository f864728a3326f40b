import type {
  AddressMapAnswer,
  CallAnswer,
  CallRequest,
  MulticastEntryInfo,
  MulticastLogRow,
  MulticastNetworkInfo,
  MulticastSeries,
  MulticastState,
} from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';

export type MulticastView = 'network' | 'log' | 'mapper';
export type NetworkName = CallAnswer<'multicast.list'>['networks'][number];
export type Change = CallRequest<'multicast.set'>['change'];

/** Rows of the log shown: the last ones up to the instant looked at. */
export const LOG_ROWS = 300;

/** One entry of one router, over all instants. */
export const entryId = (entry: MulticastEntryInfo): string => `${entry.router} ${entry.key.text}`;

/** What head and body of the Multicast panel share: the open network, the instant, and what is chosen in it. */
export class MulticastPanelState {
  view = $state<MulticastView>('network');
  networks = $state.raw<readonly NetworkName[]>([]);
  network = $state.raw<MulticastNetworkInfo | null>(null);
  now = $state.raw<MulticastState | null>(null);
  series = $state.raw<MulticastSeries | null>(null);
  log = $state.raw<{ readonly total: number; readonly rows: readonly MulticastLogRow[] } | null>(null);
  /** Instant that is asked for; `now` is the latest answer. */
  tNs = $state(0);
  running = $state(false);
  error = $state.raw<unknown>(null);
  entry = $state('');
  link = $state('');
  node = $state('');
  mapped = $state.raw<AddressMapAnswer | null>(null);
  mapError = $state.raw<unknown>(null);

  readonly chosen: MulticastEntryInfo | null = $derived(
    this.now?.entries.find((one) => entryId(one) === this.entry) ?? this.now?.entries[0] ?? null,
  );

  readonly #app: AppStore;
  /** Session that has the network. */
  #session: string | null = null;
  #asking = false;
  #changed = 0;

  constructor(app: AppStore) {
    this.#app = app;
  }

  /** Opens a network in a session that has none: each session has its own, so another one begins with the network shown, without its changes. */
  async start(session: string): Promise<void> {
    if (session === this.#session) return;
    this.#session = session;
    await this.#do(async () => {
      this.networks = (await this.#app.call('multicast.list', { session })).networks;
      const wanted = this.network?.id ?? 'shorter-path';
      const first = this.networks.find((one) => one.id === wanted) ?? this.networks[0];
      if (first !== undefined) await this.#open(session, first.id);
    });
    if (this.error !== null) this.#session = null;
  }

  open(session: string, id: string): Promise<void> {
    return this.#do(() => this.#open(session, id));
  }

  async #open(session: string, id: string): Promise<void> {
    this.network = await this.#app.call('multicast.open', { session, id });
    this.entry = '';
    this.link = '';
    this.node = '';
    this.tNs = this.network.durationNs / 2;
    await this.#reload(session);
  }

  /** Changes something from the instant shown on, and looks at the network as it then is. */
  change(session: string, change: Change): Promise<void> {
    return this.#do(async () => {
      this.network = await this.#app.call('multicast.set', { session, atNs: this.tNs, change });
      await this.#reload(session);
    });
  }

  reset(session: string): Promise<void> {
    return this.#do(async () => {
      this.network = await this.#app.call('multicast.reset', { session });
      await this.#reload(session);
    });
  }

  async #reload(session: string): Promise<void> {
    this.series = await this.#app.call('multicast.series', { session });
    await this.#look(session);
  }

  /** Shows another instant. While an answer is awaited only the last instant asked for counts. */
  async look(session: string, tNs: number): Promise<void> {
    this.tNs = tNs;
    this.#changed++;
    if (this.#asking) return;
    this.#asking = true;
    try {
      for (let seen = -1; seen !== this.#changed;) {
        seen = this.#changed;
        await this.#look(session);
      }
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.#asking = false;
  }

  async #look(session: string): Promise<void> {
    const tNs = this.tNs;
    this.now = await this.#app.call('multicast.state', { session, tNs });
    const { total } = await this.#app.call('multicast.log', { session, first: 0, count: 1, untilNs: tNs });
    const first = Math.max(0, total - LOG_ROWS);
    const { rows } = await this.#app.call('multicast.log', { session, first, count: LOG_ROWS, untilNs: tNs });
    this.log = { total, rows };
  }

  async map(session: string, address: string): Promise<void> {
    try {
      this.mapped = await this.#app.call('multicast.map', { session, address });
      this.mapError = null;
    } catch (error) {
      this.mapError = error;
    }
  }

  async #do(work: () => Promise<void>): Promise<void> {
    this.running = true;
    try {
      await work();
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.running = false;
  }
}

export const multicastState = sharedState((app) => new MulticastPanelState(app));
