import type { ConverterNode } from '../../../../engine/contract/index.ts';

export interface Placed {
  readonly node: ConverterNode;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** To the next one beside it, px. */
  readonly room: number;
}

/** Terminals drawn one by one; of larger networks the converters with most sessions and the parties of the chosen call are. */
export const MAX_DRAWN = 120;

/** Radius of a terminal at most, px. */
const MAX_RADIUS = 14;

/**
 * Places in a box of this size, in px: those with one family at the sides, those with both in the middle, gateway and switch below. The same list
 * always gives the same picture in a box of the same size.
 */
export function place(nodes: readonly ConverterNode[], width: number, height: number): Placed[] {
  const column = (role: string): ConverterNode[] => nodes.filter((node) => node.role === role);
  const placed: Placed[] = [];
  /** The part of the box is given in shares of it. */
  const rows = (list: readonly ConverterNode[], left: number, right: number, above: number, below: number): void => {
    const [from, to, top, bottom] = [left * width, right * width, above * height, below * height];
    const wide = Math.max(1, Math.ceil(Math.sqrt((list.length * (to - from)) / Math.max(1, bottom - top))));
    const high = Math.max(1, Math.ceil(list.length / wide));
    const stepX = (to - from) / wide;
    const stepY = (bottom - top) / high;
    const radius = Math.min(MAX_RADIUS, stepX * 0.32, stepY * 0.28);
    for (const [i, node] of list.entries()) {
      placed.push({ node, x: from + (Math.floor(i / high) + 0.5) * stepX, y: top + ((i % high) + 0.5) * stepY, radius, room: stepX });
    }
  };
  rows(column('v4'), 0.02, 0.3, 0.02, 0.98);
  rows(column('dual'), 0.36, 0.64, 0.02, 0.8);
  rows(column('v6'), 0.7, 0.98, 0.02, 0.98);
  rows([...column('gateway'), ...column('switch')], 0.36, 0.64, 0.8, 0.98);
  return placed;
}

/** Nodes worth drawing: all where they are few. */
export function drawn(nodes: readonly ConverterNode[], wanted: ReadonlySet<string>): ConverterNode[] {
  if (nodes.length <= MAX_DRAWN) return [...nodes];
  const rank = (node: ConverterNode): number =>
    wanted.has(node.id) || node.role === 'gateway' || node.role === 'switch' ? Infinity : node.sessions;
  const chosen = new Set([...nodes].sort((a, b) => rank(b) - rank(a)).slice(0, MAX_DRAWN));
  return nodes.filter((node) => chosen.has(node));
}
