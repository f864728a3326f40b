import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { hex, putU16, putU32, u16, u32 } from '../base/index.ts';
import {
  checksum,
  emitIpv6,
  finishSum,
  formatIpv4,
  formatIpv6,
  parseIpv4,
  parseIpv6,
  pseudoSum4,
  pseudoSum6,
  sum16,
  sumIsGood,
} from '../wire/index.ts';
import { isTranslated, REASON, reasonOf } from './reasons.ts';
import { PacketSink, SINK_KIND } from './packet-sink.ts';
import { newSink, siit } from './test-support.ts';
import type { PacketTranslator } from './translator.ts';

const V6 = '2001:db8:1::1';
const V4 = '192.0.2.1';
const PEER4 = '198.51.100.9';
const PEER6 = '64:ff9b::c633:6409';
const CONFIG: TranslatorInput = { maps: [{ v4: V4, v6: V6 }], own4: '192.0.2.254', own6: '2001:db8::fe' };

interface Options {
  readonly tos?: number;
  readonly id?: number;
  readonly flags?: number;
  readonly ttl?: number;
  readonly source?: string;
  readonly destination?: string;
  readonly options?: Uint8Array;
}

/** IPv4 packet around a transport. */
function v4(protocol: number, body: Uint8Array, o: Options = {}): Uint8Array {
  const options = o.options ?? new Uint8Array(0);
  const b = new Uint8Array(20 + options.length + body.length);
  b[0] = 0x45 + options.length / 4;
  b[1] = o.tos ?? 0;
  putU16(b, 2, b.length);
  putU16(b, 4, o.id ?? 0);
  putU16(b, 6, o.flags ?? 0x4000);
  b[8] = o.ttl ?? 64;
  b[9] = protocol;
  b.set(parseIpv4(o.source ?? PEER4)!, 12);
  b.set(parseIpv4(o.destination ?? V4)!, 16);
  b.set(options, 20);
  putU16(b, 10, checksum(b, 0, 20 + options.length));
  b.set(body, 20 + options.length);
  return b;
}

function v6(next: number, body: Uint8Array, o: Options = {}): Uint8Array {
  const b = new Uint8Array(40 + body.length);
  emitIpv6(b, 0, {
    source: parseIpv6(o.source ?? V6)!,
    destination: parseIpv6(o.destination ?? PEER6)!,
    nextHeader: next,
    payloadLength: body.length,
    hopLimit: o.ttl ?? 64,
    trafficClass: o.tos ?? 0,
    flowLabel: 0x12345,
  });
  b.set(body, 40);
  return b;
}

/** UDP with its checksum over the pseudo header of `around`, or none. */
function udp(payload: number, family: 4 | 6, sum = true): Uint8Array {
  const b = new Uint8Array(8 + payload);
  for (let i = 8; i < b.length; i++) b[i] = i * 7;
  putU16(b, 0, 4_000);
  putU16(b, 2, 53);
  putU16(b, 4, b.length);
  if (!sum) return b;
  const probe = family === 4 ? v4(17, b) : v6(17, b);
  const pseudo = family === 4 ? pseudoSum4(probe, 12, 16, 17, b.length) : pseudoSum6(probe, 8, 24, 17, b.length);
  putU16(b, 6, finishSum(sum16(b, 0, b.length, pseudo)));
  return b;
}

function icmp(family: 4 | 6, type: number, code: number, parameter: number, body: Uint8Array, o: Options = {}): Uint8Array {
  const b = new Uint8Array(8 + body.length);
  b[0] = type;
  b[1] = code;
  putU32(b, 4, parameter);
  b.set(body, 8);
  const probe = family === 4 ? v4(1, b, o) : v6(58, b, o);
  putU16(b, 2, checksum(b, 0, b.length, family === 4 ? 0 : pseudoSum6(probe, 8, 24, 58, b.length)));
  return family === 4 ? v4(1, b, o) : v6(58, b, o);
}

