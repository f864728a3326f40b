import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { formatIpv4, formatIpv4U32, formatIpv6, formatMac, parseIpv4, parseIpv4U32, parseIpv6, parseMac } from './address.ts';

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** Addresses with many zero groups, where the shortest form is decided. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 255])));

describe('IPv4 text', () => {
  it('reads back what it writes, and so does another library', () => {
    fc.assert(
      fc.property(ipv4, (bytes) => {
        const text = formatIpv4(bytes, 0);
        expect(parseIpv4(text)).toEqual(bytes);
        expect(Uint8Array.from(ipaddr.IPv4.parse(text).toByteArray())).toEqual(bytes);
        expect(formatIpv4U32(parseIpv4U32(text))).toBe(text);
      }),
    );
  });

  it.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1..2.3',
    '1.2.3.',
    '.1.2.3',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.a',
    '0x1.2.3.4',
  ])('refuses %j', (text) => {
    expect(parseIpv4(text)).toBeUndefined();
    expect(parseIpv4U32(text)).toBe(-1);
  });
});

describe('IPv6 text', () => {
  it.each([
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::FFFF:192.0.2.1', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
  ])('writes %s as %s (RFC 5952)', (given, expected) => {
    expect(formatIpv6(parseIpv6(given)!, 0)).toBe(expected);
  });

  it('reads back what it writes, and agrees with another library', () => {
    fc.assert(
      fc.property(ipv6, (bytes) => {
        const text = formatIpv6(bytes, 0);
        expect(parseIpv6(text)).toEqual(bytes);
        const other = ipaddr.IPv6.parse(text);
        expect(Uint8Array.from(other.toByteArray())).toEqual(bytes);
        if (!text.includes('.')) expect(other.toRFC5952String()).toBe(text);
        expect(parseIpv6(other.toNormalizedString())).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.4.5',
    '1.2.3.4::',
    '::1%eth0',
    '1:2:3:4:5:6:7::8',
  ])('refuses %j', (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });
});

describe('MAC text', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect(parseMac(formatMac(bytes, 0))).toEqual(bytes);
        expect(parseMac(formatMac(bytes, 0).toUpperCase().replaceAll(':', '-'))).toEqual(bytes);
      }),
    );
    expect(parseMac('00:11:22:33:44')).toBeUndefined();
    expect(parseMac('00:11:22:33:44:5g')).toBeUndefined();
  });
});
