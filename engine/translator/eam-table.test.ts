import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4U32, formatIpv6, parseIpv4U32, parseIpv6 } from '../wire/index.ts';
import { EamTable } from './eam-table.ts';
import { mask4, sameBits } from './prefix64.ts';
import { settingsOf } from './test-support.ts';

// The table of RFC 7757 section 3.2 (figure 1).
const MAPS = [
  { v4: '192.0.2.1', v6: '2001:db8:aaaa::' },
  { v4: '192.0.2.2/32', v6: '2001:db8:bbbb::b/128' },
  { v4: '192.0.2.16/28', v6: '2001:db8:cccc::/124' },
  { v4: '192.0.2.128/26', v6: '2001:db8:dddd::/64' },
  { v4: '192.0.2.192/29', v6: '2001:db8:eeee:8::/62' },
  { v4: '192.0.2.224/31', v6: '64:ff9b::/127' },
];

const table = (maps: { v4: string; v6: string }[]): EamTable => settingsOf({ maps }).maps;

function to6(t: EamTable, text: string): string | undefined {
  const index = t.find4(parseIpv4U32(text));
  if (index < 0) return undefined;
  const out = new Uint8Array(16);
  t.to6(index, parseIpv4U32(text), out, 0);
  return formatIpv6(out, 0);
}

function to4(t: EamTable, text: string): string | undefined {
  const b = parseIpv6(text)!;
  const index = t.find6(b, 0, -1);
  return index < 0 ? undefined : formatIpv4U32(t.to4(index, b, 0));
}

describe('explicit address maps (RFC 7757)', () => {
  it.each([
    ['192.0.2.1', '2001:db8:aaaa::'],
    ['192.0.2.2', '2001:db8:bbbb::b'],
    ['192.0.2.16', '2001:db8:cccc::'],
    ['192.0.2.24', '2001:db8:cccc::8'],
    ['192.0.2.31', '2001:db8:cccc::f'],
    ['192.0.2.128', '2001:db8:dddd::'],
    ['192.0.2.152', '2001:db8:dddd:0:6000::'],
    ['192.0.2.183', '2001:db8:dddd:0:dc00::'],
    ['192.0.2.191', '2001:db8:dddd:0:fc00::'],
    ['192.0.2.193', '2001:db8:eeee:8:8000::'],
    ['192.0.2.199', '2001:db8:eeee:b:8000::'],
    ['192.0.2.225', '64:ff9b::1'],
  ])('%s and %s', (v4, v6) => {
    const t = table(MAPS);
    expect(to6(t, v4)).toBe(v6);
    expect(to4(t, v6)).toBe(v4);
  });

  it('drops the bits after the suffix', () => {
    expect(to4(table(MAPS), '2001:db8:dddd:0:dc00::1')).toBe('192.0.2.183');
    expect(to6(table(MAPS), '192.0.2.3')).toBeUndefined();
    expect(to4(table(MAPS), '2001:db8::')).toBeUndefined();
  });

  it('prefers the longest prefix when prefixes overlap, in each family on its own', () => {
    const t = table([
      { v4: '198.51.100.0/24', v6: '2001:db8:1::/120' },
      { v4: '198.51.100.64/28', v6: '2001:db8:2::/124' },
      { v4: '198.51.100.70', v6: '2001:db8:1::9' },
    ]);
    expect(to6(t, '198.51.100.1')).toBe('2001:db8:1::1');
    expect(to6(t, '198.51.100.65')).toBe('2001:db8:2::1');
    expect(to6(t, '198.51.100.70')).toBe('2001:db8:1::9');
    expect(to4(t, '2001:db8:1::9')).toBe('198.51.100.70');
    expect(to4(t, '2001:db8:1::41')).toBe('198.51.100.65');
    expect(t.holding6(parseIpv6('2001:db8:1::9')!, 0)).toEqual([2, 0]);
    expect(t.holding6(parseIpv6('2001:db8:3::9')!, 0)).toEqual([]);
  });

  it('refuses an IPv6 side with fewer free bits', () => {
    expect(() => table([{ v4: '192.0.2.0/24', v6: '2001:db8::/125' }])).toThrow(/maps\.0\.v6/);
  });

  it('finds what a walk over all entries finds', () => {
    const entry = fc.record({
      v4: fc.nat(0xffffffff),
      length: fc.integer({ min: 0, max: 32 }),
      v6: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), fc.nat(0xffffffff), fc.nat(), (rows, probe, pick) => {
        const entries = rows.map(({ v4, length, v6 }) => ({
          v4: { value: (v4 & mask4(length)) >>> 0, length },
          v6: { bytes: v6.map((byte, i) => (i < 12 ? byte & 1 : 0)), length: 96 },
          domain: -1,
        }));
        const t = new EamTable(entries);
        const address = pick % 2 === 0 || rows.length === 0 ? probe : rows[pick % rows.length]!.v4;
        const holds = entries.filter(({ v4 }) => (address & mask4(v4.length)) >>> 0 === v4.value);
        const longest = Math.max(-1, ...holds.map(({ v4 }) => v4.length));
        const found = t.find4(address);
        expect(found < 0 ? -1 : entries[found]!.v4.length).toBe(longest);
        const all = t.holding4(address);
        expect(all[0] ?? -1).toBe(found);
        expect(new Set(all)).toEqual(new Set(holds.map((each) => entries.indexOf(each))));
        expect(all.every((each, i) => i === 0 || entries[all[i - 1]!]!.v4.length >= entries[each]!.v4.length)).toBe(true);
        for (const { v6 } of entries) expect(sameBits(entries[t.find6(v6.bytes, 0, -1)]!.v6.bytes, 0, v6.bytes, 0, 96)).toBe(true);
      }),
    );
  });
});
