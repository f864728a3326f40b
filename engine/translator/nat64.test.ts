import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { hex, putU16, putU32, u16, u32 } from '../base/index.ts';
import {
  checksum,
  emitIpv6,
  formatIpv4,
  formatIpv6,
  parseIpv4,
  parseIpv6,
  pseudoSum4,
  pseudoSum6,
  sum16,
  sumIsGood,
} from '../wire/index.ts';
import { Nat64 } from './nat64.ts';
import type { PacketSink } from './packet-sink.ts';
import { reasonOf } from './reasons.ts';
import { newSink, settingsOf } from './test-support.ts';
import { nextTcpState, stateOf, TCP_FLAG, TCP_STATE } from './tcp-state.ts';

const S = 1e9;
const HOST = '2001:db8:1::1';
const OTHER = '2001:db8:2::2';
const POOL = '203.0.113.1';
const PEER = '198.51.100.9';

function nat(nat64: TranslatorInput['nat64'] = {}, more: TranslatorInput = {}): Nat64 {
  const made = Nat64.create(
    settingsOf({
      mode: 'nat64',
      own4: '203.0.113.254',
      ...more,
      nat64: { pool4: [{ prefix: POOL }], maxSessions: 64, maxBindings: 64, ...nat64 },
    }),
  );
  if (!made.ok) throw new Error(`${made.error.field}: ${made.error.message}`);
  return made.value;
}

const embedded = (v4: string): string => `64:ff9b::${hex(parseIpv4(v4)!, 0, 2)}:${hex(parseIpv4(v4)!, 2, 4)}`;

/** UDP, TCP (with flags) or echo between these ends; an echo has its identifier for the port that is ours. */
function body(protocol: number, from: number, to: number, flags: number): Uint8Array {
  const b = new Uint8Array(protocol === 6 ? 24 : 16);
  putU16(b, 0, from);
  putU16(b, 2, to);
  if (protocol === 17) putU16(b, 4, 16);
  if (protocol === 6) {
    b[12] = 0x50;
    b[13] = flags;
  }
  b[b.length - 1] = 0x77;
  return b;
}

const CHECK = { 6: 16, 17: 6, 1: 2, 58: 2 } as Record<number, number>;

function six(protocol: number, from: string, port: number, to: string, toPort: number, flags = 0, type = 128): Uint8Array {
  const inner = body(protocol, port, toPort, flags);
  if (protocol === 58) {
    inner.set([type, 0, 0, 0, port >>> 8, port & 255, 0, 1]);
  }
  const b = new Uint8Array(40 + inner.length);
  emitIpv6(b, 0, {
    source: parseIpv6(from)!,
    destination: parseIpv6(to.includes('.') ? embedded(to) : to)!,
    nextHeader: protocol,
    payloadLength: inner.length,
  });
  b.set(inner, 40);
  putU16(b, 40 + CHECK[protocol]!, checksum(b, 40, b.length, pseudoSum6(b, 8, 24, protocol, inner.length)));
  return b;
}

function four(protocol: number, from: string, port: number, to: string, toPort: number, flags = 0, type = 0): Uint8Array {
  const inner = body(protocol, port, toPort, flags);
  if (protocol === 1) inner.set([type, 0, 0, 0, toPort >>> 8, toPort & 255, 0, 1]);
  const b = new Uint8Array(20 + inner.length);
  b.set([0x45, 0, 0, b.length, 0, 0, 0, 0, 64, protocol]);
  b.set(parseIpv4(from)!, 12);
  b.set(parseIpv4(to)!, 16);
  putU16(b, 10, checksum(b, 0, 20));
  b.set(inner, 20);
  putU16(b, 20 + CHECK[protocol]!, checksum(b, 20, b.length, protocol === 1 ? 0 : pseudoSum4(b, 12, 16, protocol, inner.length)));
  return b;
}

