import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EngineError, type Scenario } from '../contract/index.ts';
import { PacketIndex, RecordBatch, fileByteSource, type SharedIndex } from '../files/index.ts';
import {
  ABORT_CANCELLED,
  ABORT_FAILED,
  ABORT_IRREGULAR,
  ABORT_NONE,
  IndexedLaneSource,
  LaneCore,
  LaneMemory,
  MAX_LANES,
  PcapLaneSource,
  mergeResults,
  type LaneSource,
  type QueueResult,
  type RunResult,
  type SeriesOptions,
  type VerdictSink,
} from '../lab/index.ts';
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
  /** Views on shared memory. */
  readonly verdicts?: VerdictSink;
  readonly series?: SeriesOptions;
  readonly expectedFlows?: number;
  readonly skipped?: Readonly<Record<string, number>>;
  /** Run the first lane in this thread, in slices: for the command line, where another thread would only cost its start. */
  readonly inline?: boolean;
  readonly onProgress?: (packets: number) => void;
  readonly signal?: AbortSignal;
}

/** Plain data for a lane's thread. */
export interface LaneStart {
  readonly memory: SharedArrayBuffer;
  readonly lane: number;
  readonly lanes: number;
  readonly input: LaneInput;
  readonly scenario: Scenario;
  readonly verdicts: VerdictSink | null;
  readonly series: SeriesOptions | null;
  readonly expectedFlows: number;
}

export interface LaneAnswer {
  readonly results: QueueResult[];
}

const PROGRESS_MS = 50;
/** Room for new objects in a lane's thread, MB: it makes hardly any. */
const YOUNG_MB = 2;

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
    memory: new LaneMemory(start.memory),
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
  if (probe === undefined) return undefined;
  const memory = new LaneMemory();
  memory.start(PcapLaneSource.firstOffset);
  const start = (lane: number): LaneStart => ({
    memory: memory.buffer as SharedArrayBuffer,
    lane,
    lanes,
    input: run.input,
    scenario: run.scenario,
    verdicts: run.verdicts ?? null,
    series: run.series ?? null,
    expectedFlows: run.expectedFlows ?? 0,
  });
  const cancel = (): void => {
    memory.abort(ABORT_CANCELLED);
  };
  run.signal?.addEventListener('abort', cancel);
  if (run.signal?.aborted === true) cancel();
  const timer = setInterval(() => run.onProgress?.(memory.packetsDone(lanes)), PROGRESS_MS);
  try {
    const inline = run.inline === true;
    const others = Array.from({ length: lanes }, (_, lane) => lane)
      .slice(inline ? 1 : 0)
      .map((lane) => laneThread(run.workerFile, start(lane), memory));
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

function laneThread(file: string, start: LaneStart, memory: LaneMemory): Promise<QueueResult[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, {
      workerData: start,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      name: `lane ${String(start.lane)}`,
    });
    let answer: QueueResult[] | undefined;
    worker.on('message', (message: LaneAnswer) => {
      answer = message.results;
    });
    worker.on('error', (error) => {
      memory.abort(ABORT_FAILED);
      reject(error);
    });
    worker.on('exit', () => {
      if (answer !== undefined) {
        resolve(answer);
        return;
      }
      if (memory.aborted === ABORT_NONE) memory.abort(ABORT_FAILED);
      if (memory.aborted === ABORT_FAILED)
        reject(new EngineError({ code: 'internal', message: 'A thread of the run ended without a result.' }));
      else resolve([]);
    });
  });
}
