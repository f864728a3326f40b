import type { ConvertersResult } from '../../contract/index.ts';
import type { Experiment } from '../types.ts';
import { network } from './network.ts';

/** Instants within the pace of the media at which the own call begins: with one alone, luck decides whose packets find the queue full. */
const PHASES = 5;
const PACKET_S = 0.02;

/** Media lost of some sessions, percent. */
function lossOf(sessions: ConvertersResult['sessions']): number {
  const sent = sessions.reduce((sum, s) => sum + s.forward.sent + s.backward.sent, 0);
  const lost = sessions.reduce((sum, s) => sum + s.forward.lost + s.backward.lost, 0);
  return sent === 0 ? 0 : (100 * lost) / sent;
}

export const ownCallPriority: Experiment = {
  id: 'converters-own-call',
  title: 'A converter in a call of its own',
  question: "What does relaying for others do to the host terminal's own call, and what do priority and a reserve of capacity change?",
  source: 'translator 4.5, experiment 4',
  method:
    'One terminal with a slow processor (1.6 ms a packet, room for eight sessions) relays for a growing number of sessions while it is in a call itself. Its own call with and without priority; the reserve (half of the capacity) is off in the first two, on in the third. The own call begins at five instants within the 20 ms between two packets; what these runs say is taken together. There is no other converter, so a session it does not take, or that breaks down, has nowhere to go.',
  measured: false,
  async run({ size, seed, step }) {
    const counts = size === 'full' ? [0, 2, 4, 5, 6, 8] : [0, 8];
    const durationS = size === 'full' ? 30 : 8;
    const rows: (string | number)[][] = [];
    const modes = [
      ['same queue', { ownPriority: false, ownCallShare: 0 }],
      ['priority', { ownPriority: true, ownCallShare: 0 }],
      ['priority and reserve', { ownPriority: true, ownCallShare: 0.5 }],
    ] as const;
    for (const [i, relayed] of counts.entries()) {
      await step(i, counts.length, `${String(relayed)} sessions`);
      for (const [name, mode] of modes) {
        const sessions = Array.from({ length: relayed }, (_, k) => k + 1);
        const at = (phase: number): ConvertersResult =>
          network({
            seed,
            durationS,
            gateway: null,
            terminals: [
              { id: 'four', count: 8, family: 'v4' },
              { id: 'six', count: 8, family: 'v6' },
              { id: 'peer', family: 'dual' },
              { id: 'host', family: 'dual', converter: { capacity: 8, relayUs: 1_600, queuePackets: 32, ...mode } },
            ],
            calls: [
              { atS: 0.2 + (phase * PACKET_S) / PHASES, from: 'host', to: 'peer', holdS: durationS },
              ...sessions.map((k) => ({ atS: 1 + k * 0.05, from: `four-${String(k)}`, to: `six-${String(k)}`, holdS: durationS - 2 })),
            ],
          });
        const runs = Array.from({ length: PHASES }, (_, phase) => at(phase).sessions);
        const own = runs.map((sessions) => sessions[0]!);
        const relay = runs.flatMap((sessions) => sessions.slice(1)).filter((s) => s.path === 'terminal');
        rows.push([
          relayed,
          name,
          relay.length / PHASES,
          relay.filter((session) => session.state === 'failed').length,
          own.reduce((sum, one) => sum + one.forward.delayMs.mean, 0) / PHASES,
          Math.max(...own.flatMap((one) => [one.forward.jitterMs, one.backward.jitterMs])),
          lossOf(own),
          lossOf(relay),
        ]);
      }
    }
    const worst = (name: string, column: number): number =>
      Math.max(...rows.filter((row) => row[1] === name).map((row) => Number(row[column])));
    return {
      tables: [
        {
          title: 'By sessions relayed',
          columns: [
            { name: 'sessions offered' },
            { name: 'own call' },
            { name: 'sessions taken' },
            { name: 'cut in five runs' },
            { name: 'own delay', unit: 'ms' },
            { name: 'own jitter', unit: 'ms' },
            { name: 'own loss', unit: '%' },
            { name: 'loss of relayed media', unit: '%' },
          ],
          rows,
        },
      ],
      findings: [
        `In the common queue the own call was up to ${worst('same queue', 4).toFixed(1)} ms late and lost up to ${worst('same queue', 6).toFixed(1)} %; with priority ${worst('priority', 4).toFixed(1)} ms and ${worst('priority', 6).toFixed(1)} %.`,
        `Relayed media lost up to ${worst('same queue', 7).toFixed(1)} % in the common queue and ${worst('priority', 7).toFixed(1)} % behind a call with priority, with up to ${worst('same queue', 3).toFixed(0)} and ${worst('priority', 3).toFixed(0)} calls cut in ${String(PHASES)} runs: priority makes no processor faster.`,
        `With the reserve as well relayed media lost up to ${worst('priority and reserve', 7).toFixed(1)} % and ${worst('priority and reserve', 3).toFixed(0)} calls were cut, for at most ${String(worst('priority and reserve', 2))} sessions at once.`,
      ],
    };
  },
};
