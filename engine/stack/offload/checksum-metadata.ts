import { putU16, u16 } from '../../base/index.ts';
import { pseudoSum4, pseudoSum6 } from '../../wire/index.ts';
import { fold, type OffloadMemory } from './memory.ts';
import type { Shape } from './shape.ts';

/**
 * Partial checksum metadata of a packet on its way out (V-03): sum from `start` on, put the result at `stuff`, both from the start of the
 * packet. With `zeroInvert` a result of 0 becomes 0xffff, as UDP wants it (RFC 768).
 */
export interface PartialChecksum {
  readonly start: number;
  readonly stuff: number;
  readonly zeroInvert: boolean;
}

/** What is known about the checksums of a received packet (V-07). */
export const CSUM_IP_CHECKED = 1;
export const CSUM_IP_VALID = 2;
/** The sum from `start` to the end of the packet has been taken. */
export const CSUM_PARTIAL = 4;
export const CSUM_DATA_VALID = 8;
/** The verdict includes the pseudo header. */
export const CSUM_PSEUDO_HDR = 16;
/** UDP over IPv4 without a checksum: legal, and nothing to check. */
export const CSUM_ABSENT = 32;

/** Offset of the checksum field in a transport header. */
export function checksumField(kind: 'tcp' | 'udp'): number {
  return kind === 'tcp' ? 16 : 6;
}

/** Sum of the pseudo header over a transport packet of `lenBytes` (V-06). `at` is where the packet starts. */
export function pseudoHeaderSum(b: Uint8Array, at: number, s: Shape, lenBytes: number): number {
  const o = at + s.l3;
  const protocol = s.kind === 'tcp' ? 6 : 17;
  return s.version === 4 ? pseudoSum4(b, o + 12, o + 16, protocol, lenBytes) : pseudoSum6(b, o + 8, o + 24, protocol, lenBytes);
}

/** The value for a checksum field from the folded sum of everything it covers but itself. */
export function finishChecksum(sum: number, zeroInvert: boolean): number {
  const value = ~fold(sum) & 0xffff;
  return value === 0 && zeroInvert ? 0xffff : value;
}

/** Puts a finished checksum at its place in the first buflet of a packet. `sum` is that of [start, end) with the field as it was preloaded. */
export function stuffChecksum(memory: OffloadMemory, first: number, meta: PartialChecksum, sum: number): void {
  putU16(memory.bytes, memory.address(first) + meta.stuff, finishChecksum(sum, meta.zeroInvert));
}

/** Flags for a received TCP or UDP packet whose transport part sums to `sum` (V-07). */
export function verifyFlags(b: Uint8Array, at: number, s: Shape, sum: number): number {
  let flags = 0;
  if (s.version === 4) flags |= CSUM_IP_CHECKED | (ipv4HeaderIsGood(b, at + s.l3, s.ipHeaderBytes) ? CSUM_IP_VALID : 0);
  if ((s.kind !== 'tcp' && s.kind !== 'udp') || s.truncated) return flags;
  flags |= CSUM_PARTIAL | CSUM_PSEUDO_HDR;
  if (s.kind === 'udp' && u16(b, at + s.l4 + 6) === 0) return s.version === 4 ? (flags & ~CSUM_PARTIAL) | CSUM_ABSENT : flags;
  return fold(sum + pseudoHeaderSum(b, at, s, s.end - s.l4)) === 0xffff ? flags | CSUM_DATA_VALID : flags;
}

export function ipv4HeaderSum(b: Uint8Array, o: number, headerBytes: number): number {
  let sum = 0;
  for (let i = 0; i < headerBytes; i += 2) sum += u16(b, o + i);
  return fold(sum);
}

export function ipv4HeaderIsGood(b: Uint8Array, o: number, headerBytes: number): boolean {
  return ipv4HeaderSum(b, o, headerBytes) === 0xffff;
}

/** Writes an IPv4 header's checksum anew. */
export function sealIpv4Header(b: Uint8Array, o: number, headerBytes: number): void {
  putU16(b, o + 10, 0);
  putU16(b, o + 10, ~ipv4HeaderSum(b, o, headerBytes) & 0xffff);
}

/**
 * Whether a checksum field holds the bare sum of the pseudo header: the mark of a stack that leaves the rest to the switch or the card
 * (pass-through checksum, V-06).
 */
export function holdsPseudoSum(b: Uint8Array, at: number, s: Shape): boolean {
  if (s.kind !== 'tcp' && s.kind !== 'udp') return false;
  return u16(b, at + s.l4 + checksumField(s.kind)) === fold(pseudoHeaderSum(b, at, s, s.end - s.l4));
}
