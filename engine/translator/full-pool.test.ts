import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Mementos, u16 } from '../base/index.ts';
import { Nat64 } from './nat64.ts';
import { reasonOf } from './reasons.ts';
import { ip6, udp } from './test-packets.ts';
import { newSink, settingsOf } from './test-support.ts';

const S = 1e9;
const PEER6 = '64:ff9b::c633:6409';
const FIRST = 2_000;
const sink = newSink();

/** A pool of one address with `ports` ports. */
function nat(ports: number): Nat64 {
  const pool4 = [{ prefix: '203.0.113.1', ports: [FIRST, FIRST + ports - 1] as [number, number] }];
  const made = Nat64.create(settingsOf({ mode: 'nat64', own4: '203.0.113.254', nat64: { pool4, maxSessions: 4_096, maxBindings: 4_096 } }));
  if (!made.ok) throw new Error(`${made.error.field}: ${made.error.message}`);
  return made.value;
}

/** A packet of a host, each in a subscriber of its own; the outside port, or the reason that there is none. */
function send(n: Nat64, host: number, port: number, atS: number): string | number {
  const b = ip6(`2001:db8:${(host >>> 16).toString(16)}:${(host & 0xffff).toString(16)}::1`, PEER6, 17, udp(port, 53));
  sink.clear();
  const { id } = reasonOf(n.translate(6, b, 0, b.length, b.length, sink, atS * S));
  return id === 'translated' ? u16(sink.packet(0), 20) : id;
}

describe('a pool whose ports are all in use or at rest', () => {
  it('refuses host after host without asking for each port and each binding', () => {
    const n = nat(1_000);
    for (let host = 0; host < 1_000; host++) expect(send(n, host, FIRST + host, 0)).toBe(FIRST + host);
    send(n, 5_000, FIRST, 1);
    const asked = vi.spyOn(n.mapper.bindings, 'find4');
    for (let host = 6_000; host < 8_000; host++) expect(send(n, host, FIRST, 1)).toMatch(/addressUnreachable|answerLimited/);
    expect(asked.mock.calls.length).toBeLessThan(2_000 * 8);
    // All bindings end at 300 s, their ports rest until 420 s.
    send(n, 5_000, FIRST, 301);
    const rested = vi.spyOn(n.mapper.ports.resting, 'restsFor');
    for (let host = 6_000; host < 8_000; host++) expect(send(n, host, FIRST, 301)).toMatch(/portsResting|answerLimited/);
    expect(rested.mock.calls.length).toBeLessThan(2_000 * 8);
    expect([send(n, 17, 60_000, 301), send(n, 18, FIRST + 18, 301)]).toEqual([FIRST + 17, FIRST + 18]);
    expect(send(n, 9_000, FIRST, 421)).toBe(FIRST);
  });

  it('gives a port as long as one is free or was the own one, and never one that another has or had a short time ago', () => {
    const step = fc.record({
      host: fc.nat(900),
      port: fc.integer({ min: 1_024, max: 3_000 }),
      waitS: fc.constantFrom(0, 0, 0, 0, 1, 2),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1_500, maxLength: 1_500 }), (steps) => {
        const ports = 400;
        const n = nat(ports);
        /** By port: who had it last, and until when. */
        const last = new Map<number, { host: number; key: string; untilS: number }>();
        const bound = new Map<string, number>();
        let nowS = 0;
        for (const { host, port, waitS } of steps) {
          nowS += waitS;
          const got = send(n, host, port, nowS);
          const key = `${host} ${port}`;
          const before = bound.get(key);
          const alive = before !== undefined && last.get(before)!.key === key && last.get(before)!.untilS > nowS;
          if (typeof got === 'number') {
            const { host: owner, untilS } = last.get(got) ?? { host: -1, untilS: -1_000 };
            if (alive) expect(got).toBe(before);
            else expect(untilS <= nowS && (owner === host || untilS + 120 <= nowS)).toBe(true);
            last.set(got, { host, key, untilS: nowS + 300 });
            bound.set(key, got);
          } else {
            expect(alive).toBe(false);
            const free =
              ports - [...last.values()].filter((one) => one.untilS > nowS || (one.host !== host && one.untilS + 120 > nowS)).length;
            expect(free).toBe(0);
          }
        }
      }),
      { numRuns: 5, endOnFailure: true },
    );
  });

  it('goes on from a remembered state as if it had not been left', () => {
    const n = nat(600);
    const mementos = new Mementos([n]);
    const fill = (from: number, to: number, atS: number): (string | number)[] =>
      Array.from({ length: to - from }, (_, i) => send(n, from + i, 2_100, atS + (from + i) / 100));
    fill(0, 500, 0);
    const state = mementos.take();
    const first = [fill(500, 1_000, 100), fill(1_000, 1_700, 290)];
    state.restore();
    expect([fill(500, 1_000, 100), fill(1_000, 1_700, 290)]).toEqual(first);
  });
});
