import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { fieldChanges } from './field-changes.ts';
import { REASON, REASONS, ruleOf } from './reasons.ts';
import { icmp, ip4, ip6, udp } from './test-packets.ts';
import { newSink, settingsOf, translatorOf } from './test-support.ts';

const HOST = '2001:db8:1::1';
const HOST4 = '192.0.2.1';
const PEER4 = '198.51.100.9';
const PEER6 = '64:ff9b::c633:6409';
const MAPS: TranslatorInput = { maps: [{ v4: HOST4, v6: HOST }] };

/** Label to section, of the first packet that leaves. */
function sections(before: Uint8Array, input: TranslatorInput = MAPS): Record<string, string> {
  const sink = newSink();
  translatorOf(input).translate(before[0]! >> 4 === 6 ? 6 : 4, before, 0, before.length, before.length, sink, 0);
  const changes = fieldChanges(before, sink.packet(0), settingsOf(input));
  return Object.fromEntries(
    changes.map(({ label, because, parameter }) => [label, parameter === undefined ? because : `${because} ${parameter}`]),
  );
}

describe('every field names the section that made it', () => {
  it('UDP from IPv4, cut, without a checksum', () => {
    expect(sections(ip4(PEER4, HOST4, 17, udp(53, 4_000, 1_400), { id: 9 }))).toMatchObject({
      Version: 'RFC 7915 section 4.1',
      'TOS and traffic class': 'RFC 7915 section 4.1 trafficClass',
      Length: 'RFC 7915 section 4.1',
      'Header checksum': 'RFC 7915 section 4',
      Identification: 'RFC 7915 section 4.1',
      Fragment: 'RFC 7915 section 4.1 lowestIpv6Mtu',
      Source: 'RFC 6052 section 2.3 pool6.0',
      Destination: 'RFC 7757 section 3.3 maps.0',
    });
    const zero = sections(ip4(PEER4, HOST4, 17, udp(53, 4_000), { raw: true, fragment: 0x4000 }));
    expect([zero.Checksum, zero['Source port']]).toEqual(['RFC 7915 section 4.5 udpZeroChecksum', 'RFC 7915 section 4.5']);
  });

  it('UDP from IPv6: with a fragment header, and cut for a small next hop', () => {
    expect(sections(ip6(HOST, PEER6, 17, udp(4_000, 53), { fragment: 0, id: 7 }))).toMatchObject({
      Length: 'RFC 7915 section 5.1.1',
      'Next header and protocol': 'RFC 7915 section 5.1.1',
      Identification: 'RFC 7915 section 5.1.1 identification',
      'Hop limit and TTL': 'RFC 7915 section 5.1',
      Checksum: 'RFC 7915 section 5.5',
    });
    expect(sections(ip6(HOST, PEER6, 17, udp(4_000, 53, 1_000)), { ...MAPS, mtu4: 600 }).Fragment).toBe('RFC 7915 section 5.1.1 mtu4');
  });

  it('errors: type, MTU or pointer, the packet inside, a source of the pool', () => {
    const four = ip4('198.51.100.1', HOST4, 1, icmp(3, 4, 1_400, ip4(HOST4, PEER4, 17, udp(4_000, 53))));
    expect(sections(four)).toMatchObject({
      'ICMP type and code': 'RFC 7915 section 4.2',
      MTU: 'RFC 7915 section 4.2 mtu6',
      'Quoted length': 'RFC 7915 section 4.3',
      'Quoted TTL and hop limit': 'RFC 7915 section 4.3',
      'Quoted source': 'RFC 7757 section 3.3 maps.0',
      'Quoted destination': 'RFC 6052 section 2.3 pool6.0',
    });
    const quoted = ip6(PEER6, HOST, 17, udp(53, 4_000));
    const six = ip6('2001:db8:ffff::7', PEER6, 58, icmp(4, 0, 7, quoted));
    expect(sections(six, { ...MAPS, errorPool4: ['203.0.113.64/28'] })).toMatchObject({
      Source: 'RFC 6791 section 3.2, 5 errorPool4',
      Pointer: 'RFC 7915 section 5.2',
      'Quoted hop limit and TTL': 'RFC 7915 section 5.3',
    });
    expect(sections(ip6(HOST, PEER6, 58, icmp(3, 0, 0, quoted)))['Extension length']).toBe('RFC 4884 section 4');
    expect(sections(ip6(HOST, PEER6, 58, icmp(128, 0, 1))).Identifier).toBe('RFC 7915 section 5.2');
  });

  it('a relay of reserved sessions names its own rule', () => {
    const before = ip4(PEER4, HOST4, 17, udp(53, 4_000), { fragment: 0x4000 });
    const after = ip6(HOST, PEER6, 17, udp(5_000, 5_002));
    const changes = fieldChanges(before, after, undefined, { because: 'T-11' });
    const of = (label: string) => changes.find((change) => change.label === label)?.because;
    expect([of('Source'), of('Destination'), of('Source port'), of('Checksum')]).toEqual(['T-11', 'T-11', 'T-11', 'RFC 7915 section 4.5']);
  });
});

describe('the rule of a verdict', () => {
  it('is that of the side the packet came from', () => {
    expect([4, 6].map((side) => ruleOf(REASON.translated, side as 4 | 6))).toEqual(['RFC 7915 section 4', 'RFC 7915 section 5']);
    expect([4, 6].map((side) => ruleOf(REASON.illegalSource, side as 4 | 6))).toEqual(['RFC 7915 section 4.1', 'RFC 7915 section 5.1']);
    expect([4, 6].map((side) => ruleOf(REASON.translatedFragmented, side as 4 | 6))).toEqual([
      'RFC 7915 section 4.1',
      'RFC 7915 section 5.1.1',
    ]);
    expect([4, 6].map((side) => ruleOf(REASON.tooShort, side as 4 | 6))).toEqual(['RFC 791 section 3.1', 'RFC 8200 section 3']);
    expect(ruleOf(REASON.answerLimited, 6)).toBe('RFC 4443 section 2.4 (f), RFC 7915 section 5.4');
    expect(ruleOf(REASON.loop, 6)).toBe('RFC 6146 section 3.5, 5.4');
    for (const { code } of REASONS) for (const side of [4, 6] as const) expect(ruleOf(code, side)).not.toBe('');
  });
});
