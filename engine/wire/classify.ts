import { hashKey4, hashKey6 } from './flow-hash.ts';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, linkCode, networkAt, resolveLink } from './classify-link.ts';
import {
  META_FIRST_FRAGMENT,
  META_FLOW,
  META_FRAGMENT,
  META_FROM_B,
  META_HAS_PORTS,
  META_TCP,
  META_TCP_FLAGS_SHIFT,
  META_TRAFFIC_CLASS_SHIFT,
  PROTOCOL_NAMES,
  ROW_WORDS,
  protocolCode,
  type ClassifiedBatch,
  type ProtocolName,
} from './classify-row.ts';

/**
 * The hot parse: link header to ports, for the flow switch and the packet list. It reads only what a flow key, the list and
 * TCP tracking need; the dissectors beside this file read everything. Tunnels are not entered: the outer addresses make the
 * flow. Every fragment, the first one too, has a key without ports, as in the hash of a network card: so all fragments of a
 * datagram meet in one queue.
 */

/** What the parse needs of a batch of records; files' RecordBatch is one. */
export interface RecordColumns {
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly offset: Uint32Array;
  readonly capLen: Uint32Array;
  readonly origLen: Uint32Array;
  readonly linkType: Uint16Array;
}

const KEY_FRAGMENT = 1 << 16;
const META_FROM_B_SHIFT = 31 - Math.clz32(META_FROM_B);
const SIGN = 0x80000000 | 0;
/** Offsets of an IPv4 header and what follows it in an Ethernet frame without tags and options. */
const FAST_OFFSETS = (14 << 16) | 34;
const CODE_TCP = protocolCode('TCP');
const CODE_UDP = protocolCode('UDP');
const CODE_IPV4 = protocolCode('IPv4');
const CODE_IPV6 = protocolCode('IPv6');
const CODE_FRAGMENT4 = protocolCode('IPv4 fragment');
const CODE_FRAGMENT6 = protocolCode('IPv6 fragment');

/** IP protocol number -> protocol code. */
const CODES = new Uint8Array(256);
/** IP protocol numbers whose header starts with source and destination port. */
const PORTS = new Uint8Array(256);
function code(protocol: number, name: ProtocolName): void {
  CODES[protocol] = PROTOCOL_NAMES.indexOf(name);
}
code(1, 'ICMP');
code(2, 'IGMP');
code(4, 'IPv4-in-IP');
code(6, 'TCP');
code(17, 'UDP');
code(33, 'DCCP');
code(41, 'IPv6-in-IP');
code(46, 'RSVP');
code(47, 'GRE');
code(50, 'ESP');
code(51, 'AH');
code(58, 'ICMPv6');
code(88, 'EIGRP');
code(89, 'OSPF');
code(103, 'PIM');
code(112, 'VRRP');
code(115, 'L2TP');
code(132, 'SCTP');
code(136, 'UDP-Lite');
code(139, 'HIP');
for (const protocol of [6, 17, 33, 132, 136]) PORTS[protocol] = 1;

/** Protocol code of an IP protocol number, 0 (Unknown) for one without a name here. */
export function ipProtocolCode(protocol: number): number {
  return CODES[protocol & 0xff]!;
}

/** Extension headers followed at most; RFC 8200 section 4.1 has eight kinds, each once. */
const MAX_EXTENSIONS = 16;

let viewBytes: Uint8Array = new Uint8Array(0);
let view = new DataView(viewBytes.buffer);

/** Classifies every record of the batch into `out`, whose capacity must not be smaller. Never throws on packet bytes. */
export function classifyBatch(batch: RecordColumns, out: ClassifiedBatch): void {
  classifyRange(batch, 0, batch.count, out.rows, 0);
  out.count = batch.count;
}

