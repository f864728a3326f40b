import { describe, expect, it } from 'vitest';
import type { PimAssert } from '../messages/index.ts';
import { ASM, RP, rig, S, sg, sgRpt, SSM, star, UP, type Rig } from './testing/rig.ts';

/** The tables of RFC 7761 sections 4.6.1 and 4.6.2. Interface 1 has other routers and is an outgoing one; the own metric is 110/10. */

const OTHER = '10.0.1.2';
const THIRD = '10.0.1.7';
const packet = new Uint8Array(20);

type State = 'NI' | 'W' | 'L';
type Kind = 'sg' | 'star';
interface Words {
  readonly better: Partial<PimAssert>;
  readonly worse: Partial<PimAssert>;
  readonly cancel: Partial<PimAssert>;
}

const NAMES: Readonly<Record<Kind, { readonly group: string; readonly base: Partial<PimAssert>; readonly said: string }>> = {
  sg: { group: SSM, base: { group: SSM, source: S, rpt: false }, said: S },
  star: { group: ASM, base: { group: ASM, source: '0.0.0.0', rpt: true }, said: '*' },
};

function words(kind: Kind): Words {
  const { base } = NAMES[kind];
  return {
    better: { ...base, metric: 5 },
    worse: { ...base, metric: 50 },
    cancel: { ...base, rpt: true, preference: 0x7fffffff, metric: 0xffffffff },
  };
}

const treeOf = (r: Rig, kind: Kind) => r.pim.find(kind === 'sg' ? S : '', NAMES[kind].group)!;
const data = (r: Rig, kind: Kind, iface: number): void => {
  r.pim.data(S, NAMES[kind].group, iface, packet);
};

/** A router that forwards a tree to interface 1, in a state of its assert machine. */
function at(state: State, kind: Kind): Rig {
  const r = rig();
  r.hello(1, OTHER);
  r.hello(1, THIRD);
  // Another link keeps it joined, so that the SPT bit stays when it loses.
  r.hello(2, '10.0.2.1');
  for (const iface of [1, 2]) r.jp(iface, `10.0.${iface}.1`, [kind === 'sg' ? sg : star], [], NAMES[kind].group);
  if (kind === 'sg') data(r, kind, 0);
  if (state === 'W') data(r, kind, 1);
  if (state === 'L') r.assert(1, OTHER, words(kind).better);
  r.run(1);
  r.said();
  return r;
}

const stateOf = (r: Rig, kind: Kind): State => {
  const state = treeOf(r, kind)?.assertOn(1);
  return state === undefined ? 'NI' : state.state === 'winner' ? 'W' : 'L';
};

type Happens = (r: Rig, kind: Kind) => void;
const hear =
  (what: keyof Words, from = OTHER): Happens =>
  (r, kind) => {
    r.assert(1, from, words(kind)[what]);
  };

/** State, event, next state, what is sent on the link. */
const TABLE: readonly (readonly [State, string, Happens, State, string[]])[] = [
  ['NI', 'Receive Inferior Assert and CouldAssert', hear('worse'), 'W', ['assert']],
  ['NI', 'Data arrives and CouldAssert', (r, kind) => data(r, kind, 1), 'W', ['assert']],
  ['NI', 'Receive Acceptable Assert and AssTrDes', hear('better'), 'L', []],
  ['NI', 'Receive AssertCancel', hear('cancel'), 'W', ['assert']],
  ['W', 'Data arrives', (r, kind) => data(r, kind, 1), 'W', []],
  ['W', 'Assert Timer expires', (r) => r.run(177), 'W', ['assert']],
  ['W', 'Receive Inferior Assert', hear('worse'), 'W', ['assert']],
  ['W', 'Receive Preferred Assert', hear('better'), 'L', []],
  [
    'W',
    'CouldAssert becomes FALSE',
    (r, kind) => {
      r.world.routes.set(kind === 'sg' ? S : RP, { iface: 1, neighbour: OTHER, metric: 1, preference: 1 });
      r.pim.refreshAll();
    },
    'NI',
    ['cancel'],
  ],
  ['L', 'Receive Preferred Assert', (r, kind) => r.assert(1, THIRD, { ...words(kind).better, metric: 1 }), 'L', []],
  ['L', 'Receive Acceptable Assert from Current Winner', (r, kind) => r.assert(1, OTHER, { ...words(kind).better, metric: 7 }), 'L', []],
  ['L', 'Receive Inferior Assert from another', hear('worse', THIRD), 'L', []],
  ['L', 'Receive Inferior Assert from Current Winner', hear('worse'), 'NI', []],
  ['L', 'Receive AssertCancel from Current Winner', hear('cancel'), 'NI', []],
  ['L', 'Data arrives', (r, kind) => data(r, kind, 1), 'L', []],
  ['L', 'Assert Timer expires', (r) => r.run(180), 'NI', []],
  ['L', 'Current Winner’s GenID changes', (r) => r.hello(1, OTHER, { generationId: 9 }), 'NI', []],
  ['L', 'Current Winner’s Neighbour Liveness Timer expires', (r) => r.hello(1, OTHER, { holdtimeS: 0 }), 'NI', []],
  [
    'L',
    'AssTrDes becomes FALSE',
    (r, kind) => {
      r.jp(1, '10.0.1.1', [], [kind === 'sg' ? sg : star], NAMES[kind].group);
      r.run(3.1);
    },
    'NI',
    [],
  ],
  [
    'L',
    'My metric becomes better than the winner’s',
    (r, kind) => {
      r.world.routes.set(kind === 'sg' ? S : RP, { iface: 0, neighbour: UP, metric: 1, preference: 110 });
      r.pim.refreshAll();
    },
    'NI',
    [],
  ],
  ['L', 'Receive Join on the interface', (r, kind) => r.jp(1, '10.0.1.1', [kind === 'sg' ? sg : star], [], NAMES[kind].group), 'NI', []],
];