function run(t: PacketTranslator, side: 4 | 6, b: Uint8Array, length = b.length): { reason: string; out: Uint8Array[]; sink: PacketSink } {
  const sink = newSink();
  const code = t.translate(side, b, 0, length, b.length, sink);
  return { reason: reasonOf(code).id, out: Array.from({ length: sink.count }, (_, i) => sink.packet(i)), sink };
}

/** Headers, lengths and checksums of a whole packet are right. */
function expectValid(b: Uint8Array): void {
  const six = b[0]! >> 4 === 6;
  const t = six ? (b[6] === 44 ? 48 : 40) : 20;
  expect(six ? 40 + u16(b, 4) : u16(b, 2)).toBe(b.length);
  if (!six) expect(sumIsGood(sum16(b, 0, 20))).toBe(true);
  const protocol = six ? (b[6] === 44 ? b[40]! : b[6]!) : b[9]!;
  if (six ? b[6] === 44 && u16(b, 42) !== 0 : (u16(b, 6) & 0x3fff) !== 0) return;
  const pseudo = six ? pseudoSum6(b, 8, 24, protocol, b.length - t) : protocol === 1 ? 0 : pseudoSum4(b, 12, 16, protocol, b.length - t);
  expect(sumIsGood(sum16(b, t, b.length, pseudo))).toBe(true);
}

