import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { putU16, putU32, u16, u32, unwrap } from '../base/index.ts';
import { dns64Schema, type Dns64Spec } from '../contract/index.ts';
import {
  buildDns,
  checksum,
  DNS_TYPE,
  dnsQuery,
  dnsResponse,
  formatIpv6,
  parseDns,
  parseIpv4,
  pseudoSum4,
  pseudoSum6,
  type DnsMessage,
} from '../wire/index.ts';
import { Dns64Packets } from './dns64-packets.ts';
import { limitsHit } from './limits-hit.ts';
import { reasonOf } from './reasons.ts';
import { newSink } from './test-support.ts';
import { ip4, ip6 } from './test-packets.ts';

const NAME = 'v4.example.org';
const CLIENT = '2001:db8::5';
const SERVER = '2001:db8::53';
const SYN = 2;
const ACK = 16;
const FIN = 1;
/** Sequence numbers of the server wrap inside the connection. */
const SERVER_ISN = 0xffff_fff0;
const CLIENT_ISN = 5_000;

const query = (type: number, name = NAME): DnsMessage => dnsQuery(7, { name, type, class: 1 });
const answer = (type: number, address?: Uint8Array, name = NAME): DnsMessage =>
  dnsResponse(query(type, name), address === undefined ? [] : [{ name, type, class: 1, ttl: 300, data: { kind: 'address', address } }]);
const EMPTY = answer(DNS_TYPE.AAAA);
const A = answer(DNS_TYPE.A, parseIpv4('192.0.2.33'));

/** The message with its length before it. */
function framed(...messages: readonly DnsMessage[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((message) => {
    const bytes = unwrap(buildDns(message));
    return [bytes.length >>> 8, bytes.length & 255, ...bytes];
  })); // prettier-ignore
}

interface Segment {
  readonly from: 'client' | 'server';
  readonly sequence: number;
  readonly acknowledged: number;
  readonly flags?: number;
  readonly data?: Uint8Array;
  readonly family?: 4 | 6;
  readonly sack?: readonly [number, number];
}

function packet({ from, sequence, acknowledged, flags = ACK, data = new Uint8Array(0), family = 6, sack }: Segment): Uint8Array {
  const header = sack === undefined ? 20 : 32;
  const body = new Uint8Array(header + data.length);
  putU16(body, 0, from === 'client' ? 4_444 : 53);
  putU16(body, 2, from === 'client' ? 53 : 4_444);
  putU32(body, 4, sequence >>> 0);
  putU32(body, 8, acknowledged >>> 0);
  body[12] = (header / 4) << 4;
  body[13] = flags;
  if (sack !== undefined) {
    body.set([1, 1, 5, 10], 20);
    putU32(body, 24, sack[0] >>> 0);
    putU32(body, 28, sack[1] >>> 0);
  }
  body.set(data, header);
  if (family === 4) return from === 'client' ? ip4('192.0.2.5', '192.0.2.53', 6, body) : ip4('192.0.2.53', '192.0.2.5', 6, body);
  return from === 'client' ? ip6(CLIENT, SERVER, 6, body) : ip6(SERVER, CLIENT, 6, body);
}

/** A connection through a DNS64: what the client gets is put together as TCP does it. */
class Talk {
  readonly dns: Dns64Packets;
  readonly received = new Map<number, number>();
  readonly codes: string[] = [];
  now = 0;
  private readonly family: 4 | 6;

  constructor(spec: Partial<Dns64Spec> = {}, family: 4 | 6 = 6) {
    this.dns = unwrap(Dns64Packets.create(dns64Schema.parse(spec)));
    this.family = family;
    this.give({ from: 'client', sequence: CLIENT_ISN, acknowledged: 0, flags: SYN });
    this.give({ from: 'server', sequence: SERVER_ISN, acknowledged: CLIENT_ISN + 1, flags: SYN | ACK });
  }

  give(segment: Segment): Uint8Array[] {
    const b = packet({ ...segment, family: this.family });
    const sink = newSink();
    this.codes.push(reasonOf(this.dns.translate(this.family, b, 0, b.length, b.length, sink, this.now)).id);
    return this.take(sink);
  }

  /** The server says bytes `from` to `to` of its stream. */
  say(stream: Uint8Array, from = 0, to = stream.length, flags = ACK): Uint8Array[] {
    return this.give({
      from: 'server',
      sequence: SERVER_ISN + 1 + from,
      acknowledged: CLIENT_ISN + 1,
      flags,
      data: stream.slice(from, to),
    });
  }

