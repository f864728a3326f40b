import type { Experiment } from '../types.ts';
import { network, phones, served } from './network.ts';

export const staleRegistry: Experiment = {
  id: 'converters-registry',
  title: 'How fresh must the registry be?',
  question:
    'What do longer refresh intervals cost in wrong choices, refusals and set-up time, and what does a multicast query cost instead?',
  source: 'translator 4.5, experiment 5',
  method:
    'Converters come and go abruptly; the interval between two announcements is varied (an announcement holds three intervals). The last row asks the terminals themselves by multicast. Only choices at the set-up of a call are counted: a session that is moved uses the ranking it has.',
  measured: false,
  async run({ size, seed, step }) {
    const intervals = size === 'full' ? [1, 3, 10, 30, 100] : [1, 30];
    const modes = [
      ...intervals.map((refreshS) => ({ refreshS, discovery: 'directory' as const })),
      { refreshS: 10, discovery: 'multicast' as const },
    ];
    const rows: (string | number)[][] = [];
    for (const [i, { refreshS, discovery }] of modes.entries()) {
      await step(i, modes.length, `${String(refreshS)} s`);
      const result = network({
        seed,
        durationS: size === 'full' ? 180 : 30,
        gateway: {},
        registry: { refreshS },
        switch: { discovery },
        terminals: phones(60, 1 / 3),
        load: { perS: 1, holdS: 8, pairs: 'mixed' },
        churn: { perMinute: 20, gracefulShare: 0, awayS: 20 },
        media: { packetMs: 100 },
      });
      const setUps = result.decisions.filter((d) => d.cause === 'set-up');
      const tried = setUps.flatMap((d) => d.candidates);
      const silent = tried.filter((c) => c.outcome === 'no answer').length;
      const refused = tried.filter((c) => c.outcome === 'refused').length;
      const announcements = result.messages.filter((m) => m.name === 'ANNOUNCE').length;
      rows.push([
        discovery === 'directory' ? String(refreshS) : 'asked by multicast',
        setUps.length,
        silent,
        refused,
        result.totals.setUpMs.p50,
        result.totals.setUpMs.p95,
        result.totals.byGateway,
        served(result),
        announcements,
      ]);
    }
    const [fresh, old, asked] = [rows[0]!, rows[intervals.length - 1]!, rows.at(-1)!];
    const ms = (cell: string | number | undefined): string => Number(cell).toFixed(0);
    return {
      tables: [
        {
          title: 'By refresh interval',
          columns: [
            { name: 'refresh', unit: 's' },
            { name: 'choices' },
            { name: 'no answer' },
            { name: 'refused' },
            { name: 'set-up p50', unit: 'ms' },
            { name: 'set-up p95', unit: 'ms' },
            { name: 'calls left to the gateway' },
            { name: 'served', unit: '%' },
            { name: 'announcements logged' },
          ],
          rows,
        },
      ],
      findings: [
        `With a refresh of ${String(fresh[0])} s ${String(fresh[2])} of ${String(fresh[1])} choices asked a converter that was gone, with ${String(old[0])} s ${String(old[2])} of ${String(old[1])}, by multicast ${String(asked[2])} of ${String(asked[1])}; ${rows.every((row) => row[3] === 0) ? 'nobody refused' : 'some refused'}.`,
        `A call was set up in ${ms(fresh[4])} ms at the median and ${ms(fresh[5])} ms at the 95th percentile with the shortest interval, ${ms(old[4])} and ${ms(old[5])} ms with the longest, ${ms(asked[4])} and ${ms(asked[5])} ms by multicast: the query costs its window in every call, a wrong choice the wait for an answer that does not come.`,
      ],
    };
  },
};
