import { meterSchema, networkSchema, socketsSchema } from '../../contract/index.ts';
import { ALGORITHMS, runClosedLoop, type ClosedLoopOptions, type ClosedLoopResult } from '../../lab/index.ts';
import type { Experiment } from '../types.ts';

const BASE = {
  durationS: 4,
  rateBps: 80e6,
  queueBytes: 1.5e6,
  rttMs: 40,
  grantMs: 40,
  lineBps: 2e9,
  mss: 1_400,
  windowBytes: 2e6,
  minRtoMs: 200,
  poolPackets: 4_096,
  network: networkSchema.parse({ profile: 'lte', capability: { burstPeriodUs: 40_000 } }),
} as const;

function run(options: Pick<ClosedLoopOptions, 'algorithm' | 'flows' | 'durationS' | 'seed'>, enable: boolean): ClosedLoopResult {
  const sockets = socketsSchema.parse({ readerBps: 150e6 });
  return runClosedLoop({ ...BASE, ...options, meter: meterSchema.parse({ enable }), sockets });
}

export const tcpClosedLoop: Experiment = {
  id: 'burst-closed-loop',
  title: 'TCP senders that react to metering and to drops',
  question: 'Does metering avoid loss events, and what does it cost in round trip time?',
  source: 'stack 1.7, experiment 7',
  method:
    'Senders (NewReno with the window rules of RFC 5681, or CUBIC of RFC 9438; initial window RFC 6928, timer RFC 6298, no SACK) send over 80 Mb/s and 40 ms into a modem that hands over what has come every 40 ms. Sockets have 128 KiB, are read at 150 Mb/s, and advertise a window of 2 MB, as systems do that tune buffers later. A segment that finds no room is lost, and the sender sees it.',
  measured: false,
  async run({ size, seed, step }) {
    const durationS = size === 'full' ? 20 : 1;
    const flowCounts = size === 'full' ? [1, 4, 16] : [1, 2];
    const rows: (string | number)[][] = [];
    const findings: string[] = [];
    for (const [i, algorithm] of ALGORITHMS.entries()) {
      for (const flows of flowCounts) {
        await step(i, ALGORITHMS.length, `${algorithm}, ${String(flows)} flows`);
        const [off, on] = [run({ algorithm, flows, durationS, seed }, false), run({ algorithm, flows, durationS, seed }, true)];
        for (const [name, r] of [
          ['off', off],
          ['on', on],
        ] as const) {
          // prettier-ignore
          const lost = Object.entries(r.losses).filter(([place]) => place !== 'network').reduce((n, [, l]) => n + l, 0); // prettier-ignore
          rows.push([
            algorithm,
            flows,
            name,
            r.goodputBps / 1e6,
            lost,
            r.losses['network'] ?? 0,
            r.fastRetransmits,
            r.timeouts,
            r.spurious,
            r.rttMs.p50,
            r.rttMs.p99,
            r.meterMs.p50,
            r.meterMs.p99,
          ]);
        }
        const gain = (100 * (on.goodputBps - off.goodputBps)) / off.goodputBps;
        findings.push(
          `${algorithm}, ${String(flows)} flow${flows === 1 ? '' : 's'}: goodput ${gain >= 0 ? '+' : ''}${gain.toFixed(0)} % with the meter, median round trip ${off.rttMs.p50.toFixed(0)} to ${on.rttMs.p50.toFixed(0)} ms, of which the meter is ${on.meterMs.p50.toFixed(0)} ms.`,
        );
      }
    }
    return {
      tables: [
        {
          title: 'With and without the meter',
          columns: [
            { name: 'sender' },
            { name: 'flows' },
            { name: 'meter' },
            { name: 'goodput', unit: 'Mb/s' },
            { name: 'lost at the host', unit: 'segments' },
            { name: 'lost in the network', unit: 'segments' },
            { name: 'fast retransmits' },
            { name: 'timeouts' },
            { name: 'spurious', unit: 'segments' },
            { name: 'RTT p50', unit: 'ms' },
            { name: 'RTT p99', unit: 'ms' },
            { name: 'of it in the meter p50', unit: 'ms' },
            { name: 'p99', unit: 'ms' },
          ],
          rows,
        },
      ],
      findings,
    };
  },
};
