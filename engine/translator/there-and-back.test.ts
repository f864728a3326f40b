import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, putU16, unwrap } from '../base/index.ts';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { capturesMissing, haveCaptures } from '../testing/captures.ts';
import { listCaptures, readRawCapture } from '../testing/raw-captures.ts';
import { checksum, formatIpv6, parseIpv4 } from '../wire/index.ts';
import { createTranslator, type Translator } from './create.ts';
import { PacketSink } from './packet-sink.ts';
import { embed4, parsePrefix64, PREFIX64_LENGTHS } from './prefix64.ts';
import { reasonOf } from './reasons.ts';
import { icmp, ip4, ip6, tcp, udp } from './test-packets.ts';

/**
 * A packet translated there and back is the same but for what the RFC loses: a hop for each translator, and from IPv4 the identification
 * and DF of a packet that is no fragment (RFC 7915 section 5.1), options, and a UDP checksum of zero.
 */

const sink = new PacketSink(1 << 17, 64);

const make = (input: TranslatorInput): Translator =>
  unwrap(
    createTranslator(
      translatorSchema.parse({
        df: 'never',
        identification: 'zero',
        wellKnownPrivate: 'allow',
        lowestIpv6Mtu: 65_535,
        mtu6: 65_535,
        mtu4: 65_535,
        hairpin: 'off',
        ...input,
      }),
    ),
  );

function pass(t: Translator, b: Uint8Array): Uint8Array | string {
  sink.clear();
  const { id } = reasonOf(t.translate(b[0]! >>> 4 === 6 ? 6 : 4, b, 0, b.length, b.length, sink, 0));
  return sink.count === 1 && sink.kind[0] === 0 ? sink.packet(0) : id;
}

/** The packet as it is after these many hops. */
function hopped(b: Uint8Array, hops: number): Uint8Array {
  const out = b.slice();
  if (out[0]! >>> 4 === 6) out[7] = out[7]! - hops;
  else {
    out[8] = out[8]! - hops;
    putU16(out, 10, 0);
    putU16(out, 10, checksum(out, 0, 20));
  }
  return out;
}

function expectThereAndBack(there: Translator, back: Translator, b: Uint8Array): void {
  const middle = pass(there, b);
  if (typeof middle === 'string') throw new Error(`refused: ${middle}`);
  expect(middle[0]! >>> 4).not.toBe(b[0]! >>> 4);
  const end = pass(back, middle);
  expect(typeof end === 'string' ? end : hex(end)).toBe(hex(hopped(b, 2)));
}

const port = fc.integer({ min: 1, max: 65_535 });
const payload = fc.uint8Array({ maxLength: 40 });

/** A transport with its protocol in both families. */
const transport = fc.oneof(
  fc.record({
    four: fc.constant(17),
    six: fc.constant(17),
    body: fc.tuple(port, port, payload).map(([a, b, data]) => [udp(a, b, data), udp(a, b, data)] as const),
  }),
  fc.record({
    four: fc.constant(6),
    six: fc.constant(6),
    body: fc.tuple(port, port, fc.nat(63), payload).map(([a, b, flags, data]) => [tcp(a, b, flags, data), tcp(a, b, flags, data)] as const),
  }),
  fc.record({
    four: fc.constant(1),
    six: fc.constant(58),
    body: fc
      .tuple(fc.boolean(), fc.nat(0xffffffff), payload)
      .map(([ask, word, data]) => [icmp(ask ? 8 : 0, 0, word, data), icmp(ask ? 128 : 129, 0, word, data)] as const),
  }),
  fc.record({ four: fc.constant(132), six: fc.constant(132), body: payload.map((data) => [data, data] as const) }),
);
const options = fc.record({ ttl: fc.integer({ min: 3, max: 255 }), tos: fc.nat(255) });
/** Of a fragment: the offset in units of eight with the flag of more, and an identification of 16 bits. */
const piece = fc.record({ units: fc.integer({ min: 1, max: 100 }), more: fc.boolean(), id: fc.nat(0xffff) });