  take(sink: ReturnType<typeof newSink>): Uint8Array[] {
    const out = Array.from({ length: sink.count }, (_, i) => sink.packet(i).slice());
    const t = this.family === 6 ? 40 : 20;
    for (const b of out) {
      const pseudo = this.family === 6 ? pseudoSum6(b, 8, 24, 6, b.length - t) : pseudoSum4(b, 12, 16, 6, b.length - t);
      expect([checksum(b, t, b.length, pseudo), this.family === 4 ? checksum(b, 0, 20) : u16(b, 4) + 40 - b.length]).toEqual([0, 0]);
      if (u16(b, t) !== 53) continue;
      const data = t + (b[t + 12]! >> 4) * 4;
      const first = (u32(b, t + 4) - SERVER_ISN - 1) | 0;
      for (let i = data; i < b.length; i++) {
        // What is said again is said as before.
        expect(this.received.get(first + i - data) ?? b[i]).toBe(b[i]);
        this.received.set(first + i - data, b[i]!);
      }
    }
    return out;
  }

  /** The messages of the stream that the client has, which has no gap. */
  messages(): DnsMessage[] {
    const bytes = Uint8Array.from({ length: this.received.size }, (_, i) => this.received.get(i)!);
    const out: DnsMessage[] = [];
    for (let at = 0; at < bytes.length; at += 2 + u16(bytes, at)) out.push(unwrap(parseDns(bytes, at + 2, at + 2 + u16(bytes, at))));
    return out;
  }
}

const shown = ({ answers, questions }: DnsMessage): string =>
  `${questions[0]!.type}: ${answers.map(({ data }) => (data.kind === 'address' ? (data.address.length === 16 ? formatIpv6(data.address, 0) : data.address.join('.')) : data.kind === 'name' ? data.name : '')).join(' ')}`; // prettier-ignore

