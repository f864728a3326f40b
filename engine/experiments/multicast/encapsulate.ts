import { multicastPrefixesSchema, type MulticastScenarioInput } from '../../contract/index.ts';
import { unwrap } from '../../base/index.ts';
import { dataPacket, Forwarder, ForwardingTable, ForwardSink, PrefixTable } from '../../multicast/index.ts';
import type { Experiment } from '../types.ts';
import { coreSeconds } from './scale.ts';
import { GROUP, runNetwork, SOURCE } from './support.ts';

/** IPv4 source, IPv6 core with an MTU of 1,500, one receiver of each family behind the edge. */
function core(mode: 'translate' | 'encapsulate', bytes: number): MulticastScenarioInput {
  return {
    name: 'core',
    durationS: 6,
    choice: { holdDownS: 0 },
    routers: [
      { id: 'head', kind: 'v4' },
      { id: 'border', kind: 'translation', mode },
      { id: 'core', kind: 'v6' },
      { id: 'edge', kind: 'translation', mode },
    ],
    links: [
      { id: 'hb', ends: ['head', 'border'], families: 'v4' },
      { id: 'bc', ends: ['border', 'core'], families: 'v6' },
      { id: 'ce', ends: ['core', 'edge'], families: 'v6' },
    ],
    sources: [{ id: 's', at: 'head', v4: SOURCE, group: GROUP, ratePps: 100, bytes }],
    receivers: [
      { id: 'h4', at: 'edge', protocol: 'igmpv3', group: GROUP, source: SOURCE, joinS: 1 },
      { id: 'h6', at: 'edge', protocol: 'mldv2', group: GROUP, source: SOURCE, joinS: 1 },
    ],
  };
}

/**
 * Time of a core for a packet in with one IPv4 and one IPv6 copy out, in nanoseconds: the best of several rounds. `bytes` are those of the IPv4
 * packet; `from` is the family in which it comes.
 */
export function forwardingNs(mode: 'translate' | 'encapsulate', bytes: number, packets: number, from: 4 | 6 = 4): number {
  const prefixes = unwrap(PrefixTable.create(multicastPrefixesSchema.parse({})));
  const table = new ForwardingTable(2, 1_024);
  const forwarder = new Forwarder({
    table,
    native: new ForwardingTable(8, 16),
    sets: prefixes.sets,
    mtu: [9_000, 9_000, 9_000],
    encapsulate: mode === 'encapsulate' ? 0b100 : 0,
    threshold: 1,
    translates: true,
  });
  const sink = new ForwardSink();
  const source = 0xc0000221;
  const streams = Array.from({ length: 256 }, (_, i) => {
    const group = (0xe8010000 + i) >>> 0;
    const row = table.add(Uint32Array.of(source, group));
    table.in4[row] = 0;
    table.setLists(row, 0b010, 0b100, 0, 0);
    const destination = `232.1.0.${i}`;
    const packet = dataPacket(4, {
      source: SOURCE,
      destination,
      payload: new Uint8Array(Math.max(0, bytes - 28)),
      ttl: 64,
      sourcePort: 1,
      destinationPort: 2,
    });
    if (from === 4) return packet;
    // What the path makes of it is what comes back on interface 0.
    sink.clear();
    forwarder.forward(4, 0, packet, 0, packet.length, sink);
    table.in4[row] = -1;
    table.in6[row] = 0;
    table.setLists(row, 0, 0, 0b010, 0b100);
    return sink.packets.packet(1);
  });
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = coreSeconds();
    for (let i = 0; i < packets; i++) {
      if ((i & 31) === 0) sink.clear();
      const b = streams[i & 255]!;
      forwarder.forward(from, 0, b, 0, b.length, sink);
    }
    best = Math.min(best, ((coreSeconds() - start) * 1e9) / packets);
  }
  return best;
}

export const multicastEncapsulate: Experiment = {
  id: 'multicast-encapsulate',
  title: 'Encapsulation against translation',
  question: 'What do encapsulation (RFC 8114) and header translation (RFC 7915) cost on the wire, in fragments, and in time of a core?',
  source: 'multicast 5.5, experiment 6',
  method:
    'An IPv4 source sends through an IPv6 core with an MTU of 1,500 bytes to receivers of both families. Bytes and packets are those of the core links. The time is that of the forwarding path alone for 256 streams in memory, a packet in and one IPv4 and one IPv6 copy out, the best of five rounds; it depends on the machine.',
  measured: true,
  async run({ size, step }) {
    const sizes = size === 'full' ? [100, 500, 1_200, 1_450, 1_470, 1_490, 1_500] : [200, 1_490];
    const rows: (string | number)[][] = [];
    for (const [i, bytes] of sizes.entries()) {
      for (const mode of ['translate', 'encapsulate'] as const) {
        await step(i, sizes.length, `${bytes} bytes, ${mode}`);
        const { network, state } = runNetwork(core(mode, bytes));
        const link = network.links.find(({ id }) => id === 'bc')!;
        const sent = network.routers[1]!.forwarder.packetsIn;
        rows.push([
          bytes,
          mode,
          link.counters.bytes6 / sent,
          (link.counters.packets6 - link.counters.control) / sent,
          state.counters['border']!.fragments,
          forwardingNs(mode, bytes, size === 'full' ? 400_000 : 20_000),
          state.receivers[0]!.received,
          state.receivers[1]!.received,
        ]);
      }
    }
    const whole = rows.filter((row) => row[3] === 1);
    const extra = Math.min(
      ...whole.flatMap((row) => {
        const other = whole.find((each) => each[0] === row[0] && each[1] === 'translate');
        return row[1] === 'encapsulate' && other !== undefined ? [Number(row[2]) - Number(other[2])] : [];
      }),
    );
    const firstCut = (mode: string): string =>
      rows.find((row) => row[1] === mode && Number(row[3]) > 1)?.[0]?.toLocaleString('en-US') ?? 'no';
    const rate = rows.map((row) => 1e3 / Number(row[5]));
    return {
      tables: [
        {
          title: 'By length of the IPv4 packet',
          columns: [
            { name: 'packet', unit: 'bytes' },
            { name: 'mode' },
            { name: 'on the core for each', unit: 'bytes' },
            { name: 'on the core for each', unit: 'packets' },
            { name: 'fragments' },
            { name: 'time', unit: 'ns' },
            { name: 'received v4', unit: 'packets' },
            { name: 'received v6', unit: 'packets' },
          ],
          rows,
        },
      ],
      findings: [
        `Encapsulation took ${extra.toFixed(0)} bytes more on the core than translation for a packet that both sent in one piece.`,
        `Of the lengths tried, ${firstCut('encapsulate')} bytes were the first that encapsulation sent in fragments, and ${firstCut('translate')} that translation did.`,
        `One core forwarded ${Math.min(...rate).toFixed(2)} to ${Math.max(...rate).toFixed(2)} million packets a second in memory, each with one IPv4 and one IPv6 copy.`,
      ],
    };
  },
};
