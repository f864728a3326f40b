import type { Experiment } from '../types.ts';
import { lossPercent, network, phones } from './network.ts';

export const converterChurn: Experiment = {
  id: 'converters-churn',
  title: 'Converters that leave: gracefully or abruptly',
  question: 'How long is a call silent when its converter leaves, and does saying good-bye help?',
  source: 'translator 4.5, experiment 3',
  method:
    'Converters leave at a growing rate and come back after 20 s on average. Once all drain first (T-16), once none does (T-17). The gap is the time without media around a change of converter, the longer of both directions; a packet is sent every 20 ms.',
  measured: false,
  async run({ size, seed, step }) {
    const rates = size === 'full' ? [5, 15, 30, 60] : [60];
    const rows: (string | number)[][] = [];
    for (const [i, perMinute] of rates.entries()) {
      await step(i, rates.length, `${String(perMinute)} a minute`);
      for (const gracefulShare of [1, 0]) {
        const result = network({
          seed,
          durationS: size === 'full' ? 60 : 15,
          gateway: null,
          terminals: phones(60, 1 / 2),
          load: { perS: 0.8, holdS: 20, pairs: 'mixed' },
          churn: { perMinute, gracefulShare, awayS: 20 },
        });
        const { gapMs } = result.totals;
        const done = result.diverts.filter((d) => d.doneNs >= 0);
        const lostByDivert = done.reduce((sum, d) => sum + d.lost, 0);
        rows.push([
          perMinute,
          gracefulShare === 1 ? 'graceful' : 'abrupt',
          done.length,
          gapMs.p50,
          gapMs.p95,
          gapMs.max,
          done.length === 0 ? 0 : lostByDivert / done.length,
          lossPercent(result),
        ]);
      }
    }
    const most = (how: string): number => Math.max(...rows.filter((row) => row[1] === how).map((row) => Number(row[5])));
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
            { name: 'packets lost per move' },
            { name: 'media lost', unit: '%' },
          ],
          rows,
        },
      ],
      findings: [
        `The longest gap was ${most('graceful').toFixed(0)} ms with graceful leaves and ${most('abrupt').toFixed(0)} ms with abrupt ones; the target is 500 ms.`,
      ],
    };
  },
};
