import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../base/index.ts';
import type { TranslatorInput } from '../contract/index.ts';
import { formatIpv4U32, formatIpv6 } from '../wire/index.ts';
import { mapAddress } from './map-address.ts';
import { PREFIX64_LENGTHS } from './prefix64.ts';
import { settingsOf, siit, newSink } from './test-support.ts';

const map = (text: string, input: TranslatorInput = {}) => unwrap(mapAddress(settingsOf(input), text));

describe('mapping of one address', () => {
  it.each([
    [32, '2001:db8::/32', ['0-32 prefix', '32-64 IPv4 address', '64-72 zero octet', '72-72', '72-128 suffix']],
    [40, '2001:db8:100::/40', ['0-40 prefix', '40-64 IPv4 address', '64-72 zero octet', '72-80 IPv4 address', '80-128 suffix']],
    [64, '2001:db8:122:344::/64', ['0-64 prefix', '64-72 zero octet', '72-104 IPv4 address', '104-128 suffix']],
    [96, '64:ff9b::/96', ['0-96 prefix', '96-128 IPv4 address']],
  ])('shows the bits of a /%i as RFC 6052 section 2.2 has them', (_length, prefix, parts) => {
    const [first] = map('192.0.2.33', { pool6: [prefix] });
    const shown = first!.parts.map(({ from, to, name }) => `${from}-${to} ${name}`);
    expect(shown).toEqual(parts.filter((text) => !/^(\d+)-\1$/.test(text)));
    expect(first!.parts.every(({ from, to }, i) => to > from && (i === 0 || first!.parts[i - 1]!.to === from))).toBe(true);
    expect(first!.parts.at(-1)!.to).toBe(128);
  });

  it.each<[string, string, TranslatorInput]>([
    ['192.0.2.33', 'prefix ipv4 filler', { pool6: ['2001:db8::/32'] }],
    ['192.0.2.33', 'prefix ipv4', {}],
    ['192.0.2.18', 'prefix ipv4 psid filler', { mode: 'mapt', mapt: { rules: [{ v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16 }] } }],
  ])('says what kind each part of %s is: %s', (text, kinds, input) => {
    const [first] = map(text, input);
    expect([...new Set(first!.parts.map(({ kind }) => kind))].join(' ')).toBe(kinds);
  });

  it('there and back is the same address, and what the translator itself uses', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PREFIX64_LENGTHS), fc.integer({ min: 0x01000000, max: 0x09ffffff }), (length, v4) => {
        const pool6 = [`2001:db8::/${length}`];
        const text = formatIpv4U32(v4);
        const to = map(text, { pool6 })[0]!;
        expect(to.used).toBe(true);
        expect(map(to.to, { pool6 })[0]).toMatchObject({ to: text, used: true });
        // The same through a packet.
        const packet = new Uint8Array(20);
        packet.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 99, 0, 0, 8, 8, 8, 8, v4 >>> 24, v4 >>> 16, v4 >>> 8, v4]);
        const sink = newSink();
        siit({ pool6, badHeaderChecksum: 'forward' }).translate(4, packet, 0, 20, 20, sink);
        expect(formatIpv6(sink.packet(0), 24)).toBe(to.to);
      }),
      { numRuns: 60 },
    );
  });

  it('says which rule goes first, and what the others would give', () => {
    const input: TranslatorInput = {
      maps: [
        { v4: '192.0.2.0/24', v6: '2001:db8:a::/120' },
        { v4: '192.0.2.9', v6: '2001:db8:b::9' },
      ],
    };
    const all = map('192.0.2.9', input);
    expect(all.map(({ to, field, used }) => [to, field, used])).toEqual([
      ['2001:db8:b::9', 'maps.1', true],
      ['2001:db8:a::9', 'maps.0', false],
      ['64:ff9b::c000:209', 'pool6.0', false],
    ]);
    expect(map('2001:db8:a::9', input)[0]).toMatchObject({ to: '192.0.2.9', rfc: 'RFC 7757 section 3.3' });
  });

  it('says why there is none', () => {
    expect(map('10.0.0.1')[0]).toMatchObject({ used: false, note: expect.stringContaining('RFC 6052 section 3.1') });
    expect(map('192.0.2.1', { deny4: ['192.0.2.0/24'] })[0]!.note).toContain('deny4');
    expect(map('2001:db8::1')).toEqual([]);
    expect(map('203.0.113.1', { mode: 'nat64', nat64: { pool4: [{ prefix: '203.0.113.1' }] } })[0]).toMatchObject({ field: 'nat64.pool4' });
    expect(mapAddress(settingsOf({}), '1.2.3').ok).toBe(false);
    expect(map('2001:db8:0:0:ff00::', { pool6: ['2001:db8::/64'] })).toMatchObject([
      { used: false, note: expect.stringContaining('64 to 71') },
    ]);
  });

  it('by the rules of MAP-T, with the port set', () => {
    const rules = [{ v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16 }];
    const input: TranslatorInput = { mode: 'mapt', mapt: { dmr: '2001:db8:ffff::/64', rules } };
    const [own] = map('2001:db8:12:3400:0:c000:212:34', input);
    expect(own).toMatchObject({ to: '192.0.2.18', field: 'mapt.rules.0', used: true });
    expect(own!.note).toContain('PSID 52 of 256, ports 1232-1235');
    expect(own!.parts.at(-1)!.to).toBe(128);
    expect(map('192.0.2.18', input)[0]!.to).toMatch(/^2001:db8:12:/);
    expect(map('10.2.3.4', input)[0]).toMatchObject({ to: '2001:db8:ffff:0:a:203:400:0', field: 'mapt.dmr' });
  });

  it('a customer edge shows its own address with its own PSID, and others by its forwarding rules only', () => {
    const rules = [{ v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16, forward: false }];
    const edge = (forward: boolean): TranslatorInput => ({
      mode: 'mapt',
      mapt: { role: 'ce', dmr: '2001:db8:ffff::/64', endUserPrefix: '2001:db8:12:3400::/56', rules: [{ ...rules[0]!, forward }] },
    });
    const own = map('192.0.2.18', edge(false));
    expect(own).toMatchObject([{ to: '2001:db8:12:3400:0:c000:212:34', field: 'mapt.rules.0', used: true }]);
    expect(own[0]!.note).toContain('of this edge: PSID 52 of 256, ports 1232-1235');
    expect(map('2001:db8:12:3400:0:c000:212:34', edge(false))).toMatchObject([{ to: '192.0.2.18', note: own[0]!.note }]);
    expect(map('192.0.2.19', edge(false))).toMatchObject([{ field: 'mapt.dmr' }]);
    expect(map('192.0.2.19', edge(true))).toMatchObject([
      { field: 'mapt.rules.0', note: expect.stringContaining('the port of a packet says') },
    ]);
    expect(map('2001:db8:12:3500:0:c000:212:35', edge(false))).toEqual([]);
    expect(map('2001:db8:12:3500:0:c000:212:35', edge(true))).toMatchObject([{ to: '192.0.2.18', used: true }]);
    // Under the rule's prefix, and the address of nobody.
    expect(map('2001:db8:12:3500::1', edge(true))).toMatchObject([{ to: '', used: false, note: expect.stringContaining('refused') }]);
  });

  it('maps made of the CLAT block are named as such', () => {
    const input: TranslatorInput = { mode: 'clat', clat: { prefix: '2001:db8:464::/96', networks: ['192.168.1.0/24'] } };
    expect(map('192.168.1.7', input)[0]).toMatchObject({ to: '2001:db8:464::c0a8:107', field: 'clat.networks.0', used: true });
  });

  it('deterministic port blocks: from a host to its ports, and from a port to the subscriber, for every block', () => {
    const portBlocks = {
      mode: 'deterministic' as const,
      size: 1_000,
      overflowBlocks: 4,
      subscribers: ['2001:db8::/61', '2001:db8:5::/59'],
    };
    const pool4 = [{ prefix: '203.0.113.0/32' }, { prefix: '198.51.100.4/31', ports: [2_000, 9_999] as [number, number] }];
    const input: TranslatorInput = { mode: 'nat64', nat64: { pool4, portBlocks } };
    for (const host of ['2001:db8:0:0::1', '2001:db8:0:7::abcd', '2001:db8:5:3::9', '2001:db8:5:1f::9']) {
      const [ports] = map(host, input);
      const [, address, first, last] = /^([\d.]+) ports (\d+) to (\d+)$/.exec(ports!.to) ?? [];
      expect(Number(last) - Number(first)).toBe(999);
      for (const port of [first, last])
        expect([map(`${address}:${port}`, input)[0]!.to, host]).toEqual([host.replace(/::.*$/, '::/64').replace(':0:0::', '::'), host]);
    }
    expect(map('203.0.113.0:65000', input)[0]).toMatchObject({ to: '', note: expect.stringContaining("nobody's by calculation") });
    expect(map('203.0.113.0:80', input)[0]).toMatchObject({ to: '', note: 'in no port block' });
    expect(mapAddress(settingsOf(input), '203.0.113.0:99999').ok).toBe(false);
  });
});
