import { NS_PER_MS } from '../../base/index.ts';
import type { ConverterDecision } from '../../contract/index.ts';
import type { AccessLink, LinkFacts } from './access-link.ts';
import type { Call } from './call.ts';
import { discover, type Found } from './discovery.ts';
import type { Lab } from './lab.ts';
import type { Node } from './node.ts';
import type { Announcement } from './registry.ts';
import type { RelayEntry } from './relay-mapper.ts';
import { rank, type Ranked } from './selection.ts';

export type ChoiceCause = ConverterDecision['cause'];
type Row = ConverterDecision['candidates'][number];

/** What a choice came to: a node that has reserved the session, with its port; or none, and why. */
export type Chosen =
  | { readonly node: Node; readonly port: number; readonly port4: number; readonly standIn4: number }
  | { readonly node: null; readonly why: string };

interface RankedAll {
  readonly ranking: readonly Ranked[];
  /** Candidates that were ranked behind those. */
  readonly others: number;
  readonly apart: Record<string, number>;
}

const NOBODY: RankedAll = { ranking: [], others: 0, apart: {} };
/** Time that a terminal may take for an answer when a call is silent already, beside twice the round trip to it (T-17). */
const QUICK_ANSWER_NS = 20 * NS_PER_MS;
/** More than any index of a node. */
const ASKING_STRIDE = 65_536;

/** Candidates kept of a choice, the best ones: nobody asks more than `refusals` of them. */
const MAX_CANDIDATES = 16;
/** IPv4 addresses that stand for IPv6 parties: shared address space (RFC 6598), taken in turn. */
const STAND_IN4 = 0x64400000;
const STAND_INS = 0x400000;

/** Finds a converter for a session: ranking, reservation, refusals, fallback (T-02 to T-08, T-19, T-20). */
export class Choosing {
  private readonly lab: Lab;
  /** Requests under way, by switch and node: a switch counts its own ones as taken, and knows nothing of those of others. */
  private readonly asking = new Map<number, number>();
  private nextStandIn = 0;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  /**
   * `exclude` may not be chosen. `quick`: the ranking of the last choice is used again, without asking anybody first (T-17); where nobody of it
   * takes the session, there is a new search.
   */
  choose(call: Call, cause: ChoiceCause, exclude: Node | null, quick: boolean, done: (chosen: Chosen) => void): void {
    const { spec } = this.lab;
    if (spec.switch.converters === 'gateway') {
      this.fallback(call, this.decision(call, cause, NOBODY, exclude), 'only the gateway converts in this scenario', done);
      return;
    }
    if (quick) {
      const ranked = this.atHand(call);
      if (ranked.ranking.some(({ announcement: a }) => a.node !== exclude?.index && a.inUse < a.capacity)) {
        this.attempt(call, this.decision(call, cause, ranked, exclude), ranked.ranking, done, () => {
          this.choose(call, cause, exclude, false, done);
        });
        return;
      }
    }
    discover(this.lab, call, (found) => {
      const ranked = this.rankFor(call, found);
      call.ranking = ranked.ranking;
      this.attempt(call, this.decision(call, cause, ranked, exclude), ranked.ranking, done, null);
    });
  }

  /** The ranking of the last choice, with what its candidates have said since, and without those that are silent for too long. */
  private atHand(call: Call): RankedAll {
    const { lab } = this;
    if (lab.spec.switch.discovery === 'multicast') return { ranking: call.ranking, others: 0, apart: {} };
    const known = new Map(lab.registry.current(lab.nowNs).map((announcement) => [announcement.node, announcement]));
    const ranking = call.ranking.flatMap((ranked) => {
      const announcement = known.get(ranked.announcement.node);
      return announcement === undefined ? [] : [{ ...ranked, announcement: this.withAsked(call, announcement) }];
    });
    const gone = call.ranking.length - ranking.length;
    return { ranking, others: 0, apart: gone === 0 ? {} : { 'announced no more': gone } };
  }

  /** What is known of a converter, with the requests that the call's switch has under way to it. */
  private withAsked(call: Call, known: Announcement): Announcement {
    return { ...known, inUse: known.inUse + (this.asking.get(askingKey(call, known.node)) ?? 0) };
  }

