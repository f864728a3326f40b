import type { RunSummary } from '../../contract/index.ts';
import { GeneratorSource, generatorSchema, runToEnd } from '../../lab/index.ts';
import type { Experiment } from '../types.ts';
import { burstScenario, drops, meterOf, totalOf } from './runs.ts';

const PACKETS = { small: 3_000, full: 200_000 } as const;
const SOCKETS = { small: [1, 100], full: [1, 10, 100, 1_000, 10_000] } as const;

/** Packets spread evenly over flows with a socket each. */
function runSpread(sockets: number, enable: boolean, packets: number, seed: number): RunSummary {
  const stream = { kind: 'imix', flows: sockets, packets, ratePps: 20_000, tcpShare: 0, v6Share: 0, sizes: [{ bytes: 500, weight: 1 }] };
  const source = new GeneratorSource(generatorSchema.parse({ name: 'scale', seed, snapLen: 64, durationS: 1e5, streams: [stream] }));
  const scenario = burstScenario('scale', { meter: { enable }, sockets: { count: sockets, readerBps: 1e8, mbufs: 262_144 } });
  return runToEnd(source, scenario, { scenarioSha256: '' }).summary;
}

export const scale: Experiment = {
  id: 'burst-scale',
  title: 'From one socket to ten thousand',
  question: 'How much work is a packet when many sockets share the meter?',
  source: 'stack 1.7, experiment 8',
  method:
    'The same number of packets of 500 bytes at 20,000 a second, spread evenly over flows with a socket each, runs through switch, meter and sockets. Work is counted: a portion is one turn of one socket that gets data. The meter visits sockets that have data and no others. What a packet costs in time is measured by `npm run bench -- --only sockets`.',
  measured: false,
  async run({ size, seed, step }) {
    const counts = SOCKETS[size];
    const rows: (string | number)[][] = [];
    const portions: number[] = [];
    for (const [i, n] of counts.entries()) {
      await step(i, counts.length, `${String(n)} sockets`);
      const [on, off] = [runSpread(n, true, PACKETS[size], seed), runSpread(n, false, PACKETS[size], seed)];
      const meter = meterOf(on);
      portions.push(meter.portions / on.packets);
      const wakeups = (meter.wakeups * 1e9) / on.endNs;
      rows.push([n, wakeups, portions[i]!, meter.highWaterSlots, totalOf(on).p99 / 1e6, totalOf(off).p99 / 1e6, drops(on), drops(off)]);
    }
    return {
      tables: [
        {
          title: 'By number of sockets',
          columns: [
            { name: 'sockets' },
            { name: 'wake-ups', unit: '1/s' },
            { name: 'portions a packet' },
            { name: 'ring, most used', unit: 'slots' },
            { name: 'delay p99, meter on', unit: 'ms' },
            { name: 'meter off', unit: 'ms' },
            { name: 'dropped, meter on', unit: 'packets' },
            { name: 'meter off', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        `With ${String(counts[0])} socket a packet takes ${portions[0]!.toFixed(3)} portions, with ${String(counts.at(-1))} sockets ${portions.at(-1)!.toFixed(3)}: never more than one, so the work does not grow with the sockets that have nothing.`,
      ],
    };
  },
};