const embedded = (prefix: string, v4: string): string => {
  const out = new Uint8Array(16);
  const b = parseIpv4(v4)!;
  embed4(unwrap(parsePrefix64(prefix)), ((b[0]! << 24) | (b[1]! << 16) | (b[2]! << 8) | b[3]!) >>> 0, out, 0);
  return formatIpv6(out, 0);
};

const PEER = '198.51.100.9';
const HOST4 = '192.0.2.33';
const HOST6 = '2001:db8:1::33';
const MAP = [{ v4: '192.0.2.0/24', v6: '2001:db8:1::/120' }];
const NARROW = '2001:db8:64::/96';
const PREFIXES = PREFIX64_LENGTHS.map((bits) =>
  bits === 96 ? NARROW : `2001:db8${bits === 32 ? '' : bits === 40 ? ':100' : ':122'}::/${bits}`,
);

type Case = readonly [name: string, input: TranslatorInput, host6: string, peer6: string];

const stateless: readonly Case[] = [
  ...PREFIXES.map((prefix): Case => [`siit ${prefix}`, { pool6: [prefix], maps: MAP }, HOST6, embedded(prefix, PEER)]),
  ['siit, both under the prefix', { pool6: [NARROW] }, embedded(NARROW, HOST4), embedded(NARROW, PEER)],
  ['eam, both mapped', { pool6: [], maps: [...MAP, { v4: '198.51.100.0/28', v6: '2001:db8:9::/124' }] }, HOST6, '2001:db8:9::9'],
  [
    'clat',
    { mode: 'clat', pool6: [NARROW], clat: { prefix: '2001:db8:464::/96', networks: ['192.0.2.0/24'] } },
    '2001:db8:464::c000:221',
    embedded(NARROW, PEER),
  ],
];

describe.each(stateless)('%s', (_name, input, host6, peer6) => {
  const t = make(input);
  it('6 to 4 and back, 4 to 6 and back, fragments too', () => {
    fc.assert(
      fc.property(transport, options, piece, ({ four, six, body: [body4, body6] }, o, { units, more, id }) => {
        expectThereAndBack(t, t, ip6(host6, peer6, six, body6, o));
        expectThereAndBack(t, t, ip4(PEER, HOST4, four, body4, o));
        expectThereAndBack(t, t, ip4(HOST4, PEER, four, body4, o));
        if (four === 1) return;
        const data = new Uint8Array(more ? 16 : 11).fill(units);
        expectThereAndBack(t, t, ip6(host6, peer6, six, data, { ...o, id, fragment: (units * 8) | (more ? 1 : 0) }));
        expectThereAndBack(t, t, ip4(PEER, HOST4, four, data, { ...o, id, fragment: units | (more ? 0x2000 : 0) }));
      }),
      { numRuns: 40 },
    );
  });
});

describe('MAP-T', () => {
  const mapt = { dmr: '2001:db8:ffff::/64', rules: [{ v6: '2001:db8::/40', v4: '192.0.2.0/24', eaBits: 16, psidOffset: 6 }] };
  const edge = make({ mode: 'mapt', mapt: { ...mapt, role: 'ce', endUserPrefix: '2001:db8:12:3400::/56', napt44: { enabled: false } } });
  const relay = make({ mode: 'mapt', mapt });
  it('from the edge through the relay, and the way back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 63 }), fc.nat(3), port, payload, options, fc.boolean(), (a, low, other, data, o, asTcp) => {
        // Ports of the edge have its port-set identifier, 0x34, behind six bits that are not zero.
        const own = (a << 10) | (0x34 << 2) | low;
        const body = (from: number, to: number): Uint8Array => (asTcp ? tcp(from, to, 16, data) : udp(from, to, data));
        expectThereAndBack(edge, relay, ip4('192.0.2.18', PEER, asTcp ? 6 : 17, body(own, other), o));
        expectThereAndBack(relay, edge, ip4(PEER, '192.0.2.18', asTcp ? 6 : 17, body(other, own), o));
      }),
      { numRuns: 60 },
    );
  });
});

