import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NS_PER_S, putU32, u16, u32 } from '../../base/index.ts';
import {
  emitIcmp,
  emitIpv4,
  emitIpv6,
  emitUdp,
  formatIpv4,
  formatIpv6,
  parseIpv4U32,
  parseIpv6,
  pseudoSum,
  sealIcmp,
  sealIcmpv6,
  sealUdp,
  sum16,
  sumIsGood,
} from '../../wire/index.ts';
import { translatorSchema, type TranslatorInput } from '../../contract/index.ts';
import { createTranslator } from '../create.ts';
import { PacketSink } from '../packet-sink.ts';
import { REASON } from '../reasons.ts';
import { AccessNat } from './access-nat.ts';
import { Relay, type RelayStyle } from './relay.ts';

const own = { four: '198.18.0.9', six: '2001:db8::9' };
const alice = { address: '198.18.0.1', port: 40_000 };
const bob = { address: '2001:db8::2', port: 40_002 };
const standIn = '100.64.0.5';
const prefix = parseIpv6('2001:db8:ffff::')!.subarray(0, 12);

const four = (text: string): Uint8Array => {
  const b = new Uint8Array(4);
  putU32(b, 0, parseIpv4U32(text));
  return b;
};
const six = (text: string): Uint8Array => parseIpv6(text)!;

function udp(
  version: 4 | 6,
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  payload: Uint8Array,
): Uint8Array {
  const ip = version === 4 ? 20 : 40;
  const b = new Uint8Array(ip + 8 + payload.length);
  const payloadLength = 8 + payload.length;
  if (version === 4) emitIpv4(b, 0, { source: four(source), destination: four(destination), protocol: 17, payloadLength });
  else emitIpv6(b, 0, { source: six(source), destination: six(destination), nextHeader: 17, payloadLength });
  emitUdp(b, ip, { sourcePort, destinationPort, payloadLength: payload.length });
  b.set(payload, ip + 8);
  sealUdp(b, ip, version, version === 4 ? 12 : 8, version === 4 ? 16 : 24);
  return b;
}

/** Ends of a UDP packet as text, its payload, and whether its checksum is right. */
function read(b: Uint8Array): { source: string; destination: string; payload: Uint8Array; good: boolean; ttl: number } {
  const version = (b[0]! >> 4) as 4 | 6;
  const ip = version === 4 ? 20 : 40;
  const at = (o: number): string => (version === 4 ? formatIpv4(b, o) : formatIpv6(b, o));
  const length = u16(b, ip + 4);
  const pseudo = pseudoSum(b, version, version === 4 ? 12 : 8, version === 4 ? 16 : 24, 17, length);
  return {
    source: `${at(version === 4 ? 12 : 8)} ${String(u16(b, ip))}`,
    destination: `${at(version === 4 ? 16 : 24)} ${String(u16(b, ip + 2))}`,
    payload: b.slice(ip + 8),
    good: sumIsGood(sum16(b, ip, ip + length, pseudo)),
    ttl: b[version === 4 ? 8 : 7]!,
  };
}

function connected(style: RelayStyle, ratePps = 1_000): { relay: Relay; port: number } {
  const relay = new Relay(style, ratePps, parseIpv4U32(own.four), six(own.six), prefix);
  const entry = relay.reserve(7, parseIpv4U32(standIn))!;
  relay.connect(7, parseIpv4U32(alice.address), alice.port, six(bob.address), bob.port);
  return { relay, port: entry.port };
}

const process = (relay: Relay, b: Uint8Array, nowNs = 0): number => relay.process((b[0]! >> 4) as 4 | 6, b, 0, b.length, nowNs);

