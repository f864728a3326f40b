import {
  SENDER_ALGORITHMS,
  lostAtHost,
  meterSchema,
  networkSchema,
  sendersSchema,
  socketsSchema,
  type SendersInput,
  type SendersOutcome,
} from '../../contract/index.ts';
import { runClosedLoop } from '../../lab/index.ts';
import type { Experiment } from '../types.ts';

/** The host of the bundled scenario burst-closed-loop; the path is that of `ringside senders` without options. */
const HOST = {
  poolPackets: 4_096,
  sockets: socketsSchema.parse({ readerBps: 150e6 }),
  network: networkSchema.parse({ profile: 'lte', capability: { burstPeriodUs: 40_000 } }),
} as const;

function run(senders: SendersInput, seed: number, enable: boolean): SendersOutcome {
  return runClosedLoop({ ...HOST, ...sendersSchema.parse(senders), seed, meter: meterSchema.parse({ enable }) });
}

export const tcpClosedLoop: Experiment = {
  id: 'burst-closed-loop',
  title: 'TCP senders that react to metering and to drops',
  question: 'Does metering avoid loss events, and what does it cost in round trip time?',
  source: 'stack 1.7, experiment 7',
  method:
    'Senders (NewReno with the window rules of RFC 5681, or CUBIC of RFC 9438; initial window RFC 6928, limited transmit RFC 3042, time stamps RFC 7323 for the timer of RFC 6298, no SACK) send over 80 Mb/s and 40 ms into a modem that hands over what has come every 40 ms. Sockets have 128 KiB, are read at 150 Mb/s, and advertise a window of 2 MB, as systems do that tune buffers later. A segment that finds no room is lost, and the sender sees it.',
  measured: false,
  async run({ size, seed, step }) {
    const durationS = size === 'full' ? 20 : 1;
    const flowCounts = size === 'full' ? [1, 4, 16] : [1, 2];
    const rows: (string | number)[][] = [];
    const findings: string[] = [];
    for (const [i, algorithm] of SENDER_ALGORITHMS.entries()) {
      for (const flows of flowCounts) {
        await step(i, SENDER_ALGORITHMS.length, `${algorithm}, ${String(flows)} flows`);
        const senders = { algorithm, flows, durationS };
        const [off, on] = [run(senders, seed, false), run(senders, seed, true)];
        for (const [name, r] of [
          ['off', off],
          ['on', on],
        ] as const) {
          rows.push([
            algorithm,
            flows,
            name,
            r.goodputBps / 1e6,
            lostAtHost(r),
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
