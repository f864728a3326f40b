import { EngineError, burstSettingsSchema, type Progress, type Scenario } from '../../contract/index.ts';
import {
  burstSeries,
  FlowSearch,
  multicastPortsOf,
  poolRows,
  portRows,
  refusalRows,
  stackArena,
  stackTraffic,
  stackTopology,
  translatorsOf,
  wholeSearch,
  type Pipeline,
  type RunResult,
} from '../../lab/index.ts';
import { MAX_REPORT_CONVERSATIONS, type ModuleStates, type TranslatorsState } from '../../session/index.ts';
import { analyseBurstsOfInput } from '../burst-analysis.ts';
import type { SessionInput } from './input.ts';
import { runOffloads } from './offload.ts';
import { Playhead } from './playhead.ts';
import { Snapshots } from './snapshots.ts';

/** Packets of one step; between steps a cancel is heard. */
const STEP_PACKETS = 4_096;

/** Bins of a module's charts: as many as a page has points to draw them. */
const CHART_BINS = 512;

export interface ModuleRun {
  readonly input: SessionInput;
  readonly result: RunResult;
  readonly scenario: Scenario;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What the modules of a scenario hold at the end of the input: for a report, which is asked for long after the run's threads are gone. */
export async function moduleStates(run: ModuleRun): Promise<ModuleStates> {
  const { input, scenario, result, signal } = run;
  const onProgress = run.onProgress ?? ((): void => undefined);
  const { report: bursts } = await analyseBurstsOfInput(input, { settings: burstSettingsSchema.parse({}), flows: 0, signal, onProgress });
  const offloading = scenario.device.offloads !== undefined || scenario.ports.some((port) => port.offloads !== undefined);
  const offloads = offloading ? (await runOffloads(input, scenario, {}, { signal, progress: onProgress })).report : null;
  const meters = result.queues.map((queue) => queue.regulation).filter((r) => r !== undefined);
  const regulation = burstSeries(meters, 0, Math.max(1, result.summary.endNs), CHART_BINS);
  const pipeline = keepsState(scenario) ? await endOf(run) : null;
  if (pipeline === null) return { bursts, regulation, offloads, stack: null, translators: null, multicast: null };
  const endNs = input.endNs;
  return {
    bursts,
    regulation,
    offloads,
    stack: scenario.stack === undefined ? null : stackState(pipeline, endNs),
    translators: translatorsState(pipeline),
    multicast: multicastPortsOf(pipeline)[0]?.router.state() ?? null,
  };
}

/** True for a scenario of which the summary does not say all: it has instances, a translator, or a multicast router. */
function keepsState({ stack, ports }: Scenario): boolean {
  return stack !== undefined || ports.some(({ kind }) => kind === 'translator' || kind === 'multicast');
}

async function endOf({ input, scenario, signal, onProgress }: ModuleRun): Promise<Pipeline> {
  const playhead = new Playhead(input, scenario, new Snapshots(input.packets), () => 0);
  while (playhead.feed(input.packets, STEP_PACKETS) > 0) {
    onProgress?.({ done: playhead.packet, total: input.packets, unit: 'packets', message: 'report' });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal.aborted) throw new EngineError({ code: 'cancelled', message: 'The report was cancelled.' });
  }
  // Not to the end of all timers: the tables are to be those of the last packet.
  playhead.advance(input.endNs);
  return playhead.pipeline;
}

function stackState(pipeline: Pipeline, endNs: number): NonNullable<ModuleStates['stack']> {
  return { topology: stackTopology(pipeline, endNs), arena: stackArena(pipeline, endNs), traffic: stackTraffic(pipeline) };
}

function translatorsState(pipeline: Pipeline): TranslatorsState | null {
  if (translatorsOf(pipeline).length === 0) return null;
  const flows = wholeSearch(new FlowSearch(pipeline, 'bytes', true, ''));
  return {
    ports: portRows(pipeline),
    reasons: refusalRows(pipeline),
    conversations: { total: flows.order.length, rows: flows.page(0, MAX_REPORT_CONVERSATIONS) },
    pools: poolRows(pipeline),
  };
}
