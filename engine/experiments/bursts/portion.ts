import type { Experiment } from '../types.ts';
import { burstScenario, drops, meterOf, runBursts, totalOf } from './runs.ts';

const POINTS = [
  { name: 'one MTU', portionCapBytes: 1_518 },
  { name: '4 KiB', portionCapBytes: 4_096 },
  { name: '16 KiB aggregate', portionCapBytes: 16_384 },
  { name: '64 KiB', portionCapBytes: 65_536 },
  { name: 'the socket decides', portionCapBytes: 16_777_216 },
] as const;

export const portionSize: Experiment = {
  id: 'burst-portion',
  title: 'The size of a portion',
  question: 'How large should a portion be: fixed, or whatever the socket has room for?',
  source: 'stack 1.7, experiment 4',
  method:
    'Bursts of 1 MiB every 100 ms (NR record) go to one socket of 128 KiB. The portion cap is varied. Work is counted, not timed: wake-ups of the meter and portions handed over for each megabyte, which is what costs CPU per byte.',
  measured: false,
  async run({ size, seed, step }) {
    const durationS = size === 'full' ? 5 : 0.25;
    const rows: (string | number)[][] = [];
    for (const [i, { name, portionCapBytes }] of POINTS.entries()) {
      await step(i, POINTS.length, name);
      const scenario = burstScenario('portion', { meter: { portionCapBytes, maxAddedDelayMs: 1_000 }, sockets: { readerBps: 4e8 } });
      const summary = runBursts(scenario, { burstBytes: 1_048_576, periodMs: 100, durationS, seed });
      const m = meterOf(summary);
      const mb = m.releasedBytes / 1e6;
      rows.push([
        name,
        m.wakeups / mb,
        m.portions / mb,
        m.stall,
        totalOf(summary).p99 / 1e6,
        summary.sockets!.fillMaxBytes / 1_024,
        drops(summary),
      ]);
    }
    const mtu = rows[0]!;
    const aggregate = rows[2]!;
    return {
      tables: [
        {
          title: 'By portion cap',
          columns: [
            { name: 'portion' },
            { name: 'wake-ups', unit: '1/MB' },
            { name: 'portions', unit: '1/MB' },
            { name: 'stalls' },
            { name: 'delay p99', unit: 'ms' },
            { name: 'socket high-water', unit: 'KiB' },
            { name: 'dropped', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        `Portions of 16 KiB need ${(Number(mtu[2]) / Number(aggregate[2])).toFixed(1)} times fewer hand-overs for a byte than portions of one MTU.`,
      ],
    };
  },
};
