import type { Family } from '../addresses.ts';
import { familyOf } from '../addresses.ts';
import type { PrefixTable } from '../mapping/index.ts';
import type { Graph } from './graph.ts';
import { pathTo, shortestPaths, type ShortestPaths } from './shortest-paths.ts';

/** Answer of the multicast routing table of a router for an address (M-12). */
export interface Route {
  /** Link towards the address. */
  readonly link: number;
  /** Next router, or -1 where the address is on that link. */
  readonly neighbour: number;
  readonly metric: number;
  readonly hops: number;
  readonly delayMs: number;
  readonly preference: number;
  /** Routers from here to the one at the address, both included; and the links between, with that of the address where it is on one. */
  readonly routers: readonly number[];
  readonly links: readonly number[];
  /** Translation router whose announcement of uPrefix64 this is, or -1. */
  readonly announcer: number;
}

/** Answers kept of one router: sources and rendezvous points are few. */
const MAX_ANSWERS = 4_096;

/** A translation router that announces uPrefix64 while it has an IPv4 path (M-18). */
export interface Announcer {
  readonly router: number;
  readonly translateCost: number;
}

/**
 * Routes of all routers, computed from what routing has learned of the network; one instance for the whole of it. Addresses are those of
 * hosts on links, of routers, and everything under uPrefix64 by the announcements of translation routers, of which a router ignores its own (M-17).
 */
export class Routing {
  private readonly graph: Graph;
  private readonly prefixes: PrefixTable;
  /** Links of an address: more than one where hosts share an anycast address. */
  private readonly hosts = new Map<string, number[]>();
  private readonly routers = new Map<string, number>();
  private readonly announcers: readonly Announcer[];
  private readonly preference: (router: number, family: Family) => number;
  private readonly trees = new Map<number, ShortestPaths>();
  /** Answers given since routing last learned something, by router. */
  private readonly answers: Map<string, Route | undefined>[] = [];
  private readonly routerCount: number;

  constructor(
    graph: Graph,
    prefixes: PrefixTable,
    announcers: readonly Announcer[],
    preference: (router: number, family: Family) => number,
  ) {
    this.graph = graph;
    this.prefixes = prefixes;
    this.announcers = announcers;
    this.preference = preference;
    this.routerCount = graph.routers.length;
  }

  /** A host's address is on a link; on several, it is an anycast address, and the nearest host is meant. */
  addHost(address: string, link: number): void {
    const links = this.hosts.get(address);
    if (links === undefined) this.hosts.set(address, [link]);
    else if (!links.includes(link)) links.push(link);
  }

  addRouter(address: string, router: number): void {
    this.routers.set(address, router);
  }

  /** Routing has learned something new. */
  clear(): void {
    this.trees.clear();
    this.answers.length = 0;
  }

  /** The route of a router to an address, or undefined where there is none. */
  lookup(router: number, address: string): Route | undefined {
    const known = (this.answers[router] ??= new Map<string, Route | undefined>());
    if (known.has(address)) return known.get(address);
    const route = this.find(router, address);
    if (known.size < MAX_ANSWERS) known.set(address, route);
    return route;
  }

  private find(router: number, address: string): Route | undefined {
    const family = familyOf(address);
    if (!this.graph.routes(router, family)) return undefined;
    let native: Route | undefined;
    for (const link of this.hosts.get(address) ?? []) {
      const route = this.toLink(router, link, family);
      if (route !== undefined && (native === undefined || route.metric < native.metric)) native = route;
    }
    if (native !== undefined) return native;
    const target = this.routers.get(address);
    if (target !== undefined) return this.toRouter(router, target, family);
    return family === 6 ? this.announced(router, address) : undefined;
  }

  private tree(router: number, family: Family): ShortestPaths {
    const key = family === 4 ? router : router + this.routerCount;
    let tree = this.trees.get(key);
    if (tree === undefined) this.trees.set(key, (tree = shortestPaths(this.graph, router, family)));
    return tree;
  }

  private toRouter(router: number, target: number, family: Family): Route | undefined {
    const tree = this.tree(router, family);
    if (target === router || tree.cost[target] === Infinity) return undefined;
    const { routers, links } = pathTo(tree, target);
    return this.route(router, family, tree, target, routers, links);
  }

  private toLink(router: number, link: number, family: Family): Route | undefined {
    if (!this.graph.carries(link, family)) return undefined;
    const { ends } = this.graph.links[link]!;
    const tree = this.tree(router, family);
    let best = -1;
    for (const end of ends) {
      if (tree.cost[end] === Infinity) continue;
      if (best < 0 || tree.cost[end]! < tree.cost[best]! || (tree.cost[end] === tree.cost[best] && tree.hops[end]! < tree.hops[best]!))
        best = end;
    }
    if (best < 0) return undefined;
    const { routers, links } = pathTo(tree, best);
    return this.route(router, family, tree, best, routers, [...links, link]);
  }

  private route(router: number, family: Family, tree: ShortestPaths, target: number, routers: number[], links: number[]): Route {
    return {
      link: links[0]!,
      neighbour: routers[1] ?? -1,
      metric: tree.cost[target]!,
      hops: tree.hops[target]!,
      delayMs: tree.delayMs[target]!,
      preference: this.preference(router, family),
      routers,
      links,
      announcer: -1,
    };
  }

  /** The nearest announcement, its metric being that of the announcer's IPv4 path and of translation (M-18). */
  private announced(router: number, address: string): Route | undefined {
    const source4 = this.prefixes.sourceText4(address);
    if (source4 === undefined) return undefined;
    let best: Route | undefined;
    for (const { router: announcer, translateCost } of this.announcers) {
      if (announcer === router) continue;
      const way = this.toRouter(router, announcer, 6);
      const beyond = way === undefined ? undefined : this.lookup(announcer, source4);
      if (way === undefined || beyond === undefined) continue;
      const metric = way.metric + beyond.metric + translateCost;
      if (best !== undefined && (metric > best.metric || (metric === best.metric && announcer > best.announcer))) continue;
      best = {
        ...way,
        metric,
        hops: way.hops + beyond.hops,
        delayMs: way.delayMs + beyond.delayMs,
        routers: [...way.routers, ...beyond.routers.slice(1)],
        links: [...way.links, ...beyond.links],
        announcer,
      };
    }
    return best;
  }
}
