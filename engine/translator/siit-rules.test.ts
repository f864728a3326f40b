import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { putU16, u16, u32 } from '../base/index.ts';
import { checksum, formatIpv4, formatIpv6, pseudoSum4, pseudoSum6, sum16, sumIsGood } from '../wire/index.ts';
import { SINK_KIND } from './packet-sink.ts';
import { reasonOf } from './reasons.ts';
import { icmp, ip4, ip6, tcp, transportIsValid, udp } from './test-packets.ts';
import { newSink, siit, translatorOf } from './test-support.ts';

// What the text of RFC 7915 and RFC 4443 asks of single packets, beside the tables and headers of siit.test and icmp.test.
const HOST = '2001:db8:1::1';
const PEER6 = '64:ff9b::c633:6409';
const PEER4 = '198.51.100.9';
const HOST4 = '192.0.2.1';
const CONFIG: TranslatorInput = { maps: [{ v4: HOST4, v6: HOST }], own4: '192.0.2.254', own6: '2001:db8::fe' };

interface Outcome {
  readonly id: string;
  readonly out: Uint8Array[];
  readonly made: boolean;
}

function give(input: TranslatorInput, b: Uint8Array): Outcome {
  const sink = newSink();
  const side = b[0]! >> 4 === 6 ? 6 : 4;
  const code = siit({ ...CONFIG, ...input }).translate(side, b, 0, b.length, b.length, sink);
  return {
    id: reasonOf(code).id,
    out: Array.from({ length: sink.count }, (_, i) => sink.packet(i)),
    made: sink.count > 0 && sink.kind[0] === SINK_KIND.error,
  };
}

/** IPv4 packet with DF and 8 bytes of options. */
function withOptions(payload: number): Uint8Array {
  const plain = ip4(PEER4, HOST4, 17, udp(53, 4_000, payload), { fragment: 0x4000 });
  const b = new Uint8Array(plain.length + 8);
  b.set(plain.subarray(0, 20));
  b.fill(1, 20, 28);
  b.set(plain.subarray(20), 28);
  b[0] = 0x47;
  putU16(b, 2, b.length);
  putU16(b, 10, 0);
  putU16(b, 10, checksum(b, 0, 28));
  return b;
}

describe('sizes (RFC 7915 sections 1.4, 4.1, 4.2)', () => {
  it('DF: total length with options, plus 20, decides', () => {
    const b = withOptions(1_400);
    expect(b.length).toBe(1_436);
    expect(give({ mtu6: 1_456 }, b).id).toBe('translated');
    const { id, out } = give({ mtu6: 1_455 }, b);
    expect([id, u32(out[0]!, 24)]).toEqual(['fragmentationNeeded', 1_435]);
  });

  it('a lowest MTU above 1280 does not hide a narrower IPv4 path: its senders would never learn', () => {
    const quoted = ip4(HOST4, PEER4, 17, udp(4_000, 53, 1_352), { fragment: 0x4000 });
    const { out } = give({ lowestIpv6Mtu: 1_400 }, ip4('198.51.100.1', HOST4, 1, icmp(3, 4, 1_300, quoted)));
    expect([out[0]![40], u32(out[0]!, 44)]).toEqual([2, 1_320]);
  });

  it('an error larger than the IPv4 next hop takes is cut like any packet', () => {
    const quoted = ip6(PEER6, HOST, 17, udp(53, 4_000, 1_180));
    const error = ip6(HOST, PEER6, 58, icmp(1, 4, 0, quoted));
    const whole = give({}, error).out[0]!;
    const { id, out } = give({ mtu4: 600 }, error);
    expect([id, out.length]).toEqual(['translatedFragmented', 3]);
    expect(out.every((b) => b.length <= 600 && sumIsGood(sum16(b, 0, 20)))).toBe(true);
    const body = Uint8Array.from(out.flatMap((b) => [...b.subarray(20)]));
    expect(body).toEqual(whole.subarray(20));
    expect(out.map((b) => [(u16(b, 6) & 0x1fff) * 8, u16(b, 6) >> 13])).toEqual([
      [0, 1],
      [576, 1],
      [1_152, 0],
    ]);
    // Above 1260 bytes DF is set, and no error is sent about an error.
    const large = ip6(HOST, PEER6, 58, icmp(1, 4, 0, ip6(PEER6, HOST, 17, udp(53, 4_000, 1_300))));
    expect(give({ mtu4: 1_262 }, large)).toEqual({ id: 'answerSuppressed', out: [], made: false });
  });
});

