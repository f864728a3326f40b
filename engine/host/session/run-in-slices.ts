import { EngineError } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { MAX_SERIES_BINS, Pipeline, mergeResults, type RunResult } from '../../lab/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import type { RunRequest } from './whole-runs.ts';

/** Work between two looks at the thread's messages. */
const SLICE_MS = 6;

/** Runs the whole input in this thread, in slices. What lanes give in parallel comes out the same; used where threads are not worth it. */
export async function runInSlices(request: RunRequest): Promise<RunResult> {
  const { input, scenario, signal } = request;
  const pipeline = new Pipeline(scenario, {
    verdicts: request.verdicts,
    series: { durationNs: input.endNs, bins: MAX_SERIES_BINS },
  });
  const batch = new RecordBatch(request.batch);
  const classified = new ClassifiedBatch(batch.capacity);
  let since = performance.now();
  for (let number = 1; number <= input.packets; number += batch.count) {
    if (input.records.read(number, batch) === 0) break;
    classifyBatch(batch, classified);
    pipeline.feed(batch, classified, 0, batch.count, number);
    if (performance.now() - since < SLICE_MS) continue;
    request.onProgress({ done: number, total: input.packets, unit: 'packets', message: '' });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
    since = performance.now();
  }
  pipeline.finish();
  return mergeResults(scenario, pipeline.results(), { skipped: input.source.skipped, scenarioSha256: request.scenarioSha256 });
}
