import { u16 } from '../../base/index.ts';
import { emitIpv4, emitIpv6, emitUdp, parseIpv6, sealUdp } from '../../wire/index.ts';
import { Relay } from '../../translator/index.ts';
import type { Experiment } from '../types.ts';
import { network, phones } from './network.ts';

const OWN4 = 0xc6120009;
const PEER4 = 0xc6120001;
const STAND_IN4 = 0x64400000;
const OWN6 = '2001:db8::9';
const PEER6 = '2001:db8::2';
const PREFIX = '2001:db8:ffff::';
const VOICE_BYTES = 172;

const four = (address: number): Uint8Array => Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);

/** A UDP packet of voice. */
function voice(version: 4 | 6, source: Uint8Array, destination: Uint8Array, sourcePort: number, destinationPort: number): Uint8Array {
  const ip = version === 4 ? 20 : 40;
  const b = new Uint8Array(ip + 8 + VOICE_BYTES);
  const payloadLength = 8 + VOICE_BYTES;
  if (version === 4) emitIpv4(b, 0, { source, destination, protocol: 17, payloadLength });
  else emitIpv6(b, 0, { source, destination, nextHeader: 17, payloadLength });
  emitUdp(b, ip, { sourcePort, destinationPort, payloadLength: VOICE_BYTES });
  sealUdp(b, ip, version, version === 4 ? 12 : 8, version === 4 ? 16 : 24);
  return b;
}

/** 16-bit words under the UDP checksum that an update takes out and puts in: all of both addresses, and the ports that differ. */
function words(before: Uint8Array, after: Uint8Array): number {
  const ip = (b: Uint8Array): number => (b[0]! >> 4 === 4 ? 20 : 40);
  const addresses = (b: Uint8Array): number => (ip(b) === 20 ? 4 : 16);
  const ports = [0, 2].filter((at) => u16(before, ip(before) + at) !== u16(after, ip(after) + at)).length;
  return addresses(before) + addresses(after) + 2 * ports;
}

/** The same for a packet relayed each way. */
function wordsOfOnePacket(style: 'binding' | 'prefix'): [number, number] {
  const relay = new Relay(style, 10, OWN4, parseIpv6(OWN6)!, parseIpv6(PREFIX)!.subarray(0, 12));
  const { port } = relay.reserve(1, STAND_IN4)!;
  relay.connect(1, PEER4, 40_000, parseIpv6(PEER6)!, 40_002);
  const at6 = port > 0 ? parseIpv6(OWN6)! : Uint8Array.of(...parseIpv6(PREFIX)!.subarray(0, 12), ...four(PEER4));
  const up = voice(4, four(PEER4), four(port > 0 ? OWN4 : STAND_IN4), 40_000, port > 0 ? port : 40_002);
  const down = voice(6, parseIpv6(PEER6)!, at6, 40_002, port > 0 ? port : 40_000);
  return [up, down].map((packet) => {
    relay.process(packet === up ? 4 : 6, packet, 0, packet.length, 0);
    return words(packet, relay.sink.packet(0));
  }) as [number, number];
}

export const conversionStyles: Experiment = {
  id: 'converters-styles',
  title: 'Binding relay or prefix mapping',
  question: 'How much state, how many ports, and which rewriting does each style of conversion need?',
  source: 'translator 4.5, experiment 6',
  method:
    'The same calls with both styles (T-12). State and ports are those at the busiest moment of each converter, added up. The words that an update of the UDP checksum takes out and puts in (RFC 1624) are counted on a packet of voice that is relayed each way; their number does not depend on the length of the packet.',
  measured: false,
  async run({ size, seed, step }) {
    const rows: (string | number)[][] = [];
    for (const [i, style] of (['binding', 'prefix'] as const).entries()) {
      await step(i, 2, style);
      const result = network({
        seed,
        style,
        durationS: size === 'full' ? 60 : 10,
        gateway: null,
        terminals: phones(90, 1 / 3),
        load: { perS: 1, holdS: 15, pairs: 'mixed' },
        media: { packetMs: 40 },
      });
      const sum = (pick: (node: (typeof result.nodes)[number]) => number): number =>
        result.nodes.reduce((total, node) => total + pick(node), 0);
      const [up, down] = wordsOfOnePacket(style);
      rows.push([style, sum((n) => n.sessions), sum((n) => n.stateBytes), sum((n) => n.ports), sum((n) => n.relayed), up, down]);
    }
    return {
      tables: [
        {
          title: 'By style',
          columns: [
            { name: 'style' },
            { name: 'sessions' },
            { name: 'state', unit: 'B' },
            { name: 'ports' },
            { name: 'packets relayed' },
            { name: 'words in the checksum update, IPv4 to IPv6' },
            { name: 'words, IPv6 to IPv4' },
          ],
          rows,
        },
      ],
      findings: [
        `Binding relay held ${String(rows[0]![3])} ports and ${String(rows[0]![2])} B of state at the busiest moments, prefix mapping no ports and ${String(rows[1]![2])} B; it needs an IPv4 address for each IPv6 party instead.`,
        `A packet took ${String(rows[0]![5])} words in and out of its checksum with ports and ${String(rows[1]![5])} without.`,
      ],
    };
  },
};
