import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { capture, haveCaptures, capturesMissing } from '../testing/captures.ts';
import { listCaptures, rawIpPacket, readRawCapture, writeRawPcapng, type RawIpPacket, type RawPacket } from '../testing/raw-captures.ts';
import { tsharkFields, tsharkMissing, tsharkVersion } from '../testing/tshark.ts';
import { SINK_KIND } from './packet-sink.ts';
import { newSink, translatorOf } from './test-support.ts';

/** Packets of one capture: the first ones, which have all its variety. RINGSIDE_SWEEP=full takes all. */
const FULL = process.env['RINGSIDE_SWEEP'] === 'full';
const PACKETS_OF_ONE = FULL ? Number.MAX_SAFE_INTEGER : 40;
/** Figures of a full sweep. */
const say = (text: string): void => {
  if (FULL) process.stdout.write(`${text}\n`);
};
const LIMIT_MS = 1_800_000;
/** Packets handed to one run of tshark. */
const PACKETS_PER_RUN = 100_000;
const RAW_IP = 101;

const IP_STATUS = 'ip.checksum.status';
/** ICMP first: an error quotes a packet whose transport header tshark shows too. */
const TRANSPORT = ['icmp', 'icmpv6', 'tcp', 'udp', 'sctp', 'dccp'].map((name) => `${name}.checksum.status`);
const PROTOCOLS = 'frame raw ip ipv6 ipv6.hopopts ipv6.dstopts ipv6.routing ipv6.fraghdr tcp udp udplite sctp dccp icmp icmpv6 data'.split(
  ' ',
);
const BAD = '0';
const GOOD = '1';
const UNVERIFIED = '2';
const ABSENT = '3';

/** Nothing is too large and nothing private. */
const WIDE = { mtu4: 65_535, mtu6: 65_535, lowestIpv6Mtu: 65_535, wellKnownPrivate: 'allow' } satisfies TranslatorInput;
const DOMAIN = { dmr: '2001:db8:ffff::/64', rules: [{ v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16, psidOffset: 6 }] };

/** Translators one behind the other that every packet of a side goes through. */
const CHAINS: readonly { readonly name: string; readonly side: 4 | 6; readonly configs: readonly TranslatorInput[] }[] = [
  // Every address has a place on the other side: IPv4 as the first 32 bits of an IPv6 address, and back.
  { name: 'siit, 4 to 6', side: 4, configs: [{ ...WIDE, hairpin: 'off', maps: [{ v4: '0.0.0.0/0', v6: '::/0' }] }] },
  { name: 'siit, 6 to 4', side: 6, configs: [{ ...WIDE, hairpin: 'off', maps: [{ v4: '0.0.0.0/0', v6: '::/0' }] }] },
  {
    name: 'clat and nat64',
    side: 4,
    configs: [
      { ...WIDE, mode: 'clat', clat: { prefix: '2001:db8:464::/96', networks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] } },
      { ...WIDE, mode: 'nat64', nat64: { pool4: [{ prefix: '192.0.2.0/24' }] } },
    ],
  },
  {
    name: 'map-t edge and relay',
    side: 4,
    configs: [
      { ...WIDE, mode: 'mapt', mapt: { ...DOMAIN, role: 'ce', endUserPrefix: '2001:db8:12:3400::/56' } },
      { ...WIDE, mode: 'mapt', mapt: { ...DOMAIN, role: 'br' } },
    ],
  },
];

/** What left a translator, and which packet it came of. */
interface Out extends RawIpPacket {
  readonly from: number;
}

function through(configs: readonly TranslatorInput[], input: readonly Out[]): Out[] {
  return configs.reduce<readonly Out[]>((packets, config) => {
    const t = translatorOf(config);
    const sink = newSink();
    return packets.flatMap(({ side, bytes, wireLength, from }, i) => {
      sink.clear();
      t.translate(side, bytes, 0, bytes.length, wireLength, sink, i * 1_000);
      const out: Out[] = [];
      for (let o = 0; o < sink.count; o++) {
        if (sink.kind[o] !== SINK_KIND.translated) continue;
        out.push({ side: sink.side[o] === 6 ? 6 : 4, bytes: sink.packet(o), wireLength: sink.wireLength[o]!, from });
      }
      return out;
    });
  }, input) as Out[];
}