describe('binding relay', () => {
  it('rewrites both ends, keeps the payload, the checksum right and the parity of ports (T-09, T-11, T-14)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_200 }), fc.constantFrom(0, 1), fc.boolean(), (payload, rtcp, up) => {
        const { relay, port } = connected('binding');
        const packet = up
          ? udp(4, alice.address, alice.port + rtcp, own.four, port + rtcp, payload)
          : udp(6, bob.address, bob.port + rtcp, own.six, port + rtcp, payload);
        expect(process(relay, packet)).toBe(REASON.translated);
        const out = read(relay.sink.packet(0));
        expect(out).toMatchObject(
          up
            ? { source: `${own.six} ${String(port + rtcp)}`, destination: `${bob.address} ${String(bob.port + rtcp)}` }
            : { source: `${own.four} ${String(port + rtcp)}`, destination: `${alice.address} ${String(alice.port + rtcp)}` },
        );
        expect(out.payload).toEqual(payload);
        expect([out.good, out.ttl]).toEqual([true, 63]);
      }),
    );
  });

  it('relays for nobody who has not reserved (T-15, acceptance 10)', () => {
    const { relay, port } = connected('binding');
    const payload = new Uint8Array(20);
    const strangers: [Uint8Array, number][] = [
      [udp(4, alice.address, alice.port, own.four, port + 2, payload), REASON.noBinding],
      [udp(6, bob.address, bob.port, own.six, port - 2, payload), REASON.noBinding],
      [udp(4, '198.18.0.66', alice.port, own.four, port, payload), REASON.filtered],
      [udp(4, alice.address, alice.port + 4, own.four, port, payload), REASON.filtered],
      [udp(6, '2001:db8::66', bob.port, own.six, port, payload), REASON.filtered],
      [udp(4, alice.address, alice.port, '198.18.0.10', port, payload), REASON.noBinding],
    ];
    for (const [packet, code] of strangers) {
      expect(process(relay, packet)).toBe(code);
      expect(relay.sink.count).toBe(0);
    }
    relay.release(7);
    expect(process(relay, udp(4, alice.address, alice.port, own.four, port, payload))).toBe(REASON.noBinding);
    expect(relay.relayed).toBe(0);
    expect([...relay.refused.values()].reduce((a, b) => a + b)).toBe(7);
  });

  it('passes nothing before both parties are known', () => {
    const relay = new Relay('binding', 100, parseIpv4U32(own.four), six(own.six), prefix);
    const { port } = relay.reserve(1, 0)!;
    expect(process(relay, udp(4, alice.address, alice.port, own.four, port, new Uint8Array(4)))).toBe(REASON.filtered);
  });

  it('lets no session send more than its rate', () => {
    const { relay, port } = connected('binding', 10);
    const packet = udp(4, alice.address, alice.port, own.four, port, new Uint8Array(4));
    const at = (nowNs: number): boolean => process(relay, packet, nowNs) === REASON.translated;
    expect(Array.from({ length: 15 }, (_, i) => at(i)).filter(Boolean)).toHaveLength(10);
    expect(relay.refused.get('rateCap')).toBe(5);
    expect(at(2 * NS_PER_S)).toBe(true);
  });

  it('counts packets that leave in fragments, too (T-15)', () => {
    const { relay, port } = connected('binding', 10);
    const long = udp(4, alice.address, alice.port, own.four, port, new Uint8Array(1_470));
    const codes = Array.from({ length: 15 }, (_, i) => process(relay, long, i));
    expect(codes.filter((code) => code === REASON.translatedFragmented)).toHaveLength(10);
    expect([relay.refused.get('rateCap'), relay.sink.count]).toEqual([5, 0]);
  });

  it('brings ICMP errors to the leg whose packet they are about (T-13)', () => {
    const { relay, port } = connected('binding');
    // Alice's host says that nobody listens: the packet quoted is the one the converter sent her for Bob.
    const quoted = udp(4, own.four, port, alice.address, alice.port, new Uint8Array(8)).subarray(0, 28);
    const error = new Uint8Array(28 + quoted.length);
    emitIpv4(error, 0, { source: four(alice.address), destination: four(own.four), protocol: 1, payloadLength: 8 + quoted.length });
    emitIcmp(error, 20, { type: 3, code: 3, rest: 0 });
    error.set(quoted, 28);
    sealIcmp(error, 20, 8 + quoted.length);
    expect(process(relay, error)).toBe(REASON.translated);
    const out = relay.sink.packet(0);
    expect([formatIpv6(out, 8), formatIpv6(out, 24), out[40], out[41]]).toEqual([own.six, bob.address, 1, 4]);
    expect([formatIpv6(out, 56), formatIpv6(out, 72), u16(out, 88), u16(out, 90)]).toEqual([bob.address, own.six, bob.port, port]);
    expect(sumIsGood(sum16(out, 40, out.length, pseudoSum(out, 6, 8, 24, 58, out.length - 40)))).toBe(true);
  });

  it('and the same from the IPv6 side', () => {
    const { relay, port } = connected('binding');
    const quoted = udp(6, own.six, port, bob.address, bob.port, new Uint8Array(8)).subarray(0, 48);
    const error = new Uint8Array(48 + quoted.length);
    emitIpv6(error, 0, { source: six(bob.address), destination: six(own.six), nextHeader: 58, payloadLength: 8 + quoted.length });
    emitIcmp(error, 40, { type: 1, code: 4, rest: 0 });
    error.set(quoted, 48);
    sealIcmpv6(error, 40, 8 + quoted.length, 8, 24);
    expect(process(relay, error)).toBe(REASON.translated);
    const out = relay.sink.packet(0);
    expect([formatIpv4(out, 12), formatIpv4(out, 16), out[20], out[21]]).toEqual([own.four, alice.address, 3, 3]);
    expect([formatIpv4(out, 40), formatIpv4(out, 44), u16(out, 48), u16(out, 50)]).toEqual([alice.address, own.four, alice.port, port]);
    expect(u32(out, 24)).toBe(0);
  });
});

