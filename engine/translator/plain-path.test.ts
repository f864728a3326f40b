import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { hex, putU16, putU32 } from '../base/index.ts';
import { checksum, pseudoSum4, pseudoSum6 } from '../wire/index.ts';
import type { AddressMapper } from './mapper.ts';
import { Nat64 } from './nat64.ts';
import { PROTOCOL } from './packet-view.ts';
import type { PacketSink } from './packet-sink.ts';
import { newSink, settingsOf, siit } from './test-support.ts';

/** Mostly the first, now and then one of the others. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) });

/** A packet with every field that decides whether it is plain. Addresses are few, so that sessions are met again. */
const packet = fc.record({
  side: fc.constantFrom<4 | 6>(4, 6),
  protocol: fc.oneof(fc.constant(PROTOCOL.tcp), mostly<number>(PROTOCOL.udp, PROTOCOL.icmp, 132)),
  host: mostly(1, 2, 3),
  peer: mostly(0xc6336401, 0xc6336402, 0x0a000001, 0xe0000001, 0xcb007101, 0x7f000001, 0xc0000201),
  port: mostly(5_000, 5_001, 5_002),
  flags: fc.oneof(fc.constantFrom(2, 0x12), mostly(16, 17, 4)),
  ttl: mostly(64, 0, 1, 2),
  payload: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 20, max: 700 }) }, fc.integer({ min: 0, max: 1_600 })),
  cut: mostly(0, -8, 1, 9, 30, 60),
  fragment: mostly(0, 0x4000, 0x2000, 1, 0x8000),
  check: mostly('right', 'zero', 'wrong'),
  ihl: mostly(5, 6),
  badHeader: mostly(false, true),
  waitS: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 400 })),
});
type Packet = typeof packet extends fc.Arbitrary<infer T> ? T : never;

const FROM = 6;

function build(p: Packet, stateless: boolean): { readonly bytes: Uint8Array; readonly length: number; readonly wire: number } {
  const header = p.side === 6 ? 40 : p.ihl * 4;
  const b = new Uint8Array(FROM + header + p.payload + 12);
  const t = FROM + header;
  const protocol = p.side === 6 && p.protocol === PROTOCOL.icmp ? PROTOCOL.icmpv6 : p.protocol;
  for (let i = t; i < b.length; i++) b[i] = i * 7;
  if (p.side === 6) {
    putU32(b, FROM, 0x60a00000);
    putU16(b, FROM + 4, p.payload);
    b[FROM + 6] = protocol;
    b[FROM + 7] = p.ttl;
    // Under the prefix is stateless what stateful translation refuses.
    const embedded = (p.host === 3) !== stateless;
    putU32(b, FROM + 8, embedded ? 0x0064ff9b : 0x20010db8);
    putU32(b, FROM + 20, embedded ? 0xcb007102 : stateless ? 1 : p.host);
    putU32(b, FROM + 24, 0x0064ff9b);
    putU32(b, FROM + 36, p.peer);
  } else {
    b[FROM] = 0x40 | p.ihl;
    b[FROM + 1] = 0xb8;
    putU16(b, FROM + 2, header + p.payload);
    putU16(b, FROM + 6, p.fragment);
    b[FROM + 8] = p.ttl;
    b[FROM + 9] = protocol;
    putU32(b, FROM + 12, p.peer);
    putU32(b, FROM + 16, p.host === 3 && stateless ? 0xcb007103 : 0xcb007101);
    if (p.ihl === 6) putU32(b, FROM + 20, 0x01010100);
    putU16(b, FROM + 10, checksum(b, FROM, t) ^ (p.badHeader ? 1 : 0));
  }
  transport(b, t, p, protocol);
  const wire = header + p.payload;
  // Cut by the capture, or with padding behind it.
  return { bytes: b, length: Math.max(0, wire - p.cut), wire };
}

function transport(b: Uint8Array, t: number, p: Packet, protocol: number): void {
  if (p.payload < 20) return;
  putU16(b, t, p.side === 6 ? p.port : 80);
  putU16(b, t + 2, p.side === 6 ? 80 : p.port);
  if (protocol === PROTOCOL.tcp) b[t + 13] = p.flags;
  if (protocol === PROTOCOL.udp) putU16(b, t + 4, p.payload);
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) putU16(b, t, protocol === PROTOCOL.icmp ? 0 : 0x8000);
  const place = t + (protocol === PROTOCOL.tcp ? 16 : protocol === PROTOCOL.udp ? 6 : 2);
  putU16(b, place, 0);
  const pseudo =
    p.side === 6 ? pseudoSum6(b, FROM + 8, FROM + 24, protocol, p.payload) : pseudoSum4(b, FROM + 12, FROM + 16, protocol, p.payload);
  const check = checksum(b, t, t + p.payload, protocol === PROTOCOL.icmp ? 0 : pseudo);
  putU16(b, place, p.check === 'zero' ? 0 : p.check === 'wrong' ? check ^ 0x1234 : check);
}

