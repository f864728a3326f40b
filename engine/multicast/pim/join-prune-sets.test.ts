import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Family } from '../addresses.ts';
import { buildPim, type PimGroupSet, type PimSource } from '../messages/index.ts';
import { joinPruneMessages, sourcesInOneMessage } from './join-prune-sets.ts';
import { ASM, RP, star } from './testing/rig.ts';

/** Rules for group sets (RFC 7761 sections 4.9.5.1 and 4.9.5.2). */

const GROUP6 = 'ff0e::1:2';
const groupOf = (family: Family): string => (family === 4 ? ASM : GROUP6);
const source = (n: number, rpt = false, family: Family = 4): PimSource => ({
  source: family === 4 ? `192.0.${Math.floor(n / 200)}.${(n % 200) + 1}` : `2001:db8::${(n + 1).toString(16)}`,
  wildcard: false,
  rpt,
});
const starOf = (family: Family): PimSource => (family === 4 ? star : { source: '2001:db8::ff:1', wildcard: true, rpt: true });
const many = (n: number, rpt = false, family: Family = 4): PimSource[] => Array.from({ length: n }, (_, i) => source(i, rpt, family));
const words = (sets: readonly PimGroupSet[]): string[] =>
  sets.flatMap(({ joins, prunes }) => [...joins.map((j) => `join ${name(j)}`), ...prunes.map((p) => `prune ${name(p)}`)]);
const name = ({ source: s, wildcard, rpt }: PimSource): string => (wildcard ? '*' : rpt ? `${s} rpt` : s);
const sizeOf = (groups: readonly PimGroupSet[], family: Family): number =>
  buildPim({ kind: 'join-prune', upstream: family === 4 ? RP : 'fe80::1', holdtimeS: 210, groups }, family).length;

describe('combinations in one set (4.9.5.1)', () => {
  it.each([
    ['Join(*,G) with Join(S,G,rpt)', [star, source(1, true)], [], ['join *']],
    ['Join(*,G) with Prune(S,G,rpt)', [star], [source(1, true)], ['join *', 'prune 192.0.0.2 rpt']],
    ['Join(*,G) with Join(S,G)', [star, source(1)], [], ['join *', 'join 192.0.0.2']],
    ['Prune(*,G) with Prune(S,G,rpt)', [], [star, source(1, true)], ['prune *']],
    ['Prune(*,G) with Join(S,G,rpt)', [source(1, true)], [star], ['prune *']],
    ['Prune(*,G) with Prune(S,G)', [], [star, source(1)], ['prune *', 'prune 192.0.0.2']],
    ['Join(S,G) with Prune(S,G,rpt)', [source(1)], [source(1, true)], ['join 192.0.0.2', 'prune 192.0.0.2 rpt']],
  ] as const)('%s', (_name, joins, prunes, said) => {
    expect(words(joinPruneMessages([{ group: ASM, joins, prunes }], 4).messages.flat())).toEqual(said);
  });
});

describe('a set that is too large (4.9.5.2)', () => {
  it.each([4, 6] as const)('goes in parts without a Join(*,G), in IPv%i', (family) => {
    const joins = many(130, false, family);
    const prunes = many(300, false, family).slice(130);
    const { messages, leftOut } = joinPruneMessages([{ group: groupOf(family), joins, prunes }], family);
    expect(words(messages.flat())).toEqual(words([{ group: '', maskLength: 0, joins, prunes }]));
    expect(leftOut).toBe(0);
  });

  it.each([4, 6] as const)('keeps a Join(*,G) and its prunes of the lowest addresses together, in IPv%i', (family) => {
    const room = sourcesInOneMessage(family);
    const prunes = [...many(room + 5, true, family).reverse(), ...many(60, false, family)];
    const joins = [starOf(family), ...many(3, false, family)];
    const { messages, leftOut } = joinPruneMessages([{ group: groupOf(family), joins, prunes }], family);
    const [first] = messages[0]!;
    expect(first!.joins).toEqual([starOf(family)]);
    expect(first!.prunes).toEqual(many(room - 1, true, family));
    expect(leftOut).toBe(6);
    expect(words(messages.slice(1).flat())).toHaveLength(63);
  });

  it('no message is larger than a link takes or has two sets of one group, and none says less than was to be said', () => {
    const set = fc.record({ star: fc.boolean(), joins: fc.nat(120), prunes: fc.nat(120), rpt: fc.boolean() });
    fc.assert(
      fc.property(fc.array(set, { minLength: 1, maxLength: 40 }), fc.constantFrom<Family>(4, 6), (sets, family) => {
        const waiting = sets.map((each, i) => ({
          group: family === 4 ? `233.252.0.${i}` : `ff0e::1:${i}`,
          joins: [...(each.star ? [starOf(family)] : []), ...many(each.joins, false, family)],
          prunes: many(each.prunes, each.rpt, family),
        }));
        const { messages, leftOut } = joinPruneMessages(waiting, family);
        for (const groups of messages) {
          expect(sizeOf(groups, family)).toBeLessThanOrEqual(family === 4 ? 1_480 : 1_240);
          expect(new Set(groups.map(({ group }) => group)).size).toBe(groups.length);
        }
        const said = messages.flat().reduce((sum, { joins, prunes }) => sum + joins.length + prunes.length, 0);
        expect(said + leftOut).toBe(waiting.reduce((sum, { joins, prunes }) => sum + joins.length + prunes.length, 0));
      }),
      { numRuns: 40 },
    );
  });
});
