import { NS_PER_MS } from '../../base/index.ts';
import type { RunResult } from '../../lab/index.ts';
import { cellText } from '../render.ts';
import { meanInterval, seedsFrom, type Interval } from '../statistics.ts';
import type { Experiment } from '../types.ts';
import { burstScenario, drops, meterOf, releasesOf, runBurstsOverTime, totalOf, variationOf } from './runs.ts';

/** A whole number of the recorder's bins, and of release intervals of 1 ms. */
const WINDOW_MS = 4;

export const drainRate: Experiment = {
  id: 'burst-drain-rate',
  title: 'A drain rate that follows the channel',
  question: 'What does a drain that follows bursts and channel gain over a static one on a fading channel?',
  source: 'stack 1.7, experiment 5',
  method: `Bursts of 256 KiB every 30 ms cross a channel whose quality fades (LTE record, whose burst period of 10 ms is too short for this cell). The static law drains each backlog within the period of the record; the other learns the gap between bursts and stretches it on a bad channel. How smooth a drain is shows in the bytes that it releases to the socket in windows of ${WINDOW_MS} ms: their variation is the standard deviation over the mean, 0 for a steady stream. Means of several seeds with their 95 % intervals.`,
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
        return runBurstsOverTime(scenario, { burstBytes: 262_144, periodMs: 30, lineBps: 1e9, durationS, seed: s });
      });
      const mean = (of: (run: RunResult) => number): Interval => meanInterval(runs.map(of));
      const p50 = mean(({ summary }) => meterOf(summary).addedDelayUs.p50 / 1e3);
      const p99 = mean(({ summary }) => totalOf(summary).p99 / 1e6);
      const fill = mean(({ summary }) => summary.sockets!.fillMaxBytes / 1_024);
      const lost = mean(({ summary }) => drops(summary));
      const wakeups = mean(({ summary }) => meterOf(summary).wakeups);
      const variation = mean((run) => variationOf(releasesOf(run, WINDOW_MS * NS_PER_MS)));
      rows.push([name, variation.mean, variation.plusMinus, p50.mean, p50.plusMinus, p99.mean, p99.plusMinus, fill.mean, lost.mean, lost.plusMinus, wakeups.mean]); // prettier-ignore
    }
    return {
      tables: [
        {
          title: 'By drain law',
          columns: [
            { name: 'drain' },
            { name: 'variation of releases' },
            { name: '±' },
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
      findings: findingsOf(rows),
    };
  },
};

/** What the rows say: smoothness first, then its price. */
function findingsOf([off, fixed, channel]: readonly (readonly (string | number)[])[]): string[] {
  const at = (row: readonly (string | number)[] | undefined, column: number, digits = 1): string => Number(row?.[column]).toFixed(digits);
  const change = 100 * (1 - Number(channel?.[1]) / Number(fixed?.[1]));
  const smoother = `${Math.abs(change).toFixed(0)} % ${change >= 0 ? 'less' : 'more'}`;
  return [
    `What reached the socket in ${WINDOW_MS} ms varied by ${at(off, 1, 2)} of its mean without a meter, by ${at(fixed, 1, 2)} with the static law and by ${at(channel, 1, 2)} with the one that follows the channel: ${smoother} than static.`,
    `The price is delay: ${at(fixed, 3)} ms added (median) with the static law, ${at(channel, 3)} ms with the one that follows the channel; p99 to the application ${at(fixed, 5)} and ${at(channel, 5)} ms.`,
    `Dropped packets: ${cellText(off?.[8] ?? 0)} without a meter, ${cellText(fixed?.[8] ?? 0)} static, ${cellText(channel?.[8] ?? 0)} with the channel.`,
  ];
}
