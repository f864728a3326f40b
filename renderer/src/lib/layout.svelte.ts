import { getContext, setContext } from 'svelte';
import {
  activate,
  equalise,
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
  type DropZone,
  type LayoutNode,
  type Size,
  type Splitter,
  type Stack,
} from './layout-tree.ts';
import { forget, recall, remember } from './memory.ts';
import type { PanelDefinition, PanelHome } from './panel.ts';

/** Wide: everything side by side. Medium: the inspector is a tab. Narrow: one view at a time. */
export type WidthClass = 'wide' | 'medium' | 'narrow';
export const WIDE_FROM_PX = 1_200;
export const MEDIUM_FROM_PX = 900;

const VERSION = 1;

interface Remembered {
  readonly wide: LayoutNode | null;
  readonly medium: LayoutNode | null;
  /** Panels that existed when it was stored: one that is newer opens at its home instead of being lost. */
  readonly known: readonly string[];
}

function isRemembered(value: unknown): value is Remembered {
  if (typeof value !== 'object' || value === null || !('wide' in value) || !('medium' in value) || !('known' in value)) return false;
  const tree = (node: unknown): boolean => node === null || isLayout(node);
  return tree(value.wide) && tree(value.medium) && Array.isArray(value.known);
}

/** The layout of the working area: one tree for wide windows, one for medium ones, and the single view of narrow ones. */
export class Layout {
  readonly panels: readonly PanelDefinition[];
  width = $state<WidthClass>('wide');
  wide = $state.raw<LayoutNode | null>(null);
  medium = $state.raw<LayoutNode | null>(null);
  /** The view shown in a narrow window. */
  single = $state('');
  /** Panel whose stack fills the working area for now. */
  maximised = $state<string | null>(null);
  /** Panel that last had the focus. */
  focused = $state<string | null>(null);

  readonly tree: LayoutNode | null = $derived.by(() => {
    if (this.width === 'narrow') return this.single === '' ? null : stack([this.single]);
    const tree = this.width === 'wide' ? this.wide : this.medium;
    const front = this.maximised === null ? null : stackWith(tree, this.maximised);
    return front ?? tree;
  });
  readonly visible: ReadonlySet<string> = $derived(new Set(stacksOf(this.tree).map((one) => one.active)));

  constructor(panels: readonly PanelDefinition[]) {
    this.panels = panels;
    const stored = recall('layout', VERSION, isRemembered);
    this.wide = stored === null ? this.#default('wide') : this.#reconcile(stored.wide, stored.known, 'wide');
    this.medium = stored === null ? this.#default('medium') : this.#reconcile(stored.medium, stored.known, 'medium');
    this.single = panels.find((panel) => panel.id === 'packets')?.id ?? panels[0]?.id ?? '';
  }

  setWindowWidth(px: number): void {
    this.width = px >= WIDE_FROM_PX ? 'wide' : px >= MEDIUM_FROM_PX ? 'medium' : 'narrow';
  }

  definition(id: string): PanelDefinition | undefined {
    return this.panels.find((panel) => panel.id === id);
  }

  /** Least size of a stack's content: what the neediest of its views needs. */
  least(stack: Stack): Size {
    const panels = stack.tabs.map((id) => this.definition(id));
    return {
      width: Math.max(0, ...panels.map((panel) => panel?.minWidth ?? 0)),
      height: Math.max(0, ...panels.map((panel) => panel?.minHeight ?? 0)),
    };
  }

