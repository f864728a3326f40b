import { expect, test } from 'vitest';
import type { MulticastLinkInfo, MulticastNode } from '../../../../engine/contract/index.ts';
import { layout, planeHeight } from './topology-layout.ts';

const node = (id: string, role: MulticastNode['role'] = 'router'): MulticastNode => ({
  id,
  role,
  kind: null,
  at: '',
  addresses: [],
  up: true,
});
const link = (id: string, ...ends: string[]): MulticastLinkInfo => ({
  id,
  ends,
  v4: true,
  v6: true,
  cost4: 1,
  cost6: 1,
  delayMs: 1,
  up: true,
  packets4: 0,
  packets6: 0,
  bytes4: 0,
  bytes6: 0,
  control: 0,
  lost: 0,
});

test('sources stand left, receivers right, routers between by hops, nobody on anybody', () => {
  const nodes = [node('s', 'source'), node('a'), node('b'), node('c'), node('island'), node('r1', 'receiver'), node('r2', 'receiver')];
  const links = [link('1', 's', 'a'), link('2', 's', 'b'), link('3', 'a', 'c'), link('4', 'b', 'c'), link('5', 'c', 'r1', 'r2')];
  const [width, height] = [700, planeHeight(300)];
  const places = layout(nodes, links, width, height);
  expect(places).toHaveLength(nodes.length);
  const x = (id: string): number => places.find((place) => place.node.id === id)!.x;
  expect(x('s')).toBeLessThan(x('a'));
  expect(x('a')).toBe(x('b'));
  expect(x('b')).toBeLessThan(x('c'));
  expect(x('c')).toBeLessThan(x('r1'));
  expect(x('r1')).toBe(x('r2'));
  const seen = new Set(places.map((place) => `${String(place.x)} ${String(place.y)}`));
  expect(seen.size).toBe(nodes.length);
  for (const place of places) {
    expect(place.x > 0 && place.x < width && place.y > 0 && place.y < height).toBe(true);
  }
  expect(layout(nodes, links, width, height)).toEqual(places);
});

test('a network without a source is drawn as well', () => {
  expect(layout([node('a'), node('b')], [link('1', 'a', 'b')], 400, 100)).toHaveLength(2);
  expect(layout([], [], 400, 100)).toEqual([]);
});
