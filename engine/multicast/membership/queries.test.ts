import { describe, expect, it } from 'vitest';
import { NS_PER_S } from '../../base/index.ts';
import { groupPacket, RECORD, type QueryMessage } from '../messages/index.ts';
import { GROUP, port, report } from './testing/port.ts';

/** Queries, their election and repetition, and older versions: RFC 3376 and RFC 9776 sections 4.1, 6.6 and 7. */

const { isInclude, isExclude, toInclude, toExclude, allow, block } = RECORD;

const general: QueryMessage = { kind: 'query', version: 3, group: '', sources: [], maxResponseMs: 10_000, suppress: false, robustness: 3, intervalS: 60 }; // prettier-ignore

describe('the querier', () => {
  it('yields to a querier of a lower address and takes over when it is silent (section 6.6.2)', () => {
    const { clock, port: p, queries } = port();
    const query: QueryMessage = {
      kind: 'query',
      version: 3,
      group: '',
      sources: [],
      maxResponseMs: 10_000,
      suppress: false,
      robustness: 3,
      intervalS: 60,
    };
    for (const from of ['10.0.0.9', '0.0.0.0']) {
      p.receive(query, from);
      expect(p.isQuerier).toBe(true);
    }
    p.receive(query, '10.0.0.2');
    expect(p.querier).toBe('10.0.0.2');
    queries.length = 0;
    clock.runUntil(184 * NS_PER_S);
    expect(queries).toEqual([]);
    // Other querier present interval: robustness 3 times 60 s and half of 10 s.
    clock.runUntil(186 * NS_PER_S);
    expect(p.isQuerier).toBe(true);
    expect(queries[0]!.query.intervalS).toBe(125);
  });

  it('waits as long as any router of a lower address asks (section 6.6.2)', () => {
    const { clock, port: p, queries } = port();
    p.receive(general, '10.0.0.2');
    clock.runUntil(100 * NS_PER_S);
    p.receive(general, '10.0.0.3');
    queries.length = 0;
    clock.runUntil(284 * NS_PER_S);
    expect([p.isQuerier, queries.length]).toEqual([false, 0]);
    clock.runUntil(286 * NS_PER_S);
    expect([p.isQuerier, queries.length]).toEqual([true, 1]);
  });

  it.each([
    ['what the last query tells', { robustness: 5, intervalS: 100 }, 510],
    ['what is configured where that tells 0', { robustness: 0, intervalS: 0 }, 260],
    ['what is configured after a query of version 2', { version: 2, robustness: 0, intervalS: 0 }, 260],
  ] as const)('beside another querier groups live by %s (sections 4.1.6 and 4.1.7)', (_name, change, seconds) => {
    const { clock, port: p } = port();
    p.receive(general, '10.0.0.2');
    p.receive({ ...general, ...change }, '10.0.0.2');
    p.receive(report(toExclude), '10.0.0.9');
    clock.runUntil((seconds - 1) * NS_PER_S);
    expect(p.groupCount).toBe(1);
    clock.runUntil((seconds + 1) * NS_PER_S);
    expect(p.groupCount).toBe(0);
  });

  it('does not begin anew to ask for sources whose timers are low already (section 6.6.3.2)', () => {
    const { clock, port: p, queries } = port();
    p.receive(report(allow, ['192.0.2.1', '192.0.2.2']), '10.0.0.9');
    queries.length = 0;
    p.receive(report(block, ['192.0.2.1']), '10.0.0.9');
    clock.runUntil(0.5 * NS_PER_S);
    // The host repeats its report; a second source is blocked.
    p.receive(report(block, ['192.0.2.1', '192.0.2.2']), '10.0.0.9');
    clock.runUntil(1.9 * NS_PER_S);
    expect(queries.map(({ tNs, query }) => [tNs / NS_PER_S, query.sources.join()])).toEqual([
      [0, '192.0.2.1'],
      [0.5, '192.0.2.1,192.0.2.2'],
      [1.5, '192.0.2.2'],
    ]);
    clock.runUntil(2.1 * NS_PER_S);
    expect(p.sourcesOf(GROUP)).toEqual(['192.0.2.2']);
  });

  it('asks apart, with the S flag, for sources that were reported again meanwhile (section 6.6.3.2)', () => {
    const { clock, port: p, queries } = port();
    p.receive(report(allow, ['192.0.2.1', '192.0.2.2']), '10.0.0.9');
    queries.length = 0;
    p.receive(report(block, ['192.0.2.1', '192.0.2.2']), '10.0.0.9');
    p.receive(report(isInclude, ['192.0.2.2']), '10.0.0.8');
    clock.runUntil(1.5 * NS_PER_S);
    expect(queries.slice(1).map(({ query }) => [query.sources.join(), query.suppress])).toEqual([
      ['192.0.2.2', true],
      ['192.0.2.1', false],
    ]);
  });

  it.each([
    // The numbers of RFC 3376 section 4.1.8 and RFC 3810 section 5.1.10, and those of a narrow link.
    [4, 1_500, 366],
    [6, 1_500, 89],
    [4, 576, 135],
    [6, 1_280, 75],
  ] as const)('asks for the sources of IPv%i in messages that fit an MTU of %i', (family, mtuBytes, most) => {
    const { clock, port: p, queries } = port({ family, mtuBytes, address: family === 4 ? '10.0.0.5' : 'fe80::5' });
    const group = family === 4 ? GROUP : 'ff0e::1';
    const sources = Array.from({ length: most + 3 }, (_, i) =>
      family === 4 ? `192.0.${i >> 8}.${i & 255}` : `2001:db8::${(i + 1).toString(16)}`,
    );
    p.receive(report(allow, sources, 3, group), 'x');
    queries.length = 0;
    p.receive(report(block, sources, 3, group), 'x');
    clock.runUntil(3 * NS_PER_S);
    expect(queries.map(({ query }) => query.sources.length)).toEqual([most, 3, most, 3]);
    expect(queries.slice(2).flatMap(({ query }) => query.sources)).toEqual(sources);
    for (const { query } of queries) expect(groupPacket(query, family, p.address, group).length).toBeLessThanOrEqual(mtuBytes);
    const room = mtuBytes - groupPacket(queries[0]!.query, family, p.address, group).length;
    expect(room).toBeLessThan(family === 4 ? 4 : 16);
  });

  it('sets the S flag about a group that was reported again meanwhile (section 6.6.3.1)', () => {
    const { clock, port: p, queries } = port();
    p.receive(report(toExclude), '10.0.0.9');
    queries.length = 0;
    p.receive(report(toInclude), '10.0.0.9');
    p.receive(report(isExclude), '10.0.0.8');
    clock.runUntil(1.5 * NS_PER_S);
    expect(queries.map(({ query }) => query.suppress)).toEqual([false, true]);
  });

  it.each([
    [1, 1, 1],
    [2, 1, 1],
    [1, 2, 1],
    [2, 2, 2],
    [3, 2, 2],
  ] as const)('after reports of versions %i and %i a group is in mode %i, until those hosts are silent (section 7.3.2)', (a, b, mode) => {
    const { clock, port: p } = port();
    for (const version of [a, b]) p.receive(report(isExclude, [], version), '10.0.0.9');
    const compatibility = () => p.view()[0]!.compatibility;
    expect(compatibility()).toBe(mode);
    clock.runUntil(200 * NS_PER_S);
    p.receive(report(isExclude), '10.0.0.8');
    clock.runUntil(259 * NS_PER_S);
    expect(compatibility()).toBe(mode);
    clock.runUntil(261 * NS_PER_S);
    expect(compatibility()).toBe(3);
  });

  it("lowers its timers at another querier's question unless that says not to", () => {
    const { clock, port: p } = port();
    const query: QueryMessage = {
      kind: 'query',
      version: 3,
      group: GROUP,
      sources: [],
      maxResponseMs: 1_000,
      suppress: true,
      robustness: 2,
      intervalS: 125,
    };
    p.receive({ ...query, group: '' }, '10.0.0.2');
    p.receive(report(toExclude), '10.0.0.9');
    p.receive(query, '10.0.0.2');
    clock.runUntil(3 * NS_PER_S);
    expect(p.groupCount).toBe(1);
    p.receive({ ...query, suppress: false }, '10.0.0.2');
    clock.runUntil(6 * NS_PER_S);
    expect(p.groupCount).toBe(0);
  });
});

