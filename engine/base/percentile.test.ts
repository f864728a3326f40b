import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearestRank, percentileOfSorted } from './percentile.ts';

test('by hand', () => {
  const sorted = [10, 20, 30, 40, 50];
  expect([0, 20, 21, 50, 99, 100].map((p) => percentileOfSorted(sorted, p))).toEqual([10, 10, 20, 30, 50, 50]);
  expect(percentileOfSorted([], 50)).toBeNaN();
  expect(nearestRank(50, 0)).toBe(1);
});

test('at least p percent of the values are not above it, and fewer are not above the value before', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 100 }), (values, p) => {
      const sorted = [...values].sort((a, b) => a - b);
      const found = percentileOfSorted(sorted, p);
      const upTo = (limit: number): number => sorted.filter((value) => value <= limit).length;
      expect(upTo(found) * 100).toBeGreaterThanOrEqual(p * sorted.length);
      const before = sorted.filter((value) => value < found).length;
      expect(before * 100).toBeLessThan(p * sorted.length);
    }),
  );
});
