import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4U32, formatIpv6, parseIpv4U32, parseIpv6 } from '../wire/index.ts';
import {
  BAD_OCTET,
  embed4,
  extract4,
  isGlobal4,
  LOCAL_USE_PREFIX,
  NOT_EMBEDDED,
  parsePrefix4,
  parsePrefix6,
  parsePrefix64,
  PREFIX64_LENGTHS,
  type Prefix6,
} from './prefix64.ts';

function prefix(text: string): Prefix6 {
  const result = parsePrefix64(text);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

function embed(text: string, v4: string): string {
  const out = new Uint8Array(16);
  embed4(prefix(text), parseIpv4U32(v4), out, 0);
  return formatIpv6(out, 0);
}

describe('IPv4-embedded addresses (RFC 6052)', () => {
  // The table of section 2.4.
  it.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100:0'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
    ['64:ff9b::/96', '64:ff9b::c000:221'],
  ])('192.0.2.33 under %s is %s', (text, address) => {
    expect(embed(text, '192.0.2.33')).toBe(formatIpv6(parseIpv6(address)!, 0));
    expect(formatIpv4U32(extract4(prefix(text), parseIpv6(address)!, 0))).toBe('192.0.2.33');
  });

  it('comes back from every address of every length, with bits 64 to 71 zero', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.constantFrom(...PREFIX64_LENGTHS),
        fc.nat(0xffffffff),
        (bytes, length, v4) => {
          const p = { bytes: bytes.map((b, i) => (i < length / 8 && i !== 8 ? b : 0)), length };
          const out = new Uint8Array(16);
          embed4(p, v4, out, 0);
          expect(out[8]).toBe(0);
          expect(extract4(p, out, 0)).toBe(v4);
        },
      ),
    );
  });

  it('ignores the suffix, refuses the reserved octet and other prefixes', () => {
    expect(formatIpv4U32(extract4(prefix('2001:db8::/32'), parseIpv6('2001:db8:c000:221:0:1:2:3')!, 0))).toBe('192.0.2.33');
    expect(extract4(prefix('2001:db8::/32'), parseIpv6('2001:db8:c000:221:100::')!, 0)).toBe(BAD_OCTET);
    expect(extract4(prefix('2001:db8::/32'), parseIpv6('2001:db9:c000:221::')!, 0)).toBe(NOT_EMBEDDED);
  });

  it('takes only prefixes that can hold an address', () => {
    expect(parsePrefix64('2001:db8::/33').ok).toBe(false);
    expect(parsePrefix64('2001:db8::100:0:0:0/96').ok).toBe(false);
    expect(parsePrefix64('2001:db8::100:0:0:0/96', true).ok).toBe(true);
    expect(parsePrefix64('2001:db8:122:344::1/96').ok).toBe(false);
    expect(parsePrefix6('2001:db8::/129').ok).toBe(false);
    expect(parsePrefix4('192.0.2.1/24').ok).toBe(false);
    expect(parsePrefix4('192.0.2.0/').ok).toBe(false);
    expect(parsePrefix64(LOCAL_USE_PREFIX).ok).toBe(true);
    expect(parsePrefix64('64:ff9b:1:fffe::/96').ok).toBe(true);
  });

  it('knows which addresses have a meaning on one network only', () => {
    for (const text of ['10.1.2.3', '172.31.0.1', '192.168.0.1', '127.0.0.1', '169.254.1.1', '100.64.0.1', '0.0.0.1', '224.0.0.1']) {
      expect(isGlobal4(parseIpv4U32(text))).toBe(false);
    }
    for (const text of ['192.0.2.33', '172.32.0.1', '8.8.8.8', '100.128.0.1']) expect(isGlobal4(parseIpv4U32(text))).toBe(true);
  });
});
