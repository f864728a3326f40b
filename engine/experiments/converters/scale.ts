import type { Experiment } from '../types.ts';
import { percentileOfSorted } from '../../base/index.ts';
import { seedsFrom } from '../statistics.ts';
import { network, phones, served } from './network.ts';

/** Terminals of all runs of one row together at least: a small network is run with several seeds. */
const TERMINALS_PER_ROW = 1_000;

export const converterScale: Experiment = {
  id: 'converters-scale',
  title: 'From ten terminals to ten thousand',
  question: 'How many of the terminals must be dual so that every call between the families is served?',
  source: 'translator 4.5, experiment 7',
  method:
    'Networks of growing size, with a growing share of dual terminals that convert three calls each; one call per terminal and minute, 10 s long on average, between parties without a common family. At least one terminal is dual: a share of less than that is left out. Calls are set up and counted over 40 s from an empty network; no media flows. Networks of less than 1,000 terminals are run with several seeds, and their calls are taken together. A share is enough where no call fails for want of a converter.',
  measured: false,
  async run({ size, seed, step }) {
    const sizes = size === 'full' ? [10, 100, 1_000, 10_000] : [10, 100];
    const shares = size === 'full' ? [0.01, 0.05, 0.1, 0.25, 0.5] : [0.05, 0.5];
    const rows: number[][] = [];
    for (const [i, total] of sizes.entries()) {
      const seeds = seedsFrom(seed, size === 'full' ? Math.ceil(TERMINALS_PER_ROW / total) : 2);
      for (const share of shares.filter((one) => one * total >= 1)) {
        await step(i, sizes.length, `${String(total)} terminals`);
        const runs = seeds.map((one) =>
          network({
            seed: one,
            durationS: size === 'full' ? 40 : 20,
            gateway: null,
            terminals: phones(total, share),
            load: { perS: total / 60, holdS: 10, pairs: 'mixed' },
            media: { enabled: false },
          }),
        );
        const sessions = runs.flatMap((run) => run.sessions);
        const dual = runs[0]!.nodes.filter((node) => node.role === 'dual').length;
        const failed = sessions.filter((one) => one.state === 'failed' && !one.why.endsWith('busy')).length;
        const setUp = sessions
          .filter((one) => one.answeredNs >= 0)
          .map((one) => one.setUpMs)
          .sort((a, b) => a - b);
        const gini = runs.reduce((sum, run) => sum + run.totals.gini, 0) / runs.length;
        rows.push([
          total,
          (100 * dual) / total,
          sessions.length,
          failed,
          served({ sessions }),
          setUp.length === 0 ? 0 : percentileOfSorted(setUp, 50),
          gini,
        ]);
      }
    }
    const enough = sizes.map((total) => rows.find((row) => row[0] === total && row[3] === 0));
    return {
      tables: [
        {
          title: 'By size and share',
          columns: [
            { name: 'terminals' },
            { name: 'dual', unit: '%' },
            { name: 'calls' },
            { name: 'calls without a converter' },
            { name: 'served', unit: '%' },
            { name: 'set-up p50', unit: 'ms' },
            { name: 'Gini index of the load' },
          ],
          rows,
        },
      ],
      findings: sizes.map((total, i) =>
        enough[i] === undefined
          ? `With ${total.toLocaleString('en-US')} terminals no share tried served all calls.`
          : `With ${total.toLocaleString('en-US')} terminals ${String(enough[i][1])} % dual ones were the least tried that served all ${enough[i][2]!.toLocaleString('en-US')} calls.`,
      ),
    };
  },
};
