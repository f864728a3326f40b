import type { Family } from '../addresses.ts';
import { NO_CANDIDATE, type CandidatePath } from '../choice/index.ts';
import type { PimRoute } from '../pim/index.ts';
import type { Route } from '../topology/index.ts';
import type { LinkEnd } from './link.ts';
import type { RouterNode } from './router-node.ts';

const NOWHERE: CandidatePath = { ...NO_CANDIDATE, iface: -1, link: '', neighbour: '', nodes: [], links: [] };

/** The routing table's answers in the terms of PIM, of the path choice, and of links. */
export class RouterRoutes {
  private readonly router: RouterNode;
  /** Many entries share a route, and what is shown of it. */
  private readonly candidates = new WeakMap<Route, CandidatePath>();

  constructor(router: RouterNode) {
    this.router = router;
  }

  ifaceOf(link: number): number {
    return this.router.interfaces.findIndex((each) => each.link.index === link);
  }

  /** The routing table's answer in PIM's terms. */
  rpf(family: Family, address: string): PimRoute | undefined {
    const route = this.router.world.routing.lookup(this.router.index, address);
    if (route === undefined) return undefined;
    const neighbour = route.neighbour < 0 ? '' : this.router.world.addressOn(route.neighbour, route.link, family);
    return { iface: this.ifaceOf(route.link), neighbour, metric: route.metric, preference: route.preference };
  }

  /** Candidate path of the choice (M-12). */
  path(family: Family, source: string, group: string): CandidatePath {
    const target = source !== '' ? source : (this.router.side(family)?.pim.rp(group) ?? '');
    if (target === '') return NOWHERE;
    if (this.router.isOwn(target)) return { ...NOWHERE, metric: 0, hops: 0, delayMs: 0, nodes: [this.router.id] };
    const route = this.router.world.routing.lookup(this.router.index, target);
    if (route === undefined) return NOWHERE;
    let candidate = this.candidates.get(route);
    if (candidate === undefined) this.candidates.set(route, (candidate = this.candidate(family, route)));
    return candidate;
  }

  private candidate(family: Family, route: Route): CandidatePath {
    const { world } = this.router;
    return {
      metric: route.metric,
      preference: route.preference,
      hops: route.hops,
      delayMs: route.delayMs,
      neighbourAddress: route.neighbour < 0 ? '' : world.addressOn(route.neighbour, route.link, family),
      refused: '',
      iface: this.ifaceOf(route.link),
      link: world.linkId(route.link),
      neighbour: route.neighbour < 0 ? '' : world.routerId(route.neighbour),
      nodes: route.routers.map((router) => world.routerId(router)),
      links: route.links.map((link) => world.linkId(link)),
    };
  }

  private lookup(address: string): Route | undefined {
    return this.router.world.routing.lookup(this.router.index, address);
  }

  /** Interface that packets for an address leave by, -1 where there is no route. */
  interfaceTo(address: string): number {
    const route = this.lookup(address);
    return route === undefined ? -1 : this.ifaceOf(route.link);
  }

  /** Least MTU of the links to an address, in bytes; infinite where there is no route. */
  pathMtu(address: string): number {
    const links = this.lookup(address)?.links ?? [];
    return Math.min(...links.map((link) => this.router.world.linkMtu(link)));
  }

  /** Who gets packets for an address. */
  nextEnd(address: string): LinkEnd | undefined {
    const route = this.lookup(address);
    if (route === undefined) return undefined;
    const { world } = this.router;
    return route.neighbour < 0 ? world.hostOn(route.link, address) : world.endOf(route.neighbour, route.link);
  }
}
