import { meanInterval, seedsFrom } from '../statistics.ts';
import type { Experiment } from '../types.ts';
import { LINK_BPS, percentileMs, queueRun } from './queue-run.ts';

const BURST_PACKETS = [100, 200, 400, 800];
/** Bursts are spaced so that they fill this share of the link on average. */
const LOAD = 0.8;

export const advisoryOrDrop: Experiment = {
  id: 'stack-advisory',
  title: 'Flow advisory or drops',
  question: 'What does it save to suspend a flow instead of dropping its packets, and where does the delay go?',
  source: 'S-07',
  method: `Bursts of 1,400-byte packets of four flows, together ${String(LOAD * 100)} % of a link of ${String(LINK_BPS / 1e6)} Mb/s, and one thin flow beside them. FQ-CoDel with a limit of 256 packets, with and without the advisory table; a suspended application holds its packets (4,096 at most) and sends them when it is resumed. The size of the bursts is varied. Each row is the mean of several seeds.`,
  measured: false,
  async run({ size, seed, step }) {
    const seeds = seedsFrom(seed, size === 'full' ? 5 : 1);
    const durationS = size === 'full' ? 10 : 1.5;
    const rows: (string | number)[][] = [];
    for (const [b, packets] of BURST_PACKETS.entries()) {
      for (const [m, enable] of [false, true].entries()) {
        await step(2 * b + m, 2 * BURST_PACKETS.length, `${String(packets)} packets`);
        const periodMs = (packets * 1_400 * 8 * 1e3) / (LINK_BPS * LOAD);
        const bulk = {
          kind: 'burst',
          flows: 4,
          acks: false,
          packetsMin: packets,
          packetsMax: packets,
          periodMs,
          jitter: 0.2,
          lineBps: 1e9,
          bytes: 1_400,
        };
        const stack = { aqm: { limitPackets: 256, advisory: { enable, holdPackets: 4_096 } } };
        const runs = seeds.map((s) => queueRun(stack, bulk, s, durationS));
        const mean = (pick: (run: (typeof runs)[number]) => number): number => meanInterval(runs.map(pick)).mean;
        rows.push([
          packets,
          enable ? 'advisory' : 'drops',
          mean((r) => (100 * r.bulk.dropped) / r.bulk.sent),
          mean((r) => percentileMs(r.sojournNs, 99)),
          mean((r) => percentileMs(r.bulk.delaysNs, 99)),
          mean((r) => percentileMs(r.thin.delaysNs, 99)),
          mean((r) => (r.bulk.bytes * 8) / r.durationS / 1e6),
          mean((r) => r.queue.advisory?.changes.filter((c) => c.suspended).length ?? 0),
        ]);
      }
    }
    const lost = (name: string): number => Math.max(...rows.filter((r) => r[1] === name).map((r) => Number(r[2])));
    const last = rows.slice(-2);
    return {
      tables: [
        {
          title: 'By size of the bursts',
          columns: [
            { name: 'burst', unit: 'packets' },
            { name: 'mode' },
            { name: 'bulk lost', unit: '%' },
            { name: 'in the queue p99', unit: 'ms' },
            { name: 'application to link p99', unit: 'ms' },
            { name: 'thin p99', unit: 'ms' },
            { name: 'goodput', unit: 'Mb/s' },
            { name: 'suspensions' },
          ],
          rows,
        },
      ],
      findings: [
        `Without the advisory up to ${lost('drops').toFixed(2)} % of the bulk packets were lost, with it ${lost('advisory').toFixed(2)} %.`,
        `What is not dropped waits: with the largest bursts the 99th percentile from application to link is ${Number(last[1]![4]).toFixed(1)} ms with the advisory and ${Number(last[0]![4]).toFixed(1)} ms without, while in the class queue it is ${Number(last[1]![3]).toFixed(1)} ms and ${Number(last[0]![3]).toFixed(1)} ms.`,
      ],
    };
  },
};
