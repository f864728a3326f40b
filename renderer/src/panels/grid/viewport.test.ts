import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { MIN_THUMB_PX, Viewport, wheelPixels } from './viewport.ts';

const ROWS = 5_000_000;
const ROW = 22;

function list(rows = ROWS, height = 440): Viewport {
  const view = new Viewport(ROW);
  view.setRows(rows);
  view.resize(height);
  return view;
}

describe('five million rows', () => {
  test('the end shows the last row whole', () => {
    const view = list();
    view.scrollTo(Number.MAX_SAFE_INTEGER);
    expect(view.end).toBe(ROWS);
    expect(view.atEnd).toBe(true);
    expect(view.rowOffset(ROWS - 1) + view.layerOffset + ROW).toBe(440);
  });

  test('every row can be brought to the top, to the pixel', () => {
    const view = list();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: ROWS - 21 }), (index) => {
        view.scrollTo(index * ROW);
        expect(view.first).toBe(index);
        expect(view.rowOffset(index) + view.layerOffset).toBe(0);
      }),
    );
  });

  test('no offset given to the browser comes near its limit', () => {
    const view = list();
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: ROWS * ROW, noNaN: true }), { maxLength: 40 }), (stops) => {
        for (const stop of stops) {
          view.scrollTo(stop);
          for (let row = view.first; row < view.end; row++) expect(Math.abs(view.rowOffset(row))).toBeLessThan(1_100_000);
          expect(Math.abs(view.layerOffset)).toBeLessThanOrEqual(1_000_000);
        }
      }),
    );
  });

  test('the wheel moves by exact pixels at either end', () => {
    const view = list();
    view.scrollTo(109_000_000);
    const before = view.top;
    for (let i = 0; i < 10; i++) view.scrollBy(3);
    expect(view.top - before).toBe(30);
  });

  test('the ends of the track are the ends of the list', () => {
    const view = list();
    view.scrollTo(view.topForThumb(1e9, 400));
    expect(view.end).toBe(ROWS);
    view.scrollTo(view.topForThumb(-5, 400));
    expect(view.first).toBe(0);
    expect(view.thumb(400).sizePx).toBe(MIN_THUMB_PX);
  });
});

test('thumb and position are inverse', () => {
  const view = list();
  fc.assert(
    fc.property(fc.double({ min: 0, max: 372, noNaN: true }), (topPx) => {
      view.scrollTo(view.topForThumb(topPx, 400));
      expect(view.thumb(400).topPx).toBeCloseTo(topPx, 3);
    }),
  );
});

test('reveal moves no more than it must', () => {
  const view = list(1_000);
  expect(view.reveal(5)).toBe(false);
  expect(view.reveal(20)).toBe(true);
  expect(view.top).toBe(ROW);
  view.revealCentred(500);
  expect(view.first).toBeLessThan(500);
  expect(view.end).toBeGreaterThan(501);
  expect(view.revealCentred(500)).toBe(false);
});

test('a list that fits does not scroll, an empty one shows nothing', () => {
  const view = list(3);
  expect(view.scrollBy(100)).toBe(false);
  expect(view.end).toBe(3);
  expect(view.thumb(400)).toEqual({ topPx: 0, sizePx: 400 });
  view.setRows(0);
  expect(view.end).toBe(0);
});

test('a list that shrinks keeps its position in range', () => {
  const view = list();
  view.scrollTo(view.maxTop);
  view.setRows(100);
  expect(view.end).toBe(100);
});

test('wheel units', () => {
  expect(wheelPixels({ deltaY: 3, deltaMode: 1 }, ROW, 440)).toBe(66);
  expect(wheelPixels({ deltaY: 1, deltaMode: 2 }, ROW, 440)).toBe(440);
  expect(wheelPixels({ deltaY: 53, deltaMode: 0 }, ROW, 440)).toBe(53);
});
