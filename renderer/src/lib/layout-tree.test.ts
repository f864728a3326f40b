import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  activate,
  arrange,
  equalise,
  fairShares,
  insertBeside,
  insertTab,
  isLayout,
  move,
  normalise,
  remove,
  renumber,
  resize,
  split,
  stack,
  stacksOf,
  stackWith,
  zoneAt,
  type DropZone,
  type LayoutNode,
} from './layout-tree.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];
const tabsOf = (node: LayoutNode | null): string[] => stacksOf(node).flatMap((one) => one.tabs);

function sample(): LayoutNode {
  return split('row', [
    [3, split('column', [[1, stack(['a', 'b'])], [1, stack(['c'])]])],
    [1, stack(['d', 'e'], 'e')],
  ]); // prettier-ignore
}

/** Applies random changes; every tree must stay sound. */
const change = fc.record({
  panel: fc.constantFrom(...ids),
  at: fc.nat(10),
  zone: fc.constantFrom<DropZone>('centre', 'left', 'right', 'top', 'bottom'),
  index: fc.option(fc.nat(5), { nil: undefined }),
  close: fc.boolean(),
});

function checkSound(tree: LayoutNode): void {
  const tabs = tabsOf(tree);
  expect(new Set(tabs).size).toBe(tabs.length);
  const visit = (node: LayoutNode): void => {
    if (node.kind === 'stack') {
      expect(node.tabs).toContain(node.active);
      return;
    }
    expect(node.children.length).toBeGreaterThan(1);
    expect(node.sizes.length).toBe(node.children.length);
    expect(node.sizes.reduce((sum, size) => sum + size, 0)).toBeCloseTo(1, 6);
    for (const child of node.children) {
      if (child.kind === 'split') expect(child.axis).not.toBe(node.axis);
      visit(child);
    }
  };
  visit(tree);
}

