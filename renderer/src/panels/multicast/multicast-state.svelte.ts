import type {
  AddressMapAnswer,
  CallAnswer,
  CallOptions,
  CallRequest,
  MulticastEntryInfo,
  MulticastLogRow,
  MulticastNetworkInfo,
  MulticastSeries,
  MulticastState,
  Progress,
} from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';

export type MulticastView = 'network' | 'log' | 'drops' | 'mapper';
export type NetworkName = CallAnswer<'multicast.list'>['networks'][number];
export type Change = CallRequest<'multicast.set'>['change'];

/** Ids of routers that are a port of the session's scenario begin so. */
const PORT = 'port:';
/** And those of network texts that somebody has opened. */
const OWN = 'file:';
/** Characters of a network text that the engine takes. */
const MAX_TEXT = 1_000_000;
const MAX_ID = 64;

/** Rows of the log shown: the last ones up to the instant looked at. */
export const LOG_ROWS = 300;

const RUNNING = 'Running the network';

/** A run shorter than this shows no progress, ms. */
const QUIET_MS = 1_000;

/** What ends a run, and where it tells how far it is. */
type Run = Required<Pick<CallOptions, 'signal' | 'onProgress'>>;

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
  /** How far a run is that takes more than a second. */
  progress = $state.raw<Progress | null>(null);
  /** A run was stopped: what is shown is older than what was asked for. */
  stopped = $state(false);
  error = $state.raw<unknown>(null);
  /** What went wrong, in words before the error. */
  doing = $state(RUNNING);
  entry = $state('');
  link = $state('');
  node = $state('');
  mapped = $state.raw<AddressMapAnswer | null>(null);
  mapError = $state.raw<unknown>(null);

  /** Why nothing can be changed here, with where to change it; undefined where it can. */
  readonly fixed: string | undefined = $derived(
    this.network === null || this.network.changedIn === '' ? undefined : `Not changed here. ${this.network.changedIn}`,
  );
  /** The router of the capture stands where the playhead stands; a network has a time of its own. */
  readonly onPlayhead: boolean = $derived(this.network?.id.startsWith(PORT) === true);
  readonly chosen: MulticastEntryInfo | null = $derived(
    this.now?.entries.find((one) => entryId(one) === this.entry) ?? this.now?.entries[0] ?? null,
  );

  readonly #app: AppStore;
  /** Session that has the network, and the scenario that it had then. */
  #session: string | null = null;
  #scenario = '';
  /** Network text that somebody has opened: the engine has no list of such. */
  #own: { readonly name: NetworkName; readonly yaml: string } | null = null;
  /** Somebody chose the network shown: it stays. */
  #picked = false;
  /** The run that is going on. */
  #controller = new AbortController();
  #following = false;

  constructor(app: AppStore) {
    this.#app = app;
  }

  /**
   * Opens a network in a session that has none, or whose scenario has changed: the router of the capture where the scenario has one and nobody chose
   * another network, else the one shown, without its changes: each session has its own.
   */
  async start(session: string, scenario: string): Promise<void> {
    if (session === this.#session && scenario === this.#scenario) return;
    const same = session === this.#session;
    this.#session = session;
    this.#scenario = scenario;
    await this.#run(RUNNING, async (run) => {
      const { networks } = await this.#app.call('multicast.list', { session });
      this.networks = this.#own === null ? networks : [...networks, this.#own.name];
      const known = (id: string | undefined): boolean => this.networks.some((one) => one.id === id);
      const shown = this.network?.id;
      const port = this.networks.find(({ id }) => id.startsWith(PORT))?.id;
      const kept = this.#picked || port === undefined ? shown : port;
      const wanted = [kept, port, 'shorter-path'].find(known) ?? this.networks[0]?.id;
      // A bundled network does not depend on the scenario, and its changes stay.
      if (wanted === undefined) return;
      if (same && wanted === shown && !wanted.startsWith(PORT)) await this.#reload(session, run);
      else await this.#open(session, wanted, run);
    });
    if (this.error !== null) this.#session = null;
  }

  open(session: string, id: string): Promise<void> {
    this.#picked = true;
    return this.#run(RUNNING, (run) => this.#open(session, id, run));
  }

  /** Opens a network text in a file of one's own. One that cannot be used is refused with line and field, and what is shown stays. */
  openFile(session: string, file: File): Promise<void> {
    return this.#run(`Opening ${file.name}`, async (run) => {
      const yaml = file.size > MAX_TEXT ? '' : await file.text();
      if (yaml === '') throw new Error(file.size === 0 ? 'The file is empty.' : 'The file is larger than 1 MB: it is no network text.');
      const id = (OWN + file.name).slice(0, MAX_ID);
      await this.#open(session, id, run, yaml);
      if (run.signal.aborted) return;
      this.#picked = true;
      const name = { id, title: `${file.name}: ${this.network?.title ?? ''}`, description: this.network?.description ?? '' };
      this.#own = { name, yaml };
      this.networks = [...this.networks.filter((one) => !one.id.startsWith(OWN)), name];
    });
  }

  async #open(session: string, id: string, run: Run, text?: string): Promise<void> {
    const yaml = text ?? (this.#own?.name.id === id ? this.#own.yaml : undefined);
    const network = await this.#app.call('multicast.open', { session, id, ...(yaml !== undefined && { yaml }) });
    if (run.signal.aborted) return;
    this.network = network;
    this.entry = '';
    this.link = '';
    this.node = '';
    this.tNs = this.onPlayhead ? this.#app.playheadNs : network.durationNs / 2;
    await this.#reload(session, run);
  }

  /** Changes something from the instant shown on, and looks at the network as it then is. A change stays, whatever becomes of the run after it. */
  change(session: string, change: Change): Promise<void> {
    return this.#run(RUNNING, async (run) => {
      this.network = await this.#app.call('multicast.set', { session, atNs: this.tNs, change });
      await this.#reload(session, run);
    });
  }

  reset(session: string): Promise<void> {
    return this.#run(RUNNING, async (run) => {
      this.network = await this.#app.call('multicast.reset', { session });
      await this.#reload(session, run);
    });
  }

  /** Ends the run that is going on; what was there before stays. */
  stop(): void {
    if (!this.running) return;
    this.#controller.abort();
    this.stopped = true;
  }

  /** Runs on after a stop. */
  goOn(session: string): Promise<void> {
    return this.#run(RUNNING, (run) => this.#reload(session, run));
  }

  /** Shows another instant. A run on its way ends with a look at it, unless it takes long: then it is given up for a new one. */
  async look(session: string, tNs: number): Promise<void> {
    this.tNs = tNs;
    if (this.running && this.progress === null) return;
    const whole = this.running || this.stopped;
    await this.#run(RUNNING, (run) => (whole ? this.#reload(session, run) : this.#look(session, run)));
  }

  /** The playhead stands at another instant: the router as it is there. */
  async follow(session: string, tNs: number): Promise<void> {
    this.tNs = tNs;
    // A run that is going on ends with a look.
    if (this.#following || this.running) return;
    this.#following = true;
    const controller = this.#controller;
    try {
      await this.#look(session, { signal: controller.signal, onProgress: () => undefined });
    } catch (error) {
      if (!controller.signal.aborted) {
        this.doing = RUNNING;
        this.error = error;
      }
    }
    this.#following = false;
  }

  async #reload(session: string, run: Run): Promise<void> {
    if (run.signal.aborted) return;
    this.series = await this.#app.call('multicast.series', { session }, run);
    await this.#look(session, run);
  }

  /** Until the instant looked at is the last one asked for. */
  async #look(session: string, run: Run): Promise<void> {
    for (let tNs = -1; tNs !== this.tNs && !run.signal.aborted;) {
      tNs = this.tNs;
      const now = await this.#app.call('multicast.state', { session, tNs }, run);
      const { total } = await this.#app.call('multicast.log', { session, first: 0, count: 1, untilNs: tNs }, run);
      const first = Math.max(0, total - LOG_ROWS);
      const { rows } = await this.#app.call('multicast.log', { session, first, count: LOG_ROWS, untilNs: tNs }, run);
      if (run.signal.aborted) return;
      this.now = now;
      this.log = { total, rows };
    }
  }

  async map(session: string, address: string): Promise<void> {
    try {
      this.mapped = await this.#app.call('multicast.map', { session, address });
      this.mapError = null;
    } catch (error) {
      this.mapError = error;
    }
  }

  /** Does some work with the engine instead of what is going on. */
  async #run(doing: string, work: (run: Run) => Promise<void>): Promise<void> {
    this.#controller.abort();
    const controller = new AbortController();
    this.#controller = controller;
    const { signal } = controller;
    const startMs = performance.now();
    const onProgress = (progress: Progress): void => {
      if (!signal.aborted && performance.now() - startMs >= QUIET_MS) this.progress = progress;
    };
    this.running = true;
    this.progress = null;
    this.stopped = false;
    try {
      await work({ signal, onProgress });
      if (!signal.aborted) this.error = null;
    } catch (error) {
      if (!signal.aborted) {
        this.doing = doing;
        this.error = error;
      }
    }
    if (this.#controller !== controller) return;
    this.running = false;
    this.progress = null;
  }
}

export const multicastState = sharedState((app) => new MulticastPanelState(app));
