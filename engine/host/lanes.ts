import { Worker } from 'node:worker_threads';
import { EngineError, type Scenario } from '../contract/index.ts';
import { PacketIndex, RecordBatch, fileByteSource, openCapture, type SharedIndex } from '../files/index.ts';
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
  runToEnd,
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
  /** Run the first lane in this thread, which then answers nothing until the run has ended: for the command line. */
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

/** One lane of a run, in the thread of the caller. */
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
      core.run();
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
    const worker = new Worker(file, { workerData: start, name: `lane ${String(start.lane)}` });
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

export interface FileRun extends Omit<LaneRun, 'input'> {
  readonly path: string;
}

/** Replays a capture file from start to end: in lanes where the file allows it, otherwise in this thread. */
export async function runFile(run: FileRun): Promise<RunResult> {
  if (run.lanes > 1 && run.scenario.device.queues > 1) {
    const result = await runLanes({ ...run, input: { kind: 'pcap', path: run.path } });
    if (result !== undefined) return result;
  }
  const opened = await openCapture(run.path);
  if (!opened.ok) throw opened.error;
  const { source } = opened.value;
  try {
    return runToEnd(source, run.scenario, {
      scenarioSha256: run.scenarioSha256,
      ...(run.series === undefined ? {} : { series: run.series }),
      ...(run.verdicts === undefined ? {} : { verdicts: run.verdicts }),
      ...(run.expectedFlows === undefined ? {} : { expectedFlows: run.expectedFlows }),
      onProgress: (packets) => run.onProgress?.(packets),
      shouldCancel: () => run.signal?.aborted === true,
    });
  } finally {
    source.close();
  }
}
