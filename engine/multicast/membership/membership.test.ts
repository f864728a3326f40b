import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NS_PER_S } from '../../base/index.ts';
import { RECORD, type RecordType } from '../messages/index.ts';
import { GROUP, port, report } from './testing/port.ts';
import { applyRecord, expire, isEmpty, refusedSources, wantedSources, type GroupState } from './index.ts';

const GMI = 260 * NS_PER_S;
const NOW = 1_000 * NS_PER_S;
const GROUP_UNTIL = NOW + 77 * NS_PER_S;
const RUNS = NOW + 50 * NS_PER_S;

/** Sources are letters; `IN ab` is INCLUDE (a, b), `EX ab/cd` EXCLUDE (X = a, b; Y = c, d). Timers run 50 s, the group's 77 s. */
function stateOf(text: string): GroupState {
  const [mode, lists = ''] = text.split(' ');
  const [wanted = '', refused = ''] = lists.split('/');
  const sources = new Map([...[...wanted].map((s) => [s, RUNS] as const), ...[...refused].map((s) => [s, 0] as const)]);
  return { exclude: mode === 'EX', groupUntilNs: mode === 'EX' ? GROUP_UNTIL : 0, sources };
}

/** Timers that are not 50 s are written after the letter: `*` the membership interval, `g` the group timer's rest. */
function show(state: GroupState): string {
  const letter = (s: string): string => {
    const until = state.sources.get(s)!;
    return s + (until === NOW + GMI ? '*' : until === GROUP_UNTIL ? 'g' : '');
  };
  const wanted = wantedSources(state).sort().map(letter).join('');
  if (!state.exclude) return `IN ${wanted}`.trim();
  return `EX ${wanted}/${refusedSources(state).sort().join('')}${state.groupUntilNs === NOW + GMI ? ' *' : ''}`;
}

const { isInclude, isExclude, toInclude, toExclude, allow, block } = RECORD;

/** RFC 9776 section 6.4, all rows: state, record, sources, new state, query about the group, queries about sources. */
const TABLE: readonly (readonly [string, RecordType, string, string, boolean, string])[] = [
  ['IN ab', isInclude, 'bc', 'IN ab*c*', false, ''],
  ['IN ab', isExclude, 'bc', 'EX b/c *', false, ''],
  ['EX ab/cd', isInclude, 'bce', 'EX ab*c*e*/d', false, ''],
  ['EX ab/cd', isExclude, 'bce', 'EX be*/c *', false, ''],
  ['IN ab', allow, 'bc', 'IN ab*c*', false, ''],
  ['IN ab', block, 'bc', 'IN ab', false, 'b'],
  ['IN ab', toExclude, 'bc', 'EX b/c *', false, 'b'],
  ['IN ab', toInclude, 'bc', 'IN ab*c*', false, 'a'],
  ['EX ab/cd', allow, 'bce', 'EX ab*c*e*/d', false, ''],
  ['EX ab/cd', block, 'bce', 'EX abeg/cd', false, 'be'],
  ['EX ab/cd', toExclude, 'bce', 'EX beg/c *', false, 'be'],
  ['EX ab/cd', toInclude, 'bce', 'EX ab*c*e*/d', true, 'a'],
];

describe('the tables of RFC 9776 section 6.4', () => {
  it.each(TABLE)('%s with record %s (%s) becomes %s', (from, type, sources, to, group, asked) => {
    const state = stateOf(from);
    const { queries, refused } = applyRecord(state, type, [...sources], NOW, GMI, 100);
    expect(show(state)).toBe(to);
    expect(queries.group).toBe(group);
    expect([...queries.sources].sort().join('')).toBe(asked);
    expect(refused).toBe(0);
  });

  it('lets timers run out as section 6.5 says', () => {
    const include = stateOf('IN ab');
    include.sources.set('a', NOW);
    expect(expire(include, NOW)).toBe(true);
    expect(show(include)).toBe('IN b');
    const exclude = stateOf('EX ab/c');
    exclude.sources.set('a', NOW);
    expire(exclude, NOW);
    expect(show(exclude)).toBe('EX b/ac');
    exclude.groupUntilNs = NOW;
    expire(exclude, NOW);
    expect(show(exclude)).toBe('IN b');
    exclude.sources.set('b', NOW);
    expire(exclude, NOW);
    expect(isEmpty(exclude)).toBe(true);
  });

  it('takes no more sources than its limit', () => {
    const state = stateOf('IN a');
    expect(applyRecord(state, allow, [...'bcdef'], NOW, GMI, 3).refused).toBe(3);
    expect(state.sources.size).toBe(3);
  });
});

