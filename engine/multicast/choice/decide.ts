import type { MulticastChoice, PathChoiceSpec } from '../../contract/index.ts';
import type { Family } from '../addresses.ts';

/** One candidate: the answer of the routing table of one family, infinite where there is none (M-12). */
export interface Candidate {
  readonly metric: number;
  readonly preference: number;
  readonly hops: number;
  readonly delayMs: number;
  readonly neighbourAddress: string;
  /** Why it may not be used though there is a route, or empty (M-17). */
  readonly refused: string;
}

export const NO_CANDIDATE: Candidate = {
  metric: Infinity,
  preference: 0,
  hops: Infinity,
  delayMs: Infinity,
  neighbourAddress: '',
  refused: '',
};

export interface ChoiceInput {
  readonly v4: Candidate;
  readonly v6: Candidate;
  /** Outgoing interfaces that want each family. */
  readonly wants4: number;
  readonly wants6: number;
  /** Family of the first join, 0 where both came at the same instant. */
  readonly first: Family | 0;
  readonly spec: PathChoiceSpec;
  readonly bias4: number;
  readonly bias6: number;
  /** What the paths lead to: of any-source groups it is the rendezvous point. */
  readonly to?: 'source' | 'rendezvous point';
  /** Outgoing interfaces of the two families share none: both at once would load no link twice (M-14). */
  readonly disjoint: boolean;
}

export interface ChoiceResult {
  readonly choice: MulticastChoice;
  readonly rule: string;
  readonly sentence: string;
  /** What was compared; infinite without a usable route. */
  readonly cost4: number;
  readonly cost6: number;
  readonly translate4: number;
  readonly translate6: number;
}

const METRIC_NAMES: Readonly<Record<PathChoiceSpec['metric'], string>> = { cost: 'cost', hops: 'hop count', delay: 'delay in ms' };

function measured(path: Candidate, metric: PathChoiceSpec['metric']): number {
  return metric === 'cost' ? path.metric : metric === 'hops' ? path.hops : path.delayMs;
}

/** A number as a person writes it. */
export function costText(value: number): string {
  return value === Infinity ? 'no route' : String(Math.round(value * 1000) / 1000);
}

/** `5 (3, scaled by 2, bias -1)`: what a cost is made of, where it is more than the metric. */
function parts(cost: number, path: number, scale: number, bias: number, translate: number): string {
  const words: string[] = [];
  if (scale !== 1) words.push(`times ${costText(scale)}`);
  if (bias !== 0) words.push(`bias ${bias > 0 ? '+' : ''}${costText(bias)}`);
  if (translate !== 0) words.push(`translation +${costText(translate)}`);
  return words.length === 0 ? costText(cost) : `${costText(cost)} (${costText(path)}, ${words.join(', ')})`;
}

/** Why a choice does not follow a better path yet (M-16). */
export function stays(choice: MulticastChoice, gain: number, better: ChoiceResult, { switchGain, holdDownS }: PathChoiceSpec): string {
  return gain < switchGain
    ? `${choice} stays, for a gain of ${costText(gain)} is less than choice.switchGain, ${costText(switchGain)}: else ${better.sentence}`
    : `${choice} stays until the gain of ${costText(gain)} has lasted for choice.holdDownS, ${costText(holdDownS)} s: then ${better.sentence}`;
}

