import type { BurstState } from '../../contract/index.ts';
import type { Pipeline } from '../pipeline.ts';
import { meterStats, socketRow } from './regulation.ts';
import { SOCKET_MADE, SOCKET_WORDS, S_FLAGS } from '../../stack/index.ts';

/** Sockets shown at the playhead. */
const MAX_STATE_SOCKETS = 32;

/** Meters, pools and the fullest sockets of a pipeline as they are now; null where no port feeds sockets. */
export function burstState(pipeline: Pipeline, tNs: number): BurstState | null {
  const { scenario } = pipeline;
  const worlds = pipeline.worlds.filter((world) => world.metered !== null);
  if (worlds.length === 0) return null;
  const sockets = worlds.flatMap((world) => {
    const metered = world.metered!;
    const table = metered.meter.sockets;
    const from = { words: table.words, floats: table.floats, socketId: metered.socketId };
    const rows = [];
    for (let s = 0; s < table.last; s++) {
      if ((table.words[s * SOCKET_WORDS + S_FLAGS]! & SOCKET_MADE) !== 0) rows.push(socketRow(from, world.queue, table.rcvbufBytes, s));
    }
    return rows;
  });
  sockets.sort((a, b) => b.fillBytes - a.fillBytes || b.inRing - a.inRing || a.queue - b.queue || a.socket - b.socket);
  return {
    tNs,
    meters: worlds.map((world) => meterStats(world.metered!, scenario.ports[world.hostIndex]!.id, world.queue)),
    pools: worlds.flatMap((world) =>
      world.pools().map(({ id, packets, used, highWater, failures }) => ({ id, packets, used, highWater, failures })),
    ),
    sockets: sockets.slice(0, MAX_STATE_SOCKETS),
  };
}
