/**
 * The dock as a value: a tree of splits whose leaves are stacks of tabs. All functions are pure and return new trees, so that a
 * layout can be stored, tested and undone; rectangles are computed from it and drawn flat, so that moving a panel never
 * re-creates it (a terminal keeps its shell, a list its place).
 */

export interface Stack {
  readonly kind: 'stack';
  readonly id: string;
  /** Panel ids, in the order of the tabs; never empty in a normal tree. */
  readonly tabs: readonly string[];
  readonly active: string;
}

export interface Split {
  readonly kind: 'split';
  readonly id: string;
  /** `row`: children stand side by side. */
  readonly axis: 'row' | 'column';
  /** Shares of the children, adding up to 1. */
  readonly sizes: readonly number[];
  readonly children: readonly LayoutNode[];
}

export type LayoutNode = Stack | Split;
export type DropZone = 'centre' | 'left' | 'right' | 'top' | 'bottom';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Splitter {
  readonly splitId: string;
  /** Lies between children `index` and `index + 1`. */
  readonly index: number;
  readonly axis: 'row' | 'column';
  readonly rect: Rect;
  /** Share of the children before it, for the separator's value. */
  readonly before: number;
  /** Length of the split along its axis without gaps, px. */
  readonly lengthPx: number;
  /** Shares as they are drawn, and what each child needs at least, px. */
  readonly sizes: readonly number[];
  readonly needs: readonly number[];
}

/** No pane gets smaller than this share of its split, whatever is dragged. */
export const MIN_SHARE = 0.08;

let nextId = 1;
const freshId = (): string => `n${String(nextId++)}`;

export function stack(tabs: readonly string[], active = tabs[0] ?? ''): Stack {
  return { kind: 'stack', id: freshId(), tabs, active };
}

export function split(axis: Split['axis'], parts: readonly (readonly [number, LayoutNode])[]): LayoutNode {
  const total = parts.reduce((sum, [share]) => sum + share, 0);
  return { kind: 'split', id: freshId(), axis, sizes: parts.map(([share]) => share / total), children: parts.map(([, node]) => node) };
}

export function stacksOf(node: LayoutNode | null): Stack[] {
  if (node === null) return [];
  return node.kind === 'stack' ? [node] : node.children.flatMap(stacksOf);
}

export function stackWith(node: LayoutNode | null, panel: string): Stack | null {
  return stacksOf(node).find((candidate) => candidate.tabs.includes(panel)) ?? null;
}

function map(node: LayoutNode, change: (node: LayoutNode) => LayoutNode): LayoutNode {
  const inner = node.kind === 'split' ? { ...node, children: node.children.map((child) => map(child, change)) } : node;
  return change(inner);
}

/** Removes empty stacks, splits of one, and splits inside a split of the same axis. Null when nothing is left. */
export function normalise(node: LayoutNode): LayoutNode | null {
  if (node.kind === 'stack') {
    if (node.tabs.length === 0) return null;
    return node.tabs.includes(node.active) ? node : { ...node, active: node.tabs[0] ?? '' };
  }
  const parts: [number, LayoutNode][] = [];
  node.children.forEach((child, i) => {
    const clean = normalise(child);
    const share = node.sizes[i] ?? 0;
    if (clean === null) return;
    if (clean.kind === 'split' && clean.axis === node.axis) {
      clean.children.forEach((grandchild, j) => parts.push([share * (clean.sizes[j] ?? 0), grandchild]));
    } else {
      parts.push([share, clean]);
    }
  });
  const only = parts[0];
  if (only === undefined) return null;
  if (parts.length === 1) return only[1];
  const total = parts.reduce((sum, [share]) => sum + share, 0);
  return {
    ...node,
    sizes: parts.map(([share]) => (total > 0 ? share / total : 1 / parts.length)),
    children: parts.map(([, child]) => child),
  };
}

export function activate(node: LayoutNode, panel: string): LayoutNode {
  return map(node, (n) => (n.kind === 'stack' && n.tabs.includes(panel) ? { ...n, active: panel } : n));
}

export function remove(node: LayoutNode, panel: string): LayoutNode | null {
  const without = map(node, (n) => {
    if (n.kind !== 'stack' || !n.tabs.includes(panel)) return n;
    const at = n.tabs.indexOf(panel);
    const tabs = n.tabs.filter((tab) => tab !== panel);
    return { ...n, tabs, active: n.active === panel ? (tabs[Math.min(at, tabs.length - 1)] ?? '') : n.active };
  });
  return normalise(without);
}