describe('prefix mapping', () => {
  it('maps addresses and leaves ports alone (T-12)', () => {
    const { relay, port } = connected('prefix');
    expect(port).toBe(0);
    const payload = Uint8Array.of(1, 2, 3);
    expect(process(relay, udp(4, alice.address, alice.port, standIn, bob.port, payload))).toBe(REASON.translated);
    expect(read(relay.sink.packet(0))).toMatchObject({
      source: `2001:db8:ffff::c612:1 ${String(alice.port)}`,
      destination: `${bob.address} ${String(bob.port)}`,
      good: true,
    });
    expect(process(relay, udp(6, bob.address, bob.port, '2001:db8:ffff::c612:1', alice.port, payload))).toBe(REASON.translated);
    expect(read(relay.sink.packet(0))).toMatchObject({ source: `${standIn} ${String(bob.port)}`, destination: `${alice.address} ${String(alice.port)}`, good: true }); // prettier-ignore
  });

  it('relays for nobody who has not reserved (T-15)', () => {
    const { relay } = connected('prefix');
    const payload = new Uint8Array(4);
    expect(process(relay, udp(4, '198.18.0.66', 1, standIn, bob.port, payload))).toBe(REASON.filtered);
    expect(process(relay, udp(4, alice.address, 1, '100.64.0.6', bob.port, payload))).toBe(REASON.noBinding);
    expect(process(relay, udp(6, '2001:db8::66', 1, '2001:db8:ffff::c612:1', alice.port, payload))).toBe(REASON.filtered);
    expect(process(relay, udp(6, bob.address, 1, '2001:db8:eeee::c612:1', alice.port, payload))).toBe(REASON.notPool6);
    expect(relay.relayed).toBe(0);
  });
});

it('prefix mapping: a call that is let go late takes nothing from the next call of its party', () => {
  const { relay } = connected('prefix');
  relay.reserve(8, parseIpv4U32('100.64.0.9'));
  relay.connect(8, parseIpv4U32(alice.address), alice.port, six(bob.address), bob.port);
  relay.release(7);
  expect(process(relay, udp(6, bob.address, bob.port, '2001:db8:ffff::c612:1', alice.port, new Uint8Array(3)))).toBe(REASON.translated);
  expect(read(relay.sink.packet(0)).source).toBe(`100.64.0.9 ${String(bob.port)}`);
});

