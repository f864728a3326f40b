import type { Experiment } from '../types.ts';
import { lossPercent, network, phones, served } from './network.ts';

export const gatewayOrTerminals: Experiment = {
  id: 'converters-gateway',
  title: 'Central gateway or terminals as converters',
  question: 'How many calls between the families can be served, at which delay, and what does one failure cost?',
  source: 'translator 4.5, experiment 1',
  method:
    'Phones with one family call each other at a growing rate. Once a central gateway with room for 20 calls converts, once terminals with room for three each, without a gateway. In the middle of the run the gateway, or the first terminal, is killed.',
  measured: false,
  async run({ size, seed, step }) {
    const total = size === 'full' ? 90 : 45;
    const durationS = size === 'full' ? 120 : 20;
    const rates = size === 'full' ? [0.25, 0.5, 1, 1.5, 2] : [0.5, 2];
    const rows: (string | number)[][] = [];
    for (const [i, perS] of rates.entries()) {
      await step(i, rates.length, `${String(perS)} calls per second`);
      for (const converters of ['gateway', 'terminals'] as const) {
        const result = network({
          seed,
          durationS,
          switch: { converters },
          gateway: converters === 'gateway' ? { capacity: 20 } : null,
          terminals: phones(total, 1 / 3),
          load: { perS, holdS: 20, pairs: 'mixed' },
          media: { packetMs: 40 },
          events: [{ atS: durationS / 2, kind: 'kill', terminal: converters === 'gateway' ? 'gateway' : 'both-1' }],
        });
        const cut = result.sessions.filter((s) => s.answeredNs >= 0 && s.state === 'failed').length;
        const { totals } = result;
        rows.push([
          perS,
          converters,
          totals.calls,
          served(result),
          totals.delayMs.p50,
          totals.delayMs.p95,
          cut,
          totals.gapMs.max,
          lossPercent(result),
        ]);
      }
    }
    const worst = (which: string): number => Math.min(...rows.filter((row) => row[1] === which).map((row) => Number(row[3])));
    const cut = (which: string): number => rows.filter((row) => row[1] === which).reduce((sum, row) => sum + Number(row[6]), 0);
    return {
      tables: [
        {
          title: 'By call rate',
          columns: [
            { name: 'calls', unit: '1/s' },
            { name: 'converted by' },
            { name: 'calls placed' },
            { name: 'served', unit: '%' },
            { name: 'delay p50', unit: 'ms' },
            { name: 'delay p95', unit: 'ms' },
            { name: 'calls cut by the failure' },
            { name: 'longest gap', unit: 'ms' },
            { name: 'media lost', unit: '%' },
          ],
          rows,
        },
      ],
      findings: [
        `At the highest load the gateway served ${worst('gateway').toFixed(0)} % of the calls that needed conversion over the run with its failure, terminals ${worst('terminals').toFixed(0)} %.`,
        `The failure of the gateway cut ${String(cut('gateway'))} calls in all runs, that of one terminal ${String(cut('terminals'))}: its sessions moved on.`,
      ],
    };
  },
};
