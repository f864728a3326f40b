import { u16, u32 } from '../../base/index.ts';

/**
 * Where the parts of a packet are, as the offloads need it. Headers must lie in the first buflet, as they do for every
 * packet whose buffer is not cut to a few bytes; a packet whose headers do not is `other`.
 */
export interface Shape {
  kind: 'tcp' | 'udp' | 'fragment' | 'other';
  version: 0 | 4 | 6;
  /** Offsets from the start of the packet. */
  l3: number;
  l4: number;
  payload: number;
  /** End of the IP packet; link padding may follow. */
  end: number;
  /** IPv4 header, or fixed header and what extensions there are, in bytes. */
  ipHeaderBytes: number;
  /** TCP: low eight flags and the reserved ones. */
  flags: number;
  seq: number;
  ack: number;
  /** For a fragment. */
  fragment: { id: number; offsetBytes: number; more: boolean; protocol: number; headerAt: number };
  /** IPv6 extension headers stand between (offload declines). */
  extensions: boolean;
  /** Bytes are missing that the IP header counts. */
  truncated: boolean;
}

export function newShape(): Shape {
  return {
    kind: 'other',
    version: 0,
    l3: 0,
    l4: 0,
    payload: 0,
    end: 0,
    ipHeaderBytes: 0,
    flags: 0,
    seq: 0,
    ack: 0,
    fragment: { id: 0, offsetBytes: 0, more: false, protocol: 0, headerAt: 0 },
    extensions: false,
    truncated: false,
  };
}

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const FRAGMENT_HEADER = 44;

/**
 * Reads the headers of a packet whose first `contiguous` bytes are at `b[at]`, with its IP header `l3` bytes in; `lenBytes` are there in
 * all. `origLen` is its length on the wire. Gives false, and kind `other`, where the headers are not whole.
 */
export function readShape(s: Shape, b: Uint8Array, at: number, contiguous: number, lenBytes: number, origLen: number, l3: number): boolean {
  s.kind = 'other';
  s.version = 0;
  s.l3 = l3;
  s.l4 = l3;
  s.payload = l3;
  s.end = lenBytes;
  s.extensions = false;
  s.truncated = origLen > lenBytes;
  if (l3 <= 0 || contiguous < l3 + 20) return false;
  const version = b[at + l3]! >>> 4;
  const read = version === 4 ? readIpv4(s, b, at, contiguous, origLen) : version === 6 ? readIpv6(s, b, at, contiguous, origLen) : -1;
  if (read < 0) return false;
  s.truncated = s.end > lenBytes;
  if (fragmented(s)) return true;
  if (read === PROTOCOL_TCP) return readTcp(s, b, at, contiguous);
  if (read === PROTOCOL_UDP && s.l4 + 8 <= Math.min(contiguous, s.end)) {
    s.kind = 'udp';
    s.payload = s.l4 + 8;
  }
  return true;
}

function fragmented(s: Shape): boolean {
  return s.kind === 'fragment';
}

/** Protocol of the payload, -1 if the header is not whole. */
function readIpv4(s: Shape, b: Uint8Array, at: number, contiguous: number, origLen: number): number {
  const o = at + s.l3;
  const headerBytes = (b[o]! & 15) * 4;
  // A length of 0 is a segment that the sender's card was to cut (TSO): the packet's own length counts.
  const total = u16(b, o + 2) || origLen - s.l3;
  if (headerBytes < 20 || total < headerBytes || s.l3 + headerBytes > contiguous) return -1;
  s.version = 4;
  s.ipHeaderBytes = headerBytes;
  s.l4 = s.l3 + headerBytes;
  s.payload = s.l4;
  s.end = s.l3 + total;
  const word = u16(b, o + 6);
  if ((word & 0x3fff) !== 0) {
    s.kind = 'fragment';
    s.fragment.id = u16(b, o + 4);
    s.fragment.offsetBytes = (word & 0x1fff) * 8;
    s.fragment.more = (word & 0x2000) !== 0;
    s.fragment.protocol = b[o + 9]!;
    s.fragment.headerAt = s.l4;
  }
  return b[o + 9]!;
}

function readIpv6(s: Shape, b: Uint8Array, at: number, contiguous: number, origLen: number): number {
  const o = at + s.l3;
  if (s.l3 + 40 > contiguous) return -1;
  s.version = 6;
  s.end = s.l3 + 40 + u16(b, o + 4);
  if (u16(b, o + 4) === 0) s.end = Math.max(s.l3 + 40, origLen);
  let next = b[o + 6]!;
  let l4 = s.l3 + 40;
  for (let i = 0; i < 16; i++) {
    if (next === FRAGMENT_HEADER) {
      if (l4 + 8 > contiguous || l4 + 8 > s.end) return -1;
      const word = u16(b, at + l4 + 2);
      s.kind = 'fragment';
      s.fragment.id = u32(b, at + l4 + 4);
      s.fragment.offsetBytes = word & 0xfff8;
      s.fragment.more = (word & 1) !== 0;
      s.fragment.protocol = b[at + l4]!;
      s.fragment.headerAt = l4;
      s.extensions = true;
      l4 += 8;
      break;
    }
    // Hop-by-hop, routing, destination options: same shape, RFC 8200 section 4.
    if (next !== 0 && next !== 43 && next !== 60) break;
    if (l4 + 8 > contiguous) return -1;
    s.extensions = true;
    next = b[at + l4]!;
    l4 += (b[at + l4 + 1]! + 1) * 8;
  }
  s.ipHeaderBytes = l4 - s.l3;
  s.l4 = l4;
  s.payload = l4;
  return l4 > s.end ? -1 : next;
}

function readTcp(s: Shape, b: Uint8Array, at: number, contiguous: number): boolean {
  const o = at + s.l4;
  if (s.l4 + 20 > Math.min(contiguous, s.end)) return true;
  const headerBytes = (b[o + 12]! >>> 4) * 4;
  if (headerBytes < 20 || s.l4 + headerBytes > Math.min(contiguous, s.end)) return true;
  s.kind = 'tcp';
  s.payload = s.l4 + headerBytes;
  s.flags = b[o + 13]!;
  s.seq = u32(b, o + 4);
  s.ack = u32(b, o + 8);
  return true;
}
