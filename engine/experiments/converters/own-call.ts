import type { Experiment } from '../types.ts';
import { network } from './network.ts';

export const ownCallPriority: Experiment = {
  id: 'converters-own-call',
  title: 'A converter in a call of its own',
  question: "What does relaying for others do to the host terminal's own call, and what do priority and a reserve of capacity change?",
  source: 'translator 4.5, experiment 4',
  method:
    'One terminal with a slow processor (1.6 ms a packet, room for eight sessions) relays for a growing number of sessions while it is in a call itself. Its own call with and without priority; the reserve (half of the capacity) is off in the first two, on in the third. There is no other converter, so a session it does not take, or that breaks down, has nowhere to go.',
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
        const result = network({
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
            { atS: 0.2, from: 'host', to: 'peer', holdS: durationS },
            ...sessions.map((k) => ({ atS: 1 + k * 0.05, from: `four-${String(k)}`, to: `six-${String(k)}`, holdS: durationS - 2 })),
          ],
        });
        const own = result.sessions[0]!;
        const taken = result.sessions.slice(1).filter((s) => s.path === 'terminal').length;
        const lost = (100 * (own.forward.lost + own.backward.lost)) / (own.forward.sent + own.backward.sent);
        const relay = result.sessions.slice(1).filter((s) => s.path === 'terminal');
        const relaySent = relay.reduce((sum, s) => sum + s.forward.sent + s.backward.sent, 0);
        const relayLost = relay.reduce((sum, s) => sum + s.forward.lost + s.backward.lost, 0);
        const broken = relay.filter((session) => session.state === 'failed').length;
        rows.push([
          relayed,
          name,
          taken,
          broken,
          own.forward.delayMs.mean,
          Math.max(own.forward.jitterMs, own.backward.jitterMs),
          lost,
          relaySent === 0 ? 0 : (100 * relayLost) / relaySent,
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
            { name: 'of them cut' },
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
        `Priority alone moves the loss to the relayed media: up to ${worst('priority', 7).toFixed(1)} %, and ${worst('priority', 3).toFixed(0)} calls cut; with the reserve as well ${worst('priority and reserve', 7).toFixed(1)} % and ${worst('priority and reserve', 3).toFixed(0)}, for at most ${worst('priority and reserve', 2).toFixed(0)} sessions.`,
      ],
    };
  },
};
