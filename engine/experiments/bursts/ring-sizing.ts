import { NETWORK_PROFILES } from '../../contract/index.ts';
import type { Experiment } from '../types.ts';
import { burstScenario, drops, lostPercent, meterOf, runBursts } from './runs.ts';

const FIXED = [64, 256, 1_024, 4_096] as const;
/** What each network really hands over: its record's burst at its period. */
const TRAFFIC = {
  lte: { burstBytes: 262_144, periodMs: 40, lineBps: 1e9 },
  nr: { burstBytes: 1_048_576, periodMs: 50, lineBps: 4e9 },
  wifi6: { burstBytes: 393_216, periodMs: 30, lineBps: 2e9 },
  satellite: { burstBytes: 524_288, periodMs: 120, lineBps: 1e9 },
  ethernet: { burstBytes: 65_536, periodMs: 10, lineBps: 1e9 },
} as const;

export const ringSizing: Experiment = {
  id: 'burst-ring-sizing',
  title: 'Fixed ring sizes against sizes from the capability record',
  question: 'Does a ring sized by what the network can do lose nothing without taking more memory than it must?',
  source: 'stack 1.7, experiment 2',
  method:
    'For each network its own bursts go to one socket through a meter ring of a fixed size, and through one sized by the capability record. Memory is the most that the ring may hold in the device pool: slots of 2 KiB.',
  measured: false,
  async run({ size, seed, step }) {
    const durationS = size === 'full' ? 4 : 0.15;
    const profiles = size === 'full' ? NETWORK_PROFILES : (['lte', 'nr'] as const);
    const rows: (string | number)[][] = [];
    const findings: string[] = [];
    for (const [i, profile] of profiles.entries()) {
      await step(i, profiles.length, profile);
      const run = (fixedSlots?: number, name = fixedSlots === undefined ? 'record' : 'fixed'): (string | number)[] => {
        const meter = fixedSlots === undefined ? {} : { fixedSlots };
        const scenario = burstScenario('ring-sizing', { meter, network: { profile }, sockets: { readerBps: 4e8 } });
        const summary = runBursts(scenario, { ...TRAFFIC[profile], durationS, seed });
        const m = meterOf(summary);
        return [profile, name, m.slots, (m.slots * m.slotBytes) / 1_024, m.highWaterSlots, drops(summary), lostPercent(summary)]; // prettier-ignore
      };
      const fixed = FIXED.map((slots) => run(slots));
      const chosen = run();
      // A ring that loses nothing shows by its high-water mark how large it had to be.
      const least = fixed.find((row) => row[5] === 0)?.[4];
      const knee = least === undefined ? [] : [run(Number(least) - 1, 'one less than the knee'), run(Number(least), 'knee')];
      rows.push(...fixed, ...knee, chosen);
      findings.push(
        `${profile}: the record chose ${String(chosen[2])} slots and lost ${String(chosen[5])} packets; ${least === undefined ? 'no fixed size lost none' : `the knee lies at ${String(least)} slots, and one slot less lost ${String(knee[0]![5])}`}.`,
      );
    }
    return {
      tables: [
        {
          title: 'By network and size',
          columns: [
            { name: 'network' },
            { name: 'size' },
            { name: 'slots' },
            { name: 'memory', unit: 'KiB' },
            { name: 'high-water', unit: 'slots' },
            { name: 'dropped', unit: 'packets' },
            { name: 'dropped', unit: '%' },
          ],
          rows,
        },
      ],
      findings,
    };
  },
};
