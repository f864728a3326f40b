import type { MulticastLinkInfo, MulticastNode } from '../../../../engine/contract/index.ts';

export interface NodePlace {
  readonly node: MulticastNode;
  readonly x: number;
  /** In the plane of a family; both planes have the same places. */
  readonly y: number;
}

/** Between the planes, px. */
const GAP = 8;
/** Left free in a plane beside its nodes, px: half a name at the sides, the plane's own name above, the name of the lowest node below. */
const SIDE = 40;
const ABOVE = 6;
const BELOW = 8;

/** Height of each of two planes one above the other, px. */
export const planeHeight = (height: number): number => Math.max(60, Math.floor((height - GAP) / 2));

/**
 * Places by distance from the sources: sources at the left, receivers at the right, routers between by hops. In a column nodes stand in the
 * order of the mean place of their neighbours to the left, which keeps lines from crossing without need. The same network always gives the same
 * picture in a plane of the same size, in px.
 */
export function layout(nodes: readonly MulticastNode[], links: readonly MulticastLinkInfo[], width: number, height: number): NodePlace[] {
  const inner = Math.max(0, height - ABOVE - BELOW);
  const neighbours = new Map<string, string[]>(nodes.map((node) => [node.id, []]));
  for (const { ends } of links) for (const a of ends) for (const b of ends) if (a !== b) neighbours.get(a)?.push(b);
  const depth = new Map<string, number>();
  const start = nodes.filter((node) => node.role === 'source').map((node) => node.id);
  let edge = start.length > 0 ? start : nodes.slice(0, 1).map((node) => node.id);
  for (let d = 0; edge.length > 0; d++) {
    const next: string[] = [];
    for (const id of edge) if (!depth.has(id)) depth.set(id, d);
    for (const id of edge) for (const other of neighbours.get(id) ?? []) if (!depth.has(other) && !next.includes(other)) next.push(other);
    edge = next.filter((id) => !depth.has(id));
  }
  const deepest = Math.max(1, ...depth.values());
  const receivers = nodes.some((node) => node.role === 'receiver');
  const last = receivers ? deepest + (nodes.some((n) => n.role !== 'receiver' && depth.get(n.id) === deepest) ? 1 : 0) : deepest;
  const columnOf = (node: MulticastNode): number => (node.role === 'receiver' ? last : (depth.get(node.id) ?? last));
  const columns = new Map<number, MulticastNode[]>();
  for (const node of nodes) columns.set(columnOf(node), [...(columns.get(columnOf(node)) ?? []), node]);
  const y = new Map<string, number>();
  const places: NodePlace[] = [];
  for (const [column, list] of [...columns].sort(([a], [b]) => a - b)) {
    const wish = (node: MulticastNode): number => {
      const known = (neighbours.get(node.id) ?? []).flatMap((id) => y.get(id) ?? []);
      return known.length === 0 ? ABOVE + inner / 2 : known.reduce((sum, value) => sum + value, 0) / known.length;
    };
    const sorted = list.map((node) => ({ node, wish: wish(node) })).sort((a, b) => a.wish - b.wish || (a.node.id < b.node.id ? -1 : 1));
    for (const [i, { node }] of sorted.entries()) {
      const at = ABOVE + ((i + 0.5) * inner) / sorted.length;
      y.set(node.id, at);
      places.push({ node, x: SIDE + (column * Math.max(0, width - 2 * SIDE)) / Math.max(1, last), y: at });
    }
  }
  return places;
}

/** Steps by which a hub is moved from amid its ends, px, and the largest there are of them in each direction. */
const STEP = 16;
const MOST_BESIDE = 8;
const MOST_OVER = 4;
/** Half the width of a letter of a name, px. */
const HALF_LETTER = 3.6;

export interface Hub {
  readonly x: number;
  readonly y: number;
}

/** Half a width, and what is taken up above and below a point, px. */
interface Extent {
  readonly half: number;
  readonly above: number;
  readonly below: number;
}

const halfOf = (name: string): number => Math.max(12, shortName(name).length * HALF_LETTER + 4);
/** A node has its name below it, a hub above. */
const ofNode = (name: string): Extent => ({ half: halfOf(name), above: 10, below: 24 });
const ofHub = (name: string): Extent => ({ half: halfOf(name), above: 22, below: 6 });

const touch = (a: Hub, one: Extent, b: Hub, other: Extent): boolean =>
  Math.abs(a.x - b.x) < one.half + other.half && a.y - one.above < b.y + other.below && b.y - other.above < a.y + one.below;

/** Where the lines of a link with more than two ends meet: amid them, or near it where neither a node nor another hub stands with its name. */
export function hubs(places: readonly NodePlace[], links: readonly MulticastLinkInfo[], width: number, height: number): Map<string, Hub> {
  const at = new Map(places.map((place) => [place.node.id, place]));
  const made = new Map<string, Hub>();
  for (const { id, ends } of links) {
    const stands = ends.flatMap((end) => at.get(end) ?? []);
    if (stands.length < 3) continue;
    const own = ofHub(id);
    const isFree = (hub: Hub): boolean =>
      hub.x > own.half &&
      hub.x < width - own.half &&
      hub.y > own.above &&
      hub.y < height - own.below &&
      !places.some((place) => touch(hub, own, place, ofNode(place.node.id))) &&
      ![...made].some(([name, other]) => touch(hub, own, other, ofHub(name)));
    const mean = (of: (place: NodePlace) => number): number => stands.reduce((sum, place) => sum + of(place), 0) / stands.length;
    const middle = { x: mean((place) => place.x), y: mean((place) => place.y) };
    made.set(id, around(middle).find(isFree) ?? middle);
  }
  return made;
}

/** Places around a point, the nearest first. */
function around({ x, y }: Hub): Hub[] {
  const found: { readonly hub: Hub; readonly far: number }[] = [];
  for (let i = -MOST_BESIDE; i <= MOST_BESIDE; i++) {
    for (let j = -MOST_OVER; j <= MOST_OVER; j++) found.push({ hub: { x: x + i * STEP, y: y + j * STEP }, far: Math.hypot(i, j) });
  }
  return found.sort((a, b) => a.far - b.far).map(({ hub }) => hub);
}

/** Radius of a router's sign, px: less where many stand above each other. */
export function nodeRadius(places: readonly NodePlace[]): number {
  const columns = new Map<number, number[]>();
  for (const { x, y } of places) columns.set(x, [...(columns.get(x) ?? []), y]);
  let least = Infinity;
  for (const column of columns.values()) {
    const sorted = column.sort((a, b) => a - b);
    for (let i = 1; i < sorted.length; i++) least = Math.min(least, sorted[i]! - sorted[i - 1]!);
  }
  return Math.max(2.5, Math.min(7, least * 0.38));
}

/** Letters of a name in the drawing; the whole name is in its title. */
const MAX_NAME = 18;

export const shortName = (name: string): string => (name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 1)}…`);
