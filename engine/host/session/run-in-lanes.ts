import { EngineError } from '../../contract/index.ts';
import { MAX_SERIES_BINS, needsPacketBytes, type RunResult } from '../../lab/index.ts';
import { defaultLanes, runLanes } from '../lanes.ts';
import { laneWorkerFile } from '../paths.ts';
import { runInSlices } from './run-in-slices.ts';
import type { RunRequest } from './whole-runs.ts';

/** Below this a run is over before threads have started. */
const MIN_PACKETS = 50_000;

/** Runs the whole input in threads of its own, so that this one stays free; a small one in slices of this thread. */
export async function runInLanes(request: RunRequest): Promise<RunResult> {
  const { input, scenario, signal } = request;
  // Lanes have no packet bytes, and what a translator or a multicast router remembers is of all packets.
  if (needsPacketBytes(scenario)) return runInSlices(request);
  if (input.packets < MIN_PACKETS && request.lanes === undefined) return runInSlices(request);
  const result = await runLanes({
    input: {
      kind: 'index',
      dataPath: input.dataPath,
      index: input.index.share(),
      linkTypes: input.source.interfaces.map(({ linkType }) => linkType),
    },
    scenario,
    scenarioSha256: request.scenarioSha256,
    lanes: request.lanes ?? defaultLanes(scenario.device.queues),
    workerFile: laneWorkerFile,
    verdicts: request.verdicts,
    series: { durationNs: input.endNs, bins: MAX_SERIES_BINS },
    skipped: input.source.skipped,
    signal,
    onProgress: (packets) => {
      request.onProgress({ done: packets, total: input.packets, unit: 'packets', message: '' });
    },
  });
  if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
  return result ?? runInSlices(request);
}
