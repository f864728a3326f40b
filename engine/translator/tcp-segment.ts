import { putU16, putU32, u16, u32 } from '../base/index.ts';
import { checksum, pseudoSum6, sum16, updateChecksumSums } from '../wire/index.ts';
import { sameBytes } from './bytes.ts';
import { IPV4_BYTES, IPV6_BYTES, PROTOCOL } from './packet-view.ts';

const TCP_BYTES = 20;
const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const ACK = 16;
const OPTION_MSS = 2;
/** Of segments the gateway makes itself. */
const REPLY_HOP_LIMIT = 64;
const OPTION_SACK = 5;
const OPTION_TIMESTAMPS = 8;
const URG = 32;
const WINDOW_AT = 14;
const URGENT_AT = 18;

/** Offsets and numbers of the TCP segment in an IPv6 packet without extension headers, or in an IPv4 packet that is no fragment; used again for the next. */
export class TcpSegment {
  at = IPV6_BYTES;
  family: 4 | 6 = 6;
  /** First byte behind the TCP header, and the byte behind the packet. */
  data = 0;
  end = 0;
  sequence = 0;
  acknowledged = 0;
  syn = false;
  fin = false;
  rst = false;
  ack = false;

  /** False for what is no such packet, or not captured whole. */
  parse(b: Uint8Array, wireLength: number): boolean {
    if (!(b.length > 0 && b[0]! >> 4 === 4 ? this.parse4(b) : this.parse6(b))) return false;
    const { at } = this;
    if (b.length < at + TCP_BYTES) return false;
    this.data = at + (b[at + 12]! >> 4) * 4;
    if (this.end > b.length || this.end > wireLength || this.data < at + TCP_BYTES || this.data > this.end) return false;
    this.sequence = u32(b, at + 4);
    this.acknowledged = u32(b, at + 8);
    const flags = b[at + 13]!;
    this.syn = (flags & SYN) !== 0;
    this.fin = (flags & FIN) !== 0;
    this.rst = (flags & RST) !== 0;
    this.ack = (flags & ACK) !== 0;
    return true;
  }

  private parse6(b: Uint8Array): boolean {
    this.family = 6;
    this.at = IPV6_BYTES;
    if (b.length < IPV6_BYTES || b[6] !== PROTOCOL.tcp) return false;
    this.end = IPV6_BYTES + u16(b, 4);
    return true;
  }

  private parse4(b: Uint8Array): boolean {
    this.family = 4;
    this.at = (b[0]! & 15) * 4;
    if (b.length < IPV4_BYTES || this.at < IPV4_BYTES || b[9] !== PROTOCOL.tcp || (u16(b, 6) & 0x3fff) !== 0) return false;
    this.end = u16(b, 2);
    return true;
  }

  /** Maximum segment size of a SYN, if it tells one. */
  mss(b: Uint8Array): number | undefined {
    for (const at of options(b, this.at + TCP_BYTES, this.data)) if (b[at] === OPTION_MSS && b[at + 1] === 4) return u16(b, at + 2);
    return undefined;
  }

  /** Value of the timestamps option, if there is one (RFC 7323 section 3.2). */
  timestamp(b: Uint8Array): number | undefined {
    for (const at of options(b, this.at + TCP_BYTES, this.data)) if (b[at] === OPTION_TIMESTAMPS && b[at + 1] === 10) return u32(b, at + 2);
    return undefined;
  }

  window(b: Uint8Array): number {
    return u16(b, this.at + WINDOW_AT);
  }
}

/** What the gateway itself says to the sender of a segment. */
export interface TcpReply {
  readonly payload: Uint8Array;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly window: number;
  /** Last one of the end in whose name this is said, where the connection has them. */
  readonly timestamp: number | undefined;
  readonly reset?: boolean;
}