let now = 0;
let last: PacketSink = newSink();
beforeEach(() => {
  now = 0;
});

/** Sends and returns the reason; `last` has the output, whose checksums are right. */
function send(n: Nat64, b: Uint8Array): string {
  last = newSink();
  const code = n.translate(b[0]! >> 4 === 6 ? 6 : 4, b, 0, b.length, b.length, last, now);
  for (let i = 0; i < last.count; i++) {
    const out = last.packet(i);
    const v6 = last.side[i] === 6;
    const t = v6 ? 40 : 20;
    const protocol = v6 ? out[6]! : out[9]!;
    if (protocol === 44 || (!v6 && (u16(out, 6) & 0x3fff) !== 0)) continue;
    const pseudo = v6
      ? pseudoSum6(out, 8, 24, protocol, out.length - t)
      : protocol === 1
        ? 0
        : pseudoSum4(out, 12, 16, protocol, out.length - t);
    expect(sumIsGood(sum16(out, t, out.length, pseudo))).toBe(true);
  }
  return reasonOf(code).id;
}

const ports = (b: Uint8Array): [number, number] => (b[0]! >> 4 === 6 ? [u16(b, 40), u16(b, 42)] : [u16(b, 20), u16(b, 22)]);

describe('UDP and ICMP (RFC 6146 sections 3.5.1, 3.5.3)', () => {
  it('binds on the first packet, keeps the port, lets the answer back', () => {
    const n = nat();
    expect(send(n, six(17, HOST, 4_000, PEER, 53))).toBe('translated');
    const out = last.packet(0);
    expect([formatIpv4(out, 12), formatIpv4(out, 16), ...ports(out)]).toEqual([POOL, PEER, 4_000, 53]);
    expect(send(n, four(17, PEER, 53, POOL, 4_000))).toBe('translated');
    const back = last.packet(0);
    expect([formatIpv6(back, 8), formatIpv6(back, 24), ...ports(back)]).toEqual([embedded(PEER), HOST, 53, 4_000]);
    expect(n.rows()).toMatchObject([
      { protocol: 'udp', v6: HOST, port6: 4_000, v4: POOL, port4: 4_000, peer: PEER, peerPort: 53, packets: 2 },
    ]);
  });

  it('maps independently of the peer, and filters by it only when told', () => {
    const free = nat();
    send(free, six(17, HOST, 4_000, PEER, 53));
    send(free, six(17, HOST, 4_000, '198.51.100.10', 99));
    expect(ports(last.packet(0))).toEqual([4_000, 99]);
    expect(send(free, four(17, '198.51.100.77', 5, POOL, 4_000))).toBe('translated');
    expect(send(free, four(17, PEER, 53, POOL, 4_001))).toBe('noBinding');
    const strict = nat({ filtering: 'address-dependent' });
    send(strict, six(17, HOST, 4_000, PEER, 53));
    expect(send(strict, four(17, '198.51.100.77', 5, POOL, 4_000))).toBe('filtered');
    expect(send(strict, four(17, PEER, 54, POOL, 4_000))).toBe('translated');
  });

  it('gives another port of the same parity and range when its own is taken', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), (port) => {
        const n = nat({ pool4: [{ prefix: POOL, ports: [1, 65_535] }] });
        send(n, six(17, HOST, port, PEER, 53));
        send(n, six(17, OTHER, port, PEER, 53));
        const [given] = ports(last.packet(0));
        expect(given).not.toBe(port);
        expect([given & 1, given < 1_024]).toEqual([port & 1, port < 1_024]);
      }),
      { numRuns: 100 },
    );
  });

  it('translates echo by identifier; only a request opens', () => {
    const n = nat();
    expect(send(n, six(58, HOST, 7_077, PEER, 0, 0, 129))).toBe('noBinding');
    expect(send(n, six(58, HOST, 7_077, PEER, 0))).toBe('translated');
    expect([last.packet(0)[20], u16(last.packet(0), 24)]).toEqual([8, 7_077]);
    expect(send(n, four(1, PEER, 0, POOL, 7_077))).toBe('translated');
    expect([last.packet(0)[40], u16(last.packet(0), 44)]).toEqual([129, 7_077]);
    expect(send(n, four(1, PEER, 0, POOL, 7_078))).toBe('noBinding');
  });

  it('ends sessions and bindings when their time is over, to the nanosecond', () => {
    const n = nat();
    send(n, six(17, HOST, 4_000, PEER, 53));
    send(n, six(58, HOST, 9, PEER, 0));
    now = 60 * S - 1;
    n.advance(now, last);
    expect([n.mapper.sessions.count, n.mapper.bindings.count]).toEqual([2, 2]);
    n.advance(60 * S, last);
    expect([n.mapper.sessions.count, n.mapper.bindings.count]).toEqual([1, 1]);
    now = 299 * S;
    send(n, four(17, PEER, 53, POOL, 4_000));
    n.advance(598 * S, last);
    expect(n.mapper.sessions.count).toBe(1);
    n.advance(599 * S, last);
    expect([n.mapper.sessions.count, n.mapper.bindings.count, n.expiredSessions]).toEqual([0, 0, 2]);
  });
});

