import { describe, expect, it } from 'vitest';
import { ASM, RP, rig, S, sg, sgRpt, star, UP, type Rig } from './testing/rig.ts';

/** Data by the rules of RFC 7761 section 4.2. The rendezvous point is behind interface 0 over UP, routers that join behind 1 and 2. */

const packet = new Uint8Array(20);
const OTHER = '10.0.0.7';

/** A router whose source is behind `iface` over `neighbour`, with joins of these on interface 1. */
function joined(joins: readonly (typeof sg)[], iface: number, neighbour: string): Rig {
  const r = rig();
  r.hello(0, OTHER);
  r.hello(2, '10.0.2.1');
  r.world.routes.set(S, { iface, neighbour, metric: 10, preference: 110 });
  if (joins.length > 0) r.jp(1, '10.0.1.1', [...joins], [], ASM);
  return r;
}

describe('the SPT bit (4.2.2)', () => {
  it.each<readonly [string, readonly (typeof sg)[], number, string, (r: Rig) => void, boolean]>([
    ['the source is on a link of the router', [star, sg], 0, '', () => undefined, true],
    ['it comes by another interface than the shared tree', [star, sg], 2, '10.0.2.1', () => undefined, true],
    ['nobody wants it from the shared tree', [star, sg], 0, OTHER, (r) => r.jp(1, '10.0.1.1', [], [sgRpt], ASM), true],
    ['there is no shared tree', [sg], 0, OTHER, () => undefined, true],
    ['both trees have the same neighbour', [star, sg], 0, UP, () => undefined, true],
    ['an assert about it was lost there', [star, sg], 0, UP, (r) => r.assert(0, OTHER, { group: ASM }), true],
    ['none of these: it may be the shared tree that brings it', [star, sg], 0, OTHER, () => undefined, false],
    ['the source is not joined', [star], 0, UP, () => undefined, false],
    ['it comes on another interface', [star, sg], 2, '10.0.2.1', (r) => r.world.routes.set(S, { iface: 1, neighbour: '10.0.1.1', metric: 1, preference: 1 }), false], // prettier-ignore
  ])('with data of a source when %s', (_name, joins, iface, neighbour, before, spt) => {
    const r = joined(joins, iface, neighbour);
    before(r);
    r.pim.data(S, ASM, iface, packet);
    expect(r.pim.find(S, ASM)?.spt ?? false).toBe(spt);
  });

  it('is cleared when the source is not wanted any more', () => {
    const r = joined([sg], 2, '10.0.2.1');
    r.pim.data(S, ASM, 2, packet);
    const tree = r.pim.find(S, ASM)!;
    expect(tree.spt).toBe(true);
    r.jp(1, '10.0.1.1', [], [sg], ASM);
    expect(tree.spt).toBe(false);
  });
});

describe('where data goes (4.2)', () => {
  it.each<readonly [string, readonly (typeof sg)[], number, number, boolean, boolean, number]>([
    ['on the shared tree', [star], 0, 2, false, true, 0b010],
    ['on the shared tree, from the interface of the source', [star], 2, 2, false, false, 0],
    ['on the source tree before its first packet', [star, sg], 0, 2, false, true, 0b010],
    ['on the source tree', [star, sg], 2, 2, true, true, 0b010],
    ['on the shared tree after that', [star, sg], 0, 2, true, false, 0],
    ['back out of where it came in', [star, sg], 1, 2, true, false, 0],
    ['of nobody', [], 0, 2, false, false, 0],
  ])('%s', (_name, joins, iface, towards, spt, accepted, olist) => {
    const r = joined(joins, towards, '10.0.2.1');
    if (spt) r.pim.data(S, ASM, towards, packet);
    expect(r.pim.data(S, ASM, iface, packet)).toMatchObject({ accepted, olist });
  });

  it('keeps a joined source alive by what comes from its own direction, not by the shared tree', () => {
    const r = joined([star, sg], 2, '10.0.2.1');
    r.pim.data(S, ASM, 0, packet);
    expect(r.pim.find(S, ASM)!.keepalive).toBeUndefined();
    r.pim.data(S, ASM, 2, packet);
    expect(r.pim.find(S, ASM)!.keepaliveUntilNs - r.clock.nowNs).toBe(210e9);
  });
});

describe('the change to the source tree (4.2.1)', () => {
  it.each([
    ['local receivers of any source', { any: 0b100 }, true],
    ['local receivers who refuse it', { any: 0b100, exclude: 0b100 }, false],
    ['routers downstream alone', {}, false],
    ['local receivers, and the policy never', { any: 0b100, spt: false }, false],
  ] as const)('with %s', (_name, given, changes) => {
    const r = rig(given);
    r.hello(2, '10.0.2.1', { drPriority: 0 });
    r.world.routes.set(S, { iface: 0, neighbour: UP, metric: 10, preference: 110 });
    r.jp(1, '10.0.1.1', [star], [], ASM);
    r.pim.membershipChanged(ASM, []);
    r.pim.data(S, ASM, 0, packet);
    expect(r.pim.find(S, ASM)?.joined ?? false).toBe(changes);
    expect(r.pim.rp(ASM)).toBe(RP);
  });
});