describe('older routers (section 7.3.1)', () => {
  it.each([
    [3, 3, 10_000, 2, 3],
    [2, 2, 10_000, 0, 1],
    [1, 1, 10_000, 0, 0],
  ] as const)('asks in version %i: %i, %i ms, robustness %i', (queryVersion, version, maxResponseMs, robustness, specific) => {
    const { clock, port: p, queries } = port({ timers: { queryVersion } });
    expect(queries[0]!.query).toMatchObject({ version, maxResponseMs, robustness, group: '' });
    queries.length = 0;
    p.receive(report(toExclude), '10.0.0.9');
    p.receive({ kind: 'leave', version: 2, group: GROUP }, '10.0.0.9');
    clock.runUntil(0.5 * NS_PER_S);
    p.receive(report(allow, ['192.0.2.1']), '10.0.0.8');
    p.receive(report(block, ['192.0.2.1']), '10.0.0.8');
    // Of the group; again, and of the source, with version 3 alone.
    expect(queries).toHaveLength(specific);
    expect(queries.filter(({ query }) => query.sources.length > 0)).toHaveLength(queryVersion === 3 ? 1 : 0);
    // With version 1 a leave does not count.
    clock.runUntil(10 * NS_PER_S);
    expect(p.includesAny(GROUP)).toBe(queryVersion === 1);
    expect(queries.every(({ query }) => query.version === version)).toBe(true);
  });

  it('warns of queries of another version, once an interval', () => {
    const { clock, port: p, warnings } = port();
    const older: QueryMessage = { ...general, version: 2, robustness: 0, intervalS: 0 };
    p.receive(older, '10.0.0.9');
    p.receive(older, '10.0.0.9');
    expect(warnings).toEqual(['10.0.0.9 asks in IGMPv2, this router in IGMPv3: set timers.queryVersion']);
    clock.runUntil(126 * NS_PER_S);
    p.receive(general, '10.0.0.9');
    p.receive({ ...older, group: GROUP }, '10.0.0.9');
    expect(warnings).toHaveLength(1);
    p.receive({ ...older, version: 1 }, '10.0.0.9');
    expect(warnings).toHaveLength(2);
  });
});

