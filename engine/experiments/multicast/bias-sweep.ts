import type { Experiment } from '../types.ts';
import { seedsFrom } from '../statistics.ts';
import { diamond, mean, runNetwork } from './support.ts';

/** Share of the entries on v6, as the finding has it. */
const percent = (row: readonly (string | number)[] | undefined): string => `${Number(row?.[6]).toFixed(1)} %`;

export const multicastBiasSweep: Experiment = {
  id: 'multicast-bias-sweep',
  title: 'A bias on the IPv4 metric',
  question: 'At which bias does the choice flip, and how many routers of a larger network go along?',
  source: 'multicast 5.5, experiment 2',
  method:
    'First one translation router with an IPv4 path of cost 3 and an IPv6 path of cost 5, the bias of the IPv4 path swept. Then the same with the cost of an IPv4 link going down and up by one four times, to see whether the choice is stable there. Then random networks, in which the share of entries that chose IPv6 is counted.',
  measured: false,
  async run({ size, seed, step }) {
    const biases = size === 'full' ? [-4, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12] : [0, 2, 3];
    const seeds = seedsFrom(seed, size === 'full' ? 10 : 2);
    const rows: (string | number)[][] = [];
    for (const [i, bias4] of biases.entries()) {
      await step(i, biases.length, `bias ${bias4}`);
      const jitter = [5, 7, 9, 11].map((atS, k) => ({ atS, link: 'b4', cost4: k % 2 === 0 ? 3 : 2 }));
      const choice = { bias4, holdDownS: 0 };
      const [entry] = runNetwork(diamond({ durationS: 4, choice })).state.entries;
      const jittered = runNetwork(diamond({ durationS: 15, choice, events: jitter })).state;
      const random = seeds.map((each) => {
        const routers = size === 'full' ? 20 : 8;
        const { entries } = runNetwork({
          name: 'random',
          seed: each,
          durationS: 3,
          choice: { bias4 },
          random: { routers, links: routers * 2, receivers: 8 },
        }).state;
        return (100 * entries.filter(({ choice }) => choice === 'v6').length) / Math.max(1, entries.length);
      });
      rows.push([
        bias4,
        entry!.choice,
        entry!.path4.cost ?? 'none',
        entry!.path6.cost ?? 'none',
        entry!.reason,
        jittered.switches.length,
        mean(random),
      ]);
    }
    const changes = Math.max(...rows.map((row) => Number(row[5])));
    const unsteady = rows.filter((row) => row[5] === changes).map((row) => String(row[0]));
    const flip = rows.findIndex((row, i) => i > 0 && rows[i - 1]![1] === 'v4' && row[1] === 'v6');
    return {
      tables: [
        {
          title: 'By bias',
          columns: [
            { name: 'bias of v4' },
            { name: 'choice' },
            { name: 'cost of v4' },
            { name: 'cost of v6' },
            { name: 'chosen because' },
            { name: 'changes while costs jitter' },
            { name: 'entries on v6 in random networks', unit: '%' },
          ],
          rows,
        },
      ],
      findings: [
        flip < 0
          ? 'The choice did not flip.'
          : `The choice flips between a bias of ${String(rows[flip - 1]![0])} and of ${String(rows[flip]![0])}.`,
        changes === 0
          ? 'While a cost went down and up by one it never changed.'
          : `While a cost went down and up by one it changed ${changes === 1 ? 'once' : `${String(changes)} times`} at most, at a bias of ${unsteady.join(' and ')}.`,
        `In random networks ${percent(rows.find((row) => row[0] === 0))} of the entries chose IPv6 without a bias and ${percent(rows.at(-1))} with one of ${String(rows.at(-1)![0])}.`,
      ],
    };
  },
};
