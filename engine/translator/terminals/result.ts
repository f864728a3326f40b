import { percentileOfSorted } from '../../base/index.ts';
import type { ConverterNode, ConvertersResult } from '../../contract/index.ts';
import type { Lab } from './lab.ts';
import type { Node } from './node.ts';

/** Nearest-rank percentiles; 0 where there is nothing. */
function percentiles(values: readonly number[]): { p50: number; p95: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return { p50: 0, p95: 0, max: 0 };
  return { p50: percentileOfSorted(sorted, 50), p95: percentileOfSorted(sorted, 95), max: sorted.at(-1)! };
}

/** Gini index of non-negative numbers: 0 where all are equal or nothing is there. */
export function gini(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const sum = sorted.reduce((total, x) => total + x, 0);
  if (sum === 0) return 0;
  const weighted = sorted.reduce((total, x, i) => total + (i + 1) * x, 0);
  return (2 * weighted) / (sorted.length * sum) - (sorted.length + 1) / sorted.length;
}

const sorted = (map: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

/** True where nothing has gone without a reason (W-06). */
function conserved(lab: Lab, sent: number, received: number, lost: ReadonlyMap<string, number>, inFlight: number): boolean {
  const known = [...lost.values()].reduce((sum, n) => sum + n, received + inFlight);
  return sent === known && (inFlight === 0 || lab.queue.size > 0);
}

function nodeRow(node: Node): ConverterNode {
  const { converter } = node;
  return {
    id: node.id,
    role: node.role,
    capable: converter !== null,
    enabled: converter?.enabled ?? false,
    capacity: converter?.spec.capacity ?? 0,
    address4: node.link4 === null ? '' : node.address(4),
    address6: node.link6 === null ? '' : node.address(6),
    rttMs: Math.max(node.link4?.rttMs ?? 0, node.link6?.rttMs ?? 0),
    peak: converter?.relay.peak ?? 0,
    sessions: converter?.taken ?? 0,
    relayed: converter?.relay.relayed ?? 0,
    refused: sorted(converter?.relay.refused ?? new Map()),
    refusals: sorted(converter?.refusals ?? new Map()),
    stateBytes: converter?.relay.stateBytes ?? 0,
    ports: converter?.relay.portsPeak ?? 0,
  };
}

/** Sessions and room of each converter at the start of each bin; row-major. */
export interface Load {
  readonly bins: number;
  readonly sessions: Uint16Array<ArrayBuffer>;
  readonly capacity: Uint16Array<ArrayBuffer>;
}

export function resultOf(lab: Lab, converters: readonly Node[], load: Load): ConvertersResult {
  const { calls, spec } = lab;
  const sessions = calls.map((call) => call.row());
  const connected = sessions.filter((row) => row.answeredNs >= 0);
  const failed = new Map<string, number>();
  for (const row of sessions) if (row.state === 'failed') failed.set(row.why, (failed.get(row.why) ?? 0) + 1);
  let sent = 0;
  let received = 0;
  let reportsSent = 0;
  let reportsReceived = 0;
  for (const { forward, backward } of sessions) {
    sent += forward.sent + backward.sent;
    received += forward.received + backward.received;
    reportsSent += forward.reports.sent + backward.reports.sent;
    reportsReceived += forward.reports.received + backward.reports.received;
  }
  const media = conserved(lab, sent, received, lab.lost, lab.inFlight);
  const reports = conserved(lab, reportsSent, reportsReceived, lab.lostReports, lab.reportsInFlight);
  const heard = connected.filter((row) => row.forward.received > 0);
  const served = converters.filter((node) => node.role === 'dual' && node.converter!.spec.enabled).map((node) => node.converter!.taken);
  return {
    name: spec.name,
    seed: spec.seed,
    endNs: lab.nowNs,
    nodes: lab.nodes.all.map(nodeRow),
    sessions,
    decisions: lab.decisions,
    diverts: lab.diverts,
    messages: lab.messages,
    leftOut: lab.leftOut,
    load: { ...load, binNs: lab.durationNs / load.bins, nodes: converters.map((node) => node.id) },
    totals: {
      calls: sessions.length,
      connected: connected.length,
      direct: connected.filter((row) => row.path === 'direct').length,
      byTerminal: connected.filter((row) => row.path === 'terminal').length,
      byGateway: connected.filter((row) => row.path === 'gateway').length,
      failed: sorted(failed),
      setUpMs: percentiles(connected.map((row) => row.setUpMs)),
      delayMs: percentiles(heard.map((row) => row.forward.delayMs.mean)),
      gapMs: percentiles(lab.diverts.filter((divert) => divert.doneNs >= 0).map((divert) => divert.gapMs)),
      gini: gini(served),
      mediaSent: sent,
      mediaReceived: received,
      mediaLost: sorted(lab.lost),
      reportsSent,
      reportsReceived,
      reportsLost: sorted(lab.lostReports),
      conserved: media && reports,
    },
  };
}
