import { statSync } from 'node:fs';
import { EngineError, type Progress, type RunSummary, type Scenario } from '../contract/index.ts';
import { needsPacketBytes } from '../lab/index.ts';
import type { LaneThread } from './lane-thread.ts';
import { defaultLanes, runLanes, type LaneAnswer, type LaneStart } from './lanes.ts';
import { MIN_LANE_BYTES, laneWorkerFile } from './paths.ts';

export interface SummaryRequest {
  readonly path: string;
  readonly scenario: Scenario;
  readonly scenarioSha256: string;
  readonly lanes?: number | undefined;
  /** A thread that has been started for the run already. */
  readonly thread?: LaneThread<LaneStart, LaneAnswer> | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/**
 * The summary of a whole run where nothing else is wanted: a plain pcap file is read by the lanes themselves, without an index. Undefined
 * for a file of another kind, or one with something out of the ordinary, which `OfflineReplay` reads. The first lane runs in this thread.
 */
export async function summarizeRun(request: SummaryRequest): Promise<RunSummary | undefined> {
  const { path, scenario, scenarioSha256, signal, onProgress } = request;
  // Some ports need the bytes of packets, and lanes have their rows only.
  if (needsPacketBytes(scenario)) {
    request.thread?.stop();
    return undefined;
  }
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const lanes = bytes < MIN_LANE_BYTES ? 1 : defaultLanes(scenario.device.queues);
  const result = await runLanes({
    input: { kind: 'pcap', path },
    scenario,
    scenarioSha256,
    lanes: request.lanes ?? lanes,
    workerFile: laneWorkerFile,
    thread: request.thread,
    flows: false,
    inline: true,
    signal,
    onProgress: (packets) => {
      onProgress({ done: packets, total: 0, unit: 'packets', message: `${packets} packets` });
    },
  });
  if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
  return result?.summary;
}
