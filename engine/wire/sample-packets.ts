import { assertDefined, fromHex } from '../base/index.ts';
import { parseIpv4, parseIpv6, parseMac } from './address.ts';
import { emitArp } from './arp.ts';
import { checksum } from './checksum.ts';
import { emitEthernet } from './ethernet.ts';
import { emitGeneve, GENEVE_PORT } from './geneve.ts';
import { emitGre, sealGre } from './gre.ts';
import { emitIcmp, sealIcmp } from './icmp.ts';
import { sealIcmpv6 } from './icmpv6.ts';
import { emitIgmp, IGMP_TYPE } from './igmp.ts';
import { emitIpv4, type Ipv4Fields } from './ipv4.ts';
import { emitFragment, emitOptionsHeader, NEXT_HEADER } from './ipv6-extensions.ts';
import { emitIpv6 } from './ipv6.ts';
import { emitMpls } from './mpls.ts';
import { emitPpp } from './ppp.ts';
import { emitPppoe } from './pppoe.ts';
import { emitSctp, sealSctp } from './sctp.ts';
import { emitTcp, sealTcp, TCP_FLAG } from './tcp.ts';
import { tcpMssOption, tcpTimestampsOption } from './tcp-options.ts';
import { TEREDO_PORT } from './teredo.ts';
import { emitUdp, sealUdp } from './udp.ts';
import { emitVlan } from './vlan.ts';
import { emitVxlan, VXLAN_PORT } from './vxlan.ts';

/** A packet built here, for fuzzing and tests. */
export interface SamplePacket {
  readonly name: string;
  readonly linkType: number;
  readonly bytes: Uint8Array;
}

const V4_SOURCE = assertDefined(parseIpv4('192.0.2.1'), 'address');
const V4_DESTINATION = assertDefined(parseIpv4('198.51.100.7'), 'address');
const V6_SOURCE = assertDefined(parseIpv6('2001:db8::1'), 'address');
const V6_DESTINATION = assertDefined(parseIpv6('2001:db8:0:1::ff'), 'address');
const MAC_SOURCE = assertDefined(parseMac('02:00:00:00:00:01'), 'address');
const MAC_DESTINATION = assertDefined(parseMac('02:00:00:00:00:02'), 'address');

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function bytesOf(text: string): Uint8Array {
  return assertDefined(fromHex(text), 'hex');
}

/** What `emit` wrote, as an array of its own. */
function written(emit: (b: Uint8Array) => number): Uint8Array {
  const room = new Uint8Array(128);
  return room.slice(0, emit(room));
}

export function ethernetPacket(type: number, payload: Uint8Array): Uint8Array {
  return concat(
    written((b) => emitEthernet(b, 0, { source: MAC_SOURCE, destination: MAC_DESTINATION, type })),
    payload,
  );
}

export function ipv4Packet(protocol: number, payload: Uint8Array, more: Partial<Ipv4Fields> = {}): Uint8Array {
  const fields = { source: V4_SOURCE, destination: V4_DESTINATION, protocol, payloadLength: payload.length, ...more };
  return concat(
    written((b) => emitIpv4(b, 0, fields)),
    payload,
  );
}

export function ipv6Packet(nextHeader: number, payload: Uint8Array): Uint8Array {
  return concat(
    written((b) => emitIpv6(b, 0, { source: V6_SOURCE, destination: V6_DESTINATION, nextHeader, payloadLength: payload.length })),
    payload,
  );
}

function udp(port: number, payload: Uint8Array): Uint8Array {
  return concat(
    written((b) => emitUdp(b, 0, { sourcePort: 40_000, destinationPort: port, payloadLength: payload.length })),
    payload,
  );
}

/** UDP in IP of either version, with its checksum. */
export function udpInIp(version: 4 | 6, port: number, payload: Uint8Array): Uint8Array {
  const packet = version === 4 ? ipv4Packet(17, udp(port, payload)) : ipv6Packet(17, udp(port, payload));
  if (version === 4) sealUdp(packet, 20, 4, 12, 16);
  else sealUdp(packet, 40, 6, 8, 24);
  return packet;
}

/** TCP in IP of either version, with its checksum. */
export function tcpInIp(version: 4 | 6, flags: number, options: Uint8Array, payload: Uint8Array): Uint8Array {
  const fields = { sourcePort: 49_152, destinationPort: 7777, sequence: 0xfffffff0, acknowledgment: 17, flags, window: 64_240, options };
  const segment = concat(
    written((b) => emitTcp(b, 0, fields)),
    payload,
  );
  const packet = version === 4 ? ipv4Packet(6, segment) : ipv6Packet(6, segment);
  if (version === 4) sealTcp(packet, 20, segment.length, 4, 12, 16);
  else sealTcp(packet, 40, segment.length, 6, 8, 24);
  return packet;
}