describe.each([
  ['(S,G) (section 4.6.1)', 'sg'],
  ['(*,G) (section 4.6.2)', 'star'],
] as const)('the assert machine of %s', (_name, kind) => {
  it.each(TABLE)('in %s at "%s"', (state, _event, happen, next, said) => {
    const r = at(state, kind);
    expect(stateOf(r, kind)).toBe(state);
    happen(r, kind);
    expect(stateOf(r, kind)).toBe(next);
    const about = r.said().filter((each) => each.startsWith('1 assert') || each.startsWith('1 cancel'));
    expect(about).toEqual(said.map((each) => `1 ${each} ${NAMES[kind].said}`));
  });

  it('takes the link off its list as loser, and no longer when it is none', () => {
    const r = at('L', kind);
    const { olists } = r.pim;
    expect(olists.immediate(treeOf(r, kind))).toBe(0b100);
    hear('cancel')(r, kind);
    expect(olists.immediate(treeOf(r, kind))).toBe(0b110);
  });

  it('joins by the winner where the loser takes its own data from, until that is another interface', () => {
    const r = rig();
    r.hello(0, '10.0.0.7');
    r.jp(1, '10.0.1.1', [kind === 'sg' ? sg : star], [], NAMES[kind].group);
    r.assert(0, '10.0.0.7', words(kind).better);
    expect(treeOf(r, kind)).toMatchObject({ upNeighbour: '10.0.0.7', upIface: 0 });
    r.world.routes.set(kind === 'sg' ? S : RP, { iface: 2, neighbour: '10.0.2.1', metric: 1, preference: 1 });
    r.hello(2, '10.0.2.1');
    r.pim.refreshAll();
    expect(treeOf(r, kind)).toMatchObject({ upNeighbour: '10.0.2.1', upIface: 2, asserts: [] });
  });
});

