import type { Scenario, RunSummary, SeriesFrame } from '../contract/index.ts';
import { RecordBatch, type PacketSource } from '../files/index.ts';
import { ClassifiedBatch, ROW_WORDS, alignedBuffer, classifyRange } from '../wire/index.ts';
import { FlowList } from './flow-list.ts';
import { mergeSeries, mergeSummary } from './merge.ts';
import { Pipeline } from './pipeline.ts';
import type { QueueResult, RunOptions, SummaryInput } from './types.ts';
import { withHostPort } from './host-port.ts';

/** What a finished run left behind. */
export interface RunResult {
  readonly summary: RunSummary;
  /** Null if no series was asked for. */
  readonly series: SeriesFrame | null;
  readonly flows: FlowList;
  readonly queues: readonly QueueResult[];
  readonly cancelled: boolean;
}

/** Replays a source to its end in this thread, as fast as possible. The source is read to its end but not closed. */
export function runToEnd(source: PacketSource, scenario: Scenario, options: RunOptions): RunResult {
  const pipeline = new Pipeline(scenario, pipelineOptions(options));
  const batch = new RecordBatch();
  const step = Math.max(1, Math.min(options.batch ?? batch.capacity, batch.capacity));
  const rows = new Int32Array(alignedBuffer(batch.capacity * ROW_WORDS * 4), 0, batch.capacity * ROW_WORDS);
  const classified = new ClassifiedBatch(batch.capacity, rows);
  let number = 1;
  let cancelled = false;
  while (source.nextBatch(batch)) {
    for (let from = 0; from < batch.count; from += step) {
      const to = Math.min(batch.count, from + step);
      classifyRange(batch, from, to, classified.rows, from);
      pipeline.feed(batch, classified, from, to, number);
      number += to - from;
    }
    if (options.onProgress !== undefined) {
      const { bytesRead, bytesTotal } = source.progress();
      options.onProgress(number - 1, bytesRead, bytesTotal);
    }
    if (options.shouldCancel?.() === true) {
      cancelled = true;
      break;
    }
  }
  pipeline.finish();
  return mergeResults(scenario, pipeline.results(), { skipped: source.skipped, scenarioSha256: options.scenarioSha256 }, cancelled);
}

export function pipelineOptions(options: RunOptions): ConstructorParameters<typeof Pipeline>[1] {
  return {
    sharedArena: true,
    ...(options.series === undefined ? {} : { series: options.series }),
    ...(options.verdicts === undefined ? {} : { verdicts: options.verdicts }),
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    ...(options.expectedFlows === undefined ? {} : { expectedFlows: options.expectedFlows }),
  };
}

/** Makes one result of those of all queues, whatever thread ran them and in whatever order they come. */
export function mergeResults(scenario: Scenario, results: readonly QueueResult[], input: SummaryInput, cancelled = false): RunResult {
  const queues = [...results].sort((a, b) => a.queue - b.queue);
  const sources = queues.map((q) => q.flows);
  return {
    summary: mergeSummary(scenario, queues, input),
    series: mergeSeries(scenario, queues),
    flows: new FlowList(
      () => sources,
      withHostPort(scenario).ports.map((p) => p.id),
    ),
    queues,
    cancelled,
  };
}