function icmpPacket(type: number, code: number, rest: number, payload: Uint8Array): Uint8Array {
  const message = concat(
    written((b) => emitIcmp(b, 0, { type, code, rest })),
    payload,
  );
  sealIcmp(message, 0, message.length);
  return ipv4Packet(1, message);
}

function icmpv6Packet(type: number, code: number, rest: number, payload: Uint8Array): Uint8Array {
  const message = concat(
    written((b) => emitIcmp(b, 0, { type, code, rest })),
    payload,
  );
  const packet = ipv6Packet(58, message);
  sealIcmpv6(packet, 40, message.length, 8, 24);
  return packet;
}

/** Sets the checksum at offset 2 of a message and wraps it in IPv4. */
function checked(protocol: number, message: Uint8Array): Uint8Array {
  const sum = checksum(message, 0, message.length);
  message[2] = sum >>> 8;
  message[3] = sum;
  return ipv4Packet(protocol, message);
}

const SOME_DATA = new Uint8Array(32).map((_, i) => i * 7);
const NO_DATA = new Uint8Array(0);

/** Quoted datagram of 128 bytes, then an extension structure with a label stack and interface information. */
function extendedError(): Uint8Array {
  const quoted = new Uint8Array(128);
  quoted.set(udpInIp(4, 9, SOME_DATA));
  const objects = bytesOf('20000000 0008 0101 12345 1ff 0018 02 0e 00000003 00010000 c0000201 08 65746830 000000'.replace(/ /g, ''));
  const sum = checksum(objects, 0, objects.length);
  objects[2] = sum >>> 8;
  objects[3] = sum;
  return icmpPacket(11, 0, 32 << 16, concat(quoted, objects));
}

/** Router advertisement with every option that has a dissector. */
function routerAdvertisement(): Uint8Array {
  const options = [
    '0101020000000001',
    '05010000000005dc',
    `030440c0000151800000384000000000${'20010db8000000000000000000000000'}`,
    `1903000000000e10${'20010db8000000000000000000000053'}`,
    '1f030000000004b0 0765 78616d706c6503636f6d00 000000'.replace(/ /g, ''),
    '18020018000151802001 0db80000 0000'.replace(/ /g, ''),
    '260207080064ff9b0000000000000000',
    '0e01010203040506',
  ];
  return icmpv6Packet(134, 0, 0x40c00708, concat(bytesOf('0000000000000000'), ...options.map(bytesOf)));
}

function linkPackets(): SamplePacket[] {
  const ip = tcpInIp(4, TCP_FLAG.syn, concat(tcpMssOption(1460), tcpTimestampsOption(1, 2)), NO_DATA);
  const ip6 = udpInIp(6, 53, bytesOf('12340100000100000000000003777777076578616d706c6503636f6d0000010001'));
  const vlan = (type: number, payload: Uint8Array): Uint8Array =>
    concat(
      written((b) => emitVlan(b, 0, { priority: 3, dropEligible: false, id: 42, type })),
      payload,
    );
  const ppp = concat(
    written((b) => emitPpp(b, 0, 0x21)),
    ip,
  );
  const pppoe = concat(
    written((b) => emitPppoe(b, 0, { code: 0, sessionId: 7, payloadLength: ppp.length })),
    ppp,
  );
  const label = (bottom: boolean): Uint8Array => written((b) => emitMpls(b, 0, { label: 100, trafficClass: 1, bottom, ttl: 64 }));
  const arp = written((b) =>
    emitArp(b, 0, { opcode: 1, senderMac: MAC_SOURCE, senderIp: V4_SOURCE, targetMac: new Uint8Array(6), targetIp: V4_DESTINATION }),
  );
  return [
    { name: 'ethernet-tcp', linkType: 1, bytes: ethernetPacket(0x0800, ip) },
    { name: 'ethernet-dns6', linkType: 1, bytes: ethernetPacket(0x86dd, ip6) },
    { name: 'vlan', linkType: 1, bytes: ethernetPacket(0x8100, vlan(0x0800, ip)) },
    { name: 'qinq', linkType: 1, bytes: ethernetPacket(0x88a8, vlan(0x8100, vlan(0x86dd, ip6))) },
    { name: 'llc-snap', linkType: 1, bytes: ethernetPacket(8 + ip.length, concat(bytesOf('aaaa030000000800'), ip)) },
    { name: 'stp', linkType: 1, bytes: ethernetPacket(38, concat(bytesOf('424203'), SOME_DATA)) },
    { name: 'arp', linkType: 1, bytes: concat(ethernetPacket(0x0806, arp), new Uint8Array(18)) },
    { name: 'pppoe', linkType: 1, bytes: ethernetPacket(0x8864, pppoe) },
    { name: 'pppoe-discovery', linkType: 1, bytes: ethernetPacket(0x8863, bytesOf('11090000000c0101000001030004deadbeef')) },
    { name: 'mpls', linkType: 1, bytes: ethernetPacket(0x8847, concat(label(false), label(true), ip)) },
    { name: 'sll', linkType: 113, bytes: concat(bytesOf('00000001000602000000000100000800'), ip) },
    { name: 'sll2', linkType: 276, bytes: concat(bytesOf('86dd0000000000020001000602000000000100 00'.replace(/ /g, '')), ip6) },
    { name: 'null', linkType: 0, bytes: concat(bytesOf('02000000'), ip) },
    { name: 'loop', linkType: 108, bytes: concat(bytesOf('00000018'), ip6) },
    { name: 'raw', linkType: 101, bytes: ip6 },
    { name: 'ppp', linkType: 9, bytes: concat(bytesOf('ff03'), ppp) },
    { name: 'ppp-lcp', linkType: 9, bytes: bytesOf('ff03c0210101000e0104 05dc 0506deadbeef'.replace(/ /g, '')) },
    { name: 'hdlc', linkType: 104, bytes: concat(bytesOf('0f000800'), ip) },
  ];
}

