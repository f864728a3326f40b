import { describe, expect, it } from 'vitest';
import { NS_PER_S } from '../../base/index.ts';
import type { PimSource } from '../messages/index.ts';
import { ASM, rig, S, sg, sgRpt, star, UP, type Rig } from './testing/rig.ts';

/** Sources on the shared tree: the machines of (S,G,rpt), RFC 7761 sections 4.5.3, 4.5.6 and 4.5.7. Interface 1 is downstream, 0 upstream. */

const DOWN = '10.0.1.1';
const OVERRIDE = 2.5;

/** Messages of one source list each; the state after the end of the message. */
const RPT: readonly (readonly ['NI' | 'P' | 'PP', string, PimSource[], PimSource[], number, string])[] = [
  ['NI', 'Prune(S,G,rpt)', [], [sgRpt], 0, 'PP'],
  ['NI', 'Join(S,G,rpt)', [sgRpt], [], 0, 'NI'],
  ['NI', 'Join(*,G)', [star], [], 0, 'NI'],
  ['PP', 'Prune(S,G,rpt)', [], [sgRpt], 0, 'PP'],
  ['PP', 'Join(S,G,rpt)', [sgRpt], [], 0, 'NI'],
  ['PP', 'Join(*,G), then End of Message', [star], [], 0, 'NI'],
  ['PP', 'Join(*,G) and Prune(S,G,rpt)', [star], [sgRpt], 0, 'PP'],
  ['PP', 'Prune-Pending Timer expires', [], [], 3.01, 'P'],
  ['P', 'Prune(S,G,rpt)', [], [sgRpt], 0, 'P'],
  ['P', 'Join(S,G,rpt)', [sgRpt], [], 0, 'NI'],
  ['P', 'Join(*,G), then End of Message', [star], [], 0, 'NI'],
  ['P', 'Join(*,G) and Prune(S,G,rpt)', [star], [sgRpt], 0, 'P'],
  ['P', 'Expiry Timer expires', [], [], 211, 'NI'],
];

describe('the downstream machine of (S,G,rpt) (section 4.5.3)', () => {
  const state = (r: Rig): string => {
    const down = r.pim.find(S, ASM)?.rptDown?.find(({ iface }) => iface === 1);
    return down === undefined ? 'NI' : down.state === 'prune' ? 'P' : 'PP';
  };

  it.each(RPT)('in %s at %s', (from, _event, joins, prunes, seconds, next) => {
    const r = rig();
    r.hello(1, '10.0.1.2');
    r.jp(1, DOWN, [star], [], ASM);
    if (from !== 'NI') r.jp(1, DOWN, [], [sgRpt], ASM);
    if (from === 'P') r.run(3.01);
    expect(state(r)).toBe(from);
    if (joins.length + prunes.length > 0) r.jp(1, DOWN, joins, prunes, ASM);
    r.run(seconds);
    expect(state(r)).toBe(next);
    const shared = seconds > 210 ? 0 : 0b010;
    expect(r.pim.olists.inheritedRpt(S, ASM)).toBe(next === 'P' ? 0 : shared);
  });

  it.each([
    ['NI', [], 'starts', true],
    ['PP', [], 'leaves', false],
    ['PP', [star], 'restarts', true],
    ['P', [], 'restarts', true],
    ['P', [star], 'restarts', true],
  ] as const)('in %s, at a Prune(S,G,rpt) after %j, %s the expiry timer', (from, joins, _verb, restarts) => {
    const r = rig();
    r.hello(1, '10.0.1.2');
    r.jp(1, DOWN, [star], [], ASM);
    if (from !== 'NI') r.jp(1, DOWN, [], [sgRpt], ASM);
    const firstNs = r.clock.nowNs;
    r.run(from === 'P' ? 10 : 1);
    expect(state(r)).toBe(from);
    r.jp(1, DOWN, [...joins], [sgRpt], ASM);
    const { untilNs } = r.pim.find(S, ASM)!.rptDown![0]!;
    expect(untilNs).toBe((restarts ? r.clock.nowNs : firstNs) + 210 * NS_PER_S);
  });

  it('keeps a prune that waits for objections though its hold time is shorter, and ends it then', () => {
    const r = rig();
    r.hello(1, '10.0.1.2');
    r.jp(1, DOWN, [star], [], ASM);
    const groups = [{ group: ASM, maskLength: 32, joins: [], prunes: [sgRpt] }];
    r.pim.receive({ kind: 'join-prune', upstream: '10.0.1.5', holdtimeS: 1, groups }, 1, DOWN, '224.0.0.13');
    r.run(2);
    expect(state(r)).toBe('PP');
    r.run(1.1);
    expect(r.pim.find(S, ASM)).toBeUndefined();
  });
});