interface Translating {
  translate(side: 4 | 6, b: Uint8Array, o: number, length: number, wire: number, sink: PacketSink, nowNs: number): number;
  lookAhead(b: Uint8Array, offsets: Uint32Array, from: number, to: number): void;
}

const sinks = [newSink(), newSink()] as const;

/** Both ways over the same packets: same reasons, same bytes out. Returns how many were translated. */
function same(short: Translating, general: Translating, packets: readonly Packet[], stateless: boolean): number {
  let now = 0;
  let translated = 0;
  for (const p of packets) {
    now += p.waitS * 1e9;
    const { bytes, length, wire } = build(p, stateless);
    for (const sink of sinks) sink.clear();
    const at = (p.port * 1_000 + p.payload) % 3 === 0 ? Uint32Array.of(FROM) : Uint32Array.of(FROM, 0);
    short.lookAhead(bytes, at, 0, at.length);
    const codes = [
      short.translate(p.side, bytes, FROM, length, wire, sinks[0], now),
      general.translate(p.side, bytes, FROM, length, wire, sinks[1], now),
    ];
    const outputs = sinks.map((sink) =>
      Array.from({ length: sink.count }, (_, i) => [sink.side[i], sink.kind[i], sink.wireLength[i], hex(sink.packet(i))]),
    );
    if (codes[0] !== codes[1] || JSON.stringify(outputs[0]) !== JSON.stringify(outputs[1]))
      expect([codes[0], outputs[0]]).toEqual([codes[1], outputs[1]]);
    if (codes[0] === 0) translated++;
  }
  return translated;
}

const withoutShort = <T extends { readonly mapper: AddressMapper } | { readonly context: { readonly mapper: AddressMapper } }>(
  translator: T,
): T => {
  const packets = 'packets' in translator ? translator.packets : translator;
  Object.assign(packets as object, { plain: null });
  return translator;
};

const CONFIGURATIONS: readonly TranslatorInput[] = [
  {},
  { wellKnownPrivate: 'allow', mtu4: 600, mtu6: 1_280, df: 'always', tos: 'zero', trafficClass: 'zero', identification: 'zero' },
  { tos: 7, df: 'never', badHeaderChecksum: 'forward', udpZeroChecksum: 'forward', deny4: ['198.51.100.2/32'] },
];

describe('the short way for plain packets', () => {
  it('gives what the general way gives, stateless, by prefix or by map', () => {
    const maps = [
      { v4: '198.51.100.0/24', v6: '2001:db8:0:1::/120' },
      { v4: '203.0.113.1/32', v6: '2001:db8::1/128' },
    ];
    let translated = 0;
    fc.assert(
      fc.property(
        fc.array(packet, { minLength: 10, maxLength: 20 }),
        fc.constantFrom(...CONFIGURATIONS),
        fc.boolean(),
        (packets, input, mapped) => {
          const configuration = { ...input, ...(mapped && { maps }) };
          translated += same(siit(configuration), withoutShort(siit(configuration)), packets, true);
        },
      ),
      { numRuns: 50 },
    );
    expect(translated).toBeGreaterThan(100);
  });

  it('gives what the general way gives, stateful, over sessions that open, are used and end', () => {
    let translated = 0;
    const nat = (input: TranslatorInput, filtering: 'endpoint-independent' | 'address-dependent'): Nat64 => {
      const binding = { protocol: 'tcp' as const, v6: '2001:db8::9', port6: 80, v4: '203.0.113.1', port4: 5_002 };
      const pool4 = [{ prefix: '203.0.113.1' }];
      const nat64 = { pool4, bindings: [binding], maxSessions: 16, maxBindings: 16, filtering };
      const made = Nat64.create(settingsOf({ ...input, mode: 'nat64', own4: '203.0.113.254', nat64 }));
      if (!made.ok) throw new Error(made.error.message);
      return made.value;
    };
    const filtering = fc.constantFrom('endpoint-independent' as const, 'address-dependent' as const);
    fc.assert(
      fc.property(
        fc.array(packet, { minLength: 20, maxLength: 60 }),
        fc.constantFrom(...CONFIGURATIONS),
        filtering,
        (packets, input, by) => {
          const [short, general] = [nat(input, by), withoutShort(nat(input, by))];
          translated += same(short, general, packets, false);
          expect(JSON.stringify(short.rows())).toBe(JSON.stringify(general.rows()));
        },
      ),
      { numRuns: 50 },
    );
    expect(translated).toBeGreaterThan(100);
  });
});