describe('protocols (RFC 7915 sections 4.1, 4.5, 5.1, 5.5)', () => {
  it('all are copied, the ICMP of the other family too', () => {
    const body = Uint8Array.from({ length: 24 }, (_, i) => i * 11);
    for (const protocol of [4, 41, 47, 50, 51, 58, 88, 89, 103, 132, 253]) {
      const { id, out } = give({}, ip4(PEER4, HOST4, protocol, body, { raw: true }));
      expect([id, out[0]![6], [...out[0]!.subarray(40)]]).toEqual(['translated', protocol, [...body]]);
    }
    for (const next of [1, 2, 4, 41, 47, 50, 51, 59, 132, 253]) {
      const { id, out } = give({}, ip6(HOST, PEER6, next, body, { raw: true }));
      expect([id, out[0]![9], [...out[0]!.subarray(20)]]).toEqual(['translated', next, [...body]]);
    }
  });

  it('checksums of DCCP and UDP-Lite follow the addresses', () => {
    for (const protocol of [33, 136]) {
      const body = udp(1, 2, 20);
      // UDP-Lite: a coverage of zero is all of it; DCCP has data offset and coverage at the same place as length.
      putU16(body, 4, protocol === 136 ? 0 : 0x0400);
      const before = ip4(PEER4, HOST4, protocol, body);
      putU16(before, 26, checksum(before, 20, before.length, pseudoSum4(before, 12, 16, protocol, body.length)));
      const six = give({}, before).out[0]!;
      expect(sumIsGood(sum16(six, 40, six.length, pseudoSum6(six, 8, 24, protocol, body.length)))).toBe(true);
      const back = give({}, ip6(HOST, PEER6, protocol, withSum(body, protocol))).out[0]!;
      expect(sumIsGood(sum16(back, 20, back.length, pseudoSum4(back, 12, 16, protocol, body.length)))).toBe(true);
    }
  });

  it('a translator with ports has none for it', () => {
    const nat = translatorOf({ mode: 'nat64', nat64: { pool4: [{ prefix: '203.0.113.1' }] } });
    const b = ip6(HOST, PEER6, 1, new Uint8Array(24), { raw: true });
    expect(reasonOf(nat.translate(6, b, 0, b.length, b.length, newSink(), 0)).id).toBe('icmpUnknown');
  });
});

function withSum(body: Uint8Array, protocol: number): Uint8Array {
  const b = ip6(HOST, PEER6, protocol, body, { raw: true });
  putU16(b, 46, 0);
  putU16(b, 46, checksum(b, 40, b.length, pseudoSum6(b, 8, 24, protocol, body.length)));
  return b.slice(40);
}

