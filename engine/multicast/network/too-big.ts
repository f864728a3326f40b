import { NS_PER_S, putU16, putU32 } from '../../base/index.ts';
import { checksum, emitIpv6, pseudoSum6 } from '../../wire/index.ts';
import { addressBytes, addressText, ANY, isMulticast } from '../addresses.ts';
import { ipHead, PROTOCOL_ICMPV6 } from '../messages/index.ts';

const TYPE_PACKET_TOO_BIG = 2;
const TYPE_REDIRECT = 137;
const FIRST_INFORMATIONAL = 128;
const IPV6_BYTES = 40;
const ICMP_BYTES = 8;
/** An error has no more bytes than any IPv6 link takes (RFC 4443 section 2.4 c). */
const LEAST_MTU = 1_280;
const HOP_LIMIT = 64;

/**
 * Packet Too Big, the one error that a router sends about a packet to a group (RFC 4443 section 2.4 e.3, M-21), so that the source learns how large
 * its packets may be. IPv4 has no such exception (RFC 1122 section 3.2.2). At most `perSecond` of them, as many at once (RFC 4443 section 2.4 f).
 */
export class TooBig {
  sent = 0;
  /** Not sent because of the rate. */
  limited = 0;
  private readonly perSecond: number;
  private tokens: number;
  private atNs = 0;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.tokens = perSecond;
  }

  /** The message about an IPv6 packet that does not fit `mtu`, or undefined where none may be sent. */
  about(packet: Uint8Array, mtu: number, own: string, nowNs: number): Uint8Array | undefined {
    if (!answerable(packet)) return undefined;
    this.tokens = Math.min(this.perSecond, this.tokens + ((nowNs - this.atNs) / NS_PER_S) * this.perSecond);
    this.atNs = nowNs;
    if (this.tokens < 1) {
      this.limited++;
      return undefined;
    }
    this.tokens--;
    this.sent++;
    return packetTooBig(packet, Math.max(LEAST_MTU, mtu), own);
  }
}

/** Whether an error may be sent about a packet: not about another error, nor to a source that is no one address (RFC 4443 section 2.4 e.1, e.2, e.6). */
function answerable(packet: Uint8Array): boolean {
  const source = addressText(packet, 8, 6);
  if (source === ANY[6] || isMulticast(source)) return false;
  const head = ipHead(packet, 0, packet.length);
  if (head === undefined) return false;
  if (head.protocol !== PROTOCOL_ICMPV6) return true;
  const type = packet[head.at] ?? 0;
  return type >= FIRST_INFORMATIONAL && type !== TYPE_REDIRECT;
}

/** RFC 4443 section 3.2, with as much of the packet as fits. */
export function packetTooBig(packet: Uint8Array, mtu: number, from: string): Uint8Array {
  const quoted = Math.min(packet.length, LEAST_MTU - IPV6_BYTES - ICMP_BYTES);
  const b = new Uint8Array(IPV6_BYTES + ICMP_BYTES + quoted);
  const ends = { source: addressBytes(from), destination: packet.slice(8, 24) };
  emitIpv6(b, 0, { ...ends, nextHeader: PROTOCOL_ICMPV6, payloadLength: ICMP_BYTES + quoted, hopLimit: HOP_LIMIT });
  b[IPV6_BYTES] = TYPE_PACKET_TOO_BIG;
  putU32(b, IPV6_BYTES + 4, mtu);
  b.set(packet.subarray(0, quoted), IPV6_BYTES + ICMP_BYTES);
  putU16(b, IPV6_BYTES + 2, checksum(b, IPV6_BYTES, b.length, pseudoSum6(b, 8, 24, PROTOCOL_ICMPV6, ICMP_BYTES + quoted)));
  return b;
}

/** MTU that a Packet Too Big tells, or undefined for any other packet. */
export function tooBigMtu(packet: Uint8Array): number | undefined {
  const head = ipHead(packet, 0, packet.length);
  if (head?.family !== 6 || head.protocol !== PROTOCOL_ICMPV6 || head.end - head.at < ICMP_BYTES) return undefined;
  if (packet[head.at] !== TYPE_PACKET_TOO_BIG) return undefined;
  return new DataView(packet.buffer, packet.byteOffset).getUint32(head.at + 4);
}