/** The segment with `reply` that goes back to the sender of `b` (RFC 7323 section 3.2: with timestamps where that one has them). */
export function replyTcp(b: Uint8Array, segment: TcpSegment, reply: TcpReply): Uint8Array {
  const { at } = segment;
  const { payload, sequence, acknowledged, window, timestamp } = reply;
  const theirs = segment.timestamp(b);
  const stamped = theirs !== undefined && timestamp !== undefined;
  const data = at + TCP_BYTES + (stamped ? 12 : 0);
  const out = new Uint8Array(data + payload.length);
  out.set(b.subarray(0, 8));
  out[7] = REPLY_HOP_LIMIT;
  out.set(b.subarray(24, 40), 8);
  out.set(b.subarray(8, 24), 24);
  putU16(out, 4, out.length - IPV6_BYTES);
  putU16(out, at, u16(b, at + 2));
  putU16(out, at + 2, u16(b, at));
  putU32(out, at + 4, sequence);
  putU32(out, at + 8, acknowledged);
  out[at + 12] = ((data - at) / 4) << 4;
  out[at + 13] = ACK | (payload.length > 0 ? PSH : 0) | (reply.reset === true ? RST : 0);
  putU16(out, at + WINDOW_AT, window);
  if (stamped) {
    out.set([1, 1, OPTION_TIMESTAMPS, 10], at + TCP_BYTES);
    putU32(out, at + TCP_BYTES + 4, timestamp);
    putU32(out, at + TCP_BYTES + 8, theirs);
  }
  out.set(payload, data);
  putU16(out, at + 16, checksum(out, at, out.length, pseudoSum6(out, 8, 24, PROTOCOL.tcp, out.length - at)));
  return out;
}

/** Offsets of the TCP options with a length. */
function* options(b: Uint8Array, from: number, to: number): Generator<number> {
  for (let at = from; at < to && b[at] !== 0;) {
    if (b[at] === 1) {
      at++;
      continue;
    }
    const bytes = at + 1 < to ? b[at + 1]! : 0;
    if (bytes < 2 || at + bytes > to) return;
    yield at;
    at += bytes;
  }
}

/**
 * The packet with another payload, other numbers and other SACK edges. The checksum follows by difference, so one that was wrong
 * stays wrong. FIN and PSH stay with the last part; where bytes change, nothing is urgent any more (RFC 6384 section 5).
 */
export function rewriteTcp(
  b: Uint8Array,
  segment: TcpSegment,
  payload: Uint8Array,
  sequence: number,
  acknowledged: number,
  last: boolean,
  sack: (edge: number) => number,
): Uint8Array {
  const { at, data, end } = segment;
  const out = new Uint8Array(data + payload.length);
  out.set(b.subarray(0, data));
  out.set(payload, data);
  if (segment.family === 6) putU16(out, 4, out.length - IPV6_BYTES);
  else setLength4(out, at);
  putU32(out, at + 4, sequence);
  putU32(out, at + 8, acknowledged);
  if (!last) out[at + 13] = out[at + 13]! & ~(FIN | PSH);
  if ((out[at + 13]! & URG) !== 0 && !sameBytes(payload, b.subarray(data, end))) {
    out[at + 13] = out[at + 13]! & ~URG;
    putU16(out, at + URGENT_AT, 0);
  }
  for (const option of options(out, at + TCP_BYTES, data)) {
    if (out[option] !== OPTION_SACK) continue;
    for (let edge = option + 2; edge + 4 <= option + out[option + 1]!; edge += 4) putU32(out, edge, sack(u32(out, edge)));
  }
  const check = u16(b, at + 16);
  // The pseudo header covers the length (RFC 8200 section 8.1).
  const before = sum16(b, at, end) - check + (end - at);
  const after = sum16(out, at, out.length) - check + (out.length - at);
  putU16(out, at + 16, updateChecksumSums(check, before, after));
  return out;
}

/** The packet as one that resets the connection, without data. */
export function resetTcp(b: Uint8Array, segment: TcpSegment, sequence: number, acknowledged: number): Uint8Array {
  const out = rewriteTcp(b, segment, b.subarray(0, 0), sequence, acknowledged, true, (edge) => edge);
  const { at } = segment;
  const before = u16(out, at + 12);
  out[at + 13] = RST | ACK;
  putU16(out, at + 16, updateChecksumSums(u16(out, at + 16), before, u16(out, at + 12)));
  return out;
}

/** Total length and header checksum of the IPv4 packet. */
function setLength4(b: Uint8Array, headerBytes: number): void {
  putU16(b, 2, b.length);
  putU16(b, 10, 0);
  putU16(b, 10, checksum(b, 0, headerBytes));
}
