import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { putU16, putU32, u16, u32 } from '../base/index.ts';
import { checksum, emitIpv6, formatIpv4, formatIpv6, parseIpv4, parseIpv6, pseudoSum6, sum16, sumIsGood } from '../wire/index.ts';
import { icmp46, icmp64, mtu46, mtu64, pointer46, pointer64 } from './icmp-types.ts';
import { reasonOf } from './reasons.ts';
import { ip6 } from './test-packets.ts';
import { newSink, siit, translated } from './test-support.ts';

const PLATEAUS = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];
const CONFIG: TranslatorInput = { maps: [{ v4: '192.0.2.1', v6: '2001:db8:1::1' }] };

describe('tables of RFC 7915', () => {
  const word = (value: number): [number, number] | string => (value < 0 ? reasonOf(-value).id : [value >>> 8, value & 255]);

  it('section 4.2: IPv4 types and codes', () => {
    const unreachable = Array.from({ length: 17 }, (_, code) => word(icmp46(3, code)));
    const no = 'icmpUnknown';
    const route = [1, 0];
    const prohibited = [1, 1];
    expect(unreachable).toEqual([
      route,
      route,
      [4, 1],
      [1, 4],
      [2, 0],
      route,
      route,
      route,
      route,
      prohibited,
      prohibited,
      route,
      route,
      prohibited,
      no,
      prohibited,
      no,
    ]);
    expect([word(icmp46(8, 0)), word(icmp46(0, 0)), word(icmp46(11, 0)), word(icmp46(11, 1))]).toEqual([
      [128, 0],
      [129, 0],
      [3, 0],
      [3, 1],
    ]);
    expect([0, 1, 2, 3].map((code) => word(icmp46(12, code)))).toEqual([[4, 0], no, [4, 0], no]);
    for (const type of [4, 6, 13, 14, 15, 16, 17, 18]) expect(word(icmp46(type, 0))).toBe('icmpObsolete');
    for (const type of [5, 9, 10]) expect(word(icmp46(type, 0))).toBe('icmpSingleHop');
    expect(word(icmp46(42, 0))).toBe(no);
  });

  it('section 5.2: IPv6 types and codes', () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((code) => word(icmp64(1, code)))).toEqual([
      [3, 1],
      [3, 10],
      [3, 1],
      [3, 1],
      [3, 3],
      'icmpUnknown',
      'icmpUnknown',
    ]);
    expect([word(icmp64(2, 0)), word(icmp64(3, 0)), word(icmp64(3, 1))]).toEqual([
      [3, 4],
      [11, 0],
      [11, 1],
    ]);
    expect([0, 1, 2].map((code) => word(icmp64(4, code)))).toEqual([[12, 0], [3, 2], 'icmpUnknown']);
    for (const type of [130, 131, 132, 133, 134, 135, 136, 137, 141, 142, 143]) expect(word(icmp64(type, 0))).toBe('icmpSingleHop');
    for (const type of [5, 100, 127, 138, 139, 140, 144, 200]) expect(word(icmp64(type, 0))).toBe('icmpUnknown');
  });

  it('figures 3 and 6: pointers', () => {
    expect(Array.from({ length: 21 }, (_, i) => pointer46(i))).toEqual([
      0, 1, 4, 4, -1, -1, -1, -1, 7, 6, -1, -1, 8, 8, 8, 8, 24, 24, 24, 24, -1,
    ]);
    expect(Array.from({ length: 9 }, (_, i) => pointer64(i))).toEqual([0, 1, -1, -1, 2, 2, 9, 8, 12]);
    expect([23, 24, 39, 40].map(pointer64)).toEqual([12, 16, 16, -1]);
  });

  it('MTUs: the least of the message, the next hop and the other next hop, with 20 bytes between', () => {
    expect(mtu46(1_400, 1_500, 1_500, 1_500, PLATEAUS)).toBe(1_420);
    expect(mtu46(9_000, 9_000, 1_500, 9_000, PLATEAUS)).toBe(1_520);
    expect(mtu46(9_000, 9_000, 9_000, 1_500, PLATEAUS)).toBe(1_500);
    expect(mtu46(576, 1_500, 1_500, 1_500, PLATEAUS)).toBe(1_280);
    expect(mtu46(0, 1_500, 1_500, 1_500, PLATEAUS)).toBe(1_500);
    expect(mtu46(0, 8_166, 9_000, 9_000, PLATEAUS)).toBe(4_372);
    expect(mtu64(1_500, false, 1_500, 1_500)).toBe(1_480);
    expect(mtu64(1_500, true, 1_500, 1_500)).toBe(1_472);
    expect(mtu64(9_000, false, 1_400, 9_000)).toBe(1_400);
    expect(mtu64(10, false, 1_400, 9_000)).toBe(0);
  });
});

