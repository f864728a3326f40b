import { SvelteSet } from 'svelte/reactivity';
import {
  SKIP_GAPS_NS,
  type LiveFrame,
  type LiveStatus,
  type SessionInfo,
  type StepUnit,
  type Transport,
} from '../../../engine/contract/index.ts';
import type { TimeRange } from './timeline.ts';
import { EngineLink } from './engine-link.svelte.ts';
import { FramePoller } from './frame-poller.ts';
import { frames, type FrameScheduler } from './raf.ts';

/** A loop shorter than this would only flicker. */
export const LEAST_LOOP_NS = 1e6;
const STATES_MOVING: ReadonlySet<Transport['state']> = new Set(['playing', 'live']);

/**
 * The open session, its playhead and the selected packet. Pull, not push: events carry only state changes; the figures at the
 * playhead come from `frame`, asked for at most once per animation frame, one question in the air at a time, and only while
 * somebody watches.
 */
export class TransportStore extends EngineLink {
  session = $state.raw<SessionInfo | null>(null);
  transport = $state.raw<Transport | null>(null);
  live = $state.raw<LiveStatus | null>(null);
  /** Figures at the playhead; null until somebody watches. */
  frame = $state.raw<LiveFrame | null>(null);
  /** The playhead for drawing: interpolated between the engine's events while playing. */
  playheadNs = $state(0);
  /** Selected packet, 0 for none. */
  selected = $state(0);
  readonly marks = new SvelteSet<number>();
  /** Packet number whose time is the zero of the time column, null for the start of the input. */
  timeReference = $state<{ readonly number: number; readonly tNs: number } | null>(null);
  stepUnit = $state<StepUnit>('packet');
  /** Factor of capture time; 0 is as fast as possible. */
  speed = $state(1);
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
  readonly moving = $derived(this.transport !== null && STATES_MOVING.has(this.transport.state));

  /** Orders to move the playhead that the engine has not carried out yet. */
  #orders = $state(0);
  /** The playhead is on its way to where it was sent: figures at it are of instants in between. */
  readonly seeking = $derived(this.#orders > 0);

  /** The gap that is being skipped now: the playhead is in what is left of it. */
  readonly skipping = $derived.by(() => {
    const { skipped = null, skipGapsNs = null, state } = this.transport ?? {};
    if (state !== 'playing' || skipped === null || skipGapsNs === null) return null;
    return this.playheadNs < skipped.toNs + skipGapsNs ? skipped : null;
  });

  readonly #poller: FramePoller;
  /** Where the playhead was, and when (performance.now), at the last word from the engine. */
  #anchor = { tNs: 0, atMs: 0 };
  #seekTarget: number | null = null;
  #seeking = false;

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

  protected disposeFrames(): void {
    this.#poller.dispose();
  }

  /** Forgets everything that belonged to a session. */
  protected resetTransport(): void {
    this.transport = null;
    this.live = null;
    this.frame = null;
    this.playheadNs = 0;
    this.selected = 0;
    this.marks.clear();
    this.timeReference = null;
    this.#seekTarget = null;
    this.#poller.setMoving(false);
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

  /** Moves the playhead to just after a packet. */
  async seekPacket(number: number): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    this.#take(await this.#order(() => this.ask('Moving the playhead', 'transport.seekPacket', { session, number })));
  }

  /** Repeats between two times, or not. */
  async setLoop(range: { readonly fromNs: number; readonly toNs: number } | null): Promise<void> {
    const session = this.sessionId;
    if (session !== null) this.#take(await this.ask('Setting the loop', 'transport.loop', { session, range }));
  }

  /** Repeats a stretch (null: the whole input); ends a loop that is there. */
  toggleLoop(range: TimeRange | null): Promise<void> {
    if ((this.transport?.loop ?? null) !== null) return this.setLoop(null);
    return this.setLoop(range ?? { fromNs: 0, toNs: this.durationNs });
  }

  /** Moves one end of the loop to the playhead; an end that comes to lie before the start takes the whole rest with it. */
  loopEdge(edge: 'fromNs' | 'toNs'): Promise<void> {
    const loop = this.transport?.loop ?? { fromNs: 0, toNs: this.durationNs };
    const next = { ...loop, [edge]: this.playheadNs };
    if (next.toNs - next.fromNs >= LEAST_LOOP_NS) return this.setLoop(next);
    return this.setLoop(edge === 'fromNs' ? { fromNs: this.playheadNs, toNs: this.durationNs } : { fromNs: 0, toNs: this.playheadNs });
  }

  /** Shortens long gaps of the input while playing, or plays them in full. */
  async toggleSkipGaps(): Promise<void> {
    const session = this.sessionId;
    if (session === null) return;
    const longerThanNs = (this.transport?.skipGapsNs ?? null) === null ? SKIP_GAPS_NS : null;
    this.#take(await this.ask('Skipping gaps', 'transport.skipGaps', { session, longerThanNs }));
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
    const transport = await this.#order(() => this.ask('Stepping', 'transport.step', { session, unit: this.stepUnit, direction }));
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
      const session = this.sessionId;
      const transport = await this.#order(() => this.ask('Moving the playhead', 'transport.seek', { session, tNs: next }));
      if (this.#seekTarget === null) this.#take(transport);
    }
    this.#seeking = false;
  }

  /** The engine answers an order when the playhead stands where it shall. */
  async #order(give: () => Promise<Transport | null>): Promise<Transport | null> {
    this.#orders++;
    try {
      return await give();
    } finally {
      this.#orders--;
    }
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
    if (transport !== null) this.setTransport(transport);
  }

  /** A replay ends when its rings have run empty, a little after the last packet: the clock ends with the input. */
  #shown(tNs: number): number {
    return this.session?.kind === 'live' ? tNs : Math.min(tNs, this.durationNs);
  }

  protected setTransport(transport: Transport): void {
    this.transport = transport;
    this.#anchor = { tNs: transport.tNs, atMs: performance.now() };
    if (this.#seekTarget === null && !this.#seeking) this.playheadNs = this.#shown(transport.tNs);
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
    // A live playhead is where the capture is.
    if (transport?.state === 'live') this.playheadNs = this.frame?.tNs ?? 0;
    if (transport?.state !== 'playing' || this.#seeking) return;
    if (transport.speed === 0) {
      if (this.frame !== null) this.playheadNs = this.#shown(Math.max(this.frame.tNs, this.#anchor.tNs));
      return;
    }
    const elapsedNs = (performance.now() - this.#anchor.atMs) * 1e6 * transport.speed;
    this.playheadNs = Math.min(this.#anchor.tNs + elapsedNs, transport.loop?.toNs ?? this.durationNs);
  }
}
