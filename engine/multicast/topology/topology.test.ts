import { MultiDirectedGraph } from 'graphology';
import { dijkstra } from 'graphology-shortest-path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { randomTopologySchema } from '../../contract/index.ts';
import { drawNetwork, Graph, pathTo, shortestPaths } from './index.ts';

/** A graph of routers and point-to-point links and LANs, some down, some of one family. */
function randomGraph(seed: number): Graph {
  const random = new Random(seed);
  const graph = new Graph();
  const routers = random.int(2, 24);
  for (let i = 0; i < routers; i++) graph.addRouter({ v4: random.float() < 0.9, v6: random.float() < 0.9, up: random.float() < 0.95 });
  const links = random.int(1, routers * 3);
  for (let i = 0; i < links; i++) {
    const ends = new Set<number>();
    const size = random.float() < 0.2 ? random.int(2, Math.min(5, routers)) : 2;
    while (ends.size < size) ends.add(random.int(0, routers - 1));
    const costs = { cost4: random.int(1, 8), cost6: random.int(1, 8), delayMs: random.int(0, 5) };
    graph.addLink({ ends: [...ends], v4: random.float() < 0.8, v6: random.float() < 0.8, ...costs, up: random.float() < 0.9 });
  }
  return graph;
}

/** The same graph for graphology: routers are nodes, and every two ends of a link an edge in each direction. */
function libraryGraph(graph: Graph, family: 4 | 6): MultiDirectedGraph {
  const out = new MultiDirectedGraph();
  for (let router = 0; router < graph.routers.length; router++) out.addNode(router);
  for (const [i, { ends, cost4, cost6 }] of graph.links.entries()) {
    if (!graph.carries(i, family)) continue;
    for (const a of ends) {
      for (const b of ends) {
        if (a !== b && graph.routes(a, family) && graph.routes(b, family)) out.addEdge(a, b, { cost: family === 4 ? cost4 : cost6 });
      }
    }
  }
  return out;
}

/** Cost of the cheapest path to every router by graphology's own Dijkstra. */
function libraryCosts(graph: Graph, root: number, family: 4 | 6): number[] {
  const library = libraryGraph(graph, family);
  const found = graph.routes(root, family) ? dijkstra.singleSource(library, root, 'cost') : {};
  return graph.routers.map((_, to) => {
    const path = found[to];
    if (path === undefined) return Infinity;
    let cost = 0;
    for (let i = 1; i < path.length; i++) {
      cost += Math.min(...library.outEdges(path[i - 1]!, path[i]!).map((edge) => Number(library.getEdgeAttribute(edge, 'cost'))));
    }
    return cost;
  });
}

describe('shortest paths', () => {
  it('equal those of graphology on 1,000 random graphs, in both families', () => {
    const wrong: string[] = [];
    for (let seed = 0; seed < 1_000; seed++) {
      const graph = randomGraph(seed);
      for (const family of [4, 6] as const) {
        const tree = shortestPaths(graph, seed % graph.routers.length, family);
        const costs = libraryCosts(graph, seed % graph.routers.length, family);
        for (const [to, cost] of costs.entries()) {
          const { links } = pathTo(tree, to);
          const summed = links.reduce((sum, link) => sum + (family === 4 ? graph.links[link]!.cost4 : graph.links[link]!.cost6), 0);
          const good =
            tree.cost[to] === cost && (cost === Infinity ? links.length === 0 : summed === cost && links.length === tree.hops[to]);
          if (!good) wrong.push(`graph ${seed}, family ${family}, router ${to}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('prefer fewer links at equal cost, then smaller numbers', () => {
    const graph = new Graph();
    for (let i = 0; i < 4; i++) graph.addRouter({ v4: true, v6: true, up: true });
    const link = (a: number, b: number, cost: number): number =>
      graph.addLink({ ends: [a, b], v4: true, v6: true, cost4: cost, cost6: cost, delayMs: 1, up: true });
    link(0, 1, 1);
    link(0, 2, 1);
    link(2, 3, 1);
    link(1, 3, 1);
    expect(pathTo(shortestPaths(graph, 0, 4), 3).routers).toEqual([0, 1, 3]);
    link(0, 3, 2);
    expect(pathTo(shortestPaths(graph, 0, 4), 3).routers).toEqual([0, 3]);
  });
});

describe('drawn networks', () => {
  it('are whole, and the same for the same seed', () => {
    const spec = randomTopologySchema.parse({ routers: 30, links: 60, receivers: 10, v6Share: 0.5 });
    const drawn = drawNetwork(spec, 7);
    expect(drawn).toEqual(drawNetwork(spec, 7));
    expect(drawn).not.toEqual(drawNetwork(spec, 8));
    expect(drawn.routers).toHaveLength(30);
    expect(drawn.receivers).toHaveLength(10);
    expect(drawn.links.length).toBeLessThanOrEqual(60);
    const six = drawn.links.filter(({ families }) => families !== 'v4').length;
    expect(six / drawn.links.length).toBeGreaterThan(0.25);
    expect(six / drawn.links.length).toBeLessThan(0.75);
  });
});