describe('older hosts (section 7.3.2)', () => {
  it('a report from no address counts (section 4.2.13)', () => {
    const { port: p } = port();
    p.receive(report(toExclude), '0.0.0.0');
    expect(p.includesAny(GROUP)).toBe(true);
  });

  it.each([
    [1, toInclude, true],
    [1, block, true],
    [2, block, true],
    [2, toInclude, false],
    [3, toInclude, false],
  ] as const)('with a member of version %i a record %i of version 3 is ignored: %s (section 7.3.2)', (version, type, ignored) => {
    const { clock, port: p } = port();
    p.receive(report(isExclude, [], version), '10.0.0.9');
    p.receive(report(type, type === block ? ['192.0.2.1'] : []), '10.0.0.8');
    expect(p.counters.ignored).toBe(ignored ? 1 : 0);
    clock.runUntil(5 * NS_PER_S);
    expect(p.includesAny(GROUP)).toBe(ignored || version === 3 ? ignored : false);
    if (version < 3 && ignored) expect(p.view()[0]!.compatibility).toBe(version);
  });

  it('reads the sources of a change to exclude as none beside version 2 members', () => {
    const { port: p } = port();
    p.receive(report(isExclude, [], 2), '10.0.0.9');
    p.receive(report(toExclude, ['192.0.2.1']), '10.0.0.8');
    expect(p.view()[0]).toMatchObject({ mode: 'exclude', sources: [], compatibility: 2 });
  });
});