/** Compares two paths and says which, by which rule and in words (M-13 to M-15). Depends on its input alone. */
export function decide(input: ChoiceInput): ChoiceResult {
  const { v4, v6, spec } = input;
  const translate4 = input.wants6 > input.wants4 ? spec.translateCost : 0;
  const translate6 = input.wants4 > input.wants6 ? spec.translateCost : 0;
  const cost4 = v4.refused === '' ? measured(v4, spec.metric) * spec.scale4 + input.bias4 + translate4 : Infinity;
  const cost6 = v6.refused === '' ? measured(v6, spec.metric) * spec.scale6 + input.bias6 + translate6 : Infinity;
  const result = (choice: MulticastChoice, rule: string, why: string): ChoiceResult => {
    const sentence = choice === 'none' ? `none chosen because ${why}` : `${choice} chosen because ${why}`;
    return { choice, rule, sentence, cost4, cost6, translate4, translate6 };
  };
  const has4 = Number.isFinite(cost4);
  const has6 = Number.isFinite(cost6);
  if (spec.fixed !== 'none') return fixedChoice(spec.fixed, has4, has6, result);
  if (!has4 || !has6) return oneRoute(input, has4, has6, result);
  const text4 = parts(cost4, measured(v4, spec.metric), spec.scale4, input.bias4, translate4);
  const text6 = parts(cost6, measured(v6, spec.metric), spec.scale6, input.bias6, translate6);
  const name = METRIC_NAMES[spec.metric];
  if (spec.both && Math.abs(cost4 - cost6) <= spec.equalBand && input.wants4 > 0 && input.wants6 > 0 && input.disjoint) {
    return result(
      'both',
      'both-equal',
      `${name}s ${text4} of v4 and ${text6} of v6 differ by no more than ${costText(spec.equalBand)}, and receivers of both families are behind different links`,
    );
  }
  if (spec.compare === 'preference' && v4.preference !== v6.preference) {
    const choice = v4.preference < v6.preference ? 'v4' : 'v6';
    const [low, high] = choice === 'v4' ? [v4.preference, v6.preference] : [v6.preference, v4.preference];
    return result(choice, 'lower-preference', `its route preference ${low} is lower than ${high} of ${choice === 'v4' ? 'v6' : 'v4'}`);
  }
  if (cost4 !== cost6) {
    const choice = cost4 < cost6 ? 'v4' : 'v6';
    const [own, other] = choice === 'v4' ? [text4, text6] : [text6, text4];
    return result(choice, 'lower-cost', `its ${name} ${own} is lower than ${other} of ${choice === 'v4' ? 'v6' : 'v4'}`);
  }
  return tie(input, `${name} ${costText(cost4)} is the same for both`, result);
}

type Make = (choice: MulticastChoice, rule: string, why: string) => ChoiceResult;

function fixedChoice(fixed: 'v4' | 'v6' | 'both', has4: boolean, has6: boolean, result: Make): ChoiceResult {
  if (fixed !== 'both') {
    const there = fixed === 'v4' ? has4 : has6;
    return there
      ? result(fixed, 'fixed', `choice.fixed says ${fixed}`)
      : result('none', 'fixed', `choice.fixed says ${fixed}, which has no route`);
  }
  const choice = has4 && has6 ? 'both' : has4 ? 'v4' : has6 ? 'v6' : 'none';
  return result(choice, 'fixed', choice === 'none' ? 'neither family has a route' : 'choice.fixed says both');
}

function oneRoute({ v4, v6, to = 'source' }: ChoiceInput, has4: boolean, has6: boolean, result: Make): ChoiceResult {
  const why = (path: Candidate, family: string): string =>
    path.refused === ''
      ? `${family} has no route to ${to === 'source' ? 'the source' : 'a rendezvous point'}`
      : `the ${family} path is refused: ${path.refused}`;
  if (!has4 && !has6) return result('none', 'no-route', `${why(v4, 'v4')} and ${why(v6, 'v6')}`);
  const lost = has4 ? v6 : v4;
  const family = has4 ? 'v6' : 'v4';
  return result(has4 ? 'v4' : 'v6', lost.refused === '' ? 'only-route' : 'loop-guard', why(lost, family));
}

/** M-15: the family of the first join, then the configured one, then the lower address of the neighbour, for which an IPv4 one is a small number. */
function tie({ first, spec, v4 }: ChoiceInput, why: string, result: Make): ChoiceResult {
  if (first !== 0) return result(`v${first}`, 'first-join', `${why} and the first join was v${first}`);
  if (spec.prefer !== 'none') return result(spec.prefer, 'preferred', `${why} and choice.prefer says ${spec.prefer}`);
  const choice = v4.neighbourAddress !== '' ? 'v4' : 'v6';
  return result(choice, 'neighbour', `${why} and its neighbour has the lower address`);
}
