import { describe, expect, it } from 'vitest';
import { pathChoiceSchema } from '../../contract/index.ts';
import { decide, NO_CANDIDATE, type Candidate, type ChoiceInput } from './index.ts';

function path(metric: number, change: Partial<Candidate> = {}): Candidate {
  return { metric, preference: 110, hops: metric, delayMs: metric, neighbourAddress: '10.0.0.1', refused: '', ...change };
}

function input(change: Partial<Omit<ChoiceInput, 'spec'>> & { spec?: object }): ChoiceInput {
  const base = { v4: path(3), v6: path(5), wants4: 1, wants6: 1, first: 4 as const, bias4: 0, bias6: 0, disjoint: true };
  return { ...base, ...change, spec: pathChoiceSchema.parse(change.spec ?? {}) };
}

/** What is given, the choice, the rule (M-12 to M-15). */
const TABLE: readonly (readonly [string, ChoiceInput, string, string])[] = [
  ['lower cost', input({}), 'v4', 'lower-cost'],
  ['a bias', input({ bias4: 3 }), 'v6', 'lower-cost'],
  ['a negative bias', input({ bias6: -3 }), 'v6', 'lower-cost'],
  ['a scale', input({ spec: { scale4: 2 } }), 'v6', 'lower-cost'],
  ['hops', input({ v4: path(3, { hops: 9 }), spec: { metric: 'hops' } }), 'v6', 'lower-cost'],
  ['delay', input({ v6: path(5, { delayMs: 1 }), spec: { metric: 'delay' } }), 'v6', 'lower-cost'],
  ['translation for the majority', input({ v4: path(4), wants6: 3, spec: { translateCost: 2 } }), 'v6', 'lower-cost'],
  ['preference where asked for', input({ v6: path(9, { preference: 20 }), spec: { compare: 'preference' } }), 'v6', 'lower-preference'],
  ['metric where preferences differ', input({ v6: path(9, { preference: 20 }) }), 'v4', 'lower-cost'],
  ['no IPv6 route', input({ v6: NO_CANDIDATE }), 'v4', 'only-route'],
  ['no IPv4 route', input({ v4: NO_CANDIDATE }), 'v6', 'only-route'],
  ['no route', input({ v4: NO_CANDIDATE, v6: NO_CANDIDATE }), 'none', 'no-route'],
  ['a refused path', input({ v4: path(3, { refused: 'it turns in a circle' }) }), 'v6', 'loop-guard'],
  ['the only route refused', input({ v4: path(3, { refused: 'it turns in a circle' }), v6: NO_CANDIDATE }), 'none', 'no-route'],
  ['both, in the band', input({ spec: { both: true, equalBand: 2 } }), 'both', 'both-equal'],
  ['both, outside the band', input({ spec: { both: true, equalBand: 1 } }), 'v4', 'lower-cost'],
  ['both, one family of receivers', input({ wants6: 0, spec: { both: true, equalBand: 2 } }), 'v4', 'lower-cost'],
  ['both, shared links', input({ disjoint: false, spec: { both: true, equalBand: 2 } }), 'v4', 'lower-cost'],
  ['equal, IPv6 joined first', input({ v4: path(5), first: 6 }), 'v6', 'first-join'],
  ['equal, both at once', input({ v4: path(5), first: 0, spec: { prefer: 'v4' } }), 'v4', 'preferred'],
  ['equal, no preference', input({ v4: path(5), first: 0, spec: { prefer: 'none' } }), 'v4', 'neighbour'],
  ['fixed', input({ spec: { fixed: 'v6' } }), 'v6', 'fixed'],
  ['fixed without a route', input({ v6: NO_CANDIDATE, spec: { fixed: 'v6' } }), 'none', 'fixed'],
  ['fixed to both with one route', input({ v6: NO_CANDIDATE, spec: { fixed: 'both' } }), 'v4', 'fixed'],
];

describe('the choice of the path', () => {
  it.each(TABLE)('with %s', (_name, given, choice, rule) => {
    expect(decide(given)).toMatchObject({ choice, rule });
    expect(decide(given).sentence).toContain(`${choice} chosen because`);
  });

  it('says what it compared', () => {
    expect(decide(input({ bias4: 3 })).sentence).toBe('v6 chosen because its cost 5 is lower than 6 (3, bias +3) of v4');
    expect(decide(input({ v4: NO_CANDIDATE, to: 'rendezvous point' })).sentence).toBe(
      'v6 chosen because v4 has no route to a rendezvous point',
    );
    expect(decide(input({ v4: path(3, { refused: 'it turns in a circle' }) })).sentence).toBe(
      'v6 chosen because the v4 path is refused: it turns in a circle',
    );
  });
});
