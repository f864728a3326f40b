import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FewMap } from './few-map.ts';

it('a map of few values under a key is one of arrays, whatever is added and removed', () => {
  const values = Array.from({ length: 6 }, (_, n) => ({ n }));
  const step = fc.record({ add: fc.boolean(), key: fc.constantFrom('a', 'b', 'c'), n: fc.nat({ max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const few = new FewMap<{ n: number }>();
      const model = new Map<string, { n: number }[]>();
      for (const { add, key, n } of steps) {
        const value = values[n]!;
        const had = model.get(key) ?? [];
        if (add && had.includes(value)) continue;
        model.set(key, add ? [...had, value] : had.filter((each) => each !== value));
        if (add) few.add(key, value);
        else few.remove(key, value);
        for (const each of ['a', 'b', 'c']) {
          expect(few.of(each)).toEqual(model.get(each) ?? []);
          expect(few.find(each, (v) => v.n > 2)).toBe(model.get(each)?.find((v) => v.n > 2));
        }
        expect([...few.values()].sort((x, y) => x.n - y.n)).toEqual([...model.values()].flat().sort((x, y) => x.n - y.n));
      }
      few.clear();
      expect([...few.values()]).toEqual([]);
    }),
  );
});
