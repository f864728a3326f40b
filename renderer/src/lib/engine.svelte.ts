import { getContext, setContext } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import type {
  EngineClient,
  Hello,
  LiveFrame,
  LiveStatus,
  RunSummary,
  SessionInfo,
  StepUnit,
  Transport,
} from '../../../engine/contract/index.ts';
import { EngineLink } from './engine-link.svelte.ts';
import { FramePoller } from './frame-poller.ts';
import { frames, type FrameScheduler } from './raf.ts';

/**
 * The state of the window. One store owns the connection and everything the engine said; panels read it (all fields are reactive) and
 * call its methods. Nothing here knows about panels, layout or theme.
 *
 * Pull, not push: events carry only state changes; the figures of the playhead come from `frame`, asked for at most once per
 * animation frame, one question in the air at a time, and only while somebody watches.
 */

/** A ring or a pool of the current run, in the order of `LiveFrame.objects` and `SeriesFrame.objects`. */
export interface RunObject {
  readonly index: number;
  readonly id: string;
  readonly kind: 'ring' | 'pool';
  readonly port: string;
  readonly queue: number;
  /** Slots of a ring, packets of a pool. */
  readonly capacity: number;
}

/** Numbers per object in `LiveFrame.objects`, and their places. */
export const OBJECT_STRIDE = 5;
export const OBJECT_FIELDS = { used: 0, head: 1, tail: 2, highWater: 3, drops: 4 } as const;

const SESSION_STATES_MOVING: ReadonlySet<Transport['state']> = new Set(['playing', 'live']);

export class AppStore extends EngineLink {
  hello = $state.raw<Hello | null>(null);
  session = $state.raw<SessionInfo | null>(null);
  transport = $state.raw<Transport | null>(null);
  /** The last finished run and the one before it. */
  summary = $state.raw<RunSummary | null>(null);
  previous = $state.raw<RunSummary | null>(null);
  live = $state.raw<LiveStatus | null>(null);
  /** Figures at the playhead; null until somebody watches. */
  frame = $state.raw<LiveFrame | null>(null);
  /** The playhead for drawing: interpolated between the engine's events while playing. */
  playheadNs = $state(0);
  /** Grows whenever rows, flows, series or timeline may read differently than before: a run finished or another session opened. */
  runVersion = $state(0);
  /** True from a change of the scenario until the new run has finished. */
  replaying = $state(false);

  /** Selected packet, 0 for none. */
  selected = $state(0);
  readonly marks = new SvelteSet<number>();
  /** Packet number whose time is the zero of the time column, null for the start of the input. */
  timeReference = $state<{ readonly number: number; readonly tNs: number } | null>(null);
  stepUnit = $state<StepUnit>('packet');
  /** Factor of capture time; 0 is as fast as possible. */
  speed = $state(1);
  /** Dotted path of a scenario parameter that somebody asked to see; the scenario drawer opens at it. */
  parameterRequest = $state.raw<{ readonly path: string } | null>(null);

  readonly scheduler: FrameScheduler;

  readonly sessionId = $derived(this.session?.id ?? null);
  readonly durationNs = $derived(
    Math.max(
      this.session?.capture.durationNs ?? 0,
      this.session?.kind === 'live' ? Math.max(this.frame?.tNs ?? 0, this.transport?.tNs ?? 0) : 0,
    ),
  );
  readonly totalPackets = $derived(
    this.session?.kind === 'live' ? (this.live?.packets ?? this.session.capture.packets) : (this.session?.capture.packets ?? 0),
  );
  readonly moving = $derived(this.transport !== null && SESSION_STATES_MOVING.has(this.transport.state));
  readonly objects: readonly RunObject[] = $derived(objectsOf(this.summary));

  /** Brings a view to the front; set by the dock. */
  showView: (id: string) => void = () => undefined;

  readonly #poller: FramePoller;
  /** Where the playhead was, and when (performance.now), at the last word from the engine. */
  #anchor = { tNs: 0, atMs: 0 };
  #seekTarget: number | null = null;
  #seeking = false;
  #awaitingRun = false;