  private rankFor(call: Call, { announcements, apart }: Found): RankedAll {
    const { lab } = this;
    const { selection, weights } = lab.spec.switch;
    const party4 = call.party(4).node;
    const party6 = call.party(6).node;
    const why: Record<string, number> = { ...apart };
    const candidates = announcements.flatMap((known) => {
      const node = lab.nodes.all[known.node]!;
      // A party of the call is an end point, not a converter.
      const no = node === call.from || node === call.to ? 'a party of the call' : known.link4 === null || known.link6 === null ? 'a family is gone' : ''; // prettier-ignore
      if (no !== '') {
        why[no] = (why[no] ?? 0) + 1;
        return [];
      }
      const legs = [legOf(4, party4.link4!, known.link4!), legOf(6, party6.link6!, known.link6!)];
      const announcement = this.withAsked(call, known);
      const rttMs = legs[0]!.rttMs + legs[1]!.rttMs;
      return [{ announcement, legs, rttMs, lossPercent: legs[0]!.lossPercent + legs[1]!.lossPercent, incumbent: node === call.converter }];
    });
    const ranking = rank(candidates, call.id, selection, weights, lab.random, MAX_CANDIDATES);
    return { ranking, others: candidates.length - ranking.length, apart: why };
  }

  private decision(call: Call, cause: ChoiceCause, { ranking, others, apart }: RankedAll, exclude: Node | null): ConverterDecision {
    const decision: ConverterDecision = {
      tNs: this.lab.nowNs,
      session: call.id,
      cause,
      rule: this.lab.spec.switch.selection,
      candidates: ranking.map(({ announcement: a, score, terms, rttMs, legs }): Row => {
        const excluded = exclude?.index === a.node;
        const full = a.inUse >= a.capacity && !excluded;
        const why = excluded
          ? 'the session is being moved away from it'
          : full
            ? `full as announced: ${String(a.inUse)} of ${String(a.capacity)}`
            : 'ranked lower';
        return {
          id: a.id,
          score,
          terms,
          rttMs,
          legs,
          freeSessions: Math.max(0, a.capacity - a.inUse),
          outcome: excluded ? 'excluded' : full ? 'full' : 'not asked',
          why,
        };
      }),
      others,
      apart,
      chosen: '',
      sentence: '',
    };
    return decision;
  }

  /** Asks one after the other. `again`: what to do in place of giving up, for a ranking that is not of now; null for one that is. */
  private attempt(
    call: Call,
    decision: ConverterDecision,
    ranking: readonly Ranked[],
    done: (c: Chosen) => void,
    again: (() => void) | null,
  ): void {
    const { lab } = this;
    // Nobody hears anything until somebody has taken it.
    const quick = decision.cause === 'failure';
    let refusals = 0;
    const tryFrom = (i: number): void => {
      let at = i;
      while (at < ranking.length && decision.candidates[at]!.outcome !== 'not asked') at++;
      if (at >= ranking.length || refusals >= lab.spec.switch.refusals) {
        if (again !== null && (at >= ranking.length || lab.nodes.gateway?.alive !== true)) {
          this.chosen(decision, null, 'Nobody of the ranking at hand took it: there is a new search.');
          again();
          return;
        }
        this.fallback(call, decision, whyNone(decision, refusals), done);
        return;
      }
      const row = decision.candidates[at]!;
      const node = lab.nodes.all[ranking[at]!.announcement.node]!;
      this.reserve(call, node, quick, (answer) => {
        if (answer.node !== null) {
          lab.registry.learn(node.index, (known) => known.inUse + 1);
          row.outcome = 'chosen';
          row.why = at === 0 ? 'highest score' : 'highest score of those that took it';
          this.chosen(decision, node, sentenceFor(decision, at));
          done(answer);
          return;
        }
        refusals++;
        row.outcome = answer.why === '' ? 'no answer' : 'refused';
        row.why = answer.why === '' ? 'did not answer in time' : `refused: ${answer.why}`;
        if (answer.why === '') lab.registry.forget(node.index);
        else if (answer.why === 'full') lab.registry.learn(node.index, (known) => known.capacity);
        tryFrom(at + 1);
      });
    };
    tryFrom(0);
  }

  /** RESERVE to one node (T-08). Its answer, or no answer within the time for it (`why` is empty then), which is short where it is `quick`. */
  private reserve(call: Call, node: Node, quick: boolean, done: (answer: Chosen) => void): void {
    const { lab } = this;
    let open = true;
    const key = askingKey(call, node.index);
    this.asking.set(key, (this.asking.get(key) ?? 0) + 1);
    const finish = (answer: Chosen): void => {
      if (!open) {
        // Too late: somebody else has it. What was reserved is given back.
        if (answer.node !== null) this.giveBack(call, answer.node);
        return;
      }
      open = false;
      this.asking.set(key, this.asking.get(key)! - 1);
      done(answer);
    };
    const four = call.party(4);
    const six = call.party(6);
    const text = `session ${String(call.id)}: leg A ${four.node.address(4)} port ${String(four.port)}, leg B ${six.node.address(6)} port ${String(six.port)}`;
    lab.signal(call.sw, node, 'RESERVE', call, text, () => {
      const { converter } = node;
      const { rateBps } = call.streams[0].source;
      const asked = { session: call.id, rateBps, ownParty: node === call.from || node === call.to };
      const why = converter === null || !node.canConvert ? 'a family is gone' : converter.refuse(asked, node.inOwnCall, lab.nowNs);
      const standIn4 = (STAND_IN4 + (this.nextStandIn++ % STAND_INS)) >>> 0;
      const entry = why === '' ? converter!.relay.reserve(call.id, standIn4, rateBps) : undefined;
      if (entry === undefined) {
        const reason = why === '' ? 'no port is free' : why;
        lab.signal(node, call.sw, 'REFUSED', call, reason, () => {
          finish({ node: null, why: reason });
        });
        return;
      }
      converter!.taken++;
      const bindings = entry.port === 0 ? 'addresses mapped' : reservedPorts(entry);
      lab.signal(node, call.sw, 'RESERVED', call, bindings, () => {
        finish({ node, port: entry.port, port4: entry.port4, standIn4 });
      });
    });
    const answerNs = lab.spec.switch.answerMs * NS_PER_MS;
    const soonNs = 4 * lab.oneWayNs(call.sw, node) + QUICK_ANSWER_NS;
    lab.after(quick ? Math.min(answerNs, soonNs) : answerNs, () => {
      if (open) finish({ node: null, why: '' });
    });
  }