describe('asserts of a source on a shared tree', () => {
  /** Forwards the shared tree to interface 1; of the source nothing is known. */
  function sharing(given: Parameters<typeof rig>[0] = {}): Rig {
    const r = rig(given);
    r.hello(1, OTHER);
    r.jp(1, '10.0.1.1', [star], [], ASM);
    r.run(1);
    r.said();
    return r;
  }
  const about = { group: ASM, source: S } as const;

  it('take that source off the link, and leave the others', () => {
    const r = sharing();
    r.assert(1, OTHER, { ...about, rpt: false });
    expect(r.pim.find(S, ASM)!.assertOn(1)!.state).toBe('loser');
    expect(r.pim.find('', ASM)!.asserts).toBeUndefined();
    expect(r.pim.olists.inheritedRpt(S, ASM)).toBe(0);
    expect(r.pim.olists.inheritedRpt('192.0.2.34', ASM)).toBe(0b010);
  });

  it('with the RPT bit are of the shared tree', () => {
    const r = sharing();
    r.assert(1, OTHER, { ...about, rpt: true });
    expect(r.pim.find('', ASM)!.assertOn(1)!.state).toBe('loser');
    expect(r.pim.find(S, ASM)).toBeUndefined();
  });

  it('with the RPT bit are answered by who forwards the source on its own tree (4.6.1)', () => {
    const r = sharing();
    r.hello(2, '10.0.2.1');
    r.world.routes.set(S, { iface: 2, neighbour: '10.0.2.1', metric: 10, preference: 110 });
    r.jp(1, '10.0.1.1', [sg], [], ASM);
    r.pim.data(S, ASM, 2, packet);
    r.said();
    r.assert(1, OTHER, { ...about, rpt: true, metric: 1 });
    expect(r.said()).toContain(`1 assert ${S}`);
    expect(r.pim.find('', ASM)!.asserts).toBeUndefined();
  });

  it('set the SPT bit where the joined source comes in (A6)', () => {
    const r = sharing();
    r.hello(0, '10.0.0.7');
    r.jp(1, '10.0.1.1', [sg], [], ASM);
    expect(r.pim.find(S, ASM)!.spt).toBe(false);
    r.assert(0, '10.0.0.7', { ...about, rpt: false });
    expect(r.pim.find(S, ASM)!.spt).toBe(true);
  });

  it('and a prune of the source from the shared tree goes to the winner (RPF’(S,G,rpt))', () => {
    const r = sharing();
    r.hello(0, '10.0.0.7');
    r.assert(0, '10.0.0.7', { ...about, rpt: false });
    r.run(0);
    r.sent.length = 0;
    r.jp(1, '10.0.1.1', [], [sgRpt], ASM);
    r.run(3.1);
    const prune = r.sent.find(({ iface, message }) => iface === 0 && message.kind === 'join-prune');
    expect(prune!.message).toMatchObject({ upstream: '10.0.0.7' });
  });

  it('the rendezvous point itself has the best metric', () => {
    const r = rig();
    r.world.own.add(RP);
    r.hello(1, OTHER);
    r.jp(1, '10.0.1.1', [star], [], ASM);
    r.assert(1, OTHER, { group: ASM, source: '0.0.0.0', rpt: true, preference: 1, metric: 1 });
    expect(r.pim.find('', ASM)!.assertOn(1)!.state).toBe('winner');
  });

  it('lost on the link that the data comes from leave the local receivers there to the designated router (lost_assert, 4.6.5)', () => {
    const r = rig({ any: 0b001 });
    r.hello(0, '10.0.0.3', { drPriority: 0 });
    r.hello(0, UP, { drPriority: 0 });
    r.pim.membershipChanged(ASM, []);
    expect(r.pim.find('', ASM)!.joined).toBe(true);
    r.assert(0, '10.0.0.3', { ...about, source: '0.0.0.0', rpt: true });
    const tree = r.pim.find('', ASM)!;
    expect(tree).toMatchObject({ joined: true, upNeighbour: '10.0.0.3' });
    expect(tree.assertOn(0)!.state).toBe('loser');
    r.run(30);
    expect(tree.assertOn(0)!.state).toBe('loser');
    expect(r.said().filter((each) => each.includes('prune'))).toEqual([]);
  });

  it('make the compound Join(*,G) prune the source where its winner is another than the neighbour (4.5.6)', () => {
    const r = sharing();
    r.hello(0, '10.0.0.7');
    r.assert(0, '10.0.0.7', { ...about, rpt: false });
    r.said();
    r.run(61);
    expect(r.said()).toEqual(expect.arrayContaining(['0 join *', `0 prune ${S} rpt`]));
  });

  it('that are over make the router ask the shared tree for the source again (4.5.7)', () => {
    const r = sharing();
    r.hello(0, '10.0.0.7');
    r.assert(0, '10.0.0.7', { ...about, rpt: false });
    r.run(1);
    r.said();
    r.assert(0, '10.0.0.7', { ...about, rpt: true, preference: 0x7fffffff, metric: 0xffffffff });
    r.run(2.6);
    expect(r.said()).toContain(`0 join ${S} rpt`);
  });

  it('with the RPT bit leave the shared tree alone where the source has a state that they do not change (4.6.2)', () => {
    const r = sharing();
    r.hello(1, THIRD);
    r.assert(1, OTHER, { ...about, rpt: false });
    expect(r.pim.find(S, ASM)!.assertOn(1)!.state).toBe('loser');
    r.assert(1, THIRD, { ...about, rpt: true, metric: 1 });
    expect(r.pim.find(S, ASM)!.assertOn(1)!.winner.address).toBe(OTHER);
    expect(r.pim.find('', ASM)!.asserts).toBeUndefined();
    // Without the source's state it is one of the shared tree.
    r.assert(1, OTHER, { ...about, rpt: true, preference: 0x7fffffff, metric: 0xffffffff });
    r.assert(1, THIRD, { ...about, rpt: true, metric: 1 });
    expect(r.pim.find('', ASM)!.assertOn(1)!.state).toBe('loser');
  });

  it('let no objection go to the winner: it need not be on the shared tree (4.5.7)', () => {
    const r = sharing();
    r.hello(0, '10.0.0.7');
    r.hello(0, '10.0.0.8');
    r.assert(0, '10.0.0.7', { ...about, rpt: false });
    r.run(1);
    r.said();
    r.jp(0, '10.0.0.8', [], [sgRpt], ASM, '10.0.0.7');
    r.run(2.6);
    expect(r.said()).toEqual([]);
  });

  it('of unknown neighbours do not count', () => {
    const r = sharing();
    r.assert(1, '10.0.1.99', { ...about, rpt: true });
    expect(r.pim.find('', ASM)!.asserts).toBeUndefined();
    expect(r.pim.counters.ignored).toBe(1);
  });

  it('of unknown neighbours count where the router is told so (4.6)', () => {
    const r = sharing({ trustsAsserts: true });
    r.assert(1, '10.0.1.99', { ...about, rpt: true });
    expect(r.pim.find('', ASM)!.asserts).toHaveLength(1);
    expect(r.pim.counters.ignored).toBe(0);
  });
});
