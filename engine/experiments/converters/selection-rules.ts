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
    /** Which rules cannot be told from the best one, because the intervals of a column and the next one overlap. */
    const apartFrom = (name: string, column: number): string => {
      const low = (row: (string | number)[]): number => Number(row[column]) - Number(row[column + 1]);
      const first = rows.find((row) => row[0] === name)!;
      const high = Number(first[column]) + Number(first[column + 1]);
      const alike = rows.filter((row) => row !== first && low(row) <= high).map((row) => String(row[0]));
      return alike.length === 0
        ? 'all others are apart from it by more than their intervals'
        : `by these runs it cannot be told from ${alike.join(' and ')}`;
    };
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
      findings: [
        `The most even load came from ${best(1)}; ${apartFrom(best(1), 1)}.`,
        `The shortest delay came from ${best(3)}; ${apartFrom(best(3), 3)}.`,
      ],
    };
  },
};
