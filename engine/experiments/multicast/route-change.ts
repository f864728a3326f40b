import type { Experiment } from '../types.ts';
import { diamond, runNetwork, sumOf } from './support.ts';

const NAMES = { true: 'make before break', false: 'break before make' } as const;

export const multicastRouteChange: Experiment = {
  id: 'multicast-route-change',
  title: 'A change of path: make before break',
  question: 'What is lost and what comes twice when the path changes, with the new path joined before the old one is pruned and after?',
  source: 'multicast 5.5, experiment 3',
  method:
    'The cost of the IPv4 path rises above that of the IPv6 path at 5 s, or its first link fails. Both ways of changing are run at several packet rates. The delay of the IPv6 path is 6 ms longer, so that a packet which came over IPv4 comes again over IPv6.',
  measured: false,
  async run({ size, step }) {
    const rates = size === 'full' ? [50, 200, 1_000, 4_000] : [100];
    const causes = [
      ['cost', [{ atS: 5, link: 'b4', cost4: 9 }]],
      ['failure', [{ atS: 5, link: 'a4', up: false }]],
    ] as const;
    const rows: (string | number)[][] = [];
    let done = 0;
    for (const [cause, events] of causes) {
      for (const ratePps of rates) {
        for (const makeBeforeBreak of [true, false]) {
          await step(done++, rates.length * 4, `${cause}, ${ratePps} packets/s`);
          const base = diamond();
          const sources = base.sources!.map((source) => ({ ...source, ratePps }));
          const { state } = runNetwork({ ...base, durationS: 8, sources, events: [...events], choice: { holdDownS: 0, makeBeforeBreak } });
          const change = state.switches[0];
          rows.push([
            cause,
            ratePps,
            NAMES[`${makeBeforeBreak}`],
            change?.gapNs === null || change === undefined ? NaN : change.gapNs / 1e6,
            sumOf(state.receivers.map((r) => r.missing)) / state.receivers.length,
            sumOf(state.receivers.map((r) => r.duplicates)) / state.receivers.length,
            change?.duplicates ?? 0,
            Math.max(...state.receivers.map((r) => r.longestGapNs)) / 1e6,
          ]);
        }
      }
    }
    const figures = (cause: string, name: string, column: number): number[] =>
      rows.filter((row) => row[0] === cause && row[2] === name).map((row) => Number(row[column]));
    const lost = (name: string): number => sumOf(figures('cost', name, 4));
    const twice = (name: string): number => sumOf(figures('cost', name, 5));
    const same = String(figures('failure', NAMES.true, 4)) === String(figures('failure', NAMES.false, 4));
    return {
      tables: [
        {
          title: 'By cause, rate and way',
          columns: [
            { name: 'cause' },
            { name: 'rate', unit: 'packets/s' },
            { name: 'way' },
            { name: 'gap at the router', unit: 'ms' },
            { name: 'lost for each receiver', unit: 'packets' },
            { name: 'twice for each receiver', unit: 'packets' },
            { name: 'duplicates dropped', unit: 'packets' },
            { name: 'longest pause', unit: 'ms' },
          ],
          rows,
        },
      ],
      findings: [
        `After a change of cost, over all rates, a receiver missed ${lost(NAMES.true)} packets with make before break and ${lost(NAMES.false)} with break before make.`,
        `For that a receiver got ${twice(NAMES.true)} packets twice with make before break, and ${twice(NAMES.false)} with break before make.`,
        same
          ? 'After a failure the ways do not differ: the old path delivers nothing that could be kept.'
          : 'After a failure the ways differ in what was lost.',
      ],
    };
  },
};
