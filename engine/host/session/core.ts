import {
  EngineError,
  type BurstState,
  type CallContext,
  type EventData,
  type FlowRow,
  type LiveFrame,
  type PacketDetail,
  type Progress,
  type ReportFinding,
  type RunSummary,
  type Scenario,
  type SeriesFrame,
  type SessionInfo,
  type StepUnit,
  type TimelineFrame,
  type Transport,
} from '../../contract/index.ts';
import {
  explainPacket,
  parseScenario,
  resampleSeries,
  scenarioSha256,
  setParameter,
  type Explanation,
  type FlowSortKey,
  type Pipeline,
  type Replayer,
  type RunResult,
  type VerdictSink,
} from '../../lab/index.ts';
import { findingsOf } from '../../session/index.ts';
import { timestampWords } from '../capture-summary.ts';
import { readDetail } from './detail.ts';
import { Drive } from './drive.ts';
import type { SessionInput } from './input.ts';
import { MAX_LIVE_VERDICTS, PacketRows, dropsByBin, newVerdicts, noPacket } from './packets.ts';
import { Playhead } from './playhead.ts';
import { emptySeries, type ReportRequest } from './report.ts';
import { Snapshots } from './snapshots.ts';
import { survey } from './survey.ts';

/** A sorted flow list is used again for this long while the playhead moves by itself; one that rests has a list of its own place. */
const FLOW_ORDER_MS = 400;

/** Work on a live capture between two looks at the thread's messages. */
const CATCH_UP_MS = 6;
const CATCH_UP_PACKETS = 1_024;

/** What a finished run needs. The runner spreads it over threads, or not: the result is the same. */
export interface RunRequest {
  readonly input: SessionInput;
  readonly scenario: Scenario;
  readonly scenarioSha256: string;
  readonly verdicts: VerdictSink;
  readonly lanes: number | undefined;
  /** Packets of one step; has no influence on any result. */
  readonly batch?: number | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}
export type Runner = (request: RunRequest) => Promise<RunResult>;

export interface SessionEvents {
  transport(data: EventData<'transport'>): void;
  runFinished(data: EventData<'run.finished'>): void;
  runFailed(data: EventData<'run.failed'>): void;
  changed(data: EventData<'session.changed'>): void;
}

export interface SessionOptions {
  readonly id: string;
  readonly name: string;
  readonly input: SessionInput;
  readonly scenario: { readonly id: string; readonly yaml: string };
  readonly runner: Runner;
  readonly events: SessionEvents;
  /** Time stamp words of a live capture. */
  readonly timestamps?: string;
}

interface CurrentScenario {
  readonly id: string;
  readonly yaml: string;
  readonly parsed: Scenario;
  readonly sha256: string;
}

/** A finished run of the whole input. */
interface FinishedRun {
  readonly result: RunResult;
  readonly scenario: Scenario;
  readonly scenarioSha256: string;
  /** Packets of the input then; a live capture has more later. */
  readonly packets: number;
}

/**
 * One session: an input, a scenario, the playhead, and the last runs of the whole input. Lives in a thread of its own; all its
 * work is done in slices.
 */
export class SessionCore {
  readonly input: SessionInput;
  private readonly options: SessionOptions;
  private readonly rows: PacketRows;
  private scenario: CurrentScenario;
  private playhead: Playhead;
  private drive: Drive;
  private snapshots: Snapshots;
  private surveyor = new AbortController();
  /** A live capture is fed as it comes, until somebody pauses or seeks. */
  private following = false;
  private verdicts: VerdictSink;
  private current: FinishedRun | null = null;
  private previous: RunSummary | null = null;
  private running: {
    readonly controller: AbortController;
    readonly done: Promise<RunSummary>;
    readonly listeners: Set<(p: Progress) => void>;
  } | null = null;
  private flowOrder: {
    readonly key: string;
    readonly atMs: number;
    readonly order: Uint32Array;
    readonly playhead: Playhead;
    readonly revision: number;
  } | null = null;

  constructor(options: SessionOptions) {
    this.options = options;
    this.input = options.input;
    this.rows = new PacketRows(options.input);
    this.scenario = parsed(options.scenario.id, options.scenario.yaml);
    this.verdicts = this.noVerdicts();
    this.snapshots = new Snapshots(this.input.packets);
    [this.playhead, this.drive] = this.newDrive();
  }