describe('IPv4 to IPv6 (RFC 7915 section 4)', () => {
  it('writes every header field by its rule', () => {
    const { reason, out } = run(siit(CONFIG), 4, v4(17, udp(40, 4), { tos: 0xb9, ttl: 9, id: 77 }));
    const b = out[0]!;
    expect(reason).toBe('translated');
    expect(u32(b, 0)).toBe(0x6b900000);
    expect(u16(b, 4)).toBe(48);
    expect([b[6], b[7]]).toEqual([17, 8]);
    expect([formatIpv6(b, 8), formatIpv6(b, 24)]).toEqual([PEER6, V6]);
    expectValid(b);
  });

  it('zeroes the traffic class on demand', () => {
    expect(u32(run(siit({ ...CONFIG, trafficClass: 'zero' }), 4, v4(17, udp(4, 4), { tos: 0xff })).out[0]!, 0)).toBe(0x60000000);
  });

  it('cuts what has no DF into fragments of at most 1280 bytes, in order, with the identification behind zeros', () => {
    const { reason, out } = run(siit(CONFIG), 4, v4(17, udp(3_000, 4), { flags: 0, id: 0xabcd }));
    expect(reason).toBe('translatedFragmented');
    expect(out.map((b) => b.length)).toEqual([1280, 1280, 592]);
    expect(out.map((b) => [b[40], u16(b, 42), u32(b, 44)])).toEqual([
      [17, 1, 0xabcd],
      [17, 1232 | 1, 0xabcd],
      [17, 2464, 0xabcd],
    ]);
    const whole = new Uint8Array(40 + 3_008);
    whole.set(out[0]!.subarray(0, 40));
    out.forEach((b) => whole.set(b.subarray(48), 40 + (u16(b, 42) & 0xfff8)));
    expect(sumIsGood(sum16(whole, 40, whole.length, pseudoSum6(whole, 8, 24, 17, 3_008)))).toBe(true);
    const small = run(siit(CONFIG), 4, v4(17, udp(8, 4), { flags: 0 })).out;
    expect(small.map((b) => [b.length, b[6]])).toEqual([[40 + 16, 17]]);
  });

  it('keeps the fragments of a fragmented packet in their place', () => {
    const { out } = run(siit(CONFIG), 4, v4(17, udp(64, 4), { flags: 0x2000 | 5, id: 9 }));
    expect([out[0]![6], out[0]![40], u16(out[0]!, 42), u32(out[0]!, 44)]).toEqual([44, 17, 41, 9]);
    expect(hex(out[0]!.subarray(48))).toBe(hex(udp(64, 4)));
  });

  it('answers a DF packet that does not fit with the MTU the sender must keep', () => {
    const { reason, out, sink } = run(siit({ ...CONFIG, mtu6: 1_400 }), 4, v4(17, udp(1_400, 4)));
    expect(reason).toBe('fragmentationNeeded');
    expect([out[0]![20], out[0]![21], u32(out[0]!, 24)]).toEqual([3, 4, 1_380]);
    expect([sink.side[0], sink.kind[0], formatIpv4(out[0]!, 12), formatIpv4(out[0]!, 16)]).toEqual([
      4,
      SINK_KIND.error,
      '192.0.2.254',
      PEER4,
    ]);
    expect(out[0]!.length).toBe(576);
    expectValid(out[0]!);
  });

  it('ignores options, but answers a source route that has not ended', () => {
    const route = (pointer: number): Uint8Array => new Uint8Array([1, 131, 7, pointer, 192, 0, 2, 7]);
    expect(run(siit(CONFIG), 4, v4(17, udp(4, 4), { options: route(8) })).reason).toBe('translated');
    const { reason, out } = run(siit(CONFIG), 4, v4(17, udp(4, 4), { options: route(4) }));
    expect(reason).toBe('sourceRoute');
    expect([out[0]![20], out[0]![21]]).toEqual([3, 5]);
    expectValid(out[0]!);
  });

  it('answers the last hop with time exceeded', () => {
    const { reason, out } = run(siit(CONFIG), 4, v4(17, udp(4, 4), { ttl: 1 }));
    expect(reason).toBe('ttlExpired');
    expect([out[0]![20], out[0]![21]]).toEqual([11, 0]);
    expectValid(out[0]!);
  });

  it('computes, forwards or drops UDP without checksum', () => {
    const packet = v4(17, udp(33, 4, false));
    expectValid(run(siit(CONFIG), 4, packet).out[0]!);
    expect(u16(run(siit({ ...CONFIG, udpZeroChecksum: 'forward' }), 4, packet).out[0]!, 46)).toBe(0);
    expect(run(siit({ ...CONFIG, udpZeroChecksum: 'drop' }), 4, packet).reason).toBe('udpZeroDropped');
    expect(run(siit(CONFIG), 4, v4(17, udp(33, 4, false), { flags: 0x2000 })).reason).toBe('udpZeroFragment');
    expect(run(siit(CONFIG), 4, packet, 50).reason).toBe('udpZeroTruncated');
  });

  it('refuses sources and destinations no router forwards', () => {
    for (const source of ['127.0.0.1', '0.0.0.0', '169.254.1.1', '224.0.0.1', '255.255.255.255']) {
      expect(run(siit(CONFIG), 4, v4(17, udp(4, 4), { source })).reason).toBe('illegalSource');
    }
    expect(run(siit(CONFIG), 4, v4(17, udp(4, 4), { destination: '239.1.1.1' })).reason).toBe('multicast');
    expect(run(siit(CONFIG), 4, v4(17, udp(4, 4), { source: '10.0.0.1' })).reason).toBe('wellKnownPrivate');
    expect(run(siit({ ...CONFIG, deny4: ['198.51.100.0/24'] }), 4, v4(17, udp(4, 4))).reason).toBe('denied');
    expect(run(siit({ ...CONFIG, pool6: [] }), 4, v4(17, udp(4, 4))).reason).toBe('noSource6');
  });

  it('drops a wrong header checksum unless told to go on', () => {
    const packet = v4(17, udp(4, 4));
    packet[10] = packet[10]! ^ 1;
    expect(run(siit(CONFIG), 4, packet).reason).toBe('badHeaderChecksum');
    expect(run(siit({ ...CONFIG, badHeaderChecksum: 'forward' }), 4, packet).reason).toBe('translated');
  });
});

