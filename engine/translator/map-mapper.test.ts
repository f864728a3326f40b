import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { putU16, unwrap } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { checksum, emitIpv6, formatIpv4, formatIpv4U32, formatIpv6, parseIpv4, parseIpv6, pseudoSum4, pseudoSum6, sum16, sumIsGood } from '../wire/index.ts'; // prettier-ignore
import { createTranslator, type Translator } from './create.ts';
import { compileMapRules, ownOf, portRanges, psidOf, writeMapAddress } from './map-rules.ts';
import { parsePrefix6 } from './prefix64.ts';
import { reasonOf, REASONS } from './reasons.ts';
import { newSink } from './test-support.ts';

// RFC 7597 appendix A, example 1, and RFC 7599 appendix A.
const RULE = { v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16, psidOffset: 6, forward: true };
const END_USER = '2001:db8:12:3400::/56';
const CE_ADDRESS = '2001:db8:12:3400:0:c000:212:34';
const DMR = '2001:db8:ffff::/64';
const OUTSIDE = '10.2.3.4';
const OUTSIDE6 = '2001:db8:ffff:0:a:203:400:0';

const make = (mapt: TranslatorInput['mapt']): Translator =>
  unwrap(createTranslator(translatorSchema.parse({ mode: 'mapt', mapt: { dmr: DMR, rules: [RULE], ...mapt } })));
const relay = (): Translator => make({});
const edge = (mapt: TranslatorInput['mapt'] = {}): Translator =>
  make({ role: 'ce', endUserPrefix: END_USER, napt44: { enabled: false }, ...mapt });

function udp4(from: string, port: number, to: string, toPort: number, protocol = 17): Uint8Array {
  const b = new Uint8Array(36);
  b.set([0x45, 0, 0, 36, 0, 0, 0x40, 0, 64, protocol]);
  b.set(parseIpv4(from)!, 12);
  b.set(parseIpv4(to)!, 16);
  putU16(b, 10, checksum(b, 0, 20));
  putU16(b, 20, port);
  putU16(b, 22, toPort);
  putU16(b, 24, 16);
  if (protocol === 17) putU16(b, 26, checksum(b, 20, 36, pseudoSum4(b, 12, 16, 17, 16)));
  return b;
}

function udp6(from: string, port: number, to: string, toPort: number): Uint8Array {
  const b = new Uint8Array(56);
  emitIpv6(b, 0, { source: parseIpv6(from)!, destination: parseIpv6(to)!, nextHeader: 17, payloadLength: 16, hopLimit: 64 });
  putU16(b, 40, port);
  putU16(b, 42, toPort);
  putU16(b, 44, 16);
  putU16(b, 46, checksum(b, 40, 56, pseudoSum6(b, 8, 24, 17, 16)));
  return b;
}

function give(t: Translator, bytes: Uint8Array): [string, Uint8Array | undefined] {
  const sink = newSink();
  const code = t.translate(bytes[0]! >> 4 === 6 ? 6 : 4, bytes, 0, bytes.length, bytes.length, sink, 0);
  return [reasonOf(code).id, sink.count > 0 ? sink.packet(0) : undefined];
}
const ends6 = (b: Uint8Array): string[] => [formatIpv6(b, 8), formatIpv6(b, 24)];
const ends4 = (b: Uint8Array): string[] => [formatIpv4(b, 12), formatIpv4(b, 16)];
const MAP_TEXT = formatIpv6(parseIpv6(CE_ADDRESS)!, 0);

