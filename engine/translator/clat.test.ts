import { describe, expect, it } from 'vitest';
import { putU16, unwrap } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { buildDns, checksum, DNS_TYPE, dnsQuery, dnsResponse, emitIpv6, formatIpv6, parseIpv6, pseudoSum6 } from '../wire/index.ts';
import { clatMaps } from './clat.ts';
import { createTranslator } from './create.ts';
import { DiscoveringClat } from './discovering-clat.ts';
import { buildPref64 } from './pref64.ts';
import { parsePrefix64 } from './prefix64.ts';
import { reasonOf } from './reasons.ts';
import { newSink, settingsOf, siit } from './test-support.ts';

const ROUTER = parseIpv6('fe80::1')!;
const ALL_NODES = parseIpv6('ff02::1')!;
const HOST = parseIpv6('2001:db8::5')!;
const S = 1e9;

function ip6(next: number, hopLimit: number, source: Uint8Array, destination: Uint8Array, payload: Uint8Array): Uint8Array {
  const b = new Uint8Array(40 + payload.length);
  emitIpv6(b, 0, { payloadLength: payload.length, nextHeader: next, hopLimit, source, destination });
  b.set(payload, 40);
  const sum = next === 58 ? 42 : 46;
  putU16(b, sum, 0);
  putU16(b, sum, checksum(b, 40, b.length, pseudoSum6(b, 8, 24, next, payload.length)));
  return b;
}

/** A router advertisement with one PREF64 option for each prefix. */
function advertisement(prefixes: readonly (readonly [string, number])[], hopLimit = 255, source = ROUTER): Uint8Array {
  const options = prefixes.flatMap(([text, lifetimeS]) => [...unwrap(buildPref64({ prefix: unwrap(parsePrefix64(text)), lifetimeS }))]);
  return ip6(58, hopLimit, source, ALL_NODES, new Uint8Array([134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, ...options]));
}

/** The answer of a DNS64 for ipv4only.arpa. */
function dnsAnswer(addresses: readonly string[], ttl: number): Uint8Array {
  const name = 'ipv4only.arpa';
  const query = dnsQuery(7, { name, type: DNS_TYPE.AAAA, class: 1 });
  const answers = addresses.map((text) => ({
    name,
    type: DNS_TYPE.AAAA,
    class: 1,
    ttl,
    data: { kind: 'address' as const, address: parseIpv6(text)! },
  }));
  const message = unwrap(buildDns(dnsResponse(query, answers)));
  const udp = new Uint8Array([0, 53, 0x10, 0, 0, 0, 0, 0, ...message]);
  putU16(udp, 4, udp.length);
  return ip6(17, 64, HOST, HOST, udp);
}

const OUT4 = new Uint8Array([
  0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 0, 1, 198, 51, 100, 9, 0x0f, 0xa0, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4,
]);
putU16(OUT4, 10, checksum(OUT4, 0, 20));

function start(input: TranslatorInput = {}) {
  const made = createTranslator(translatorSchema.parse({ mode: 'clat', clat: { provider: 'discover' }, ...input }));
  if (!made.ok) throw new Error(`${made.error.field}: ${made.error.message}`);
  if (!(made.value instanceof DiscoveringClat)) throw new Error('not a CLAT that discovers');
  const clat = made.value;
  const sink = newSink();
  const give = (side: 4 | 6, bytes: Uint8Array, tS = 0): string => {
    sink.clear();
    return reasonOf(clat.translate(side, bytes, 0, bytes.length, bytes.length, sink, tS * S)).id;
  };
  /** What a packet of an IPv4 host is sent to at this time, or the reason that it is not. */
  const sent = (tS = 0): string => {
    const id = give(4, OUT4, tS);
    return sink.count === 1 ? formatIpv6(sink.packet(0), 24) : id;
  };
  return { clat, give, sent };
}