describe('behind a NAT (RFC 4787)', () => {
  const outside = '203.0.113.5';
  const make = (): { relay: Relay; port: number; port4: number } => {
    const nat = new AccessNat(parseIpv4U32(own.four), parseIpv4U32(outside));
    const relay = new Relay('binding', 1_000, parseIpv4U32(own.four), six(own.six), prefix, nat);
    const { port, port4 } = relay.reserve(7, 0)!;
    return { relay, port, port4 };
  };
  const meet = (relay: Relay): void => {
    relay.connect(7, parseIpv4U32(alice.address), alice.port, six(bob.address), bob.port);
  };

  it('is reached at the NAT, leaves from there, and leaves the packet of the sender as it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.constantFrom(0, 1), (payload, rtcp) => {
        const { relay, port, port4 } = make();
        meet(relay);
        expect([port4 % 2, port4 === port]).toEqual([0, false]);
        const up = udp(4, alice.address, alice.port + rtcp, outside, port4 + rtcp, payload);
        const sent = up.slice();
        expect(process(relay, up)).toBe(REASON.translated);
        expect(up).toEqual(sent);
        expect(read(relay.sink.packet(0))).toMatchObject({ source: `${own.six} ${String(port + rtcp)}`, payload, good: true });
        expect(process(relay, udp(6, bob.address, bob.port + rtcp, own.six, port + rtcp, payload))).toBe(REASON.translated);
        const out = read(relay.sink.packet(0));
        expect(out).toMatchObject({ source: `${outside} ${String(port4 + rtcp)}`, payload, good: true });
        expect(out.destination).toBe(`${alice.address} ${String(alice.port + rtcp)}`);
      }),
    );
  });

  it('lets nobody in before the converter has sent, nor anybody it has not sent to, nor after the session', () => {
    const { relay, port, port4 } = make();
    const packet = (from: string, to: string, at: number): Uint8Array => udp(4, from, alice.port, to, at, new Uint8Array(9));
    expect(process(relay, packet(alice.address, outside, port4))).toBe(REASON.filtered);
    meet(relay);
    expect(process(relay, packet(alice.address, outside, port4))).toBe(REASON.translated);
    for (const stranger of [
      packet('198.18.0.66', outside, port4),
      packet(alice.address, own.four, port),
      packet(alice.address, outside, port4 + 2),
    ]) {
      expect(process(relay, stranger)).toBe(REASON.filtered);
    }
    for (const length of [0, 1, 19, 27])
      expect(relay.process(4, packet(alice.address, outside, port4), 0, length, 0)).toBe(REASON.filtered);
    relay.release(7);
    expect(process(relay, packet(alice.address, outside, port4))).toBe(REASON.filtered);
    expect(relay.refused.get('nat')).toBe(9);
  });
});

describe('ICMP errors behind a NAT (T-13, RFC 5508 section 4)', () => {
  const outside = '203.0.113.5';
  const make = (): { relay: Relay; port: number; port4: number } => {
    const nat = new AccessNat(parseIpv4U32(own.four), parseIpv4U32(outside));
    const relay = new Relay('binding', 1_000, parseIpv4U32(own.four), six(own.six), prefix, nat);
    const { port, port4 } = relay.reserve(7, 0)!;
    relay.connect(7, parseIpv4U32(alice.address), alice.port, six(bob.address), bob.port);
    return { relay, port, port4 };
  };
  const error4 = (quoted: Uint8Array, type = 3): Uint8Array => {
    const error = new Uint8Array(28 + quoted.length);
    emitIpv4(error, 0, { source: four(alice.address), destination: four(outside), protocol: 1, payloadLength: 8 + quoted.length });
    emitIcmp(error, 20, { type, code: 3, rest: 0 });
    error.set(quoted, 28);
    sealIcmp(error, 20, 8 + quoted.length);
    return error;
  };

  it('come in about packets that the converter has sent, and about no others', () => {
    const { relay, port, port4 } = make();
    const about = (from: string, at: number, to: string): Uint8Array => udp(4, from, at, to, alice.port, new Uint8Array(8)).subarray(0, 28);
    expect(process(relay, error4(about(outside, port4, alice.address)))).toBe(REASON.translated);
    const out = relay.sink.packet(0);
    expect([formatIpv6(out, 8), formatIpv6(out, 24), out[40], out[41]]).toEqual([own.six, bob.address, 1, 4]);
    expect([formatIpv6(out, 56), formatIpv6(out, 72), u16(out, 88), u16(out, 90)]).toEqual([bob.address, own.six, bob.port, port]);
    expect(sumIsGood(sum16(out, 40, out.length, pseudoSum(out, 6, 8, 24, 58, out.length - 40)))).toBe(true);
    const mine = about(outside, port4, alice.address);
    for (const stranger of [
      error4(about(outside, port4 + 2, alice.address)),
      error4(about(outside, port4, '198.18.0.66')),
      error4(about(own.four, port, alice.address)),
      error4(mine, 8),
      error4(mine.subarray(0, 26)),
      error4(new Uint8Array(0)),
    ]) {
      expect(process(relay, stranger)).toBe(REASON.filtered);
    }
    const whole = error4(mine);
    for (let length = 0; length < whole.length; length++) expect(relay.process(4, whole, 0, length, 0)).toBe(REASON.filtered);
  });

  it('go out from the address of the NAT, about the packet as the peer sent it', () => {
    const { relay, port, port4 } = make();
    const quoted = udp(6, own.six, port, bob.address, bob.port, new Uint8Array(8)).subarray(0, 48);
    const error = new Uint8Array(48 + quoted.length);
    emitIpv6(error, 0, { source: six(bob.address), destination: six(own.six), nextHeader: 58, payloadLength: 8 + quoted.length });
    emitIcmp(error, 40, { type: 1, code: 4, rest: 0 });
    error.set(quoted, 48);
    sealIcmpv6(error, 40, 8 + quoted.length, 8, 24);
    expect(process(relay, error)).toBe(REASON.translated);
    const out = relay.sink.packet(0);
    expect([formatIpv4(out, 12), formatIpv4(out, 16), out[20], out[21]]).toEqual([outside, alice.address, 3, 3]);
    expect([formatIpv4(out, 40), formatIpv4(out, 44), u16(out, 48), u16(out, 50)]).toEqual([alice.address, outside, alice.port, port4]);
    expect([sumIsGood(sum16(out, 0, 20, 0)), sumIsGood(sum16(out, 20, out.length, 0)), sumIsGood(sum16(out, 28, 48, 0))]).toEqual([true, true, true]); // prettier-ignore
  });
});