/**
 * True with a home address option (RFC 6275 section 6.3): the checksum of such a packet is over that address. RFC 7915 section 5.1 leaves the
 * option out and says nothing of it, so the checksum is over an address that is no longer there.
 */
function hasHomeAddress({ side, bytes }: RawIpPacket): boolean {
  return side === 6 && bytes[6] === 60 && bytes.subarray(42, 48 + bytes[41]! * 8).includes(0xc9);
}

interface Status {
  readonly header: string | undefined;
  readonly transport: string | undefined;
}

/** What tshark says of the checksums of each packet: of its own IPv4 header, and of the transport header in it. */
function statuses(packets: readonly RawIpPacket[]): Status[] {
  const rows: Status[] = [];
  for (let at = 0; at < packets.length; at += PACKETS_PER_RUN) {
    const raw = packets.slice(at, at + PACKETS_PER_RUN).map(({ bytes, wireLength }): RawPacket => ({ linkType: RAW_IP, origLenBytes: wireLength, bytes })); // prettier-ignore
    for (const [header, ...transport] of tsharkFields(writeRawPcapng(raw), { fields: [IP_STATUS, ...TRANSPORT], protocols: PROTOCOLS })) {
      rows.push({ header: header?.[0], transport: transport.find((cell) => cell.length > 0)?.[0] });
    }
  }
  return rows;
}

describe.skipIf(!haveCaptures || tsharkVersion === undefined)('checksums by tshark, over every capture of the folder', () => {
  const packets: RawIpPacket[] = [];
  let before: Status[] = [];

  it(
    'are read from each capture with IP in it',
    () => {
      let captures = 0;
      for (const { path } of listCaptures()) {
        const found = readRawCapture(path, PACKETS_OF_ONE).flatMap((packet) => rawIpPacket(packet) ?? []);
        if (found.length > 0) captures++;
        packets.push(...found);
      }
      before = statuses(packets);
      expect(captures).toBeGreaterThan(1_500);
      expect(before).toHaveLength(packets.length);
      say(`checksums by tshark: ${captures} captures, ${packets.length} packets`);
    },
    LIMIT_MS,
  );

  it.each(CHAINS)(
    '$name: headers good, the rest as good or bad as before',
    ({ name, side, configs }) => {
      const out = through(configs, packets.flatMap((packet, from) => (packet.side === side ? [{ ...packet, from }] : []))); // prettier-ignore
      const after = statuses(out);
      let compared = 0;
      const worse: string[] = [];
      out.forEach(({ side: to, from }, i) => {
        const { header, transport } = after[i]!;
        const was = before[from]!.transport;
        if (to === 4 && header !== GOOD) worse.push(`packet ${from}: header ${header}`);
        if (was === undefined || transport === undefined || was === UNVERIFIED || transport === UNVERIFIED) return;
        if (hasHomeAddress(packets[from]!)) return;
        compared++;
        // UDP without a checksum has one in IPv6.
        if (transport !== was && !(was === ABSENT && transport === GOOD)) worse.push(`packet ${from}: ${was} became ${transport}`);
      });
      const bad = out.filter((_, i) => after[i]!.transport === BAD).length;
      process.stdout.write(
        `${name}: ${out.length} translated, ${compared} with a checksum that tshark checks, ${bad} bad before and after\n`,
      );
      expect(worse).toEqual([]);
      expect(compared).toBeGreaterThan(1_000);
    },
    LIMIT_MS,
  );
});

if (!haveCaptures) process.stdout.write(`${capturesMissing} (${capture('')})\n`);
else if (tsharkVersion === undefined) process.stdout.write(`${tsharkMissing}\n`);
