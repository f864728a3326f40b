import { scenarioSchema } from '../../contract/index.ts';
import { downloads, runOffload } from './inputs.ts';
import { meanInterval, seedsFrom } from '../statistics.ts';
import type { Experiment } from '../types.ts';

const LIMITS_KIB = [0, 2, 4, 16];
const TIMEOUTS_US = [0, 200, 1_000];

export const offloadAggregation: Experiment = {
  id: 'offload-aggregation',
  title: 'Aggregation limit: packets to the port against delay',
  question: 'How many packets does receive aggregation spare the stack, and what does it cost in delay?',
  source: 'stack 2.4, experiment 3',
  method:
    'Downloads in lumps of 80 to 160 packets at 2.5 Gbit/s over eight TCP flows. The limit of an aggregate is varied, and how long a batch may wait for more: 0 releases it with each poll. Throughput is what a stack that spends 2 µs on each packet it is handed, and 0.2 ns on each byte, could take. Each row is the mean of several seeds with its 95 % confidence interval. The scenario offload-aggregation is the row of 16 KiB that waits 1,000 µs.',
  measured: false,
  async run({ size, seed, step }) {
    const seeds = seedsFrom(seed, size === 'full' ? 5 : 2);
    const durationS = size === 'full' ? 0.2 : 0.012;
    const rows: number[][] = [];
    const timeouts = size === 'full' ? TIMEOUTS_US : [0, 1_000];
    const limits = size === 'full' ? LIMITS_KIB : [0, 16];
    let done = 0;
    for (const timeoutUs of timeouts) {
      for (const kib of limits) {
        await step(done++, timeouts.length * limits.length, `${String(kib)} KiB, ${String(timeoutUs)} µs`);
        const scenario = scenarioSchema.parse({
          name: 'aggregation',
          device: { queues: 1 },
          ports: [{ id: 'host', kind: 'host', offloads: { aggregateKiB: kib, releaseTimeoutUs: timeoutUs, releasePackets: 256 } }],
        });
        const runs = seeds.map((s) => runOffload(downloads(s, durationS), scenario));
        const ratio = meanInterval(runs.map((r) => r.rx.packetsIn / r.rx.packetsOut));
        const p99 = meanInterval(runs.map((r) => r.delayNs.p99 / 1e3));
        const p50 = meanInterval(runs.map((r) => r.delayNs.p50 / 1e3));
        const bps = meanInterval(runs.map((r) => (8e9 * r.rx.bytesIn) / (2_000 * r.rx.packetsOut + 0.2 * r.rx.bytesOut)));
        rows.push([timeoutUs, kib, ratio.mean, ratio.plusMinus, bps.mean / 1e9, bps.plusMinus / 1e9, p50.mean, p99.mean, p99.plusMinus]);
      }
    }
    const off = rows[0]!;
    const most = rows[limits.length - 1]!;
    const waiting = rows.at(-1)!;
    return {
      tables: [
        {
          title: 'By waiting time and limit',
          columns: [
            { name: 'waits', unit: 'µs' },
            { name: 'limit', unit: 'KiB' },
            { name: 'packets in over out', unit: 'x' },
            { name: '±' },
            { name: 'throughput', unit: 'Gbit/s' },
            { name: '±' },
            { name: 'delay p50', unit: 'µs' },
            { name: 'delay p99', unit: 'µs' },
            { name: '±' },
          ],
          rows,
        },
      ],
      findings: [
        `Within a poll, aggregates of up to 16 KiB hand ${most[2]!.toFixed(1)} times fewer packets to the port (${(most[4]! / off[4]!).toFixed(1)} times the throughput) at the same delay: p99 ${most[7]!.toFixed(0)} µs against ${off[7]!.toFixed(0)} µs.`,
        `Waiting up to ${String(waiting[0])} µs for more makes it ${waiting[2]!.toFixed(1)} times, and p99 ${waiting[7]!.toFixed(0)} µs.`,
      ],
    };
  },
};
