import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { u16, u32 } from '../base/index.ts';
import { formatIpv4U32, formatIpv6 } from '../wire/index.ts';
import { Nat64 } from './nat64.ts';
import { reasonOf } from './reasons.ts';
import { newSink, settingsOf } from './test-support.ts';
import { ip6, tcp, udp } from './test-packets.ts';

const S = 1e9;
const PEER6 = '64:ff9b::c633:6409';

function nat(nat64: TranslatorInput['nat64'] = {}): Nat64 {
  const made = Nat64.create(settingsOf({ mode: 'nat64', own4: '203.0.113.254', nat64: { pool4: [{ prefix: '203.0.113.1' }], ...nat64 } }));
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

/** Listens; each alarm as words. */
function listen(n: Nat64): string[] {
  const told: string[] = [];
  n.mapper.alarms.listener = ({ kind, limit, v6, address4 }, nowNs) =>
    told.push([kind, limit, ...(v6 === undefined ? [] : [formatIpv6(v6, 0)]), ...(address4 === undefined ? [] : [formatIpv4U32(address4)]), `${nowNs / S} s`].join(' ')); // prettier-ignore
  return told;
}

function send(n: Nat64, host: string, port: number, nowNs = 0, peer = PEER6): { readonly reason: string; readonly port: number } {
  const sink = newSink();
  const b = ip6(host, peer, 17, udp(port, 53));
  const { id } = reasonOf(n.translate(6, b, 0, b.length, b.length, sink, nowNs));
  return { reason: id, port: sink.side[0] === 4 ? u16(sink.packet(0), 20) : 0 };
}

describe('alarms (RFC 6888 REQ-11 C, RFC 7422 section 2.2, RFC 8158)', () => {
  it('tells each quota that stopped something, with its limit and its subscriber', () => {
    const n = nat({ maxBindings: 16, maxSessions: 16, maxBindingsPerSubscriber: 2 });
    const told = listen(n);
    for (let i = 0; i < 3; i++) send(n, '2001:db8:1::1', 1_000 + i);
    for (let i = 2; i < 18; i++) send(n, `2001:db8:${i}::1`, 1_000);
    expect(told).toEqual(['subscriber 2 2001:db8:1:: 0 s', 'bindings 16 0 s']);
    const sessions = nat({ maxSessionsPerSubscriber: 1, maxSessionsPerBinding: 1 });
    const more = listen(sessions);
    send(sessions, '2001:db8:1::1', 1_000);
    expect(send(sessions, '2001:db8:1::1', 1_000, 0, '64:ff9b::c633:640a').reason).toBe('bindingSessions');
    expect(more).toEqual(['subscriber 1 2001:db8:1:: 0 s']);
  });

  it('tells ports of an address, and addresses, that ran out', () => {
    const n = nat({ pool4: [{ prefix: '203.0.113.0/31', ports: [2_000, 2_000] }] });
    const told = listen(n);
    for (let i = 1; i < 9; i++) send(n, `2001:db8:${i}::1`, 1_000);
    send(n, '2001:db8:1::1', 1_001);
    expect(told[0]).toBe('addresses 0 0 s');
    expect(told[1]).toMatch(/^ports 0 203\.0\.113\.[01] 0 s$/);
  });

  it('tells thresholds when they are reached, each time anew but not the same within ten seconds', () => {
    const n = nat({ alarms: { bindings: 3, bindingsPerSubscriber: 2 } });
    const told = listen(n);
    for (let i = 0; i < 2; i++) send(n, '2001:db8:1::1', 1_000 + i);
    send(n, '2001:db8:2::1', 1_000, 1 * S);
    send(n, '2001:db8:3::1', 1_000, 2 * S);
    expect(told).toEqual(['subscriber-threshold 2 2001:db8:1:: 0 s', 'bindings-threshold 3 1 s']);
    for (let i = 0; i < 3; i++) send(n, '2001:db8:1::1', 1_000 + i, 1_000 * S);
    expect(told.slice(2)).toEqual(['subscriber-threshold 2 2001:db8:1:: 1000 s', 'bindings-threshold 3 1000 s']);
    const often = nat({ maxBindingsPerSubscriber: 1 });
    const once = listen(often);
    for (let i = 0; i < 30; i++) send(often, '2001:db8:1::1', 1_000 + i, i * S);
    expect(once.map((text) => text.split(' ').at(-2))).toEqual(['1', '11', '21']);
    expect(often.mapper.alarms.suppressed).toBe(26);
  });
});

describe('ports by chance (RFC 6888 REQ-15, RFC 7422 section 2)', () => {
  const PORTS = 64_512;
  const drawn = (seed: number, more: TranslatorInput['nat64'] = {}): number[] => {
    const n = nat({ portChoice: { mode: 'random', seed }, ...more });
    return Array.from({ length: 200 }, (_, i) => send(n, '2001:db8:1::1', 4_000 + i).port);
  };

  it('the same seed gives the same ports, another one others; range and parity stay, and no port is given twice', () => {
    const ports = drawn(7);
    expect(drawn(7)).toEqual(ports);
    expect(drawn(8)).not.toEqual(ports);
    expect(ports.every((port, i) => port >= 1_024 && port % 2 === i % 2)).toBe(true);
    expect(new Set(ports).size).toBe(200);
    // Spread over the whole range: each quarter of it has its share, and hardly one port is next to the one before.
    for (let q = 0; q < 4; q++) expect(ports.filter((port) => Math.floor((port - 1_024) / (PORTS / 4)) === q).length).toBeGreaterThan(20);
    expect(ports.filter((port, i) => Math.abs(port - (ports[i - 1] ?? 0)) <= 2).length).toBeLessThan(3);
  });

  it('in a block all of its ports are given, in an order by chance', () => {
    const ports = drawn(7, { portBlocks: { mode: 'deterministic', size: 200, subscribers: ['2001:db8:1::/64'] } });
    expect([new Set(ports).size, Math.max(...ports) - Math.min(...ports)]).toEqual([200, 199]);
    expect(ports).not.toEqual(ports.toSorted((a, b) => a - b));
  });

  it('TCP as well, and the answer finds its host', () => {
    const n = nat({ portChoice: { mode: 'random' } });
    const b = ip6('2001:db8:1::1', PEER6, 6, tcp(5_000, 80, 2));
    const sink = newSink();
    n.translate(6, b, 0, b.length, b.length, sink, 0);
    expect(u16(sink.packet(0), 20)).not.toBe(5_000);
    expect([n.rows()[0]!.port4, u32(sink.packet(0), 12)]).toEqual([u16(sink.packet(0), 20), 0xcb007101]);
  });
});