describe('mapping rules (RFC 7597)', () => {
  const rule = unwrap(compileMapRules(translatorSchema.parse({ mapt: { rules: [RULE] } }).mapt))[0]!;

  it('give the address, the port set and the MAP address of appendix A, example 1', () => {
    const own = ownOf(rule, unwrap(parsePrefix6(END_USER)));
    expect([formatIpv4U32(own.v4), own.psid]).toEqual(['192.0.2.18', 0x34]);
    const b = new Uint8Array(16);
    writeMapAddress(rule, own.v4, own.psid, b, 0);
    expect(formatIpv6(b, 0)).toBe(MAP_TEXT);
    const ranges = portRanges(rule, own.psid);
    expect([ranges.length, ranges[0], ranges[1], ranges.at(-1)]).toEqual([63, [1232, 1235], [2256, 2259], [64720, 64723]]);
  });

  it('give the MAP address of a rule without EA bits (RFC 7599 appendix A, example 4)', () => {
    const plain = { v6: '2001:db8:12:3400::/56', v4: '192.0.2.1/32', eaBits: 0 };
    const [one] = unwrap(compileMapRules(translatorSchema.parse({ mapt: { rules: [plain] } }).mapt));
    const b = new Uint8Array(16);
    writeMapAddress(one!, 0xc0000201, psidOf(one!, 80), b, 0);
    expect(formatIpv6(b, 0)).toBe(formatIpv6(parseIpv6('2001:db8:12:3400:0:c000:201:0')!, 0));
  });

  it('every port is in the set that its PSID says, and ports below the first set in none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), (port) => {
        const psid = psidOf(rule, port);
        if (psid < 0) expect(port).toBeLessThan(1024);
        else expect(portRanges(rule, psid).some(([low, high]) => port >= low && port <= high)).toBe(true);
      }),
    );
  });

  it.each([
    [{ eaBits: 30 }, 'mapt.rules.0.eaBits'],
    [{ psidOffset: 12 }, 'mapt.rules.0.psidOffset'],
    [{ v4: 'x.y' }, 'mapt.rules.0.v4'],
  ])('names the field of %j', (change, field) => {
    const made = createTranslator(translatorSchema.parse({ mode: 'mapt', mapt: { rules: [{ ...RULE, ...change }] } }));
    expect(made.ok ? '' : made.error.field).toBe(field);
  });

  it('an edge needs a prefix that a rule holds', () => {
    const made = createTranslator(translatorSchema.parse({ mode: 'mapt', mapt: { role: 'ce', rules: [RULE], endUserPrefix: '2001:db9::/56' } })); // prettier-ignore
    expect(made.ok ? '' : made.error.field).toBe('mapt.endUserPrefix');
  });
});