describe('IPv6 to IPv4 (RFC 7915 section 5)', () => {
  it('writes every header field by its rule', () => {
    const { out } = run(siit(CONFIG), 6, v6(17, udp(40, 6), { tos: 0xb9, ttl: 9 }));
    const b = out[0]!;
    expect([b[0], b[1], u16(b, 2), u16(b, 4), u16(b, 6), b[8], b[9]]).toEqual([0x45, 0xb9, 68, 1, 0, 8, 17]);
    expect([formatIpv4(b, 12), formatIpv4(b, 16)]).toEqual([V4, PEER4]);
    expectValid(b);
  });

  it('sets DF above 1260 bytes only', () => {
    const df = (payload: number): number => u16(run(siit(CONFIG), 6, v6(17, udp(payload, 6))).out[0]!, 6);
    expect([df(1_232), df(1_233)]).toEqual([0, 0x4000]);
  });

  it('overrides TOS', () => {
    expect(run(siit({ ...CONFIG, tos: 'zero' }), 6, v6(17, udp(4, 6), { tos: 255 })).out[0]![1]).toBe(0);
    expect(run(siit({ ...CONFIG, tos: 0x28 }), 6, v6(17, udp(4, 6), { tos: 255 })).out[0]![1]).toBe(0x28);
  });

  it('takes fields of a fragment header, skips other extension headers', () => {
    const fragment = new Uint8Array([17, 0, 0, 0x29, 1, 2, 3, 4]);
    const hop = new Uint8Array([44, 0, 1, 4, 0, 0, 0, 0]);
    const body = udp(32, 6);
    const { out } = run(siit(CONFIG), 6, v6(0, new Uint8Array([...hop, ...fragment, ...body])));
    expect([u16(out[0]!, 2), u16(out[0]!, 4), u16(out[0]!, 6), out[0]![9]]).toEqual([20 + 40, 0x0304, 0x2000 | 5, 17]);
    expect(hex(out[0]!.subarray(20))).toBe(hex(body));
    const after = new Uint8Array([60, 0, 0, 1, 0, 0, 0, 1, 17, 0, 1, 4, 0, 0, 0, 0]);
    expect(run(siit(CONFIG), 6, v6(44, new Uint8Array([...after, ...body]))).reason).toBe('fragmentBeforeExtension');
    const authentication = new Uint8Array([51, 0, 0, 1, 0, 0, 0, 1]);
    expect(run(siit(CONFIG), 6, v6(44, new Uint8Array([...authentication, ...body]))).reason).toBe('fragmentBeforeExtension');
  });

  it('answers a routing header that has segments left, skips one that has none', () => {
    const routing = (left: number): Uint8Array => new Uint8Array([17, 0, 0, left, 0, 0, 0, 0, ...udp(4, 6)]);
    expect(run(siit(CONFIG), 6, v6(43, routing(0))).reason).toBe('translated');
    const { reason, out } = run(siit(CONFIG), 6, v6(43, routing(2)));
    expect(reason).toBe('routingHeader');
    expect([out[0]![40], out[0]![41], u32(out[0]!, 44)]).toEqual([4, 0, 43]);
    expectValid(out[0]!);
  });

  it('answers what is too big with packet too big, and cuts what may be cut', () => {
    const { reason, out } = run(siit({ ...CONFIG, mtu4: 1_400 }), 6, v6(17, udp(1_400, 6)));
    expect(reason).toBe('packetTooBig');
    expect([out[0]![40], u32(out[0]!, 44), out[0]!.length, formatIpv6(out[0]!, 8)]).toEqual([2, 1_420, 1_280, '2001:db8::fe']);
    expectValid(out[0]!);
    const cut = run(siit({ ...CONFIG, mtu4: 600 }), 6, v6(17, udp(1_200, 6)));
    expect(cut.reason).toBe('translatedFragmented');
    expect(cut.out.map((b) => [b.length, u16(b, 6)])).toEqual([
      [596, 0x2000],
      [596, 0x2000 | 72],
      [20 + 56, 144],
    ]);
    cut.out.forEach(expectValid);
  });

  it('answers the last hop, but not a multicast source and not an error', () => {
    expect(run(siit(CONFIG), 6, v6(17, udp(4, 6), { ttl: 1 })).reason).toBe('hopLimitExpired');
    const error = icmp(6, 1, 4, 0, v6(17, udp(4, 6), { source: PEER6, destination: V6 }), { ttl: 1 });
    expect(run(siit(CONFIG), 6, error).reason).toBe('answerSuppressed');
  });

  it('passes unknown protocols', () => {
    expect(run(siit(CONFIG), 6, v6(132, new Uint8Array(20))).out[0]![9]).toBe(132);
  });

  it('says which address has no rule', () => {
    expect(run(siit(CONFIG), 6, v6(17, udp(4, 6), { source: '2001:db8:9::1' })).reason).toBe('noSource4');
    expect(run(siit(CONFIG), 6, v6(17, udp(4, 6), { destination: '2001:db8:9::1' })).reason).toBe('noDestination4');
    expect(run(siit(CONFIG), 6, v6(17, udp(4, 6), { destination: '64:ff9b::a00:1' })).reason).toBe('wellKnownPrivate');
    expect(
      run(siit({ ...CONFIG, pool6: ['2001:db8:64::/48'] }), 6, v6(17, udp(4, 6), { destination: '2001:db8:64:c633:ff64:900::' })).reason,
    ).toBe('reservedOctet');
  });
});