  isOpen(id: string): boolean {
    return this.width === 'narrow' ? this.single === id : stackWith(this.#current(), id) !== null;
  }

  /** Brings a panel to the front, opening it at its home if it is closed. */
  show(id: string): void {
    const panel = this.definition(id);
    if (panel === undefined) return;
    if (this.width === 'narrow') {
      this.single = id;
      return;
    }
    if (this.maximised !== null && this.maximised !== id) this.maximised = null;
    const tree = this.#current();
    this.#set(stackWith(tree, id) === null ? this.#place(tree, panel, this.width) : activate(tree ?? stack([id]), id));
  }

  close(id: string): void {
    const tree = this.#current();
    if (tree === null || this.width === 'narrow') return;
    if (this.maximised === id) this.maximised = null;
    this.#set(remove(tree, id));
  }

  move(id: string, stackId: string, zone: DropZone, index?: number): void {
    const tree = this.#current();
    if (tree !== null) this.#set(move(tree, id, stackId, zone, index));
  }

  /** Moves a panel to the stack after (or before) its own, for the keyboard. */
  moveToNeighbour(id: string, direction: 1 | -1): void {
    const tree = this.#current();
    const stacks = stacksOf(tree);
    const at = stacks.findIndex((one) => one.tabs.includes(id));
    const target = stacks[(at + direction + stacks.length) % stacks.length];
    if (at >= 0 && target !== undefined) this.move(id, target.id, 'centre');
  }

  /** Splits a panel off its own stack, for the keyboard. */
  splitOff(id: string, zone: Exclude<DropZone, 'centre'>): void {
    const own = stackWith(this.#current(), id);
    if (own !== null) this.move(id, own.id, zone);
  }

  /** Moves a splitter as it is drawn by a share of its split. */
  resize(splitter: Splitter, delta: number): void {
    const tree = this.#current();
    if (tree !== null) this.#set(resize(tree, splitter.splitId, splitter.index, delta, splitter));
  }

  equalise(splitId: string, index: number): void {
    const tree = this.#current();
    if (tree !== null) this.#set(equalise(tree, splitId, index));
  }

  toggleMaximised(id: string): void {
    this.maximised = this.maximised === id ? null : id;
  }

  reset(): void {
    forget('layout');
    this.maximised = null;
    this.wide = this.#default('wide');
    this.medium = this.#default('medium');
  }

  #current(): LayoutNode | null {
    return this.width === 'medium' ? this.medium : this.wide;
  }

  #set(tree: LayoutNode | null): void {
    if (this.width === 'medium') this.medium = tree;
    else this.wide = tree;
    const known = this.panels.map((panel) => panel.id);
    remember('layout', VERSION, { wide: this.wide, medium: this.medium, known } satisfies Remembered);
  }

  #default(width: 'wide' | 'medium'): LayoutNode | null {
    let tree: LayoutNode | null = null;
    const open = this.panels.filter((panel) => panel.open);
    const at = (home: PanelHome): string[] => open.filter((panel) => panel.home === home).map((panel) => panel.id);
    const top = [at('top'), at('top-right')].filter((ids) => ids.length > 0);
    const bottomLeft = width === 'wide' ? at('bottom') : [...at('bottom'), ...at('right')];
    const bottom = [bottomLeft, at('bottom-right')].filter((ids) => ids.length > 0);
    const row = (groups: string[][]): LayoutNode | null =>
      groups.length === 0 ? null : split('row', groups.map((ids, i) => [i === 0 ? 0.58 : 0.42, stack(ids)] as const)); // prettier-ignore
    const rows = [row(top), row(bottom)].filter((part) => part !== null);
    if (rows.length > 0)
      tree = split(
        'column',
        rows.map((part, i) => [i === 0 && rows.length > 1 ? 0.53 : 0.47, part] as const),
      );
    if (width === 'wide' && at('right').length > 0) {
      const right = stack(at('right'));
      tree = tree === null ? right : split('row', [[0.75, tree], [0.25, right]]); // prettier-ignore
    }
    return tree === null ? null : normalise(tree);
  }

  /** Opens a closed panel where its home is: as a tab beside panels of the same home, or at the edge of the area. */
  #place(tree: LayoutNode | null, panel: PanelDefinition, width: WidthClass): LayoutNode {
    if (tree === null) return stack([panel.id]);
    const home: PanelHome = width === 'medium' && panel.home === 'right' ? 'bottom' : panel.home;
    const neighbours = this.panels.filter(
      (other) => other.home === home || (width === 'medium' && home === 'bottom' && other.home === 'right'),
    );
    const beside = neighbours.map((other) => stackWith(tree, other.id)).find((found) => found !== null);
    if (beside !== undefined && beside !== null) return insertTab(tree, panel.id, beside.id);
    const stacks = stacksOf(tree);
    const target = home === 'top' || home === 'top-right' ? stacks[0] : stacks[stacks.length - 1];
    if (target === undefined) return stack([panel.id]);
    const zone = { top: 'top', 'top-right': 'right', bottom: 'bottom', 'bottom-right': 'right', right: 'right' } as const;
    return insertBeside(tree, panel.id, target.id, zone[home]);
  }

  /** A stored tree may name panels that are gone, and lack panels that are new. */
  #reconcile(stored: LayoutNode | null, known: readonly string[], width: 'wide' | 'medium'): LayoutNode | null {
    let tree = stored === null ? null : renumber(stored);
    for (const id of stacksOf(tree).flatMap((one) => one.tabs)) {
      if (tree !== null && this.definition(id) === undefined) tree = remove(tree, id);
    }
    for (const panel of this.panels) {
      if (panel.open && !known.includes(panel.id)) tree = this.#place(tree, panel, width);
    }
    return tree === null ? this.#default(width) : normalise(tree);
  }
}

const LAYOUT = Symbol('ringside layout');

export function provideLayout(layout: Layout): Layout {
  return setContext(LAYOUT, layout);
}

export function useLayout(): Layout {
  return getContext<Layout>(LAYOUT);
}
