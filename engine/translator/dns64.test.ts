import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dns64Schema, type Dns64Spec } from '../contract/index.ts';
import {
  buildDns,
  DNS_TYPE,
  dnsQuery,
  dnsResponse,
  formatIpv4,
  formatIpv6,
  parseDns,
  parseIpv4,
  parseIpv6,
  type DnsMessage,
  type DnsRecord,
} from '../wire/index.ts';
import { addressOfReverse, Dns64 } from './dns64.ts';
import { placeInZone } from './dns64-special.ts';
import { buildPref64, discoverPrefixes, parsePref64, pref64OfAdvertisement } from './pref64.ts';
import { formatPrefix6, parsePrefix64, PREFIX64_LENGTHS } from './prefix64.ts';
import { clatMaps } from './clat.ts';
import { Nat64 } from './nat64.ts';
import { newSink, settingsOf, siit } from './test-support.ts';
import { checksum } from '../wire/index.ts';
import { putU16, u16 } from '../base/index.ts';

function dns64(spec: Partial<Dns64Spec> = {}): Dns64 {
  const made = Dns64.create(dns64Schema.parse(spec));
  if (!made.ok) throw new Error(`${made.error.field}: ${made.error.message}`);
  return made.value;
}

const NAME = 'v4.example.org';
const query = (type: number = DNS_TYPE.AAAA, name = NAME): DnsMessage => dnsQuery(7, { name, type, class: 1 });
const record = (type: number, text: string, ttl = 3_600): DnsRecord => ({
  name: NAME,
  type,
  class: 1,
  ttl,
  data: { kind: 'address', address: type === DNS_TYPE.A ? parseIpv4(text)! : parseIpv6(text)! },
});
const SOA: DnsRecord = {
  name: 'example.org',
  type: DNS_TYPE.SOA,
  class: 1,
  ttl: 900,
  data: { kind: 'soa', primary: 'ns.example.org', mailbox: 'h.example.org', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 },
};
const empty = (): DnsMessage => ({ ...dnsResponse(query(), []), authorities: [SOA] });
const texts = (m: DnsMessage | undefined): string[] =>
  (m?.answers ?? []).map(({ data }) =>
    data.kind === 'address'
      ? data.address.length === 4
        ? formatIpv4(data.address, 0)
        : formatIpv6(data.address, 0)
      : data.kind === 'name'
        ? data.name
        : data.kind,
  );