describe('MAP-T (RFC 7599)', () => {
  it('the default mapping rule has a /64 where none is given, and never more than 96 bits (section 5.1)', () => {
    const made = (mapt: TranslatorInput['mapt']) => createTranslator(translatorSchema.parse({ mode: 'mapt', mapt: { rules: [RULE], ...mapt } })); // prettier-ignore
    expect(translatorSchema.parse({}).mapt.dmr).toMatch(/\/64$/);
    expect([made({}).ok, made({ dmr: '2001:db8:ffff::/96' }).ok]).toEqual([true, true]);
    const long = made({ dmr: '2001:db8:ffff::/112' });
    expect(long.ok ? '' : long.error.field).toBe('mapt.dmr');
  });

  it('border relay: from outside to the edge that has the port (appendix A)', () => {
    const [id, out] = give(relay(), udp4(OUTSIDE, 80, '192.0.2.18', 1232));
    expect(id).toBe('translated');
    expect(ends6(out!)).toEqual([formatIpv6(parseIpv6(OUTSIDE6)!, 0), MAP_TEXT]);
    expect(sumIsGood(sum16(out!, 40, out!.length, pseudoSum6(out!, 8, 24, 17, 16)))).toBe(true);
  });

  it('edge: to the outside by the default rule, and back through the relay to the same packet', () => {
    const before = udp4('192.0.2.18', 1232, OUTSIDE, 80);
    const [id, six] = give(edge(), before);
    expect(id).toBe('translated');
    expect(ends6(six!)).toEqual([MAP_TEXT, formatIpv6(parseIpv6(OUTSIDE6)!, 0)]);
    const [, four] = give(relay(), six!);
    expect(ends4(four!)).toEqual(['192.0.2.18', OUTSIDE]);
    expect(four!.subarray(20)).toEqual(before.subarray(20));
  });

  it('edges reach each other by a forwarding rule, and through the relay without one', () => {
    const peer = udp4('192.0.2.18', 1232, '192.0.2.19', 1500);
    const [, direct] = give(edge(), peer);
    expect(ends6(direct!)[1]).toMatch(/^2001:db8:13:/);
    const [, viaRelay] = give(edge({ rules: [{ ...RULE, forward: false }] }), peer);
    expect(ends6(viaRelay!)[1]).toMatch(/^2001:db8:ffff:/);
    const [id, turned] = give(relay(), viaRelay!);
    expect(id).toBe('hairpinned');
    expect(ends6(turned!)[1]).toBe(ends6(direct!)[1]);
  });

  it('refuses a host that uses an address or port of another, and ports outside every set', () => {
    const [id, answer] = give(relay(), udp6(CE_ADDRESS, 1240, OUTSIDE6, 80));
    expect([id, answer![40], answer![41]]).toEqual(['mapSpoofed', 1, 5]);
    // An edge drops without a word what is not for its ports.
    expect(give(edge(), udp6(OUTSIDE6, 80, CE_ADDRESS, 1240))).toEqual(['mapPortSet', undefined]);
    expect(give(edge(), udp6(OUTSIDE6, 80, CE_ADDRESS, 1233))[0]).toBe('translated');
    expect(give(relay(), udp6('2001:db8:12:3400:0:c000:213:34', 1232, OUTSIDE6, 80))[0]).toBe('mapSpoofed');
    expect(give(relay(), udp6(CE_ADDRESS, 1232, '2001:db8:fffe::1', 80))[0]).toBe('mapNotDmr');
    expect(give(relay(), udp4(OUTSIDE, 80, '192.0.2.18', 80))[0]).toBe('mapPortSet');
    expect(give(edge(), udp4('192.0.2.18', 1240, OUTSIDE, 80))[0]).toBe('mapPortSet');
    expect(give(relay(), udp4(OUTSIDE, 0, '192.0.2.18', 0, 47))[0]).toBe('mapNoPort');
    expect(give(relay(), udp4(OUTSIDE, 80, '198.51.100.1', 1232))[0]).toBe('mapNoRule');
    expect(give(relay(), udp6('2001:dbf::1', 1232, OUTSIDE6, 80))[0]).toBe('mapNoRule');
    // A PSID with bits that the rule does not have.
    expect(give(relay(), udp6('2001:db8:12:3400:0:c000:212:134', 1232, OUTSIDE6, 80))[0]).toBe('mapSpoofed');
  });

  it('says by the rules of MAP-T alone why it refuses', () => {
    const reason = (t: Translator, bytes: Uint8Array) => REASONS.find(({ id }) => id === give(t, bytes)[0])!;
    for (const [t, bytes] of [
      [relay(), udp6(CE_ADDRESS, 1232, '2001:db8:fffe::1', 80)],
      [relay(), udp4(OUTSIDE, 80, '198.51.100.1', 1232)],
      [relay(), udp6('2001:dbf::1', 1232, OUTSIDE6, 80)],
      [edge(), udp4('192.0.2.19', 1232, OUTSIDE, 80)],
      [edge(), udp6(OUTSIDE6, 80, '2001:db8:13:3400:0:c000:213:34', 1232)],
      [edge(), udp6('2001:dbf::1', 80, CE_ADDRESS, 1232)],
    ] as const) {
      const { rfc, text } = reason(t, bytes);
      expect(rfc).toMatch(/^RFC 7599/);
      expect(text).not.toMatch(/pool6/);
    }
  });

  it('an edge that was given an IPv4 prefix speaks for every address in it (RFC 7597 section 5.2)', () => {
    const rules = [{ v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 4 }];
    const t = make({ role: 'ce', rules, endUserPrefix: '2001:db8:10::/44', napt44: { enabled: false } });
    // EA bits 1: the prefix 192.0.2.16/28.
    const inside = '2001:db8:10:0:0:c000:215:0';
    const [id, out] = give(t, udp4('192.0.2.21', 80, OUTSIDE, 80));
    expect([id, ends6(out!)]).toEqual(['translated', [formatIpv6(parseIpv6(inside)!, 0), formatIpv6(parseIpv6(OUTSIDE6)!, 0)]]);
    const [back, four] = give(t, udp6(OUTSIDE6, 80, inside, 80));
    expect([back, ends4(four!)]).toEqual(['translated', [OUTSIDE, '192.0.2.21']]);
    expect(give(t, udp4('192.0.2.32', 80, OUTSIDE, 80))[0]).toBe('mapNotOwn');
    expect(give(t, udp6(OUTSIDE6, 80, '2001:db8:20:0:0:c000:225:0', 80))[0]).toBe('mapNotOwn');
  });

  it('an error from a router of the domain has a source of the error pool at the border relay (RFC 6791)', () => {
    const inner = udp6(CE_ADDRESS, 1232, OUTSIDE6, 80);
    const back = udp6(OUTSIDE6, 80, CE_ADDRESS, 1232);
    const error = (quoted: Uint8Array, destination: string): Uint8Array => {
      const b = new Uint8Array(48 + quoted.length);
      emitIpv6(b, 0, { source: parseIpv6('2001:db8:aaaa::1')!, destination: parseIpv6(destination)!, nextHeader: 58, payloadLength: b.length - 40, hopLimit: 64 }); // prettier-ignore
      b.set([3, 0], 40);
      b.set(quoted, 48);
      putU16(b, 42, checksum(b, 40, b.length, pseudoSum6(b, 8, 24, 58, b.length - 40)));
      return b;
    };
    const pooled = unwrap(
      createTranslator(translatorSchema.parse({ mode: 'mapt', errorPool4: ['198.51.100.1'], mapt: { dmr: DMR, rules: [RULE] } })),
    );
    // About a packet from outside: the hop limit ran out inside the domain.
    const [id, out] = give(pooled, error(back, OUTSIDE6));
    expect([id, ends4(out!)]).toEqual(['translated', ['198.51.100.1', OUTSIDE]]);
    expect([formatIpv4(out!, 40), formatIpv4(out!, 44)]).toEqual([OUTSIDE, '192.0.2.18']);
    expect(give(relay(), error(back, OUTSIDE6))[0]).toBe('noErrorSource');
    expect(give(pooled, inner)[0]).toBe('translated');
  });

  it('later fragments go where the first one went', () => {
    const t = relay();
    const first = udp4(OUTSIDE, 80, '192.0.2.18', 1232);
    const later = udp4(OUTSIDE, 80, '192.0.2.18', 1232);
    putU16(first, 6, 0x2000);
    putU16(later, 6, 2);
    for (const b of [first, later]) {
      putU16(b, 4, 77);
      putU16(b, 10, 0);
      putU16(b, 10, checksum(b, 0, 20));
    }
    expect(give(t, first)[0]).toBe('translated');
    const [id, out] = give(t, later);
    expect([id, ends6(out!)[1]]).toEqual(['translated', MAP_TEXT]);
  });

  it('later fragments that come first wait for it, or are given up (section 10.2)', () => {
    const part = (flags: number): Uint8Array => {
      const b = udp4(OUTSIDE, 80, '192.0.2.18', 1232);
      putU16(b, 4, 78);
      putU16(b, 6, flags);
      putU16(b, 10, 0);
      putU16(b, 10, checksum(b, 0, 20));
      return b;
    };
    const t = make({ maxFragments: 2 });
    const sink = newSink();
    const take = (b: Uint8Array, nowNs: number): string => reasonOf(t.translate(4, b, 0, b.length, b.length, sink, nowNs)).id;
    expect([take(part(2), 0), take(part(0x2004), 1), take(part(6), 2)]).toEqual(['mapFragmentHeld', 'mapFragmentHeld', 'fragmentsFull']);
    expect(sink.count).toBe(0);
    expect(take(part(0x2000), 3)).toBe('translated');
    expect(sink.count).toBe(3);
    for (let i = 0; i < 3; i++) expect(formatIpv6(sink.packet(i), 24)).toBe(MAP_TEXT);
    sink.clear();
    // Of another packet, whose first fragment comes too late.
    const other = part(2);
    putU16(other, 4, 79);
    putU16(other, 10, 0);
    putU16(other, 10, checksum(other, 0, 20));
    expect([take(other, 4e9), take(part(0x2000), 7e9), sink.count]).toEqual(['mapFragmentHeld', 'translated', 1]);
    // An address that is not shared needs no port.
    const whole = make({ rules: [{ v6: '2001:db8:12:3400::/56', v4: '192.0.2.18/32', eaBits: 0 }] });
    expect(give(whole, part(2))[0]).toBe('translated');
  });

  it('a PSID provisioned apart (appendix A, example 5): several edges share an address without EA bits', () => {
    const rule = (psid: number, v6: string) => ({ v6, v4: '192.0.2.18/32', eaBits: 0, psid, psidBits: 8, psidOffset: 6 });
    const rules = [rule(0x34, '2001:db8:12:3400::/56'), rule(0x35, '2001:db8:99::/56')];
    const t = make({ rules });
    const [id, out] = give(t, udp4(OUTSIDE, 80, '192.0.2.18', 1232));
    expect([id, formatIpv6(out!, 24)]).toEqual(['translated', MAP_TEXT]);
    const [, other] = give(t, udp4(OUTSIDE, 80, '192.0.2.18', 1236));
    expect(formatIpv6(other!, 24)).toBe('2001:db8:99::c000:212:35');
    expect(give(t, udp4(OUTSIDE, 80, '192.0.2.18', 1240))[0]).toBe('mapNoRule');
    expect(give(t, udp6(CE_ADDRESS, 1233, OUTSIDE6, 80))[0]).toBe('translated');
    expect(give(t, udp6(CE_ADDRESS, 1236, OUTSIDE6, 80))[0]).toBe('mapSpoofed');
    const ce = edge({ rules });
    expect(ends6(give(ce, udp4('192.0.2.18', 1232, OUTSIDE, 80))[1]!)[0]).toBe(MAP_TEXT);
    const bad = (more: object) => createTranslator(translatorSchema.parse({ mode: 'mapt', mapt: { dmr: DMR, rules: [{ ...rules[0]!, ...more }] } })); // prettier-ignore
    for (const more of [{ psid: 256 }, { eaBits: 4 }]) {
      const made = bad(more);
      expect(made.ok ? '' : made.error.field).toBe('mapt.rules.0.psid');
    }
  });

  it('an ICMP error finds the edge by the port of the packet inside', () => {
    const inner = udp4('192.0.2.18', 1232, OUTSIDE, 80);
    const b = new Uint8Array(28 + inner.length);
    b.set([0x45, 0, 0, b.length, 0, 0, 0, 0, 64, 1]);
    b.set(parseIpv4('10.9.9.9')!, 12);
    b.set(parseIpv4('192.0.2.18')!, 16);
    putU16(b, 10, checksum(b, 0, 20));
    b.set([3, 3], 20);
    b.set(inner, 28);
    putU16(b, 22, checksum(b, 20, b.length));
    const [id, out] = give(relay(), b);
    expect(id).toBe('translated');
    expect(formatIpv6(out!, 24)).toBe(MAP_TEXT);
    expect([formatIpv6(out!, 56), formatIpv6(out!, 72)]).toEqual([MAP_TEXT, formatIpv6(parseIpv6(OUTSIDE6)!, 0)]);
    expect(sumIsGood(sum16(out!, 40, out!.length, pseudoSum6(out!, 8, 24, 58, out!.length - 40)))).toBe(true);
  });
});

describe('bytes that are no packet', () => {
  it('never throw, in any role', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, six) => {
        if (bytes.length > 0) bytes[0] = (six ? 0x60 : 0x45) | (bytes[0]! & 0x0f);
        for (const t of [relay(), edge()]) expect(() => give(t, bytes)).not.toThrow();
      }),
      { numRuns: 60 },
    );
  });
});