/** TCP-like packet of the mapped host to the peer (IPv4), or of the peer to the host (IPv6), of `size` bytes behind its header. */
function quote(family: 4 | 6, size: number): Uint8Array {
  const head = family === 4 ? 20 : 40;
  const b = new Uint8Array(head + size);
  if (family === 4) {
    b[0] = 0x45;
    putU16(b, 2, head + 1_000);
    b[8] = 1;
    b[9] = 6;
    b.set(parseIpv4('192.0.2.1')!, 12);
    b.set(parseIpv4('198.51.100.9')!, 16);
    putU16(b, 10, checksum(b, 0, 20));
  } else {
    emitIpv6(b, 0, {
      source: parseIpv6('64:ff9b::c633:6409')!,
      destination: parseIpv6('2001:db8:1::1')!,
      nextHeader: 6,
      payloadLength: 1_000,
      hopLimit: 1,
    });
  }
  for (let i = head; i < b.length; i++) b[i] = i * 13;
  return b;
}

function error(family: 4 | 6, type: number, code: number, parameter: number, body: Uint8Array, source?: string): Uint8Array {
  const head = family === 4 ? 20 : 40;
  const b = new Uint8Array(head + 8 + body.length);
  if (family === 4) {
    b[0] = 0x45;
    putU16(b, 2, b.length);
    b[8] = 64;
    b[9] = 1;
    b.set(parseIpv4(source ?? '198.51.100.1')!, 12);
    b.set(parseIpv4('192.0.2.1')!, 16);
    putU16(b, 10, checksum(b, 0, 20));
  } else {
    emitIpv6(b, 0, {
      source: parseIpv6(source ?? '2001:db8:1::1')!,
      destination: parseIpv6('64:ff9b::c633:6409')!,
      nextHeader: 58,
      payloadLength: 8 + body.length,
    });
  }
  b[head] = type;
  b[head + 1] = code;
  putU32(b, head + 4, parameter);
  b.set(body, head + 8);
  putU16(b, head + 2, checksum(b, head, b.length, family === 4 ? 0 : pseudoSum6(b, 8, 24, 58, 8 + body.length)));
  return b;
}

function run(side: 4 | 6, b: Uint8Array, more: TranslatorInput = {}, length = b.length): { reason: string; out: Uint8Array; wire: number } {
  const sink = newSink();
  const code = siit({ ...CONFIG, ...more }).translate(side, b, 0, length, b.length, sink);
  return { reason: reasonOf(code).id, out: sink.count > 0 ? sink.packet(0) : new Uint8Array(0), wire: sink.wireLength[0]! };
}

function expectValid(b: Uint8Array): void {
  const six = b[0]! >> 4 === 6;
  expect(six ? 40 + u16(b, 4) : u16(b, 2)).toBe(b.length);
  const t = six ? 40 : 20;
  expect(sumIsGood(sum16(b, t, b.length, six ? pseudoSum6(b, 8, 24, 58, b.length - t) : 0))).toBe(true);
}

