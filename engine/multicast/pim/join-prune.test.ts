import { describe, expect, it } from 'vitest';
import { NS_PER_S } from '../../base/index.ts';
import type { PimSource } from '../messages/index.ts';
import { ASM, RP, rig, S, sg, sgRpt, SSM, star, UP, type Rig } from './testing/rig.ts';

/** The tables of RFC 7761 section 4.5, a row of the RFC each. Interface 1 is the downstream one, interface 0 the upstream one. */

const DOWN = '10.0.1.1';

/** Runs a router into a downstream state; two neighbours stand on the link unless told otherwise. */
function downstream(state: 'NI' | 'J' | 'PP', source: PimSource, group: string, lone = false): Rig {
  const r = rig();
  if (!lone) r.hello(1, '10.0.1.2');
  if (state !== 'NI') r.jp(1, DOWN, [source], [], group);
  if (state === 'PP') r.jp(1, DOWN, [], [source], group);
  r.run(0);
  r.said();
  return r;
}

const treeOf = (r: Rig, source: PimSource, group: string) => r.pim.find(source.wildcard ? '' : S, group);

function downstreamState(r: Rig, source: PimSource, group: string): string {
  const down = treeOf(r, source, group)?.down.find(({ iface }) => iface === 1);
  return down === undefined ? 'NI' : down.state === 'join' ? 'J' : 'PP';
}

type DownEvent = (r: Rig, source: PimSource, group: string) => void;
const join: DownEvent = (r, source, group) => {
  r.jp(1, '10.0.1.2', [source], [], group);
};
const prune: DownEvent = (r, source, group) => {
  r.jp(1, DOWN, [], [source], group);
};
const after =
  (seconds: number): DownEvent =>
  (r) => {
    r.run(seconds);
  };

const DOWNSTREAM: readonly (readonly ['NI' | 'J' | 'PP', string, DownEvent, string, string[]])[] = [
  ['NI', 'Receive Join', join, 'J', ['0 join']],
  ['NI', 'Receive Prune', prune, 'NI', []],
  ['J', 'Receive Join', join, 'J', []],
  ['J', 'Receive Prune', prune, 'PP', []],
  ['J', 'Expiry Timer expires', after(211), 'NI', ['0 join', '0 join', '0 join', '0 prune']],
  ['PP', 'Receive Join', join, 'J', []],
  ['PP', 'Receive Prune', prune, 'PP', []],
  ['PP', 'Prune-Pending Timer expires', after(3.01), 'NI', ['0 prune', '1 prune']],
];

describe.each([
  ['(*,G) (section 4.5.1)', star, ASM],
  ['(S,G) (section 4.5.2)', sg, SSM],
] as const)('the downstream machine of %s', (_name, source, group) => {
  it.each(DOWNSTREAM)('in %s at "%s"', (state, _event, happen, next, said) => {
    const r = downstream(state, source, group);
    happen(r, source, group);
    r.run(0);
    expect(downstreamState(r, source, group)).toBe(next);
    const name = source.wildcard ? '*' : S;
    expect(r.said().sort()).toEqual(said.map((words) => `${words} ${name}`));
  });

  it('does not wait with a prune where one neighbour is all there is, and repeats it to nobody', () => {
    const r = downstream('J', source, group, true);
    prune(r, source, group);
    r.run(0);
    expect(downstreamState(r, source, group)).toBe('NI');
    expect(r.said()).toEqual([`0 prune ${source.wildcard ? '*' : S}`]);
  });

  it('sets the expiry timer to the larger of what is left and the hold time', () => {
    const r = downstream('J', source, group);
    const down = (): number => treeOf(r, source, group)!.down[0]!.untilNs;
    const before = down();
    r.pim.receive(
      { kind: 'join-prune', upstream: '10.0.1.5', holdtimeS: 20, groups: [{ group, maskLength: 32, joins: [source], prunes: [] }] },
      1,
      DOWN,
      '224.0.0.13',
    );
    expect(down()).toBe(before);
    r.run(10);
    join(r, source, group);
    expect(down()).toBe(r.clock.nowNs + 210 * NS_PER_S);
    r.run(209);
    expect(downstreamState(r, source, group)).toBe('J');
    r.run(2);
    expect(downstreamState(r, source, group)).toBe('NI');
  });

  it('leaves no timers behind when a join is said again and again', () => {
    const r = downstream('J', source, group);
    const before = r.clock.pending;
    for (let i = 0; i < 1_000; i++) join(r, source, group);
    expect(r.clock.pending).toBe(before);
  });
});

