import { meanInterval, seedsFrom } from '../statistics.ts';
import type { Experiment } from '../types.ts';
import { LINK_BPS, percentileMs, queueRun } from './queue-run.ts';

const LOADS = [50, 90, 110, 150];
const MODES = [
  { name: 'device ring alone', stack: undefined },
  { name: 'class queue, FIFO', stack: { aqm: { mode: 'fifo', limitPackets: 1_024, advisory: { enable: false } } } },
  { name: 'class queue, FQ-CoDel', stack: { aqm: { mode: 'fq-codel', limitPackets: 1_024, advisory: { enable: false } } } },
] as const;

export const classQueueModes: Experiment = {
  id: 'stack-class-queues',
  title: 'Class queues: FQ-CoDel, a FIFO, or the device ring alone',
  question: 'What does queue management do to the delay of a thin flow and to the goodput of bulk flows on a link that is too slow?',
  source: 'stack 3.2, S-07',
  method: `One thin flow (50 packets of 200 bytes a second) and eight bulk flows (1,400 bytes, Poisson) are sent onto a link of ${String(LINK_BPS / 1e6)} Mb/s. The bulk flows ask for a share of the link that is varied; they do not slow down when packets are lost. Drops are CoDel's or the queue's; nothing is marked. The device ring below the class queues is kept filled with 8 packets, about 9 ms of this link: less delay than that is not to be had. Each row is the mean of several seeds.`,
  measured: false,
  async run({ size, seed, step }) {
    const seeds = seedsFrom(seed, size === 'full' ? 5 : 1);
    const durationS = size === 'full' ? 10 : 0.6;
    const rows: (string | number)[][] = [];
    for (const [l, load] of LOADS.entries()) {
      for (const [m, mode] of MODES.entries()) {
        await step(l * MODES.length + m, LOADS.length * MODES.length, `${String(load)} %, ${mode.name}`);
        const ratePps = (LINK_BPS * load) / 100 / (1_400 * 8);
        const bulk = { kind: 'imix', flows: 8, ratePps, sizes: [{ bytes: 1_400, weight: 1 }] };
        const runs = seeds.map((s) => queueRun(mode.stack, bulk, s, durationS));
        const mean = (pick: (run: (typeof runs)[number]) => number): number => meanInterval(runs.map(pick)).mean;
        rows.push([
          load,
          mode.name,
          mean((r) => percentileMs(r.thin.delaysNs, 50)),
          mean((r) => percentileMs(r.thin.delaysNs, 99)),
          mean((r) => (100 * r.thin.dropped) / r.thin.sent),
          mean((r) => percentileMs(r.bulk.delaysNs, 99)),
          mean((r) => (100 * r.bulk.dropped) / r.bulk.sent),
          mean((r) => (r.bulk.bytes * 8) / r.durationS / 1e6),
        ]);
      }
    }
    const at = (load: number, name: string): (string | number)[] => rows.find((r) => r[0] === load && r[1] === name)!;
    const most = LOADS.at(-1)!;
    const [fifo, managed] = [at(most, MODES[1].name), at(most, MODES[2].name)];
    const figure = (value: string | number | undefined): string => Number(value).toFixed(2);
    return {
      tables: [
        {
          title: 'By load and queue',
          columns: [
            { name: 'bulk load', unit: '% of the link' },
            { name: 'queue' },
            { name: 'thin p50', unit: 'ms' },
            { name: 'thin p99', unit: 'ms' },
            { name: 'thin lost', unit: '%' },
            { name: 'bulk p99', unit: 'ms' },
            { name: 'bulk lost', unit: '%' },
            { name: 'bulk goodput', unit: 'Mb/s' },
          ],
          rows,
        },
      ],
      findings: [
        `At ${String(most)} % load the thin flow's 99th percentile is ${figure(managed[3])} ms with FQ-CoDel and ${figure(fifo[3])} ms with a FIFO; it loses ${figure(managed[4])} % and ${figure(fifo[4])} %.`,
        `The bulk flows get ${figure(managed[7])} Mb/s with FQ-CoDel and ${figure(fifo[7])} Mb/s with a FIFO. They do not react to losses, so CoDel's drops alone cannot keep their queue short: the limit does.`,
      ],
    };
  },
};
