import {
  EngineError,
  meterSchema,
  type BurstOutcome,
  type CallContext,
  type CallAnswer,
  type CallRequest,
  type EngineHandlers,
  type Scenario,
} from '../../contract/index.ts';
import {
  burstSeries,
  burstState,
  mergeStages,
  needsPacketBytes,
  regulatedScenario,
  scenarioSha256,
  socketRows,
  sortSockets,
  stageHistogram,
  type QueueRegulation,
  type RunResult,
} from '../../lab/index.ts';
import type { SessionCore } from './core.ts';
import { InputColumns, MAX_COLUMN_PACKETS } from './input-columns.ts';
import { newVerdicts } from './verdicts.ts';
import { runColumns, type ColumnsRun } from './run-columns.ts';
import { runInSlices } from './run-in-slices.ts';
import { badScenario } from './scenario.ts';
import { sendersWhatIf } from './senders.ts';
import { notFinished } from './whole-runs.ts';

/** The calls of the Burst panel about the meter that a session answers. */
type SessionBurstCall = 'burst.outcome' | 'burst.run' | 'burst.senders' | 'burst.state' | 'burst.sockets';

interface Range {
  readonly fromNs: number;
  readonly toNs: number;
  readonly bins: number;
}

function regulations(result: RunResult): QueueRegulation[] {
  return result.queues.map((queue) => queue.regulation).filter((r) => r !== undefined);
}

/** A run as the panel shows it; null where its scenario has neither sockets nor a meter. */
function outcomeOf(result: RunResult, { fromNs, toNs, bins }: Range): BurstOutcome | null {
  const queues = regulations(result);
  const series = burstSeries(queues, fromNs, Math.max(fromNs, toNs), bins);
  return series === null ? null : { summary: result.summary, series, stages: mergeStages(queues).map(stageHistogram) };
}

type RunAnswer = CallAnswer<'burst.run'>;

/** A finished run of a what-if, kept for the next one. */
interface KeptRun {
  readonly key: string;
  /** Packets of the input then; a live capture has more later. */
  readonly packets: number;
  readonly result: RunResult;
}

/** The last run with the meter on and the last one with it off: looking closer runs nothing again, and a parameter of the meter only one. */
const keptRuns = new WeakMap<SessionCore, { on?: KeptRun; off?: KeptRun }>();

/** The same scenario with the meter off, and nothing in it of how the meter would release. */
function withoutMeter(scenario: Scenario): Scenario {
  const ports = scenario.ports.map((port) => {
    if (port.meter === undefined) return port;
    const { burstGapUs } = port.meter;
    return { ...port, meter: meterSchema.parse({ enable: false, burstGapUs }) };
  });
  return { ...scenario, ports };
}

type TrialContext = Pick<ColumnsRun, 'signal' | 'onProgress'>;

/** One run of `packets` packets: from columns that all runs share, in this thread, whose code is warm; a large input as any other run. */
function trial(core: SessionCore, scenario: Scenario, packets: number, context: TrialContext): Promise<RunResult> {
  const { input } = core;
  const columns = needsPacketBytes(scenario) ? undefined : InputColumns.of(input, packets);
  if (columns !== undefined) return runColumns({ input, columns, scenario, packets, ...context });
  const run = input.packets <= MAX_COLUMN_PACKETS ? runInSlices : core.runs.runner;
  return run({
    input,
    scenario,
    scenarioSha256: scenarioSha256(scenario),
    verdicts: newVerdicts(input.packets),
    lanes: undefined,
    ...context,
  });
}

/** The session's input with the meter on and off, and whatever parameters are to be tried. */
async function whatIf(core: SessionCore, request: CallRequest<'burst.run'>, context: CallContext): Promise<RunAnswer> {
  const { id, yaml } = core.info().scenario;
  const regulated = regulatedScenario(yaml, request.overrides);
  if (!regulated.ok) throw badScenario(id, regulated.error);
  const { scenario, adopted } = regulated.value;
  const kept = keptRuns.get(core) ?? {};
  keptRuns.set(core, kept);
  const total = core.input.packets;
  // Some ports look at the bytes of all packets: of such a scenario there is no first look.
  const part = request.packets === undefined || needsPacketBytes(scenario) ? total : Math.min(request.packets, MAX_COLUMN_PACKETS);
  const packets = Math.min(total, part);
  const run = async (side: 'on' | 'off', tried: Scenario, before: number): Promise<BurstOutcome> => {
    const key = scenarioSha256(tried);
    const known = kept[side];
    const result =
      known?.key === key && known.packets === packets
        ? known.result
        : await trial(core, tried, packets, {
            signal: context.signal,
            onProgress: (progress) => {
              context.progress({ ...progress, done: before + progress.done, total: 2 * progress.total });
            },
          });
    const outcome = outcomeOf(result, request);
    if (result.cancelled || outcome === null) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
    if (packets === total) kept[side] = { key, packets, result };
    return outcome;
  };
  const on = await run('on', scenario, 0);
  const off = await run('off', withoutMeter(scenario), packets);
  return { on, off, packets, adopted, yaml: regulated.value.yaml };
}

export function burstHandlers(core: () => SessionCore): Pick<EngineHandlers, SessionBurstCall> {
  return {
    'burst.outcome': (request) => {
      const { last } = core().runs;
      if (last === null) throw notFinished();
      return outcomeOf(last, request);
    },
    'burst.run': (request, context) => whatIf(core(), request, context),
    'burst.senders': (request, context) => sendersWhatIf(core(), request, context),
    'burst.state': () => burstState(core().playhead.pipeline, core().playhead.tNs),
    'burst.sockets': ({ sort, descending, first, count }) => {
      const { last } = core().runs;
      const rows = last === null ? [] : sortSockets(socketRows(regulations(last)), sort, descending);
      return { total: rows.length, rows: rows.slice(first, first + count) };
    },
  };
}