describe('headers behind IPv6 (RFC 7915 sections 5.1 and 5.1.1)', () => {
  it('no extension header but ESP may follow a fragment header', () => {
    const body = new Uint8Array([17, 0, 0, 0, 0, 0, 0, 0, ...udp(1, 2)]);
    const ids = (fragment: number) =>
      [0, 43, 44, 51, 60, 135, 139, 140].map((next) => give({}, ip6(HOST, PEER6, next, body, { fragment })).id);
    expect([...new Set([...ids(1), ...ids(64)])]).toEqual(['fragmentBeforeExtension']);
    const { id, out } = give({}, ip6(HOST, PEER6, 50, body, { fragment: 1 }));
    expect([id, out[0]![9], u16(out[0]!, 6)]).toEqual(['translated', 50, 0x2000]);
  });

  it('destination options and others are skipped, wherever they stand, and lengths follow', () => {
    const options = (next: number, words: number) => [next, words, ...new Uint8Array(6 + words * 8)];
    const body = udp(4_000, 53, 30);
    const chain = new Uint8Array([...options(60, 1), ...options(43, 0), ...options(60, 0), ...options(17, 2), ...body]);
    const { id, out } = give({}, ip6(HOST, PEER6, 0, chain));
    expect([id, out[0]![9], u16(out[0]!, 2), u16(out[0]!, 6)]).toEqual(['translated', 17, 20 + body.length, 0]);
    expect(out[0]!.subarray(20)).toEqual(body);
  });

  it('segments left of a routing header: answered, but not about an ICMPv6 error (RFC 4443 section 2.4)', () => {
    const routed = (next: number, body: Uint8Array) => ip6(HOST, PEER6, 43, new Uint8Array([next, 0, 0, 2, 0, 0, 0, 0, ...body]));
    const echo = give({}, routed(58, icmp(128, 0, 1)));
    expect([echo.id, echo.made, echo.out[0]![40], u32(echo.out[0]!, 44)]).toEqual(['routingHeader', true, 4, 43]);
    expect(give({}, routed(58, icmp(1, 4, 0, ip6(PEER6, HOST, 17, udp(1, 2)))))).toEqual({ id: 'answerSuppressed', out: [], made: false });
    expect(give({}, routed(58, new Uint8Array(0))).id).toBe('answerSuppressed');
  });
});

describe('what is dropped in silence (RFC 7915 sections 4.2, 5.1, 5.2)', () => {
  const loud: TranslatorInput = { icmpErrors: { drops: 'answer' } };

  it('IPv6 sources that no router forwards', () => {
    for (const source of ['::1', '::', 'ff02::1', 'fe80::1']) {
      expect(give(loud, ip6(source, PEER6, 17, udp(1, 2)))).toEqual({ id: 'illegalSource', out: [], made: false });
    }
  });

  it('types without a counterpart, of either family', () => {
    const quoted = ip4(HOST4, PEER4, 17, udp(1, 2));
    for (const [type, code] of [
      [4, 0],
      [5, 0],
      [6, 0],
      [9, 0],
      [10, 0],
      [12, 1],
      [13, 0],
      [15, 0],
      [17, 0],
      [3, 14],
      [99, 0],
    ] as const) {
      expect(give(loud, ip4(PEER4, HOST4, 1, icmp(type, code, 0, quoted))).out).toEqual([]);
    }
    for (const type of [127, 130, 133, 137, 138, 139, 141, 143, 151, 200]) {
      expect(give(loud, ip6(HOST, PEER6, 58, icmp(type, 0, 0, ip6(PEER6, HOST, 17, udp(1, 2))))).out).toEqual([]);
    }
    expect(give(loud, ip4(PEER4, HOST4, 2, new Uint8Array(8))).out).toEqual([]);
  });
});

describe('the workflow of RFC 7915 appendix A', () => {
  const NSP: TranslatorInput = { maps: [], pool6: ['2001:db8:100::/40'] };
  const H6 = '2001:db8:1c0:2:21::';
  const H4 = '2001:db8:1c6:3364:2::';

  it.each([
    [17, udp(5_000, 53)],
    [6, tcp(5_000, 80, 2)],
  ] as const)('protocol %i from H6 to H4 and back (A.1, A.2)', (protocol, body) => {
    const four = give(NSP, ip6(H6, H4, protocol, body)).out[0]!;
    expect([formatIpv4(four, 12), formatIpv4(four, 16), transportIsValid(four)]).toEqual(['192.0.2.33', '198.51.100.2', true]);
    const six = give(NSP, ip4('198.51.100.2', '192.0.2.33', protocol, body)).out[0]!;
    expect([formatIpv6(six, 8), formatIpv6(six, 24), transportIsValid(six)]).toEqual([H4, H6, true]);
  });
});
