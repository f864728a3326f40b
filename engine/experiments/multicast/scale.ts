import { multicastScenarioSchema } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { MulticastNetwork, pimPacket, type PimGroupSet } from '../../multicast/index.ts';
import { formatIpv4U32 } from '../../wire/index.ts';
import type { Experiment } from '../types.ts';
import { SOURCE } from './support.ts';

/** Groups in one Join message, as PIM of this program sends them. */
const GROUPS_A_MESSAGE = 20;
const FIRST_GROUP = 0xe8010000;

export interface ScaleFigures {
  readonly entries: number;
  readonly joinsPerSecond: number;
  /** Heap and typed arrays; NaN where the runtime does not tell. */
  readonly bytesPerEntry: number;
  readonly prunesPerSecond: number;
  /** Entries with a forwarding row and an upstream join, after all joins. */
  readonly joined: number;
  /** Entries still joined upstream after all prunes. */
  readonly left: number;
}

/** Bytes in use, after a collection where one can be asked for. */
function memory(): number {
  const host = globalThis as { gc?: () => void; process?: { memoryUsage?: () => { heapUsed: number; arrayBuffers: number } } };
  host.gc?.();
  const usage = host.process?.memoryUsage?.();
  return usage === undefined ? NaN : usage.heapUsed + usage.arrayBuffers;
}

/** Seconds of a core used so far; wall-clock where the runtime does not tell. */
export function coreSeconds(): number {
  const host = globalThis as { process?: { cpuUsage?: () => { user: number } } };
  const used = host.process?.cpuUsage?.();
  return used === undefined ? performance.now() / 1e3 : used.user / 1e6;
}

/** An IPv6 router joins many groups at a translation router that fetches them over IPv4: messages as bytes, from parsing to the forwarding row. */
export function scaleRun(entries: number): ScaleFigures {
  const scenario = multicastScenarioSchema.parse({
    name: 'scale',
    durationS: 100,
    limits: { entries, joinsPerSecond: 10_000_000 },
    routers: [
      { id: 'head', kind: 'v4' },
      { id: 't', kind: 'translation' },
      { id: 'down', kind: 'v6' },
    ],
    links: [
      { id: 'up', ends: ['head', 't'], families: 'v4' },
      { id: 'edge', ends: ['t', 'down'], families: 'v6' },
    ],
    sources: [{ id: 's', at: 'head', v4: SOURCE, group: '232.1.2.3', startS: 99 }],
  });
  const network = unwrap(MulticastNetwork.create(scenario, { log: false }));
  network.runUntil(1e9);
  const [head, t, down] = network.routers;
  // The neighbours have been heard; from here on only the translation router works.
  head!.up = false;
  down!.up = false;
  const from = down!.interfaces[0]!.address[6];
  const to = t!.interfaces[1]!.address[6];
  const source = network.prefixes.sourceText6(SOURCE)!;
  const messages = (join: boolean): Uint8Array[] => {
    const list: Uint8Array[] = [];
    for (let i = 0; i < entries; i += GROUPS_A_MESSAGE) {
      const groups: PimGroupSet[] = [];
      for (let g = i; g < Math.min(entries, i + GROUPS_A_MESSAGE); g++) {
        const each = { source, wildcard: false, rpt: false };
        groups.push({
          group: network.prefixes.groupText6(formatIpv4U32((FIRST_GROUP + g) >>> 0))!,
          maskLength: 128,
          joins: join ? [each] : [],
          prunes: join ? [] : [each],
        });
      }
      list.push(pimPacket({ kind: 'join-prune', upstream: to, holdtimeS: 210, groups }, 6, from, 'ff02::d'));
    }
    return list;
  };
  const timed = (packets: readonly Uint8Array[], startNs: number): number => {
    const start = coreSeconds();
    for (const [i, packet] of packets.entries()) {
      t!.receive(1, packet, 6);
      // Once in a while the clock moves, so that joins upstream leave.
      if ((i & 63) === 0) network.runUntil(startNs + i * 1e3);
    }
    network.runUntil(startNs + 5e9);
    return entries / (coreSeconds() - start);
  };
  const joins = messages(true);
  const prunes = messages(false);
  const joinedNow = (): number => [...t!.side(4)!.pim.trees()].filter((tree) => tree.joined).length;
  const before = memory();
  const joinsPerSecond = timed(joins, 1e9);
  const bytesPerEntry = (memory() - before) / entries;
  const joined = Math.min(joinedNow(), t!.forwarder.table.used);
  const prunesPerSecond = timed(prunes, 7e9);
  return { entries, joinsPerSecond, bytesPerEntry, prunesPerSecond, joined, left: joinedNow() };
}

const shown = (n: number): string => Math.round(n).toLocaleString('en-US');

export const multicastScale: Experiment = {
  id: 'multicast-scale',
  title: 'Many entries',
  question: 'How many joins a second does one core take, and what does an entry cost in memory, up to 100,000 entries?',
  source: 'multicast 5.5, experiment 8',
  method:
    'A translation router takes PIMv6 joins for translated groups, 20 in a message, as bytes: parsing, state machines, the choice of the path, the join upstream in IPv4, the forwarding row. Then everything is pruned. Times are those of the core used, user time where the runtime tells; they and the memory depend on the machine.',
  measured: true,
  async run({ size, step }) {
    const counts = size === 'full' ? [1_000, 10_000, 30_000, 100_000] : [500];
    const rows: number[][] = [];
    for (const [i, entries] of counts.entries()) {
      await step(i, counts.length, `${entries} entries`);
      const figures = scaleRun(entries);
      rows.push([entries, figures.joinsPerSecond, figures.prunesPerSecond, figures.bytesPerEntry, figures.joined, figures.left]);
    }
    const last = rows.at(-1)!;
    return {
      tables: [
        {
          title: 'By entries',
          columns: [
            { name: 'entries' },
            { name: 'joins', unit: '1/s' },
            { name: 'prunes', unit: '1/s' },
            { name: 'memory for an entry', unit: 'bytes' },
            { name: 'joined upstream' },
            { name: 'left after the prunes' },
          ],
          rows,
        },
      ],
      findings: [`With ${shown(last[0]!)} entries one core took ${shown(last[1]!)} joins a second at ${shown(last[3]!)} bytes an entry.`],
    };
  },
};
