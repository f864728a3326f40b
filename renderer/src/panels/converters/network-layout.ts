import type { ConverterNode } from '../../../../engine/contract/index.ts';

export interface Placed {
  readonly node: ConverterNode;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** Terminals drawn one by one; of larger networks the converters with most sessions and the parties of the chosen call are. */
export const MAX_DRAWN = 120;

/**
 * Places in a box of 100 by 60: those with one family at the sides, those with both in the middle, gateway and switch below. The same list
 * always gives the same picture.
 */
export function place(nodes: readonly ConverterNode[]): Placed[] {
  const column = (role: string): ConverterNode[] => nodes.filter((node) => node.role === role);
  const placed: Placed[] = [];
  const rows = (list: readonly ConverterNode[], from: number, to: number, top: number, bottom: number): void => {
    const wide = Math.max(1, Math.ceil(Math.sqrt((list.length * (to - from)) / (bottom - top))));
    const high = Math.max(1, Math.ceil(list.length / wide));
    const stepX = (to - from) / wide;
    const stepY = (bottom - top) / high;
    const radius = Math.min(2.4, stepX * 0.32, stepY * 0.32);
    for (const [i, node] of list.entries()) {
      placed.push({ node, x: from + (Math.floor(i / high) + 0.5) * stepX, y: top + ((i % high) + 0.5) * stepY, radius });
    }
  };
  rows(column('v4'), 2, 24, 4, 58);
  rows(column('dual'), 34, 66, 4, 48);
  rows(column('v6'), 76, 98, 4, 58);
  rows([...column('gateway'), ...column('switch')], 38, 62, 49, 59);
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
