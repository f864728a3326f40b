import { expect, test } from 'vitest';
import { stepFrom, type Spot } from './topology-keys.ts';

const SPOTS: readonly Spot[] = [
  { id: 'a4', x: 0, y: 50 },
  { id: 'b4', x: 100, y: 20 },
  { id: 'c4', x: 100, y: 80 },
  { id: 'a6', x: 0, y: 250 },
  { id: 'b6', x: 100, y: 220 },
];

test('left and right reach everything, one after the other', () => {
  const seen = ['a4'];
  for (let id = stepFrom(SPOTS, 'a4', 'ArrowRight'); id !== undefined; id = stepFrom(SPOTS, id, 'ArrowRight')) seen.push(id);
  expect(seen).toEqual(SPOTS.map(({ id }) => id));
  for (let id = stepFrom(SPOTS, 'b6', 'ArrowLeft'); id !== undefined; id = stepFrom(SPOTS, id, 'ArrowLeft'))
    expect(seen.pop()).not.toBe(id);
  expect(stepFrom(SPOTS, 'c4', 'Home')).toBe('a4');
  expect(stepFrom(SPOTS, 'c4', 'End')).toBe('b6');
});

test('up and down lead to the nearest in that direction, into the other plane as well', () => {
  expect(stepFrom(SPOTS, 'b4', 'ArrowDown')).toBe('c4');
  expect(stepFrom(SPOTS, 'c4', 'ArrowDown')).toBe('b6');
  expect(stepFrom(SPOTS, 'b6', 'ArrowUp')).toBe('c4');
  expect(stepFrom(SPOTS, 'b4', 'ArrowUp')).toBeUndefined();
  expect(stepFrom(SPOTS, 'a6', 'ArrowDown')).toBeUndefined();
  expect(stepFrom(SPOTS, 'b4', 'x')).toBeUndefined();
  expect(stepFrom(SPOTS, 'gone', 'ArrowDown')).toBeUndefined();
});
