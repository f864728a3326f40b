import { describe, expect, it } from 'vitest';
import { putU16, unwrap } from '../base/index.ts';
import { dns64Schema, type Dns64Spec } from '../contract/index.ts';
import {
  buildDns,
  checksum,
  DNS_TYPE,
  dnsQuery,
  dnsResponse,
  emitIpv6,
  finishSum,
  formatIpv6,
  parseDns,
  parseIpv4,
  parseIpv6,
  pseudoSum6,
  sum16,
  type DnsMessage,
} from '../wire/index.ts';
import { Dns64Packets } from './dns64-packets.ts';
import { PacketSink } from './packet-sink.ts';
import { reasonOf } from './reasons.ts';
import { newSink } from './test-support.ts';

const NAME = 'v4.example.org';
const CLIENT = parseIpv6('2001:db8::5')!;
const SERVER = parseIpv6('2001:db8::53')!;
const query = (type: number): DnsMessage => dnsQuery(7, { name: NAME, type, class: 1 });
const answer = (type: number, address?: Uint8Array): DnsMessage =>
  dnsResponse(query(type), address === undefined ? [] : [{ name: NAME, type, class: 1, ttl: 300, data: { kind: 'address', address } }]);
const EMPTY = answer(DNS_TYPE.AAAA);
const A = answer(DNS_TYPE.A, parseIpv4('192.0.2.33'));

/** The message over UDP and IPv6, from the client or to it. */
function packet(message: DnsMessage): Uint8Array {
  const payload = unwrap(buildDns(message));
  const b = new Uint8Array(48 + payload.length);
  const ends = message.response ? [SERVER, CLIENT] : [CLIENT, SERVER];
  emitIpv6(b, 0, { payloadLength: 8 + payload.length, nextHeader: 17, hopLimit: 64, source: ends[0]!, destination: ends[1]! });
  putU16(b, 40, message.response ? 53 : 4_444);
  putU16(b, 42, message.response ? 4_444 : 53);
  putU16(b, 44, 8 + payload.length);
  b.set(payload, 48);
  putU16(b, 46, checksum(b, 40, b.length, pseudoSum6(b, 8, 24, 17, 8 + payload.length)));
  return b;
}

function start(spec: Partial<Dns64Spec> = {}) {
  const dns = unwrap(Dns64Packets.create(dns64Schema.parse(spec)));
  const sink = newSink();
  const give = (bytes: Uint8Array, tNs = 0): [string, ...Uint8Array[]] => {
    sink.clear();
    const code = dns.translate(6, bytes, 0, bytes.length, bytes.length, sink, tNs);
    return [reasonOf(code).id, ...Array.from({ length: sink.count }, (_, i) => sink.packet(i))];
  };
  return { dns, sink, give };
}

const addresses = (b: Uint8Array): string[] =>
  unwrap(parseDns(b, 48, b.length)).answers.map(({ data }) =>
    data.kind === 'address' ? formatIpv6(data.address, 0) : data.kind === 'name' ? data.name : '',
  );
const checksumGood = (b: Uint8Array): boolean => finishSum(sum16(b, 40, b.length, pseudoSum6(b, 8, 24, 17, b.length - 40))) === 0;

