import { SELECTION_RULES } from '../../contract/index.ts';
import { meanInterval, seedsFrom } from '../statistics.ts';
import type { Experiment } from '../types.ts';
import { network, phones, served } from './network.ts';

export const selectionRules: Experiment = {
  id: 'converters-selection',
  title: 'How to choose a converter: fairness against delay',
  question: 'Which rule spreads the load evenly, and which one gives the shorter way?',
  source: 'translator 4.5, experiment 2',
  method: 'The same calls under each rule of selection; means over several seeds with 95 % confidence intervals.',
  measured: false,
  async run({ size, seed, step }) {
    const seeds = seedsFrom(seed, size === 'full' ? 8 : 3);
    const rows: (string | number)[][] = [];
    for (const [i, selection] of SELECTION_RULES.entries()) {
      await step(i, SELECTION_RULES.length, selection);
      const runs = seeds.map((s) =>
        network({
          seed: s,
          durationS: size === 'full' ? 60 : 12,
          gateway: null,
          switch: { selection },
          terminals: phones(90, 1 / 3),
          load: { perS: 1, holdS: 15, pairs: 'mixed' },
          media: { packetMs: 100 },
        }),
      );
      const gini = meanInterval(runs.map((r) => r.totals.gini));
      const delay = meanInterval(runs.map((r) => r.totals.delayMs.p50));
      const refusals = runs.map((r) => r.decisions.reduce((sum, d) => sum + d.candidates.filter((c) => c.outcome === 'refused').length, 0));
      rows.push([
        selection,
        gini.mean,
        gini.plusMinus,
        delay.mean,
        delay.plusMinus,
        meanInterval(refusals).mean,
        meanInterval(runs.map(served)).mean,
      ]);
    }
    const best = (column: number): string => String(rows.reduce((a, b) => (Number(b[column]) < Number(a[column]) ? b : a))[0]);
    return {
      tables: [
        {
          title: 'By rule',
          columns: [
            { name: 'rule' },
            { name: 'Gini index of the load' },
            { name: '±' },
            { name: 'delay p50', unit: 'ms' },
            { name: '±' },
            { name: 'refusals' },
            { name: 'served', unit: '%' },
          ],
          rows,
        },
      ],
      findings: [`The fairest rule was ${best(1)}, the one with the shortest delay ${best(3)}.`],
    };
  },
};