/** Puts a panel into a stack as a tab, before `index`, and in front. The panel must not be in the tree. */
export function insertTab(node: LayoutNode, panel: string, stackId: string, index = Number.MAX_SAFE_INTEGER): LayoutNode {
  return map(node, (n) => {
    if (n.kind !== 'stack' || n.id !== stackId) return n;
    const at = Math.max(0, Math.min(index, n.tabs.length));
    return { ...n, tabs: [...n.tabs.slice(0, at), panel, ...n.tabs.slice(at)], active: panel };
  });
}

/** Halves a stack and puts a panel on the side named. The panel must not be in the tree. */
export function insertBeside(node: LayoutNode, panel: string, stackId: string, zone: Exclude<DropZone, 'centre'>): LayoutNode {
  const axis = zone === 'left' || zone === 'right' ? 'row' : 'column';
  const first = zone === 'left' || zone === 'top';
  const grown = map(node, (n) => {
    if (n.kind !== 'stack' || n.id !== stackId) return n;
    const added = stack([panel]);
    return split(axis, first ? [[1, added], [1, n]] : [[1, n], [1, added]]); // prettier-ignore
  });
  return normalise(grown) ?? stack([panel]);
}

/** Moves a panel within the tree. Dropping the only tab of a stack beside or into that same stack changes nothing. */
export function move(node: LayoutNode, panel: string, stackId: string, zone: DropZone, index?: number): LayoutNode {
  const from = stackWith(node, panel);
  if (from === null) return node;
  if (from.id === stackId && from.tabs.length === 1) return node;
  const goesRight = zone === 'centre' && from.id === stackId && index !== undefined && from.tabs.indexOf(panel) < index;
  const without = remove(node, panel);
  if (without === null) return node;
  if (zone === 'centre') return insertTab(without, panel, stackId, goesRight ? index - 1 : index);
  return insertBeside(without, panel, stackId, zone);
}

/**
 * Moves the splitter after child `index` by a share of the split. With `drawn`, it moves from the sizes on screen, and no further than
 * the neighbours' needs allow.
 */
export function resize(
  node: LayoutNode,
  splitId: string,
  index: number,
  delta: number,
  drawn?: Pick<Splitter, 'sizes' | 'needs' | 'lengthPx'>,
): LayoutNode {
  return map(node, (n) => {
    if (n.kind !== 'split' || n.id !== splitId) return n;
    const sizes = drawn?.sizes ?? n.sizes;
    const a = sizes[index];
    const b = sizes[index + 1];
    if (a === undefined || b === undefined) return n;
    const floor = (at: number, size: number): number =>
      Math.min(size, Math.max(MIN_SHARE, (drawn?.needs[at] ?? 0) / (drawn?.lengthPx ?? 1)));
    const moved = Math.max(floor(index, a) - a, Math.min(delta, b - floor(index + 1, b)));
    return { ...n, sizes: sizes.map((size, i) => (i === index ? size + moved : i === index + 1 ? size - moved : size)) };
  });
}

/** Makes the two neighbours of a splitter equal. */
export function equalise(node: LayoutNode, splitId: string, index: number): LayoutNode {
  return map(node, (n) => {
    if (n.kind !== 'split' || n.id !== splitId) return n;
    const half = ((n.sizes[index] ?? 0) + (n.sizes[index + 1] ?? 0)) / 2;
    return { ...n, sizes: n.sizes.map((size, i) => (i === index || i === index + 1 ? half : size)) };
  });
}

export interface Arrangement {
  readonly stacks: ReadonlyMap<string, Rect>;
  readonly splitters: readonly Splitter[];
}

export interface Size {
  readonly width: number;
  readonly height: number;
}
const NO_SIZE: Size = { width: 0, height: 0 };

/** Least size of a part of the tree: what its stacks need, side by side or one below the other, with the gaps. */
export function leastSize(node: LayoutNode, least: (stack: Stack) => Size, gap: number): Size {
  if (node.kind === 'stack') return least(node);
  const sizes = node.children.map((child) => leastSize(child, least, gap));
  const gaps = gap * (sizes.length - 1);
  const sum = (of: (size: Size) => number): number => sizes.reduce((total, size) => total + of(size), gaps);
  const most = (of: (size: Size) => number): number => Math.max(...sizes.map(of));
  return node.axis === 'row'
    ? { width: sum((size) => size.width), height: most((size) => size.height) }
    : { width: most((size) => size.width), height: sum((size) => size.height) };
}

/**
 * Shares of a length, where no part gets less than it needs as long as there is enough for all: who would get too little gets what it
 * needs, and the others share the rest. Where there is not enough, everybody gets the same part of what it needs.
 */
