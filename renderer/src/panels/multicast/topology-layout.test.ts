import { expect, test } from 'vitest';
import type { MulticastLinkInfo, MulticastNode } from '../../../../engine/contract/index.ts';
import { hubs, layout, nodeRadius, planeHeight, shortName } from './topology-layout.ts';

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

test('the lines of a shared link meet where no node and no name stands', () => {
  const nodes = [node('s', 'source'), node('r1'), node('r2'), node('r3'), node('r4'), node('tv', 'receiver'), node('pc', 'receiver')];
  const lan = link('lan', 'r2', 'r3', 'r4', 'tv', 'pc');
  const links = [link('0', 's', 'r1'), link('1', 'r1', 'r2'), link('2', 'r1', 'r3'), lan, link('lan2', 'r2', 'r3', 'r4', 'tv', 'pc')];
  for (const [width, height] of [
    [700, 190],
    [420, 140],
  ] as const) {
    const places = layout(nodes, links, width, height);
    const made = hubs(places, links, width, height);
    expect([...made.keys()]).toEqual(['lan', 'lan2']);
    const [one, two] = [made.get('lan')!, made.get('lan2')!];
    // Signs with their names: 8 px each, the name of a node below it, that of a hub above.
    expect(Math.abs(one.x - two.x) > 40 || Math.abs(one.y - two.y) > 20).toBe(true);
    for (const { x, y } of [one, two]) {
      for (const place of places) expect(Math.abs(place.x - x) > 24 || y < place.y - 12 || y - 20 > place.y + 20).toBe(true);
    }
  }
});

test('signs shrink where many stand above each other; long names are cut', () => {
  const many = Array.from({ length: 16 }, (_, i) => node(`r${String(i)}`));
  const star = [node('s', 'source'), ...many];
  const links = many.map(({ id }) => link(id, 's', id));
  const radius = nodeRadius(layout(star, links, 600, 160));
  expect(radius).toBeLessThan(5);
  expect(2 * radius).toBeLessThan(160 / 16);
  expect(nodeRadius(layout([node('a')], [], 600, 160))).toBe(7);
  expect(shortName('lan-hosts')).toBe('lan-hosts');
  expect(shortName('2001:db8:64::c633:640a')).toBe('2001:db8:64::c633…');
});
