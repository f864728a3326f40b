import { EngineError, type Progress, type Scenario, type StatisticsFilter, type StatisticsRecord } from '../contract/index.ts';
import { stackStatistics } from '../lab/index.ts';
import { SessionInput } from './session/input.ts';
import { Playhead } from './session/playhead.ts';
import { Snapshots } from './session/snapshots.ts';

/** Packets of one step; between steps Ctrl+C is heard. */
const STEP_PACKETS = 4_096;

export interface StatisticsRequest {
  readonly path: string;
  readonly scenario: Scenario;
  readonly filter: StatisticsFilter;
  /** Instant of the capture, ns; its end when left out, after the rings have run empty. */
  readonly atNs?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Statistics of a replay as flat records (S-10). */
export async function statisticsOfFile(request: StatisticsRequest): Promise<StatisticsRecord[]> {
  const { scenario, signal, onProgress, atNs } = request;
  const input = await SessionInput.open(request.path, { signal, progress: onProgress });
  try {
    const playhead = new Playhead(input, scenario, new Snapshots(input.packets), () => 0);
    const last = atNs === undefined ? input.packets : input.packetAt(atNs);
    while (playhead.feed(last, STEP_PACKETS) > 0) {
      onProgress({ done: playhead.packet, total: last, unit: 'packets', message: '' });
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The replay was cancelled.' });
    }
    if (atNs !== undefined) playhead.advance(atNs);
    const { pipeline } = playhead;
    if (atNs === undefined) pipeline.finish();
    return stackStatistics(pipeline, request.filter);
  } finally {
    input.dispose();
  }
}
