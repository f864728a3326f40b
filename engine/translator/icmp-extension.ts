import { foldSum, sum16 } from '../wire/index.ts';

/** Bytes of the quoted packet after which a structure may follow (RFC 4884 section 4). */
export const MIN_QUOTE_BYTES = 128;

const ICMP_HEADER_BYTES = 8;

/**
 * Bytes of the quoted packet in the ICMP error at `t`, whose message ends at `end` (RFC 4884): what the length field says, if that can
 * be true, and all that follows is the extension. Routers older than the RFC send the structure after 128 bytes with a length of zero
 * (section 5.5); it is believed if its version and its checksum are right. A length that goes past the end is ignored.
 */
export function quotedBytes(b: Uint8Array, t: number, end: number, available: number, lengthBytes: number): number {
  const all = Math.max(0, end - t - ICMP_HEADER_BYTES);
  if (lengthBytes > 0) return lengthBytes < all ? lengthBytes : all;
  const at = t + ICMP_HEADER_BYTES + MIN_QUOTE_BYTES;
  if (available < end || at + 4 > end || b[at]! >> 4 !== 2) return all;
  return foldSum(sum16(b, at, end)) === 0xffff ? MIN_QUOTE_BYTES : all;
}

/** Quoted bytes with padding, where an extension follows: at least 128, in whole units. */
export function paddedQuote(bytes: number, unitBytes: number): number {
  return Math.max(MIN_QUOTE_BYTES, Math.ceil(bytes / unitBytes) * unitBytes);
}
