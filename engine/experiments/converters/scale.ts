import type { Experiment } from '../types.ts';
import { network, phones, served } from './network.ts';

export const converterScale: Experiment = {
  id: 'converters-scale',
  title: 'From ten terminals to ten thousand',
  question: 'How many of the terminals must be dual so that every call between the families is served?',
  source: 'translator 4.5, experiment 7',
  method:
    'Networks of growing size, with a growing share of dual terminals that convert three calls each; one call per terminal and minute, 10 s long on average, between parties without a common family. At least one terminal is dual, so a small network has a larger share than asked for. Calls are set up and counted over 40 s from an empty network; no media flows. A share is enough where no call fails for want of a converter.',
  measured: false,
  async run({ size, seed, step }) {
    const sizes = size === 'full' ? [10, 100, 1_000, 10_000] : [10, 100];
    const shares = size === 'full' ? [0.01, 0.05, 0.1, 0.25, 0.5] : [0.05, 0.5];
    const rows: number[][] = [];
    for (const [i, total] of sizes.entries()) {
      for (const share of shares) {
        await step(i, sizes.length, `${String(total)} terminals`);
        const result = network({
          seed,
          durationS: size === 'full' ? 40 : 20,
          gateway: null,
          terminals: phones(total, share),
          load: { perS: total / 60, holdS: 10, pairs: 'mixed' },
          media: { enabled: false },
        });
        const { totals } = result;
        const dual = result.nodes.filter((node) => node.role === 'dual').length;
        const failed = result.sessions.filter((one) => one.state === 'failed' && !one.why.endsWith('busy')).length;
        rows.push([total, (100 * dual) / total, totals.calls, failed, served(result), totals.setUpMs.p50, totals.gini]);
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
