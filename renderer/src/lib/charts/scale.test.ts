import { expect, test } from 'vitest';
import fc from 'fast-check';
import { SteppedAxis, linearScale, niceCeil, ticksBetween } from './scale.ts';

test('nice numbers are 1, 2 or 5 times a power of ten and cover the value', () => {
  expect([0.3, 1, 1.1, 2, 3, 7, 11, 480, 501].map(niceCeil)).toEqual([0.5, 1, 2, 2, 5, 10, 20, 500, 1_000]);
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e15, noNaN: true }), (value) => {
      const nice = niceCeil(value);
      expect(nice).toBeGreaterThanOrEqual(value * (1 - 1e-9));
      expect(nice).toBeLessThanOrEqual(value * 2.5 * (1 + 1e-9));
    }),
  );
});

test('ticks lie between the ends and are no more than asked for', () => {
  expect(ticksBetween(0, 31.9, 8).values).toEqual([0, 5, 10, 15, 20, 25, 30]);
  expect(ticksBetween(5, 5, 8).values).toEqual([]);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e12 }),
      fc.integer({ min: 1, max: 1e12 }),
      fc.integer({ min: 1, max: 20 }),
      (from, span, most) => {
        const { values, step } = ticksBetween(from, from + span, most);
        expect(values.length).toBeLessThanOrEqual(most + 1);
        for (const value of values) {
          expect(value).toBeGreaterThanOrEqual(from - step * 1e-6);
          expect(value).toBeLessThanOrEqual(from + span + step * 1e-6);
        }
      },
    ),
  );
});

test('an axis grows at once and shrinks only when three quarters of it are empty', () => {
  const axis = new SteppedAxis(10);
  expect(axis.top).toBe(10);
  expect(axis.fit(73)).toBe(true);
  expect(axis.top).toBe(100);
  expect(axis.fit(30)).toBe(false);
  expect(axis.top).toBe(100);
  expect(axis.fit(18)).toBe(true);
  expect(axis.top).toBe(20);
  expect(axis.fit(0)).toBe(true);
  expect(axis.top).toBe(10);
});

test('a scale and its inverse meet', () => {
  const scale = linearScale(100, 300, 0, 50);
  expect(scale.toPixel(200)).toBe(25);
  expect(scale.fromPixel(25)).toBe(200);
  expect(linearScale(5, 5, 3, 9).toPixel(5)).toBe(3);
});
