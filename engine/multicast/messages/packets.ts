import { putU16, u16 } from '../../base/index.ts';
import { checksum, emitIpv4, emitIpv6, emitUdp, pseudoSum6, sealUdp, sum16, sumIsGood, UDP_HEADER_BYTES } from '../../wire/index.ts';
import { addressBytes, type Family } from '../addresses.ts';
import { buildGroupMessage, type GroupMessage } from './group-messages.ts';
import { buildPim, sealPim } from './pim-codec.ts';
import type { PimMessage } from './pim-messages.ts';

/** Messages and data as whole IP packets. */

export const PROTOCOL_IGMP = 2;
export const PROTOCOL_PIM = 103;
export const PROTOCOL_ICMPV6 = 58;
export const PROTOCOL_IPIP = 4;
export const PROTOCOL_UDP = 17;

/** Internetwork control, as routers send PIM and IGMP. */
const CONTROL_CLASS = 0xc0;
const ROUTER_ALERT4 = Uint8Array.of(0x94, 4, 0, 0);
/** Hop-by-hop header with the router alert of MLD (RFC 2711) and PadN. */
const ROUTER_ALERT6 = Uint8Array.of(PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0);

/** RFC 9776 section 4, RFC 9777 section 5: TTL 1, router alert. IPv6 packets need a link-local source. */
export function groupPacket(message: GroupMessage, family: Family, source: string, destination: string): Uint8Array {
  const body = buildGroupMessage(message, family);
  const ends = { source: addressBytes(source), destination: addressBytes(destination) };
  if (family === 4) {
    const b = new Uint8Array(24 + body.length);
    const fields = {
      ...ends,
      protocol: PROTOCOL_IGMP,
      payloadLength: body.length,
      ttl: 1,
      trafficClass: CONTROL_CLASS,
      options: ROUTER_ALERT4,
    };
    b.set(body, emitIpv4(b, 0, fields));
    return b;
  }
  const b = new Uint8Array(48 + body.length);
  emitIpv6(b, 0, { ...ends, nextHeader: 0, payloadLength: 8 + body.length, hopLimit: 1 });
  b.set(ROUTER_ALERT6, 40);
  b.set(body, 48);
  putU16(b, 50, checksum(b, 48, b.length, pseudoSum6(b, 8, 24, PROTOCOL_ICMPV6, body.length)));
  return b;
}

/** DSCP and ECN of an IP packet. */
export function classOf(b: Uint8Array, family: Family): number {
  return family === 4 ? b[1]! : ((b[0]! & 15) << 4) | (b[1]! >> 4);
}

/** TTL or hop limit of an IP packet. */
export function hopsOf(b: Uint8Array, family: Family): number {
  return b[family === 4 ? 8 : 7]!;
}

/** A copy of an IP packet with one hop less. */
export function lowered(packet: Uint8Array, family: Family): Uint8Array {
  const copy = packet.slice();
  if (family === 6) copy[7] = copy[7]! - 1;
  else {
    copy[8] = copy[8]! - 1;
    const sum = ((copy[10]! << 8) | copy[11]!) + 0x0100;
    putU16(copy, 10, sum > 0xffff ? sum - 0xffff : sum);
  }
  return copy;
}

/**
 * RFC 7761 section 4.9: TTL 1 to the group of all PIM routers, or unicast with `ttl`. A registered packet travels in its own class
 * (section 4.4.1).
 */
export function pimPacket(message: PimMessage, family: Family, source: string, destination: string, ttl = 1): Uint8Array {
  const body = buildPim(message, family);
  const registers = message.kind === 'register' && !message.nullRegister && message.packet.length >= 20;
  const trafficClass = registers ? classOf(message.packet, family) : CONTROL_CLASS;
  const ends = { source: addressBytes(source), destination: addressBytes(destination) };
  const at = family === 4 ? 20 : 40;
  const b = new Uint8Array(at + body.length);
  if (family === 4) emitIpv4(b, 0, { ...ends, protocol: PROTOCOL_PIM, payloadLength: body.length, ttl, trafficClass });
  else emitIpv6(b, 0, { ...ends, nextHeader: PROTOCOL_PIM, payloadLength: body.length, hopLimit: ttl, trafficClass });
  b.set(body, at);
  sealPim(b, at, b.length, family, 8, 24);
  return b;
}

export interface DataFields {
  readonly source: string;
  readonly destination: string;
  readonly payload: Uint8Array;
  readonly ttl: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** IPv4 only: leave the UDP checksum zero. */
  readonly noChecksum?: boolean;
  readonly dontFragment?: boolean;
  readonly identification?: number;
}

