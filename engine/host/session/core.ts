import type {
  EventData,
  FlowRow,
  PacketDetail,
  PacketRow,
  RunSummary,
  Scenario,
  SeriesFrame,
  SessionInfo,
  TimelineFrame,
} from '../../contract/index.ts';
import {
  explainPacket,
  needsPacketBytes,
  resampleSeries,
  setParameter,
  type Explanation,
  type FlowSortKey,
  type RunResult,
  type VerdictSink,
} from '../../lab/index.ts';
import { timestampWords } from '../capture-summary.ts';
import { readDetail } from './detail.ts';
import { FlowOrder } from './flow-order.ts';
import type { SessionInput } from './input.ts';
import { PacketRows, noPacket, type Fates } from './packets.ts';
import { MAX_LIVE_VERDICTS, dropsByBin, newVerdicts, verdictText } from './verdicts.ts';
import type { Playhead } from './playhead.ts';
import type { ReportRequest } from './report.ts';
import { badScenario, readScenario, type SessionScenario } from './scenario.ts';
import { Snapshots } from './snapshots.ts';
import { survey } from './survey.ts';
import { SessionTransport, type Replayed } from './transport.ts';
import { WholeRuns, notFinished, type Runner } from './whole-runs.ts';

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

/**
 * One session: an input, a scenario, the transport, and the last runs of the whole input. Lives in a thread of its own; all its
 * work is done in slices.
 */
export class SessionCore {
  readonly input: SessionInput;
  readonly transport: SessionTransport;
  readonly runs: WholeRuns;
  private readonly options: SessionOptions;
  private readonly rows: PacketRows;
  private readonly flowOrder = new FlowOrder();
  private scenario: SessionScenario;
  private snapshots: Snapshots;
  private verdicts: VerdictSink;
  private surveyor = new AbortController();

  constructor(options: SessionOptions) {
    this.options = options;
    this.input = options.input;
    this.rows = new PacketRows(options.input);
    this.scenario = readScenario(options.scenario.id, options.scenario.yaml);
    this.verdicts = this.noVerdicts();
    this.snapshots = this.noSnapshots();
    const { id: session, events, runner } = options;
    const failed = (message: string): void => {
      events.runFailed({ session, message });
    };
    this.runs = new WholeRuns({
      input: this.input,
      runner,
      scenario: () => this.scenario,
      finished: (summary, verdicts) => {
        this.runFinished(summary, verdicts);
      },
      failed,
    });
    this.transport = new SessionTransport(this.input, this.replayed(), {
      drainedNs: () => this.runs.ofScenario?.summary.endNs ?? 0,
      stale: () => this.runs.stale,
      changed: (transport) => {
        events.transport({ session, transport });
      },
      failed,
    });
  }

  /** The scenario as it is set now. */
  get currentScenario(): Scenario {
    return this.scenario.value;
  }

  /** The pipeline at the playhead, for views of what it holds; nothing of it may be kept or changed. */
  get playhead(): Playhead {
    return this.transport.playhead;
  }

  /** The last finished run and what became of each packet in it; null before there is one. */
  get finished(): { readonly result: RunResult; readonly verdicts: VerdictSink } | null {
    const { last } = this.runs;
    return last === null ? null : { result: last, verdicts: this.verdicts };
  }

  info(): SessionInfo {
    const { timestamps, timeDigits } = timestampWords(this.input.source);
    const { id, name, timestamps: live } = this.options;
    return {
      id,
      kind: live === undefined ? 'file' : 'live',
      name,
      capture: this.input.info(),
      timestamps: live ?? timestamps,
      timeDigits,
      scenario: { id: this.scenario.id, name: this.scenario.value.name, yaml: this.scenario.yaml },
    };
  }

  /** What a report of the last finished run is made of; EngineError `busy` before there is one for the current scenario. */
  reportRequest(): ReportRequest {
    const result = this.runs.ofScenario;
    if (result === null) throw notFinished();
    const { id, yaml, value } = this.scenario;
    return {
      input: this.input,
      name: this.options.name,
      scenario: { id, yaml, value },
      result,
      verdicts: this.verdicts,
      timestamps: this.options.timestamps,
      paced: this.transport.paced(),
    };
  }

  // Packets and flows.

  packetRows(first: number, count: number): { total: number; rows: PacketRow[] } {
    return { total: this.input.packets, rows: this.rows.read(first, count, this.fates()) };
  }