describe('DNS64 (RFC 6147)', () => {
  it('makes AAAA of A where there is none, TTL at most that of the SOA', () => {
    const d = dns64();
    expect(d.onQuery(query()).action).toBe('ask-aaaa');
    expect(d.onAaaa(empty())).toMatchObject({ action: 'ask-a' });
    const step = d.onA(
      query(),
      empty(),
      dnsResponse(query(DNS_TYPE.A), [record(DNS_TYPE.A, '192.0.2.1'), record(DNS_TYPE.A, '192.0.2.2', 30)]),
    );
    expect(step.action).toBe('answer');
    expect(texts(step.message)).toEqual(['64:ff9b::c000:201', '64:ff9b::c000:202']);
    expect(step.message?.answers.map(({ ttl, type, name }) => [ttl, type, name])).toEqual([
      [900, 28, NAME],
      [30, 28, NAME],
    ]);
    expect(step.message?.questions).toEqual(query().questions);
    const wire = buildDns(step.message!);
    expect(wire.ok && parseDns(wire.value, 0, wire.value.length).ok).toBe(true);
    const noSoa = d.onA(query(), undefined, dnsResponse(query(DNS_TYPE.A), [record(DNS_TYPE.A, '192.0.2.1')]));
    expect(noSoa.message?.answers[0]?.ttl).toBe(600);
  });

  it('leaves real AAAA alone, leaves excluded ones out, and counts only-excluded as none', () => {
    const d = dns64();
    const real = record(DNS_TYPE.AAAA, '2001:db8::1');
    const mapped = record(DNS_TYPE.AAAA, '::ffff:192.0.2.1');
    expect(d.onAaaa(dnsResponse(query(), [real])).action).toBe('pass');
    expect(texts(d.onAaaa(dnsResponse(query(), [mapped, real])).message)).toEqual(['2001:db8::1']);
    expect(d.onAaaa(dnsResponse(query(), [mapped])).action).toBe('ask-a');
  });

  it('hands on "no such name", asks on after other errors and silence', () => {
    const d = dns64();
    expect(d.onAaaa(dnsResponse(query(), [], 3)).action).toBe('pass');
    expect(d.onAaaa(dnsResponse(query(), [], 2)).action).toBe('ask-a');
    expect(dns64({ validates: true }).onAaaa(dnsResponse(query(), [], 2)).action).toBe('pass');
    expect(d.onAaaa(undefined).action).toBe('ask-a');
    expect(d.onA(query(), empty(), dnsResponse(query(), []))).toMatchObject({ action: 'pass' });
    expect(d.onA(query(), undefined, undefined).message?.rcode).toBe(2);
  });

  it('answers with the OPT of the exchange with the client, not that of the A question', () => {
    const opt = (size: number): DnsRecord => ({ name: '', type: DNS_TYPE.OPT, class: size, ttl: 0, data: { kind: 'opt', options: [] } });
    const a = { ...dnsResponse(query(DNS_TYPE.A), [record(DNS_TYPE.A, '192.0.2.1')]), additionals: [opt(4_096)] };
    const sizes = (aaaa: DnsMessage) =>
      dns64()
        .onA(query(), aaaa, a)
        .message?.additionals.map((each) => each.class);
    expect([sizes(dnsResponse(query(), [])), sizes({ ...dnsResponse(query(), []), additionals: [opt(1_232)] })]).toEqual([[], [1_232]]);
  });

  it('sets AD where the client asked with DO and a validating resolver found both answers good, and nowhere else', () => {
    const opt: DnsRecord = { name: '', type: DNS_TYPE.OPT, class: 1_232, ttl: 0x8000, data: { kind: 'opt', options: [] } };
    const ad = (validates: boolean, wants: boolean, goodAaaa: boolean, goodA: boolean): boolean | undefined => {
      const asked = { ...query(), additionals: wants ? [opt] : [] };
      const aaaa = { ...dnsResponse(asked, []), authenticData: goodAaaa };
      const a = { ...dnsResponse(query(DNS_TYPE.A), [record(DNS_TYPE.A, '192.0.2.1')]), authenticData: goodA };
      return dns64({ validates }).onA(asked, aaaa, a).message?.authenticData;
    };
    expect(ad(true, true, true, true)).toBe(true);
    const others = [ad(false, true, true, true), ad(true, false, true, true), ad(true, true, false, true), ad(true, true, true, false)];
    expect(others).toEqual([false, false, false, false]);
  });

  it('keeps the chain of aliases, drops signatures over A, clears AD', () => {
    const alias: DnsRecord = { name: 'www.example.org', type: DNS_TYPE.CNAME, class: 1, ttl: 60, data: { kind: 'name', name: NAME } };
    const signature: DnsRecord = {
      ...record(DNS_TYPE.A, '0.0.0.0'),
      type: DNS_TYPE.RRSIG,
      data: {
        kind: 'rrsig',
        typeCovered: DNS_TYPE.A,
        algorithm: 8,
        labels: 3,
        originalTtl: 1,
        expiration: 1,
        inception: 1,
        keyTag: 1,
        signer: 'example.org',
        signature: new Uint8Array(4),
      },
    };
    const a = { ...dnsResponse(query(DNS_TYPE.A), [alias, record(DNS_TYPE.A, '192.0.2.1'), signature]), authenticData: true };
    const step = dns64().onA(query(), empty(), a);
    expect(texts(step.message)).toEqual([NAME, '64:ff9b::c000:201']);
    expect(step.message?.authenticData).toBe(false);
  });

  it('makes one record for each prefix, none for excluded A', () => {
    const d = dns64({ prefixes: ['2001:db8:64::/96', '2001:db8:48::/48'], exclude4: ['10.0.0.0/8'] });
    const step = d.onA(query(), empty(), dnsResponse(query(DNS_TYPE.A), [record(DNS_TYPE.A, '10.0.0.1'), record(DNS_TYPE.A, '192.0.2.1')]));
    expect(texts(step.message)).toEqual(['2001:db8:64::c000:201', '2001:db8:48:c000:2:100::']);
  });

  it('takes the prefixes of the narrowest range, and the well-known prefix for global addresses only', () => {
    const d = dns64({
      prefixes: ['64:ff9b::/96'],
      ranges: [
        { v4: '10.0.0.0/8', prefixes: ['2001:db8:8::/96'] },
        { v4: '10.1.0.0/16', prefixes: ['2001:db8:16::/96', '64:ff9b::/96'] },
      ],
    });
    const a = ['10.2.0.1', '10.1.0.1', '192.168.0.1', '198.51.100.1'].map((text) => record(DNS_TYPE.A, text));
    const step = d.onA(query(), empty(), dnsResponse(query(DNS_TYPE.A), a));
    expect(texts(step.message)).toEqual(['2001:db8:8::a02:1', '2001:db8:16::a01:1', '64:ff9b::c633:6401']);
    expect(d.onA(query(), empty(), dnsResponse(query(DNS_TYPE.A), [a[2]!])).action).toBe('pass');
    const made = Dns64.create(dns64Schema.parse({ ranges: [{ v4: '10.0.0.0/8', prefixes: ['2001:db8::/97'] }] }));
    expect(made.ok ? '' : made.error.field).toBe('dns64.ranges.0.prefixes.0');
  });

  it('hands on authority and additional records of the A answer, and its error', () => {
    const ns: DnsRecord = { name: 'example.org', type: DNS_TYPE.NS, class: 1, ttl: 9, data: { kind: 'name', name: 'ns.example.org' } };
    const glue = { ...record(DNS_TYPE.A, '192.0.2.53'), name: 'ns.example.org' };
    const a = { ...dnsResponse(query(DNS_TYPE.A), [record(DNS_TYPE.A, '198.51.100.1')]), authorities: [ns], additionals: [glue] };
    const { message } = dns64().onA(query(), empty(), a);
    expect([message!.authorities, message!.additionals, message!.questions[0]!.type]).toEqual([[ns], [glue], DNS_TYPE.AAAA]);
    const failed = dns64().onA(query(), empty(), dnsResponse(query(DNS_TYPE.A), [], 2));
    expect([failed.action, failed.message?.rcode, failed.message?.questions[0]?.type]).toEqual(['answer', 2, DNS_TYPE.AAAA]);
  });

  it('does nothing for other types, classes and clients that validate', () => {
    const d = dns64();
    const opt: DnsRecord = { name: '.', type: DNS_TYPE.OPT, class: 1_232, ttl: 0x8000, data: { kind: 'opt', options: [] } };
    expect(d.onQuery(query(DNS_TYPE.MX)).action).toBe('pass');
    expect(d.onQuery(dnsQuery(1, { name: NAME, type: DNS_TYPE.AAAA, class: 3 })).action).toBe('pass');
    expect(d.onQuery({ ...query(), additionals: [opt], checkingDisabled: true }).action).toBe('pass');
    expect(d.onQuery({ ...query(), additionals: [opt] }).action).toBe('ask-aaaa');
  });

  it('answers the reverse name of a synthetic address with an alias', () => {
    const name = `${'1.2.0.0.0.0.0.c'}.${'0.'.repeat(16)}b.9.f.f.4.6.0.0.ip6.arpa`;
    expect(formatIpv6(addressOfReverse(name)!, 0)).toBe('64:ff9b::c000:21');
    expect(texts(dns64().onQuery(query(DNS_TYPE.PTR, name)).message)).toEqual(['33.0.0.192.in-addr.arpa']);
    expect(dns64().onQuery(query(DNS_TYPE.PTR, '1.0.0.127.in-addr.arpa')).action).toBe('pass');
    expect(addressOfReverse('g.ip6.arpa')).toBeUndefined();
    // The well-known prefix always, other addresses never.
    expect(texts(dns64({ prefixes: ['2001:db8:64::/96'] }).onQuery(query(DNS_TYPE.PTR, name)).message)).toEqual([
      '33.0.0.192.in-addr.arpa',
    ]);
    expect(dns64().onQuery(query(DNS_TYPE.PTR, `${'1.'.repeat(32)}ip6.arpa`)).action).toBe('pass');
  });
});