describe('layout tree', () => {
  it('stays sound under any sequence of moves and closes, and loses no panel by moving', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        let tree: LayoutNode | null = sample();
        const open = new Set(ids);
        for (const { panel, at, zone, index, close } of changes) {
          if (tree === null) break;
          const stacks = stacksOf(tree);
          if (close) {
            tree = remove(tree, panel);
            open.delete(panel);
          } else {
            const target: string = stacks[at % stacks.length]?.id ?? '';
            tree = move(tree, panel, target, zone, index);
          }
          if (tree !== null) checkSound(tree);
          expect(new Set(tabsOf(tree))).toEqual(open);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('arranges stacks without overlap, inside the area, with the gap between them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 3_000 }), fc.integer({ min: 200, max: 2_000 }), (width, height) => {
        const { stacks, splitters } = arrange(sample(), { x: 0, y: 0, width, height }, 8);
        const rects = [...stacks.values()];
        expect(rects.length).toBe(3);
        expect(splitters.length).toBe(2);
        const area = rects.reduce((sum, rect) => sum + rect.width * rect.height, 0);
        const gaps = splitters.reduce((sum, { rect }) => sum + rect.width * rect.height, 0);
        expect(area + gaps).toBe(width * height);
      }),
    );
  });

  it('gives every stack what it needs while there is room, and nobody less than the others where there is not', () => {
    const needs = fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 500 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(needs, fc.integer({ min: 1, max: 3_000 }), (parts, length) => {
        const total = parts.reduce((sum, [share]) => sum + share, 0);
        const shares = parts.map(([share]) => share / total);
        const least = parts.map(([, need]) => need);
        const need = least.reduce((sum, one) => sum + one, 0);
        const given = fairShares(shares, least, length);
        expect(given.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 6);
        given.forEach((share, i) => {
          const wanted = least[i] ?? 0;
          if (need <= length) expect(share * length).toBeGreaterThanOrEqual(wanted - 1e-6);
          else expect(share).toBeCloseTo(wanted / need, 6);
        });
      }),
    );
    expect(fairShares([0.5, 0.5], [100, 100], 1_000)).toEqual([0.5, 0.5]);
    expect(fairShares([0.9, 0.1], [100, 300], 1_000)).toEqual([0.7, 0.3]);
  });

  it('arranges to the least sizes, also inside a split, and drags no further', () => {
    const tree = sample();
    const least = (): { width: number; height: number } => ({ width: 300, height: 150 });
    const { stacks, splitters } = arrange(tree, { x: 0, y: 0, width: 708, height: 320 }, 8, least);
    for (const rect of stacks.values()) {
      expect(rect.width).toBeGreaterThanOrEqual(300);
      expect(rect.height).toBeGreaterThanOrEqual(150);
    }
    const across = splitters.find((one) => one.splitId === tree.id);
    const dragged = resize(tree, tree.id, 0, 1, across);
    expect(dragged.kind === 'split' && dragged.sizes.map((size) => Math.round(size * 700))).toEqual([400, 300]);
  });

  it('activates, inserts beside and into, and puts a dropped tab where it was dropped', () => {
    const tree = sample();
    expect(stackWith(activate(tree, 'b'), 'b')?.active).toBe('b');
    const right = stackWith(tree, 'd')?.id ?? '';
    expect(stackWith(insertTab(tree, 'x', right, 0), 'x')?.tabs).toEqual(['x', 'd', 'e']);
    expect(tabsOf(insertBeside(tree, 'x', right, 'left'))).toEqual(['a', 'b', 'c', 'x', 'd', 'e']);
    const left = stackWith(tree, 'a')?.id ?? '';
    expect(stackWith(move(tree, 'a', left, 'centre', 2), 'a')?.tabs).toEqual(['b', 'a']);
    expect(stackWith(move(tree, 'e', left, 'centre', 1), 'e')?.tabs).toEqual(['a', 'e', 'b']);
  });

  it('leaves a stack of one alone when its only tab is dropped on itself', () => {
    const tree = sample();
    const own = stackWith(tree, 'c')?.id ?? '';
    expect(move(tree, 'c', own, 'left')).toBe(tree);
  });

  it('resizes between neighbours, no smaller than the least share, and makes them equal again', () => {
    const tree = sample();
    const wider = resize(tree, tree.id, 0, 0.1);
    expect(wider.kind === 'split' && wider.sizes).toEqual([0.85, 0.15].map((size) => expect.closeTo(size, 6) as number));
    const most = resize(tree, tree.id, 0, 5);
    expect(most.kind === 'split' && most.sizes[1]).toBeCloseTo(0.08, 6);
    const equal = equalise(most, tree.id, 0);
    expect(equal.kind === 'split' && equal.sizes).toEqual([0.5, 0.5]);
  });

  it('accepts what it stored and refuses what it did not', () => {
    const tree = sample();
    const stored: unknown = JSON.parse(JSON.stringify(tree));
    expect(isLayout(stored)).toBe(true);
    expect(isLayout({ kind: 'stack', id: 'x', tabs: ['a', 'a'], active: 'a' })).toBe(false);
    expect(isLayout({ kind: 'split', id: 'x', axis: 'row', sizes: [1], children: [] })).toBe(false);
    expect(isLayout({ kind: 'split', id: 'x', axis: 'row', sizes: [-1], children: [stack(['a'])] })).toBe(false);
    expect(isLayout('row')).toBe(false);
    expect(isLayout(null)).toBe(false);
    const fresh = renumber(tree);
    expect(tabsOf(fresh)).toEqual(tabsOf(tree));
    expect(fresh.id).not.toBe(tree.id);
    expect(normalise(stack([]))).toBeNull();
  });

  it('splits at the edges of a stack and adds a tab in its middle and on its head', () => {
    const rect = { x: 0, y: 0, width: 400, height: 400 };
    expect(zoneAt(rect, 10, 200, 32)).toBe('left');
    expect(zoneAt(rect, 390, 200, 32)).toBe('right');
    expect(zoneAt(rect, 200, 390, 32)).toBe('bottom');
    expect(zoneAt(rect, 200, 60, 32)).toBe('top');
    expect(zoneAt(rect, 200, 200, 32)).toBe('centre');
    expect(zoneAt(rect, 10, 10, 32)).toBe('centre');
  });
});
