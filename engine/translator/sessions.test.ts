import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BindingTable } from './bindings.ts';
import { PROTOCOL } from './packet-view.ts';
import { SessionTable } from './sessions.ts';

/** In the order of TIMER. */
const LIFETIMES = [64, 20, 1_000, 64, 3];
const CAPACITY = 12;

interface Session {
  readonly host: number;
  readonly peer: number;
  readonly port: number;
  timer: number;
  sinceNs: number;
}

const address = (host: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => (i < 2 ? 0x20 + i : i > 12 ? host : 0));
const key = (s: Pick<Session, 'host' | 'peer' | 'port'>): string => `${s.host} ${s.peer} ${s.port}`;

/** The tables beside plain objects: a list of sessions that is looked through from one end to the other. */
class Both {
  readonly bindings = new BindingTable(8);
  readonly sessions = new SessionTable(CAPACITY, this.bindings, LIFETIMES);
  readonly model = new Map<string, Session>();

  find(host: number, peer: number, port: number): number {
    const a = address(host);
    const w = [0, 4, 8, 12].map((i) => (a[i]! << 24) | (a[i + 1]! << 16) | (a[i + 2]! << 8) | a[i + 3]!);
    const inside = this.sessions.find6(PROTOCOL.udp, w[0]!, w[1]!, w[2]!, w[3]!, (host << 16) | port, peer | 0);
    expect(this.sessions.find4(PROTOCOL.udp, 0xcb007100 + host, 40_000 + host, peer, port)).toBe(inside);
    return inside;
  }

  packet(host: number, peer: number, port: number, timer: number, nowNs: number): void {
    const e = this.find(host, peer, port);
    const known = this.model.get(key({ host, peer, port }));
    expect(e >= 0).toBe(known !== undefined);
    if (known !== undefined) {
      this.sessions.touch(e, timer, nowNs);
      this.sessions.countPacket(e);
      Object.assign(known, { timer, sinceNs: nowNs });
      return;
    }
    let binding = this.bindings.find4(PROTOCOL.udp, 0xcb007100 + host, 40_000 + host);
    if (binding < 0) binding = this.bindings.add(PROTOCOL.udp, address(host), 0, host, 0xcb007100 + host, 40_000 + host, false);
    const made = this.sessions.add(binding, peer, port, 3, 0, timer, nowNs);
    expect(made >= 0).toBe(this.model.size < CAPACITY);
    if (made >= 0) this.model.set(key({ host, peer, port }), { host, peer, port, timer, sinceNs: nowNs });
  }

  /** Ends what has ended, lifetime by lifetime; both must name the same sessions in the order of their ends. */
  expire(nowNs: number): void {
    if (nowNs < this.sessions.nextEndNs) {
      for (const s of this.model.values()) expect(s.sinceNs + LIFETIMES[s.timer]!).toBeGreaterThan(nowNs);
      return;
    }
    for (let timer = 0; timer < LIFETIMES.length; timer++) {
      let last = 0;
      for (let e = this.sessions.takeEnded(timer, nowNs); e >= 0; e = this.sessions.takeEnded(timer, nowNs)) {
        const binding = this.sessions.binding(e);
        const name = key({ host: this.bindings.port6(binding), peer: this.sessions.peer4(e), port: this.sessions.peerPort(e) });
        const s = this.model.get(name)!;
        expect([s.timer, s.sinceNs + LIFETIMES[timer]!]).toEqual([timer, this.sessions.endNs(e)]);
        expect(this.sessions.endNs(e)).toBeGreaterThanOrEqual(last);
        last = this.sessions.endNs(e);
        this.model.delete(name);
        this.sessions.remove(e);
        if (this.bindings.sessions(binding) === 0) this.bindings.remove(binding);
      }
    }
    this.sessions.rearm();
    for (const s of this.model.values()) expect(s.sinceNs + LIFETIMES[s.timer]!).toBeGreaterThan(nowNs);
  }
}