  constructor(scheduler: FrameScheduler = frames) {
    super();
    this.scheduler = scheduler;
    this.#poller = new FramePoller(scheduler, {
      fetch: () => this.#fetchFrame(),
      moved: () => {
        this.#interpolate();
      },
    });
  }

  // --- connection -----------------------------------------------------------------------------------------------------------

  /** Takes a connected client: says hello, subscribes, and opens the input given at the start, if any. */
  async attach(client: EngineClient): Promise<void> {
    this.link(client, [
      client.onClosed((reason) => {
        this.lose(reason);
      }),
      client.on('transport', (event) => {
        if (event.session === this.sessionId) this.#setTransport(event.transport);
      }),
      client.on('run.finished', (event) => {
        // A run that this window asked for is taken from its answer, together with the run before it.
        if (event.session === this.sessionId && !this.#awaitingRun) this.#finishRun(event.summary);
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
        if (event.session === this.sessionId) this.live = event.status;
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
    this.#poller.dispose();
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
    if (transport !== null && this.sessionId === info.id) this.#setTransport(transport);
    if (info.kind === 'file') await this.startRun();
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
    if (summary !== null) await this.#loadSummaries(session, summary);
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
    void this.startRun();
    return true;
  }

  /** Opens the scenario drawer at a parameter. */
  showParameter(path: string): void {
    this.parameterRequest = { path };
  }

  async #loadSummaries(session: string, summary: RunSummary): Promise<void> {
    const both = await this.ask('Reading the run', 'run.summary', { session });
    if (this.sessionId !== session) return;
    this.previous = both?.previous ?? this.previous;
    this.#finishRun(both?.current ?? summary);
  }

  #finishRun(summary: RunSummary): void {
    this.summary = summary;
    this.replaying = false;
    if (this.transport !== null) this.transport = { ...this.transport, stale: false };
    this.runVersion++;
    this.requestFrame();
  }

  #reset(): void {
    this.transport = null;
    this.summary = null;
    this.previous = null;
    this.live = null;
    this.frame = null;
    this.playheadNs = 0;
    this.selected = 0;
    this.marks.clear();
    this.timeReference = null;
    this.replaying = false;
    this.#seekTarget = null;
  }

  // --- transport --------------------------------------------------------------------------------------------------------------

  async play(): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    if (this.transport?.state === 'ended') await this.seek(0);
    this.#take(await this.ask('Playing', 'transport.play', { session, speed: this.speed }));
  }

  async pause(): Promise<void> {
    const session = this.sessionId;
    if (session !== null) this.#take(await this.ask('Pausing', 'transport.pause', { session }));
  }

  /** Stops a live capture; what was captured stays and can be replayed. */
  async stopLive(): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    this.live = (await this.ask('Stopping the capture', 'live.stop', { session })) ?? this.live;
    await this.startRun();
  }

  /** Moves the playhead to just after a packet. */
  async seekPacket(number: number): Promise<void> {
    const session = this.sessionId;
    if (session !== null) this.#take(await this.ask('Moving the playhead', 'transport.seekPacket', { session, number }));
  }

  /** Repeats between two times, or not. */
  async setLoop(range: { readonly fromNs: number; readonly toNs: number } | null): Promise<void> {
    const session = this.sessionId;
    if (session !== null) this.#take(await this.ask('Setting the loop', 'transport.loop', { session, range }));
  }

  toggle(): Promise<void> {
    return this.transport?.state === 'playing' ? this.pause() : this.play();
  }

  async setSpeed(speed: number): Promise<void> {
    this.speed = speed;
    if (this.transport?.state === 'playing') await this.play();
  }

  async step(direction: 1 | -1): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    const transport = await this.ask('Stepping', 'transport.step', { session, unit: this.stepUnit, direction });
    this.#take(transport);
    if (transport !== null && transport.packet > 0) this.selected = transport.packet;
  }

  /**
   * Moves the playhead. While a seek is under way only the newest target is kept, so that scrubbing asks the engine for one place
   * at a time and never builds a queue.
   */
  async seek(tNs: number): Promise<void> {
    const target = Math.max(0, Math.min(tNs, this.durationNs));
    this.playheadNs = target;
    this.#seekTarget = target;
    if (this.#seeking) return;
    this.#seeking = true;
    // A seek that comes in during the call sets the target again: hence the loop.
    for (let next = this.#nextSeek(); next !== null && this.sessionId !== null; next = this.#nextSeek()) {
      const transport = await this.ask('Moving the playhead', 'transport.seek', { session: this.sessionId, tNs: next });
      if (this.#seekTarget === null) this.#take(transport);
    }
    this.#seeking = false;
  }

  #nextSeek(): number | null {
    const target = this.#seekTarget;
    this.#seekTarget = null;
    return target;
  }

  /** Moves the playhead and the packet list to a time: what a click in any chart does. */
  async jumpTo(tNs: number): Promise<void> {
    await this.seek(tNs);
    const session = this.sessionId;
    if (session === null) return;
    const answer = await this.ask('Finding the packet', 'packets.at', { session, tNs });
    if (answer !== null && answer.number > 0) this.selected = answer.number;
  }

  /** Selects a packet; the list scrolls to it, the inspector shows it. */
  select(number: number): void {
    if (number >= 1 && number <= this.totalPackets) this.selected = number;
  }

  /** Next or previous packet of the same conversation. */
  async selectNeighbour(direction: 1 | -1): Promise<void> {
    const session = this.sessionId;
    if (session === null || this.selected === 0) return;
    const answer = await this.ask('Finding the packet', 'packets.neighbour', { session, number: this.selected, direction });
    if (answer === null) return;
    if (answer.number > 0) this.selected = answer.number;
    else this.notices.info(`No ${direction === 1 ? 'later' : 'earlier'} packet in this conversation.`);
  }

  toggleMark(number = this.selected): void {
    if (number === 0) return;
    if (!this.marks.delete(number)) this.marks.add(number);
  }

  /** Makes the selected packet the zero of the time column; the same packet again takes it back. */
  async toggleTimeReference(number = this.selected): Promise<void> {
    const session = this.sessionId;
    if (session === null || number === 0) return;
    if (this.timeReference?.number === number) {
      this.timeReference = null;
      return;
    }
    const answer = await this.ask('Reading the packet', 'packets.rows', { session, first: number, count: 1 });
    const row = answer?.rows[0];
    if (row !== undefined) this.timeReference = { number, tNs: row.tNs };
  }

  #take(transport: Transport | null): void {
    if (transport !== null) this.#setTransport(transport);
  }

  #setTransport(transport: Transport): void {
    this.transport = transport;
    this.#anchor = { tNs: transport.tNs, atMs: performance.now() };
    if (this.#seekTarget === null && !this.#seeking) this.playheadNs = transport.tNs;
    this.#poller.setMoving(this.moving);
    this.requestFrame();
  }

  // --- frames -----------------------------------------------------------------------------------------------------------------

  /** Declares that something visible draws `frame`; use as `$effect(() => app.watchFrames())`. */
  watchFrames(): () => void {
    return this.#poller.watch();
  }

  /** Asks for one fresh frame at the next animation frame. */
  requestFrame(): void {
    this.#poller.request();
  }

  async #fetchFrame(): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    try {
      const frame = await this.call('frame', { session });
      if (this.sessionId === session && frame.revision !== this.frame?.revision) this.frame = frame;
    } catch (error) {
      if (this.connection === 'open') this.notices.error('Reading the state at the playhead', error);
    }
  }

  #interpolate(): void {
    const transport = this.transport;
    if (transport?.state !== 'playing' || this.#seeking) return;
    if (transport.speed === 0) {
      if (this.frame !== null) this.playheadNs = Math.max(this.frame.tNs, this.#anchor.tNs);
      return;
    }
    const elapsedNs = (performance.now() - this.#anchor.atMs) * 1e6 * transport.speed;
    this.playheadNs = Math.min(this.#anchor.tNs + elapsedNs, transport.loop?.toNs ?? this.durationNs);
  }
}

function objectsOf(summary: RunSummary | null): readonly RunObject[] {
  if (summary === null) return [];
  const rings = summary.rings.map((ring) => ({
    id: ring.id,
    kind: 'ring' as const,
    port: ring.port,
    queue: ring.queue,
    capacity: ring.slots,
  }));
  const pools = summary.pools.map((pool) => ({
    id: pool.id,
    kind: 'pool' as const,
    port: pool.port,
    queue: pool.queue,
    capacity: pool.packets,
  }));
  return [...rings, ...pools].map((object, index) => ({ index, ...object }));
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