export function fairShares(shares: readonly number[], needs: readonly number[], length: number): number[] {
  const need = needs.reduce((sum, one) => sum + one, 0);
  if (length <= 0) return [...shares];
  if (need >= length) return needs.map((one) => one / need);
  const fixed = new Set<number>();
  for (;;) {
    const taken = [...fixed].reduce((sum, i) => sum + (needs[i] ?? 0), 0);
    const rest = shares.reduce((sum, share, i) => (fixed.has(i) ? sum : sum + share), 0);
    const lengthOf = (i: number): number => (fixed.has(i) ? (needs[i] ?? 0) : ((shares[i] ?? 0) / rest) * (length - taken));
    const short = shares.findIndex((_, i) => !fixed.has(i) && lengthOf(i) < (needs[i] ?? 0));
    if (short < 0) return shares.map((_, i) => lengthOf(i) / length);
    fixed.add(short);
  }
}

/**
 * Rectangles of all stacks and splitters in an area, whole pixels, with `gap` between neighbours; no stack gets smaller than `least`
 * says while there is room for all.
 */
export function arrange(node: LayoutNode | null, area: Rect, gap: number, least: (stack: Stack) => Size = () => NO_SIZE): Arrangement {
  const stacks = new Map<string, Rect>();
  const splitters: Splitter[] = [];
  const place = (n: LayoutNode, rect: Rect): void => {
    if (n.kind === 'stack') {
      stacks.set(n.id, rect);
      return;
    }
    const along = n.axis === 'row' ? rect.width : rect.height;
    const lengthPx = Math.max(0, along - gap * (n.children.length - 1));
    const needs = n.children.map((child) => {
      const size = leastSize(child, least, gap);
      return n.axis === 'row' ? size.width : size.height;
    });
    const sizes = fairShares(n.sizes, needs, lengthPx);
    let share = 0;
    n.children.forEach((child, i) => {
      const start = Math.round(share * lengthPx) + i * gap;
      share += sizes[i] ?? 0;
      const end = Math.round(Math.min(1, share) * lengthPx) + i * gap;
      place(child, slice(rect, n.axis, start, end - start));
      if (i < n.children.length - 1) {
        splitters.push({
          splitId: n.id,
          index: i,
          axis: n.axis,
          rect: slice(rect, n.axis, end, gap),
          before: share,
          lengthPx,
          sizes,
          needs,
        });
      }
    });
  };
  if (node !== null) place(node, area);
  return { stacks, splitters };
}

function slice(rect: Rect, axis: Split['axis'], start: number, length: number): Rect {
  return axis === 'row'
    ? { x: rect.x + start, y: rect.y, width: length, height: rect.height }
    : { x: rect.x, y: rect.y + start, width: rect.width, height: length };
}

/** Which part of a stack a pointer is over: its middle adds a tab, its edges split. */
export function zoneAt(rect: Rect, x: number, y: number, headHeight: number): DropZone {
  if (y < rect.y + headHeight) return 'centre';
  const u = (x - rect.x) / rect.width;
  const v = (y - rect.y) / rect.height;
  const edges: [DropZone, number][] = [['left', u], ['right', 1 - u], ['top', v], ['bottom', 1 - v]]; // prettier-ignore
  const [zone, distance] = edges.reduce((best, edge) => (edge[1] < best[1] ? edge : best));
  return distance < 0.25 ? zone : 'centre';
}

/** True for a tree that came from storage and can be used: right shape, no panel twice. */
export function isLayout(value: unknown): value is LayoutNode {
  const seen = new Set<string>();
  const check = (node: unknown, depth: number): boolean => {
    if (typeof node !== 'object' || node === null || depth > 8) return false;
    const n = node as Partial<Record<keyof Stack | keyof Split, unknown>>;
    if (typeof n.id !== 'string') return false;
    if (n.kind === 'stack') {
      if (!Array.isArray(n.tabs) || typeof n.active !== 'string') return false;
      return n.tabs.every((tab: unknown) => typeof tab === 'string' && !seen.has(tab) && seen.add(tab).size > 0);
    }
    if (n.kind !== 'split' || (n.axis !== 'row' && n.axis !== 'column')) return false;
    if (!Array.isArray(n.sizes) || !Array.isArray(n.children) || n.sizes.length !== n.children.length) return false;
    if (!n.sizes.every((size: unknown) => typeof size === 'number' && Number.isFinite(size) && size > 0)) return false;
    return n.children.every((child: unknown) => check(child, depth + 1));
  };
  return check(value, 0);
}

/** Gives every node a fresh id, so that a stored tree cannot clash with nodes made since. */
export function renumber(node: LayoutNode): LayoutNode {
  return map(node, (n) => ({ ...n, id: freshId() }));
}
