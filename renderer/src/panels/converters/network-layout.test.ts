import { expect, test } from 'vitest';
import type { ConverterNode } from '../../../../engine/contract/index.ts';
import { MAX_DRAWN, drawn, place } from './network-layout.ts';

const node = (id: string, role: ConverterNode['role'], sessions = 0): ConverterNode => ({
  id,
  role,
  capable: role === 'dual',
  enabled: role === 'dual',
  capacity: 1,
  address4: '',
  address6: '',
  rttMs: 1,
  peak: 0,
  sessions,
  relayed: 0,
  refused: {},
  refusals: {},
  stateBytes: 0,
  ports: 0,
});

test.each([
  [300, 200],
  [900, 600],
  [1_100, 260],
])('nobody stands on somebody else in %i x %i px, and all are inside', (width, height) => {
  const nodes = [
    ...Array.from({ length: 17 }, (_, i) => node(`a${String(i)}`, 'v4')),
    ...Array.from({ length: 40 }, (_, i) => node(`b${String(i)}`, 'dual')),
    ...Array.from({ length: 3 }, (_, i) => node(`c${String(i)}`, 'v6')),
    node('gateway', 'gateway'),
    node('switch', 'switch'),
  ];
  const placed = place(nodes, width, height);
  expect(placed).toHaveLength(nodes.length);
  for (const [i, a] of placed.entries()) {
    expect(a.x - a.radius > 0 && a.x + a.radius < width && a.y - a.radius > 0 && a.y + a.radius < height).toBe(true);
    for (const b of placed.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(a.radius + b.radius);
  }
});

test('of a large network the busiest, the wanted and the servers are drawn', () => {
  const nodes = [...Array.from({ length: 500 }, (_, i) => node(`n${String(i)}`, 'dual', i)), node('switch', 'switch')];
  const few = drawn(nodes, new Set(['n3']));
  expect(few).toHaveLength(MAX_DRAWN);
  expect(few.map(({ id }) => id)).toEqual(expect.arrayContaining(['n3', 'n499', 'switch']));
});
