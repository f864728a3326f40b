import type { RunSummary } from '../../contract/index.ts';
import type { Experiment } from '../types.ts';
import { burstScenario, drops, runBursts, totalOf } from './runs.ts';

export const isolation: Experiment = {
  id: 'burst-isolation',
  title: 'A stalled socket beside a user space stack',
  question: 'Does a legacy socket that stops reading delay an application with its own stack?',
  source: 'stack 1.7, experiment 6',
  method:
    'One legacy socket and one user port get bursts through the same device. The legacy application reads, or does not read for half of the run; once with the meter, once without.',
  measured: false,
  async run({ size, seed, step }) {
    const durationS = size === 'full' ? 4 : 0.3;
    const run = (enable: boolean, stalled: boolean): RunSummary => {
      const stalls = stalled ? [{ atMs: 10, forMs: durationS * 500 }] : [];
      const userPorts = [{ id: 'ch3', kind: 'user' as const, select: [{ port: 5_000 }] }];
      const scenario = burstScenario('isolation', { meter: { enable }, userPorts, sockets: { stalls } });
      return runBursts(
        scenario,
        { burstBytes: 262_144, periodMs: 20, durationS, seed },
        { burstBytes: 65_536, periodMs: 7, durationS, seed, serverPort: 5_000 },
      );
    };
    const rows: (string | number)[][] = [];
    const p99 = new Map<string, number>();
    for (const [i, enable] of [true, false].entries()) {
      for (const stalled of [false, true]) {
        await step(i, 2, enable ? 'metered' : 'unmetered');
        const summary = run(enable, stalled);
        const user = totalOf(summary, 'ch3');
        const legacy = totalOf(summary);
        p99.set(`${String(enable)} ${String(stalled)}`, user.p99);
        rows.push([
          enable ? 'on' : 'off',
          stalled ? 'stalled' : 'reads',
          user.p50 / 1e3,
          user.p99 / 1e3,
          user.max / 1e3,
          legacy.p99 / 1e6,
          drops(summary),
        ]);
      }
    }
    const moved = (enable: boolean): number => Math.abs(p99.get(`${String(enable)} true`)! - p99.get(`${String(enable)} false`)!);
    return {
      tables: [
        {
          title: 'User stack beside the legacy socket',
          columns: [
            { name: 'meter' },
            { name: 'legacy socket' },
            { name: 'user p50', unit: 'µs' },
            { name: 'user p99', unit: 'µs' },
            { name: 'user max', unit: 'µs' },
            { name: 'legacy p99', unit: 'ms' },
            { name: 'dropped', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        moved(true) === 0
          ? 'With the meter the 99th percentile of the user stack is the same to the nanosecond whether the legacy socket is stalled or not.'
          : `With the meter the 99th percentile of the user stack moved by ${(moved(true) / 1e3).toFixed(1)} µs.`,
      ],
    };
  },
};
