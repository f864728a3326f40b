import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { u16, u32 } from '../base/index.ts';
import { isEvent } from './drop-events.ts';
import { limitsHit } from './limits-hit.ts';
import { Nat64 } from './nat64.ts';
import { PacketSink } from './packet-sink.ts';
import { REASON, reasonOf } from './reasons.ts';
import { settingsOf } from './test-support.ts';
import { ip4, ip6, tcp, transportIsValid } from './test-packets.ts';

const S = 1e9;
const CLIENT = '2001:db8:1::1';
const SERVER6 = '64:ff9b::c633:6409';
const SERVER4 = '198.51.100.9';
const STRANGER = '198.51.100.77';
const POOL = '203.0.113.1';
const SYN = 2;
const RST = 4;
const ACK = 16;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(`${text}\r\n`, (letter) => letter.charCodeAt(0));

function gateway(ftpAlg: NonNullable<TranslatorInput['nat64']>['ftpAlg'] = {}): Nat64 {
  const made = Nat64.create(
    settingsOf({ mode: 'nat64', own4: '203.0.113.254', nat64: { pool4: [{ prefix: POOL }], ftpAlg: { enabled: true, ...ftpAlg } } }),
  );
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

interface Said {
  readonly reason: string;
  readonly out: readonly Uint8Array[];
}

function give(n: Nat64, side: 4 | 6, b: Uint8Array, nowNs = 0): Said {
  const sink = new PacketSink(1 << 14, 64);
  const { id } = reasonOf(n.translate(side, b, 0, b.length, b.length, sink, nowNs));
  const out = Array.from({ length: sink.count }, (_, i) => sink.packet(i));
  for (const packet of out) expect(transportIsValid(packet)).toBe(true);
  return { reason: id, out };
}

/** A control connection that is open; each side's next number. */
function open(n: Nat64): void {
  give(n, 6, ip6(CLIENT, SERVER6, 6, tcp(40_000, 21, SYN, undefined, 1_000, 0)));
  give(n, 4, ip4(SERVER4, POOL, 6, tcp(21, 40_000, SYN | ACK, undefined, 5_000, 1_001)));
}

const client = (n: Nat64, text: string, at: number, nowNs = 0): Said =>
  give(n, 6, ip6(CLIENT, SERVER6, 6, tcp(40_000, 21, ACK, bytesOf(text), 1_001 + at, 5_001)), nowNs);

const data = (from: string, port: number, to: number, flags: number): Uint8Array => ip4(from, POOL, 6, tcp(port, to, flags));

describe('FTP gateway, bindings of transfers (RFC 6384 section 7.2)', () => {
  /** The port of the PORT command. */
  const announced = ({ out }: Said): number => {
    const text = String.fromCharCode(...out[0]!.subarray(40));
    const n = text.split(',').map((part) => Number.parseInt(part, 10));
    return n[4]! * 256 + n[5]!;
  };

  it('a binding takes what the filtering lets in until the transfer has begun, and that connection alone from then on', () => {
    const n = gateway();
    open(n);
    const port = announced(client(n, `EPRT |2|${CLIENT}|5282|`, 0));
    expect(give(n, 4, data(STRANGER, 999, port, SYN)).reason).toBe('translated');
    expect(give(n, 4, data(SERVER4, 20, port, SYN)).reason).toBe('translated');
    give(n, 6, ip6(CLIENT, SERVER6, 6, tcp(5_282, 20, SYN | ACK)));
    expect(give(n, 4, data(STRANGER, 998, port, SYN)).reason).toBe('synHeld');
    expect(give(n, 4, data(STRANGER, 998, port, ACK)).reason).toBe('filtered');
    expect(give(n, 4, data(SERVER4, 20, port, ACK)).reason).toBe('translated');
  });

  it('a new EPRT for the same port opens it again, and a binding of the host itself is never narrowed', () => {
    const n = gateway();
    open(n);
    const command = `EPRT |2|${CLIENT}|5282|`;
    const port = announced(client(n, command, 0));
    give(n, 4, data(SERVER4, 20, port, SYN));
    give(n, 6, ip6(CLIENT, SERVER6, 6, tcp(5_282, 20, SYN | ACK)));
    client(n, command, command.length + 2);
    expect(give(n, 4, data(SERVER4, 21_000, port, SYN)).reason).toBe('translated');
    const own = gateway();
    open(own);
    give(own, 6, ip6(CLIENT, SERVER6, 6, tcp(5_282, 80, SYN)));
    const known = announced(client(own, command, 0));
    give(own, 4, data(SERVER4, 80, known, SYN | ACK));
    expect(give(own, 4, data(STRANGER, 999, known, SYN)).reason).toBe('translated');
  });
});

describe('FTP gateway, times and NOOP (RFC 6384 section 12)', () => {
  it('a control connection lives on while a transfer between the same two goes on, and no longer', () => {
    const n = gateway();
    open(n);
    give(n, 6, ip6(CLIENT, SERVER6, 6, tcp(6_000, 30_000, SYN)));
    give(n, 4, data(SERVER4, 30_000, 6_000, SYN | ACK));
    const sessions = (): number => n.mapper.sessions.count;
    // A packet of the transfer every hour: the control connection says nothing for nine hours.
    for (let hour = 1; hour <= 9; hour++) give(n, 6, ip6(CLIENT, SERVER6, 6, tcp(6_000, 30_000, ACK)), hour * 3_600 * S);
    expect(sessions()).toBe(2);
    n.advance(20 * 3_600 * S, new PacketSink(1 << 14, 64));
    n.advance(21 * 3_600 * S, new PacketSink(1 << 14, 64));
    expect(sessions()).toBe(0);
    const alone = gateway();
    open(alone);
    alone.advance(7_440 * S, new PacketSink(1 << 14, 64));
    expect(alone.mapper.sessions.count).toBe(0);
  });

  const refuse = (n: Nat64): Said => {
    open(n);
    expect(String.fromCharCode(...client(n, 'ALGS STATUS64', 0).out[0]!.subarray(40))).toBe('NOOP\r\n');
    return give(n, 4, ip4(SERVER4, POOL, 6, tcp(21, 40_000, ACK, bytesOf('530 Log in first'), 5_001, 1_007)));
  };

  it('a NOOP of the gateway that is refused resets both sides, is told, and nothing follows', () => {
    const n = gateway();
    const { reason, out } = refuse(n);
    const flags = out.map((b) => (b[0]! >> 4 === 6 ? b[53]! : b[33]!));
    expect([reason, flags]).toEqual(['ftpClosed', [RST | ACK, RST | ACK]]);
    const [toClient, toServer] = out;
    expect([u32(toClient!, 44), u32(toServer!, 24), u32(toServer!, 28), u16(toServer!, 22)]).toEqual([5_001, 1_007, 5_019, 21]);
    expect(toClient!.length).toBe(60);
    expect(n.rows()[0]!.state).toBe('TRANS');
    expect(client(n, 'QUIT', 15)).toEqual({ reason: 'ftpClosed', out: [] });
    expect([limitsHit(n).map(({ id }) => id), isEvent(REASON.ftpClosed)]).toEqual([['ftpClosed'], true]);
  });

  it('or is taken as done, where that is set', () => {
    const { reason, out } = refuse(gateway({ noop: 'accept' }));
    expect([reason, String.fromCharCode(...out[0]!.subarray(60))]).toEqual(['ftpChanged', '216 EPSVEPRT\r\n']);
  });
});
