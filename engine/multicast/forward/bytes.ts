import { putU16, u16 } from '../../base/index.ts';

/** Up to here a loop beats the calls. */
const LOOP_BYTES = 40;

/**
 * Copies `length` bytes from `o` to `at`. Nothing is allocated where both are the same array, or all of `from` is copied; one view is where a part of
 * another array is.
 */
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, o: number, length: number): void {
  if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) to[at + i] = from[o + i]!;
  else if (to === from) to.copyWithin(at, o, o + length);
  else if (length === from.length) to.set(from, at);
  else to.set(from.subarray(o, o + length), at);
}

/** RFC 1141: one less TTL is 0x0100 more in the checksum, with the carry put around. */
export function lowerTtl4(b: Uint8Array, at: number): void {
  b[at + 8] = b[at + 8]! - 1;
  const sum = u16(b, at + 10) + 0x0100;
  putU16(b, at + 10, sum > 0xffff ? sum - 0xffff : sum);
}
