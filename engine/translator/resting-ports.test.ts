import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { u16 } from '../base/index.ts';
import type { TranslatorInput } from '../contract/index.ts';
import { Nat64 } from './nat64.ts';
import { reasonOf } from './reasons.ts';
import { RestingPorts } from './resting-ports.ts';
import { ip6, udp } from './test-packets.ts';
import { newSink, settingsOf } from './test-support.ts';

const S = 1e9;
const PEER6 = '64:ff9b::c633:6409';

function nat(nat64: NonNullable<TranslatorInput['nat64']>): Nat64 {
  const made = Nat64.create(
    settingsOf({
      mode: 'nat64',
      own4: '203.0.113.254',
      nat64: { pool4: [{ prefix: '203.0.113.1', ports: [2_000, 2_003] }], maxSessions: 64, maxBindings: 64, ...nat64 },
    }),
  );
  if (!made.ok) throw new Error(`${made.error.field}: ${made.error.message}`);
  return made.value;
}

/** Sends from a host of subscriber `who`; the outside port, or the reason that there is none. */
function send(n: Nat64, who: number, port: number, atS: number): string | number {
  const b = ip6(`2001:db8:0:${who.toString(16)}::1`, PEER6, 17, udp(port, 53));
  const sink = newSink();
  const { id } = reasonOf(n.translate(6, b, 0, b.length, b.length, sink, atS * S));
  return id === 'translated' ? u16(sink.packet(0), 20) : id;
}

describe('ports at rest (RFC 6888 REQ-8)', () => {
  it('a freed port goes to another subscriber after 120 s and not before', () => {
    const n = nat({ pool4: [{ prefix: '203.0.113.1', ports: [2_000, 2_000] }] });
    expect(send(n, 1, 2_000, 0)).toBe(2_000);
    // The session ends at 300 s.
    expect(send(n, 2, 2_000, 419)).toBe('portsResting');
    expect(n.mapper.ports.resting.count).toBe(1);
    expect(send(n, 2, 2_000, 420)).toBe(2_000);
    expect(n.mapper.ports.resting.count).toBe(0);
  });

  it('another port is taken where there is one, and its own subscriber gets it at once', () => {
    const n = nat({});
    expect(send(n, 1, 2_000, 0)).toBe(2_000);
    expect(send(n, 2, 2_000, 301)).not.toBe(2_000);
    expect(send(n, 1, 2_000, 302)).toBe(2_000);
    // It rests again after that, for all others.
    expect([send(n, 3, 2_000, 650), send(n, 3, 2_000, 650)]).not.toContain(2_000);
  });

  it('the time and the number of such ports can be set; beyond the number the first one ends early', () => {
    const short = nat({ portRest: { seconds: 5 }, pool4: [{ prefix: '203.0.113.1', ports: [2_000, 2_000] }] });
    expect([send(short, 1, 2_000, 0), send(short, 2, 2_000, 304), send(short, 2, 2_000, 305)]).toEqual([2_000, 'portsResting', 2_000]);
    const off = nat({ portRest: { seconds: 0 }, pool4: [{ prefix: '203.0.113.1', ports: [2_000, 2_000] }] });
    expect([send(off, 1, 2_000, 0), send(off, 2, 2_000, 300)]).toEqual([2_000, 2_000]);
    const few = nat({ portRest: { maxPorts: 1 } });
    for (let i = 0; i < 3; i++) send(few, 1, 2_000 + i, i);
    few.advance(400 * S, newSink());
    expect([few.mapper.ports.resting.count, few.mapper.ports.resting.cutShort]).toEqual([1, 2]);
  });

  it('a pool that is in use says so, and not that ports rest', () => {
    const n = nat({ pool4: [{ prefix: '203.0.113.1', ports: [2_000, 2_000] }] });
    expect([send(n, 1, 2_000, 0), send(n, 2, 2_000, 1)]).toEqual([2_000, 'addressUnreachable']);
  });

  it('a block rests as a whole; blocks by calculation do not, for they have one subscriber', () => {
    const n = nat({ portBlocks: { mode: 'dynamic', size: 4 } });
    expect(send(n, 1, 2_000, 0)).toBe(2_000);
    expect(send(n, 2, 2_000, 419)).toBe('portsResting');
    expect([n.mapper.blocks!.used, n.mapper.blocks!.resting]).toEqual([0, 1]);
    expect(send(n, 2, 2_000, 420)).toBe(2_000);
    expect(n.mapper.blocks!.resting).toBe(0);
    const few = nat({ portBlocks: { mode: 'dynamic', size: 2 }, portRest: { maxPorts: 3 } });
    send(few, 1, 2_000, 0);
    send(few, 2, 2_000, 0);
    few.advance(301 * S, newSink());
    expect([few.mapper.blocks!.resting, few.mapper.blocks!.cutShort]).toEqual([1, 1]);
  });

  it('holds what a plain list says, for any order of ports, subscribers and times', () => {
    const step = fc.record({ port: fc.nat(6), who: fc.nat(2), dt: fc.nat(4), ask: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 80 }), (max, steps) => {
        const resting = new RestingPorts(max, 10, 64);
        let list: { port: number; who: number; end: number }[] = [];
        let now = 0;
        for (const { port, who, dt, ask } of steps) {
          now += dt;
          resting.expire(now);
          list = list.filter(({ end }) => end > now);
          if (ask) {
            expect(resting.restsFor(17, 0xcb007101, port, who, now)).toBe(list.some((each) => each.port === port && each.who !== who));
            continue;
          }
          resting.add(17, 0xcb007101, port, who, now);
          list = [...list, { port, who, end: now + 10 }].slice(-max);
          expect(resting.count).toBe(list.length);
        }
      }),
    );
  });
});
