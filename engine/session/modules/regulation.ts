import type { BurstSeriesFrame, MeterStats, ReportChart, ReportModule, RunSummary } from '../../contract/index.ts';
import { regulationFindings } from '../regulation-findings.ts';
import { tableOf } from './table.ts';

/** Sockets that a report lists. */
const MAX_SOCKETS = 16;

/** Arrivals over releases on one time axis, and the ring between them. */
function chartOf(series: BurstSeriesFrame | null): ReportChart[] {
  if (series === null) return [];
  const strip = (name: string, values: ArrayLike<number>, unit: 'bytes' | 'count', how: 'sum' | 'max', scale: string) => {
    return { name, unit, how, scale, values: Array.from(values, Math.round) };
  };
  return [
    {
      title: 'What came, what was released, what was read',
      startNs: series.startNs,
      binNs: series.binNs,
      strips: [
        strip('came to the sockets’ side', series.arrivedBytes, 'bytes', 'sum', 'traffic'),
        strip('released by the meter', series.releasedBytes, 'bytes', 'sum', 'traffic'),
        strip('read by applications', series.readBytes, 'bytes', 'sum', 'traffic'),
        strip('slots of the meter ring in use', series.ringUsed, 'count', 'max', 'slots'),
      ],
    },
  ];
}

/** What the meter and the sockets of the host port did (B-01 to B-22); null where no port feeds sockets. */
export function regulationModule(summary: RunSummary, series: BurstSeriesFrame | null): ReportModule | null {
  const { meter, sockets, stages } = summary;
  if (meter === undefined || sockets === undefined) return null;
  const us = (pick: (m: MeterStats) => number) => (m: MeterStats) => 1_000 * pick(m);
  const listed = sockets.top.slice(0, MAX_SOCKETS);
  return {
    id: 'regulation',
    title: 'Burst regulation',
    text: regulationFindings(summary).map((f) => f.text),
    charts: chartOf(series),
    tables: [
      ...tableOf('Meter rings', meter, [
        ['Meter', 'text', (m) => m.id],
        ['Network', 'text', (m) => m.capability.rat],
        ['Slots', 'count', (m) => (m.enabled ? m.slots : null)],
        ['At most', 'count', (m) => m.highWaterSlots],
        ['Bursts', 'count', (m) => m.bursts],
        ['Largest burst', 'bytes', (m) => m.burstMaxBytes],
        ['Portions', 'count', (m) => m.portions],
        ['Stalls', 'count', (m) => m.stall],
        ['Added p50', 'ns', us((m) => m.addedDelayUs.p50)],
        ['Added p99', 'ns', us((m) => m.addedDelayUs.p99)],
        ['Dropped', 'count', (m) => m.ringFullDrop + m.headDrop + m.sockFullDrop + m.oversizeDrop + m.mbufDrop + m.purge + m.closedDrop],
      ]),
      ...tableOf(
        'Why the ring has its size',
        meter.flatMap((m) => m.sizes.map((size) => ({ id: m.id, size }))),
        [
          ['Meter', 'text', (r) => r.id],
          ['At', 'instant', (r) => r.size.tNs],
          ['Event', 'text', (r) => r.size.event],
          ['Slots', 'count', (r) => r.size.slots],
          ['Driven by', 'text', (r) => r.size.drivenBy],
          ['Rule', 'text', (r) => r.size.rule],
        ],
      ),
      ...tableOf(
        'Sockets',
        listed,
        [
          ['Socket', 'text', (s) => s.id],
          ['Buffer', 'memory', (s) => s.rcvbufBytes],
          ['At most', 'memory', (s) => s.fillMaxBytes],
          ['Packets', 'count', (s) => s.packets],
          ['Read', 'bytes', (s) => s.readBytes],
          ['Stalls', 'count', (s) => s.stalls],
          ['Longest stall', 'ns', (s) => s.longestStallNs],
          ['Dropped', 'count', (s) => s.drops],
        ],
        listed.length < sockets.sockets ? `${listed.length} of ${sockets.sockets}: those with most drops, then stalls, then bytes.` : '',
      ),
      ...tableOf(
        'Delay by stage',
        (stages ?? []).filter((s) => s.packets > 0),
        [
          ['Port', 'text', (s) => s.port],
          ['Stage', 'text', (s) => s.stage],
          ['Packets', 'count', (s) => s.packets],
          ['p50', 'ns', (s) => s.p50],
          ['p95', 'ns', (s) => s.p95],
          ['p99', 'ns', (s) => s.p99],
          ['p99.9', 'ns', (s) => s.p999],
          ['Longest', 'ns', (s) => s.max],
        ],
      ),
    ],
  };
}
