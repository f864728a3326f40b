import { describe, expect, test } from 'vitest';
import type { LiveFrame, SeriesFrame } from '../../../../engine/contract/index.ts';
import type { RunObject } from '../../lib/engine.svelte.ts';
import { circleSide, rowHeight, binAt, figuresAt, groupObjects, historyOf, membersOf, queuesOf, together } from './groups.ts';

const object = (index: number, id: string, kind: 'ring' | 'pool', capacity: number): RunObject => ({
  index,
  id,
  kind,
  port: id.split('.')[0] ?? '',
  queue: Number(id.split('.').at(-1)),
  capacity,
});
const objects = [
  object(0, 'device.rx.0', 'ring', 1_024),
  object(1, 'device.rx.1', 'ring', 1_024),
  object(2, 'device.tx.0', 'ring', 512),
  object(3, 'ch3.rx.0', 'ring', 256),
  object(4, 'device.pool.0', 'pool', 4_096),
];
const groups = groupObjects(objects);

test('the same ring of every queue is one row', () => {
  expect(groups.map((group) => [group.title, group.kind, group.members.length])).toEqual([
    ['device RX', 'ring', 2],
    ['device TX', 'ring', 1],
    ['ch3 RX', 'ring', 1],
    ['device pool', 'pool', 1],
  ]);
  expect(queuesOf(objects)).toEqual([0, 1]);
  const first = groups[0];
  expect(first && membersOf(first, 1).map((one) => one.id)).toEqual(['device.rx.1']);
});

describe('figures', () => {
  const numbers = new Uint32Array(25);
  numbers.set([100, 5, 105, 200, 0], 0);
  numbers.set([1_000, 900, 876, 1_024, 37], 5);
  const frame: LiveFrame = { tNs: 0, packets: 0, bytes: 0, drops: 37, flows: 0, held: 0, objects: numbers, revision: 1 };

  test('are five numbers an object', () => {
    const second = objects[1];
    expect(second && figuresAt(frame, second)).toEqual({ slots: 1_024, used: 1_000, head: 900, tail: 876, highWater: 1_024, drops: 37 });
  });

  test('of a row are those of its fullest queue, drops of all', () => {
    const both = together(objects.slice(0, 2).map((one) => figuresAt(frame, one)));
    expect(both.fullest?.used).toBe(1_000);
    expect(both.highest).toBe(1);
    expect(both.drops).toBe(37);
  });

  test('without a frame are nothing, not an error', () => {
    const first = objects[0];
    expect(first && figuresAt(null, first).used).toBe(0);
    expect(together([]).fullest).toBeNull();
  });
});

describe('history', () => {
  const series: SeriesFrame = {
    startNs: 1_000,
    binNs: 10,
    bins: 3,
    objects: ['device.rx.0', 'device.rx.1'],
    capacity: Uint32Array.from([100, 200]),
    max: Uint32Array.from([10, 50, 0, 40, 20, 200]),
    last: new Uint32Array(6),
    drops: Uint32Array.from([0, 1, 0, 2, 3, 0]),
  };
  test('takes the fullest queue of each bin by share and adds the drops', () => {
    const history = historyOf(series, objects.slice(0, 2), 1);
    expect([...(history?.share ?? [])].map((one) => Math.round(one * 100))).toEqual([20, 50, 100]);
    expect([...(history?.drops ?? [])]).toEqual([2, 4, 0]);
  });
  test('of an object the series does not know is none', () => expect(historyOf(series, objects.slice(2, 3), 0)).toBeNull());
  test('bins are clamped', () => expect([0, 1_000, 1_015, 9_999].map((t) => binAt(series, t))).toEqual([0, 0, 1, 2]));
});

test('rows share the height of a large panel, and are never smaller than in a small one', () => {
  expect([rowHeight(300, 10, 0), rowHeight(800, 10, 0), rowHeight(800, 10, 4), rowHeight(3_000, 4, 0), rowHeight(500, 0, 0)]).toEqual([
    48, 80, 68, 132, 48,
  ]);
  expect([circleSide(48), circleSide(132)]).toEqual([40, 76]);
});
