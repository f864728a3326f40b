import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { SELECTION_RULES, convertersSchema } from '../../contract/index.ts';
import { rank, rendezvous, type Candidate } from './selection.ts';

const { weights } = convertersSchema.parse({ name: 'x', terminals: [{ id: 'a', family: 'v4' }] }).switch;

const candidate = fc
  .record({
    node: fc.integer({ min: 0, max: 500 }),
    inUse: fc.integer({ min: 0, max: 4 }),
    ownCall: fc.boolean(),
    charge: fc.constantFrom(undefined, 0, 50),
    rttMs: fc.constantFrom(5, 10, 80),
    incumbent: fc.boolean(),
  })
  .map(({ node, inUse, ownCall, charge, rttMs, incumbent }): Candidate => ({
    announcement: {
      node,
      id: String(node),
      enabled: true,
      capacity: 4,
      fullCapacity: 4,
      inUse,
      ownCall,
      charge,
      addr4: 0,
      addr6: new Uint8Array(16),
      link4: null,
      link6: null,
      sequence: 0,
      lifetimeNs: 1,
    },
    rttMs,
    lossPercent: 0,
    legs: [],
    incumbent,
  }));
const many = fc.uniqueArray(candidate, { maxLength: 60, selector: (c) => c.announcement.node });

it('gives the first of the full order, whatever the order of the candidates; the terms add up to the score', () => {
  fc.assert(
    fc.property(
      many,
      fc.constantFrom(...SELECTION_RULES.filter((rule) => rule !== 'random')),
      fc.nat(1_000),
      (candidates, rule, session) => {
        const all = rank(candidates, session, rule, weights, new Random(1), candidates.length);
        const hash = (c: Candidate): number => rendezvous(session, c.announcement.node);
        for (let i = 1; i < all.length; i++) {
          const [a, b] = [all[i - 1]!, all[i]!];
          expect(a.score > b.score || (a.score === b.score && hash(a) > hash(b))).toBe(true);
        }
        expect(rank(candidates.toReversed(), session, rule, weights, new Random(1), 5)).toEqual(all.slice(0, 5));
        if (rule === 'score')
          for (const { score, terms } of all) expect(Object.values(terms).reduce((x, y) => x + y)).toBeCloseTo(score, 9);
      },
    ),
  );
});

it('spreads sessions evenly by rendezvous, and moves only those of a converter that goes', () => {
  const nodes = Array.from({ length: 10 }, (_, i) => i);
  const bestOf = (session: number, among: readonly number[]): number =>
    among.reduce((a, b) => (rendezvous(session, b) > rendezvous(session, a) ? b : a));
  const chosen = Array.from({ length: 5_000 }, (_, session) => bestOf(session, nodes));
  for (const node of nodes) expect(Math.abs(chosen.filter((c) => c === node).length - 500)).toBeLessThan(100);
  for (const [session, node] of chosen.entries())
    if (node !== 3)
      expect(
        bestOf(
          session,
          nodes.filter((n) => n !== 3),
        ),
      ).toBe(node);
});

it('adds each term of the score with its own weight (T-05)', () => {
  const one: Candidate = {
    announcement: {
      node: 1,
      id: '1',
      enabled: true,
      capacity: 2,
      fullCapacity: 4,
      inUse: 1,
      ownCall: true,
      charge: 25,
      addr4: 0,
      addr6: new Uint8Array(16),
      link4: null,
      link6: null,
      sequence: 0,
      lifetimeNs: 1,
    },
    rttMs: 80,
    lossPercent: 2,
    legs: [],
    incumbent: true,
  };
  const zero = { free: 0, rtt: 0, loss: 0, ownCall: 0, battery: 0, hysteresis: 0 };
  const scoreWith = (weight: Partial<typeof zero>): number => rank([one], 1, 'score', { ...zero, ...weight }, new Random(1), 1)[0]!.score;
  expect(scoreWith({ free: 2 })).toBe(0.5);
  expect(scoreWith({ rtt: 2 })).toBe(-1.6);
  expect(scoreWith({ loss: 3 })).toBe(-6);
  expect(scoreWith({ ownCall: 7 })).toBe(-7);
  expect(scoreWith({ battery: 4 })).toBe(-3);
  expect(scoreWith({ hysteresis: 5 })).toBe(5);
  expect(scoreWith({})).toBe(0);
});