describe('a CLAT that discovers the prefix of its provider (RFC 6877 section 6.3)', () => {
  it('translates nothing before it knows the prefix, and then by the router advertisement (RFC 8781)', () => {
    const { give, sent } = start();
    expect(sent()).toBe('noProviderPrefix');
    expect(give(6, advertisement([['2001:db8:64::/96', 600]]), 1)).toBe('icmpSingleHop');
    expect(sent(2)).toBe('2001:db8:64::c633:6409');
  });

  it('by the answer for ipv4only.arpa (RFC 7050), for as long as its records live', () => {
    const { give, sent } = start();
    give(6, dnsAnswer(['2001:db8:1:2:c0:0:aa00:0', '2001:db8:1:2:c0:0:ab00:0'], 300));
    expect(sent(299)).toBe('2001:db8:1:2:c6:3364:900:0');
    expect(sent(300)).toBe('noProviderPrefix');
  });

  it('prefers the advertisement, follows a new one, and gives up a prefix of lifetime zero', () => {
    const { give, sent } = start();
    give(6, dnsAnswer(['64:ff9b::c000:aa'], 300));
    expect(sent()).toBe('64:ff9b::c633:6409');
    give(6, advertisement([['2001:db8:64::/96', 600]]));
    expect(sent()).toBe('2001:db8:64::c633:6409');
    give(6, advertisement([['2001:db8:64::/96', 0], ['2001:db8:65::/96', 1_800]])); // prettier-ignore
    expect(sent()).toBe('2001:db8:65::c633:6409');
    give(6, advertisement([['2001:db8:65::/96', 0]]));
    expect(sent()).toBe('64:ff9b::c633:6409');
  });

  it('believes no advertisement that a router on the link cannot have sent, and no damaged one', () => {
    const { give, sent } = start();
    give(6, advertisement([['2001:db8:64::/96', 600]], 64));
    give(6, advertisement([['2001:db8:64::/96', 600]], 255, HOST));
    const damaged = advertisement([['2001:db8:64::/96', 600]]);
    damaged[60] = 1;
    give(6, damaged);
    give(6, advertisement([['2001:db8:64::/96', 600]]).subarray(0, 60));
    expect(sent()).toBe('noProviderPrefix');
  });

  it('keeps a limited number of prefixes and counts the others', () => {
    const { clat, give } = start();
    for (let i = 0; i < 20; i++) give(6, advertisement([[`2001:db8:${i + 1}::/96`, 600]]));
    expect(clat.ignoredPrefixes).toBe(4);
  });

  it('uses pool6 where it is not told to discover', () => {
    const made = createTranslator(translatorSchema.parse({ mode: 'clat' }));
    expect(made.ok && !(made.value instanceof DiscoveringClat)).toBe(true);
    expect(settingsOf({ mode: 'clat', clat: { provider: 'discover' } }).pool6).toEqual([]);
  });
});

describe('the prefix of a CLAT', () => {
  it('may be a /64 for translation alone, there and back', () => {
    const maps = unwrap(clatMaps('2001:db8:aaaa:1::/64', ['192.0.2.0/24']));
    expect(maps).toEqual([{ v4: '192.0.2.0/24', v6: '2001:db8:aaaa:1:c0:2::/96' }]);
    const clat = siit({ mode: 'clat', clat: { prefix: '2001:db8:aaaa:1::/64', networks: ['192.0.2.0/24'] } });
    const sink = newSink();
    const packet = OUT4.slice();
    packet.set([192, 0, 2, 5], 12);
    putU16(packet, 10, 0);
    putU16(packet, 10, checksum(packet, 0, 20));
    clat.translate(4, packet, 0, packet.length, packet.length, sink);
    const middle = sink.packet(0).slice();
    expect(formatIpv6(middle, 8)).toBe('2001:db8:aaaa:1:c0:2:500:0');
    const back = middle.slice();
    back.set(middle.subarray(24, 40), 8);
    back.set(middle.subarray(8, 24), 24);
    sink.clear();
    clat.translate(6, back, 0, back.length, back.length, sink);
    expect([...sink.packet(0).subarray(16, 20)]).toEqual([192, 0, 2, 5]);
  });

  it('has 96 or 64 bits', () => {
    expect(clatMaps('2001:db8::/56', []).ok).toBe(false);
  });
});
