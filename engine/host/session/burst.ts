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
  parseScenario,
  regulatedScenario,
  scenarioSha256,
  setParameter,
  socketRows,
  sortSockets,
  stageHistogram,
  type QueueRegulation,
  type RunResult,
} from '../../lab/index.ts';
import type { SessionCore } from './core.ts';
import { newVerdicts } from './packets.ts';
import { runInSlices } from './run-in-slices.ts';
import { badScenario } from './scenario.ts';
import { notFinished } from './whole-runs.ts';

/** The calls of the Burst panel about the meter that a session answers. */
type SessionBurstCall = 'burst.outcome' | 'burst.run' | 'burst.state' | 'burst.sockets';

/**
 * Inputs up to this are tried in this thread, whose code is warm: a thread of its own would spend longer starting. Other calls are answered
 * between slices.
 */
const MAX_SLICED = 250_000;

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

/** What decides a run: the scenario, and with the meter off nothing of how the meter releases. */
function runKey(scenario: Scenario, enable: boolean): string {
  if (enable) return scenarioSha256(scenario);
  const { intervalUs, portionCapBytes, overflow, grouping } = meterSchema.parse({});
  const ports = scenario.ports.map((port) =>
    port.meter === undefined ? port : { ...port, meter: { ...port.meter, intervalUs, portionCapBytes, overflow, grouping } },
  );
  return scenarioSha256({ ...scenario, ports });
}

/** The session's input with the meter on and off, and whatever parameters are to be tried. */
async function whatIf(core: SessionCore, request: CallRequest<'burst.run'>, context: CallContext): Promise<RunAnswer> {
  const { id, yaml } = core.info().scenario;
  const regulated = regulatedScenario(yaml, request.overrides);
  if (!regulated.ok) throw badScenario(id, regulated.error);
  const { port, adopted } = regulated.value;
  const kept = keptRuns.get(core) ?? {};
  keptRuns.set(core, kept);
  const run = async (enable: boolean, done: number): Promise<{ outcome: BurstOutcome; yaml: string }> => {
    const text = setParameter(regulated.value.yaml, `ports.${port}.meter.enable`, enable);
    if (!text.ok) throw badScenario(id, text.error);
    const scenario = parseScenario(text.value);
    if (!scenario.ok) throw badScenario(id, scenario.error);
    const { input } = core;
    const { packets } = input;
    const key = runKey(scenario.value, enable);
    const before = enable ? kept.on : kept.off;
    const result =
      before?.key === key && before.packets === packets
        ? before.result
        : await (packets <= MAX_SLICED ? runInSlices : core.runs.runner)({
            input,
            scenario: scenario.value,
            scenarioSha256: scenarioSha256(scenario.value),
            verdicts: newVerdicts(packets),
            lanes: undefined,
            signal: context.signal,
            onProgress: (progress) => {
              context.progress({ ...progress, done: done + progress.done, total: 2 * progress.total });
            },
          });
    const outcome = outcomeOf(result, request);
    if (result.cancelled || outcome === null) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
    kept[enable ? 'on' : 'off'] = { key, packets, result };
    return { outcome, yaml: text.value };
  };
  const on = await run(true, 0);
  const off = await run(false, core.input.packets);
  return { on: on.outcome, off: off.outcome, adopted, yaml: on.yaml };
}

export function burstHandlers(core: () => SessionCore): Pick<EngineHandlers, SessionBurstCall> {
  return {
    'burst.outcome': (request) => {
      const { last } = core().runs;
      if (last === null) throw notFinished();
      return outcomeOf(last, request);
    },
    'burst.run': (request, context) => whatIf(core(), request, context),
    'burst.state': () => burstState(core().playhead.pipeline, core().playhead.tNs),
    'burst.sockets': ({ sort, descending, first, count }) => {
      const { last } = core().runs;
      const rows = last === null ? [] : sortSockets(socketRows(regulations(last)), sort, descending);
      return { total: rows.length, rows: rows.slice(first, first + count) };
    },
  };
}
