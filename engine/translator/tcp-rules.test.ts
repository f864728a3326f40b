import { describe, expect, it } from 'vitest';
import { translatorSchema, type TranslatorInput } from '../contract/index.ts';
import { u16, u32 } from '../base/index.ts';
import { formatIpv4, formatIpv6 } from '../wire/index.ts';
import { Nat64 } from './nat64.ts';
import { reasonOf } from './reasons.ts';
import { newSink, settingsOf } from './test-support.ts';
import { icmp, ip4, ip6, tcp, udp } from './test-packets.ts';

const S = 1e9;
const HOST = '2001:db8:1::1';
const OTHER = '2001:db8:2::2';
const POOL = '203.0.113.1';
const POOL6 = '64:ff9b::cb00:7101';
const PEER = '198.51.100.9';
const PEER6 = '64:ff9b::c633:6409';
const FIN = 1;
const SYN = 2;
const ACK = 16;

function nat(nat64: TranslatorInput['nat64'] = {}): Nat64 {
  const made = Nat64.create(settingsOf({ mode: 'nat64', own4: '203.0.113.254', nat64: { pool4: [{ prefix: POOL }], ...nat64 } }));
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

function send(n: Nat64, side: 4 | 6, b: Uint8Array, nowNs = 0): string {
  return reasonOf(n.translate(side, b, 0, b.length, b.length, newSink(), nowNs)).id;
}

/** What leaves when time moves on. */
function later(n: Nat64, nowNs: number): Uint8Array[] {
  const sink = newSink();
  n.advance(nowNs, sink);
  return Array.from({ length: sink.count }, (_, i) => sink.packet(i));
}

const state = (n: Nat64): string | undefined => n.rows()[0]?.state;
const syn = (from: number): Uint8Array => ip4(PEER, POOL, 6, tcp(80, from, SYN));

describe('SYN from outside (RFC 6146 section 3.5.2.2, CLOSED and V4 INIT)', () => {
  it('said again, it waits once and is answered once, six seconds after the first', () => {
    const n = nat({ maxHeldSyns: 1 });
    expect([send(n, 4, syn(5_000)), send(n, 4, syn(5_000), 1 * S), send(n, 4, syn(5_000), 3 * S)]).toEqual(Array(3).fill('synHeld'));
    expect(send(n, 4, syn(5_001), 3 * S)).toBe('portUnreachable');
    expect(later(n, 6 * S - 1)).toEqual([]);
    const out = later(n, 6 * S);
    expect([out.length, u16(out[0]!, 20), formatIpv4(out[0]!, 16), later(n, 20 * S).length]).toEqual([1, 0x0303, PEER, 0]);
  });

  it('has SYN set, with ACK or without', () => {
    expect(send(nat(), 4, ip4(PEER, POOL, 6, tcp(80, 5_000, SYN | ACK)))).toBe('synHeld');
  });

  it('one from inside for the same connection makes it ESTABLISHED at once, and no error follows', () => {
    const n = nat();
    send(n, 4, syn(5_000));
    expect(send(n, 6, ip6(HOST, PEER6, 6, tcp(5_000, 80, SYN)))).toBe('translated');
    expect([state(n), later(n, 300 * S).length, n.mapper.sessions.count]).toEqual(['ESTABLISHED', 0, 1]);
  });

  it('one from inside to another port of that host is another connection: the wait goes on', () => {
    const n = nat();
    send(n, 4, syn(5_000));
    send(n, 6, ip6(HOST, PEER6, 6, tcp(5_000, 81, SYN)));
    expect([state(n), later(n, 6 * S).length]).toEqual(['V6 INIT', 1]);
  });

  it('one that turns back inside waits as well; its sender is told by ICMPv6, or both have opened at once', () => {
    const n = nat();
    expect(send(n, 6, ip6(HOST, POOL6, 6, tcp(4_000, 6_000, SYN)))).toBe('synHeld');
    const [out] = later(n, 6 * S);
    expect([u16(out!, 40), formatIpv6(out!, 24)]).toEqual([0x0104, HOST]);
    const both = nat();
    send(both, 6, ip6(HOST, POOL6, 6, tcp(4_000, 6_000, SYN)));
    expect(send(both, 6, ip6(OTHER, POOL6, 6, tcp(6_000, 4_000, SYN)))).toBe('hairpinned');
    expect([both.rows().map((row) => row.state), later(both, 7 * S).length]).toEqual([['ESTABLISHED', 'ESTABLISHED'], 0]);
  });
});

describe('lifetimes of TCP (RFC 6146 sections 3.5.2.2 and 4)', () => {
  it('a FIN moves the state and leaves the lifetime as it runs; what follows restarts it', () => {
    const n = nat();
    send(n, 6, ip6(HOST, PEER6, 6, tcp(5_000, 80, SYN)));
    send(n, 4, ip4(PEER, POOL, 6, tcp(80, 5_000, SYN | ACK)));
    send(n, 6, ip6(HOST, PEER6, 6, tcp(5_000, 80, FIN | ACK)), 100 * S);
    expect([state(n), n.mapper.sessions.endNs(0)]).toEqual(['V6 FIN RCV', 7_200 * S]);
    send(n, 4, ip4(PEER, POOL, 6, tcp(80, 5_000, ACK)), 200 * S);
    expect([state(n), n.mapper.sessions.endNs(0)]).toEqual(['V6 FIN RCV', 7_400 * S]);
    expect([later(n, 7_400 * S).length, n.mapper.sessions.count]).toEqual([0, 0]);
  });

  it('none can be set below what RFC 6146, RFC 5382 and RFC 5508 allow', () => {
    const least = { icmpS: 60, tcpEstablishedS: 7_200, tcpTransitoryS: 240, tcpIncomingSynS: 6 };
    for (const [name, value] of Object.entries(least)) {
      const takes = (s: number): boolean => translatorSchema.safeParse({ nat64: { timers: { [name]: s } } }).success;
      expect([takes(value), takes(value - 0.5)]).toEqual([true, false]);
    }
  });
});

describe('addresses of hosts (RFC 6146 sections 3.5.1.1, 3.5.2.3, 3.8, RFC 6888 REQ-2)', () => {
  const address = (n: Nat64, host: string, port: number): number | string => {
    const sink = newSink();
    const b = ip6(host, PEER6, 17, udp(port, 53));
    const code = n.translate(6, b, 0, b.length, b.length, sink, 0);
    return sink.side[0] === 4 ? u32(sink.packet(0), 12) : reasonOf(code).id;
  };

  it('a host that has bindings stays on their address, whatever its parity, and gets none elsewhere when that is full', () => {
    const n = nat({ pool4: [{ prefix: '203.0.113.0/30', ports: [2_000, 2_003] }] });
    const used = [1, 3, 5, 7, 9].map((port) => address(n, HOST, 3_000 + port));
    expect(new Set(used.slice(0, 4)).size).toBe(1);
    expect(used[4]).toBe('addressUnreachable');
  });

  it('a host that found its address full stays on the next one as long as it has a binding there', () => {
    const n = nat({ pool4: [{ prefix: '203.0.113.0/31', ports: [2_000, 2_001] }] });
    const hosts = Array.from({ length: 12 }, (_, i) => `2001:db8:7::${i + 1}`);
    const first = hosts.map((host) => address(n, host, 2_000));
    const full = first.filter((at) => typeof at === 'number');
    expect([full.length, new Set(full).size]).toEqual([4, 2]);
    // UDP is full: each host that has a UDP binding gets its TCP one on the same address, and no other.
    for (const row of n.rows()) {
      const sink = newSink();
      const b = ip6(row.v6, PEER6, 6, tcp(2_000, 80, SYN));
      n.translate(6, b, 0, b.length, b.length, sink, 0);
      expect(formatIpv4(sink.packet(0), 12)).toBe(row.v4);
    }
  });

  it('TCP and echo too have one port or identifier outside, whoever the peer is (RFC 5382 REQ-1, RFC 5508 REQ-1)', () => {
    const n = nat();
    const peers = [PEER6, '64:ff9b::c633:6410', '64:ff9b::c000:207'];
    for (const peer of peers) {
      send(n, 6, ip6(HOST, peer, 6, tcp(5_000, 80, SYN)));
      send(n, 6, ip6(HOST, peer, 58, icmp(128, 0, (77 << 16) | 1)));
    }
    expect([n.mapper.sessions.count, n.mapper.bindings.count]).toEqual([6, 2]);
  });

  it('static bindings: their host has other bindings on the same address, and packets to an address outside the pools turn back', () => {
    const pool4 = [{ prefix: '203.0.113.0/28' }];
    for (let i = 0; i < 4; i++) {
      const v4 = `203.0.113.${i * 4}`;
      const n = nat({ pool4, bindings: [{ protocol: 'tcp', v6: HOST, port6: 80, v4, port4: 80 }] });
      expect(address(n, HOST, 3_000)).toBe(0xcb007100 + i * 4);
    }
    const away = nat({ bindings: [{ protocol: 'udp', v6: OTHER, port6: 53, v4: '192.0.2.77', port4: 53 }] });
    expect(send(away, 6, ip6(HOST, '64:ff9b::c000:24d', 17, udp(4_000, 53)))).toBe('hairpinned');
  });
});

describe('ICMP errors (RFC 5508 REQ-3)', () => {
  it('with a wrong checksum, or about a packet whose own header checksum is wrong, are dropped in silence', () => {
    const n = nat();
    send(n, 6, ip6(HOST, PEER6, 17, udp(3_000, 53)));
    const quoted = ip4(POOL, PEER, 17, udp(3_000, 53));
    const error = (quote: Uint8Array): Uint8Array => ip4('198.51.100.1', POOL, 1, icmp(3, 1, 0, quote));
    expect(send(n, 4, error(quoted))).toBe('translated');
    const wrong = error(quoted);
    wrong[22]! ^= 1;
    expect(send(n, 4, wrong)).toBe('icmpChecksum');
    quoted[10]! ^= 1;
    expect(send(n, 4, error(quoted))).toBe('icmpInner');
    const inside = ip6(HOST, PEER6, 58, icmp(1, 4, 0, ip6(PEER6, HOST, 17, udp(53, 3_000))));
    expect(send(n, 6, inside)).toBe('translated');
    inside[42]! ^= 1;
    expect(send(n, 6, inside)).toBe('icmpChecksum');
  });
});
