import type { Family } from '../addresses.ts';
import type { Graph } from './graph.ts';

/** Shortest paths from one router to all others in the network of one family. Unreachable routers have Infinity and -1. */
export interface ShortestPaths {
  readonly root: number;
  /** Summed cost of the links. */
  readonly cost: Float64Array;
  /** Links on the way. */
  readonly hops: Float64Array;
  readonly delayMs: Float64Array;
  /** Router before each one, and the link between. */
  readonly previous: Int32Array;
  readonly via: Int32Array;
}

/**
 * Dijkstra's algorithm. Among paths of the same cost the one with fewer links wins, then the one whose last router, then last link, has the
 * smaller number: the tree depends on nothing but the graph. Quadratic in the routers, of which a network has some hundred.
 */
export function shortestPaths(graph: Graph, root: number, family: Family): ShortestPaths {
  const n = graph.routers.length;
  const cost = new Float64Array(n).fill(Infinity);
  const hops = new Float64Array(n).fill(Infinity);
  const delayMs = new Float64Array(n).fill(Infinity);
  const previous = new Int32Array(n).fill(-1);
  const via = new Int32Array(n).fill(-1);
  const done = new Uint8Array(n);
  if (graph.routes(root, family)) {
    cost[root] = 0;
    hops[root] = 0;
    delayMs[root] = 0;
  }
  for (;;) {
    let at = -1;
    for (let i = 0; i < n; i++) {
      if (done[i] === 0 && cost[i]! < Infinity && (at < 0 || cost[i]! < cost[at]! || (cost[i] === cost[at] && hops[i]! < hops[at]!)))
        at = i;
    }
    if (at < 0) return { root, cost, hops, delayMs, previous, via };
    done[at] = 1;
    for (const link of graph.linksOf[at]!) {
      if (!graph.carries(link, family)) continue;
      const l = graph.links[link]!;
      const newCost = cost[at]! + (family === 4 ? l.cost4 : l.cost6);
      const newHops = hops[at]! + 1;
      for (const next of l.ends) {
        if (next === at || done[next] === 1 || !graph.routes(next, family)) continue;
        const same = newCost === cost[next] && newHops === hops[next];
        const better =
          newCost < cost[next]! ||
          (newCost === cost[next] && newHops < hops[next]!) ||
          (same && (at < previous[next]! || (at === previous[next] && link < via[next]!)));
        if (!better) continue;
        cost[next] = newCost;
        hops[next] = newHops;
        delayMs[next] = delayMs[at]! + l.delayMs;
        previous[next] = at;
        via[next] = link;
      }
    }
  }
}

/** Routers and links from the root to a router, both ends included. Empty where there is no way. */
export function pathTo(paths: ShortestPaths, router: number): { readonly routers: number[]; readonly links: number[] } {
  if (paths.cost[router] === Infinity) return { routers: [], links: [] };
  const routers = [router];
  const links: number[] = [];
  for (let at = router; at !== paths.root;) {
    links.unshift(paths.via[at]!);
    at = paths.previous[at]!;
    routers.unshift(at);
  }
  return { routers, links };
}
