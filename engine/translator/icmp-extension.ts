import { putU16, putU32, u16 } from '../base/index.ts';
import { foldSum, sum16, updateChecksumSums } from '../wire/index.ts';
import { copyBytes } from './bytes.ts';

/** Bytes of the quoted packet after which a structure may follow (RFC 4884 section 4). */
export const MIN_QUOTE_BYTES = 128;

/** Most bytes of the quoted packet that the length field of ICMP can say, a byte of 32-bit words; that of ICMPv6 says more than a message has. */
export const MAX_QUOTE4_BYTES = 255 * 4;

const ICMP_HEADER_BYTES = 8;
/** Version and checksum of the structure, and length and class of an object in it (RFC 4884 sections 7 and 7.1). */
const STRUCTURE_BYTES = 4;
const OBJECT_BYTES = 4;

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

/**
 * Bytes of the structure at `from` that stay where only `room` are free: as many of its objects as fit, whole ones (RFC 7915 section 4.2 has it truncated
 * where it is too large). Zero where the first object does not fit. All of the structure is there.
 */
export function fittingExtension(b: Uint8Array, from: number, bytes: number, room: number): number {
  if (bytes <= room) return bytes;
  let kept = STRUCTURE_BYTES;
  while (kept + OBJECT_BYTES <= bytes) {
    const object = u16(b, from + kept);
    if (object < OBJECT_BYTES || kept + object > room) break;
    kept += object;
  }
  return kept > STRUCTURE_BYTES ? kept : 0;
}

/** Copies the first `kept` of `bytes` of the structure. Its checksum changes by what was cut off: one that was wrong stays wrong, none stays none. */
export function copyExtension(out: Uint8Array, at: number, b: Uint8Array, from: number, bytes: number, kept: number): void {
  copyBytes(out, at, b, from, kept);
  if (kept === bytes || kept < STRUCTURE_BYTES) return;
  const check = u16(b, from + 2);
  if (check === 0) return;
  const changed = updateChecksumSums(check, sum16(b, from + kept, from + bytes), 0);
  putU16(out, at + 2, changed === 0 ? 0xffff : changed);
}

/** An interface information object with an IPv6 address and nothing else (RFC 5837 section 4). */
const ROUTER_OBJECT_BYTES = 24;
const INTERFACE_INFORMATION = 2;
/** Role: the interface upon which the packet arrived; of the parts only the address. */
const WITH_ADDRESS = 0x04;
const AFI_IPV6 = 2;

/** Bytes that appendRouter writes behind a structure of so many bytes. */
export function routerBytes(structureBytes: number): number {
  return ROUTER_OBJECT_BYTES + (structureBytes === 0 ? STRUCTURE_BYTES : 0);
}

/**
 * Adds the IPv6 address at `from` as an object, to the structure of so many bytes that ends at `at` or as a new one: the IPv4 source of the error does not
 * tell which router it was (RFC 6791 section 4). A checksum that was wrong stays wrong, none stays none.
 */
export function appendRouter(out: Uint8Array, at: number, structureBytes: number, b: Uint8Array, from: number): void {
  const made = structureBytes === 0;
  const object = made ? at + STRUCTURE_BYTES : at;
  putU16(out, object, ROUTER_OBJECT_BYTES);
  out[object + 2] = INTERFACE_INFORMATION;
  out[object + 3] = WITH_ADDRESS;
  putU16(out, object + 4, AFI_IPV6);
  putU16(out, object + 6, 0);
  copyBytes(out, object + 8, b, from, 16);
  if (made) putU32(out, at, 0x20000000);
  const start = at - structureBytes;
  const check = made ? 0xffff : u16(out, start + 2);
  if (check === 0) return;
  const changed = updateChecksumSums(check, 0, sum16(out, at, object + ROUTER_OBJECT_BYTES));
  putU16(out, start + 2, changed === 0 ? 0xffff : changed);
}
