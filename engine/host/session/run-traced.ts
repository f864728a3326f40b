import type { Scenario, TraceRecord } from '../../contract/index.ts';
import { EngineError } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { Pipeline } from '../../lab/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import type { SessionInput } from './input.ts';

/**
 * The trace of a whole run (W-02), in the order of time: packets are fed one by one, and what happens in all queues up to the next
 * one is sorted before it is given out. `write` may make the run wait, for a pipe that is full.
 */
export async function traceRun(
  input: SessionInput,
  scenario: Scenario,
  write: (record: TraceRecord) => Promise<void> | undefined,
  signal: AbortSignal,
): Promise<void> {
  const step: TraceRecord[] = [];
  const pipeline = new Pipeline(scenario, {
    trace: {
      wants: () => true,
      record: (record) => {
        step.push(record);
      },
    },
  });
  const flush = async (): Promise<void> => {
    // Sorting is stable: records of one instant stay in the order of cause and effect, queue by queue.
    step.sort((a, b) => a.tNs - b.tNs);
    for (const record of step) await write(record);
    step.length = 0;
  };
  const batch = new RecordBatch();
  const classified = new ClassifiedBatch(batch.capacity);
  for (let number = 1; number <= input.packets; number += batch.count) {
    if (input.records.read(number, batch) === 0) break;
    classifyBatch(batch, classified);
    for (let i = 0; i < batch.count; i++) {
      pipeline.advanceTo(input.timeOf(number + i));
      pipeline.feed(batch, classified, i, i + 1, number + i);
      await flush();
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The trace was cancelled.' });
  }
  pipeline.finish();
  await flush();
}