/** Wants the source on the shared tree, for routers behind interface 1. */
function sharing(): Rig {
  const r = rig();
  r.hello(0, '10.0.0.7');
  r.jp(1, DOWN, [star], [], ASM);
  r.run(1);
  r.said();
  return r;
}

describe('the upstream machine of (S,G,rpt) (section 4.5.7)', () => {
  const hear = (joins: PimSource[], prunes: PimSource[], to = UP) => {
    return (r: Rig): void => {
      r.jp(0, '10.0.0.7', joins, prunes, ASM, to);
    };
  };
  it.each([
    ['See Prune(S,G,rpt) to RPF’', [hear([], [sgRpt])], [`0 join ${S} rpt`]],
    ['See Prune(S,G) to RPF’', [hear([], [sg])], [`0 join ${S} rpt`]],
    ['See Prune(S,G,rpt) twice: one objection', [hear([], [sgRpt]), hear([], [sgRpt])], [`0 join ${S} rpt`]],
    ['See Prune(S,G,rpt) to another', [hear([], [sgRpt], '10.0.0.8')], []],
    ['See Join(S,G,rpt) to RPF’ after a Prune', [hear([], [sgRpt]), hear([sgRpt], [])], []],
  ] as const)('not pruned, at "%s"', (_event, events, said) => {
    const r = sharing();
    for (const happen of events) happen(r);
    r.run(OVERRIDE);
    expect(r.said()).toEqual(said);
    expect(r.pim.find(S, ASM)).toBeUndefined();
  });

  it('is pruned once nobody behind it wants the source, and joined again when somebody does', () => {
    const r = sharing();
    r.jp(1, DOWN, [], [sgRpt], ASM);
    r.run(0);
    expect(r.said()).toEqual([`0 prune ${S} rpt`]);
    // What is pruned is not objected to, and goes with every Join(*,G).
    hear([], [sgRpt])(r);
    r.run(59.5);
    expect(r.said().sort()).toEqual(['0 join *', `0 prune ${S} rpt`]);
    r.jp(1, DOWN, [sgRpt], [], ASM);
    r.run(0);
    expect(r.said()).toEqual([`0 join ${S} rpt`]);
  });

  it('goes with no Join(*,G) where the source comes from the same neighbour on its own tree (section 4.5.6)', () => {
    const r = sharing();
    r.hello(2, '10.0.2.1');
    r.jp(2, '10.0.2.1', [sg], [], ASM);
    r.pim.data(S, ASM, 0, new Uint8Array(20));
    expect(r.pim.find(S, ASM)!.spt).toBe(true);
    r.jp(1, DOWN, [], [sgRpt], ASM);
    r.run(0);
    r.said();
    r.run(60);
    expect(r.said().sort()).toEqual([`0 join ${S}`, '0 join *'].sort());
  });

  it('is pruned for receivers who refuse the source, before any data of it has come', () => {
    const r = rig({ any: 0b100 });
    r.pim.membershipChanged(ASM, []);
    r.run(0);
    r.said();
    r.world.exclude = 0b100;
    r.pim.membershipChanged(ASM, [S]);
    r.run(0);
    expect(r.said()).toEqual([`0 prune ${S} rpt`]);
    r.world.exclude = 0;
    r.pim.membershipChanged(ASM, []);
    r.run(0);
    expect(r.said()).toEqual([`0 join ${S} rpt`]);
    expect(r.pim.find(S, ASM)).toBeUndefined();
  });

  it('ends without a message when the shared tree is left', () => {
    const r = sharing();
    r.jp(1, DOWN, [], [sgRpt], ASM);
    r.run(0);
    r.said();
    r.jp(1, DOWN, [], [star], ASM);
    r.run(0);
    expect(r.said()).toEqual(['0 prune *']);
  });
});
