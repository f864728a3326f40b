import type { ConverterDecision, ConvertersSpec } from '../../contract/index.ts';
import type { Random } from '../../base/index.ts';
import type { Announcement } from './registry.ts';

export type SelectionRule = ConvertersSpec['switch']['selection'];
export type Weights = ConvertersSpec['switch']['weights'];
type Terms = ConverterDecision['candidates'][number]['terms'];
type Legs = ConverterDecision['candidates'][number]['legs'];

/** A converter that could take a session, with what is known about it. */
export interface Candidate {
  readonly announcement: Announcement;
  /** From party to party through the candidate, ms and percent (T-04). */
  readonly rttMs: number;
  readonly lossPercent: number;
  readonly legs: Legs;
  readonly incumbent: boolean;
}

export interface Ranked extends Candidate {
  readonly score: number;
  readonly terms: Terms;
}

/** Rendezvous hash of session and converter, in [0, 1): the same for every switch, so load spreads without coordination (T-05). */
export function rendezvous(session: number, converter: number): number {
  let x = (Math.imul(session + 1, 0x9e3779b1) ^ Math.imul(converter + 1, 0x85ebca77)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return ((x ^ (x >>> 16)) >>> 0) / 0x1_0000_0000;
}

/** -0 reads as 0. */
const minus = (x: number): number => (x === 0 ? 0 : -x);

function termsOf({ announcement: a, rttMs, lossPercent, incumbent }: Candidate, weights: Weights): Terms {
  return {
    free: weights.free * (Math.max(0, a.capacity - a.inUse) / a.fullCapacity),
    rtt: minus(weights.rtt * (rttMs / 100)),
    loss: minus(weights.loss * lossPercent),
    ownCall: minus(a.ownCall ? weights.ownCall : 0),
    battery: minus(a.charge === undefined ? 0 : weights.battery * (1 - a.charge / 100)),
    hysteresis: incumbent ? weights.hysteresis : 0,
  };
}

function scoreOf(candidate: Candidate, hash: number, rule: SelectionRule, weights: Weights, random: Random): number {
  const { announcement: a } = candidate;
  switch (rule) {
    case 'score': {
      const terms = termsOf(candidate, weights);
      return terms.free + terms.rtt + terms.loss + terms.ownCall + terms.battery + terms.hysteresis;
    }
    case 'least-loaded':
      return minus(a.inUse / a.fullCapacity);
    case 'rtt':
      return minus(candidate.rttMs);
    case 'random':
      return random.float();
    case 'rendezvous':
      return hash;
  }
}

/**
 * The `most` best candidates, from the best on. Ties go by rendezvous hash; `random` is drawn from only by the rule of that name. One pass: of
 * thousands of candidates a handful is wanted.
 */
export function rank(
  candidates: readonly Candidate[],
  session: number,
  rule: SelectionRule,
  weights: Weights,
  random: Random,
  most: number,
): Ranked[] {
  const best: { candidate: Candidate; score: number; hash: number }[] = [];
  for (const candidate of candidates) {
    const hash = rendezvous(session, candidate.announcement.node);
    const score = scoreOf(candidate, hash, rule, weights, random);
    let at = best.length;
    while (at > 0 && (best[at - 1]!.score < score || (best[at - 1]!.score === score && best[at - 1]!.hash < hash))) at--;
    if (at >= most) continue;
    best.splice(at, 0, { candidate, score, hash });
    if (best.length > most) best.pop();
  }
  return best.map(({ candidate, score }) => ({ ...candidate, score, terms: termsOf(candidate, weights) }));
}
