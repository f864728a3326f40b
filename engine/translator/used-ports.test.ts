import fc from 'fast-check';
import { expect, it } from 'vitest';
import { putU32 } from '../base/index.ts';
import { BindingTable } from './bindings.ts';
import { MIN_CROWD, UsedPorts } from './used-ports.ts';

const ADDRESS = 0xcb007101;

it('finds the free port that trying one after another finds, in any range and parity', () => {
  const range = fc.tuple(fc.nat(65_535), fc.nat(300)).map(([low, more]) => ({ low, high: Math.min(65_535, low + more) }));
  fc.assert(
    fc.property(
      range,
      fc.constantFrom(1, 2),
      fc.nat(),
      fc.nat(40),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer(),
      (r, step, f, start, load, seed) => {
        const count = Math.floor((r.high - r.low) / step) + 1;
        const from = f % count;
        const used = (port: number): boolean =>
          (Math.imul(port ^ seed, 0x9e3779b1) >>> 0) / 2 ** 32 < load || (port + 4_096) % 65_536 < MIN_CROWD;
        const ports = new UsedPorts();
        ports.begin(6, ADDRESS, used);
        let expected = Math.min(start, count);
        while (expected < count && used(r.low + ((from + expected) % count) * step)) expected++;
        expect(ports.nextFree(6, ADDRESS, r.low, step, count, from, start)).toBe(start >= count ? count : expected);
      },
    ),
    { numRuns: 1_000 },
  );
});

it('keeps an address as long as it is crowded, each protocol for itself', () => {
  const ports = new UsedPorts();
  ports.begin(17, ADDRESS, (port) => port < MIN_CROWD - 1);
  expect(ports.size).toBe(0);
  ports.begin(17, ADDRESS, (port) => port < MIN_CROWD);
  expect([ports.has(17, ADDRESS), ports.has(6, ADDRESS), ports.has(17, ADDRESS + 1)]).toEqual([true, false, false]);
  ports.set(17, ADDRESS, 500, true);
  ports.set(17, ADDRESS, 3, false);
  expect(ports.nextFree(17, ADDRESS, 0, 1, 65_536, 0, 0)).toBe(3);
  ports.set(17, ADDRESS, 4, false);
  expect(ports.size).toBe(0);
});

it('a table of bindings answers for hosts and ports as its lists do, whatever comes and goes', () => {
  const step = fc.record({ add: fc.boolean(), host: fc.nat(3), port: fc.nat(1_023), ask: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 1_200 }), (steps) => {
      const table = new BindingTable(1_024);
      const held = new Map<number, { e: number; host: number }>();
      const b = new Uint8Array(16);
      for (const { add, host, port, ask } of steps) {
        putU32(b, 12, host);
        const before = held.get(port);
        if (add && before === undefined && table.find6(17, b, 0, port) < 0) {
          held.set(port, { e: table.add(17, b, 0, port, ADDRESS, port, false), host });
        } else if (!add && before !== undefined) {
          table.remove(before.e);
          held.delete(port);
        }
        if (!ask) continue;
        expect(table.holdsHost(b, 0)).toBe([...held.values()].some((one) => one.host === host));
        let free = 0;
        while (held.has(free)) free++;
        let found = 0;
        while (found < 1_024 && table.find4(17, ADDRESS, found) >= 0) found = table.nextPort(17, ADDRESS, 0, 1, 1_024, 0, found + 1);
        expect(found).toBe(free);
      }
    }),
    { numRuns: 20 },
  );
});
