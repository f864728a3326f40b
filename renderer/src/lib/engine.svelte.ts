import { getContext, setContext } from 'svelte';
import type { EngineClient, Hello, LiveStatus, RunSummary, SessionInfo } from '../../../engine/contract/index.ts';
import { LiveFollower } from './live-follower.ts';
import { objectsOf, type RunObject } from './run-objects.ts';
import { TransportStore } from './transport.svelte.ts';

export { OBJECT_FIELDS, OBJECT_STRIDE, type RunObject } from './run-objects.ts';

/**
 * The state of the window. One store owns the connection and everything the engine said; panels read it (all fields are reactive) and
 * call its methods. Nothing here knows about panels, layout or theme. In three steps: the connection and its calls (EngineLink), the
 * open session with its playhead and selection (TransportStore), and here what is opened, replayed and changed.
 */
export class AppStore extends TransportStore {
  hello = $state.raw<Hello | null>(null);
  /** The last finished run and the one before it. */
  summary = $state.raw<RunSummary | null>(null);
  previous = $state.raw<RunSummary | null>(null);
  /** Grows whenever rows, flows, series or timeline may read differently than before: a run finished or another session opened. */
  runVersion = $state(0);
  /** True from a change of the scenario until the new run has finished. */
  replaying = $state(false);

  /** Dotted path of a scenario parameter that somebody asked to see; the scenario drawer opens at it. */
  parameterRequest = $state.raw<{ readonly path: string } | null>(null);
  /** Set when the search field of the packet list shall take the keyboard; the list's head takes it back. */
  findRequest = $state(false);

  readonly objects: readonly RunObject[] = $derived(objectsOf(this.summary));

  /** Brings a view to the front; set by the dock. */
  showView: (id: string) => void = () => undefined;

  #awaitingRun = false;
  #follower: LiveFollower | null = null;

  // --- connection -----------------------------------------------------------------------------------------------------------

  /** Takes a connected client: says hello, subscribes, and opens the input given at the start, if any. */
  async attach(client: EngineClient): Promise<void> {
    this.link(client, [
      client.onClosed((reason) => {
        this.lose(reason);
      }),
      client.on('transport', (event) => {
        if (event.session === this.sessionId) this.setTransport(event.transport);
      }),
      client.on('run.finished', (event) => {
        // What this window asked for comes as the answer.
        if (event.session === this.sessionId && !this.#awaitingRun) void this.#loadSummaries(event.session);
      }),
      client.on('run.failed', (event) => {
        if (event.session !== this.sessionId) return;
        this.replaying = false;
        this.notices.error('Replay', new Error(event.message));
      }),
      client.on('session.changed', (event) => {
        if (event.session === this.sessionId) this.session = event.info;
      }),
      client.on('live.status', (event) => {
        if (event.session === this.sessionId) this.#takeLive(event.status);
      }),
      client.on('input.open', (event) => {
        void this.open(event.input.handle, event.input.name);
      }),
    ]);
    this.hello = await client.call('hello', {});
    this.connection = 'open';
    this.lostReason = '';
    const initial = this.hello.initial;
    if (initial !== null && this.session === null) await this.open(initial.handle, initial.name);
  }

  lose(reason: string): void {
    this.unlink();
    this.connection = 'lost';
    this.lostReason = reason;
    this.session = null;
    this.#reset();
  }

  dispose(): void {
    this.disposeFrames();
    this.unlink()?.dispose();
  }

  // --- sessions ---------------------------------------------------------------------------------------------------------------

  async open(handle: string, name: string): Promise<boolean> {
    const info = await this.askLong(`Opening ${name}`, 'session.open', { handle });
    if (info === null) return false;
    await this.adopt(info);
    return true;
  }

  /** Makes a session the current one, closes the one before it, and starts its first run. */
  async adopt(info: SessionInfo): Promise<void> {
    const before = this.session;
    this.#reset();
    this.session = info;
    this.runVersion++;
    if (before !== null && before.id !== info.id) void this.ask('Closing the session before', 'session.close', { session: before.id });
    const transport = await this.ask('Reading the transport', 'transport.get', { session: info.id });
    if (transport !== null && this.sessionId === info.id) this.setTransport(transport);
    if (info.kind === 'live') this.#followLive(info.id);
    else await this.#ensureRun();
    if (this.sessionId === info.id && this.selected === 0) this.select(1);
    void this.refreshRecent();
  }

  async close(): Promise<void> {
    const id = this.sessionId;
    if (id === null) return;
    this.session = null;
    this.#reset();
    await this.ask('Closing', 'session.close', { session: id });
    await this.refreshRecent();
  }

  /** Recent files and scenarios may have changed. */
  async refreshRecent(): Promise<void> {
    const hello = await this.ask('Reading the recent files', 'hello', {});
    if (hello !== null) this.hello = hello;
  }

  /** Replays the whole input in the background; the figures change in place when it is done. */
  async startRun(): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    this.replaying = true;
    this.#awaitingRun = true;
    const summary = await this.askLong('Replaying the whole input', 'run.start', { session });
    this.#awaitingRun = false;
    if (this.sessionId !== session) return;
    this.replaying = false;
    if (summary !== null) await this.#loadSummaries(session);
  }

