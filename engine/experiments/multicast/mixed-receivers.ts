import type { MulticastScenarioInput } from '../../contract/index.ts';
import type { Experiment } from '../types.ts';
import { diamond, GROUP, linkLoad, runNetwork, SOURCE, sumOf } from './support.ts';

/** `of6` of eight receivers join with MLD. The costs of both paths are the same. */
function mixed(of6: number, choice: MulticastScenarioInput['choice']): MulticastScenarioInput {
  const receivers = Array.from({ length: 8 }, (_, i) => ({
    id: `h${i}`,
    at: 'r3',
    protocol: i < of6 ? ('mldv2' as const) : ('igmpv3' as const),
    group: GROUP,
    source: SOURCE,
    joinS: 1,
  }));
  const base = diamond();
  const links = base.links!.map((link) => ({ ...link, cost4: 2, cost6: 2 }));
  // The route change makes the router look again, now that all have joined.
  return {
    ...base,
    durationS: 6,
    links,
    receivers,
    choice: { holdDownS: 0, switchGain: 0, ...choice },
    events: [{ atS: 2, link: 'a4', cost4: 2 }],
  };
}

const shown = (n: number): string => n.toLocaleString('en-US');

export const multicastMixedReceivers: Experiment = {
  id: 'multicast-mixed-receivers',
  title: 'Receivers of both families: translation cost, and both paths at once',
  question:
    'Which family is fetched as the mix of receivers changes, how many copies are translated, and when does joining both families pay?',
  source: 'multicast 5.5, experiment 5',
  method:
    'Eight receivers on one translation router, 0 to 8 of them with MLD, two paths of equal cost. A translation cost is added to the family that most receivers do not want; with `both` the router may join both families. What a packet translated costs is one translation; what both families cost is the load of the second path.',
  measured: false,
  async run({ size, step }) {
    const counts = size === 'full' ? [0, 1, 2, 3, 4, 5, 6, 7, 8] : [0, 2, 8];
    const ways = [
      ['no translation cost', {}],
      ['translation cost 1', { translateCost: 1 }],
      ['both allowed', { both: true, equalBand: 1 }],
    ] as const;
    const rows: (string | number)[][] = [];
    for (const [i, of6] of counts.entries()) {
      for (const [w, [name, choice]] of ways.entries()) {
        await step(i * ways.length + w, counts.length * ways.length, `${of6} of 8, ${name}`);
        const run = runNetwork(mixed(of6, choice));
        const { state } = run;
        const translated = state.counters['r3']!.translated;
        const delivered = Math.max(1, state.totals.delivered);
        rows.push([
          of6,
          name,
          state.entries[0]!.choice,
          translated,
          (1000 * translated) / delivered,
          linkLoad(run).packets,
          sumOf(state.receivers.map((r) => r.duplicates)),
        ]);
      }
    }
    const of = (name: string, column: number): number => sumOf(rows.filter((row) => row[1] === name).map((row) => Number(row[column])));
    const [free, priced, both] = ways.map(([name]) => ({ translated: of(name, 3), packets: of(name, 5) }));
    const moved = counts.filter((of6) => {
      const [without, withCost] = ways.map(([name]) => rows.find((row) => row[0] === of6 && row[1] === name)![2]);
      return without !== withCost;
    }).length;
    const spared =
      priced!.translated === free!.translated
        ? 'and spared no translation: a packet is translated once, however many want it'
        : `and changed the translations from ${shown(free!.translated)} to ${shown(priced!.translated)}`;
    return {
      tables: [
        {
          title: 'By receivers with MLD',
          columns: [
            { name: 'with MLD, of 8' },
            { name: 'policy' },
            { name: 'choice' },
            { name: 'translated', unit: 'packets' },
            { name: 'translations for 1,000 delivered' },
            { name: 'packets on the paths' },
            { name: 'delivered twice', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        `The translation cost moved the choice in ${moved} of ${counts.length} mixes ${spared}.`,
        `Both families at once took ${shown(both!.translated)} translations in the place of ${shown(free!.translated)}, for ${shown(both!.packets - free!.packets)} packets more on the paths: it pays where that many translations cost more than those packets.`,
      ],
    };
  },
};
