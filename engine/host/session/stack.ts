import {
  VERDICTS,
  type AdvisoryFlow,
  type CallName,
  type DropsOverTime,
  type EngineHandlers,
  type StackAdvisories,
} from '../../contract/index.ts';
import {
  advisoryEntries,
  flowTuple,
  stackArena,
  stackModels,
  stackStatistics,
  stackTraffic,
  stackTopology,
  type Pipeline,
  type RunResult,
  type VerdictSink,
} from '../../lab/index.ts';
import type { PacketIndex } from '../../files/index.ts';
import { DROP_REASONS, type AdvisoryTable } from '../../stack/index.ts';
import type { SessionCore } from './core.ts';
import { notFinished } from './whole-runs.ts';

const VERDICT_DROPPED = VERDICTS.indexOf('dropped');
/** Rows of the advisory strip. */
const MAX_ADVISORY_ROWS = 64;

/** The calls of the Stack panel. */
export function stackHandlers(core: () => SessionCore): Pick<EngineHandlers, Extract<CallName, `stack.${string}`>> {
  return {
    'stack.topology': () => stackTopology(core().playhead.pipeline, core().playhead.tNs),
    'stack.arena': () => stackArena(core().playhead.pipeline, core().playhead.tNs),
    'stack.statistics': ({ filter, first, count }) => {
      const records = stackStatistics(core().playhead.pipeline, filter);
      return { total: records.length, records: records.slice(first, first + count) };
    },
    'stack.traffic': () => stackTraffic(core().playhead.pipeline),
    'stack.dropsOverTime': ({ fromNs, toNs, bins }) => {
      const { finished, input } = core();
      if (finished === null) throw notFinished();
      return dropsOverTime(input.index, finished.verdicts, { fromNs, toNs: Math.max(fromNs, toNs), bins });
    },
    'stack.advisories': ({ fromNs, toNs }) => advisories(core().playhead.pipeline, core().runs.last, fromNs, toNs),
  };
}

/** Dropped packets by reason in equal bins of the range; a packet stands where it arrived. */
export function dropsOverTime(
  index: PacketIndex,
  { verdict, detail }: VerdictSink,
  range: { readonly fromNs: number; readonly toNs: number; readonly bins: number },
): DropsOverTime {
  const { fromNs, toNs, bins } = range;
  const binNs = Math.max(1, (toNs - fromNs) / bins);
  const all = new Uint32Array(DROP_REASONS.length * bins);
  const totals = new Float64Array(DROP_REASONS.length);
  for (let at = verdict.indexOf(VERDICT_DROPPED); at >= 0 && at < index.count; at = verdict.indexOf(VERDICT_DROPPED, at + 1)) {
    const tNs = index.tsNs(at + 1);
    const code = detail[at]!;
    if (tNs < fromNs || tNs > toNs || code >= DROP_REASONS.length) continue;
    all[code * bins + Math.min(bins - 1, Math.floor((tNs - fromNs) / binNs))]!++;
    totals[code]!++;
  }
  const codes = DROP_REASONS.map((r) => r.code)
    .filter((code) => totals[code]! > 0)
    .sort((a, b) => totals[b]! - totals[a]!);
  const counts = new Uint32Array(codes.length * bins);
  codes.forEach((code, row) => {
    counts.set(all.subarray(code * bins, (code + 1) * bins), row * bins);
  });
  const reasons = codes.map((code) => {
    const { name, text } = DROP_REASONS[code]!;
    return { name, text, packets: totals[code]! };
  });
  return { startNs: fromNs, binNs, bins, reasons, counts };
}

/** The table at the playhead, and the times in which flows were suspended in the finished run. */
function advisories(pipeline: Pipeline, run: RunResult | null, fromNs: number, toNs: number): StackAdvisories {
  const tables = stackModels(pipeline).flatMap(({ classQueues }) => classQueues?.advisory ?? []);
  const histories = run?.queues.map(({ advisory }) => advisory) ?? [];
  const endNs = run?.summary.endNs ?? toNs;
  const spans = new Map<number, { fromNs: number; toNs: number }[]>();
  const since = new Map<number, number>();
  const add = (flow: number, from: number, to: number): void => {
    if (to < fromNs || from > toNs) return;
    const list = spans.get(flow);
    if (list === undefined) spans.set(flow, [{ fromNs: from, toNs: to }]);
    else list.push({ fromNs: from, toNs: to });
  };
  histories.forEach((history, place) => {
    if (history === null || history.changes.length === 0) return;
    const numbers = run!.flows.numbersOf(place);
    for (const { tNs, flow: own, suspended } of history.changes) {
      const flow = numbers[own] ?? own;
      if (suspended) since.set(flow, tNs);
      else {
        add(flow, since.get(flow) ?? tNs, tNs);
        since.delete(flow);
      }
    }
  });
  for (const [flow, from] of since) add(flow, from, endNs);
  pipeline.flows.refresh();
  const entries = advisoryEntries(pipeline);
  const sum = (pick: (table: AdvisoryTable) => number): number => tables.reduce((n, table) => n + pick(table), 0);
  const wanted = [...spans.keys(), ...[...entries.keys()].filter((flow) => !spans.has(flow))].slice(0, MAX_ADVISORY_ROWS);
  const rowOf = (flow: number): string => {
    const row = run?.flows.row(flow) ?? pipeline.flows.row(flow);
    return row === undefined ? '' : flowTuple(row);
  };
  const flows = wanted.map((flow): AdvisoryFlow => {
    const entry = entries.get(flow);
    const now = entry === undefined ? null : { suspended: entry.suspended, ceCount: entry.ceCount, packetCount: entry.packetCount };
    return { flow, tuple: rowOf(flow), now, spans: spans.get(flow) ?? [] };
  });
  return {
    modelled: tables.length > 0,
    entries: sum((t) => t.entries),
    used: sum((t) => t.used),
    full: sum((t) => t.full),
    suspensions: sum((t) => t.suspensions),
    resumptions: sum((t) => t.resumptions),
    flows,
    changesLost: histories.reduce((n, history) => n + (history?.lost ?? 0), 0),
  };
}
