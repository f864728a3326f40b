import { describe, expect, it } from 'vitest';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { u32 } from '../base/index.ts';
import { createTranslator, type Translator } from './create.ts';
import { reasonOf } from './reasons.ts';
import { newSink, siit } from './test-support.ts';
import { icmp, ip4, ip6, tcp, transportIsValid, udp } from './test-packets.ts';

const HOST = '2001:db8:1::1';
const PEER6 = '64:ff9b::c633:6409';
const PEER4 = '198.51.100.9';
const MAPS: TranslatorInput = { maps: [{ v4: '192.0.2.1', v6: HOST }], own4: '192.0.2.254', own6: '2001:db8::fe' };

function make(input: TranslatorInput): Translator {
  const made = createTranslator(translatorSchema.parse(input));
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

/** Reason and the ICMP type and code of the error made, if one was. */
function run(t: Translator, side: 4 | 6, b: Uint8Array, nowNs = 0): [string, number?, number?] {
  const sink = newSink();
  const { id } = reasonOf(t.translate(side, b, 0, b.length, b.length, sink, nowNs));
  if (sink.count === 0 || sink.kind[0] !== 1) return [id];
  const out = sink.packet(0);
  expect(sink.side[0]).toBe(side);
  expect(transportIsValid(out)).toBe(true);
  const at = side === 6 ? 40 : 20;
  return [id, out[at]!, out[at + 1]!];
}

describe('how many errors are made (RFC 4443 section 2.4 (f), RFC 7915 sections 4.4 and 5.4)', () => {
  const expired = ip6(HOST, PEER6, 17, udp(1_000, 53), { ttl: 1 });

  it('a burst at once, then the rate, on the lab clock', () => {
    const t = siit({ ...MAPS, icmpErrors: { ratePerS: 10, burst: 3 } });
    const at = (nowNs: number): string => run(t, 6, expired, nowNs)[0];
    expect([0, 0, 0, 0].map(at)).toEqual(['hopLimitExpired', 'hopLimitExpired', 'hopLimitExpired', 'answerLimited']);
    expect([at(0.05e9), at(0.1e9), at(0.1e9), at(0.15e9), at(0.2e9)]).toEqual([
      'answerLimited',
      'hopLimitExpired',
      'answerLimited',
      'answerLimited',
      'hopLimitExpired',
    ]);
    // A long pause fills the bucket to the burst and no further.
    expect([100e9, 100e9, 100e9, 100e9].map(at).filter((reason) => reason === 'hopLimitExpired')).toHaveLength(3);
    expect([t.context.errors.sent, t.context.errors.limited]).toEqual([8, 5]);
  });

  it('none where they are off; translation goes on', () => {
    const t = siit({ ...MAPS, icmpErrors: { send: false } });
    expect(run(t, 6, expired)).toEqual(['answerLimited']);
    expect(run(t, 6, ip6(HOST, PEER6, 17, udp(1_000, 53)))[0]).toBe('translated');
  });
});

describe('errors about packets without a rule', () => {
  const stranger = ip6('2001:db8:9::9', PEER6, 17, udp(1_000, 53));
  const unmapped = ip4(PEER4, '203.0.113.77', 17, udp(53, 1_000));

  it('none by default; 1/1 and 3/13 where configured, never about errors and what is dropped in silence', () => {
    const silent = siit({ ...MAPS, pool6: ['2001:db8:64::/96'] });
    expect(run(silent, 6, ip6('2001:db8:9::9', '2001:db8:64::c633:6409', 17, udp(1, 2)))).toEqual(['noSource4']);
    const t = siit({ ...MAPS, icmpErrors: { drops: 'answer' }, deny4: ['203.0.113.0/24'] });
    expect(run(t, 6, stranger)).toEqual(['noSource4', 1, 1]);
    expect(run(t, 4, unmapped)).toEqual(['denied', 3, 13]);
    const letter = siit({ ...MAPS, icmpErrors: { drops: 'ipv6' }, deny4: ['203.0.113.0/24'] });
    expect([run(letter, 6, stranger), run(letter, 4, unmapped)]).toEqual([['noSource4', 1, 1], ['denied']]);
    const quoted = ip6(PEER6, '2001:db8:9::9', 17, udp(1, 2));
    expect(run(t, 6, ip6('2001:db8:9::9', PEER6, 58, icmp(1, 4, 0, quoted)))).toEqual(['noErrorSource']);
    expect(run(t, 6, ip6('::1', PEER6, 17, udp(1, 2)))).toEqual(['illegalSource']);
    expect(run(t, 4, ip4('127.0.0.1', '192.0.2.1', 17, udp(1, 2)))).toEqual(['illegalSource']);
    expect(run(t, 4, ip4(PEER4, '192.0.2.1', 2, udp(1, 2)))).toEqual(['icmpSingleHop']);
  });

  it('stateful: protocol, port and table limits are answered as RFC 6146 says', () => {
    const nat: TranslatorInput = {
      mode: 'nat64',
      own4: '203.0.113.254',
      nat64: { pool4: [{ prefix: '203.0.113.1' }], maxBindings: 16, maxSessions: 16, maxBindingsPerSubscriber: 2 },
    };
    const t = make(nat);
    expect(run(t, 6, ip6(HOST, PEER6, 132, new Uint8Array(12)))).toEqual(['unsupportedProtocol', 1, 4]);
    expect(run(t, 4, ip4(PEER4, '203.0.113.1', 132, new Uint8Array(12)))).toEqual(['unsupportedProtocol', 3, 2]);
    for (const port of [1_000, 1_001]) expect(run(t, 6, ip6(HOST, PEER6, 17, udp(port, 53)))[0]).toBe('translated');
    expect(run(t, 6, ip6(HOST, PEER6, 17, udp(1_002, 53)))).toEqual(['subscriberLimit', 1, 3]);
    expect(run(t, 4, ip4(PEER4, '203.0.113.1', 17, udp(53, 9_999)))).toEqual(['noBinding']);
    for (let host = 2; host < 16; host++) run(t, 6, ip6(`2001:db8:${host}::1`, PEER6, 17, udp(1_000, 53)));
    run(t, 6, ip6('2001:db8:20::1', PEER6, 17, udp(1_000, 53)));
    run(t, 6, ip6('2001:db8:21::1', PEER6, 17, udp(1_000, 53)));
    expect(run(t, 6, ip6('2001:db8:22::1', PEER6, 17, udp(1_000, 53)))).toEqual(['bindingsFull', 1, 3]);
    const loud = make({ ...nat, icmpErrors: { drops: 'answer' } });
    expect(run(loud, 4, ip4(PEER4, '203.0.113.1', 17, udp(53, 9_999)))).toEqual(['noBinding', 3, 1]);
    expect(run(loud, 6, ip6(HOST, PEER6, 6, tcp(1, 2, 0x10)))).toEqual(['tcpNoState', 1, 1]);
  });
});

describe('sources of errors', () => {
  it('an error with an illegal source is translated, any other packet is dropped', () => {
    const t = siit({ ...MAPS, pool6: ['2001:db8:64::/96'] });
    const quoted = ip4('192.0.2.1', PEER4, 17, udp(1, 2));
    expect(run(t, 4, ip4('127.0.0.9', '192.0.2.1', 1, icmp(3, 1, 0, quoted)))[0]).toBe('translated');
    expect(run(t, 4, ip4('127.0.0.9', '192.0.2.1', 1, icmp(8, 0, 1)))[0]).toBe('illegalSource');
  });

  it('simple hairpinning: the map of an error source is used unless the packet in error went to it', () => {
    const t = siit({
      maps: [
        { v4: '203.0.113.1', v6: HOST },
        { v4: '203.0.113.2', v6: '2001:db8:1::2' },
        { v4: '203.0.113.3', v6: '2001:db8:1::3' },
      ],
      hairpin: 'simple',
    });
    const quoted = ip4('203.0.113.1', '203.0.113.2', 17, udp(1, 2));
    const source = (from: string): number => {
      const sink = newSink();
      const b = ip4(from, '203.0.113.1', 1, icmp(3, 3, 0, quoted));
      expect(reasonOf(t.translate(4, b, 0, b.length, b.length, sink)).id).toBe('translated');
      return u32(sink.packet(0), 8);
    };
    expect(source('203.0.113.2')).toBe(0x0064ff9b);
    expect(source('203.0.113.3')).toBe(0x20010db8);
  });
});
