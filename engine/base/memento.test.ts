import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Mementos } from './memento.ts';

class Box {
  count = 0;
  readonly bytes = new Uint8Array(10_000);
  readonly words = new Float64Array(3);
  readonly byName = new Map<string, { value: number; extra?: number }>();
  readonly names = new Set<string>();
  list: { value: number }[] = [];
  self: Box | undefined;
  readonly rows: string[] = [];
  readonly frozen = Object.freeze({ inner: { value: 0 } });
  /** Reaches the object only as a closure does. */
  readonly add: () => void;

  constructor() {
    const own = { value: 0 };
    this.list.push(own);
    this.self = this;
    this.add = () => {
      own.value++;
    };
  }
}

/** Changes a box in one of many ways. */
function change(box: Box, n: number): void {
  box.count++;
  if (!box.names.delete(`n${String(n % 7)}`)) box.names.add(`n${String(n % 7)}`);
  box.bytes[(n * 997) % box.bytes.length]! += n;
  box.words[n % 3] = n % 5 === 0 ? Number.NaN : n / 3;
  const known = box.byName.get(`k${String(n % 5)}`);
  if (known === undefined) box.byName.set(`k${String(n % 5)}`, { value: n });
  else if (n % 3 === 0) box.byName.delete(`k${String(n % 5)}`);
  else if (known.extra === undefined) known.extra = n;
  else delete known.extra;
  if (n % 4 === 0) box.list = [...box.list, { value: n }];
  else if (n % 4 === 1 && box.list.length > 1) box.list.pop();
  box.frozen.inner.value += n;
  box.rows.push(`row ${String(box.count)}`);
  box.add();
}

const state = (box: Box): object => ({ ...box, add: null, self: null, bytes: Buffer.from(box.bytes).toString('latin1') });

test('everything that can be reached is as it was, whichever memento is restored after which', () => {
  const seed = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(seed, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }), (parts, order) => {
      const box = new Box();
      const mementos = new Mementos([box], { growing: [box.rows] });
      const taken = parts.map((part) => {
        for (const n of part) change(box, n);
        return { memento: mementos.take(), seen: structuredClone(state(box)) };
      });
      const list = box.list;
      for (const at of order) {
        const { memento, seen } = taken[at % taken.length]!;
        memento.restore();
        expect(state(box)).toEqual(seen);
        change(box, at);
      }
      expect(box.self).toBe(box);
      expect(Array.isArray(list)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('closures find their objects; what is left out stays; unchanged pages are kept once', () => {
  const box = new Box();
  const scratch = { value: 1 };
  const mementos = new Mementos([box, { scratch }], { leave: (object) => object === scratch });
  const first = mementos.take();
  box.add();
  box.bytes[5_000] = 1;
  scratch.value = 2;
  const second = mementos.take();
  expect(first.byteLength).toBeGreaterThan(10_000);
  expect(second.byteLength).toBeLessThan(6_000);
  box.add();
  first.restore();
  expect([box.list[0]!.value, box.bytes[5_000], scratch.value]).toEqual([0, 0, 2]);
  box.add();
  expect(box.list[0]!.value).toBe(1);
  second.restore();
  expect([box.list[0]!.value, box.bytes[5_000]]).toEqual([1, 1]);
});
