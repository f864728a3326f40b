import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clampRange, dropMarks, stepAbove, ticks, timeAt, xAt, zoom } from './timeline.ts';

const S = 1e9;

describe('timeline', () => {
  it('maps places to times and back', () => {
    const range = { fromNs: 2 * S, toNs: 12 * S };
    expect(timeAt(range, 1_000, 500)).toBe(7 * S);
    expect(xAt(range, 1_000, 7 * S)).toBe(500);
    expect(timeAt(range, 0, 10)).toBe(2 * S);
    expect(xAt({ fromNs: 5, toNs: 5 }, 100, 5)).toBe(0);
  });

  it('keeps any zoom inside the input and holds the time under the pointer', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.integer({ min: 1_000, max: 1e12 }),
        (place, factor, durationNs) => {
          const range = zoom({ fromNs: 0, toNs: durationNs }, durationNs * place, factor, durationNs);
          expect(range.fromNs).toBeGreaterThanOrEqual(0);
          expect(range.toNs - range.fromNs).toBeGreaterThanOrEqual(999);
          expect(range.toNs).toBeLessThanOrEqual(durationNs * (1 + 1e-9) + 1_000);
        },
      ),
    );
    const range = zoom({ fromNs: 0, toNs: 10 * S }, 4 * S, 0.5, 10 * S);
    expect(range).toEqual({ fromNs: 2 * S, toNs: 7 * S });
    expect(xAt(range, 100, 4 * S)).toBe(xAt({ fromNs: 0, toNs: 10 * S }, 100, 4 * S));
  });

  it('clamps to an input of no length without dividing by zero', () => {
    const range = clampRange({ fromNs: 0, toNs: 0 }, 0);
    expect(range.toNs).toBeGreaterThan(range.fromNs);
    expect(ticks(range, 500).length).toBeGreaterThan(0);
  });

  it('rescales in round steps', () => {
    expect([0, 1, 1.5, 2, 3, 7, 11, 20, 21, 99, 100, 4_999].map(stepAbove)).toEqual([1, 1, 1.5, 2, 3, 8, 15, 20, 30, 100, 100, 5_000]);
  });

  it('labels round times with the digits that their distance needs', () => {
    expect(ticks({ fromNs: 0, toNs: 32 * S }, 1_000).map((tick) => tick.label)).toEqual([
      '0 s',
      '5 s',
      '10 s',
      '15 s',
      '20 s',
      '25 s',
      '30 s',
    ]);
    expect(ticks({ fromNs: 0, toNs: S }, 600)[1]?.label).toBe('0.2 s');
    expect(ticks({ fromNs: 0, toNs: 7_200 * S }, 600).map((tick) => tick.label)).toEqual(['0 min', '30 min', '1:00 h', '1:30 h', '2:00 h']);
    expect(ticks({ fromNs: 0, toNs: 5_000 }, 600)[1]?.label).toBe('0.000001 s');
    expect(ticks({ fromNs: 0, toNs: 20 * 86_400 * S }, 600).length).toBeLessThan(12);
  });

  it('draws drops that are near each other as one mark with their sum', () => {
    expect(dropMarks(Uint32Array.of(0, 2, 3, 0, 0, 0, 0, 0, 1), 3)).toEqual([
      { x: 4.5, count: 5 },
      { x: 25.5, count: 1 },
    ]);
    expect(dropMarks(new Uint32Array(10), 3)).toEqual([]);
  });
});
