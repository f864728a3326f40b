import type { Experiment } from '../types.ts';
import { diamond, runNetwork, sumOf } from './support.ts';

export const multicastFlap: Experiment = {
  id: 'multicast-flap',
  title: 'Hysteresis against a cost that flaps',
  question: 'How many changes of path, joins and lost packets does hysteresis save when a cost goes up and down?',
  source: 'multicast 5.5, experiment 4',
  method:
    'The cost of an IPv4 link alternates between two values that make either path the shorter one, with different periods. The change is made at once, after a hold-down of 2 s or 5 s, or only for a gain that the flapping never reaches.',
  measured: false,
  async run({ size, step }) {
    const periods = size === 'full' ? [0.5, 1, 2, 4, 8] : [1];
    const ways = [
      ['none', { holdDownS: 0, switchGain: 0 }],
      ['hold-down 2 s', { holdDownS: 2, switchGain: 0 }],
      ['hold-down 5 s', { holdDownS: 5, switchGain: 0 }],
      ['gain 4', { holdDownS: 0, switchGain: 4 }],
    ] as const;
    const durationS = size === 'full' ? 64 : 10;
    const rows: (string | number)[][] = [];
    for (const [p, period] of periods.entries()) {
      const events = Array.from({ length: Math.floor((durationS - 4) / (period / 2)) }, (_, i) => ({
        atS: 3 + (i * period) / 2,
        link: 'b4',
        cost4: i % 2 === 0 ? 6 : 2,
      }));
      for (const [w, [name, choice]] of ways.entries()) {
        await step(p * ways.length + w, periods.length * ways.length, `${period} s, ${name}`);
        const { state } = runNetwork({ ...diamond(), durationS, choice, events });
        const lost = sumOf(state.receivers.map((r) => r.missing));
        const twice = sumOf(state.receivers.map((r) => r.duplicates));
        rows.push([period, name, state.switches.length, state.totals.joins, state.totals.prunes, lost, twice, state.entries[0]!.choice]);
      }
    }
    const total = (name: string): number => sumOf(rows.filter((row) => row[1] === name).map((row) => Number(row[2])));
    return {
      tables: [
        {
          title: 'By period and hysteresis',
          columns: [
            { name: 'period', unit: 's' },
            { name: 'hysteresis' },
            { name: 'changes of path' },
            { name: 'joins sent' },
            { name: 'prunes sent' },
            { name: 'lost', unit: 'packets' },
            { name: 'delivered twice', unit: 'packets' },
            { name: 'choice at the end' },
          ],
          rows,
        },
      ],
      findings: [
        `Over all periods the path changed ${total('none')} times without hysteresis, ${ways
          .slice(1)
          .map(([name]) => `${total(name)} times with ${name}`)
          .join(', ')}.`,
      ],
    };
  },
};
