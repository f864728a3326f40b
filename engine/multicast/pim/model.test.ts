import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PimSource } from '../messages/index.ts';
import { ASM, RP, rig, SSM, star } from './testing/rig.ts';

/**
 * Random joins and prunes of two routers on each of two links, against a model that knows only who wants what now. Routers object to prunes of
 * their neighbours, as PIM has it.
 */

const SOURCES = ['192.0.2.33', '192.0.2.34'];
const ROUTERS = [
  [1, '10.0.1.1'],
  [1, '10.0.1.2'],
  [2, '10.0.2.1'],
  [2, '10.0.2.2'],
] as const;

/** What is joined: `*` for the shared tree, or the place of a source. */
const step = fc.record({
  router: fc.nat({ max: ROUTERS.length - 1 }),
  what: fc.constantFrom<'*' | number>('*', 0, 1),
  join: fc.boolean(),
  seconds: fc.constantFrom(0, 0.1, 1, 4, 40),
});

const sourceOf = (what: '*' | number): PimSource => (what === '*' ? star : { source: SOURCES[what]!, wildcard: false, rpt: false });

describe('random joins and prunes', () => {
  it('end in the trees, lists and upstream joins that a simple model has', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(ASM, SSM), (steps, group) => {
        const r = rig();
        for (const source of SOURCES) r.world.routes.set(source, r.world.routes.get(RP)!);
        for (const [iface, address] of ROUTERS) r.hello(iface, address);
        r.run(1);
        const wanted = new Set<string>();
        const key = (router: number, what: '*' | number): string => `${router} ${what}`;
        /** Joins seen upstream that no prune has followed. */
        const joined = new Set<string>();
        const listen = (): void => {
          for (const words of r.said()) {
            const [iface, kind, name, rpt] = words.split(' ');
            if (iface !== '0' || rpt === 'rpt') continue;
            if (kind === 'join') joined.add(name!);
            else joined.delete(name!);
          }
        };
        for (const { router, what, join, seconds } of steps) {
          if (what === '*' && group === SSM) continue;
          const [iface, from] = ROUTERS[router]!;
          if (join) wanted.add(key(router, what));
          else wanted.delete(key(router, what));
          r.jp(iface, from, join ? [sourceOf(what)] : [], join ? [] : [sourceOf(what)], group);
          // The others of the link that still want it object.
          if (!join) {
            for (const [other, [link, address]] of ROUTERS.entries())
              if (link === iface && wanted.has(key(other, what))) r.jp(link, address, [sourceOf(what)], [], group);
          }
          r.run(seconds);
          listen();
          for (const each of wanted) {
            const [other, name] = each.split(' ');
            const [link, address] = ROUTERS[Number(other)]!;
            if (seconds >= 40) r.jp(link, address, [sourceOf(name === '*' ? '*' : Number(name))], [], group);
          }
        }
        r.run(4);
        listen();
        for (const what of group === SSM ? ([0, 1] as const) : (['*', 0, 1] as const)) {
          const mask = ROUTERS.reduce((bits, [iface], router) => (wanted.has(key(router, what)) ? bits | (1 << iface) : bits), 0);
          const tree = r.pim.find(what === '*' ? '' : SOURCES[what]!, group);
          expect(tree?.joins ?? 0, `${what}`).toBe(mask);
          expect(tree?.joined ?? false, `${what}`).toBe(mask !== 0);
          expect(joined.has(what === '*' ? '*' : SOURCES[what]!), `${what} upstream`).toBe(mask !== 0);
          if (what === '*') continue;
          const shared = group === SSM ? 0 : ROUTERS.reduce((bits, [iface], router) => (wanted.has(key(router, '*')) ? bits | (1 << iface) : bits), 0); // prettier-ignore
          expect(r.pim.olists.inheritedRpt(SOURCES[what]!, group)).toBe(shared);
          if (tree !== undefined) expect(r.pim.olists.inherited(tree)).toBe(shared | mask);
        }
        // When all have left, or their joins have run out, nothing stays.
        r.run(215);
        expect(r.pim.groups.size).toBe(0);
        expect(r.pim.counters.trees).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
