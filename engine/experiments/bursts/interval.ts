import type { Experiment } from '../types.ts';
import { burstScenario, drops, meterOf, runBursts, totalOf } from './runs.ts';

const INTERVALS_US = { small: [1_000, 5_000], full: [250, 500, 1_000, 2_000, 5_000, 10_000] } as const;

export const releaseInterval: Experiment = {
  id: 'burst-interval',
  title: 'The release interval: wake-ups against delay',
  question: 'How often must the meter wake, and what does a longer sleep cost?',
  source: 'stack 1.7, experiment 3',
  method:
    'Bursts of 256 KiB every 20 ms (LTE record with 300 Mb/s) go to four sockets. The interval is varied; the last rows let it follow the load in five levels, and switch the meter off. Everything else stays, the portion of 16 KiB too, so a longer interval is a slower meter.',
  measured: false,
  async run({ size, seed, step }) {
    const durationS = size === 'full' ? 5 : 0.2;
    const rows: (string | number)[][] = [];
    const points = [...INTERVALS_US[size].map((us) => ({ name: String(us), meter: { intervalUs: us } })), { name: 'adaptive', meter: { intervalMode: 'adaptive' as const } }, { name: 'off', meter: { enable: false } }]; // prettier-ignore
    for (const [i, { name, meter }] of points.entries()) {
      await step(i, points.length, name);
      const scenario = burstScenario('interval', {
        meter,
        network: { profile: 'lte' },
        sockets: { count: 4, readerBps: 4e8, rcvbufBytes: 65_536 },
      });
      const summary = runBursts(scenario, { burstBytes: 262_144, periodMs: 20, lineBps: 2e9, flows: 16, durationS, seed });
      const m = meterOf(summary);
      const perSecond = (m.wakeups * 1e9) / summary.endNs;
      rows.push([name, perSecond, m.addedDelayUs.p50, m.addedDelayUs.p99, totalOf(summary).p99 / 1e6, drops(summary)]);
    }
    const metered = rows.slice(0, INTERVALS_US[size].length);
    const first = metered[0]!;
    const last = metered.at(-1)!;
    return {
      tables: [
        {
          title: 'By interval',
          columns: [
            { name: 'interval', unit: 'µs' },
            { name: 'wake-ups', unit: '1/s' },
            { name: 'added delay p50', unit: 'µs' },
            { name: 'added delay p99', unit: 'µs' },
            { name: 'delay to the application p99', unit: 'ms' },
            { name: 'dropped', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        `From ${String(first[0])} to ${String(last[0])} µs wake-ups fell from ${Number(first[1]).toFixed(0)} to ${Number(last[1]).toFixed(0)} a second, and the added delay (p99) rose from ${Number(first[3]).toFixed(0)} to ${Number(last[3]).toFixed(0)} µs.`,
      ],
    };
  },
};