describe('what is not taken', () => {
  const other: PimSource = { source: '10.255.0.8', wildcard: true, rpt: true };
  it.each([
    ['a Join(*,G) for another rendezvous point (4.5.1)', ASM, [other], [], 32],
    ['a Join(*,G) of a source-specific group (4.8.1)', SSM, [star], [], 32],
    ['a Prune(S,G,rpt) of a source-specific group (4.8.1)', SSM, [], [sgRpt], 32],
    ['a group range', '233.252.0.0', [star], [], 24],
    ['what is no group', '10.1.2.3', [sg], [], 32],
  ] as const)('is %s', (_name, group, joins, prunes, maskLength) => {
    const r = rig();
    r.pim.receive(
      { kind: 'join-prune', upstream: '10.0.1.5', holdtimeS: 210, groups: [{ group, maskLength, joins: [...joins], prunes: [...prunes] }] },
      1,
      DOWN,
      '224.0.0.13',
    );
    expect(r.pim.groups.size).toBe(0);
    expect(r.pim.counters.ignored).toBe(1);
  });

  it('is a Join(*,G) for another rendezvous point in the machine of (S,G,rpt) either', () => {
    const r = rig();
    r.jp(1, DOWN, [star], [sgRpt], ASM);
    r.jp(1, DOWN, [other], [], ASM);
    expect(r.pim.find(S, ASM)?.rptDown).toHaveLength(1);
    // Other entries of the set count.
    r.jp(1, DOWN, [other, sgRpt], [], ASM);
    expect(r.pim.find(S, ASM)).toBeUndefined();
  });

  it('is no Prune(*,G) for another rendezvous point: it counts all the same', () => {
    const r = downstream('J', star, ASM);
    r.jp(1, DOWN, [], [other], ASM);
    expect(downstreamState(r, star, ASM)).toBe('PP');
  });
});

describe('messages with an upstream neighbour of no address (sections 4.5.1 to 4.5.3)', () => {
  it.each([
    ['count where one neighbour is all there is', true],
    ['are another router’s where there are more', false],
  ])('%s', (_name, lone) => {
    const r = rig();
    if (!lone) r.hello(1, '10.0.1.2');
    r.jp(1, DOWN, [sg], [], SSM, '0.0.0.0');
    expect(downstreamState(r, sg, SSM)).toBe(lone ? 'J' : 'NI');
  });
});

describe('the hold time of joins and prunes', () => {
  it('is larger than the time that a prune waits for objections (section 4.9.5)', () => {
    const holdtimes = (r: Rig): number[] => r.sent.flatMap(({ message }) => (message.kind === 'join-prune' ? [message.holdtimeS] : []));
    const r = rig();
    r.hello(0, UP, { lanPruneDelay: { propagationMs: 32_767, overrideMs: 65_535, tracking: false } });
    r.jp(1, DOWN, [sg], []);
    r.run(0);
    expect(holdtimes(r)).toEqual([210]);
    const short = rig({ timers: { joinPruneS: 10 } });
    for (const from of [UP, '10.0.0.7'])
      short.hello(0, from, { lanPruneDelay: { propagationMs: 32_767, overrideMs: 65_535, tracking: false } });
    short.jp(1, DOWN, [sg], []);
    short.run(0);
    expect(holdtimes(short)).toEqual([99]);
  });
});

/** A router that has joined upstream, with another router beside it on interface 0. */
function upstream(source: PimSource, group: string): Rig {
  const r = rig();
  r.hello(0, '10.0.0.7');
  r.jp(1, DOWN, [source], [], group);
  r.run(1);
  r.said();
  return r;
}

/** The rendezvous point of all groups, by a bootstrap message. */
function learn(r: Rig, holdtimeS: number): void {
  const groups = [{ group: '224.0.0.0', maskLength: 4, bidirectional: false, count: 1, rps: [{ address: RP, holdtimeS, priority: 1 }] }];
  const message = { noForward: false, fragmentTag: 1, hashMaskLength: 30, priority: 64, bsr: RP, groups };
  r.pim.bootstrap.receive({ kind: 'bootstrap', ...message }, 0, UP);
}

