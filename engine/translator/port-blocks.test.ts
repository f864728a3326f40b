import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TranslatorInput } from '../contract/index.ts';
import { u16, u32 } from '../base/index.ts';
import { formatIpv6, parseIpv4U32 } from '../wire/index.ts';
import { Nat64 } from './nat64.ts';
import { reasonOf } from './reasons.ts';
import { newSink, settingsOf } from './test-support.ts';
import { ip6, udp } from './test-packets.ts';

const PEER6 = '64:ff9b::c633:6409';

type Spec = NonNullable<TranslatorInput['nat64']>;

const config = (nat64: Spec): Parameters<typeof settingsOf>[0] => ({
  mode: 'nat64',
  own4: '203.0.113.254',
  nat64: { pool4: [{ prefix: '203.0.113.0/31', ports: [1_024, 1_024 + 63] }], maxSessions: 256, maxBindings: 256, ...nat64 },
});

function nat(nat64: Spec): Nat64 {
  const made = Nat64.create(settingsOf(config(nat64)));
  if (!made.ok) throw new Error(`${made.error.field}: ${made.error.message}`);
  return made.value;
}

const fieldOfError = (nat64: Spec): string => {
  const made = Nat64.create(settingsOf(config(nat64)));
  return made.ok ? '' : made.error.field;
};

/** Sends from a host of subscriber `who`; gives the reason, or the outside address and port. */
function send(n: Nat64, who: number, port: number, nowNs = 0): string | { readonly address: number; readonly port: number } {
  const b = ip6(`2001:db8:0:${who.toString(16)}::1`, PEER6, 17, udp(port, 53));
  const sink = newSink();
  const { id } = reasonOf(n.translate(6, b, 0, b.length, b.length, sink, nowNs));
  if (id !== 'translated') return id;
  const out = sink.packet(sink.count - 1);
  return { address: u32(out, 12), port: u16(out, 20) };
}