/** Classifies records [from, to) into `rows` from row `rowAt` on. */
export function classifyRange(batch: RecordColumns, from: number, to: number, rows: Int32Array, rowAt: number): void {
  const { bytes, offset, capLen, origLen, linkType } = batch;
  if (viewBytes !== bytes) {
    viewBytes = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  const v = view;
  let base = rowAt * ROW_WORDS;
  for (let i = from; i < to; i++, base += ROW_WORDS) {
    const start = offset[i]!;
    const end = start + capLen[i]!;
    let at = start + 14;
    let type = linkType[i] === 1 && at <= end ? v.getUint16(start + 12) : 0;
    // Nearly every packet: Ethernet, IPv4 without options, no fragment, TCP or UDP. Written out, because a call costs a third of it.
    // Version, header length and traffic class in one load.
    const head = type === ETHERTYPE_IPV4 && start + 54 <= end ? v.getUint16(at) : 0;
    if (head >>> 8 === 0x45 && (v.getUint16(at + 6) & 0x3fff) === 0) {
      const protocol = v.getUint8(at + 9);
      const tcp = protocol === 6;
      if (tcp || protocol === 17) {
        const source = v.getInt32(at + 12);
        const destination = v.getInt32(at + 16);
        const ports = v.getInt32(at + 20);
        const order = source === destination ? (ports >>> 16) - (ports & 0xffff) : (source ^ SIGN) > (destination ^ SIGN) ? 1 : 0;
        const fromB = order > 0 ? 1 : 0;
        const swap = (source ^ destination) & -fromB;
        const a = source ^ swap;
        const b = destination ^ swap;
        const keyPorts = (ports << (fromB << 4)) | (ports >>> (fromB << 4));
        const word = 0x400 | protocol;
        rows[base] = keyPorts;
        rows[base + 1] = word;
        rows[base + 2] = a;
        rows[base + 3] = 0;
        rows[base + 4] = 0;
        rows[base + 5] = 0;
        rows[base + 6] = b;
        rows[base + 7] = 0;
        rows[base + 8] = 0;
        rows[base + 9] = 0;
        rows[base + 10] = hashKey4(a, b, keyPorts, word);
        rows[base + 14] = FAST_OFFSETS;
        const upper = (v.getUint16(at + 2) || origLen[i]! - 14) - 20;
        const meta = META_FLOW | META_HAS_PORTS | (fromB << META_FROM_B_SHIFT) | ((head & 0xff) << META_TRAFFIC_CLASS_SHIFT);
        if (tcp) {
          const offsetFlags = v.getUint16(at + 32);
          const payload = upper - ((offsetFlags >>> 12) << 2);
          rows[base + 11] = meta | CODE_TCP | META_TCP | ((offsetFlags & 0xff) << META_TCP_FLAGS_SHIFT);
          rows[base + 12] = v.getInt32(at + 24);
          rows[base + 13] = v.getInt32(at + 28);
          rows[base + 15] = payload & ~(payload >> 31);
        } else {
          rows[base + 11] = meta | CODE_UDP;
          rows[base + 12] = 0;
          rows[base + 13] = 0;
          rows[base + 15] = (upper - 8) & ~((upper - 8) >> 31);
        }
        continue;
      }
    }
    if (type !== ETHERTYPE_IPV4 && type !== ETHERTYPE_IPV6) {
      type = resolveLink(bytes, start, end, linkType[i]!);
      at = networkAt;
    }
    if (type === ETHERTYPE_IPV4) ipv4(v, rows, base, start, at, end, origLen[i]!);
    else if (type === ETHERTYPE_IPV6) ipv6(v, rows, base, start, at, end, origLen[i]!);
    else noFlow(rows, base, linkCode, 0);
  }
}

function noFlow(rows: Int32Array, base: number, protocol: number, offsets: number): void {
  for (let w = 0; w < ROW_WORDS; w++) rows[base + w] = 0;
  rows[base + 11] = protocol;
  rows[base + 14] = offsets;
}

function ipv4(v: DataView, rows: Int32Array, base: number, start: number, at: number, end: number, origLen: number): void {
  if (end - at < 20) {
    noFlow(rows, base, CODE_IPV4, (at - start) << 16);
    return;
  }
  const versionLength = v.getUint8(at);
  const headerBytes = (versionLength & 15) << 2;
  if (versionLength >>> 4 !== 4 || headerBytes < 20) {
    noFlow(rows, base, CODE_IPV4, (at - start) << 16);
    return;
  }
  // A length of 0 is a segment that the sender's card was to cut (TSO): the packet's own length counts.
  const total = v.getUint16(at + 2) || origLen - (at - start);
  const fragment = v.getUint16(at + 6) & 0x3fff;
  const trafficClass = v.getUint8(at + 1) << META_TRAFFIC_CLASS_SHIFT;
  const protocol = v.getUint8(at + 9);
  const source = v.getInt32(at + 12);
  const destination = v.getInt32(at + 16);
  const l4 = at + headerBytes;
  rows[base + 14] = ((at - start) << 16) | ((l4 - start) & 0xffff);
  if (fragment !== 0) {
    const word = 0x400 | protocol | KEY_FRAGMENT;
    const fromB = +((source ^ 0x80000000) > (destination ^ 0x80000000));
    key4(rows, base, fromB, source, destination, 0, word);
    fragmentRow(v, rows, base, l4, end, protocol, v.getUint16(at + 4), (fragment & 0x1fff) === 0, fromB === 1, CODE_FRAGMENT4);
    rows[base + 11]! |= trafficClass;
    rows[base + 15] = Math.max(0, total - headerBytes);
    return;
  }
  let ports = 0;
  let meta = CODES[protocol]! | META_FLOW | trafficClass;
  if (PORTS[protocol] === 1 && l4 + 4 <= end) {
    ports = v.getInt32(l4);
    meta |= META_HAS_PORTS;
  }
  // The direction of a packet is a coin toss to the branch predictor, so it is kept a number and never branched on.
  const fromB = source === destination ? +(ports >>> 16 > (ports & 0xffff)) : +((source ^ 0x80000000) > (destination ^ 0x80000000));
  key4(rows, base, fromB, source, destination, ports, 0x400 | protocol);
  meta |= fromB << META_FROM_B_SHIFT;
  if (protocol === 6 && l4 + 20 <= end) tcpRow(v, rows, base, l4, total - headerBytes, meta);
  else {
    rows[base + 11] = meta;
    rows[base + 12] = 0;
    rows[base + 13] = 0;
    const payload = total - headerBytes - (protocol === 17 ? 8 : 0);
    rows[base + 15] = payload > 0 ? payload : 0;
  }
}

/** Writes an IPv4 key; `fromB` is 1 if the source is side B, otherwise 0. */
function key4(rows: Int32Array, base: number, fromB: number, source: number, destination: number, ports: number, word: number): void {
  const swap = (source ^ destination) & -fromB;
  const a = source ^ swap;
  const b = destination ^ swap;
  const turn = fromB << 4;
  const keyPorts = (ports << turn) | (ports >>> turn);
  rows[base] = keyPorts;
  rows[base + 1] = word;
  rows[base + 2] = a;
  rows[base + 3] = 0;
  rows[base + 4] = 0;
  rows[base + 5] = 0;
  rows[base + 6] = b;
  rows[base + 7] = 0;
  rows[base + 8] = 0;
  rows[base + 9] = 0;
  rows[base + 10] = hashKey4(a, b, keyPorts, word);
}

function tcpRow(v: DataView, rows: Int32Array, base: number, l4: number, lengthBytes: number, meta: number): void {
  const offsetFlags = v.getUint16(l4 + 12);
  const payload = lengthBytes - ((offsetFlags >>> 12) << 2);
  rows[base + 11] = meta | META_TCP | ((offsetFlags & 0xff) << META_TCP_FLAGS_SHIFT);
  rows[base + 12] = v.getInt32(l4 + 4);
  rows[base + 13] = v.getInt32(l4 + 8);
  rows[base + 15] = payload > 0 ? payload : 0;
}

function fragmentRow(
  v: DataView,
  rows: Int32Array,
  base: number,
  l4: number,
  end: number,
  protocol: number,
  identification: number,
  first: boolean,
  fromB: boolean,
  protocolCodeOfFragment: number,
): void {
  let meta = META_FLOW | META_FRAGMENT | protocolCodeOfFragment | (fromB ? META_FROM_B : 0);
  let ports = 0;
  if (first) {
    meta |= META_FIRST_FRAGMENT;
    if (PORTS[protocol] === 1 && l4 + 4 <= end) {
      ports = v.getInt32(l4);
      meta |= META_HAS_PORTS;
    }
  }
  rows[base + 11] = meta;
  rows[base + 12] = identification;
  rows[base + 13] = ports;
}

/** Next header that ends the chain of a packet's extension headers, set by skipExtensions. */
let finalHeader = 0;
/** Offset of the fragment header met on the way, or -1. */
let fragmentAt = -1;

/** Offset of the transport header; may lie beyond `end` if the chain was cut. RFC 8200 section 4. */
function skipExtensions(v: DataView, first: number, from: number, end: number): number {
  let next = first;
  let at = from;
  fragmentAt = -1;
  for (let i = 0; i < MAX_EXTENSIONS; i++) {
    if (next === 0 || next === 43 || next === 60 || next === 135 || next === 139 || next === 140) {
      if (at + 8 > end) break;
      next = v.getUint8(at);
      at += (v.getUint8(at + 1) + 1) << 3;
    } else if (next === 51) {
      // The authentication header counts in 4 bytes, less two (RFC 4302 section 2.2).
      if (at + 8 > end) break;
      next = v.getUint8(at);
      at += (v.getUint8(at + 1) + 2) << 2;
    } else if (next === 44) {
      if (at + 8 > end) break;
      fragmentAt = at;
      next = v.getUint8(at);
      const offset = v.getUint16(at + 2) & 0xfff8;
      at += 8;
      // What follows in a later fragment is not a header.
      if (offset !== 0) break;
    } else break;
    if (at > end) break;
  }
  finalHeader = next;
  return at;
}

function ipv6(v: DataView, rows: Int32Array, base: number, start: number, at: number, end: number, origLen: number): void {
  if (end - at < 40 || v.getUint8(at) >>> 4 !== 6) {
    noFlow(rows, base, CODE_IPV6, (at - start) << 16);
    return;
  }
  const trafficClass = ((v.getUint16(at) >>> 4) & 0xff) << META_TRAFFIC_CLASS_SHIFT;
  let protocol = v.getUint8(at + 6);
  let l4 = at + 40;
  fragmentAt = -1;
  if (PORTS[protocol] === 0 && protocol !== 58) {
    l4 = skipExtensions(v, protocol, l4, end);
    protocol = finalHeader;
  }
  // Payload length 0 with a packet behind it: a jumbogram or a segment the card was to cut.
  const length = v.getUint16(at + 4) || origLen - (at - start) - 40;
  const upper = length - (l4 - at - 40);
  rows[base + 14] = ((at - start) << 16) | ((l4 - start) & 0xffff);
  const fragmentField = fragmentAt < 0 ? 0 : v.getUint16(fragmentAt + 2) & 0xfff9;
  // An atomic fragment (RFC 6946) is a whole packet.
  if (fragmentField !== 0) {
    const fromB = key6(v, rows, base, at, 0, 0x600 | protocol | KEY_FRAGMENT);
    const first = (fragmentField & 0xfff8) === 0;
    fragmentRow(v, rows, base, l4, end, protocol, v.getInt32(fragmentAt + 4), first, fromB, CODE_FRAGMENT6);
    rows[base + 11]! |= trafficClass;
    rows[base + 15] = upper > 0 ? upper : 0;
    return;
  }
  let ports = 0;
  let meta = CODES[protocol]! | META_FLOW | trafficClass;
  if (PORTS[protocol] === 1 && l4 + 4 <= end) {
    ports = v.getInt32(l4);
    meta |= META_HAS_PORTS;
  }
  if (key6(v, rows, base, at, ports, 0x600 | protocol)) meta |= META_FROM_B;
  if (protocol === 6 && l4 + 20 <= end) tcpRow(v, rows, base, l4, upper, meta);
  else {
    rows[base + 11] = meta;
    rows[base + 12] = 0;
    rows[base + 13] = 0;
    const payload = upper - (protocol === 17 ? 8 : 0);
    rows[base + 15] = payload > 0 ? payload : 0;
  }
}

/** Writes an IPv6 key; true if the packet's source is side B. */
function key6(v: DataView, rows: Int32Array, base: number, at: number, ports: number, word: number): boolean {
  let order = 0;
  for (let i = 0; i < 16; i += 4) {
    const s = v.getInt32(at + 8 + i) ^ 0x80000000;
    const d = v.getInt32(at + 24 + i) ^ 0x80000000;
    if (s !== d) {
      order = s > d ? 1 : -1;
      break;
    }
  }
  const fromB = order > 0 || (order === 0 && ports >>> 16 > (ports & 0xffff));
  const a = at + (fromB ? 24 : 8);
  const b = at + (fromB ? 8 : 24);
  rows[base] = fromB ? (ports << 16) | (ports >>> 16) : ports;
  rows[base + 1] = word;
  rows[base + 2] = v.getInt32(a);
  rows[base + 3] = v.getInt32(a + 4);
  rows[base + 4] = v.getInt32(a + 8);
  rows[base + 5] = v.getInt32(a + 12);
  rows[base + 6] = v.getInt32(b);
  rows[base + 7] = v.getInt32(b + 4);
  rows[base + 8] = v.getInt32(b + 8);
  rows[base + 9] = v.getInt32(b + 12);
  rows[base + 10] = hashKey6(rows, base);
  return fromB;
}
