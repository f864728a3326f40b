import { METER_OVERFLOWS } from '../../contract/index.ts';
import type { Experiment } from '../types.ts';
import { burstScenario, drops, meterOf, poolHighWater, runBursts, totalOf } from './runs.ts';

export const ablation: Experiment = {
  id: 'burst-ablation',
  title: 'Shared ring or a ring for each socket; what a full ring does',
  question: 'Which grouping and which overflow policy protect sockets from each other?',
  source: 'stack 1.7, experiment 9',
  method:
    'Bursts of 512 KiB every 50 ms go to eight sockets, one of which stops reading for half of the run. Rings have 512 slots. Loss is told for the stalled socket and for the seven others.',
  measured: false,
  async run({ size, seed, step }) {
    const durationS = size === 'full' ? 4 : 0.4;
    const stalls = [{ atMs: 10, forMs: durationS * 500, socket: 0 }];
    const rows: (string | number)[][] = [];
    const others = new Map<string, number>();
    for (const grouping of ['interface', 'socket'] as const) {
      for (const overflow of METER_OVERFLOWS) {
        await step(rows.length, 7, `${grouping}, ${overflow}`);
        const meter = { grouping, overflow, fixedSlots: 512 };
        const scenario = burstScenario('ablation', { meter, poolPackets: 4_096, sockets: { count: 8, rcvbufBytes: 65_536, stalls } });
        const summary = runBursts(scenario, { burstBytes: 524_288, periodMs: 50, flows: 8, durationS, seed });
        const lost = (first: boolean): number =>
          summary.sockets!.top.filter((s) => (s.socket === 0) === first).reduce((n, s) => n + s.drops, 0);
        others.set(`${grouping} ${overflow}`, lost(false));
        const atDevice = drops(summary) - summary.sockets!.drops;
        rows.push([
          grouping,
          overflow,
          lost(true),
          lost(false),
          atDevice,
          meterOf(summary).waitingMax,
          poolHighWater(summary),
          totalOf(summary).p99 / 1e6,
        ]);
      }
    }
    await step(6, 7, 'off');
    const off = runBursts(
      burstScenario('ablation', { meter: { enable: false }, poolPackets: 4_096, sockets: { count: 8, rcvbufBytes: 65_536, stalls } }),
      { burstBytes: 524_288, periodMs: 50, flows: 8, durationS, seed },
    );
    const offLost = (first: boolean): number => off.sockets!.top.filter((s) => (s.socket === 0) === first).reduce((n, s) => n + s.drops, 0);
    rows.push([
      'no meter',
      '–',
      offLost(true),
      offLost(false),
      drops(off) - off.sockets!.drops,
      0,
      poolHighWater(off),
      totalOf(off).p99 / 1e6,
    ]);
    return {
      tables: [
        {
          title: 'By grouping and policy',
          columns: [
            { name: 'ring' },
            { name: 'when full' },
            { name: 'lost, stalled socket', unit: 'packets' },
            { name: 'lost, the others', unit: 'packets' },
            { name: 'lost at the device', unit: 'packets' },
            { name: 'waiting in pool, at most', unit: 'packets' },
            { name: 'device pool high-water', unit: 'buflets' },
            { name: 'delay p99', unit: 'ms' },
          ],
          rows,
        },
      ],
      findings: [
        `With a shared ring and tail drop the sockets that read lose ${String(others.get('interface tail_drop'))} packets because one does not; with a ring each they lose ${String(others.get('socket tail_drop'))}.`,
      ],
    };
  },
};