  /** What a report of the last finished run is made of; EngineError `busy` before there is one for the current scenario. */
  reportRequest(): ReportRequest {
    if (this.current === null || this.current.scenarioSha256 !== this.scenario.sha256) {
      throw new EngineError({
        code: 'busy',
        message: 'The replay of the whole input has not finished yet.',
        fix: 'Try again in a moment.',
      });
    }
    return {
      input: this.input,
      name: this.options.name,
      scenario: { id: this.scenario.id, yaml: this.scenario.yaml, value: this.scenario.parsed },
      result: this.current.result,
      verdicts: this.verdicts,
      timestamps: this.options.timestamps,
      paced: this.drive.paced(),
    };
  }

  /** The scenario as it is set now. */
  get currentScenario(): Scenario {
    return this.scenario.parsed;
  }

  info(): SessionInfo {
    const { timestamps, timeDigits } = timestampWords(this.input.source);
    const live = this.options.timestamps;
    return {
      id: this.options.id,
      kind: live === undefined ? 'file' : 'live',
      name: this.options.name,
      capture: this.input.info(),
      timestamps: live ?? timestamps,
      timeDigits,
      scenario: { id: this.scenario.id, name: this.scenario.parsed.name, yaml: this.scenario.yaml },
    };
  }

  packetRows(first: number, count: number): { total: number; rows: ReturnType<PacketRows['read']> } {
    return { total: this.input.packets, rows: this.rows.read(first, count, this.verdicts, this.scenario.parsed) };
  }

  detail(number: number): PacketDetail {
    if (number > this.input.packets) throw noPacket(number, this.input.packets);
    const row = this.packetRows(number, 1).rows[0];
    if (row === undefined) throw noPacket(number, this.input.packets);
    return readDetail(this.input, row, this.scenario.parsed, this.snapshots.list);
  }

  packetAt(tNs: number): number {
    return this.input.packetAt(tNs);
  }

  neighbour(number: number, direction: 1 | -1): number {
    return this.rows.neighbour(number, direction);
  }

  find(text: string, from: number, direction: 1 | -1, signal: AbortSignal): Promise<number> {
    return this.rows.find(text, from, direction, { verdicts: this.verdicts, scenario: this.scenario.parsed }, signal);
  }

  flows(key: FlowSortKey, descending: boolean, first: number, count: number): { total: number; rows: FlowRow[] } {
    const flows = this.playhead.flows();
    const wanted = `${key} ${descending}`;
    const now = performance.now();
    const { revision } = this.playhead;
    const known = this.flowOrder?.key === wanted && this.flowOrder.playhead === this.playhead ? this.flowOrder : null;
    const moving = this.following || this.drive.replayer.state === 'playing';
    const fresh =
      known !== null && known.order.length <= flows.count && (known.revision === revision || (moving && now - known.atMs < FLOW_ORDER_MS));
    const order = fresh ? known.order : flows.sorted(key, descending);
    if (!fresh) this.flowOrder = { key: wanted, atMs: now, order, playhead: this.playhead, revision };
    return { total: order.length, rows: flows.rows(order, first, count) };
  }

  timeline(fromNs: number, toNs: number, bins: number): TimelineFrame {
    const { packets, bytes, binNs } = this.input.index.timeline(bins, fromNs, Math.max(fromNs, toNs));
    return {
      startNs: fromNs,
      binNs,
      bins,
      packets,
      bytes,
      drops: dropsByBin(this.input.index, this.verdicts, { fromNs, toNs, bins, binNs }),
    };
  }

  series(fromNs: number, toNs: number, bins: number): SeriesFrame {
    const series = this.current?.result.series;
    if (series === undefined || series === null) {
      throw new EngineError({ code: 'busy', message: 'The replay of the whole input has not finished yet.' });
    }
    const frame = resampleSeries(series, fromNs, toNs, bins);
    // The answer's arrays are given away; this one belongs to the run.
    return { ...frame, capacity: frame.capacity.slice() };
  }

  frame(): LiveFrame {
    return this.playhead.frame();
  }

  /** The pipeline at the playhead, for views of what its ports hold. */
  atPlayhead(): { readonly pipeline: Pipeline; readonly tNs: number } {
    return { pipeline: this.playhead.state, tNs: this.playhead.tNs };
  }

  /** One packet through the whole scenario again, with what each port did. */
  explained(number: number): Explanation | undefined {
    if (number > this.input.packets) throw noPacket(number, this.input.packets);
    return explainPacket(this.input.records, this.scenario.parsed, number, this.snapshots.list);
  }

  // Runs of the whole input.

  /** Runs the whole input. While a run for the same scenario goes on, it is the same run; cancelling one caller ends it for all. */
  async run(lanes: number | undefined, context: Pick<CallContext, 'signal' | 'progress'>): Promise<RunSummary> {
    const going = this.running ?? this.startRun(lanes);
    const listener = (progress: Progress): void => {
      context.progress(progress);
    };
    going.listeners.add(listener);
    const stop = (): void => {
      going.controller.abort();
    };
    context.signal.addEventListener('abort', stop);
    try {
      return await going.done;
    } finally {
      context.signal.removeEventListener('abort', stop);
      going.listeners.delete(listener);
    }
  }

