import { percentileOfSorted } from '../../base/index.ts';
import { seedsFrom } from '../statistics.ts';
import type { Experiment } from '../types.ts';
import { network, phones } from './network.ts';

/** Target for the gap of a change of converter (T-17). */
const TARGET_MS = 500;

export const converterChurn: Experiment = {
  id: 'converters-churn',
  title: 'Converters that leave: gracefully or abruptly',
  question: 'How long is a call silent when its converter leaves, and does saying good-bye help?',
  source: 'translator 4.5, experiment 3',
  method:
    'Converters leave at a growing rate and come back after 20 s on average. Once all drain first (T-16), once none does (T-17). The gap is the time without media around a change of converter, the longer of both directions; a packet is sent every 20 ms. Several seeds are taken together; a call is cut where no other converter is found.',
  measured: false,
  async run({ size, seed, step }) {
    const rates = size === 'full' ? [5, 15, 30, 60] : [60];
    const seeds = seedsFrom(seed, size === 'full' ? 5 : 1);
    const rows: (string | number)[][] = [];
    for (const [i, perMinute] of rates.entries()) {
      await step(i, rates.length, `${String(perMinute)} a minute`);
      for (const gracefulShare of [1, 0]) {
        const runs = seeds.map((one) =>
          network({
            seed: one,
            durationS: size === 'full' ? 60 : 15,
            gateway: null,
            terminals: phones(60, 1 / 2),
            load: { perS: 0.8, holdS: 20, pairs: 'mixed' },
            churn: { perMinute, gracefulShare, awayS: 20 },
          }),
        );
        const done = runs.flatMap((run) => run.diverts).filter((d) => d.doneNs >= 0);
        const gaps = done.map((d) => d.gapMs).sort((a, b) => a - b);
        const percentile = (p: number): number => (gaps.length === 0 ? 0 : percentileOfSorted(gaps, p));
        const cut = runs.flatMap((run) => run.sessions).filter((one) => one.why.startsWith('no other converter')).length;
        const sent = runs.reduce((sum, run) => sum + run.totals.mediaSent, 0);
        rows.push([
          perMinute,
          gracefulShare === 1 ? 'graceful' : 'abrupt',
          done.length,
          percentile(50),
          percentile(95),
          gaps.at(-1) ?? 0,
          gaps.filter((ms) => ms > TARGET_MS).length,
          done.length === 0 ? 0 : done.reduce((sum, d) => sum + d.lost, 0) / done.length,
          cut,
          (100 * runs.reduce((sum, run) => sum + run.totals.mediaSent - run.totals.mediaReceived, 0)) / Math.max(1, sent),
        ]);
      }
    }
    const most = (how: string): number => Math.max(...rows.filter((row) => row[1] === how).map((row) => Number(row[5])));
    const cuts = rows.reduce((sum, row) => sum + Number(row[8]), 0);
    const over = rows.filter((row) => row[1] === 'abrupt').reduce((sum, row) => sum + Number(row[6]), 0);
    const moved = rows.filter((row) => row[1] === 'abrupt').reduce((sum, row) => sum + Number(row[2]), 0);
    const perMove = (how: string): string => Math.max(...rows.filter((row) => row[1] === how).map((row) => Number(row[7]))).toFixed(1);
    return {
      tables: [
        {
          title: 'By rate of leaving',
          columns: [
            { name: 'leaving', unit: '1/min' },
            { name: 'how' },
            { name: 'sessions moved' },
            { name: 'gap p50', unit: 'ms' },
            { name: 'gap p95', unit: 'ms' },
            { name: 'gap max', unit: 'ms' },
            { name: 'gaps over 500 ms' },
            { name: 'packets lost per move' },
            { name: 'calls cut' },
            { name: 'media lost', unit: '%' },
          ],
          rows,
        },
      ],
      findings: [
        `The longest gap was ${most('graceful').toFixed(0)} ms with graceful leaves and ${most('abrupt').toFixed(0)} ms with abrupt ones; the target is ${String(TARGET_MS)} ms, and ${String(over)} of ${String(moved)} changes after an abrupt leave were over it. 20 ms are the pace of the packets themselves.`,
        `A session that was moved lost ${perMove('graceful')} packets where its converter had drained, and up to ${perMove('abrupt')} on average where it went without a word; ${String(cuts)} calls found no other converter and were cut.`,
      ],
    };
  },
};