  async useScenario(id: string, yaml: string): Promise<boolean> {
    const session = this.sessionId;
    if (session === null) return false;
    const info = await this.ask('Changing the scenario', 'scenario.use', { session, id, yaml });
    return info !== null && this.#scenarioChanged(info);
  }

  /** Changes one parameter of the session's scenario by its dotted path, such as `device.rxRingSlots`, and replays. */
  async setParameter(path: string, value: string | number | boolean): Promise<boolean> {
    const session = this.sessionId;
    if (session === null) return false;
    const info = await this.ask(`Changing ${path}`, 'scenario.set', { session, path, value });
    return info !== null && this.#scenarioChanged(info);
  }

  #scenarioChanged(info: SessionInfo): boolean {
    if (info.id !== this.sessionId) return false;
    this.session = info;
    if (this.transport !== null) this.transport = { ...this.transport, stale: true };
    void this.#ensureRun();
    return true;
  }

  /** The engine replays by itself after opening and after a change: its run is joined, or taken where it has finished already. */
  async #ensureRun(): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    this.replaying = true;
    const transport = await this.ask('Reading the transport', 'transport.get', { session });
    if (this.sessionId !== session) return;
    if (transport?.stale !== false) await this.startRun();
    else await this.#loadSummaries(session);
  }

  #takeLive(status: LiveStatus): void {
    const ended = this.live?.running === true && !status.running;
    this.live = status;
    if (ended && status.message !== '') this.notices.info(status.message);
  }

  #followLive(session: string): void {
    this.#follower = new LiveFollower(async () => {
      try {
        const info = await this.call('session.info', { session });
        this.#awaitingRun = true;
        await this.call('run.start', { session });
        this.#awaitingRun = false;
        if (this.sessionId !== session || this.live?.running === false) return false;
        this.session = info;
        await this.#loadSummaries(session);
        return true;
      } catch (error) {
        if (this.sessionId === session) this.notices.error('Following the capture', error);
        return false;
      }
    });
  }

  /** Opens the scenario drawer at a parameter. */
  showParameter(path: string): void {
    this.parameterRequest = { path };
  }

  async #loadSummaries(session: string): Promise<void> {
    const both = await this.ask('Reading the run', 'run.summary', { session });
    if (this.sessionId !== session || both === null) return;
    // A run repeated with the same scenario says nothing new: what stays for comparison is the last one that differed.
    if (both.previous !== null && both.previous.scenario.sha256 !== both.current?.scenario.sha256) this.previous = both.previous;
    if (both.current !== null) this.#finishRun(both.current);
  }

  #finishRun(summary: RunSummary): void {
    this.summary = summary;
    this.replaying = false;
    if (this.transport !== null) this.transport = { ...this.transport, stale: false };
    this.runVersion++;
    this.requestFrame();
  }

  #reset(): void {
    this.#follower?.stop();
    this.#follower = null;
    this.resetTransport();
    this.summary = null;
    this.previous = null;
    this.replaying = false;
  }

  /** Stops a live capture; what was captured stays and can be replayed. */
  async stopLive(): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    this.#follower?.stop();
    this.live = (await this.ask('Stopping the capture', 'live.stop', { session })) ?? this.live;
    this.session = (await this.ask('Reading the capture', 'session.info', { session })) ?? this.session;
    await this.#ensureRun();
    if (this.sessionId === session && this.selected === 0) this.select(1);
  }
}

const APP = Symbol('ringside app');

/** Puts the store where every component below finds it with `useApp()`. Tests pass `new Map([[appKey, store]])` as context. */
export function provideApp(app: AppStore): AppStore {
  return setContext(APP, app);
}

export function useApp(): AppStore {
  return getContext<AppStore>(APP);
}

export const appKey: symbol = APP;