  private fates(): Fates {
    return { ...this.verdicts, text: (verdict, detail) => verdictText(verdict, detail, this.scenario.value) };
  }

  detail(number: number): PacketDetail {
    const row = this.packetRows(number, 1).rows[0];
    if (row === undefined) throw noPacket(number, this.input.packets);
    return readDetail(this.input, row, this.scenario.value, this.snapshots.list);
  }

  neighbour(number: number, direction: 1 | -1): number {
    return this.rows.neighbour(number, direction);
  }

  find(text: string, from: number, direction: 1 | -1, signal: AbortSignal): Promise<number> {
    return this.rows.find(text, from, direction, this.fates(), signal);
  }

  /** One packet through the whole scenario again, with what each port did. */
  explained(number: number): Explanation | undefined {
    if (number > this.input.packets) throw noPacket(number, this.input.packets);
    return explainPacket(this.input.records, this.scenario.value, number, this.snapshots.list);
  }

  flows(sort: FlowSortKey, descending: boolean, first: number, count: number): { total: number; rows: FlowRow[] } {
    return this.flowOrder.rows(this.playhead, this.transport.moving, { sort, descending, first, count });
  }

  timeline(fromNs: number, toNs: number, bins: number): TimelineFrame {
    const { packets, bytes, binNs } = this.input.index.timeline(bins, fromNs, Math.max(fromNs, toNs));
    const drops = dropsByBin(this.input.index, this.verdicts, { fromNs, toNs, bins, binNs });
    return { startNs: fromNs, binNs, bins, packets, bytes, drops };
  }

  series(fromNs: number, toNs: number, bins: number): SeriesFrame {
    const series = this.runs.last?.series;
    if (series === undefined || series === null) throw notFinished();
    const frame = resampleSeries(series, fromNs, toNs, bins);
    // The answer's arrays are given away; this one belongs to the run.
    return { ...frame, capacity: frame.capacity.slice() };
  }

  // Scenario.

  /** Another scenario starts the replay anew; the last run stays for comparison. EngineError `bad-input` for a text that is none. */
  useScenario(id: string, yaml: string): SessionInfo {
    const next = readScenario(id, yaml);
    const same = next.sha256 === this.scenario.sha256;
    this.scenario = next;
    if (!same) this.startAnew();
    return this.tellChanged();
  }

  setParameter(path: string, value: string | number | boolean): SessionInfo {
    const edited = setParameter(this.scenario.yaml, path, value);
    if (!edited.ok) throw badScenario(this.scenario.id, edited.error);
    return this.useScenario(this.scenario.id, edited.value);
  }

  /** A live capture has ended: from here on the session is like one of a file. */
  endOfInput(): void {
    this.transport.endFollowing();
    this.tellChanged();
    this.runs.runInBackground();
    this.transport.tell();
  }

  dispose(): void {
    this.transport.dispose();
    this.surveyor.abort();
    this.runs.dispose();
    this.input.dispose();
  }

  private startAnew(): void {
    this.surveyor.abort();
    this.verdicts = this.noVerdicts();
    this.snapshots = this.noSnapshots();
    this.transport.restart(this.replayed());
    if (this.input.growing) this.transport.follow();
    else this.runs.runInBackground();
    this.transport.tell();
  }

  private runFinished(summary: RunSummary, verdicts: VerdictSink): void {
    if (!this.input.growing) this.verdicts = verdicts;
    this.options.events.runFinished({ session: this.options.id, summary });
    this.startSurvey();
    this.transport.tell();
  }

  /** After the run, when the machine has nothing more urgent to do. */
  private startSurvey(): void {
    this.surveyor.abort();
    this.surveyor = new AbortController();
    void survey(this.input, this.scenario.value, this.snapshots, this.surveyor.signal);
  }

  private tellChanged(): SessionInfo {
    const info = this.info();
    this.options.events.changed({ session: this.options.id, info });
    return info;
  }

  private replayed(): Replayed {
    const verdicts = this.input.growing ? this.verdicts : undefined;
    return { scenario: this.scenario.value, snapshots: this.snapshots, verdicts };
  }

  private noSnapshots(): Snapshots {
    return new Snapshots(this.input.packets, needsPacketBytes(this.scenario.value));
  }

  /** Verdicts of packets that nothing has run through yet. */
  private noVerdicts(): VerdictSink {
    return newVerdicts(this.input.growing ? MAX_LIVE_VERDICTS : this.input.packets);
  }
}