/** A structure as RFC 4884 section 7 has it, with one MPLS label object. */
function extension(): Uint8Array {
  const b = new Uint8Array([0x20, 0, 0, 0, 0, 8, 1, 1, 0x12, 0x34, 0x51, 0xff]);
  putU16(b, 2, checksum(b, 0, b.length));
  return b;
}

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('errors', () => {
  it('translate the quoted packet, its hop limit as it was', () => {
    const { reason, out } = run(4, error(4, 11, 0, 0, quote(4, 8)));
    expect(reason).toBe('translated');
    expectValid(out);
    expect([out[40], out[41], out.length]).toEqual([3, 0, 48 + 48]);
    expect([formatIpv6(out, 8), formatIpv6(out, 48 + 8), formatIpv6(out, 48 + 24)]).toEqual([
      '64:ff9b::c633:6401',
      '2001:db8:1::1',
      '64:ff9b::c633:6409',
    ]);
    expect([u16(out, 48 + 4), out[48 + 7]]).toEqual([1_000, 1]);
    const back = run(6, error(6, 1, 4, 0, quote(6, 8)));
    expectValid(back.out);
    expect([formatIpv4(back.out, 12), formatIpv4(back.out, 28 + 12), formatIpv4(back.out, 28 + 16)]).toEqual([
      '192.0.2.1',
      '198.51.100.9',
      '192.0.2.1',
    ]);
    expect([u16(back.out, 28 + 2), back.out[28 + 8]]).toEqual([1_020, 1]);
    expect(sumIsGood(sum16(back.out, 28, 48))).toBe(true);
  });

  it('carry MTU and pointer', () => {
    expect(u32(run(4, error(4, 3, 4, 1_300, quote(4, 8))).out, 44)).toBe(1_320);
    expect(u32(run(4, error(4, 3, 4, 0, quote(4, 8))).out, 44)).toBe(1_280);
    expect(u32(run(6, error(6, 2, 0, 1_400, quote(6, 8))).out, 24)).toBe(1_380);
    expect(u32(run(4, error(4, 12, 0, 0x08000000, quote(4, 8))).out, 44)).toBe(7);
    expect(u32(run(6, error(6, 4, 0, 7, quote(6, 8))).out, 24)).toBe(0x08000000);
    expect(u32(run(4, error(4, 3, 2, 0, quote(4, 8))).out, 44)).toBe(6);
    expect(run(4, error(4, 12, 0, 0x05000000, quote(4, 8))).reason).toBe('icmpPointer');
    expect(run(6, error(6, 4, 0, 40, quote(6, 8))).reason).toBe('icmpPointer');
  });

  it('keep an extension after the quote, length in the other unit (RFC 4884)', () => {
    const out = run(4, error(4, 11, 0, 32 << 16, join(quote(4, 108), extension()))).out;
    expectValid(out);
    // 128 bytes become 148, padded to 152.
    expect([out[44], out.length]).toEqual([19, 48 + 152 + 12]);
    expect([...out.subarray(48 + 152)]).toEqual([...extension()]);
    const back = run(6, error(6, 3, 0, 19 << 24, join(quote(6, 112), extension()))).out;
    expectValid(back);
    expect([back[25], back.length]).toEqual([33, 28 + 132 + 12]);
    expect([...back.subarray(28 + 132)]).toEqual([...extension()]);
  });

  it('cut an extension that is too large at an object, its checksum by difference (RFC 7915 section 4.2)', () => {
    // Three objects of 500 bytes behind 128 bytes of quote: two fit into 1280 bytes beside the least quote.
    const large = new Uint8Array(4 + 3 * 500);
    large[0] = 0x20;
    for (let i = 0; i < 3; i++) {
      large.fill(i + 1, 4 + i * 500, 504 + i * 500);
      large.set([1, 0xf4, 1, 1], 4 + i * 500);
    }
    putU16(large, 2, checksum(large, 0, large.length));
    const { reason, out } = run(4, error(4, 11, 0, 32 << 16, join(quote(4, 108), large)), { mtu4: 9_000, mtu6: 9_000 });
    expect(reason).toBe('translated');
    expectValid(out);
    const kept = out.subarray(48 + out[44]! * 8);
    expect([out[44]! * 8, kept.length]).toEqual([152, 1_004]);
    expect(kept.subarray(4)).toEqual(large.subarray(4, 1_004));
    expect(sumIsGood(sum16(kept, 0, kept.length))).toBe(true);
    large[2]! ^= 1;
    const bad = run(4, error(4, 11, 0, 32 << 16, join(quote(4, 108), large)), { mtu4: 9_000, mtu6: 9_000 }).out;
    expect(sumIsGood(sum16(bad, 48 + 152, bad.length))).toBe(false);
    // One object that fits nowhere: the quote stays, without an extension.
    const single = new Uint8Array(1_304);
    single.set([0x20, 0, 0, 0, 5, 0x14, 1, 1]);
    const none = run(4, error(4, 11, 0, 32 << 16, join(quote(4, 108), single)), { mtu4: 9_000, mtu6: 9_000 }).out;
    expectValid(none);
    expect([none[44], none.length]).toEqual([0, 48 + 148]);
  });

  it('have no extension where the type has no length (RFC 4884 section 4.6)', () => {
    const body = join(quote(4, 108), extension());
    for (const [type, code, parameter] of [
      [3, 4, (32 << 16) | 1_300],
      [12, 0, 0x08200000],
      [3, 2, 32 << 16],
    ] as const) {
      const { out } = run(4, error(4, type, code, parameter, body));
      expectValid(out);
      expect([u16(out, 44), out.length]).toEqual([0, 48 + 148]);
    }
  });

  it('cut the quote to what the length field of ICMP can say', () => {
    const long = quote(6, 1_100);
    const { reason, out } = run(6, error(6, 3, 0, 0x8f000000, join(long, new Uint8Array(4), extension())), { mtu6: 9_000 });
    expect(reason).toBe('translated');
    expectValid(out);
    expect([out[25], out.length]).toEqual([255, 28 + 1_020 + 12]);
    expect([...out.subarray(28 + 1_020)]).toEqual([...extension()]);
  });

  it('know the structures of old routers, which have no length, and ignore lengths that cannot be', () => {
    const old = run(4, error(4, 11, 0, 0, join(quote(4, 108), extension()))).out;
    expectValid(old);
    expect([old[44], old.length]).toEqual([19, 48 + 152 + 12]);
    const wrong = run(4, error(4, 11, 0, 200 << 16, quote(4, 40))).out;
    expectValid(wrong);
    expect([old[45], wrong[44], wrong.length]).toEqual([0, 0, 48 + 80]);
  });

  it('never make an ICMPv6 error above 1280 bytes', () => {
    const long = quote(4, 1_440);
    putU16(long, 2, long.length);
    const out = run(4, error(4, 3, 1, 0, long), { mtu4: 9_000, mtu6: 9_000 }).out;
    expect(out.length).toBe(1_280);
    expectValid(out);
  });

  it('take the source of a router without an IPv4 address from the pool (RFC 6791)', () => {
    const packet = error(6, 3, 0, 0, quote(6, 20), '2001:db8:ffff::7');
    expect(run(6, packet).reason).toBe('noErrorSource');
    const { reason, out } = run(6, packet, { errorPool4: ['203.0.113.64/28'] });
    expect(reason).toBe('translated');
    expect(u32(out, 12) & 0xfffffff0).toBe(0xcb007140 | 0);
    expectValid(out);
    expect(formatIpv4(run(6, packet, { errorPool4: ['203.0.113.64/28'] }).out, 12)).toBe(formatIpv4(out, 12));
  });

  it('tell the address of a router whose source is of the pool, behind the quote or behind an extension (RFC 6791 section 4)', () => {
    const pool: TranslatorInput = { errorPool4: ['203.0.113.64/28'] };
    const router = '2001:db8:ffff::7';
    const object = (b: Uint8Array): string | number[] =>
      b.length === 24 && u32(b, 0) === 0x00180204 && u32(b, 4) === 0x00020000 ? formatIpv6(b, 8) : [...b];
    const { out } = run(6, error(6, 3, 0, 0, quote(6, 20), router), pool);
    expectValid(out);
    expect([out[25], out.length]).toEqual([32, 28 + 128 + 28]);
    expect([u16(out, 156), sumIsGood(sum16(out, 156, out.length)), object(out.subarray(160))]).toEqual([0x2000, true, router]);
    expect([...out.subarray(28 + 40, 156)].every((byte) => byte === 0)).toBe(true);
    // An extension that is there gets one more object, its checksum by difference.
    const both = run(6, error(6, 1, 0, 19 << 24, join(quote(6, 112), extension()), router), pool).out;
    expectValid(both);
    expect([both[25], both.length, object(both.subarray(-24))]).toEqual([33, 28 + 132 + 12 + 24, router]);
    expect(sumIsGood(sum16(both, 28 + 132, both.length))).toBe(true);
    const bad = extension();
    bad[2]! ^= 1;
    const still = run(6, error(6, 1, 0, 19 << 24, join(quote(6, 112), bad), router), pool).out;
    expect(sumIsGood(sum16(still, 28 + 132, still.length))).toBe(false);
    // Not for routers that have an address, and not where it is off.
    expect(run(6, error(6, 3, 0, 0, quote(6, 20)), pool).out.length).toBe(28 + 40);
    expect(run(6, error(6, 3, 0, 0, quote(6, 20), router), { ...pool, errorPoolExtension: false }).out.length).toBe(28 + 40);
    const long = quote(6, 1_100);
    putU16(long, 4, 1_100);
    // A long quote is cut: with an extension a message has 576 bytes at most (RFC 4884 section 7).
    const cut = run(6, error(6, 3, 0, 0, long, router), pool).out;
    expectValid(cut);
    expect([cut.length, cut[25]! * 4, object(cut.subarray(-24))]).toEqual([576, 576 - 28 - 28, router]);
  });

  it('refuse an error in an error, a quote that cannot be read, and fragments of ICMP', () => {
    const nested = quote(4, 8);
    nested[9] = 1;
    nested[20] = 3;
    expect(run(4, error(4, 11, 0, 0, nested)).reason).toBe('icmpInner');
    expect(run(4, error(4, 11, 0, 0, quote(4, 8).subarray(0, 12))).reason).toBe('icmpInner');
    const fragment = error(4, 8, 0, 0, new Uint8Array(16));
    fragment[6] = 0x20;
    putU16(fragment, 10, 0);
    putU16(fragment, 10, checksum(fragment, 0, 20));
    expect(run(4, fragment).reason).toBe('fragmentedIcmp');
  });

  it('translate what a short capture holds; the checksum is that of the whole', () => {
    const whole = error(4, 11, 0, 0, quote(4, 60));
    const full = run(4, whole).out;
    const { reason, out, wire } = run(4, whole, {}, 68);
    expect([reason, wire]).toEqual(['translatedTruncated', full.length]);
    expect([...out]).toEqual([...full.subarray(0, out.length)]);
    expect(out.length).toBe(48 + 40 + 20);
  });
});

describe('echo', () => {
  it('of nothing but zeros has a checksum of all ones in IPv4', () => {
    const t = siit({ maps: [{ v4: '192.0.2.1', v6: '2001:db8:1::1' }] });
    for (const [type, data, check] of [
      [129, [0, 0, 0, 0], 0xffff],
      [129, [0, 0, 0, 0, 0, 0], 0xffff],
      [129, [0xff, 0xff, 0, 0], 0],
      [128, [0, 0, 0, 0], 0xf7ff],
    ] as const) {
      const bytes = ip6('2001:db8:1::1', '64:ff9b::c633:6409', 58, Uint8Array.of(type, 0, 0, 0, ...data));
      const [out] = translated(t, [{ side: 6, bytes, wireLength: bytes.length }]);
      expect(u16(out!, 22)).toBe(check);
      expect(sumIsGood(sum16(out!, 20, out!.length))).toBe(true);
    }
  });
});