describe('checksums', () => {
  it('stay wrong by the same difference', () => {
    for (const [side, packet, at] of [
      [4, v4(17, udp(21, 4)), 26],
      [6, v6(17, udp(21, 6)), 46],
      [6, icmp(6, 128, 0, 0x12340001, new Uint8Array(9)), 42],
      [4, icmp(4, 8, 0, 0x12340001, new Uint8Array(9)), 22],
    ] as const) {
      const good = run(siit(CONFIG), side, packet).out[0]!;
      expectValid(good);
      const bad = packet.slice();
      putU16(bad, at, (u16(bad, at) + 0x0101) % 0xffff);
      const out = run(siit(CONFIG), side, bad).out[0]!;
      const t = side === 4 ? 40 : 20;
      const field = t + (packet[side === 4 ? 9 : 6] === 17 ? 6 : 2);
      expect((u16(out, field) - u16(good, field) + 0xffff * 2) % 0xffff).toBe(0x0101);
    }
  });
});

describe('there and back', () => {
  it('gives the same packet, but for what the other family does not have', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_100 }),
        fc.nat(255),
        fc.integer({ min: 3, max: 255 }),
        fc.constantFrom(6, 17, 1, 132),
        (size, tos, ttl, protocol) => {
          const body = new Uint8Array(size + 20).map((_, i) => i * 31);
          const packet = protocol === 1 ? icmp(4, 8, 0, 0x10001, body, { tos, ttl, flags: 0 }) : v4(protocol, body, { tos, ttl, flags: 0 });
          if (protocol === 17) putU16(packet, 26, 0x1234);
          const t = siit({ ...CONFIG, identification: 'zero' });
          const six = run(t, 4, packet).out[0]!;
          // The answer goes the other way: exchange the addresses, which no sum notices.
          const turned = six.slice();
          turned.copyWithin(8, 24, 40);
          turned.set(six.subarray(8, 24), 24);
          const back = run(t, 6, turned).out[0]!;
          expect([back[1], back[8], u16(back, 2)]).toEqual([tos, ttl - 2, packet.length]);
          expect(hex(back.subarray(20))).toBe(hex(packet.subarray(20)));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('hairpinning of explicit maps (RFC 7757 section 4)', () => {
  const two: TranslatorInput = {
    ...CONFIG,
    maps: [
      { v4: '203.0.113.1', v6: V6 },
      { v4: '203.0.113.2', v6: '2001:db8:1::2' },
    ],
  };
  const packet = v6(17, udp(4, 6), { destination: '64:ff9b::cb00:7102' });

  it('intrinsic: the packet comes back with the source under pool6', () => {
    const { reason, out, sink } = run(siit(two), 6, packet);
    expect([reason, sink.side[0], sink.kind[0]]).toEqual(['hairpinned', 6, SINK_KIND.hairpin]);
    expect([formatIpv6(out[0]!, 8), formatIpv6(out[0]!, 24), out[0]![7]]).toEqual(['64:ff9b::cb00:7101', '2001:db8:1::2', 63]);
  });

  it('simple: the IPv4 side turns it, and the source is not mapped', () => {
    const t = siit({ ...two, hairpin: 'simple' });
    const four = run(t, 6, packet).out[0]!;
    expect([formatIpv4(four, 12), formatIpv4(four, 16)]).toEqual(['203.0.113.1', '203.0.113.2']);
    const back = run(t, 4, four).out[0]!;
    expect([formatIpv6(back, 8), formatIpv6(back, 24)]).toEqual(['64:ff9b::cb00:7101', '2001:db8:1::2']);
  });

  it('an error about a hairpinned packet finds its way', () => {
    const turned = run(siit(two), 6, packet).out[0]!;
    const error = icmp(6, 1, 4, 0, turned, { source: '2001:db8:1::2', destination: '64:ff9b::cb00:7101' });
    const { reason, out } = run(siit(two), 6, error);
    expect(reason).toBe('hairpinned');
    expect([formatIpv6(out[0]!, 24), formatIpv6(out[0]!, 56), formatIpv6(out[0]!, 72)]).toEqual([V6, V6, '64:ff9b::cb00:7102']);
    expectValid(out[0]!);
  });
});

describe('any bytes', () => {
  it('never throw, and what is translated is well formed', () => {
    const header = fc.constantFrom(
      ...[
        v4(17, udp(20, 4)),
        v4(1, icmp(4, 3, 4, 0, v4(6, udp(30, 4), { source: V4, destination: PEER4 })).subarray(20)),
        v6(17, udp(20, 6)),
        v6(44, new Uint8Array(40)),
        icmp(6, 2, 0, 1_300, v6(17, udp(9, 6), { source: PEER6, destination: V6 })),
      ],
    );
    const edit = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 });
    const t = siit({ ...CONFIG, badHeaderChecksum: 'forward', errorPool4: ['203.0.113.0/28'] });
    fc.assert(
      fc.property(header, edit, fc.nat(140), fc.nat(200), (base, edits, cut, extra) => {
        const b = base.slice();
        for (const [at, value] of edits) if (at < b.length) b[at] = value;
        const sink = new PacketSink(20_000, 64);
        const length = Math.min(b.length, cut);
        for (const side of [4, 6] as const) {
          sink.clear();
          const code = t.translate(side, b, 0, length, b.length + extra, sink);
          if (!isTranslated(code)) continue;
          for (let i = 0; i < sink.count; i++) {
            const out = sink.packet(i);
            expect(out[0]! >> 4).toBe(sink.side[i]);
            expect(sink.side[i] === 6 ? 40 + u16(out, 4) : u16(out, 2)).toBe(sink.wireLength[i]);
            expect(sink.length[i]!).toBeLessThanOrEqual(sink.wireLength[i]!);
          }
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('are refused by name when the output is full', () => {
    const t = siit(CONFIG);
    const sink = new PacketSink(100, 4);
    expect(t.translate(6, v6(17, udp(60, 6)), 0, 108, 108, sink)).toBe(REASON.sinkFull);
    expect([sink.count, sink.overflows]).toEqual([0, 1]);
  });
});
