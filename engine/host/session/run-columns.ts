import { EngineError, type Progress, type Scenario } from '../../contract/index.ts';
import { Pipeline, mergeResults, scenarioSha256, type RunResult } from '../../lab/index.ts';
import type { SessionInput } from './input.ts';
import type { InputColumns } from './input-columns.ts';

/** Work between two looks at the thread's messages. */
const SLICE_MS = 6;
/** Packets fed at a time. */
const STEP_PACKETS = 2_048;
/** Nobody looks at the occupancy of rings in a trial: the series is as short as it can be. */
const SERIES_BINS = 2;

export interface ColumnsRun {
  readonly input: SessionInput;
  readonly columns: InputColumns;
  readonly scenario: Scenario;
  /** Packets from the start that are run. */
  readonly packets: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Runs an input, or its first packets, from columns in this thread, in slices; verdicts are not kept. The result is that of any other run. */
export async function runColumns({ input, columns, scenario, packets, signal, onProgress }: ColumnsRun): Promise<RunResult> {
  const durationNs = packets < input.packets ? input.timeOf(packets) : input.endNs;
  const pipeline = new Pipeline(scenario, { series: { durationNs, bins: SERIES_BINS } });
  const { rows, tsNs, lenBytes } = columns;
  let since = performance.now();
  for (let from = 0; from < packets; from += STEP_PACKETS) {
    const wanted = Math.min(packets, from + STEP_PACKETS);
    const whole = columns.fillTo(wanted);
    const to = Math.min(wanted, columns.filled);
    if (to > from) pipeline.feedColumns(rows, from, to, tsNs, lenBytes, from + 1);
    if (!whole) break;
    if (performance.now() - since < SLICE_MS) continue;
    onProgress({ done: to, total: packets, unit: 'packets', message: '' });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
    since = performance.now();
  }
  pipeline.finish();
  return mergeResults(scenario, pipeline.results(), { skipped: input.source.skipped, scenarioSha256: scenarioSha256(scenario) });
}