describe('a router on a link', () => {
  it('asks at the start, then every interval (section 6.6.1)', () => {
    const { clock, queries } = port();
    clock.runUntil(300 * NS_PER_S);
    expect(queries.map(({ tNs }) => tNs / NS_PER_S)).toEqual([0, 31.25, 156.25, 281.25]);
    expect(queries[0]).toMatchObject({
      destination: '224.0.0.1',
      query: { version: 3, group: '', maxResponseMs: 10_000, robustness: 2, intervalS: 125 },
    });
  });

  it('forgets a group after the membership interval', () => {
    const { clock, port: p } = port();
    p.receive(report(toExclude), '10.0.0.9');
    clock.runUntil(259 * NS_PER_S);
    expect(p.includesAny(GROUP)).toBe(true);
    clock.runUntil(261 * NS_PER_S);
    expect(p.groupCount).toBe(0);
  });

  it('asks twice about a group that is left, and drops it after the last member query time', () => {
    const { clock, port: p, queries } = port();
    p.receive(report(isExclude, [], 2), '10.0.0.9');
    queries.length = 0;
    p.receive({ kind: 'leave', version: 2, group: GROUP }, '10.0.0.9');
    clock.runUntil(1.5 * NS_PER_S);
    expect(queries.map(({ query, destination }) => [query.group, destination, query.suppress])).toEqual([
      [GROUP, GROUP, false],
      [GROUP, GROUP, false],
    ]);
    expect(p.includesAny(GROUP)).toBe(true);
    clock.runUntil(2.1 * NS_PER_S);
    expect(p.groupCount).toBe(0);
  });

  it('keeps a group whose members answer', () => {
    const { clock, port: p } = port();
    p.receive(report(toExclude), '10.0.0.9');
    p.receive(report(toInclude), '10.0.0.9');
    clock.runUntil(NS_PER_S);
    p.receive(report(isExclude), '10.0.0.7');
    clock.runUntil(5 * NS_PER_S);
    expect(p.includesAny(GROUP)).toBe(true);
  });

  it('asks about sources that are blocked', () => {
    const { clock, port: p, queries } = port();
    p.receive(report(allow, ['192.0.2.1', '192.0.2.2']), '10.0.0.9');
    queries.length = 0;
    p.receive(report(block, ['192.0.2.1']), '10.0.0.9');
    expect(queries[0]!.query).toMatchObject({ group: GROUP, sources: ['192.0.2.1'] });
    clock.runUntil(3 * NS_PER_S);
    expect(p.sourcesOf(GROUP)).toEqual(['192.0.2.2']);
  });

  it('leaves at once with fast leave when one host is all there was', () => {
    const { port: p, queries } = port({ limits: { fastLeave: true } });
    p.receive(report(toExclude), '10.0.0.9');
    queries.length = 0;
    p.receive(report(toInclude), '10.0.0.9');
    expect(p.groupCount).toBe(0);
    expect(queries).toEqual([]);
    p.receive(report(toExclude), '10.0.0.9');
    p.receive(report(toExclude), '10.0.0.8');
    p.receive(report(toInclude), '10.0.0.9');
    expect(p.groupCount).toBe(1);
    expect(queries).toHaveLength(1);
  });

  it('refuses and counts records about what is no group', () => {
    const { port: p } = port();
    p.receive(report(toExclude, [], 3, '1.3.5.7'), '10.0.0.9');
    p.receive(report(allow, ['192.0.2.1'], 3, '2.4.6.8'), '10.0.0.9');
    p.receive(report(isExclude, [], 2, '255.255.255.255'), '10.0.0.9');
    expect(p.groupCount).toBe(0);
    expect(p.counters).toMatchObject({ reports: 3, notGroups: 3, ignored: 0 });
  });

  it.each([
    [1, isExclude, []],
    [2, isExclude, []],
    [3, isExclude, []],
    [3, toExclude, ['192.0.2.1']],
  ] as const)(
    'a report of version %i, record %i, for a source-specific group does not count unless ssmStrict is off',
    (version, type, sources) => {
      const SSM = '232.1.2.3';
      const member = report(allow, ['192.0.2.7'], 3, SSM);
      const { port: lenient } = port({ limits: { ssmStrict: false } });
      lenient.receive(member, '10.0.0.9');
      lenient.receive(report(type, sources, version, SSM), '10.0.0.8');
      expect(lenient.view()).toMatchObject([{ mode: 'exclude' }]);
      const { port: strict } = port();
      strict.receive(member, '10.0.0.9');
      strict.receive(report(type, sources, version, SSM), '10.0.0.8');
      strict.receive({ kind: 'leave', version: 2, group: SSM }, '10.0.0.8');
      expect(strict.view()).toEqual([{ group: SSM, mode: 'include', sources: ['192.0.2.7'], compatibility: 3 }]);
      expect(strict.counters.ignored).toBe(2);
      strict.receive(report(toExclude), '10.0.0.8');
      expect(strict.includesAny(GROUP)).toBe(true);
    },
  );

  it('keeps to its limits and counts what it refused', () => {
    const { port: p } = port({ limits: { groupsPerInterface: 3, joinsPerSecond: 5 } });
    for (let i = 1; i <= 8; i++) p.receive(report(toExclude, [], 3, `233.252.0.${i}`), '10.0.0.9');
    expect(p.groupCount).toBe(3);
    expect(p.counters).toMatchObject({ refusedGroups: 2, refusedJoins: 3 });
    p.receive(report(toExclude, [], 3, '224.0.0.251'), '10.0.0.9');
    expect(p.view().map(({ group }) => group)).not.toContain('224.0.0.251');
  });
});