function networkPackets(): SamplePacket[] {
  const raw = (name: string, bytes: Uint8Array): SamplePacket => ({ name, linkType: 101, bytes });
  const quoted6 = udpInIp(6, 9, SOME_DATA);
  const fragment = (offset: number, more: boolean): Uint8Array =>
    written((b) => emitFragment(b, 0, { nextHeader: 17, offset, more, identification: 77 }));
  const hopByHop = (next: number, options: string): Uint8Array => written((b) => emitOptionsHeader(b, 0, next, bytesOf(options)));
  const segmentRouting = bytesOf(`1102040100000000${'20010db8000000000000000000000009'}`);
  return [
    raw('ipv4-options', ipv4Packet(17, udp(9, SOME_DATA), { options: bytesOf('940400000707040a00000101830704c0000201') })),
    raw('ipv4-first-fragment', ipv4Packet(17, udp(9, SOME_DATA), { moreFragments: true, identification: 5 })),
    raw('ipv4-fragment', ipv4Packet(17, SOME_DATA, { fragmentOffset: 40, identification: 5 })),
    raw('ipip', ipv4Packet(4, udpInIp(4, 9, SOME_DATA))),
    raw('6in4', ipv4Packet(41, quoted6)),
    raw('icmp-echo', icmpPacket(8, 0, 0x12340001, SOME_DATA)),
    raw('icmp-unreachable', icmpPacket(3, 4, 1400, udpInIp(4, 9, SOME_DATA))),
    raw('icmp-extensions', extendedError()),
    raw('icmp-timestamp', icmpPacket(13, 0, 1, bytesOf('000000010000000200000003'))),
    raw('icmp-extended-echo', icmpPacket(42, 0, 0x00010101, bytesOf('2000ffff000803026574 6830'.replace(/ /g, '')))),
    raw('icmpv6-echo', icmpv6Packet(128, 0, 0x12340001, SOME_DATA)),
    raw('icmpv6-too-big', icmpv6Packet(2, 0, 1280, quoted6)),
    raw('icmpv6-ra', routerAdvertisement()),
    raw('icmpv6-ns', icmpv6Packet(135, 0, 0, concat(V6_DESTINATION, bytesOf('0101020000000001')))),
    raw(
      'icmpv6-redirect',
      icmpv6Packet(137, 0, 0, concat(V6_SOURCE, V6_DESTINATION, bytesOf('040c000000000000'), quoted6, new Uint8Array(8))),
    ),
    raw('mldv2-query', icmpv6Packet(130, 0, 0x27100000, concat(new Uint8Array(16), bytesOf('027d0001'), V6_SOURCE))),
    raw('mldv2-report', icmpv6Packet(143, 0, 1, concat(bytesOf('04000001'), V6_DESTINATION, V6_SOURCE))),
    raw('ipv6-extensions', ipv6Packet(0, concat(hopByHop(NEXT_HEADER.routing, '05020000'), segmentRouting, udp(9, SOME_DATA)))),
    raw('ipv6-jumbo', ipv6Packet(0, concat(hopByHop(17, 'c20400000028'), udp(9, SOME_DATA)))),
    raw('ipv6-fragment-0', ipv6Packet(44, concat(fragment(0, true), udp(9, SOME_DATA)))),
    raw('ipv6-fragment-8', ipv6Packet(44, concat(fragment(8, false), SOME_DATA))),
    raw('ah', ipv4Packet(51, concat(bytesOf('1104000000000001000000020102030405060708090a0b0c'), udp(9, SOME_DATA)))),
    raw('esp', ipv4Packet(50, SOME_DATA)),
  ];
}