describe('session and binding tables', () => {
  it('hold what plain lists hold, and end each session when its own lifetime says, under any sequence', () => {
    const step = fc.record({
      host: fc.integer({ min: 1, max: 4 }),
      peer: fc.constantFrom(1, 2, 0xc6336409),
      port: fc.integer({ min: 1, max: 3 }),
      timer: fc.integer({ min: 0, max: 4 }),
      // Most steps are short against all lifetimes, some jump over many.
      wait: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 9 }) }, fc.integer({ min: 0, max: 5_000 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.double({ min: 0, max: 1e11, noNaN: true }), (steps, startNs) => {
        const both = new Both();
        let now = startNs;
        for (const { host, peer, port, timer, wait } of steps) {
          now += wait;
          both.expire(now);
          both.packet(host, peer, port, timer, now);
          expect(both.sessions.count).toBe(both.model.size);
          expect(both.bindings.count).toBe(new Set([...both.model.values()].map((s) => s.host)).size);
          for (const s of both.model.values()) expect(both.find(s.host, s.peer, s.port)).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('end sessions in order that were put in out of order, and those that were used after their place had begun when they should', () => {
    const count = 2_000;
    const bindings = new BindingTable(count);
    const sessions = new SessionTable(count, bindings, [6_400]);
    const b = new Uint8Array(16);
    // All within one place, in no order.
    const since = (e: number): number => 1_000_000 + ((e * 7_919) % 97);
    for (let e = 0; e < count; e++) sessions.add(bindings.add(PROTOCOL.udp, b, 0, e, e, e, false), e, 53, 0, 0, 0, since(e));
    const ended: number[] = [];
    const run = (nowNs: number): void => {
      for (let e = sessions.takeEnded(0, nowNs); e >= 0; e = sessions.takeEnded(0, nowNs)) {
        ended.push(e);
        sessions.remove(e);
      }
      sessions.rearm();
    };
    run(1_006_400);
    const early = ended.length;
    // The place has begun: every third of the others goes on.
    const gone = new Set(ended);
    const used = Array.from({ length: count }, (_, e) => e).filter((e) => !gone.has(e) && e % 3 === 0);
    for (const e of used) sessions.touch(e, 0, 1_006_400);
    for (let now = 1_006_401; now <= 1_006_500; now++) {
      run(now);
      expect(used.every((e) => sessions.binding(e) >= 0)).toBe(true);
    }
    const rest = Array.from({ length: count }, (_, e) => e).filter((e) => e % 3 !== 0 || gone.has(e));
    const inOrder = rest.toSorted((a, c) => since(a) - since(c) || a - c);
    expect(early).toBeGreaterThan(0);
    expect(ended).toEqual(inOrder);
    expect(sessions.nextEndNs).toBeLessThanOrEqual(1_012_800);
    run(1_012_800);
    expect(sessions.count).toBe(0);
  });

  it('find a session among many with keys that are alike', () => {
    const count = 20_000;
    const bindings = new BindingTable(count);
    const sessions = new SessionTable(count, bindings, LIFETIMES);
    const b = new Uint8Array(16);
    for (let i = 0; i < count; i++) {
      b[6] = i >>> 8;
      b[7] = i;
      const binding = bindings.add(PROTOCOL.tcp, b, 0, 80, i, 80, false);
      // The peer counts as the binding does.
      sessions.add(binding, i, 443, 0, 0, 0, 0);
    }
    let found = 0;
    for (let i = 0; i < count; i++) if (sessions.find6(PROTOCOL.tcp, 0, i, 0, 0, (80 << 16) | 443, i) === i) found++;
    expect(found).toBe(count);
    expect(sessions.longestSearch()).toBeLessThan(64);
    expect(bindings.longestSearch()).toBeLessThan(64);
  });

  it('take a million sessions, each with its own binding, in less than 150 bytes each, lists of ends included', () => {
    const count = 1_000_000;
    const bindings = new BindingTable(count);
    const sessions = new SessionTable(count, bindings, LIFETIMES);
    // All ends in one part of a lifetime: 4 bytes in the list of those that are due.
    const worstDue = 4 * 2 ** Math.ceil(Math.log2(count));
    expect((sessions.bytes + bindings.bytes + worstDue) / count).toBeLessThan(150);
  });
});
