import { describe, expect, it } from 'vitest';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { u16 } from '../base/index.ts';
import { formatIpv6 } from '../wire/index.ts';
import { Nat64 } from './nat64.ts';
import { reasonOf } from './reasons.ts';
import { newSink, settingsOf } from './test-support.ts';
import { icmp, ip4, ip6, tcp, udp } from './test-packets.ts';

const HOST = '2001:db8:1::1';
const POOL = '203.0.113.1';
const POOL6 = '64:ff9b::cb00:7101';
const PEER = '198.51.100.9';
const PEER6 = '64:ff9b::c633:6409';
const STRANGER = '198.51.100.200';
const SYN = 2;
const ACK = 16;

function nat(nat64: TranslatorInput['nat64'] = {}): Nat64 {
  const made = Nat64.create(
    settingsOf({ mode: 'nat64', own4: '203.0.113.254', nat64: { pool4: [{ prefix: POOL }], maxSessions: 64, maxBindings: 64, ...nat64 } }),
  );
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

function send(n: Nat64, side: 4 | 6, b: Uint8Array, nowNs = 0): { readonly reason: string; readonly out: Uint8Array | undefined } {
  const sink = newSink();
  const { id } = reasonOf(n.translate(side, b, 0, b.length, b.length, sink, nowNs));
  return { reason: id, out: sink.count > 0 ? sink.packet(0) : undefined };
}

describe('ICMP errors (RFC 6146 section 3.5)', () => {
  it('change no table and no lifetime, and one whose tuple cannot be told is dropped in silence', () => {
    const n = nat();
    const gone = send(n, 6, ip6(HOST, PEER6, 17, udp(5_000, 53))).out!;
    const before = JSON.stringify(n.rows());
    const about = ip4('192.0.2.77', POOL, 1, icmp(3, 3, 0, gone));
    expect(send(n, 4, about, 100e9).reason).toBe('translated');
    expect(JSON.stringify(n.rows())).toBe(before);
    const back = send(n, 4, ip4(PEER, POOL, 17, udp(53, 5_000)), 100e9).out!;
    const after = JSON.stringify(n.rows());
    expect(send(n, 6, ip6(HOST, '64:ff9b::c633:6409', 58, icmp(1, 4, 0, back)), 200e9).reason).toBe('translated');
    expect(JSON.stringify(n.rows())).toBe(after);
    for (const quote of [gone.subarray(0, 22), Uint8Array.of(0x45, 0, 0), new Uint8Array(0), ip4(POOL, PEER, 132, new Uint8Array(12))]) {
      const { reason, out } = send(n, 4, ip4('192.0.2.77', POOL, 1, icmp(3, 3, 0, quote)), 200e9);
      expect([['icmpInner', 'noBinding'].includes(reason), out]).toEqual([true, undefined]);
    }
  });
});

describe('hairpinning (RFC 5508 REQ-7)', () => {
  it('an error about a hairpinned packet reaches its sender, whose address outside it had', () => {
    const n = nat();
    const other = '2001:db8:2::2';
    send(n, 6, ip6(other, PEER6, 17, udp(6_000, 53)));
    const port = n.rows()[0]!.port4;
    const turned = send(n, 6, ip6(HOST, POOL6, 17, udp(4_000, port)));
    expect(turned.reason).toBe('hairpinned');
    const back = send(n, 6, ip6(other, POOL6, 58, icmp(1, 4, 0, turned.out)));
    expect(back.reason).toBe('hairpinned');
    expect([formatIpv6(back.out!, 8), formatIpv6(back.out!, 24), formatIpv6(back.out!, 56), u16(back.out!, 88)]).toEqual([
      POOL6,
      HOST,
      HOST,
      4_000,
    ]);
  });
});

describe('filtering by address (RFC 6146 sections 3.5.1, 3.5.2.2, 3.5.3)', () => {
  it('holds for UDP, TCP and ICMP alike', () => {
    const n = nat({ filtering: 'address-dependent' });
    for (const packet of [udp(5_000, 53), tcp(5_000, 80, SYN)].map((body, i) => ip6(HOST, PEER6, i === 0 ? 17 : 6, body)))
      expect(send(n, 6, packet).reason).toBe('translated');
    const echo = send(n, 6, ip6(HOST, PEER6, 58, icmp(128, 0, (5_000 << 16) | 1))).out!;
    const id = u16(echo, 24);
    const from = (source: string): string[] => [
      send(n, 4, ip4(source, POOL, 17, udp(99, 5_000))).reason,
      send(n, 4, ip4(source, POOL, 6, tcp(99, 5_000, ACK))).reason,
      send(n, 4, ip4(source, POOL, 1, icmp(0, 0, (id << 16) | 1))).reason,
    ];
    expect(from(STRANGER)).toEqual(['filtered', 'filtered', 'filtered']);
    expect(from(PEER)).toEqual(['translated', 'translated', 'translated']);
    expect(send(n, 4, ip4(STRANGER, POOL, 6, tcp(99, 5_000, SYN))).reason).toBe('synHeld');
  });
});

describe('TCP without a session (RFC 6146 section 3.5.2.2)', () => {
  it('segments pass by a binding and make no session; V4 INIT lets them through and stays', () => {
    const n = nat({ bindings: [{ protocol: 'tcp', v6: HOST, port6: 80, v4: POOL, port4: 80 }] });
    expect(send(n, 6, ip6(HOST, PEER6, 6, tcp(80, 999, ACK))).reason).toBe('translated');
    expect(send(n, 4, ip4(PEER, POOL, 6, tcp(999, 80, ACK))).reason).toBe('translated');
    expect(n.rows()).toEqual([]);
    expect(send(n, 4, ip4(PEER, POOL, 6, tcp(999, 80, SYN))).reason).toBe('translated');
    expect(n.rows()[0]!.state).toBe('V4 INIT');
    expect(send(n, 4, ip4(PEER, POOL, 6, tcp(999, 80, ACK))).reason).toBe('translated');
    expect(send(n, 6, ip6(HOST, PEER6, 6, tcp(80, 999, ACK))).reason).toBe('translated');
    expect(n.rows()[0]!.state).toBe('V4 INIT');
    expect(send(nat(), 6, ip6(HOST, PEER6, 6, tcp(80, 999, ACK))).reason).toBe('tcpNoState');
  });
});

describe('times (RFC 6146 section 4)', () => {
  it('UDP lives two minutes at least, fragments two seconds, and the defaults are those of the RFC', () => {
    const timers = (value: object): boolean => translatorSchema.safeParse({ nat64: { timers: value } }).success;
    expect([timers({ udpS: 119 }), timers({ udpS: 120 }), timers({ fragmentS: 1 }), timers({ fragmentS: 2 })]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(translatorSchema.parse({}).nat64.timers).toEqual({
      udpS: 300,
      icmpS: 60,
      tcpEstablishedS: 7_200,
      tcpTransitoryS: 240,
      tcpIncomingSynS: 6,
      fragmentS: 2,
    });
  });
});

describe('destinations that are not translated (RFC 6888 REQ-6)', () => {
  it('a destination on the list makes no state and is refused by name, its neighbour passes', () => {
    const settings = settingsOf({ mode: 'nat64', deny4: ['198.51.100.8/30'], nat64: { pool4: [{ prefix: POOL }] } });
    const made = Nat64.create(settings);
    if (!made.ok) throw new Error(made.error.message);
    const n = made.value;
    expect(send(n, 6, ip6(HOST, PEER6, 17, udp(5_000, 53)))).toEqual({ reason: 'denied', out: undefined });
    expect(n.mapper.bindings.count).toBe(0);
    expect(send(n, 6, ip6(HOST, '64:ff9b::c633:640d', 17, udp(5_000, 53))).reason).toBe('translated');
  });
});