function otherPackets(): SamplePacket[] {
  const raw = (name: string, bytes: Uint8Array): SamplePacket => ({ name, linkType: 101, bytes });
  const inner = ethernetPacket(0x0800, udpInIp(4, 9, SOME_DATA));
  const sctp = concat(
    written((b) => emitSctp(b, 0, { sourcePort: 5000, destinationPort: 5001, verificationTag: 9 })),
    bytesOf('0003001400000001000200030000002e61626364 01000018 00000001 00010000 000a000a 00000001 000500080a000001'.replace(/ /g, '')),
  );
  sealSctp(sctp, 0, sctp.length);
  const address = (v: string): string => `0100${v}`;
  const group = `01000020e1010101`;
  const source = `010006200a000001`;
  const gre = written((b) => emitGre(b, 0, { protocol: 0x6558, key: 9, sequence: 1, checksum: true }));
  const greFrame = concat(gre, inner);
  sealGre(greFrame, 0, greFrame.length);
  return [
    raw('tcp6', tcpInIp(6, TCP_FLAG.ack | TCP_FLAG.psh, bytesOf('0101050a0000000100000002'), SOME_DATA)),
    raw(
      'tcp-options',
      tcpInIp(
        4,
        TCP_FLAG.syn,
        bytesOf('020405b4 0402 080a0000000100000000 01 030307 220a0102030405060708 1e080081aabbccdd'.replace(/ /g, '')),
        NO_DATA,
      ),
    ),
    raw('udp-lite', ipv4Packet(136, bytesOf('00010002000c0000deadbeef'))),
    raw('sctp', ipv4Packet(132, sctp)),
    raw('dccp', ipv4Packet(33, bytesOf('00010002040000000 0000001 00000000'.replace(/ /g, '')))),
    raw('gre', ipv4Packet(47, greFrame)),
    raw('pptp', ipv4Packet(47, concat(bytesOf('3081880b0010000100000001 00000002'.replace(/ /g, '')), bytesOf('ff03'), SOME_DATA))),
    raw('erspan', ipv4Packet(47, concat(bytesOf('100088be00000001 1001000100000000'.replace(/ /g, '')), inner))),
    raw(
      'vxlan',
      udpInIp(
        4,
        VXLAN_PORT,
        concat(
          written((b) => emitVxlan(b, 0, 77)),
          inner,
        ),
      ),
    ),
    raw(
      'geneve',
      udpInIp(
        6,
        GENEVE_PORT,
        concat(
          written((b) => emitGeneve(b, 0, 77, 0x6558)),
          inner,
        ),
      ),
    ),
    raw(
      'teredo',
      udpInIp(4, TEREDO_PORT, concat(bytesOf('00010000000000000000000000 0000fffe3ffffdfe'.replace(/ /g, '')), udpInIp(6, 9, SOME_DATA))),
    ),
    raw('l2tp', udpInIp(4, 1701, concat(bytesOf('00020001000200 21'.replace(/ /g, '')), udpInIp(4, 9, SOME_DATA)))),
    raw(
      'igmpv2',
      ipv4Packet(
        2,
        written((b) => emitIgmp(b, 0, { type: IGMP_TYPE.reportV2, maxResponse: 0, group: bytesOf('e1010101') })),
      ),
    ),
    raw('igmpv3-query', checked(2, bytesOf('11640000e1010101027d00010a000001'))),
    raw('igmpv3-report', checked(2, bytesOf('22000000 0000 0001 04000001 e1010101 0a000001'.replace(/ /g, '')))),
    raw(
      'pim-hello',
      checked(
        103,
        bytesOf('20000000 00010002 0069 00020004 81f409c4 00130004 00000001 00140004 12345678 00180006 01000a000002'.replace(/ /g, '')),
      ),
    ),
    raw('pim-join', checked(103, bytesOf(`23000000${address('0a000002')}000100d2${group}00010001${source}${source}`))),
    raw('pim-bootstrap', checked(103, bytesOf(`2400000012340a00${address('0a000002')}${group}01010000${address('0a000003')}00960000`))),
    raw('pim-assert', checked(103, bytesOf(`25000000${group}${address('0a000001')}8000006e00000014`))),
    raw('pim-candidate', checked(103, bytesOf(`28000000 0100 0096${address('0a000002')}${group}`.replace(/ /g, '')))),
    raw('pim-refresh', checked(103, bytesOf(`29000000${group}${address('0a000001')}${address('0a000002')}0000006e0000001420ff403c`))),
    raw('pim-register', ipv4Packet(103, concat(bytesOf('2100deff00000000'), udpInIp(4, 9, SOME_DATA)))),
    raw('vrrp', ipv4Packet(112, bytesOf('210164010001b4c50a0000010000000000000000'))),
  ];
}

/** One packet or more for every protocol below the application, with good checksums. */
export function samplePackets(): SamplePacket[] {
  return [...linkPackets(), ...networkPackets(), ...otherPackets()];
}