describe('TCP (RFC 6146 section 3.5.2)', () => {
  const SYN = TCP_FLAG.syn;
  const ACK = 16;
  const open = (n: Nat64): void => {
    send(n, six(6, HOST, 5_000, PEER, 80, SYN));
    send(n, four(6, PEER, 80, POOL, 5_000, SYN | ACK));
  };
  const state = (n: Nat64): string | undefined => n.rows()[0]?.state;

  it('opens from inside, closes from both sides', () => {
    const n = nat();
    expect(send(n, six(6, HOST, 5_000, PEER, 80, ACK))).toBe('tcpNoState');
    send(n, six(6, HOST, 5_000, PEER, 80, SYN));
    expect(state(n)).toBe('V6 INIT');
    send(n, four(6, PEER, 80, POOL, 5_000, SYN | ACK));
    expect(state(n)).toBe('ESTABLISHED');
    send(n, four(6, PEER, 80, POOL, 5_000, TCP_FLAG.fin | ACK));
    expect(state(n)).toBe('V4 FIN RCV');
    send(n, six(6, HOST, 5_000, PEER, 80, TCP_FLAG.fin | ACK));
    expect(state(n)).toBe('V4+V6 FIN RCV');
    now = 240 * S;
    n.advance(now, last);
    expect([n.mapper.sessions.count, n.mapper.bindings.count]).toEqual([0, 0]);
  });

  it('has the transitions of the state machine', () => {
    const { v4Init, v6Init, established, v4Fin, v6Fin, bothFin, transitory } = TCP_STATE;
    const step = (from: number, six: boolean, flags: number): number => stateOf(nextTcpState(from, six, flags));
    const { fin, rst } = TCP_FLAG;
    expect([step(v4Init, true, SYN), step(v4Init, false, SYN), step(v4Init, true, ACK)]).toEqual([established, v4Init, v4Init]);
    expect([step(v6Init, false, SYN), step(v6Init, true, SYN), step(v6Init, false, ACK)]).toEqual([established, v6Init, v6Init]);
    expect([
      step(established, true, fin),
      step(established, false, fin),
      step(established, true, rst),
      step(established, false, ACK),
    ]).toEqual([v6Fin, v4Fin, transitory, established]);
    expect([step(v4Fin, true, fin), step(v4Fin, false, fin), step(v6Fin, false, fin), step(v6Fin, true, fin)]).toEqual([
      bothFin,
      v4Fin,
      bothFin,
      v6Fin,
    ]);
    expect([step(transitory, true, ACK), step(transitory, true, rst), step(bothFin, true, ACK)]).toEqual([
      established,
      transitory,
      bothFin,
    ]);
  });

  it('probes the host when an established session has been silent, and gives it four minutes', () => {
    const n = nat();
    open(n);
    last = newSink();
    n.advance(7_200 * S, last);
    const probe = last.packet(0);
    expect([probe[6], probe[53], u32(probe, 44), u32(probe, 48), formatIpv6(probe, 24), ...ports(probe)]).toEqual([
      6,
      ACK,
      0,
      0,
      HOST,
      80,
      5_000,
    ]);
    expect(state(n)).toBe('TRANS');
    now = 7_400 * S;
    send(n, six(6, HOST, 5_000, PEER, 80, ACK));
    expect(state(n)).toBe('ESTABLISHED');
    n.advance(7_400 * S + 7_200 * S, last);
    n.advance(7_400 * S + 7_440 * S, last);
    expect(n.mapper.sessions.count).toBe(0);
  });

  it('holds a SYN from outside six seconds, then answers; a SYN from inside ends the wait', () => {
    const n = nat({ bindings: [] });
    expect(send(n, four(6, PEER, 80, POOL, 5_000, SYN))).toBe('synHeld');
    last = newSink();
    n.advance(6 * S, last);
    const out = last.packet(0);
    expect([last.count, out[20], out[21], formatIpv4(out, 16)]).toEqual([1, 3, 3, PEER]);
    now = 7 * S;
    expect(send(n, four(6, PEER, 80, POOL, 5_000, SYN))).toBe('synHeld');
    expect(send(n, six(6, HOST, 5_000, PEER, 80, SYN))).toBe('translated');
    last = newSink();
    n.advance(20 * S, last);
    expect(last.count).toBe(0);
    const full = nat({ maxHeldSyns: 0 });
    expect(send(full, four(6, PEER, 80, POOL, 5_000, SYN))).toBe('portUnreachable');
  });

  it('lets outside open to a static binding', () => {
    const n = nat({ bindings: [{ protocol: 'tcp', v6: HOST, port6: 8_080, v4: POOL, port4: 80 }] });
    expect(send(n, four(6, PEER, 4_444, POOL, 80, SYN))).toBe('translated');
    expect(ports(last.packet(0))).toEqual([4_444, 8_080]);
    expect(state(n)).toBe('V4 INIT');
    send(n, six(6, HOST, 8_080, PEER, 4_444, SYN | ACK));
    expect([state(n), ...ports(last.packet(0))]).toEqual(['ESTABLISHED', 80, 4_444]);
    n.advance(20_000 * S, last);
    n.advance(40_000 * S, last);
    expect([n.mapper.sessions.count, n.mapper.bindings.count]).toEqual([0, 1]);
  });
});

