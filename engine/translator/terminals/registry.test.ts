import { expect, it } from 'vitest';
import { Registry, type Announcement } from './registry.ts';

const said = (sequence: number, rest: Partial<Announcement> = {}): Announcement => ({
  node: 4,
  id: 'nine',
  enabled: true,
  capacity: 2,
  fullCapacity: 2,
  inUse: 0,
  ownCall: false,
  charge: undefined,
  addr4: 1,
  addr6: new Uint8Array(16),
  link4: null,
  link6: null,
  sequence,
  lifetimeNs: 30,
  ...rest,
});

it('forgets what is not said again in time, by its own clock only (T-01, clock skew)', () => {
  const registry = new Registry();
  registry.announce(said(0), 100);
  expect(registry.current(129)).toHaveLength(1);
  registry.announce(said(1), 125);
  expect(registry.current(154)).toHaveLength(1);
  expect(registry.current(155)).toEqual([]);
});

it('takes the newest of announcements that come twice or out of order', () => {
  const registry = new Registry();
  for (const sequence of [2, 2, 1]) registry.announce(said(sequence, { inUse: sequence }), 5);
  expect(registry.current(6)[0]).toMatchObject({ inUse: 2 });
  expect(registry.stale).toBe(2);
  // An old one does not make it live longer either.
  registry.announce(said(1), 20);
  expect(registry.current(35)).toEqual([]);
});

it('keeps apart what is capable and what is configured (T-03)', () => {
  const registry = new Registry();
  registry.announce(said(0, { enabled: false }), 0);
  expect([registry.current(1), registry.notEnabled]).toEqual([[], 1]);
  registry.announce(said(1), 2);
  expect([registry.current(3).length, registry.notEnabled]).toEqual([1, 0]);
});
