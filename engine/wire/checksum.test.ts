import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, putU16, putU32, u16, u32 } from '../base/index.ts';
import {
  checksum,
  crc32,
  foldSum,
  pseudoSum4,
  pseudoSum6,
  sctpChecksum,
  sum16,
  sumIsGood,
  updateChecksum,
  updateChecksum32,
  updateChecksumSums,
} from './checksum.ts';

/** RFC 1071 section 4.1, written the slow way: one word at a time, carry added at once. */
function slowSum(b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < b.length; i += 2) {
    sum += b[i]! * 256 + (b[i + 1] ?? 0);
    if (sum > 0xffff) sum = (sum % 0x10000) + 1;
  }
  return sum;
}

describe('RFC 1071 sum', () => {
  it('gives the sum of the example in section 3', () => {
    expect(foldSum(sum16(fromHex('0001f203f4f5f6f7')!, 0, 8))).toBe(0xddf2);
  });

  it('equals a sum made one word at a time, at any offset and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 9 }), (bytes, offset) => {
        const at = Math.min(offset, bytes.length);
        expect(foldSum(sum16(bytes, at, bytes.length))).toBe(slowSum(bytes.subarray(at)));
      }),
    );
  });

  it('does not overflow on the largest packet', () => {
    const bytes = new Uint8Array(131_072).fill(0xff);
    expect(foldSum(sum16(bytes, 0, bytes.length))).toBe(0xffff);
  });

  it('is good over data that holds its own checksum', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 100 }), (bytes) => {
        putU16(bytes, 2, 0);
        putU16(bytes, 2, checksum(bytes, 0, bytes.length));
        expect(sumIsGood(sum16(bytes, 0, bytes.length))).toBe(true);
        bytes[0] = bytes[0]! ^ 1;
        expect(sumIsGood(sum16(bytes, 0, bytes.length))).toBe(false);
      }),
    );
  });
});

/** A checksum of 0xffff and one of 0 stand for the same sum; which of them an update gives depends on the history. */
function same(a: number, b: number): boolean {
  return a === b || (a === 0xffff && b === 0) || (a === 0 && b === 0xffff);
}

describe('RFC 1624 update', () => {
  const words = fc.uint8Array({ minLength: 20, maxLength: 20 });

  it('gives the example of section 4', () => {
    expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  it('equals the checksum made anew, for 16 and 32 bits', () => {
    fc.assert(
      fc.property(words, fc.nat({ max: 0xffff }), fc.nat({ max: 0xffffffff }), (bytes, word, long) => {
        const before = checksum(bytes, 0, 20);
        const changed = bytes.slice();
        putU16(changed, 6, word);
        expect(same(updateChecksum(before, u16(bytes, 6), word), checksum(changed, 0, 20))).toBe(true);
        const changedLong = bytes.slice();
        putU32(changedLong, 8, long);
        expect(same(updateChecksum32(before, u32(bytes, 8), long), checksum(changedLong, 0, 20))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('carries a transport checksum from an IPv4 to an IPv6 pseudo header', () => {
    fc.assert(
      fc.property(
        words,
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (segment, v4, v6) => {
          const old = pseudoSum4(v4, 0, 4, 6, 20);
          const next = pseudoSum6(v6, 0, 16, 6, 20);
          const updated = updateChecksumSums(checksum(segment, 0, 20, old), old, next);
          expect(same(updated, checksum(segment, 0, 20, next))).toBe(true);
        },
      ),
    );
  });
});

describe('CRCs', () => {
  const digits = new TextEncoder().encode('123456789');

  it('gives the check value of CRC-32', () => {
    expect(crc32(digits, 0, digits.length)).toBe(0xcbf43926);
  });

  it('takes the checksum field of an SCTP packet as zero', () => {
    const packet = Uint8Array.from({ length: 40 }, (_, i) => i);
    const expected = sctpChecksum(packet, 0, packet.length);
    packet.fill(0xaa, 8, 12);
    expect(sctpChecksum(packet, 0, packet.length)).toBe(expected);
    packet[20] = 99;
    expect(sctpChecksum(packet, 0, packet.length)).not.toBe(expected);
  });
});
