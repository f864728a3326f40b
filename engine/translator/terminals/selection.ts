import type { ConverterDecision, ConvertersSpec } from '../../contract/index.ts';
import type { Random } from '../../base/index.ts';
import type { Announcement } from './registry.ts';

export type SelectionRule = ConvertersSpec['switch']['selection'];
export type Weights = ConvertersSpec['switch']['weights'];
type Terms = ConverterDecision['candidates'][number]['terms'];

/** A converter that could take a session, with what is known about it. */
export interface Candidate {
  readonly announcement: Announcement;
  /** From party to party through the candidate, ms and percent (T-04). */
  readonly rttMs: number;
  readonly lossPercent: number;
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

/** Candidates from the best to the worst. Ties go by rendezvous hash; `random` is drawn from only by the rule of that name. */
export function rank(candidates: readonly Candidate[], session: number, rule: SelectionRule, weights: Weights, random: Random): Ranked[] {
  const ranked = candidates.map((candidate) => {
    const terms = termsOf(candidate, weights);
    const { announcement: a } = candidate;
    const hash = rendezvous(session, a.node);
    let score = hash;
    if (rule === 'score') score = terms.free + terms.rtt + terms.loss + terms.ownCall + terms.battery + terms.hysteresis;
    else if (rule === 'least-loaded') score = minus(a.inUse / a.fullCapacity);
    else if (rule === 'rtt') score = minus(candidate.rttMs);
    else if (rule === 'random') score = random.float();
    return { ...candidate, score, terms, hash };
  });
  return ranked.sort((x, y) => y.score - x.score || y.hash - x.hash);
}