describe('the rest', () => {
  it('turns packets between two hosts inside', () => {
    const n = nat();
    send(n, six(17, OTHER, 6_000, PEER, 53));
    const to = ports(last.packet(0))[0];
    expect(send(n, six(17, HOST, 4_000, POOL, to))).toBe('hairpinned');
    const out = last.packet(0);
    expect([last.side[0], formatIpv6(out, 8), formatIpv6(out, 24), ...ports(out)]).toEqual([6, embedded(POOL), OTHER, 4_000, 6_000]);
    expect(send(nat({ hairpin: false }), six(17, HOST, 4_000, POOL, 1))).toBe('hairpinOff');
  });

  it('carries errors both ways for sessions that are there', () => {
    const n = nat();
    send(n, six(17, HOST, 4_000, PEER, 53));
    const outside = last.packet(0);
    const error = new Uint8Array(28 + outside.length);
    error.set([0x45, 0, 0, error.length, 0, 0, 0, 0, 60, 1]);
    error.set(parseIpv4('198.51.100.1')!, 12);
    error.set(parseIpv4(POOL)!, 16);
    putU16(error, 10, checksum(error, 0, 20));
    error[20] = 11;
    error.set(outside, 28);
    putU16(error, 22, checksum(error, 20, error.length));
    expect(send(n, error)).toBe('translated');
    const got = last.packet(0);
    expect([got[40], formatIpv6(got, 8), formatIpv6(got, 24), formatIpv6(got, 56), u16(got, 88)]).toEqual([
      3,
      embedded('198.51.100.1'),
      HOST,
      HOST,
      4_000,
    ]);
    // The host refuses an answer: the error goes out from its pool address.
    send(n, four(17, PEER, 53, POOL, 4_000));
    const inside = last.packet(0);
    const back = new Uint8Array(48 + inside.length);
    emitIpv6(back, 0, {
      source: parseIpv6(HOST)!,
      destination: parseIpv6(embedded(PEER))!,
      nextHeader: 58,
      payloadLength: back.length - 40,
    });
    back[40] = 1;
    back[41] = 4;
    back.set(inside, 48);
    putU16(back, 42, checksum(back, 40, back.length, pseudoSum6(back, 8, 24, 58, back.length - 40)));
    expect(send(n, back)).toBe('translated');
    const sent = last.packet(0);
    expect([sent[20], sent[21], formatIpv4(sent, 12), formatIpv4(sent, 16), formatIpv4(sent, 44), u16(sent, 50)]).toEqual([
      3,
      3,
      POOL,
      PEER,
      POOL,
      4_000,
    ]);
    putU32(error, 40, 0x01020304);
    for (const [check, from, to] of [
      [38, 28, 48],
      [22, 20, error.length],
    ] as const) {
      // prettier-ignore
      putU16(error, check, 0);
      putU16(error, check, checksum(error, from, to));
    }
    expect(send(n, error)).toBe('noBinding');
  });

  it('translates fragments in and out of order, within its limits', () => {
    const n = nat({ maxFragments: 2 });
    const whole = six(17, HOST, 4_000, PEER, 53);
    const piece = (offset: number, more: boolean, id: number): Uint8Array => {
      const b = new Uint8Array(48 + 8);
      b.set(whole.subarray(0, 40));
      putU16(b, 4, 16);
      b[6] = 44;
      b[40] = 17;
      putU16(b, 42, offset | (more ? 1 : 0));
      putU32(b, 44, id);
      b.set(whole.subarray(40 + offset, 48 + offset), 48);
      return b;
    };
    expect(send(n, piece(8, false, 1))).toBe('fragmentHeld');
    expect(send(n, piece(0, true, 1))).toBe('translated');
    expect([last.count, u16(last.packet(0), 6), u16(last.packet(1), 6), formatIpv4(last.packet(1), 12)]).toEqual([2, 0x2000, 1, POOL]);
    expect(send(n, piece(8, false, 1))).toBe('translated');
    expect([send(n, piece(8, false, 2)), send(n, piece(8, false, 3)), send(n, piece(8, false, 4))]).toEqual([
      'fragmentHeld',
      'fragmentHeld',
      'fragmentsFull',
    ]);
    n.advance(2 * S, last);
    expect([n.mapper.fragments.heldCount, n.lostFragments]).toEqual([0, 3]);
  });

  it('refuses by name at every limit', () => {
    const few = nat({ maxBindingsPerSubscriber: 2 });
    send(few, six(17, HOST, 1, PEER, 1));
    send(few, six(17, '2001:db8:1::99', 2, PEER, 1));
    expect(send(few, six(17, HOST, 3, PEER, 1))).toBe('subscriberLimit');
    expect(send(few, six(17, OTHER, 3, PEER, 1))).toBe('translated');
    few.advance(300 * S, last);
    now = 300 * S;
    expect(send(few, six(17, HOST, 3, PEER, 1))).toBe('translated');
    const narrow = nat({ pool4: [{ prefix: POOL, ports: [2_000, 2_001] }] });
    send(narrow, six(17, HOST, 1, PEER, 1));
    send(narrow, six(17, HOST, 2, PEER, 1));
    expect(send(narrow, six(17, HOST, 3, PEER, 1))).toBe('addressUnreachable');
    expect([last.packet(0)[40], last.packet(0)[41]]).toEqual([1, 3]);
    const small = nat({ maxSessions: 16, maxBindings: 16 });
    for (let i = 0; i < 16; i++) send(small, six(17, HOST, 100 + i, PEER, 1));
    expect(send(small, six(17, HOST, 200, PEER, 1))).toBe('bindingsFull');
    expect(send(small, six(17, HOST, 100, PEER, 2))).toBe('sessionsFull');
    const n = nat();
    expect(send(n, six(17, embedded(PEER), 1, PEER, 1))).toBe('loop');
    expect(send(n, six(17, HOST, 1, OTHER, 1))).toBe('notPool6');
    const sctp = six(17, HOST, 1, PEER, 1);
    sctp[6] = 132;
    expect(send(n, sctp)).toBe('unsupportedProtocol');
  });

  it('uses several pools, one address for one host', () => {
    const n = nat({ pool4: [{ prefix: '203.0.113.0/30' }, { prefix: '192.0.2.8/31', ports: [4_000, 5_000] }] });
    const seen = new Set<string>();
    for (let host = 1; host < 20; host++) {
      const from = `2001:db8:${host}::1`;
      send(n, six(17, from, 4_100, PEER, 1));
      const first = formatIpv4(last.packet(0), 12);
      send(n, six(17, from, 4_200, PEER, 1));
      expect(formatIpv4(last.packet(0), 12)).toBe(first);
      seen.add(first);
    }
    expect(seen.size).toBeGreaterThan(3);
  });

  it('rejects a configuration that contradicts itself, by field', () => {
    const twice = { protocol: 'udp', v6: HOST, port6: 1, v4: POOL, port4: 1 } as const;
    expect(() => nat({ bindings: [twice, twice] })).toThrow(/nat64\.bindings\.1/);
    expect(() => nat({ pool4: [{ prefix: POOL, ports: [5, 4] }] })).toThrow(/nat64\.pool4\.0\.ports/);
  });

  it('keeps its tables whole under any sequence of packets and times', () => {
    const act = fc.tuple(
      fc.boolean(),
      fc.constantFrom(6, 17, 1),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(2, 16, 17, 4, 18),
      fc.integer({ min: 0, max: 200 }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
        now = 0;
        const n = nat({ maxSessions: 16, maxBindings: 16, pool4: [{ prefix: POOL, ports: [1, 40] }] });
        for (const [inside, protocol, host, peer, flags, seconds] of acts) {
          now += seconds * S;
          const p = `198.51.100.${peer}`;
          if (inside) send(n, six(protocol === 1 ? 58 : protocol, `2001:db8:${host}::1`, host, p, 9, flags));
          else send(n, four(protocol, p, 9, POOL, host, flags));
          const rows = n.rows();
          expect(rows.length).toBe(n.mapper.sessions.count);
          expect(new Set(rows.map((r) => `${r.protocol} ${r.v4} ${r.port4} ${r.peer} ${r.peerPort}`)).size).toBe(rows.length);
          expect(new Set(rows.map((r) => `${r.protocol} ${r.v6} ${r.port6}`)).size).toBe(n.mapper.bindings.count);
          expect(new Set(rows.map((r) => `${r.protocol} ${r.v4} ${r.port4}`)).size).toBe(n.mapper.bindings.count);
          for (const row of rows) expect(row.endsNs).toBeGreaterThan(now);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('takes a million sessions in less than 150 bytes each', () => {
    const n = nat({ maxSessions: 1_000_000, maxBindings: 1_000_000 });
    expect((n.mapper.sessions.bytes + n.mapper.bindings.bytes) / 1_000_000).toBeLessThan(150);
  });
});