describe('DNS64 over TCP (RFC 7766, RFC 6147 section 5)', () => {
  it('an empty answer becomes one of the A answer before it, in one segment, over IPv6 and IPv4', () => {
    for (const family of [6, 4] as const) {
      const talk = new Talk({}, family);
      talk.say(framed(A, EMPTY));
      expect(talk.messages().map(shown)).toEqual(['1: 192.0.2.33', '28: 64:ff9b::c000:221']);
      expect(talk.codes).toEqual(['notDns', 'notDns', 'dnsSynthesized']);
    }
  });

  it('waits for an A answer behind it, on the same connection or on another one, and then goes', () => {
    const talk = new Talk();
    const stream = framed(EMPTY, A);
    const half = framed(EMPTY).length;
    expect(talk.say(stream, 0, half).map((b) => b.length)).toEqual([60]);
    talk.say(stream, half);
    expect([talk.messages().map(shown), talk.codes.slice(2)]).toEqual([['28: 64:ff9b::c000:221', '1: 192.0.2.33'], ['dnsHeld', 'dnsSynthesized']]); // prettier-ignore
    const other = new Talk();
    other.say(framed(EMPTY));
    const payload = unwrap(buildDns(A));
    const udp = new Uint8Array(8 + payload.length);
    putU16(udp, 0, 53);
    putU16(udp, 2, 999);
    putU16(udp, 4, udp.length);
    udp.set(payload, 8);
    const b = ip6(SERVER, '2001:db8::99', 17, udp);
    const sink = newSink();
    other.dns.translate(6, b, 0, b.length, b.length, sink, 1);
    expect(sink.count).toBe(2);
    sink.clear();
    expect(other.messages()).toEqual([]);
  });

  it('numbers and SACK edges follow on both sides, and FIN stays in its place', () => {
    const talk = new Talk();
    const stream = framed(A, EMPTY);
    const [out] = talk.say(stream);
    const grown = out!.length - 60 - stream.length;
    expect(grown).toBeGreaterThan(0);
    const acknowledged = SERVER_ISN + 1 + stream.length + grown;
    const [ack] = talk.give({ from: 'client', sequence: CLIENT_ISN + 1, acknowledged, sack: [acknowledged, acknowledged + 9] });
    expect([u32(ack!, 48), u32(ack!, 64), u32(ack!, 68)]).toEqual([stream.length, stream.length, stream.length + 9].map((n) => (SERVER_ISN + 1 + n) >>> 0)); // prettier-ignore
    const more = framed(A, EMPTY, A);
    talk.say(more, stream.length, more.length, FIN | ACK);
    const [last] = talk.say(more, more.length, more.length);
    expect([talk.messages().length, u32(last!, 44)]).toEqual([3, (SERVER_ISN + 1 + more.length + grown) >>> 0]);
  });

  it('an answer whose A answer never comes leaves as it came after five seconds, or when the connection ends', () => {
    const talk = new Talk();
    talk.say(framed(EMPTY));
    talk.now = 5e9;
    const sink = newSink();
    talk.dns.finish(sink);
    talk.take(sink);
    expect([talk.messages().map(shown), limitsHit(talk.dns).map(({ id }) => id)]).toEqual([['28: '], ['answersLate']]);
    const ended = new Talk();
    ended.say(framed(EMPTY), 0, undefined, FIN | ACK);
    expect(ended.messages().map(shown)).toEqual(['28: ']);
  });

  it('the answer to a reverse name becomes an alias', () => {
    const name = `1.2.2.0.0.0.0.c.${'0.'.repeat(16)}b.9.f.f.4.6.0.0.ip6.arpa`;
    const talk = new Talk();
    talk.say(framed({ ...answer(DNS_TYPE.PTR, undefined, name), rcode: 3 }));
    expect([talk.messages()[0]!.rcode, ...talk.messages().map(shown)]).toEqual([0, '12: 33.2.0.192.in-addr.arpa']);
    expect(talk.codes[2]).toBe('dnsAlias');
  });

  it('what a resolver says of ipv4only.arpa gives way, without waiting for another answer (RFC 8880 section 7.1)', () => {
    const talk = new Talk();
    talk.say(framed(answer(DNS_TYPE.AAAA, undefined, 'ipv4only.arpa'), answer(DNS_TYPE.A, parseIpv4('192.0.2.1'), 'ipv4only.arpa')));
    expect(talk.messages().map(shown)).toEqual(['28: 64:ff9b::c000:aa 64:ff9b::c000:ab', '1: 192.0.0.170 192.0.0.171']);
    expect(talk.codes[2]).toBe('dnsSpecialReplaced');
  });

  it('has no size that EDNS0 sets: an answer too large for UDP leaves whole', () => {
    const talk = new Talk();
    const many = Array.from({ length: 200 }, (_, i) => Uint8Array.of(192, 0, 2, i));
    const answers = many.map((address) => ({
      name: NAME,
      type: DNS_TYPE.A,
      class: 1,
      ttl: 300,
      data: { kind: 'address' as const, address },
    }));
    const out = talk.say(framed(dnsResponse(query(DNS_TYPE.A), answers), EMPTY));
    expect(talk.messages()[1]!.answers.length).toBe(200);
    expect([talk.messages()[1]!.truncated, out.length > 1]).toEqual([false, true]);
  });

  it('a connection whose beginning was not seen, and one with a gap for too long, pass as they are', () => {
    const talk = new Talk();
    const stream = framed(A, EMPTY, A);
    talk.say(stream, 40);
    expect([talk.codes[2], talk.received.size]).toEqual(['dnsSegmentHeld', 0]);
    talk.now = 5e9;
    talk.say(stream, 0, 10);
    talk.say(stream, 10, 40);
    expect(talk.messages().map(shown)).toEqual(['1: 192.0.2.33', '28: ', '1: 192.0.2.33']);
    expect(limitsHit(talk.dns).map(({ id }) => id)).toEqual(['dnsConnectionsLeft']);
    const dns = unwrap(Dns64Packets.create(dns64Schema.parse({})));
    const b = packet({ from: 'server', sequence: 1, acknowledged: 1, data: framed(A, EMPTY) });
    const sink = newSink();
    expect(reasonOf(dns.translate(6, b, 0, b.length, b.length, sink, 0)).id).toBe('notDns');
    expect(sink.packet(0)).toEqual(b);
  });

  it('any cutting, order and repetition of the segments gives the same stream', () => {
    const stream = framed(A, EMPTY, answer(DNS_TYPE.AAAA, undefined, 'late.example'), A, answer(DNS_TYPE.A, parseIpv4('192.0.2.1'), 'late.example'), EMPTY); // prettier-ignore
    const whole = new Talk();
    whole.say(stream);
    const expected = whole.messages().map(shown);
    expect(expected).toContain('28: 64:ff9b::c000:201');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(stream.length), fc.integer({ min: 1, max: 60 })), { maxLength: 12 }),
        fc.nat(9),
        (parts, cut) => {
          const talk = new Talk();
          for (const [from, length] of parts) talk.say(stream, from, Math.min(stream.length, from + length));
          for (let at = 0; at < stream.length; at += 7 + cut) talk.say(stream, at, Math.min(stream.length, at + 7 + cut));
          for (const [from, length] of parts) talk.say(stream, from, Math.min(stream.length, from + length));
          expect(talk.messages().map(shown)).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});