describe('a terminal converter as a translator of a configuration', () => {
  const bindings = [{ port: 16_384, v4: alice.address, port4: alice.port, v6: bob.address, port6: bob.port }];
  const make = (relay: TranslatorInput['relay']) =>
    createTranslator(translatorSchema.parse({ mode: 'relay', own4: own.four, own6: own.six, relay }));
  const translate = (relay: TranslatorInput['relay'], packets: readonly Uint8Array[]): { codes: number[]; sink: PacketSink } => {
    const made = make(relay);
    if (!made.ok) throw new Error(made.error.message);
    const sink = new PacketSink(65_536, 16);
    const codes = packets.map((b, i) => made.value.translate((b[0]! >> 4) as 4 | 6, b, 0, b.length, b.length, sink, i));
    return { codes, sink };
  };

  it('relays what is reserved, both ways, and refuses everybody else (T-11, T-15)', () => {
    const payload = Uint8Array.of(1, 2, 3);
    const { codes, sink } = translate({ bindings }, [
      udp(4, alice.address, alice.port, own.four, 16_384, payload),
      udp(6, bob.address, bob.port, own.six, 16_384, payload),
      udp(6, bob.address, bob.port, own.six, 16_386, payload),
      udp(6, '2001:db8::66', bob.port, own.six, 16_384, payload),
    ]);
    expect(codes).toEqual([REASON.translated, REASON.translated, REASON.notReserved, REASON.otherParty]);
    expect(sink.count).toBe(2);
    expect(read(sink.packet(0))).toMatchObject({
      source: `${own.six} 16384`,
      destination: `${bob.address} ${String(bob.port)}`,
      good: true,
    });
    expect(read(sink.packet(1))).toMatchObject({
      source: `${own.four} 16384`,
      destination: `${alice.address} ${String(alice.port)}`,
      good: true,
    });
  });

  it('caps the rate of a session', () => {
    const packet = udp(4, alice.address, alice.port, own.four, 16_384, new Uint8Array(4));
    const { codes } = translate({ bindings, ratePps: 2 }, [packet, packet, packet]);
    expect(codes).toEqual([REASON.translated, REASON.translated, REASON.rateCap]);
  });

  it.each([
    [[{ ...bindings[0]!, v4: 'x.1' }], 'relay.bindings.0.v4'],
    [[{ ...bindings[0]!, v6: '192.0.2.1' }], 'relay.bindings.0.v6'],
    [[bindings[0]!, bindings[0]!], 'relay.bindings.1.port'],
  ])('names the field that cannot be used: %j', (list, field) => {
    const made = make({ bindings: list });
    expect(made.ok ? '' : made.error.field).toBe(field);
  });
});
