import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { u16, u32 } from '../base/index.ts';
import { fieldChanges } from './field-changes.ts';
import { Nat64 } from './nat64.ts';
import { PacketSink, SINK_KIND } from './packet-sink.ts';
import { reasonOf } from './reasons.ts';
import { newSink, settingsOf } from './test-support.ts';
import { ip4, ip6, tcp, transportIsValid } from './test-packets.ts';

const CLIENT = '2001:db8:1::1';
const SERVER6 = '64:ff9b::c633:6409';
const SERVER4 = '198.51.100.9';
const POOL = '203.0.113.1';
const CLIENT_PORT = 40_000;
const SYN = 2;
const ACK = 16;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function gateway(enabled = true): Nat64 {
  const made = Nat64.create(
    settingsOf({
      mode: 'nat64',
      own4: '203.0.113.254',
      nat64: { pool4: [{ prefix: POOL }], maxSessions: 64, maxBindings: 64, ftpAlg: { enabled } },
    }),
  );
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

/** One end of a control connection: what it has received in order, and where it is. */
interface End {
  sequence: number;
  /** Next byte it waits for. */
  wants: number;
  heard: string;
}

/** A client inside and a server outside with a NAT64 between; segments are taken only in order, as a TCP does. */
class Dialogue {
  readonly nat: Nat64;
  private readonly sink = new PacketSink(1 << 14, 64);
  readonly client: End = { sequence: 1_000, wants: 0, heard: '' };
  readonly server: End = { sequence: 0xfffffff0, wants: 0, heard: '' };
  reasons: string[] = [];
  last: Uint8Array[] = [];

  constructor(nat = gateway()) {
    this.nat = nat;
    this.send(true, new Uint8Array(0), SYN);
    this.server.wants = (u32(this.last[0]!, 24) + 1) >>> 0;
    this.send(false, new Uint8Array(0), SYN | ACK);
    this.client.wants = (u32(this.last[0]!, 44) + 1) >>> 0;
    this.send(true, new Uint8Array(0), ACK);
  }

  /** Sends data from `sequence` on, which is where the sender is if it is left out. */
  send(fromClient: boolean, data: Uint8Array, flags = ACK, sequence?: number, options?: Uint8Array): string {
    const own = fromClient ? this.client : this.server;
    const segment = tcp(
      fromClient ? CLIENT_PORT : 21,
      fromClient ? 21 : CLIENT_PORT,
      flags,
      data,
      sequence ?? own.sequence,
      (flags & ACK) === 0 ? 0 : own.wants,
      options,
    );
    const b = fromClient ? ip6(CLIENT, SERVER6, 6, segment) : ip4(SERVER4, POOL, 6, segment);
    if (sequence === undefined) own.sequence = (own.sequence + data.length + (flags & SYN ? 1 : 0)) >>> 0;
    const { sink } = this;
    sink.clear();
    const { id } = reasonOf(this.nat.translate(fromClient ? 6 : 4, b, 0, b.length, b.length, sink, 0));
    this.reasons.push(id);
    this.last = Array.from({ length: sink.count }, (_, i) => sink.packet(i));
    for (const [i, out] of this.last.entries()) {
      expect(transportIsValid(out)).toBe(true);
      // What the gateway itself says goes back to the sender.
      const back = sink.kind[i] === SINK_KIND.error;
      this.take(fromClient !== back ? this.server : this.client, out);
    }
    return id;
  }

  private take(to: End, out: Uint8Array): void {
    const at = out[0]! >>> 4 === 6 ? 40 : 20;
    const data = out.subarray(at + (out[at + 12]! >> 4) * 4);
    if ((out[at + 13]! & SYN) !== 0) return;
    // What is acknowledged must have been sent, and no more than that.
    if ((out[at + 13]! & ACK) !== 0) expect((to.sequence - u32(out, at + 8)) | 0).toBeGreaterThanOrEqual(0);
    const skip = (to.wants - u32(out, at + 4)) | 0;
    expect(skip).toBeGreaterThanOrEqual(0);
    if (skip > data.length) return;
    to.heard += String.fromCharCode(...data.subarray(skip));
    to.wants = (to.wants + data.length - skip) >>> 0;
  }

  line(fromClient: boolean, text: string): string {
    return this.send(fromClient, bytesOf(`${text}\r\n`));
  }

  /** What the other end has heard since the last call. */
  heard(end: End): string {
    const { heard } = end;
    end.heard = '';
    return heard;
  }
}

describe('FTP gateway (RFC 6384)', () => {
  it('EPSV becomes PASV, 227 becomes 229, and numbers follow both ways', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    expect(d.line(true, 'EPSV')).toBe('ftpChanged');
    expect(d.heard(d.server)).toBe('PASV\r\n');
    expect(d.line(false, '227 Entering Passive Mode (198,51,100,9,19,137)')).toBe('ftpChanged');
    expect(d.heard(d.client)).toBe('220 ready\r\n229 Entering Extended Passive Mode (|||5001|)\r\n');
    // The client acknowledges what it got; the server sees all of its own reply acknowledged.
    expect(d.send(true, bytesOf('RETR a\r\n'))).toBe('ftpChanged');
    expect(u32(d.last[0]!, 28)).toBe(d.server.sequence);
    expect(d.heard(d.server)).toBe('RETR a\r\n');
  });

  it('EPSV with arguments, with a foreign address, and refused by the server', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    for (const [command, passed, reply, told] of [
      ['epsv 2', 'PASV', '227 ok 198,51,100,9,4,1', '229 Entering Extended Passive Mode (|||1025|)'],
      ['EPSV 1', 'NOOP', '200 fine', '522 Network protocol not supported, use (2)'],
      ['EPSV ALL', 'NOOP', '200-what\r\n200 fine', '504 Command not implemented for that parameter'],
      ['EPSV', 'PASV', '227 (203,0,113,77,4,1)', "425 Can't open data connection"],
      ['EPSV', 'PASV', '227 (10,0,0,1,4,1)', '229 Entering Extended Passive Mode (|||1025|)'],
      ['EPSV', 'PASV', '530 log in first', '530 log in first'],
      ['PASV', 'PASV', '227 (198,51,100,9,4,1)', '227 (198,51,100,9,4,1)'],
    ] as const) {
      d.heard(d.client);
      d.heard(d.server);
      d.line(true, command);
      expect(d.heard(d.server)).toBe(`${passed}\r\n`);
      d.line(false, reply);
      expect(d.heard(d.client)).toContain(`${told}\r\n`);
    }
  });

  it('EPRT becomes PORT with a binding the server can reach; others pass as they are', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    d.line(true, `EPRT |2|${CLIENT}|50001|`);
    const [, p1, p2] = /^PORT 203,0,113,1,(\d+),(\d+)\r\n$/.exec(d.heard(d.server))!;
    const port = Number(p1) * 256 + Number(p2);
    const sink = newSink();
    const connect = ip4(SERVER4, POOL, 6, tcp(20, port, SYN));
    expect(reasonOf(d.nat.translate(4, connect, 0, connect.length, connect.length, sink, 0)).id).toBe('translated');
    const data = sink.packet(0);
    expect([u16(data, 40), u16(data, 42)]).toEqual([20, 50_001]);
    for (const other of ['EPRT |2|2001:db8::99|50001|', 'EPRT |1|192.0.2.1|50001|', 'EPRT |2|x|1|', 'EPRT']) {
      d.line(true, other);
      expect(d.heard(d.server)).toBe(`${other}\r\n`);
    }
  });

  it('ALGS tells and switches, and AUTH ends it all', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    const ask = (command: string): string => {
      d.heard(d.client);
      d.line(true, command);
      d.line(false, '200 ok');
      return d.heard(d.client).trim();
    };
    expect([ask('ALGS STATUS64'), ask('ALGS DISABLE64'), ask('ALGS what')]).toEqual([
      '216 EPSVEPRT',
      '216 NONE',
      '504 Command not implemented for that parameter',
    ]);
    d.heard(d.server);
    d.line(true, 'EPSV');
    expect(d.heard(d.server)).toBe('EPSV\r\n');
    d.line(false, '229 Entering Extended Passive Mode (|||7|)');
    expect(ask('ALGS ENABLE64')).toBe('216 EPSVEPRT');
    d.line(true, 'AUTH TLS');
    d.line(false, '504 not here');
    d.heard(d.server);
    d.line(true, 'EPSV');
    expect(d.heard(d.server)).toBe('PASV\r\n');
    d.line(false, '227 (198,51,100,9,4,1)');
    d.line(true, 'AUTH TLS');
    d.line(false, '234 go on');
    d.heard(d.server);
    d.line(true, 'EPSV');
    expect(d.heard(d.server)).toBe('EPSV\r\n');
  });

  it('off by default: nothing is changed', () => {
    const d = new Dialogue(gateway(false));
    expect([d.line(true, 'EPSV'), d.heard(d.server)]).toEqual(['translated', 'EPSV\r\n']);
  });

  it('refuses Telnet options itself and relays none, alone, inside a line and across segments', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    d.heard(d.client);
    // The client asks: do and will (echo, terminal type), a refusal of its own, a subnegotiation.
    d.send(true, bytesOf('\u00ff\u00fd\u0001\u00ff\u00fb\u0018\u00ff\u00fe\u0003\u00ff\u00fa\u0018\u0000vt100\n\u00ff\u00f0'));
    expect([d.heard(d.server), d.heard(d.client)]).toEqual(['', '\u00ff\u00fc\u0001\u00ff\u00fe\u0018']);
    // All that it sent is acknowledged, as nobody else will do that.
    expect(u32(d.last[1]!, 48)).toBe(d.client.sequence);
    d.send(true, bytesOf('EP\u00ff'));
    d.send(true, bytesOf('\u00fb\u0001SV\r\n'));
    expect([d.heard(d.server), d.heard(d.client)]).toEqual(['PASV\r\n', '\u00ff\u00fe\u0001']);
    d.line(false, '227 (198,51,100,9,19,137)');
    expect(d.heard(d.client)).toBe('229 Entering Extended Passive Mode (|||5001|)\r\n');
    // The server asks too. Commands that negotiate nothing, and bytes that stand for themselves, pass.
    d.send(false, bytesOf('\u00ff\u00fd\u0022'));
    expect([d.heard(d.client), d.heard(d.server)]).toEqual(['', '\u00ff\u00fc\u0022']);
    d.line(true, '\u00ff\u00f4\u00ff\u00f2ABOR');
    d.line(true, 'CWD \u00ff\u00ff\u00fd');
    expect(d.heard(d.server)).toBe('\u00ff\u00f4\u00ff\u00f2ABOR\r\nCWD \u00ff\u00ff\u00fd\r\n');
    d.line(false, '226 done');
    expect([d.heard(d.client), d.nat.ftp!.alg.negotiationsRefused]).toEqual(['226 done\r\n', 6]);
  });

  it('repeats what it said when the byte behind it comes, and answers a repeated negotiation', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    const asked = bytesOf('\u00ff\u00fd\u0001');
    const start = d.client.sequence;
    d.send(true, asked);
    d.heard(d.client);
    // The answer was lost: the client has not moved, and asks again.
    d.client.wants = (d.client.wants - 3) >>> 0;
    d.send(true, asked, ACK, start);
    expect([d.heard(d.client), d.heard(d.server)]).toEqual(['\u00ff\u00fc\u0001', '']);
    // Lost again: what the server says next brings it along.
    d.client.wants = (d.client.wants - 3) >>> 0;
    d.line(true, 'NOOP');
    d.line(false, '200 ok');
    expect(d.heard(d.client)).toBe('\u00ff\u00fc\u0001200 ok\r\n');
    d.send(true, new Uint8Array(0));
    expect(u32(d.last[0]!, 28)).toBe(d.server.sequence);
  });

  it('what it says has timestamps where the connection has them', () => {
    const d = new Dialogue();
    const stamp = (value: number): Uint8Array => {
      const option = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0);
      new DataView(option.buffer).setUint32(4, value);
      return option;
    };
    d.send(false, bytesOf('220 ready\r\n'), ACK, undefined, stamp(7_777));
    d.send(true, bytesOf('\u00ff\u00fd\u0001'), ACK, undefined, stamp(1_111));
    const reply = d.last[1]!;
    expect([reply[52]! >> 4, u32(reply, 64), u32(reply, 68)]).toEqual([8, 7_777, 1_111]);
  });

  it('nothing is urgent any more in a segment whose bytes change, and all stays so where they do not', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    const URG = 32;
    const urgent = (text: string): [boolean, number] => {
      const before = d.client.sequence;
      const segment = tcp(CLIENT_PORT, 21, ACK | URG, bytesOf(text), before, d.client.wants);
      segment[19] = 5;
      segment[17] = segment[17]! - 5;
      const b = ip6(CLIENT, SERVER6, 6, segment);
      d.client.sequence = (before + text.length) >>> 0;
      const sink = newSink();
      d.nat.translate(6, b, 0, b.length, b.length, sink, 0);
      return [(sink.packet(0)[33]! & URG) !== 0, u16(sink.packet(0), 38)];
    };
    expect([urgent('ABOR\r\n'), urgent('EPSV\r\n')]).toEqual([[true, 5], [false, 0]]); // prettier-ignore
  });

  it('LANG passes as it is, and so do bytes beyond ASCII', () => {
    const d = new Dialogue();
    for (const text of ['LANG fr', 'CWD \u00c3\u00a9t\u00c3\u00a9']) {
      d.line(true, text);
      expect(d.heard(d.server)).toBe(`${text}\r\n`);
    }
  });

  it('any cutting, repetition and loss of segments gives the same dialogue', () => {
    const clean: readonly (readonly [boolean, string])[] = [
      [false, '220-welcome\r\n220 ready\r\n'],
      [true, 'USER a\r\n'],
      [false, '331 and?\r\n'],
      [true, 'EPSV\r\n'],
      [false, '227 Entering Passive Mode (198,51,100,9,19,137)\r\n'],
      [true, `EPRT |2|${CLIENT}|50001|\r\nALGS STATUS64\r\n`],
      [false, '200 PORT ok\r\n200 NOOP ok\r\n'],
      [true, 'QUIT\r\n'],
      [false, '221 bye\r\n'],
    ];
    const heard = (d: Dialogue): [string, string] => [d.server.heard, d.client.heard];
    const plain = new Dialogue();
    for (const [fromClient, text] of clean) plain.send(fromClient, bytesOf(text));
    const expected = heard(plain);
    expect(expected[1]).toContain('229 Entering Extended Passive Mode (|||5001|)\r\n200 PORT ok\r\n216 EPSVEPRT\r\n');
    expect(expected[0]).toMatch(/PASV\r\nPORT 203,0,113,1,\d+,\d+\r\nNOOP\r\nQUIT/);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(14)), fc.infiniteStream(fc.nat(5)), fc.infiniteStream(fc.nat(60)), (cuts, fates, asks) => {
        const d = new Dialogue();
        let refusals = '';
        // Negotiations anywhere, once the other end has been heard.
        const script = clean.map(([fromClient, text], i): readonly [boolean, string] => {
          const at = asks.next().value as number;
          if (i === 0 || at >= text.length) return [fromClient, text];
          refusals += '\u00ff\u00fc\u0022';
          return [fromClient, `${text.slice(0, at)}\u00ff\u00fd\u0022${text.slice(at)}`];
        });
        for (const [fromClient, text] of script) {
          const own = fromClient ? d.client : d.server;
          const start = own.sequence;
          for (let at = 0; at < text.length;) {
            const end = Math.min(text.length, at + 1 + (cuts.next().value as number));
            const fate = fates.next().value as number;
            // Early: the segment after this one comes first and must not be taken.
            if (fate === 0 && end < text.length)
              expect(d.send(fromClient, bytesOf(text.slice(end)), ACK, (start + end) >>> 0)).toBe('ftpOutOfOrder');
            d.send(fromClient, bytesOf(text.slice(at, end)));
            // Late: what has been sent before, from any place, once more.
            if (fate === 1) d.send(fromClient, bytesOf(text.slice(0, end)), ACK, start);
            if (fate === 2) d.send(fromClient, bytesOf(text.slice(at, end)), ACK, (start + at) >>> 0);
            if (fate === 3) d.send(!fromClient, new Uint8Array(0));
            at = end;
          }
        }
        const [toServer, toClient] = heard(d);
        const said = /\u00ff\u00fc\u0022/g;
        expect([toServer.replaceAll(said, ''), toClient.replaceAll(said, '')]).toEqual(expected);
        expect([...toServer.matchAll(said), ...toClient.matchAll(said)].join('')).toBe(refusals);
      }),
      { numRuns: 60 },
    );
  });

  it('what grows beyond what the other end takes leaves in parts', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    const many = Array.from({ length: 40 }, (_, i) => `EPRT |2|${CLIENT}|${50_000 + i}|\r\n`).join('');
    d.send(true, bytesOf(many));
    expect(d.last.every((out) => out.length - 40 <= Math.max(536, many.length))).toBe(true);
    expect(d.heard(d.server).match(/PORT/g)).toHaveLength(40);
  });

  it('SACK edges follow, and the card says what became of the line', () => {
    const d = new Dialogue();
    d.line(false, '220 ready');
    const before = ip6(CLIENT, SERVER6, 6, tcp(CLIENT_PORT, 21, ACK, bytesOf('EPSV 2\r\n'), d.client.sequence, d.client.wants));
    d.send(true, bytesOf('EPSV 2\r\n'));
    const changes = fieldChanges(before, d.last[0]!);
    expect(changes.find(({ label }) => label === 'FTP lines')).toMatchObject({ before: { text: 'EPSV 2 ⏎' }, after: { text: 'PASV ⏎' } });
    d.line(false, '227 (198,51,100,9,19,137)');
    const sack = new Uint8Array(12);
    sack.set([1, 1, 5, 10]);
    const edge = d.client.wants;
    new DataView(sack.buffer).setUint32(4, edge - 10);
    new DataView(sack.buffer).setUint32(8, edge);
    d.send(true, new Uint8Array(0), ACK, undefined, sack);
    const out = d.last[0]!;
    expect(u32(out, 20 + 20 + 8)).toBe(d.server.sequence);
  });
});
