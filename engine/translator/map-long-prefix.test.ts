import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { formatIpv4, formatIpv6 } from '../wire/index.ts';
import { createTranslator, type Translator } from './create.ts';
import { mapAddress } from './map-address.ts';
import { compileMapRules, isMapAddress, mapped4, mappedPsid, psidOf, writeMapAddress, type MapRule } from './map-rules.ts';
import { reasonOf } from './reasons.ts';
import { icmp, ip4, ip6, transportIsValid, udp } from './test-packets.ts';
import { newSink, settingsOf, translatorOf } from './test-support.ts';

const DMR = '2001:db8:ffff::/64';
const OUTSIDE = '10.2.3.4';
const OUTSIDE6 = '2001:db8:ffff:0:a:203:400:0';

const rulesOf = (rule: object) => compileMapRules(translatorSchema.parse({ mapt: { rules: [rule] } }).mapt);
const fieldOf = (mapt: TranslatorInput['mapt']): string => {
  const made = createTranslator(translatorSchema.parse({ mode: 'mapt', mapt: { dmr: DMR, ...mapt } }));
  return made.ok ? '' : made.error.field;
};

function give(t: Translator, b: Uint8Array): [string, Uint8Array | undefined] {
  const sink = newSink();
  const code = t.translate(b[0]! >> 4 === 6 ? 6 : 4, b, 0, b.length, b.length, sink, 0);
  return [reasonOf(code).id, sink.count > 0 ? sink.packet(0) : undefined];
}

function written(rule: MapRule, v4: number, psid: number): Uint8Array {
  const b = new Uint8Array(16);
  writeMapAddress(rule, v4, psid, b, 0);
  return b;
}