describe('NAT64', () => {
  it('the answer, sent to where the packet came from, reaches the tuple it started at', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ host: fc.nat(5), kind: fc.nat(2), from: port, to: port }), { minLength: 1, maxLength: 30 }),
        (steps) => {
          const t = make({
            mode: 'nat64',
            own4: '203.0.113.254',
            nat64: { pool4: [{ prefix: '203.0.113.0/30' }], maxBindings: 64, maxSessions: 64 },
          });
          for (const { host, kind, from, to } of steps) {
            const protocol = [17, 6, 58][kind]!;
            const source = `2001:db8:${host + 1}::1`;
            const body = kind === 0 ? udp(from, to) : kind === 1 ? tcp(from, to, 2) : icmp(128, 0, from << 16);
            const out = pass(t, ip6(source, '64:ff9b::c633:6409', protocol, body));
            if (typeof out === 'string') throw new Error(out);
            const answer = out.slice();
            answer.copyWithin(12, 16, 20);
            answer.set(out.subarray(12, 16), 16);
            if (kind < 2) answer.set([out[22]!, out[23]!, out[20]!, out[21]!], 20);
            else {
              answer[20] = 0;
              answer[22] = 0;
              answer[23] = 0;
              putU16(answer, 22, checksum(answer, 20, answer.length));
            }
            const back = pass(t, answer);
            if (typeof back === 'string') throw new Error(back);
            expect([formatIpv6(back, 8), formatIpv6(back, 24)]).toEqual(['64:ff9b::c633:6409', source]);
            const expected = kind === 0 ? udp(to, from) : kind === 1 ? tcp(to, from, 2) : icmp(129, 0, from << 16);
            const check = ip6('64:ff9b::c633:6409', source, protocol, expected, { ttl: 62 });
            expect(hex(back)).toBe(hex(check));
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe.skipIf(!haveCaptures)('real captures', () => {
  it('IPv4 packets come back as they were, but for what the RFC loses', () => {
    const t = make({ pool6: ['2001:db8:64::/96'], maps: [] });
    let compared = 0;
    for (const { path } of listCaptures().filter(({ encapsulation }) => encapsulation === 'ether')) {
      if (compared >= 4_000) break;
      for (const { linkType, bytes, origLenBytes } of readRawCapture(path, 30)) {
        if (linkType !== 1 || bytes[12] !== 8 || bytes[13] !== 0) continue;
        const total = ((bytes[16] ?? 0) << 8) | (bytes[17] ?? 0);
        const b = bytes.slice(14, 14 + total);
        // Without options, whole, not at its last hop, no UDP without checksum, and the last router's checksum right.
        if (b[0] !== 0x45 || b.length !== total || bytes.length < origLenBytes || b[8]! < 3 || checksum(b, 0, 20) !== 0) continue;
        // AH in fragments does not pass (RFC 7915 section 5.1.1), and 0, 43, 44 and 60 are extension headers in IPv6.
        if ([0, 43, 44, 51, 60].includes(b[9]!)) continue;
        if (b[9] === 1 || (b[9] === 17 && b[26] === 0 && b[27] === 0)) continue;
        const middle = pass(t, b);
        if (typeof middle === 'string') continue;
        const end = pass(t, middle);
        const fragment = ((b[6]! & 0x3f) | b[7]!) !== 0;
        const want = b.slice();
        want[6] = want[6]! & 0x3f;
        if (!fragment) putU16(want, 4, 0);
        expect(typeof end === 'string' ? end : hex(end)).toBe(hex(hopped(want, 2)));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(500);
  });
});

if (!haveCaptures) process.stdout.write(`${capturesMissing}\n`);
