import type { Experiment } from '../types.ts';
import { burstScenario, drops, goodputBps, lostPercent, poolHighWater, runBursts, totalOf } from './runs.ts';

const BASE = { burstKib: 1_024, periodMs: 50, rcvbufKib: 128 };
const SWEEPS = {
  small: { burstKib: [64, 1_024], periodMs: [20, 100], rcvbufKib: [64, 1_024] },
  full: {
    burstKib: [16, 64, 128, 256, 512, 1_024, 2_048, 4_096],
    periodMs: [1, 5, 10, 20, 50, 100],
    rcvbufKib: [16, 64, 128, 256, 512, 1_024],
  },
} as const;

type Point = typeof BASE;

function row(point: Point, enable: boolean, seed: number, bursts: number): number[] {
  const scenario = burstScenario('metered-or-not', {
    meter: { enable },
    sockets: { rcvbufBytes: point.rcvbufKib * 1_024, readerBps: 4e8 },
  });
  const durationS = Math.max(0.05, (bursts * point.periodMs) / 1_000);
  const summary = runBursts(scenario, { burstBytes: point.burstKib * 1_024, periodMs: point.periodMs, durationS, seed });
  return [
    drops(summary),
    lostPercent(summary),
    goodputBps(summary) / 1e6,
    totalOf(summary).p99 / 1e6,
    poolHighWater(summary),
    summary.sockets!.fillMaxBytes / 1_024,
  ];
}

export const meteredOrNot: Experiment = {
  id: 'burst-metered-or-not',
  title: 'Metered against unmetered bursts',
  question: 'What does the meter save a socket from, and what does it cost?',
  source: 'stack 1.7, experiment 1',
  method:
    'The same bursts of UDP packets, handed over at 4 Gb/s with the NR capability record, go to one socket whose application reads 400 Mb/s: once straight from the switch, once through the meter. Burst size, period and receive buffer are varied one at a time around 1 MiB every 50 ms into 128 KiB.',
  measured: false,
  async run({ size, seed, step }) {
    const sweeps = SWEEPS[size];
    const bursts = size === 'full' ? 40 : 4;
    const keys = Object.keys(BASE) as (keyof Point)[];
    const names = { burstKib: 'burst', periodMs: 'period', rcvbufKib: 'receive buffer' };
    const units = { burstKib: 'KiB', periodMs: 'ms', rcvbufKib: 'KiB' };
    const tables = [];
    let saved = 0;
    let lostWith = 0;
    for (const [k, key] of keys.entries()) {
      const rows: (string | number)[][] = [];
      for (const value of sweeps[key]) {
        await step(k, keys.length, `${names[key]} ${String(value)}`);
        const point = { ...BASE, [key]: value };
        const off = row(point, false, seed, bursts);
        const on = row(point, true, seed, bursts);
        rows.push([value, 'off', ...off], [value, 'on', ...on]);
        saved += off[0]! - on[0]!;
        lostWith += on[0]!;
      }
      tables.push({
        title: `By ${names[key]}`,
        columns: [
          { name: names[key], unit: units[key] },
          { name: 'meter' },
          { name: 'dropped', unit: 'packets' },
          { name: 'dropped', unit: '%' },
          { name: 'goodput', unit: 'Mb/s' },
          { name: 'delay p99', unit: 'ms' },
          { name: 'device pool high-water', unit: 'buflets' },
          { name: 'socket high-water', unit: 'KiB' },
        ],
        rows,
      });
    }
    return {
      tables,
      findings: [
        `Over all points the meter saved ${saved.toLocaleString('en-US')} packets that overflowed the socket without it.`,
        lostWith === 0
          ? 'With the meter nothing was dropped at any point.'
          : `With the meter ${lostWith.toLocaleString('en-US')} packets were dropped: where bursts were larger than the ring, or the load above the 131 Mb/s that portions of 16 KiB every millisecond allow one socket.`,
      ],
    };
  },
};