describe('dynamic port blocks (RFC 6888)', () => {
  it('a subscriber fills its block, takes another on the same address, and is refused at its limit', () => {
    const n = nat({ portBlocks: { mode: 'dynamic', size: 8, maxPerSubscriber: 2 } });
    const log: string[] = [];
    const blocks = n.mapper.blocks!;
    blocks.onBlock = (event, block, nowNs) => log.push(`${event} ${blocks.layout.firstPort(block)} at ${nowNs}`);
    const given = Array.from({ length: 16 }, (_, i) => send(n, 1, 40_000 + i));
    const addresses = new Set(given.map((g) => (typeof g === 'string' ? g : g.address)));
    const ports = new Set(given.map((g) => (typeof g === 'string' ? g : g.port)));
    expect([addresses.size, ports.size, blocks.used, log.length]).toEqual([1, 16, 2, 2]);
    const runs = new Set([...ports].map((port) => Math.floor((Number(port) - 1_024) / 8)));
    expect(runs.size).toBe(2);
    expect(send(n, 1, 50_000)).toBe('portBlocksUsed');
    expect(blocks.limited).toBe(1);
    // Another host of the same prefix is the same subscriber; another prefix has blocks of its own.
    expect(typeof send(n, 2, 50_000)).toBe('object');
    expect(blocks.used).toBe(3);
    n.advance(1_000e9, newSink());
    expect([blocks.used, n.mapper.bindings.count, log.filter((line) => line.startsWith('released')).length]).toEqual([0, 0, 3]);
  });

  it('keeps port and parity where the block allows it', () => {
    const n = nat({ portBlocks: { mode: 'dynamic', size: 16 } });
    for (const port of [5_000, 5_001, 5_003, 5_006]) {
      const given = send(n, 1, port);
      expect(typeof given === 'object' && (given.port & 1) === (port & 1)).toBe(true);
    }
  });

  it('no block left: answered, counted, and others go on', () => {
    const n = nat({ portBlocks: { mode: 'dynamic', size: 64 } });
    expect([typeof send(n, 1, 1), typeof send(n, 2, 1), send(n, 3, 1)]).toEqual(['object', 'object', 'addressUnreachable']);
    expect([n.mapper.blocks!.exhausted, typeof send(n, 1, 2)]).toEqual([1, 'object']);
  });

  it('every port given is in a block of its subscriber, no block has two, and all come back, for any traffic', () => {
    const step = fc.record({ who: fc.nat(5), port: fc.nat(40), seconds: fc.nat(400) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 120 }),
        (size, max, steps) => {
          const n = nat({ portBlocks: { mode: 'dynamic', size, maxPerSubscriber: max } });
          const blocks = n.mapper.blocks!;
          const open = new Set<number>();
          blocks.onBlock = (event, block) => {
            if (event === 'allocated') open.add(block);
            else expect(open.delete(block)).toBe(true);
          };
          let now = 0;
          for (const { who, port, seconds } of steps) {
            now += seconds * 1e9;
            const given = send(n, who, 2_000 + port, now);
            if (typeof given === 'string') continue;
            const block = blocks.layout.at(given.address, given.port);
            const prefix = new Uint8Array(16);
            blocks.writeSubscriber(block, prefix, 0);
            expect([blocks.layout.addressOf(block), formatIpv6(prefix, 0)]).toEqual([
              given.address,
              who === 0 ? '2001:db8::' : `2001:db8:0:${who.toString(16)}::`,
            ]);
          }
          const sums = new Map<number, number>();
          for (let e = 0; e < n.mapper.bindings.used; e++) {
            if (n.mapper.bindings.protocol(e) === 0) continue;
            const block = blocks.layout.at(n.mapper.bindings.address4(e), n.mapper.bindings.port4(e));
            sums.set(block, (sums.get(block) ?? 0) + 1);
          }
          expect([...sums.keys()].sort()).toEqual([...open].sort());
          for (const [block, count] of sums) expect(blocks.portsOf(block).udp).toBe(count);
          expect(blocks.used).toBe(open.size);
          n.advance(now + 1_000e9, newSink());
          expect([blocks.used, open.size]).toEqual([0, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('deterministic port blocks (RFC 7422)', () => {
  const eight: Spec = { portBlocks: { mode: 'deterministic', size: 16, subscribers: ['2001:db8::/61'] } };

  it('the block is that of the number of the subscriber, whoever comes first', () => {
    const first = parseIpv4U32('203.0.113.0');
    for (const order of [
      [0, 5, 3],
      [3, 0, 5],
    ]) {
      // prettier-ignore
      const n = nat(eight);
      const given = new Map(order.map((who) => [who, send(n, who, 1_025)]));
      expect([0, 3, 5].map((who) => given.get(who))).toEqual([
        { address: first, port: 1_025 },
        { address: first, port: 1_024 + 48 + 1 },
        { address: first + 1, port: 1_024 + 16 + 1 },
      ]);
    }
  });

  it('has that block and no other, and others have none', () => {
    const n = nat(eight);
    for (let i = 0; i < 16; i++) expect(typeof send(n, 4, 7_000 + i)).toBe('object');
    expect([send(n, 4, 8_000), send(n, 0x99, 1)]).toEqual(['portBlocksUsed', 'noPortBlock']);
    n.advance(1_000e9, newSink());
    expect(typeof send(n, 4, 8_000, 1_001e9)).toBe('object');
  });

  it('with overflow blocks: who has used up its own gets others on its address, each logged, and they go back', () => {
    // Of the four blocks of an address two are calculated; the subscribers 0 to 3 have them.
    const mode = 'deterministic' as const;
    const spec = { mode, size: 16, overflowBlocks: 2, maxPerSubscriber: 3, subscribers: ['2001:db8::/62'] };
    const n = nat({ portBlocks: spec });
    const blocks = n.mapper.blocks!;
    const log: string[] = [];
    blocks.onBlock = (event, block, nowNs) =>
      log.push(`${event} ${blocks.layout.addressOf(block) & 255}:${blocks.layout.firstPort(block)} at ${nowNs / 1e9} s`);
    const many = (who: number, from: number, count: number, nowNs = 0): Set<string> => {
      const given = Array.from({ length: count }, (_, i) => send(n, who, from + i, nowNs));
      return new Set(
        given.map((g) => (typeof g === 'string' ? g : `${g.address & 255}:${1_024 + Math.floor((g.port - 1_024) / 16) * 16}`)),
      );
    };
    // By calculation: nothing is logged.
    expect([...many(0, 1_024, 16), ...many(1, 1_024, 16), ...many(2, 1_024, 16)]).toEqual(['0:1024', '0:1040', '1:1024']);
    expect(log).toEqual([]);
    expect(many(0, 2_000, 32)).toEqual(new Set(['0:1056', '0:1072']));
    expect(send(n, 0, 3_000)).toBe('portBlocksUsed');
    // The address has none left, and a subscriber stays on its address (RFC 6888 REQ-2).
    expect([...many(1, 2_000, 32), log.length]).toEqual(['addressUnreachable', 2]);
    expect(many(2, 2_000, 32)).toEqual(new Set(['1:1056', '1:1072']));
    expect([send(n, 3, 1_024), log.length]).toEqual([expect.objectContaining({ port: 1_040 }), 4]);
    // They go back and rest; the calculated ones stay with their subscribers.
    n.advance(1_000e9, newSink());
    expect([blocks.used, blocks.resting, log.slice(4).filter((line) => line.startsWith('released')).length]).toEqual([4, 4, 4]);
    expect([...many(2, 1_024, 16, 1_001e9), send(n, 2, 2_000, 1_001e9)]).toEqual(['1:1024', expect.objectContaining({ port: 1_056 })]);
    expect(fieldOfError({ portBlocks: { ...spec, overflowBlocks: 4 } })).toBe('nat64.portBlocks.overflowBlocks');
    expect(fieldOfError({ portBlocks: { ...spec, overflowBlocks: 3 } })).toBe('nat64.portBlocks.subscribers.0');
  });

  it('the example of RFC 7422 section 2.3: 14 subscribers of one address, and room for two more', () => {
    const made = Nat64.create(
      settingsOf({
        mode: 'nat64',
        nat64: {
          pool4: [{ prefix: '192.0.2.1' }],
          portBlocks: {
            mode: 'deterministic',
            size: 4_032,
            overflowBlocks: 2,
            subscribers: ['2001:db8::/61', '2001:db8:0:8::/62', '2001:db8:0:c::/63'],
          },
        },
      }),
    );
    if (!made.ok) throw new Error(made.error.message);
    const ports = [0, 1, 2, 13].map((who) => send(made.value, who, 4_032));
    expect(ports.map((given) => (typeof given === 'string' ? given : given.port))).toEqual([1_024, 5_056, 9_088, 53_440]);
    const blocks = made.value.mapper.blocks!;
    expect([blocks.layout.firstPort(14), blocks.layout.firstPort(15) + blocks.size - 1]).toEqual([57_472, 65_535]);
    expect([send(made.value, 14, 1_024), blocks.exhausted]).toEqual(['noPortBlock', 0]);
  });

  it('says which field cannot be used', () => {
    expect(fieldOfError({ portBlocks: { mode: 'deterministic', size: 16 } })).toBe('nat64.portBlocks.subscribers');
    expect(fieldOfError({ portBlocks: { mode: 'deterministic', size: 16, subscribers: ['2001:db8::/60'] } })).toBe(
      'nat64.portBlocks.subscribers.0',
    );
    expect(fieldOfError({ portBlocks: { mode: 'deterministic', size: 16, subscribers: ['2001:db8::/65'] } })).toBe(
      'nat64.portBlocks.subscribers.0',
    );
    expect(fieldOfError({ portBlocks: { mode: 'dynamic', size: 100 } })).toBe('nat64.pool4.0.ports');
    expect(fieldOfError({ portBlocks: { mode: 'dynamic', size: 1 }, pool4: [{ prefix: '198.18.0.0/16' }] })).toBe('nat64.portBlocks.size');
  });
});
