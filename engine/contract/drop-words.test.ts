import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REASON_WORDS, reasonLabel, reasonShort, reasonTitle } from './drop-words.ts';

const source = readFileSync(new URL('../stack/drop-reasons.ts', import.meta.url), 'utf8');

/** Names as the stack declares them, from its text: the contract imports nothing. */
const names = [...source.matchAll(/name: '(\w+)'/g)].map((match) => match[1] ?? '');

it('has words for every reason of the stack, and for no other', () => {
  expect(names.length).toBeGreaterThan(0);
  expect(Object.keys(REASON_WORDS).toSorted()).toEqual(names.toSorted());
});

it('keeps reasons apart, and the short words short', () => {
  const all = Object.values(REASON_WORDS);
  expect(new Set(all.map((words) => words.label)).size).toBe(all.length);
  expect(new Set(all.map((words) => words.short)).size).toBe(all.length);
  for (const { short } of all) expect(short.length).toBeLessThanOrEqual(15);
});

it('falls back to the name', () => {
  expect([reasonLabel('no_route'), reasonShort('no_route'), reasonTitle('no_route')]).toEqual(['no_route', 'no_route', 'no_route']);
  expect(reasonTitle('device_rx_full')).toBe('device RX ring full (device_rx_full)');
});