describe('an end-user prefix of more than 64 bits (RFC 7597 section 6)', () => {
  it('overwrites the start of the interface identifier', () => {
    const at = (v6: string, eaBits: number) =>
      formatIpv6(written(unwrap(rulesOf({ v6, v4: '192.0.2.0/24', eaBits }))[0]!, 0xc0000212, 0x34), 0);
    expect(at('2001:db8::/56', 16)).toBe('2001:db8:0:12:3400:c000:212:34');
    expect(at('2001:db8::/80', 16)).toBe('2001:db8::1234:212:34');
    expect(at('2001:db8::/112', 16)).toBe('2001:db8::1234');
  });

  it('keeps address and PSID readable, whatever the lengths', () => {
    const lengths = fc.tuple(fc.integer({ min: 0, max: 112 }), fc.integer({ min: 8, max: 32 }), fc.integer({ min: 0, max: 10 }));
    fc.assert(
      fc.property(lengths, fc.nat(0xffffffff), fc.integer({ min: 1_024, max: 65_535 }), ([v6Bits, v4Bits, psidBits], host, port) => {
        const eaBits = 32 - v4Bits + psidBits;
        fc.pre(v6Bits + eaBits <= 128);
        const rule = unwrap(rulesOf({ v6: `::/${v6Bits}`, v4: `10.0.0.0/${v4Bits}`, eaBits }))[0]!;
        const v4 = (0x0a000000 | (v4Bits === 32 ? 0 : host & (2 ** (32 - v4Bits) - 1))) >>> 0;
        const psid = psidOf(rule, port);
        const b = written(rule, v4, psid);
        expect([mapped4(rule, b, 0), mappedPsid(rule, b, 0), isMapAddress(rule, b, 0, new Uint8Array(16))]).toEqual([v4, psid, true]);
      }),
    );
  });

  it('takes packets both ways, at the relay and at the edge', () => {
    const rules = [{ v6: '2001:db8:0:12::/80', v4: '192.0.2.0/24', eaBits: 16 }];
    const inside = '2001:db8:0:12:0:1234:212:34';
    const relay = translatorOf({ mode: 'mapt', mapt: { dmr: DMR, rules } });
    const edge = translatorOf({ mode: 'mapt', mapt: { role: 'ce', dmr: DMR, rules, endUserPrefix: '2001:db8:0:12:0:1234::/96', napt44: { enabled: false } } }); // prettier-ignore
    const [id, six] = give(relay, ip4(OUTSIDE, '192.0.2.18', 17, udp(80, 1_232)));
    expect([id, formatIpv6(six!, 8), formatIpv6(six!, 24), transportIsValid(six!)]).toEqual([
      'translated',
      '2001:db8:ffff:0:a:203:400:0',
      inside,
      true,
    ]);
    const [back, four] = give(edge, six!);
    expect([back, formatIpv4(four!, 12), formatIpv4(four!, 16)]).toEqual(['translated', OUTSIDE, '192.0.2.18']);
    expect(formatIpv6(give(edge, ip4('192.0.2.18', OUTSIDE, 17, udp(1_232, 80)))[1]!, 8)).toBe(inside);
    expect(give(relay, ip6(inside, OUTSIDE6, 17, udp(1_240, 80)))[0]).toBe('mapSpoofed');
    expect(give(relay, ip6('2001:db8:0:12:0:1234:213:34', OUTSIDE6, 17, udp(1_232, 80)))[0]).toBe('mapSpoofed');
    const [{ to, parts } = { to: '', parts: [] }] = unwrap(mapAddress(settingsOf({ mode: 'mapt', mapt: { dmr: DMR, rules } }), inside));
    expect(to).toBe('192.0.2.18');
    expect(parts.map(({ from, to: end }) => [from, end])).toEqual([
      [0, 80],
      [80, 88],
      [88, 96],
      [96, 112],
      [112, 128],
    ]);
  });

  it('names the field where it cannot be: above 128 bits, or over the hosts of an IPv4 prefix', () => {
    const rule = { v6: '2001:db8::/80', v4: '192.0.2.0/24', eaBits: 16 };
    expect(fieldOf({ rules: [{ ...rule, v6: '2001:db8::/120' }] })).toBe('mapt.rules.0.eaBits');
    expect(fieldOf({ rules: [{ ...rule, eaBits: 40 }] })).toBe('mapt.rules.0.eaBits');
    // 192.0.2.0/28 for each edge: the last four bits stand in the identifier alone.
    expect(fieldOf({ rules: [{ ...rule, v6: '2001:db8::/104', eaBits: 4 }] })).toBe('');
    expect(fieldOf({ rules: [{ ...rule, v6: '2001:db8::/106', eaBits: 4 }] })).toBe('mapt.rules.0.eaBits');
  });

  it('is at least as long as rule and EA bits, and has nothing behind them that a relay could not know (section 5.2)', () => {
    const rules = [{ v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16 }];
    const ce = (endUserPrefix: string) => fieldOf({ role: 'ce', rules, endUserPrefix });
    expect([ce('2001:db8:12:3400::/56'), ce('2001:db8:12:3400::/64')]).toEqual(['', '']);
    expect([ce('2001:db8:12::/48'), ce('2001:db8:12:3401::/64')]).toEqual(['mapt.endUserPrefix', 'mapt.endUserPrefix']);
  });
});

describe('ICMP without an identifier at a border relay (RFC 7599 section 9)', () => {
  const rules = [{ v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16 }];
  const relay = () => translatorOf({ mode: 'mapt', mapt: { dmr: DMR, rules } });

  it('goes by the address alone where no port is in it', () => {
    const quoted = ip4('192.0.2.18', OUTSIDE, 47, new Uint8Array(16));
    const [id, out] = give(relay(), ip4('10.9.9.9', '192.0.2.18', 1, icmp(3, 1, 0, quoted)));
    const alone = '2001:db8:12::c000:212:0';
    expect([id, formatIpv6(out!, 24), formatIpv6(out!, 56)]).toEqual(['translated', alone, alone]);
    expect(transportIsValid(out!)).toBe(true);
    // Any other packet without a port is still nobody's.
    expect(give(relay(), ip4(OUTSIDE, '192.0.2.18', 47, new Uint8Array(16)))[0]).toBe('mapNoPort');
  });

  it('an echo goes by its identifier, to the edge that has it as a port', () => {
    const [id, out] = give(relay(), ip4(OUTSIDE, '192.0.2.18', 1, icmp(0, 0, (1_233 << 16) | 1)));
    expect([id, formatIpv6(out!, 24)]).toEqual(['translated', '2001:db8:12:3400:0:c000:212:34']);
  });
});