describe('prefix discovery', () => {
  it('finds the prefix of every length in the answer for ipv4only.arpa (RFC 7050)', () => {
    for (const length of PREFIX64_LENGTHS) {
      const text = `2001:db8:${length === 32 ? ':' : length === 40 ? '100::' : '122::'}/${length}`;
      const prefix = parsePrefix64(text);
      if (!prefix.ok) throw new Error(prefix.error);
      const a = dnsResponse(query(DNS_TYPE.A, 'ipv4only.arpa'), [record(DNS_TYPE.A, '192.0.0.170'), record(DNS_TYPE.A, '192.0.0.171')]);
      const answer = dns64({ prefixes: [formatPrefix6(prefix.value)] }).onA(query(DNS_TYPE.AAAA, 'ipv4only.arpa'), empty(), a);
      expect(discoverPrefixes(answer.message!).map(formatPrefix6)).toEqual([formatPrefix6(prefix.value)]);
    }
    expect(discoverPrefixes(dnsResponse(query(), [record(DNS_TYPE.AAAA, '2001:db8::1')]))).toEqual([]);
  });

  it('is not fooled by a prefix that holds the well-known address itself', () => {
    const both = ['2001:db8:c000:aa::c000:aa', '2001:db8:c000:aa::c000:ab'].map((text) => record(DNS_TYPE.AAAA, text));
    expect(discoverPrefixes(dnsResponse(query(), both)).map(formatPrefix6)).toEqual(['2001:db8:c000:aa::/96']);
  });

  it('knows the zone of ipv4only.arpa, and not the reverse names, which are special to libraries alone (RFC 8880 section 7)', () => {
    expect(['ipv4only.arpa', 'IPv4only.ARPA.'].map(placeInZone)).toEqual(['zone', 'zone']);
    expect(['x.ipv4only.arpa', 'a.b.IPV4ONLY.arpa.'].map(placeInZone)).toEqual(['below', 'below']);
    const others = ['xipv4only.arpa', 'arpa', '', '170.0.0.192.in-addr.arpa', 'x\\.ipv4only.arpa', 'ipv4only.arpa.example'];
    expect(others.map(placeInZone)).toEqual(others.map(() => undefined));
  });

  it('answers for ipv4only.arpa itself: both kinds of addresses, nothing of other types, no name below it; DS is asked for (RFC 8880 section 7.1)', () => {
    const dns = dns64({ prefixes: ['2001:db8:64::/96', '2001:db8:100::/40'], ttlS: 300 });
    const ask = (type: number, name = 'IPv4only.arpa') => dns.onQuery(query(type, name)).message;
    expect(texts(ask(DNS_TYPE.A))).toEqual(['192.0.0.170', '192.0.0.171']);
    const aaaa = ask(DNS_TYPE.AAAA)!;
    expect(discoverPrefixes(aaaa).map(formatPrefix6)).toEqual(['2001:db8:64::/96', '2001:db8:100::/40']);
    expect([aaaa.answers.length, aaaa.answers[0]!.ttl, aaaa.authoritative, aaaa.rcode, aaaa.id]).toEqual([4, 300, true, 0, 7]);
    for (const type of [DNS_TYPE.NS, DNS_TYPE.SOA, DNS_TYPE.PTR, DNS_TYPE.MX]) {
      const none = ask(type)!;
      expect([none.rcode, none.answers.length, none.authorities[0]!.type]).toEqual([0, 0, DNS_TYPE.SOA]);
    }
    for (const type of [DNS_TYPE.A, DNS_TYPE.AAAA, DNS_TYPE.DS]) expect(ask(type, 'x.ipv4only.arpa')!.rcode).toBe(3);
    expect(dns.onQuery(query(DNS_TYPE.DS, 'ipv4only.arpa')).action).toBe('pass');
    // The zone is not signed: a client that validates is answered too, and OPT with OPT.
    const opt = { name: '', type: DNS_TYPE.OPT, class: 1_232, ttl: 0x8000, data: { kind: 'opt' as const, options: [{ code: 10, data: Uint8Array.of(1) }] } }; // prettier-ignore
    const asked = { ...query(DNS_TYPE.AAAA, 'ipv4only.arpa'), checkingDisabled: true, additionals: [opt] };
    const step = dns.onQuery(asked);
    expect([step.rule, step.message!.authenticData, step.message!.answers.length]).toEqual(['RFC 8880 section 7.1', false, 4]);
    expect(step.message!.additionals).toEqual([{ ...opt, data: { kind: 'opt', options: [] } }]);
  });

  it('the reverse names of the well-known addresses under its prefixes are ipv4only.arpa at once (RFC 8880 section 7.2.1)', () => {
    const name = `${[...'0064ff9b0000000000000000c00000ab'].reverse().join('.')}.ip6.arpa`;
    const { message } = dns64().onQuery(query(DNS_TYPE.PTR, name));
    expect([message!.answers.map(({ type }) => type), texts(message)]).toEqual([[DNS_TYPE.PTR], ['ipv4only.arpa']]);
  });

  it('builds and reads the option of router advertisements (RFC 8781)', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.constantFrom(...PREFIX64_LENGTHS),
        fc.nat(70_000),
        (bytes, length, lifetimeS) => {
          const prefix = { bytes: bytes.map((b, i) => (i < length / 8 ? b : 0)), length };
          const option = buildPref64({ prefix, lifetimeS });
          if (!option.ok) throw new Error(option.error);
          const advertisement = new Uint8Array([
            134,
            0,
            0,
            0,
            64,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            5,
            1,
            0,
            0,
            0,
            0,
            5,
            220,
            ...option.value,
          ]);
          const read = pref64OfAdvertisement(advertisement, 0, advertisement.length);
          expect(read.map((p) => [formatPrefix6(p.prefix), p.lifetimeS])).toEqual([
            [formatPrefix6(prefix), Math.min(65_528, Math.ceil(lifetimeS / 8) * 8)],
          ]);
        },
      ),
    );
    expect(buildPref64({ prefix: { bytes: new Uint8Array(16), length: 72 }, lifetimeS: 1 }).ok).toBe(false);
    expect(parsePref64(new Uint8Array([38, 2, 0, 7, ...new Uint8Array(12)]), 0, 16).ok).toBe(false);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (b) => pref64OfAdvertisement(b, 0, b.length).length >= 0));
  });
});