/** A UDP datagram to a group. */
export function dataPacket(family: Family, fields: DataFields): Uint8Array {
  const at = family === 4 ? 20 : 40;
  const length = UDP_HEADER_BYTES + fields.payload.length;
  const b = new Uint8Array(at + length);
  const ends = { source: addressBytes(fields.source), destination: addressBytes(fields.destination) };
  if (family === 4) {
    const { ttl, dontFragment = false, identification = 0 } = fields;
    emitIpv4(b, 0, { ...ends, protocol: PROTOCOL_UDP, payloadLength: length, ttl, dontFragment, identification });
  } else emitIpv6(b, 0, { ...ends, nextHeader: PROTOCOL_UDP, payloadLength: length, hopLimit: fields.ttl });
  emitUdp(b, at, { sourcePort: fields.sourcePort, destinationPort: fields.destinationPort, payloadLength: fields.payload.length });
  b.set(fields.payload, at + UDP_HEADER_BYTES);
  if (family === 6 || fields.noChecksum !== true) sealUdp(b, at, family, family === 4 ? 12 : 8, family === 4 ? 16 : 24);
  return b;
}

/** The outer view of an IP packet, as a router wants it. */
export interface IpHead {
  readonly family: Family;
  readonly protocol: number;
  /** Offset of the upper layer. */
  readonly at: number;
  readonly end: number;
  readonly ttl: number;
}

/** Undefined where the bytes are no whole IP packet. Hop-by-hop and destination options are passed over. */
export function ipHead(b: Uint8Array, o: number, length: number): IpHead | undefined {
  if (length < 20) return undefined;
  const version = b[o]! >> 4;
  if (version === 4) {
    const header = (b[o]! & 15) * 4;
    const total = (b[o + 2]! << 8) | b[o + 3]!;
    if (header < 20 || total < header || total > length) return undefined;
    return { family: 4, protocol: b[o + 9]!, at: o + header, end: o + total, ttl: b[o + 8]! };
  }
  if (version !== 6 || length < 40) return undefined;
  const total = 40 + ((b[o + 4]! << 8) | b[o + 5]!);
  if (total > length) return undefined;
  let protocol = b[o + 6]!;
  let at = o + 40;
  const end = o + total;
  for (let i = 0; i < 8 && (protocol === 0 || protocol === 60); i++) {
    if (at + 8 > end) return undefined;
    protocol = b[at]!;
    at += 8 + b[at + 1]! * 8;
  }
  return at > end ? undefined : { family: 6, protocol, at, end, ttl: b[o + 7]! };
}

/** Router alert (RFC 2711) in the hop-by-hop header of a whole IPv6 packet. */
export function hasRouterAlert6(b: Uint8Array): boolean {
  if (b[6] !== 0) return false;
  const end = Math.min(b.length, 48 + b[41]! * 8);
  for (let at = 42; at < end; at += b[at] === 0 ? 1 : 2 + b[at + 1]!) if (b[at] === 5) return true;
  return false;
}

/** A copy of a packet with other ECN bits. */
export function withEcn(packet: Uint8Array, family: Family, ecn: number): Uint8Array {
  const copy = packet.slice();
  if (family === 6) copy[1] = (copy[1]! & 0xcf) | (ecn << 4);
  else {
    copy[1] = (copy[1]! & 0xfc) | ecn;
    putU16(copy, 10, 0);
    putU16(copy, 10, checksum(copy, 0, Math.min(copy.length, (copy[0]! & 15) * 4)));
  }
  return copy;
}

/** What a Null-Register carries: an IP header of the source and the group, in IPv6 with an empty PIM header behind it (RFC 7761 section 4.9.3). */
export function nullRegisterPacket(family: Family, source: string, group: string): Uint8Array {
  const ends = { source: addressBytes(source), destination: addressBytes(group) };
  if (family === 4) {
    const b = new Uint8Array(20);
    emitIpv4(b, 0, { ...ends, protocol: PROTOCOL_PIM, payloadLength: 0, ttl: 64 });
    return b;
  }
  const b = new Uint8Array(44);
  emitIpv6(b, 0, { ...ends, nextHeader: PROTOCOL_PIM, payloadLength: 4 });
  b[40] = 0x20;
  putU16(b, 42, checksum(b, 40, 44, pseudoSum6(b, 8, 24, PROTOCOL_PIM, 4)));
  return b;
}

/**
 * Whether a Null-Register carries such a packet, by its checksum alone: of the IPv4 header unless it is zero, of the PIM header of IPv6 where
 * there is one (RFC 7761 section 4.9.3).
 */
export function isNullRegister(b: Uint8Array, family: Family): boolean {
  if (b.length < (family === 4 ? 20 : 40) || b[0]! >> 4 !== family) return false;
  if (family === 4) return u16(b, 10) === 0 || sumIsGood(sum16(b, 0, 20));
  return b.length < 44 || sumIsGood(sum16(b, 40, 44, pseudoSum6(b, 8, 24, PROTOCOL_PIM, 4)));
}
