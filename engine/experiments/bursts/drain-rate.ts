import { meanInterval, seedsFrom } from '../statistics.ts';
import type { Experiment } from '../types.ts';
import { burstScenario, drops, meterOf, runBursts, totalOf } from './runs.ts';

export const drainRate: Experiment = {
  id: 'burst-drain-rate',
  title: 'A drain rate that follows the channel',
  question: 'What does a drain that follows bursts and channel gain over a static one on a fading channel?',
  source: 'stack 1.7, experiment 5',
  method:
    'Bursts of 256 KiB every 30 ms cross a channel whose quality fades (LTE record, whose burst period of 10 ms is too short for this cell). The static law drains each backlog within the period of the record; the other learns the gap between bursts and stretches it on a bad channel. Means of several seeds with their 95 % intervals.',
  measured: false,
  async run({ size, seed, step }) {
    const seeds = seedsFrom(seed, size === 'full' ? 8 : 2);
    const durationS = size === 'full' ? 8 : 0.3;
    const rows: (string | number)[][] = [];
    const laws = [
      { name: 'off', meter: { enable: false } },
      { name: 'static', meter: { drain: 'static' as const, rateMinBps: 1e7 } },
      { name: 'channel', meter: { drain: 'channel' as const, rateMinBps: 1e7 } },
    ];
    for (const [i, { name, meter }] of laws.entries()) {
      await step(i, laws.length, name);
      const runs = seeds.map((s) => {
        const network = { profile: 'lte' as const, conditions: { trace: 'fading' as const, depth: 0.9, periodMs: 800 } };
        const scenario = { ...burstScenario('drain-rate', { meter, network, sockets: { readerBps: 4e8, rcvbufBytes: 65_536 } }), seed: s };
        return runBursts(scenario, { burstBytes: 262_144, periodMs: 30, lineBps: 1e9, durationS, seed: s });
      });
      const p50 = meanInterval(runs.map((r) => meterOf(r).addedDelayUs.p50 / 1e3));
      const p99 = meanInterval(runs.map((r) => totalOf(r).p99 / 1e6));
      const fill = meanInterval(runs.map((r) => r.sockets!.fillMaxBytes / 1_024));
      const lost = meanInterval(runs.map(drops));
      const wakeups = meanInterval(runs.map((r) => meterOf(r).wakeups));
      rows.push([name, p50.mean, p50.plusMinus, p99.mean, p99.plusMinus, fill.mean, lost.mean, lost.plusMinus, wakeups.mean]);
    }
    const at = (law: number, column: number): string => Number(rows[law]![column]).toFixed(1);
    return {
      tables: [
        {
          title: 'By drain law',
          columns: [
            { name: 'drain' },
            { name: 'added delay p50', unit: 'ms' },
            { name: '±' },
            { name: 'delay p99', unit: 'ms' },
            { name: '±' },
            { name: 'socket high-water', unit: 'KiB' },
            { name: 'dropped', unit: 'packets' },
            { name: '±' },
            { name: 'wake-ups' },
          ],
          rows,
        },
      ],
      findings: [
        `The static law added ${at(1, 1)} ms (median) and filled a socket to ${at(1, 5)} KiB at most; the one that follows the channel added ${at(2, 1)} ms and filled it to ${at(2, 5)} KiB.`,
        `Dropped packets: ${at(0, 6)} without a meter, ${at(1, 6)} static, ${at(2, 6)} with the channel.`,
      ],
    };
  },
};
