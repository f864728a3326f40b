import type { MulticastEntryInfo } from '../../contract/index.ts';
import type { Experiment } from '../types.ts';
import { meanInterval, seedsFrom } from '../statistics.ts';
import { firstPacketMs, linkLoad, mean, runNetwork, sumOf } from './support.ts';

const POLICIES = ['none', 'v4', 'v6', 'both'] as const;
const NAMES = { none: 'shorter path', v4: 'always v4', v6: 'always v6', both: 'both' } as const;

/** Hops of the paths that an entry has joined: of both families at once it is two. */
function hopsOf({ choice, path4, path6 }: MulticastEntryInfo): number[] {
  if (choice === 'both') return [path4.hops, path6.hops];
  return choice === 'v4' ? [path4.hops] : choice === 'v6' ? [path6.hops] : [];
}

export const multicastShorterPath: Experiment = {
  id: 'multicast-shorter-path',
  title: 'The shorter path against one family and against both',
  question: 'What does choosing the shorter of two paths save, and how does that depend on how much of the network speaks IPv6?',
  source: 'multicast 5.5, experiment 1',
  method:
    'Random networks in which all links carry IPv4 and a share of them IPv6 too, with different costs; every router translates. One source sends the same stream in both families; half of the receivers join with MLD, half with IGMP. The same networks are run with the choice, with a fixed family, and with both families at once. Means over seeds with their 95 % interval.',
  measured: false,
  async run({ size, seed, step }) {
    const [routers, receivers, count] = size === 'full' ? [24, 12, 10] : [8, 4, 2];
    const shares = size === 'full' ? [0, 0.25, 0.5, 0.75, 1] : [0.5, 1];
    const rows: (string | number)[][] = [];
    let done = 0;
    for (const v6Share of shares) {
      for (const fixed of POLICIES) {
        await step(done++, shares.length * POLICIES.length, `${v6Share * 100} % v6, ${NAMES[fixed]}`);
        const runs = seedsFrom(seed, count).map((each) =>
          runNetwork({
            name: 'random',
            seed: each,
            durationS: size === 'full' ? 6 : 3,
            choice: { fixed },
            random: { routers, links: routers * 2, v6Share, receivers },
          }),
        );
        const delivered = runs.map((run) => run.state.totals.delivered);
        const load = meanInterval(runs.map((run, i) => linkLoad(run).packets / Math.max(1, delivered[i]!)));
        const hops = runs.map((run) => mean(run.state.entries.flatMap((e) => hopsOf(e)))).filter((h) => !Number.isNaN(h));
        const first = meanInterval(runs.map(firstPacketMs).filter((ms) => !Number.isNaN(ms)));
        const served = mean(
          runs.map((run) => (100 * run.state.receivers.filter((r) => r.received > 0).length) / run.state.receivers.length),
        );
        rows.push([
          v6Share * 100,
          NAMES[fixed],
          load.mean,
          load.plusMinus,
          mean(hops),
          first.mean,
          first.plusMinus,
          served,
          mean(runs.map((run) => run.state.totals.duplicatesDropped)),
          sumOf(runs.map((run) => run.state.totals.duplicatesDelivered)),
        ]);
      }
    }
    const at = (share: number, name: string): (string | number)[] => rows.find((row) => row[0] === share && row[1] === name)!;
    const last = shares.at(-1)! * 100;
    const own = Number(at(last, NAMES.none)[2]);
    const others = [NAMES.v4, NAMES.v6, NAMES.both].map((name) => `${name} ${(Number(at(last, name)[2]) / own).toFixed(2)} times`);
    const hops = POLICIES.map((policy) => `${NAMES[policy]} ${Number(at(last, NAMES[policy])[4]).toFixed(2)}`);
    const partly = shares.find((share) => share > 0 && Number(at(share * 100, NAMES.v6)[7]) < 100);
    const served =
      partly === undefined
        ? 'Every receiver was served by every policy wherever there was IPv6.'
        : `With IPv6 on ${partly * 100} % of the links always v6 served ${Number(at(partly * 100, NAMES.v6)[7]).toFixed(0)} % of the receivers, the shorter path ${Number(at(partly * 100, NAMES.none)[7]).toFixed(0)} %.`;
    return {
      tables: [
        {
          title: 'By share of links with IPv6',
          columns: [
            { name: 'links with IPv6', unit: '%' },
            { name: 'policy' },
            { name: 'link packets for each delivered one' },
            { name: '±' },
            { name: 'mean joined path', unit: 'hops' },
            { name: 'join to first packet', unit: 'ms' },
            { name: '±' },
            { name: 'receivers served', unit: '%' },
            { name: 'duplicates dropped', unit: 'packets' },
            { name: 'delivered twice', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        `With IPv6 on ${last} % of the links, against the shorter path the load of the links is: ${others.join(', ')}.`,
        `Hops of a joined path there: ${hops.join(', ')}.`,
        served,
      ],
    };
  },
};
