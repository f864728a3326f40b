import { putU32 } from '../../base/index.ts';
import { emitIpv4, emitIpv6, emitUdp, sealUdp } from '../../wire/index.ts';
import type { Family, Node } from './node.ts';

export const IPV4_BYTES = 20;
export const IPV6_BYTES = 40;
export const UDP_BYTES = 8;
/** A datagram that becomes longer than this in IPv6 may be cut to pieces on the way: who sends such ones does not forbid it. */
const LINK_BYTES = 1_500;
/** DSCP 46 (EF) in the traffic class: voice (RFC 4594 section 4.1), and the reports about it. */
export const VOICE = { trafficClass: 0xb8 } as const;

/** Where a packet goes: an address and port in the sender's family. */
export interface UdpTarget {
  readonly family: Family;
  readonly address4: number;
  readonly address6: Uint8Array;
  readonly port: number;
}

/** Fields of the IP header that differ from packet to packet; without them best effort, and the usual hop limit. */
export interface HeaderFields {
  readonly trafficClass?: number;
  readonly hopLimit?: number;
}

/** Bytes of IP and UDP header together. */
export const headerBytes = (family: Family): number => (family === 4 ? IPV4_BYTES : IPV6_BYTES) + UDP_BYTES;

/** Writes IP and UDP header of a packet and its UDP checksum; the payload is there already. Returns the length of the headers. */
export function writeHeaders(
  b: Uint8Array,
  sender: Node,
  senderPort: number,
  to: UdpTarget,
  payloadBytes: number,
  fields: HeaderFields,
): number {
  const { trafficClass = 0, hopLimit = 64 } = fields;
  const ip = to.family === 4 ? IPV4_BYTES : IPV6_BYTES;
  const payloadLength = UDP_BYTES + payloadBytes;
  if (to.family === 4) {
    const address = new Uint8Array(8);
    putU32(address, 0, sender.addr4);
    putU32(address, 4, to.address4);
    emitIpv4(b, 0, { source: address.subarray(0, 4), destination: address.subarray(4), protocol: 17, payloadLength, trafficClass, ttl: hopLimit, dontFragment: IPV6_BYTES + payloadLength <= LINK_BYTES }); // prettier-ignore
  } else emitIpv6(b, 0, { source: sender.addr6, destination: to.address6, nextHeader: 17, payloadLength, trafficClass, hopLimit });
  emitUdp(b, ip, { sourcePort: senderPort, destinationPort: to.port, payloadLength: payloadBytes });
  sealUdp(b, ip, to.family, to.family === 4 ? 12 : 8, to.family === 4 ? 16 : 24);
  return ip + UDP_BYTES;
}

/** A UDP packet of a node, from its IP header on. */
export function datagram(sender: Node, senderPort: number, to: UdpTarget, payload: Uint8Array, fields: HeaderFields = {}): Uint8Array {
  const headers = headerBytes(to.family);
  const b = new Uint8Array(headers + payload.length);
  b.set(payload, headers);
  writeHeaders(b, sender, senderPort, to, payload.length, fields);
  return b;
}
