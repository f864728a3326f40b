import type { MulticastScenarioInput } from '../../contract/index.ts';
import type { Experiment } from '../types.ts';
import { GROUP, runNetwork, SOURCE } from './support.ts';

/** Translation routers in a row or a ring over IPv6, each with an IPv4 link of its own to the source's router; an IPv6 receiver on each. */
function chain(length: number, ring: boolean, loopGuard: boolean): MulticastScenarioInput {
  const ids = Array.from({ length }, (_, i) => `t${i + 1}`);
  const pairs = ids.slice(1).map((id, i) => [ids[i]!, id]);
  if (ring && length > 2) pairs.push([ids.at(-1)!, ids[0]!]);
  return {
    name: 'chain',
    durationS: 8,
    // The bias makes everybody prefer the IPv6 path, which leads to another translation router.
    choice: { holdDownS: 0, bias4: 100, loopGuard },
    routers: [{ id: 'head', kind: 'v4' }, ...ids.map((id) => ({ id, kind: 'translation' as const }))],
    links: [
      ...ids.map((id, i) => ({ ends: ['head', id], families: 'v4' as const, cost4: 2 + i })),
      ...pairs.map((ends) => ({ ends, families: 'v6' as const, cost6: 1 })),
    ],
    sources: [{ id: 's', at: 'head', v4: SOURCE, group: GROUP, ratePps: 50 }],
    receivers: ids.map((id, i) => ({
      id: `h${i + 1}`,
      at: id,
      protocol: 'mldv2' as const,
      group: GROUP,
      source: SOURCE,
      joinS: 1 + i / 10,
    })),
  };
}

export const multicastChains: Experiment = {
  id: 'multicast-chains',
  title: 'Chains of translation routers',
  question: 'Do translation routers that announce the source to each other starve or loop, and does the guard prevent it?',
  source: 'multicast 5.5, experiment 7',
  method:
    'Translation routers in a row or a ring over IPv6, each with its own IPv4 path to an IPv4 source and a large bias against it, so that each would rather fetch from another one. An IPv6 receiver on each. With and without the loop guard (M-17).',
  measured: false,
  async run({ size, step }) {
    const lengths = size === 'full' ? [2, 3, 4, 6, 8, 12] : [2, 3];
    const rows: (string | number)[][] = [];
    const shapes = [false, true].flatMap((ring) => lengths.filter((n) => !ring || n > 2).map((n) => [n, ring] as const));
    for (const [i, [length, ring]] of shapes.entries()) {
      await step(i, shapes.length, `${length} routers`);
      for (const guard of [true, false]) {
        const { state } = runNetwork(chain(length, ring, guard));
        const served = state.receivers.filter((r) => r.received > 100).length;
        const choices = (family: string): number => state.entries.filter(({ choice }) => choice === family).length;
        const expired = Object.values(state.counters).reduce((sum, { drops }) => sum + (drops['ttl_expired'] ?? 0), 0);
        rows.push([
          ring ? 'ring' : 'row',
          length,
          guard ? 'on' : 'off',
          served,
          length,
          choices('v4'),
          choices('v6'),
          state.totals.duplicatesDelivered,
          expired,
        ]);
      }
    }
    const starved = (guard: string): number => rows.filter((row) => row[2] === guard && Number(row[3]) < Number(row[4])).length;
    const cases = rows.length / 2;
    return {
      tables: [
        {
          title: 'By shape and length',
          columns: [
            { name: 'shape' },
            { name: 'translation routers' },
            { name: 'guard' },
            { name: 'receivers served' },
            { name: 'of' },
            { name: 'entries on v4' },
            { name: 'entries on v6' },
            { name: 'delivered twice', unit: 'packets' },
            { name: 'TTL expired', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        `Receivers went without in ${starved('on')} of ${cases} networks with the guard and in ${starved('off')} of ${cases} without it.`,
      ],
    };
  },
};