  release(call: Call, node: Node): void {
    this.lab.registry.learn(node.index, (known) => known.inUse - 1);
    this.giveBack(call, node);
  }

  private giveBack(call: Call, node: Node): void {
    this.lab.signal(call.sw, node, 'RELEASE', call, '', () => {
      node.converter?.relay.release(call.id);
    });
  }

  private fallback(call: Call, decision: ConverterDecision, why: string, done: (chosen: Chosen) => void): void {
    const { gateway } = this.lab.nodes;
    if (gateway === null || !gateway.alive) {
      const gone = `${why}; the gateway is gone`;
      this.chosen(decision, null, `No converter: ${gateway === null ? `${why}, and there is no gateway` : gone}.`);
      done({ node: null, why: gateway === null ? why : gone });
      return;
    }
    this.reserve(call, gateway, false, (answer) => {
      if (answer.node === null) {
        const reason = `${why}; the gateway ${answer.why === '' ? 'did not answer' : `is ${answer.why}`}`;
        this.chosen(decision, null, `No converter: ${reason}.`);
        done({ node: null, why: reason });
        return;
      }
      this.chosen(decision, gateway, `The gateway, because ${why}.`);
      done(answer);
    });
  }

  private chosen(decision: ConverterDecision, node: Node | null, sentence: string): void {
    decision.chosen = node?.id ?? '';
    decision.sentence = sentence;
    this.lab.decide(decision);
  }
}

const askingKey = (call: Call, node: number): number => call.sw.index * ASKING_STRIDE + node;

/** Conditions from a party to a candidate in one family. */
function legOf(family: 4 | 6, party: AccessLink, candidate: LinkFacts): Row['legs'][number] {
  const { kind, rttMs, lossPercent, jitterMs, bandwidthBps } = candidate;
  return {
    family,
    kind,
    rttMs: party.rttMs + rttMs,
    lossPercent: party.spec.lossPercent + lossPercent,
    jitterMs: party.spec.jitterMs + jitterMs,
    bandwidthBps: Math.min(party.spec.bandwidthBps, bandwidthBps),
  };
}

/** Why nobody of a ranking converts. */
function whyNone({ candidates }: ConverterDecision, refusals: number): string {
  if (candidates.length === 0) return 'no converter is known';
  if (refusals > 0) return `${String(refusals)} of ${String(candidates.length)} candidates refused`;
  return candidates.every(({ outcome }) => outcome === 'excluded') ? 'no other one is known' : 'all candidates are full';
}

function reservedPorts({ port, port4 }: RelayEntry): string {
  const pair = (first: number): string => `${String(first)} and ${String(first + 1)}`;
  return port === port4 ? `ports ${pair(port)} in both families` : `ports ${pair(port)}; ${pair(port4)} at its NAT for IPv4`;
}

/** Why this one, with the figures that made it so. */
function sentenceFor({ rule, candidates }: ConverterDecision, at: number): string {
  const row = candidates[at]!;
  const refused = candidates.slice(0, at).filter((c) => c.outcome !== 'chosen').length;
  const next = candidates.slice(at + 1).find((c) => c.outcome === 'not asked');
  const by = { score: 'score', rendezvous: 'rendezvous hash', 'least-loaded': 'load', rtt: 'round trip', random: 'draw' }[rule];
  const lead = next === undefined ? '' : `, ahead of ${next.id} with ${next.score.toFixed(3)}`;
  const after = refused === 0 ? '' : ` after ${String(refused)} that were full or refused`;
  return `Chosen because its ${by} of ${row.score.toFixed(3)} is the best${lead}${after}: ${String(row.freeSessions)} free, ${row.rttMs.toFixed(1)} ms round trip.`;
}
