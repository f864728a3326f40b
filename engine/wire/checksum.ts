import { u16 } from '../base/index.ts';

/**
 * Internet checksums: RFC 1071 sums, RFC 1624 updates, the pseudo headers of IPv4 (RFC 793) and IPv6 (RFC 8200 section
 * 8.1), CRC32c for SCTP (RFC 9260 appendix A) and CRC-32 for Ethernet's frame check sequence.
 *
 * A `sum` here is the plain sum of 16-bit words, not folded: a packet of 128 KiB still fits 32 bits.
 */

/** `absent`: the sender set none (zero in UDP over IPv4). `illegal`: zero where the protocol forbids it (UDP over IPv6). */
export type ChecksumVerdict = 'good' | 'bad' | 'unverified' | 'absent' | 'illegal';

/** Wireshark's numbers for `*.checksum.status`. */
export const CHECKSUM_STATUS: Readonly<Record<ChecksumVerdict, number>> = { bad: 0, good: 1, unverified: 2, absent: 3, illegal: 4 };

/** Sum of the 16-bit words in [start, end), an odd last byte padded with zero. */
export function sum16(b: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  let i = start;
  for (; i + 7 < end; i += 8) {
    sum += ((b[i]! + b[i + 2]! + b[i + 4]! + b[i + 6]!) << 8) + b[i + 1]! + b[i + 3]! + b[i + 5]! + b[i + 7]!;
  }
  for (; i + 1 < end; i += 2) sum += (b[i]! << 8) + b[i + 1]!;
  if (i < end) sum += b[i]! << 8;
  return sum;
}

/** Folds a sum to 16 bits with end-around carry. */
export function foldSum(sum: number): number {
  let s = sum;
  while (s > 0xffff) s = (s & 0xffff) + Math.floor(s / 0x10000);
  return s;
}

/** The checksum field's value for a sum over everything else. */
export function finishSum(sum: number): number {
  return ~foldSum(sum) & 0xffff;
}

/** Checksum over [start, end) with the field itself set to zero by the caller. */
export function checksum(b: Uint8Array, start: number, end: number, initial = 0): number {
  return finishSum(sum16(b, start, end, initial));
}

/** True if data that contains its own checksum sums to all ones. */
export function sumIsGood(sum: number): boolean {
  return foldSum(sum) === 0xffff;
}

/** Pseudo header of TCP, UDP and others over IPv4. `length` is the transport length in bytes. */
export function pseudoSum4(b: Uint8Array, source: number, destination: number, protocol: number, length: number): number {
  return u16(b, source) + u16(b, source + 2) + u16(b, destination) + u16(b, destination + 2) + protocol + length;
}

/** Pseudo header over IPv6. */
export function pseudoSum6(b: Uint8Array, source: number, destination: number, nextHeader: number, length: number): number {
  const sum = sum16(b, destination, destination + 16, sum16(b, source, source + 16));
  return sum + nextHeader + (length >>> 16) + (length & 0xffff);
}

/**
 * New checksum after one 16-bit word changed from `oldWord` to `newWord` (RFC 1624 equation 3). For a UDP checksum of
 * zero the caller decides what zero means before and after.
 */
export function updateChecksum(check: number, oldWord: number, newWord: number): number {
  return finishSum((~check & 0xffff) + (~oldWord & 0xffff) + newWord);
}

/** As updateChecksum, for a 32-bit quantity aligned to 16 bits. */
export function updateChecksum32(check: number, oldValue: number, newValue: number): number {
  return finishSum((~check & 0xffff) + (~(oldValue >>> 16) & 0xffff) + (~oldValue & 0xffff) + (newValue >>> 16) + (newValue & 0xffff));
}

/** As updateChecksum, when words summing to `oldSum` were replaced by words summing to `newSum` (pseudo headers of two families). */
export function updateChecksumSums(check: number, oldSum: number, newSum: number): number {
  return finishSum((~check & 0xffff) + (~foldSum(oldSum) & 0xffff) + newSum);
}

function crcTable(polynomial: number): Uint32Array {
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? (c >>> 1) ^ polynomial : c >>> 1;
    table[n] = c >>> 0;
  }
  return table;
}

const CRC32C_TABLE = crcTable(0x82f63b78);
const CRC32_TABLE = crcTable(0xedb88320);

/** State after bytes [start, end); begin with 0xffffffff and invert at the end. */
function crcRun(table: Uint32Array, state: number, b: Uint8Array, start: number, end: number): number {
  let c = state;
  for (let i = start; i < end; i++) c = table[(c ^ b[i]!) & 255]! ^ (c >>> 8);
  return c;
}

/** Ethernet's CRC-32 over [start, end), as the number whose least significant byte is sent first. */
export function crc32(b: Uint8Array, start: number, end: number): number {
  return ~crcRun(CRC32_TABLE, 0xffffffff, b, start, end) >>> 0;
}

const FOUR_ZEROS = new Uint8Array(4);

/**
 * CRC32c of an SCTP packet in [start, end) with its checksum field (bytes 8 to 11) taken as zero, as the 32-bit number that
 * is in the field when read little-endian.
 */
export function sctpChecksum(b: Uint8Array, start: number, end: number): number {
  let c = crcRun(CRC32C_TABLE, 0xffffffff, b, start, start + 8);
  c = crcRun(CRC32C_TABLE, c, FOUR_ZEROS, 0, 4);
  return ~crcRun(CRC32C_TABLE, c, b, start + 12, end) >>> 0;
}