describe('random joins and leaves', () => {
  it('end in what a simple model of the hosts says', () => {
    const step = fc.record({
      host: fc.integer({ min: 1, max: 4 }),
      group: fc.integer({ min: 1, max: 3 }),
      what: fc.constantFrom('any', 'a', 'b', 'leave'),
      waitS: fc.double({ min: 0, max: 6, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { clock, port: p } = port();
        // The model: what each host wants; the port hears every change twice and every question is answered.
        const wants = new Map<string, string>();
        const tell = (host: number, group: string, before: string, after: string): void => {
          const from = `10.0.0.${100 + host}`;
          const source = (what: string): string => (what === 'a' ? '192.0.2.1' : '192.0.2.2');
          if (after === 'any') p.receive(report(toExclude, [], 3, group), from);
          else if (before === 'any') p.receive(report(toInclude, after === '' ? [] : [source(after)], 3, group), from);
          else {
            if (after !== '') p.receive(report(allow, [source(after)], 3, group), from);
            if (before !== '' && before !== after) p.receive(report(block, [source(before)], 3, group), from);
          }
        };
        const answer = (): void => {
          for (const [key, what] of wants) {
            const [host, group] = key.split(' ');
            const from = `10.0.0.${100 + Number(host)}`;
            if (what === 'any') p.receive(report(isExclude, [], 3, group), from);
            else p.receive(report(isInclude, [what === 'a' ? '192.0.2.1' : '192.0.2.2'], 3, group), from);
          }
        };
        for (const { host, group: g, what, waitS } of steps) {
          const group = `233.252.0.${g}`;
          const key = `${host} ${group}`;
          const before = wants.get(key) ?? '';
          const after = what === 'leave' ? '' : what;
          if (after === '') wants.delete(key);
          else wants.set(key, after);
          if (before !== after) tell(host, group, before, after);
          clock.runUntil(clock.nowNs + 0.5 * NS_PER_S);
          answer();
          clock.runUntil(clock.nowNs + waitS * NS_PER_S);
          answer();
        }
        for (let i = 0; i < 300; i++) {
          clock.runUntil(clock.nowNs + NS_PER_S);
          answer();
        }
        for (let g = 1; g <= 3; g++) {
          const group = `233.252.0.${g}`;
          const asked = [...wants].filter(([key]) => key.endsWith(` ${group}`)).map(([, what]) => what);
          expect(p.includesAny(group)).toBe(asked.includes('any'));
          if (asked.includes('any')) continue;
          expect(p.sourcesOf(group).sort()).toEqual([...new Set(asked)].sort().map((what) => (what === 'a' ? '192.0.2.1' : '192.0.2.2')));
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** What hosts want of one group: a filter mode and sources, as a socket would set it. */
interface Filter {
  readonly exclude: boolean;
  readonly sources: ReadonlySet<string>;
}

describe('random source filters', () => {
  const names = ['a', 'b', 'c', 'd'];
  const filter = fc
    .record({ exclude: fc.boolean(), sources: fc.subarray(names) })
    .map(({ exclude, sources }): Filter => ({ exclude, sources: new Set(sources) }));
  const wants = (f: Filter, source: string): boolean => f.sources.has(source) !== f.exclude;

  it('of any number of hosts end in their union, source by source (RFC 9776 sections 3.2 and 6.4)', () => {
    const step = fc.record({ host: fc.integer({ min: 1, max: 4 }), filter, waitS: fc.double({ min: 0, max: 4, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { clock, port: p, queries } = port();
        const hosts = new Map<number, Filter>();
        const say = (host: number, type: RecordType, sources: Iterable<string>): void => {
          p.receive(report(type, [...sources]), `10.0.0.${100 + host}`);
        };
        const answer = (): void => {
          queries.length = 0;
          for (const [host, f] of hosts) if (f.exclude || f.sources.size > 0) say(host, f.exclude ? isExclude : isInclude, f.sources);
        };
        const forwards = (source: string): boolean => (p.includesAny(GROUP) ? !p.excludes(source, GROUP) : p.includesSource(source, GROUP));
        const wanted = (source: string): boolean => [...hosts.values()].some((f) => wants(f, source));
        /** Nobody waits for what he wants, whoever leaves. */
        const lacking = (): string[] => [...names, 'z'].filter((source) => wanted(source) && !forwards(source));
        for (const { host, filter: next, waitS } of steps) {
          const before = hosts.get(host) ?? { exclude: false, sources: new Set<string>() };
          hosts.set(host, next);
          // A change of mode tells the whole filter, a change of sources the difference.
          if (before.exclude !== next.exclude) say(host, next.exclude ? toExclude : toInclude, next.sources);
          else {
            const more = [...next.sources].filter((s) => !before.sources.has(s));
            const less = [...before.sources].filter((s) => !next.sources.has(s));
            if (more.length > 0) say(host, next.exclude ? block : allow, more);
            if (less.length > 0) say(host, next.exclude ? allow : block, less);
          }
          expect(lacking()).toEqual([]);
          clock.runUntil(clock.nowNs + 0.3 * NS_PER_S);
          expect(lacking()).toEqual([]);
          if (queries.length > 0) answer();
          clock.runUntil(clock.nowNs + waitS * NS_PER_S);
          expect(lacking()).toEqual([]);
          // Without a host in EXCLUDE mode, what nobody wants is gone after the last member query time.
          const named = waitS > 1.8 && ![...hosts.values()].some(({ exclude }) => exclude);
          if (named) expect(names.filter((source) => forwards(source) && !wanted(source))).toEqual([]);
          answer();
        }
        for (let i = 0; i < 14; i++) {
          clock.runUntil(clock.nowNs + 20 * NS_PER_S);
          answer();
        }
        for (const source of [...names, 'z']) expect(forwards(source), source).toBe(wanted(source));
        expect(p.includesAny(GROUP)).toBe([...hosts.values()].some(({ exclude }) => exclude));
      }),
      { numRuns: 80 },
    );
  });
});