describe('DNS64 on packets', () => {
  it('makes AAAA of the A answer that came before', () => {
    const { give } = start();
    expect(give(packet(A))[0]).toBe('dnsPassed');
    const [id, out] = give(packet(EMPTY));
    expect(id).toBe('dnsSynthesized');
    expect(addresses(out!)).toEqual(['64:ff9b::c000:221']);
    expect(checksumGood(out!)).toBe(true);
  });

  it('counts the held answers that find the output full, made ones and those let go', () => {
    const { dns } = start();
    const held = packet(EMPTY);
    // Room for the A answer and for nothing after it.
    const full = new PacketSink(packet(A).length + 64, 1);
    dns.translate(6, held, 0, held.length, held.length, full, 0);
    dns.translate(6, packet(A), 0, packet(A).length, packet(A).length, full, 1e9);
    expect([full.count, dns.lostPackets]).toEqual([1, 1]);
    const late = start().dns;
    late.translate(6, held, 0, held.length, held.length, full, 0);
    late.finish(full);
    expect([late.lostPackets, late.lostAnswers]).toEqual([1, 1]);
  });

  it('waits for the A answer, and lets go what waited too long', () => {
    const { give, dns, sink } = start();
    expect(give(packet(EMPTY), 0)).toEqual(['dnsHeld']);
    const [id, a, made] = give(packet(A), 1e9);
    expect([id, addresses(made!)]).toEqual(['dnsPassed', ['64:ff9b::c000:221']]);
    expect(a).toEqual(packet(A));
    const late = start();
    expect(late.give(packet(EMPTY), 0)).toEqual(['dnsHeld']);
    const [, first] = late.give(packet(query(DNS_TYPE.A)), 5e9);
    expect(first).toEqual(packet(EMPTY));
    expect(late.dns.lostAnswers).toBe(1);
    sink.clear();
    expect(dns.finish(sink)).toBe(1e9);
  });

  it('leaves real AAAA, queries and other packets as they are', () => {
    const { give } = start();
    const real = packet(answer(DNS_TYPE.AAAA, parseIpv6('2001:db8::99')));
    for (const bytes of [real, packet(query(DNS_TYPE.AAAA))]) expect(give(bytes)).toEqual(['dnsPassed', bytes]);
    const tcp = packet(query(DNS_TYPE.AAAA));
    tcp[6] = 6;
    expect(give(tcp)[0]).toBe('notDns');
    const broken = packet(EMPTY).slice(0, 52);
    putU16(broken, 4, 12);
    putU16(broken, 44, 12);
    expect(give(broken)[0]).toBe('notDns');
  });

  it('answers the reverse name of a synthetic address', () => {
    const { give } = start();
    const name = `${[...'0064ff9b0000000000000000c0000221'].reverse().join('.')}.ip6.arpa`;
    const [id, out] = give(packet(dnsQuery(9, { name, type: DNS_TYPE.PTR, class: 1 })));
    expect(id).toBe('dnsReverse');
    expect(addresses(out!)).toEqual(['33.2.0.192.in-addr.arpa']);
    expect(formatIpv6(out!, 24)).toBe('2001:db8::5');
    expect(checksumGood(out!)).toBe(true);
  });

  it('an answer larger than the client takes leaves without records and with TC set, as its query says', () => {
    const many = Array.from({ length: 30 }, (_, i) => parseIpv4(`198.18.0.${i}`)!);
    const large = dnsResponse(query(DNS_TYPE.A), many.map((address) => ({ name: NAME, type: DNS_TYPE.A, class: 1, ttl: 60, data: { kind: 'address' as const, address } }))); // prettier-ignore
    const opt = (size: number) => ({ name: '', type: DNS_TYPE.OPT, class: size, ttl: 0, data: { kind: 'opt' as const, options: [] } });
    const asked = (size: number | undefined, seen: boolean): [string, number, boolean, number] => {
      const { give } = start();
      const additionals = size === undefined ? [] : [opt(size)];
      give(packet(large));
      if (seen) give(packet({ ...query(DNS_TYPE.AAAA), additionals }));
      const [id, out] = give(packet({ ...EMPTY, additionals: size === undefined ? [] : [opt(4_096)] }));
      const made = unwrap(parseDns(out!, 48, out!.length));
      expect(checksumGood(out!)).toBe(true);
      return [id, made.answers.length, made.truncated, made.questions.length];
    };
    expect(asked(undefined, true)).toEqual(['dnsTruncated', 0, true, 1]);
    expect(asked(600, true)).toEqual(['dnsTruncated', 0, true, 1]);
    expect(asked(1_232, true)).toEqual(['dnsSynthesized', 30, false, 1]);
    // Without the query: a client without EDNS0 takes 512 bytes, of others nothing is known.
    expect(asked(undefined, false)).toEqual(['dnsTruncated', 0, true, 1]);
    expect(asked(600, false)).toEqual(['dnsSynthesized', 30, false, 1]);
  });

  it('an answer that was cut on its way to the DNS64 is cut for the client too', () => {
    const { give } = start();
    give(packet({ ...answer(DNS_TYPE.A), truncated: true }));
    const [id, out] = give(packet(EMPTY));
    const made = unwrap(parseDns(out!, 48, out!.length));
    expect([id, made.truncated, made.answers]).toEqual(['dnsSynthesized', true, []]);
    // A whole answer is not forgotten for a cut one.
    const other = start();
    other.give(packet(A));
    other.give(packet({ ...answer(DNS_TYPE.A), truncated: true }));
    expect(addresses(other.give(packet(EMPTY))[1]!)).toEqual(['64:ff9b::c000:221']);
    const cutAaaa = packet({ ...EMPTY, truncated: true });
    expect(other.give(cutAaaa)).toEqual(['dnsPassed', cutAaaa]);
  });

  it('looks at what is known of the IPv4 reverse name before it makes an alias', () => {
    const reverse = '33.2.0.192.in-addr.arpa';
    const ask = (known: DnsMessage | undefined): [string, string[]] => {
      const { give } = start();
      if (known !== undefined) give(packet(known));
      const name = `${[...'0064ff9b0000000000000000c0000221'].reverse().join('.')}.ip6.arpa`;
      const [id, out] = give(packet(dnsQuery(9, { name, type: DNS_TYPE.PTR, class: 1 })));
      return [id, addresses(out!)];
    };
    const question = dnsQuery(8, { name: reverse, type: DNS_TYPE.PTR, class: 1 });
    const named = (name: string, type: number, to: string) => ({
      name,
      type,
      class: 1,
      ttl: 60,
      data: { kind: 'name' as const, name: to },
    });
    expect(ask(undefined)).toEqual(['dnsReverse', [reverse]]);
    expect(ask(dnsResponse(question, [named(reverse, DNS_TYPE.PTR, 'host.example')]))).toEqual(['dnsReverse', [reverse, 'host.example']]);
    const other = '33.0/26.2.0.192.in-addr.arpa';
    const chain = [named(reverse, DNS_TYPE.CNAME, other), named(other, DNS_TYPE.PTR, 'host.example')];
    expect(ask(dnsResponse(question, chain))).toEqual(['dnsPassed', []]);
    expect(ask({ ...dnsResponse(question, []), rcode: 3 })).toEqual(['dnsPassed', []]);
  });

  it('answers questions for ipv4only.arpa at once, and what a resolver says of it gives way (RFC 8880 section 7.1)', () => {
    const { give } = start();
    const ask = (type: number, name: string): DnsMessage => dnsQuery(9, { name, type, class: 1 });
    const question = ask(DNS_TYPE.AAAA, 'ipv4only.arpa');
    const [id, out] = give(packet(question));
    const both = ['64:ff9b::c000:aa', '64:ff9b::c000:ab'];
    expect([id, addresses(out!), formatIpv6(out!, 24), checksumGood(out!)]).toEqual(['dnsSpecial', both, '2001:db8::5', true]);
    const [code, instead] = give(packet(dnsResponse(question, [], 3)));
    expect([code, addresses(instead!), formatIpv6(instead!, 8)]).toEqual(['dnsSpecialReplaced', both, '2001:db8::53']);
    expect(checksumGood(instead!)).toBe(true);
    const below = give(packet(ask(DNS_TYPE.A, 'x.ipv4only.arpa')));
    expect([below[0], unwrap(parseDns(below[1]!, 48, below[1]!.length)).rcode]).toEqual(['dnsSpecial', 3]);
    const ds = packet(ask(DNS_TYPE.DS, 'ipv4only.arpa'));
    expect(give(ds)).toEqual(['dnsPassed', ds]);
  });
});
