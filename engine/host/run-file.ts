import { openCapture } from '../files/index.ts';
import { runToEnd, type RunResult } from '../lab/index.ts';
import { runLanes, type LaneRun } from './lanes.ts';

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
