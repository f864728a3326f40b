import { availableParallelism } from 'node:os';
import { EngineError, type Scenario } from '../contract/index.ts';
import { PacketIndex, RecordBatch, fileByteSource, type SharedIndex } from '../files/index.ts';
import {
  ABORT_CANCELLED,
  ABORT_FAILED,
  ABORT_IRREGULAR,
  ABORT_NONE,
  IndexedLaneSource,
  LaneCore,
  LANE_SLOTS,
  LaneMemory,
  MAX_LANES,
  PcapLaneSource,
  laneBuffer,
  laneRoom,
  lanesReserve,
  mergeResults,
  type LaneRoom,
  type LaneSource,
  type QueueResult,
  type RunResult,
  type SeriesOptions,
  type VerdictSink,
} from '../lab/index.ts';
import { kernelModule } from './kernel-module.ts';
import { LaneThread } from './lane-thread.ts';
import { IndexedRecords } from './session/records.ts';

/** What the lanes of a run read. */
export type LaneInput =
  | { readonly kind: 'pcap'; readonly path: string }
  /** An indexed file: `dataPath` has the bytes that the index's offsets mean, `linkTypes` the link type of each interface. */
  | { readonly kind: 'index'; readonly dataPath: string; readonly index: SharedIndex; readonly linkTypes: readonly number[] };

export interface LaneRun {
  readonly input: LaneInput;
  readonly scenario: Scenario;
  readonly scenarioSha256: string;
  /** Threads; never more than the device has queues. */
  readonly lanes: number;
  /** File of the built lane worker. */
  readonly workerFile: string;
  /** A thread that has been started for this run; it is ended if the run has no lane for it. */
  readonly thread?: LaneThread<LaneStart, LaneAnswer> | undefined;
  /** Views on shared memory. */
  readonly verdicts?: VerdictSink;
  readonly series?: SeriesOptions;
  readonly expectedFlows?: number;
  /** False where only the summary is wanted: the flows of the result are then not complete. */
  readonly flows?: boolean;
  readonly skipped?: Readonly<Record<string, number>>;
  /** Run the first lane in this thread, in slices: for the command line, where another thread would only cost its start. */
  readonly inline?: boolean;
  readonly onProgress?: (packets: number) => void;
  readonly signal?: AbortSignal;
}

/** Plain data for a lane's thread. */
export interface LaneStart {
  readonly room: LaneRoom;
  /** Chunks of the window. */
  readonly slots: number;
  readonly kernel: WebAssembly.Module | undefined;
  readonly lane: number;
  readonly lanes: number;
  readonly input: LaneInput;
  readonly scenario: Scenario;
  readonly verdicts: VerdictSink | null;
  readonly series: SeriesOptions | null;
  readonly expectedFlows: number;
  readonly flows: boolean;
}

export interface LaneAnswer {
  readonly results: QueueResult[];
}

const PROGRESS_MS = 50;

/** Chunks that a lane in the caller's thread runs before the thread looks at its other events: some tens of milliseconds. */
const INLINE_STEPS = 64;
/** Longest wait of such a lane with its thread held, ms. */
const INLINE_WAIT_MS = 20;

/** Lanes where nobody says how many: one for each device queue, as far as there are cores. */
export function defaultLanes(queues: number): number {
  return Math.max(1, Math.min(queues, availableParallelism()));
}

/** Opens a lane's own view of the input; undefined for an input that lanes cannot read. */
export function openLaneSource(input: LaneInput): LaneSource | undefined {
  if (input.kind === 'index') {
    const index = PacketIndex.fromShared(input.index);
    const interfaces = input.linkTypes.map((linkType) => ({ linkType }));
    return new IndexedLaneSource(
      IndexedRecords.open(index, () => interfaces, input.dataPath),
      new RecordBatch(),
    );
  }
  const bytes = fileByteSource(input.path);
  return bytes.ok ? PcapLaneSource.open(bytes.value) : undefined;
}