  /** Starts a run that nobody waits for: after opening, and after a change of the scenario. */
  runInBackground(): void {
    this.startRun(undefined).done.catch((error: unknown) => {
      if (error instanceof EngineError && error.code === 'cancelled') return;
      this.options.events.runFailed({ session: this.options.id, message: error instanceof Error ? error.message : String(error) });
    });
  }

  private startRun(lanes: number | undefined): NonNullable<SessionCore['running']> {
    this.running?.controller.abort();
    const controller = new AbortController();
    const listeners = new Set<(p: Progress) => void>();
    const running = { controller, listeners, done: this.runOnce(lanes, controller, listeners) };
    this.running = running;
    const forget = (): void => {
      if (this.running === running) this.running = null;
    };
    running.done.then(forget, forget);
    return running;
  }

  private async runOnce(
    lanes: number | undefined,
    controller: AbortController,
    listeners: Set<(p: Progress) => void>,
  ): Promise<RunSummary> {
    const { parsed: scenario, sha256 } = this.scenario;
    const packets = this.input.packets;
    const verdicts = newVerdicts(packets);
    const result = await this.options.runner({
      input: this.input,
      scenario,
      scenarioSha256: sha256,
      verdicts,
      lanes,
      signal: controller.signal,
      onProgress: (progress) => {
        for (const listener of listeners) listener(progress);
      },
    });
    if (controller.signal.aborted || result.cancelled) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
    // The same scenario run again changes nothing: the comparison stays with the last run that was different.
    if (this.current !== null && this.current.scenarioSha256 !== sha256) this.previous = this.current.result.summary;
    this.current = { result, scenario, scenarioSha256: sha256, packets };
    if (!this.input.growing) this.verdicts = verdicts;
    this.options.events.runFinished({ session: this.options.id, summary: result.summary });
    this.startSurvey();
    this.tellTransport();
    return result.summary;
  }

  /** After the run, when the machine has nothing more urgent to do. */
  private startSurvey(): void {
    this.surveyor.abort();
    this.surveyor = new AbortController();
    void survey(this.input, this.scenario.parsed, this.snapshots, this.surveyor.signal);
  }

  /** Looks at the pipeline at the playhead; nothing of it may be kept or changed. */
  inspect<T>(look: (pipeline: Pipeline) => T): T {
    return this.playhead.inspect(look);
  }

  /** The last finished run and what became of each packet in it; null before there is one. */
  get finished(): { readonly result: RunResult; readonly verdicts: VerdictSink } | null {
    return this.current === null ? null : { result: this.current.result, verdicts: this.verdicts };
  }

  /** The findings of the last finished run, as its report has them; none before there is one. */
  findings(): ReportFinding[] {
    if (this.current === null) return [];
    const { result, scenario } = this.current;
    return findingsOf(result.summary, result.series ?? emptySeries(), scenario, this.input.info());
  }

  summaries(): { current: RunSummary | null; previous: RunSummary | null } {
    return { current: this.current?.result.summary ?? null, previous: this.previous };
  }

  /** Meter rings, pools and sockets at the playhead. */
  burstState(): BurstState | null {
    return this.playhead.burstState();
  }

  /** What another run of the same input needs, and the last finished one. */
  forRuns(): { input: SessionInput; runner: Runner; result: RunResult | null } {
    return { input: this.input, runner: this.options.runner, result: this.current?.result ?? null };
  }

  // Transport.

  transport(): Transport {
    const { replayer } = this.drive;
    const stale = this.current?.scenarioSha256 !== this.scenario.sha256 || this.current.packets !== this.input.packets;
    return {
      state: this.following ? 'live' : replayer.state,
      tNs: replayer.tNs,
      packet: replayer.packet,
      speed: replayer.speed,
      loop: replayer.loop,
      skipGapsNs: replayer.skipGapsNs,
      skipped: replayer.skipped,
      errorNs: replayer.errorNs,
      stale,
    };
  }

  /** In a live capture, as fast as possible means to follow it. */
  async play(speed: number): Promise<Transport> {
    if (this.input.growing && speed === 0) return this.follow();
    return this.order((replayer) => {
      replayer.play(speed);
    });
  }

  pause(): Promise<Transport> {
    return this.order((replayer) => {
      replayer.pause();
    });
  }

  seek(tNs: number): Promise<Transport> {
    return this.order((replayer) => {
      replayer.seek(tNs);
    });
  }

  seekPacket(number: number): Promise<Transport> {
    return this.order((replayer) => {
      replayer.seekPacket(number);
    });
  }

