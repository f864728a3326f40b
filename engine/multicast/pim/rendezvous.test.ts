import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, addressText } from '../addresses.ts';
import { embeddedRp, rpHash } from './rendezvous.ts';

/** The hash of RFC 7761 section 4.7.2 in whole numbers, with the mask on the address and the digest of IPv6 by exclusive or. */
function value(group: string, maskBits: number, rp: string): number {
  const number = (b: Uint8Array): bigint => b.reduce((n, byte) => n * 256n + BigInt(byte), 0n);
  const digest = (n: bigint): bigint => {
    let sum = 0n;
    for (let rest = n; rest > 0n; rest >>= 32n) sum ^= rest & 0xffffffffn;
    return sum;
  };
  const bits = addressBytes(group).length * 8;
  const mask = ((1n << BigInt(maskBits)) - 1n) << BigInt(bits - maskBits);
  const inner = 1_103_515_245n * digest(number(addressBytes(group)) & mask) + 12_345n;
  return Number((1_103_515_245n * (inner ^ digest(number(addressBytes(rp)))) + 12_345n) % (1n << 31n));
}

const address = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => addressText(b, 0, bytes === 4 ? 4 : 6));

describe('the hash of rendezvous points (4.7.2)', () => {
  it.each([
    ['233.252.0.1', 30, '10.255.0.9'],
    ['233.252.0.1', 0, '10.255.0.9'],
    ['ff0e::1:ff', 126, '3ffe:b00:c18:1::10'],
    // The digest of an IPv4-compatible address is the IPv4 address.
    ['ff0e::1:ff', 126, '::10.255.0.9'],
  ] as const)('of %s with a mask of %i bits and %s is that of the formula', (group, bits, rp) => {
    expect(rpHash(group, bits, rp)).toBe(value(group, bits, rp));
  });

  it('of any addresses and masks is that of the formula', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.tuple(address(4), address(4), fc.nat(32)), fc.tuple(address(16), address(16), fc.nat(128))),
        ([g, rp, bits]) => {
          expect(rpHash(g, bits, rp)).toBe(value(g, bits, rp));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('rendezvous points inside groups (RFC 3956, RFC 7371)', () => {
  it.each([
    ['ff70::/12', 'ff75:0340:2001:db8:beef:feed::1', '2001:db8:beef:feed::3'],
    ['fff0::/12, whose first flag is for the future', 'fff5:0340:2001:db8:beef:feed::1', '2001:db8:beef:feed::3'],
    ['reserved bits that count as zero', 'ff75:f340:2001:db8:beef:feed::1', '2001:db8:beef:feed::3'],
    ['bits beyond the prefix that are left away', 'ff75:0120:2001:db8:beef:feed::1', '2001:db8::1'],
  ] as const)('%s', (_name, group, rp) => {
    expect(embeddedRp(group)).toBe(rp);
  });

  it.each([
    ['a prefix of no bits', 'ff75:0100:2001:db8::1'],
    ['a prefix of 65 bits', 'ff75:0141:2001:db8::1'],
    ['no interface id', 'ff75:0040:2001:db8::1'],
    ['flags without P', 'ff55:0140:2001:db8::1'],
    ['flags without R', 'ff35:0140:2001:db8::1'],
    ['a link-local address', 'ff75:0140:fe80::1'],
    ['a site of ::/16', 'ff75:0140:0:1:2:3::1'],
    ['a group', 'ff75:0140:ff0e::1'],
  ] as const)('is none with %s', (_name, group) => {
    expect(embeddedRp(group)).toBeUndefined();
  });
});
