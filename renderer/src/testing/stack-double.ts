import type { CallName, EngineHandlers, StackArena, StackTopology, StackTraffic } from '../../../engine/contract/index.ts';

type StackCall = Extract<CallName, `stack.${string}`>;

const PORT = { rxUsed: 0, rxSlots: 1_024, txUsed: 0, txSlots: 256, poolUsed: 0, poolPackets: 2_048, binding: '', open: true } as const;

/** The stack of the double's little world: a host port and a channel, no `stack` section. */
export const PLAIN_TOPOLOGY: StackTopology = {
  tNs: 0,
  modelled: false,
  nexus: { activeFlows: 2, maxFlows: 1_048_576, rules: 0, reservations: 0, switched: 1_980, queues: 1 },
  device: { packetsIn: 2_000, sent: 0, dropped: 20, rxUsed: 3, rxSlots: 64, txUsed: 0, txSlots: 512, poolUsed: 3, poolPackets: 4_096 },
  ports: [
    { ...PORT, id: 'ch3', number: 2, kind: 'user', packetsIn: 990, delivered: 990, dropped: 0 },
    { ...PORT, id: 'host', number: 1, kind: 'host', packetsIn: 990, delivered: 990, dropped: 0 },
  ],
  instances: [
    { id: 'ch3', port: 'ch3', pid: 0, executable: '', state: 'running', queues: 1, refusal: '', endOfFile: false, rules: 0, reservations: 0, heldBack: 0, mappedBytes: 0, redirectedBytes: 0 }, // prettier-ignore
    { id: 'bsd', port: 'host', pid: 0, executable: 'kernel', state: 'running', queues: 1, refusal: '', endOfFile: false, rules: 0, reservations: 0, heldBack: 0, mappedBytes: 0, redirectedBytes: 0 }, // prettier-ignore
  ],
  rules: [],
  reservations: [],
  classQueues: [],
  faults: [],
  events: [],
  worker: {},
};

export const PLAIN_ARENA: StackArena = {
  tNs: 0,
  capacityBytes: 1_048_576,
  usedBytes: 40_960,
  segmentBytes: 16_384,
  regions: [
    { kind: 'slots', owner: 'device.rx.0', bytes: 8_192, segments: 1, mapped: 1, wired: 0, redirected: 0, backed: true },
    { kind: 'kernel-metadata', owner: 'packets.0', bytes: 32_768, segments: 2, mapped: 0, wired: 2, redirected: 0, backed: true },
  ],
  caches: [],
};

const FLOWS = { flows: 2, packetsIn: 990, packetsOut: 0, bytesIn: 900_000, bytesOut: 0, drops: 0 };
export const PLAIN_TRAFFIC: StackTraffic = {
  protocols: [
    { stack: 'ch3', table: 'ip', ...FLOWS, connections: null },
    { stack: 'ch3', table: 'tcp', ...FLOWS, connections: { opening: 1, established: 1, closing: 0, closed: 0, outsideWindow: 3 } },
  ],
  routes: { total: 40, rows: [{ here: '192.0.2.1', there: '198.51.100.2', ...FLOWS }] },
  links: [{ id: 'llink.0', rxPackets: 2_000, rxBytes: 1_800_000, rxRingDrops: 20, txPackets: 0, txOfferedBytes: 0, txRingDrops: 0, txQueued: 0, linkBps: 1e9 }], // prettier-ignore
};

/** The stack calls of a session whose scenario has no `stack` section. */
export function stackHandlers(): Pick<EngineHandlers, StackCall> {
  return {
    'stack.topology': () => PLAIN_TOPOLOGY,
    'stack.arena': () => PLAIN_ARENA,
    'stack.traffic': () => PLAIN_TRAFFIC,
    'stack.statistics': () => ({ total: 0, records: [] }),
    'stack.dropsOverTime': ({ fromNs, toNs, bins }) => {
      const counts = Uint32Array.from({ length: bins }, (_, b) => (b % 50 === 25 ? 2 : 0));
      const packets = counts.reduce((n, each) => n + each, 0);
      const reasons = [{ name: 'device_rx_full', text: 'Every slot of the device RX ring was in use.', packets }];
      return { startNs: fromNs, binNs: (toNs - fromNs) / bins, bins, reasons, counts };
    },
    'stack.advisories': () => ({
      modelled: false,
      entries: 0,
      used: 0,
      full: 0,
      suspensions: 0,
      resumptions: 0,
      flows: [],
      changesLost: 0,
    }),
  };
}
