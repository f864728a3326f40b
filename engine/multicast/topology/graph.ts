import type { Family } from '../addresses.ts';

/** A link as routing sees it. Ends are numbers of routers; more than two make a LAN on which everybody reaches everybody. */
export interface GraphLink {
  readonly ends: readonly number[];
  readonly v4: boolean;
  readonly v6: boolean;
  cost4: number;
  cost6: number;
  delayMs: number;
  up: boolean;
}

export interface GraphRouter {
  readonly v4: boolean;
  readonly v6: boolean;
  up: boolean;
}

/** Routers and links with what can be different between what is and what routing has learned. */
export class Graph {
  readonly routers: GraphRouter[] = [];
  readonly links: GraphLink[] = [];
  /** Links of each router, in the order they were added. */
  readonly linksOf: number[][] = [];

  addRouter(router: GraphRouter): number {
    this.linksOf.push([]);
    return this.routers.push(router) - 1;
  }

  addLink(link: GraphLink): number {
    const index = this.links.push(link) - 1;
    for (const end of link.ends) this.linksOf[end]!.push(index);
    return index;
  }

  /** True if data of a family can go over the link now. */
  carries(link: number, family: Family): boolean {
    const l = this.links[link]!;
    return l.up && (family === 4 ? l.v4 : l.v6);
  }

  routes(router: number, family: Family): boolean {
    const r = this.routers[router]!;
    return r.up && (family === 4 ? r.v4 : r.v6);
  }

  /** Takes over what can change from another graph of the same shape: routing has learned it. */
  learn(from: Graph): void {
    for (let i = 0; i < this.routers.length; i++) this.routers[i]!.up = from.routers[i]!.up;
    for (let i = 0; i < this.links.length; i++) {
      const { cost4, cost6, delayMs, up } = from.links[i]!;
      Object.assign(this.links[i]!, { cost4, cost6, delayMs, up });
    }
  }

  clone(): Graph {
    const copy = new Graph();
    for (const router of this.routers) copy.addRouter({ ...router });
    for (const link of this.links) copy.addLink({ ...link });
    return copy;
  }
}