const OVERRIDE = 2.5;
/** What is heard of others on the upstream link, and until when the next Join comes: at least, at most. */
const UPSTREAM: readonly (readonly [string, (r: Rig, source: PimSource, group: string) => void, number, number])[] = [
  ['nothing', () => undefined, 59, 59],
  ['See Join to RPF’', (r, s, g) => r.jp(0, '10.0.0.7', [s], [], g, UP), 66, 84],
  ['See Join to another', (r, s, g) => r.jp(0, '10.0.0.7', [s], [], g, '10.0.0.8'), 59, 59],
  ['See Prune to RPF’', (r, s, g) => r.jp(0, '10.0.0.7', [], [s], g, UP), 0, OVERRIDE],
  ['See Prune to another', (r, s, g) => r.jp(0, '10.0.0.7', [], [s], g, '10.0.0.8'), 59, 59],
  ['RPF’ GenID changes', (r) => r.hello(0, UP, { generationId: 8 }), 0, OVERRIDE],
];
const UPSTREAM_SG: typeof UPSTREAM = [
  ['See Prune(S,G,rpt) to RPF’', (r, _s, g) => r.jp(0, '10.0.0.7', [], [sgRpt], g, UP), 0, OVERRIDE],
  ['See Prune(*,G) to RPF’', (r, _s, g) => r.jp(0, '10.0.0.7', [], [star], g, UP), 0, OVERRIDE],
];

describe.each([
  ['(*,G) (section 4.5.4)', star, ASM, UPSTREAM],
  ['(S,G) (section 4.5.5)', sg, ASM, [...UPSTREAM, ...UPSTREAM_SG]],
] as const)('the upstream machine of %s', (_name, source, group, table) => {
  const name = source.wildcard ? '*' : S;

  it.each(table)('joined, at "%s"', (_event, happen, least, most) => {
    const r = upstream(source, group);
    happen(r, source, group);
    const leftS = (treeOf(r, source, group)!.joinTimer!.atNs - r.clock.nowNs) / NS_PER_S;
    expect(leftS).toBeGreaterThanOrEqual(least);
    expect(leftS).toBeLessThanOrEqual(most);
    r.run(leftS);
    expect(r.said()).toEqual([`0 join ${name}`]);
  });

  it('JoinDesired becomes false: a Prune', () => {
    const r = upstream(source, group);
    r.jp(1, DOWN, [], [source], group);
    r.run(0);
    expect(r.said()).toEqual([`0 prune ${name}`]);
    expect(treeOf(r, source, group)).toBeUndefined();
  });

  it('RPF’ changes, not due to an assert: a Join to the new and a Prune to the old one', () => {
    const r = upstream(source, group);
    r.hello(2, '10.0.2.1');
    r.world.routes.set(source.wildcard ? RP : S, { iface: 2, neighbour: '10.0.2.1', metric: 9, preference: 110 });
    r.pim.refreshAll();
    r.run(0);
    expect(r.said().sort()).toEqual([`0 prune ${name}`, `2 join ${name}`]);
  });

  it('RPF’ changes due to an assert: a Join to the winner within t_override, and no Prune', () => {
    const r = upstream(source, group);
    r.assert(0, '10.0.0.7', { group, rpt: source.wildcard, source: source.wildcard ? '0.0.0.0' : S });
    expect(treeOf(r, source, group)!.upNeighbour).toBe('10.0.0.7');
    r.run(0);
    expect(r.said()).toEqual([]);
    r.run(OVERRIDE);
    expect(r.said()).toEqual([`0 join ${name}`]);
  });
});

describe('the upstream machine of (*,G), when', () => {
  it('the rendezvous point is not known any more: a Prune to the old next hop, of no address', () => {
    const r = rig({ candidate: null, rps: [] });
    learn(r, 100);
    r.jp(1, DOWN, [star], [], ASM);
    r.run(1);
    expect(r.said()).toEqual(['0 join *']);
    r.run(100);
    expect(r.pim.rp(ASM)).toBe('');
    const prunes = r.sent.flatMap(({ message }) => (message.kind === 'join-prune' ? message.groups.flatMap((each) => each.prunes) : []));
    expect(prunes).toEqual([{ source: '0.0.0.0', wildcard: true, rpt: true }]);
  });
});

describe('neighbours (section 4.3)', () => {
  it('a Hello that waits goes out before the first Join to a new neighbour', () => {
    const r = rig();
    r.jp(1, DOWN, [sg], []);
    r.run(1);
    r.hello(0, UP, { holdtimeS: 0 });
    r.sent.length = 0;
    r.hello(0, UP);
    r.run(0);
    expect(r.sent.filter(({ iface }) => iface === 0).map(({ message }) => message.kind)).toEqual(['hello', 'join-prune']);
  });

  it('a next hop is known by the secondary addresses of its Hello too', () => {
    const r = rig();
    r.world.routes.set(S, { iface: 0, neighbour: '198.51.100.1', metric: 1, preference: 1 });
    r.jp(1, DOWN, [sg], []);
    r.run(0);
    expect(r.said()).toEqual([]);
    r.hello(0, UP, { addresses: ['198.51.100.1'] });
    r.pim.refreshAll();
    r.run(0);
    expect(r.pim.find(S, SSM)!.upNeighbour).toBe(UP);
    expect(r.said()).toEqual([`0 join ${S}`]);
  });
});
