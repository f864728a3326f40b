import { describe, expect, it } from 'vitest';
import { u16, unwrap } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { formatIpv4, formatIpv6 } from '../wire/index.ts';
import { mapAddress } from './map-address.ts';
import { compileMapRules, ownOf, portRanges, psidOf, type MapRule } from './map-rules.ts';
import { parsePrefix6 } from './prefix64.ts';
import { reasonOf } from './reasons.ts';
import { icmp, ip4, ip6, transportIsValid, udp } from './test-packets.ts';
import { newSink, settingsOf, siit } from './test-support.ts';

// Examples that the RFCs give, beside those in the tests of the parts they are about.

const to = (input: TranslatorInput, address: string): string =>
  unwrap(mapAddress(settingsOf(input), address)).find(({ used }) => used)?.to ?? '';

describe('RFC 6052 section 3.3 and RFC 8215 section 6', () => {
  it('the block of 192.0.2.0/24 under 2001:db8:122:344::/64, and host A in it', () => {
    const input: TranslatorInput = { pool6: ['2001:db8:122:344::/64'] };
    expect(to(input, '192.0.2.33')).toBe('2001:db8:122:344:c0:2:2100:0');
    expect([to(input, '192.0.2.0'), to(input, '192.0.2.255')]).toEqual(['2001:db8:122:344:c0:2::', '2001:db8:122:344:c0:2:ff00:0']);
    expect(to(input, '2001:db8:122:344:c0:2:2100:0')).toBe('192.0.2.33');
  });

  it.each(['64:ff9b::/96', '64:ff9b:1:fffe::/96', '64:ff9b:1:fffd:1::/96', '64:ff9b:1:fffc:2::/96', '64:ff9b:1:abcd:0:5431::/96'])(
    'a checksum is the same on both sides under %s',
    (prefix) => {
      const packet = ip4('198.51.100.9', '192.0.2.33', 17, udp(53, 4_000));
      const sink = newSink();
      const t = siit({ pool6: [prefix], reservedOctet: 'any' });
      expect(reasonOf(t.translate(4, packet, 0, packet.length, packet.length, sink)).id).toBe('translated');
      expect([u16(sink.packet(0), 46), transportIsValid(sink.packet(0))]).toEqual([u16(packet, 26), true]);
    },
  );
});

/** Figure 1 of RFC 7757. */
const FIGURE1: TranslatorInput = {
  maps: [
    { v4: '192.0.2.1', v6: '2001:db8:aaaa::' },
    { v4: '192.0.2.2/32', v6: '2001:db8:bbbb::b/128' },
    { v4: '192.0.2.16/28', v6: '2001:db8:cccc::/124' },
    { v4: '192.0.2.128/26', v6: '2001:db8:dddd::/64' },
    { v4: '192.0.2.192/29', v6: '2001:db8:eeee:8::/62' },
    { v4: '192.0.2.224/31', v6: '64:ff9b::/127' },
  ],
};

describe('RFC 7757', () => {
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
    ['192.0.2.195', '2001:db8:eeee:9:8000::'],
    ['192.0.2.225', '64:ff9b::1'],
    ['192.0.2.248', '64:ff9b::c000:2f8'],
  ])('figure 7: %s is %s', (v4, v6) => {
    expect([to(FIGURE1, v4), to(FIGURE1, v6)]).toEqual([v6, v4]);
  });

  it('figure 2: overlapping maps are not symmetric', () => {
    const input: TranslatorInput = {
      maps: [
        { v4: '0.0.0.0/0', v6: '2001:db8:ff00::/40' },
        { v4: '198.51.100.64/32', v6: '2001:db8::abcd/128' },
      ],
    };
    expect(to(input, '2001:db8:ffc6:3364:4000::')).toBe('198.51.100.64');
    expect(to(input, '198.51.100.64')).toBe('2001:db8::abcd');
    // Figure 5: IVI (RFC 6219).
    expect(to({ maps: input.maps!.slice(0, 1) }, '198.51.100.1')).toBe('2001:db8:ffc6:3364:100::');
  });

  /** Source and destination, then of the packet inside an error. */
  const ends = (b: Uint8Array, inner: boolean): string[] => [8, 24, ...(inner ? [56, 72] : [])].map((at) => formatIpv6(b, at));
  const quoted = ip6('64:ff9b::192.0.2.1', '2001:db8:bbbb::b', 17, udp(4_000, 53));

  it.each([
    ['8', ip6('2001:db8:aaaa::', '64:ff9b::192.0.2.2', 17, udp(4_000, 53)), ['64:ff9b::c000:201', '2001:db8:bbbb::b']],
    [
      '9',
      ip6('2001:db8::1234', '64:ff9b::192.0.2.1', 58, icmp(3, 0, 0, quoted)),
      ['64:ff9b::c633:6401', '2001:db8:aaaa::', '2001:db8:aaaa::', '64:ff9b::c000:202'],
    ],
    [
      '10',
      ip6('2001:db8:bbbb::b', '64:ff9b::192.0.2.1', 58, icmp(1, 4, 0, quoted)),
      ['64:ff9b::c000:202', '2001:db8:aaaa::', '2001:db8:aaaa::', '64:ff9b::c000:202'],
    ],
    ['11', ip6('2001:db8:bbbb::b', '64:ff9b::192.0.2.1', 17, udp(53, 4_000)), ['64:ff9b::c000:202', '2001:db8:aaaa::']],
  ] as const)('figure %s: hairpinning, intrinsic and simple', (_figure, packet, expected) => {
    const input: TranslatorInput = { ...FIGURE1, errorPool4: ['198.51.100.1'], errorPoolExtension: false };
    const sink = newSink();
    expect(reasonOf(siit(input).translate(6, packet, 0, packet.length, packet.length, sink)).id).toBe('hairpinned');
    expect(ends(sink.packet(0), expected.length > 2)).toEqual(expected);
    expect(transportIsValid(sink.packet(0))).toBe(true);
    // Simple: the IPv4 network sends the packet back to the translator.
    const simple = siit({ ...input, hairpin: 'simple' });
    sink.clear();
    simple.translate(6, packet, 0, packet.length, packet.length, sink);
    const four = sink.packet(0).slice();
    sink.clear();
    simple.translate(4, four, 0, four.length, four.length, sink);
    expect(ends(sink.packet(0), expected.length > 2)).toEqual(expected);
  });
});