describe('464XLAT (RFC 6877)', () => {
  it('a packet goes CLAT, PLAT, and the answer comes back', () => {
    const maps = clatMaps('2001:db8:aaaa::/96', ['192.168.1.0/24']);
    if (!maps.ok) throw new Error(maps.error);
    const clat = siit({ mode: 'clat', maps: maps.value });
    const plat = Nat64.create(
      settingsOf({ mode: 'nat64', nat64: { pool4: [{ prefix: '203.0.113.1' }], maxSessions: 16, maxBindings: 16 } }),
    );
    if (!plat.ok) throw new Error(plat.error.message);
    const packet = new Uint8Array([
      0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 192, 168, 1, 5, 198, 51, 100, 9, 0x0f, 0xa0, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4,
    ]);
    putU16(packet, 10, checksum(packet, 0, 20));
    const hop = (side: 4 | 6, b: Uint8Array, through: 'clat' | 'plat'): Uint8Array => {
      const sink = newSink();
      if (through === 'clat') clat.translate(side, b, 0, b.length, b.length, sink);
      else plat.value.translate(side, b, 0, b.length, b.length, sink, 0);
      expect(sink.count).toBe(1);
      return sink.packet(0);
    };
    const middle = hop(4, packet, 'clat');
    expect([formatIpv6(middle, 8), formatIpv6(middle, 24)]).toEqual(['2001:db8:aaaa::c0a8:105', '64:ff9b::c633:6409']);
    const out = hop(6, middle, 'plat');
    expect([formatIpv4(out, 12), formatIpv4(out, 16), u16(out, 20)]).toEqual(['203.0.113.1', '198.51.100.9', 4_000]);
    const turned = out.slice();
    turned.set(out.subarray(16, 20), 12);
    turned.set(out.subarray(12, 16), 16);
    turned.set([0, 53, 0x0f, 0xa0], 20);
    const back = hop(6, hop(4, turned, 'plat'), 'clat');
    expect([formatIpv4(back, 12), formatIpv4(back, 16), u16(back, 22)]).toEqual(['198.51.100.9', '192.168.1.5', 4_000]);
  });
});
