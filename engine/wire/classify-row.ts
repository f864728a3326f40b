import { formatIpv4U32, formatIpv6 } from './address.ts';

/**
 * A classified packet is one row of sixteen 32-bit words, one cache line:
 *
 *     word  0      ports of the key: side A << 16 | side B
 *           1      IP version << 8 | protocol, bit 16 set for a fragment's key
 *           2..5   address of side A (IPv4: word 2, the others 0), network order as a number
 *           6..9   address of side B
 *           10     symmetric hash of words 0..9, 0 for a packet without a flow
 *           11     meta: see META_*
 *           12     TCP sequence number; for a fragment the identification
 *           13     TCP acknowledgement number; for a first fragment source port << 16 | destination port
 *           14     offset of the network header << 16 | offset of the transport header, from the start of the packet
 *           15     payload bytes after the transport header, as the IP header counts them
 *
 * Words 0..9 are the flow key, 40 bytes, the same for both directions: side A is the lower address, then the lower port.
 */
export const ROW_WORDS = 16;
export const KEY_WORDS = 10;

export const ROW_PORTS = 0;
export const ROW_PROTOCOL = 1;
export const ROW_A = 2;
export const ROW_B = 6;
export const ROW_HASH = 10;
export const ROW_META = 11;
export const ROW_SEQ = 12;
export const ROW_ACK = 13;
export const ROW_OFFSETS = 14;
export const ROW_PAYLOAD = 15;

/** Bits 0..7 of meta: index into PROTOCOL_NAMES. Bits 8..15: TCP flags, CWR to FIN. */
export const META_PROTOCOL_MASK = 0xff;
export const META_TCP_FLAGS_SHIFT = 8;
/** The packet's source is side B. */
export const META_FROM_B = 1 << 16;
export const META_FRAGMENT = 1 << 17;
export const META_FIRST_FRAGMENT = 1 << 18;
/** The transport header is there as far as ports go. */
export const META_HAS_PORTS = 1 << 19;
/** A whole TCP header: sequence, acknowledgement and flags hold. */
export const META_TCP = 1 << 20;
/** The packet belongs to a flow: words 0..10 hold. */
export const META_FLOW = 1 << 21;
/** Bits 22..29 of meta: traffic class of the IP header, DSCP << 2 | ECN (RFC 2474, RFC 3168); 0 for a packet without a flow. */
export const META_TRAFFIC_CLASS_SHIFT = 22;

/** Traffic class of a meta word. */
export function trafficClassOf(meta: number): number {
  return (meta >>> META_TRAFFIC_CLASS_SHIFT) & 0xff;
}

/** Protocols as the packet list names and colours them, by protocol code. */
export const PROTOCOL_NAMES = [
  'Unknown',
  'TCP',
  'UDP',
  'ICMP',
  'ICMPv6',
  'ARP',
  'IGMP',
  'SCTP',
  'ESP',
  'AH',
  'GRE',
  'PIM',
  'OSPF',
  'VRRP',
  'UDP-Lite',
  'DCCP',
  'IPv4-in-IP',
  'IPv6-in-IP',
  'IPv4',
  'IPv6',
  'IPv4 fragment',
  'IPv6 fragment',
  'LLC',
  'LLDP',
  'EAPOL',
  'PPPoE-D',
  'PPP',
  'MPLS',
  'RARP',
  'EIGRP',
  'L2TP',
  'HIP',
  'RSVP',
  'Ethernet',
] as const;
export type ProtocolName = (typeof PROTOCOL_NAMES)[number];

export function protocolCode(name: ProtocolName): number {
  return PROTOCOL_NAMES.indexOf(name);
}

/** Classified packets of one batch; `rows` may lie in shared memory. */
export class ClassifiedBatch {
  readonly capacity: number;
  readonly rows: Int32Array;
  count = 0;

  constructor(capacity: number, rows = new Int32Array(capacity * ROW_WORDS)) {
    this.capacity = capacity;
    this.rows = rows;
  }
}

/** Address of one side of a key as text, empty for a row without addresses. For rows on screen, not for hot loops. */
export function formatKeyAddress(words: Int32Array, base: number, side: 'a' | 'b'): string {
  const version = (words[base + ROW_PROTOCOL]! >>> 8) & 0xff;
  const at = base + (side === 'a' ? ROW_A : ROW_B);
  if (version === 4) return formatIpv4U32(words[at]! >>> 0);
  if (version !== 6) return '';
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = words[at + (i >>> 2)]! >>> (24 - 8 * (i & 3));
  return formatIpv6(bytes, 0);
}

export interface RowEnds {
  readonly ipVersion: 0 | 4 | 6;
  readonly protocol: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

/** Source and destination of a row in the packet's own direction. A first fragment shows the ports it carries. */
export function rowEnds(rows: Int32Array, base: number): RowEnds {
  const meta = rows[base + ROW_META]!;
  const word = rows[base + ROW_PROTOCOL]!;
  const version = (word >>> 8) & 0xff;
  const fromB = (meta & META_FROM_B) !== 0;
  const ports = rows[base + ROW_PORTS]!;
  const portA = ports >>> 16;
  const portB = ports & 0xffff;
  const own = (meta & META_FIRST_FRAGMENT) !== 0 && (meta & META_HAS_PORTS) !== 0;
  const carried = rows[base + ROW_ACK]!;
  return {
    ipVersion: version === 4 ? 4 : version === 6 ? 6 : 0,
    protocol: word & 0xff,
    source: formatKeyAddress(rows, base, fromB ? 'b' : 'a'),
    sourcePort: own ? carried >>> 16 : fromB ? portB : portA,
    destination: formatKeyAddress(rows, base, fromB ? 'a' : 'b'),
    destinationPort: own ? carried & 0xffff : fromB ? portA : portB,
  };
}