const rule = (v6: string, v4: string, eaBits: number, more: object = {}): MapRule =>
  unwrap(compileMapRules(translatorSchema.parse({ mapt: { rules: [{ v6, v4, eaBits, ...more }] } }).mapt))[0]!;

describe('RFC 7597', () => {
  it('appendix B.2: port sets of the generalized modulus algorithm', () => {
    const first = portRanges(rule('2001:db8::/40', '192.0.2.0/24', 16), 0);
    expect([first.length, first[0], first[1], first.at(-2), first.at(-1)]).toEqual([
      63,
      [1_024, 1_027],
      [2_048, 2_051],
      [63_488, 63_491],
      [64_512, 64_515],
    ]);
    expect(portRanges(rule('2001:db8::/40', '192.0.2.0/24', 14, { psidOffset: 0 }), 0)).toEqual([[0, 1_023]]);
  });

  it.each([0, 1, 4, 6, 8])('appendix B: with offset %i every port above the excluded ones is in one set, the one its formula says', (a) => {
    for (const k of [1, 4, 8]) {
      const shared = rule('2001:db8::/40', '192.0.2.0/24', 8 + k, { psidOffset: a });
      const [ratio, contiguous] = [2 ** k, 2 ** (16 - a - k)];
      const owners = new Uint8Array(65_536);
      for (let psid = 0; psid < ratio; psid++) {
        const ranges = portRanges(shared, psid);
        expect(ranges.reduce((sum, [low, high]) => sum + high - low + 1, 0)).toBe(2 ** (16 - k) - (a > 0 ? contiguous : 0));
        for (const [low, high] of ranges) {
          for (let port = low; port <= high; port++) {
            owners[port]!++;
            if (psidOf(shared, port) !== psid || psid !== Math.trunc((port % (ratio * contiguous)) / contiguous))
              throw new Error(`port ${port}`);
          }
        }
      }
      const lowest = a > 0 ? ratio * contiguous : 0;
      expect([owners.subarray(0, lowest).some((n) => n !== 0), owners.subarray(lowest).every((n) => n === 1)]).toEqual([false, true]);
    }
  });

  it('section 5.2: an IPv4 prefix, a whole address, a shared address; 48 EA bits hold address and port', () => {
    const own = (r: MapRule, prefix: string) => ownOf(r, unwrap(parsePrefix6(prefix)));
    expect(own(rule('2001:db8::/40', '192.0.2.0/24', 4), '2001:db8:10::/44')).toEqual({ v4: 0xc0000210, psid: 0 });
    expect(own(rule('2001:db8::/40', '192.0.2.0/24', 8), '2001:db8:12::/48')).toEqual({ v4: 0xc0000212, psid: 0 });
    expect(own(rule('2001:db8::/40', '192.0.2.0/24', 16), '2001:db8:12:3400::/56')).toEqual({ v4: 0xc0000212, psid: 0x34 });
    const whole = rule('2001::/16', '0.0.0.0/0', 48, { psidOffset: 0 });
    expect(own(whole, '2001:c000:212:4d0::/64')).toEqual({ v4: 0xc0000212, psid: 1_232 });
    expect(portRanges(whole, 1_232)).toEqual([[1_232, 1_232]]);
  });

  it('appendix A, example 4: an address of its own, every port', () => {
    const alone = rule('2001:db8:12:3400::/56', '192.0.2.18/32', 0);
    expect([alone.psidBits, portRanges(alone, 0), formatIpv4(Uint8Array.of(192, 0, 2, 18), 0)]).toEqual([0, [[0, 65_535]], '192.0.2.18']);
    const mapt = { rules: [{ v6: '2001:db8:12:3400::/56', v4: '192.0.2.18/32', eaBits: 0 }], dmr: '2001:db8:ffff::/64' };
    expect(to({ mode: 'mapt', mapt }, '192.0.2.18')).toBe('2001:db8:12:3400:0:c000:212:0');
    expect(to({ mode: 'mapt', mapt }, '10.2.3.4')).toBe('2001:db8:ffff:0:a:203:400:0');
  });
});
