import { assert } from '../base/index.ts';
import type { PortStats, RunSummary, Scenario, SeriesFrame } from '../contract/index.ts';
import { DROP_REASONS, HISTOGRAM_BUCKETS, histogramPercentile } from '../stack/index.ts';
import { objectIndex, objectTable } from './objects.ts';
import { withHostPort } from './host-port.ts';
import { regulationSummary } from './metering/regulation.ts';
import { foldPairs } from './series.ts';
import type { QueueResult, SummaryInput } from './types.ts';

/**
 * The results of queues as one. Queues are put in order first and every figure is a sum, a maximum or a list by queue, so the
 * outcome does not depend on which thread had which queue.
 */
export function mergeSummary(scenario: Scenario, results: readonly QueueResult[], input: SummaryInput): RunSummary {
  const full = withHostPort(scenario);
  const queues = [...results].sort((a, b) => a.queue - b.queue);
  const total = (pick: (q: QueueResult) => number): number => queues.reduce((sum, q) => sum + pick(q), 0);
  const drops: Record<string, number> = {};
  for (const reason of DROP_REASONS) {
    const n = total((q) => q.drops[reason.code] ?? 0);
    if (n > 0) drops[reason.name] = n;
  }
  const objects = queues.flatMap((q) => q.conservation);
  const packets = total((q) => q.packets);
  // With translators more goes through a queue than came in: what they make counts as well.
  const into = objects.filter((o) => o.obj.startsWith('queue.')).reduce((sum, o) => sum + o.in, 0);
  const inFlight = objects.filter((o) => o.obj.startsWith('queue.')).reduce((sum, o) => sum + o.inFlight, 0);
  const delivered = objects.filter((o) => o.obj.startsWith('queue.')).reduce((sum, o) => sum + o.delivered, 0);
  const dropped = Object.values(drops).reduce((sum, n) => sum + n, 0);
  const run = { obj: 'run', in: into, delivered, dropped, inFlight, ok: into === delivered + dropped + inFlight };
  const skipped = Object.fromEntries(Object.entries(input.skipped).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    packets,
    bytes: total((q) => q.bytes),
    flows: total((q) => q.flowCount),
    durationNs: queues.reduce((max, q) => Math.max(max, q.lastArrivalNs), 0),
    endNs: queues.reduce((max, q) => Math.max(max, q.endNs), 0),
    rings: byObject(queues, (q) => q.rings),
    pools: byObject(queues, (q) => q.pools),
    ports: portStats(full, queues),
    drops,
    skipped,
    conservation: { ok: run.ok && objects.every((o) => o.ok), objects: [run, ...objects] },
    ...regulationSummary(queues.map((q) => q.regulation).filter((r) => r !== undefined)),
    scenario: { name: scenario.name, sha256: input.scenarioSha256 },
    seed: scenario.seed,
  };
}

/** Lists of each queue interleaved: the first object of every queue, then the second. */
function byObject<T>(queues: readonly QueueResult[], pick: (q: QueueResult) => readonly T[]): T[] {
  const lists = queues.map(pick);
  const out: T[] = [];
  for (let i = 0; i < (lists[0]?.length ?? 0); i++) for (const list of lists) out.push(list[i]!);
  return out;
}

function portStats(scenario: Scenario, queues: readonly QueueResult[]): PortStats[] {
  const names = [{ id: 'device', kind: 'device' as const }, ...scenario.ports.map(({ id, kind }) => ({ id, kind }))];
  return names.map(({ id, kind }, i) => {
    const delays = new Uint32Array(HISTOGRAM_BUCKETS);
    const sum = { packetsIn: 0, bytesIn: 0, delivered: 0, dropped: 0, max: 0 };
    for (const queue of queues) {
      const port = queue.ports[i]!;
      sum.packetsIn += port.packetsIn;
      sum.bytesIn += port.bytesIn;
      sum.delivered += port.delivered;
      sum.dropped += port.dropped;
      sum.max = Math.max(sum.max, port.maxDelayNs);
      for (let b = 0; b < delays.length; b++) delays[b]! += port.delays[b]!;
    }
    const at = (p: number): number => histogramPercentile(delays, p, sum.max);
    return {
      id,
      kind,
      packetsIn: sum.packetsIn,
      bytesIn: sum.bytesIn,
      delivered: sum.delivered,
      dropped: sum.dropped,
      delayNs: { p50: at(50), p95: at(95), p99: at(99), max: sum.max },
    };
  });
}

/** Series of all queues in one frame. Queues whose bins have folded less are folded to the widest. Null if none was kept. */
export function mergeSeries(scenario: Scenario, results: readonly QueueResult[]): SeriesFrame | null {
  const table = objectTable(withHostPort(scenario));
  const series = results.map((r) => r.series).filter((s) => s !== null);
  const first = series[0];
  if (first === undefined) return null;
  const bins = first.bins;
  const binNs = series.reduce((max, s) => Math.max(max, s.binNs), 0);
  const size = table.ids.length * bins;
  const frame = { max: new Uint32Array(size), last: new Uint32Array(size), drops: new Uint32Array(size) };
  let filled = 0;
  for (const result of results) {
    const s = result.series;
    if (s === null) continue;
    const objects = s.max.length / bins;
    const [max, last, drops] = [s.max.slice(), s.last.slice(), s.drops.slice()];
    let end = s.filled;
    assert(s.bins === bins, 'queues of one run have the same number of bins');
    for (let width = s.binNs; width < binNs; width *= 2) {
      foldPairs(max, last, drops, objects, bins);
      end = Math.ceil(end / 2);
    }
    filled = Math.max(filled, end);
    for (let o = 0; o < objects; o++) {
      const to = objectIndex(table, result.queue, o) * bins;
      frame.max.set(max.subarray(o * bins, (o + 1) * bins), to);
      frame.last.set(last.subarray(o * bins, (o + 1) * bins), to);
      frame.drops.set(drops.subarray(o * bins, (o + 1) * bins), to);
    }
  }
  return { startNs: 0, binNs, bins, objects: table.ids, capacity: table.capacity, ...frame };
}

/**
 * A series between two times in `bins` bins. Bins of the source that touch a new bin count for it; where the new bins are
 * narrower than the source's, values repeat and drops are shown in the first.
 */
export function resampleSeries(source: SeriesFrame, fromNs: number, toNs: number, bins: number): SeriesFrame {
  const binNs = Math.max(1, (toNs - fromNs) / bins);
  const objects = source.objects.length;
  const max = new Uint32Array(objects * bins);
  const last = new Uint32Array(objects * bins);
  const drops = new Uint32Array(objects * bins);
  let counted = -1;
  for (let b = 0; b < bins; b++) {
    const from = Math.floor((fromNs + b * binNs - source.startNs) / source.binNs);
    const to = Math.max(from, Math.ceil((fromNs + (b + 1) * binNs - source.startNs) / source.binNs) - 1);
    for (let s = Math.max(0, from); s <= Math.min(to, source.bins - 1); s++) {
      for (let o = 0; o < objects; o++) {
        const at = o * bins + b;
        max[at] = Math.max(max[at]!, source.max[o * source.bins + s]!);
        last[at] = source.last[o * source.bins + s]!;
        if (s > counted) drops[at]! += source.drops[o * source.bins + s]!;
      }
      counted = Math.max(counted, s);
    }
  }
  return { startNs: fromNs, binNs, bins, objects: source.objects, capacity: source.capacity, max, last, drops };
}