  step(unit: StepUnit, direction: 1 | -1): Promise<Transport> {
    return this.order((replayer) => {
      replayer.step(unit, direction);
    });
  }

  setLoop(range: Transport['loop']): Promise<Transport> {
    return this.order((replayer) => {
      if (!replayer.setLoop(range)) throw new EngineError({ code: 'bad-input', message: 'A loop ends after it begins.' });
    });
  }

  /** Changes how a replay goes, not where the playhead is: a live capture goes on being followed. */
  skipGaps(longerThanNs: number | null): Transport {
    this.drive.replayer.setSkipGaps(longerThanNs);
    this.drive.wake();
    return this.transport();
  }

  /** Gives the transport an order and answers when the playhead stands where it shall. */
  private async order(give: (replayer: Replayer) => void): Promise<Transport> {
    this.following = false;
    const { drive } = this;
    give(drive.replayer);
    await drive.settled();
    return this.transport();
  }

  // Scenario.

  useScenario(id: string, yaml: string): SessionInfo {
    const next = parsed(id, yaml);
    const same = next.sha256 === this.scenario.sha256;
    this.scenario = next;
    if (!same) {
      this.drive.dispose();
      this.surveyor.abort();
      this.verdicts = this.noVerdicts();
      this.snapshots = new Snapshots(this.input.packets);
      const { loop, skipGapsNs } = this.drive.replayer;
      [this.playhead, this.drive] = this.newDrive();
      this.drive.replayer.setLoop(loop);
      this.drive.replayer.setSkipGaps(skipGapsNs);
      if (this.input.growing) this.follow();
      else this.runInBackground();
      this.tellTransport();
    }
    const info = this.info();
    this.options.events.changed({ session: this.options.id, info });
    return info;
  }

  setParameter(path: string, value: string | number | boolean): SessionInfo {
    const edited = setParameter(this.scenario.yaml, path, value);
    if (!edited.ok) throw badScenario(this.scenario.id, edited.error);
    return this.useScenario(this.scenario.id, edited.value);
  }

  // Live captures.

  /** Feeds what has been appended to the input since, at most a few milliseconds' worth. */
  catchUp(): void {
    if (!this.following) return;
    const until = performance.now() + CATCH_UP_MS;
    while (this.playhead.feed(this.input.packets, CATCH_UP_PACKETS) > 0) if (performance.now() > until) return;
  }

  follow(): Transport {
    this.drive.replayer.pause();
    this.following = true;
    this.tellTransport();
    return this.transport();
  }

  /** The capture has ended: from here on the session is like one of a file. */
  endOfInput(): void {
    this.following = false;
    this.options.events.changed({ session: this.options.id, info: this.info() });
    this.runInBackground();
    this.tellTransport();
  }

  dispose(): void {
    this.drive.dispose();
    this.surveyor.abort();
    this.running?.controller.abort();
    this.input.dispose();
  }

  /** Verdicts of packets that nothing has run through yet. */
  private noVerdicts(): VerdictSink {
    return newVerdicts(this.input.growing ? MAX_LIVE_VERDICTS : this.input.packets);
  }

  private newDrive(): [Playhead, Drive] {
    const before = this.playhead as Playhead | undefined;
    const drainedNs = (): number => (this.current?.scenarioSha256 === this.scenario.sha256 ? this.current.result.summary.endNs : 0);
    const playhead = new Playhead(
      this.input,
      this.scenario.parsed,
      this.snapshots,
      drainedNs,
      this.input.growing ? this.verdicts : undefined,
    );
    if (before !== undefined) playhead.revision = before.revision + 1;
    const drive = new Drive(playhead, {
      changed: () => {
        if (this.drive === drive) this.tellTransport();
      },
      failed: (message) => {
        this.options.events.runFailed({ session: this.options.id, message });
      },
    });
    return [playhead, drive];
  }

  private tellTransport(): void {
    this.options.events.transport({ session: this.options.id, transport: this.transport() });
  }
}

function parsed(id: string, yaml: string): CurrentScenario {
  const result = parseScenario(yaml);
  if (!result.ok) throw badScenario(id, result.error);
  return { id, yaml, parsed: result.value, sha256: scenarioSha256(result.value) };
}

export function badScenario(
  file: string,
  issues: readonly { readonly line: number; readonly field: string; readonly message: string }[],
): EngineError {
  const first = issues[0];
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new EngineError({
    code: 'bad-input',
    message: `${first === undefined || first.field === '' ? '' : `${first.field}: `}${first?.message ?? 'not a scenario'}${more}`,
    where: { file, line: first?.line ?? 1, field: first?.field ?? '' },
  });
}