/** One lane of a run. */
export function laneOf(start: LaneStart, source: LaneSource): LaneCore {
  return new LaneCore({
    memory: new LaneMemory(start.room, start.slots),
    kernel: start.kernel,
    lane: start.lane,
    lanes: start.lanes,
    scenario: start.scenario,
    source,
    pipeline: {
      ...(start.verdicts === null ? {} : { verdicts: start.verdicts }),
      ...(start.series === null ? {} : { series: start.series }),
      expectedFlows: start.expectedFlows,
    },
  });
}

/**
 * Runs an input in lanes, a thread each. Undefined if the input is not one that lanes can read (compressed, irregular): the
 * caller then runs it in one thread with the ordinary reader, with the same result as lanes would have given.
 */
export async function runLanes(run: LaneRun): Promise<RunResult | undefined> {
  const lanes = Math.max(1, Math.min(run.lanes, run.scenario.device.queues, MAX_LANES));
  const probe = openLaneSource(run.input);
  if (probe === undefined) {
    run.thread?.stop();
    return undefined;
  }
  const slots = lanes === 1 ? 1 : LANE_SLOTS;
  const kernel = run.verdicts === undefined ? kernelModule() : undefined;
  const wide = kernel === undefined ? undefined : laneRoom(slots, lanesReserve(run.scenario, lanes, run.expectedFlows ?? 0));
  const memory = new LaneMemory(wide ?? laneBuffer(slots), slots);
  memory.start(PcapLaneSource.firstOffset);
  const start = (lane: number): LaneStart => ({
    room: memory.room,
    slots,
    kernel: wide === undefined ? undefined : kernel,
    lane,
    lanes,
    input: run.input,
    scenario: run.scenario,
    verdicts: run.verdicts ?? null,
    series: run.series ?? null,
    expectedFlows: run.expectedFlows ?? 0,
    flows: run.flows ?? true,
  });
  const cancel = (): void => {
    memory.abort(ABORT_CANCELLED);
  };
  run.signal?.addEventListener('abort', cancel);
  if (run.signal?.aborted === true) cancel();
  const timer = setInterval(() => run.onProgress?.(memory.packetsDone(lanes)), PROGRESS_MS);
  try {
    const inline = run.inline === true;
    let spare = run.thread;
    const others: Promise<QueueResult[]>[] = [];
    for (let lane = inline ? 1 : 0; lane < lanes; lane++) {
      const thread = spare ?? new LaneThread<LaneStart, LaneAnswer>(run.workerFile);
      spare = undefined;
      others.push(laneResults(thread, start(lane), memory));
    }
    spare?.stop();
    const own: QueueResult[] = [];
    if (inline) {
      const core = laneOf(start(0), probe);
      while (!core.runSteps(INLINE_STEPS, INLINE_WAIT_MS)) await new Promise<void>((resolve) => setImmediate(resolve));
      own.push(...core.results());
    }
    const results = [...own, ...(await Promise.all(others)).flat()];
    if (memory.aborted === ABORT_IRREGULAR) return undefined;
    return mergeResults(
      run.scenario,
      results,
      { skipped: run.skipped ?? {}, scenarioSha256: run.scenarioSha256 },
      memory.aborted === ABORT_CANCELLED,
    );
  } finally {
    clearInterval(timer);
    run.signal?.removeEventListener('abort', cancel);
    probe.close();
  }
}

async function laneResults(thread: LaneThread<LaneStart, LaneAnswer>, start: LaneStart, memory: LaneMemory): Promise<QueueResult[]> {
  let answer: LaneAnswer | undefined;
  try {
    answer = await thread.run(start);
  } catch (error) {
    memory.abort(ABORT_FAILED);
    throw error;
  }
  if (answer !== undefined) return answer.results;
  if (memory.aborted === ABORT_NONE) memory.abort(ABORT_FAILED);
  if (memory.aborted === ABORT_FAILED) throw new EngineError({ code: 'internal', message: 'A thread of the run ended without a result.' });
  return [];
}
