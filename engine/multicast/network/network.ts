import { err, NS_PER_MS, NS_PER_S, ok, Random, type Result } from '../../base/index.ts';
import type { MulticastEventSpec, MulticastLinkSpec, MulticastScenario } from '../../contract/index.ts';
import { canonicalAddress, familyOf, type Family } from '../addresses.ts';
import { EventClock } from '../clock.ts';
import { PrefixTable } from '../mapping/index.ts';
import type { RpMapping } from '../pim/index.ts';
import { Graph, Routing } from '../topology/index.ts';
import { checkNetwork, drawn, type NetworkIssue } from './check.ts';
import { macFor } from './frame.ts';
import { ReceiverNode, SourceNode } from './hosts.ts';
import { Link, type LinkEnd, type LinkNode } from './link.ts';
import { Recorder } from './recorder.ts';
import { RouterNode, type RouterWorld } from './router-node.ts';

/** Events of one run. A network that needs more goes round in circles; the run stops and says so. */
export const MAX_EVENTS = 200_000_000;

export interface NetworkOptions {
  /** Keep the packets of router interfaces, for capture files. */
  readonly record?: boolean;
  /** Keep the log. Large sweeps do without. */
  readonly log?: boolean;
}

const loopback4 = (index: number): string => `10.255.${(index + 1) >> 8}.${(index + 1) & 255}`;
const loopback6 = (index: number): string => canonical(`2001:db8:ffff::${(index + 1).toString(16)}`);
const linkPrefix4 = (link: number): string => `10.${link >> 8}.${link & 255}.`;
const linkAddress4 = (link: number, host: number): string => `${linkPrefix4(link)}${host}`;

function canonical(text: string): string {
  const address = canonicalAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/** Stub link of a host that is attached to a router. */
function stubLink(host: string, router: string): MulticastLinkSpec {
  return {
    id: `${host}-${router}`,
    ends: [router],
    families: 'both',
    cost4: 1,
    cost6: 1,
    delayMs: 0.1,
    rateBps: 1e9,
    mtu: 1_500,
    lossPercent: 0,
    scopeBoundary: 0,
  };
}

/** A running network: everything of a scenario on one clock. The same scenario gives the same run, event by event. */
export class MulticastNetwork {
  readonly scenario: MulticastScenario;
  readonly clock = new EventClock();
  readonly prefixes: PrefixTable;
  readonly routers: RouterNode[] = [];
  readonly links: Link[] = [];
  readonly sources: SourceNode[] = [];
  readonly receivers: ReceiverNode[] = [];
  readonly recorder: Recorder;
  readonly routing: Routing;
  readonly durationNs: number;
  /** What is, and what routing has learned of it. */
  private readonly graph: Graph;
  private readonly learned: Graph;
  private readonly random: Random;
  private readonly linkNumbers = new Map<string, number>();
  private readonly routerNumbers = new Map<string, number>();
  private learning = false;

  private constructor(scenario: MulticastScenario, prefixes: PrefixTable, options: NetworkOptions) {
    this.scenario = scenario;
    this.prefixes = prefixes;
    this.durationNs = scenario.durationS * NS_PER_S;
    this.random = new Random(scenario.seed);
    this.recorder = new Recorder(this.clock, prefixes, this.durationNs, options.record === true);
    this.recorder.logging = options.log !== false;
    this.graph = new Graph();
    this.addLinks();
    this.learned = this.graph.clone();
    this.routing = this.makeRouting();
    this.addRouters();
    this.addHosts();
    for (const router of this.routers) router.build();
    for (const each of [...this.routers, ...this.sources, ...this.receivers]) each.start();
    for (const event of scenario.events) this.schedule(event);
  }

  /** Error: everything in the scenario that cannot be used. The schema has looked at the shape, this looks at names and addresses. */
  static create(given: MulticastScenario, options: NetworkOptions = {}): Result<MulticastNetwork, NetworkIssue[]> {
    const issues = checkNetwork(given);
    const prefixes = PrefixTable.create(given.prefixes);
    return issues.length > 0 || !prefixes.ok ? err(issues) : ok(new MulticastNetwork(drawn(given), prefixes.value, options));
  }

  // Building.

  private addLinks(): void {
    const { routers, links, sources, receivers } = this.scenario;
    for (const [i, { id, kind }] of routers.entries()) {
      this.routerNumbers.set(id, i);
      this.graph.addRouter({ v4: kind !== 'v6', v6: kind !== 'v4', up: true });
    }
    const specs = [...links];
    for (const host of [...sources, ...receivers]) if (this.routerNumbers.has(host.at)) specs.push(stubLink(host.id, host.at));
    for (const spec of specs) {
      const id = spec.id ?? spec.ends.join('-');
      const ends = spec.ends.map((end) => this.routerNumbers.get(end)!);
      const index = this.graph.addLink({
        ends,
        v4: spec.families !== 'v6',
        v6: spec.families !== 'v4',
        cost4: spec.cost4,
        cost6: spec.cost6,
        delayMs: spec.delayMs,
        up: true,
      });
      this.linkNumbers.set(id, index);
      this.links.push(new Link(id, index, spec, this.clock, this.random.fork(`link ${id}`)));
    }
  }

  private makeRouting(): Routing {
    const { routers, choice, sources } = this.scenario;
    const announcers = choice.announce
      ? routers.flatMap(({ kind }, router) => (kind === 'translation' ? [{ router, translateCost: choice.translateCost }] : []))
      : [];
    const routing = new Routing(this.learned, this.prefixes, announcers, (router, family) =>
      family === 4 ? routers[router]!.preference4 : routers[router]!.preference6,
    );
    for (const [i] of routers.entries()) {
      routing.addRouter(loopback4(i), i);
      routing.addRouter(loopback6(i), i);
    }
    for (const source of sources) {
      const { v4, v6 } = sourceAddresses(source, this.prefixes);
      const link = this.hostLink(source);
      if (v4 !== '') routing.addHost(v4, link);
      if (v6 !== '') routing.addHost(v6, link);
    }
    return routing;
  }

  private hostLink(host: { readonly id: string; readonly at: string }): number {
    return this.linkNumbers.get(host.at) ?? this.linkNumbers.get(`${host.id}-${host.at}`)!;
  }

  private addRouters(): void {
    const world = this.world();
    for (const [i, spec] of this.scenario.routers.entries()) {
      const router = new RouterNode(spec, i, { 4: loopback4(i), 6: loopback6(i) }, world, this.random.fork(`router ${spec.id}`));
      this.routers.push(router);
    }
    for (const [l, link] of this.links.entries()) {
      for (const [k, end] of link.spec.ends.entries()) {
        const router = this.routers[this.routerNumbers.get(end)!]!;
        const address = { 4: linkAddress4(l, k + 1), 6: canonical(`fe80::${(router.index + 1).toString(16)}:${(l + 1).toString(16)}`) };
        const made: LinkEnd = { node: router, iface: router.interfaces.length, mac: macFor(l, k) };
        link.ends.push(made);
        const recorded = this.recorder.interfaces.push(`${router.id} ${link.id}`) - 1;
        router.interfaces.push({ link, end: made, address, recorded, isAttached: (from) => from.startsWith(linkPrefix4(l)) });
      }
    }
  }

  private world(): RouterWorld {
    return {
      clock: this.clock,
      prefixes: this.prefixes,
      routing: this.routing,
      recorder: this.recorder,
      scenario: this.scenario,
      trusting: false,
      trustsAsserts: false,
      endOf: (router, link) => this.routers[router]!.interfaces.find((each) => each.link.index === link)?.end,
      hostOn: (link, address) => this.links[link]!.ends.find(({ node }) => node.owns?.(address) === true),
      routerId: (index) => this.routers[index]!.id,
      linkId: (index) => this.links[index]!.id,
      linkMtu: (index) => this.links[index]!.spec.mtu,
      addressOn: (router, link, family) => this.routers[router]!.interfaces.find((each) => each.link.index === link)?.address[family] ?? '',
      rps: (family) => this.rps(family),
    };
  }

  private rps(family: Family): RpMapping[] {
    return this.scenario.rps
      .filter((rp) => rp.family === `v${family}` && !rp.bootstrap)
      .map((rp) => {
        const [prefix, bits] = (rp.groups ?? (family === 4 ? '224.0.0.0/4' : 'ff00::/8')).split('/');
        const router = this.routerNumbers.get(rp.router)!;
        return { prefix: prefix!, bits: Number(bits), rp: family === 4 ? loopback4(router) : loopback6(router), priority: rp.priority };
      });
  }

  private addHosts(): void {
    const attach = (host: LinkNode & { attach(link: Link, end: LinkEnd): void }, link: Link): void => {
      const end: LinkEnd = { node: host, iface: 0, mac: macFor(link.index, 200 + link.ends.length) };
      link.ends.push(end);
      host.attach(link, end);
    };
    for (const [i, spec] of this.scenario.sources.entries()) {
      const node = new SourceNode(spec, i, sourceAddresses(spec, this.prefixes), this.clock);
      this.sources.push(node);
      attach(node, this.links[this.hostLink(spec)]!);
    }
    for (const [i, spec] of this.scenario.receivers.entries()) {
      const link = this.links[this.hostLink(spec)]!;
      const six = spec.protocol.startsWith('mld');
      const address = six ? canonical(`fe80::ffff:${(i + 1).toString(16)}`) : linkAddress4(link.index, 100 + (i % 150));
      const ends = { address, ...receiverGroup(spec, this.prefixes) };
      const delivered = (): void => {
        this.recorder.delivered();
      };
      const node = new ReceiverNode(
        spec,
        ends,
        this.clock,
        this.random.fork(`host ${spec.id}`),
        this.scenario.timers.robustness,
        delivered,
      );
      this.receivers.push(node);
      attach(node, link);
    }
  }

  // Running.

  private schedule(event: MulticastEventSpec): void {
    this.clock.at(Math.round(event.atS * NS_PER_S), () => {
      this.happen(event);
    });
  }

  /** A failure or a change, now. Routing learns of it a little later. */
  private happen(event: MulticastEventSpec): void {
    const text = eventText(event);
    const about = event.router ?? '';
    this.recorder.add({
      router: about,
      link: event.link ?? '',
      direction: 'internal',
      protocol: 'network',
      kind: 'event',
      source: '',
      group: '',
      text,
    });
    if (event.link !== undefined) {
      const index = this.linkNumbers.get(event.link)!;
      const link = this.links[index]!;
      const seen = this.graph.links[index]!;
      if (event.up !== undefined) link.up = seen.up = event.up;
      if (event.cost4 !== undefined) seen.cost4 = event.cost4;
      if (event.cost6 !== undefined) seen.cost6 = event.cost6;
      if (event.delayMs !== undefined) link.delayMs = seen.delayMs = event.delayMs;
    }
    const router = event.router === undefined ? undefined : this.routers[this.routerNumbers.get(event.router)!];
    if (router !== undefined && event.up !== undefined && router.up !== event.up) {
      this.graph.routers[router.index]!.up = event.up;
      if (event.up) router.recover();
      else router.fail();
    }
    for (const each of router === undefined ? this.routers : [router]) {
      if (event.bias4 !== undefined) each.bias[4] = event.bias4;
      if (event.bias6 !== undefined) each.bias[6] = event.bias6;
      if (event.bias4 !== undefined || event.bias6 !== undefined) each.routesChanged('cost change');
    }
    this.learnSoon(event.up === undefined ? 'cost change' : 'route change');
  }

  private learnSoon(trigger: string): void {
    if (this.learning) return;
    this.learning = true;
    this.clock.after(this.scenario.timers.routeDelayMs * NS_PER_MS, () => {
      this.learning = false;
      this.learned.learn(this.graph);
      this.routing.clear();
      for (const router of this.routers) router.routesChanged(trigger);
    });
  }

  /** Runs to an instant. False where the limit of events was met: something goes round in circles. */
  runUntil(tNs: number): boolean {
    return this.clock.runUntil(Math.min(tNs, this.durationNs), () => this.clock.events > MAX_EVENTS);
  }

  /** Runs on to an instant, but no more than some events: true once it is there, or where MAX_EVENTS ends it. */
  advance(tNs: number, events: number): boolean {
    const last = Math.min(MAX_EVENTS + 1, this.clock.events + events);
    const there = this.clock.runUntil(Math.min(tNs, this.durationNs), () => this.clock.events >= last);
    return there || this.clock.events > MAX_EVENTS;
  }

  linkCost(link: number): { readonly cost4: number; readonly cost6: number } {
    return this.graph.links[link]!;
  }
}

export function eventText({ link, router, up, ...changes }: MulticastEventSpec): string {
  const what = link !== undefined ? `link ${link}` : router !== undefined ? `router ${router}` : 'all routers';
  const words = Object.entries(changes)
    .filter(([name, value]) => name !== 'atS' && value !== undefined)
    .map(([name, value]) => `${name} ${value}`);
  if (up !== undefined) words.unshift(up ? 'comes back' : 'fails');
  return `${what}: ${words.join(', ')}`;
}

/** Addresses a source sends from and to. */
export function sourceAddresses(
  source: MulticastScenario['sources'][number],
  prefixes: PrefixTable,
): { readonly v4: string; readonly v6: string; readonly group4: string; readonly group6: string } {
  const v4 = source.v4 === undefined ? '' : canonical(source.v4);
  const v6 = source.v6 === undefined ? '' : source.v6 === 'mapped' ? (prefixes.sourceText6(v4) ?? '') : canonical(source.v6);
  const group = canonical(source.group);
  if (familyOf(group) === 6) return { v4: '', v6, group4: '', group6: group };
  return { v4, v6, group4: group, group6: prefixes.groupText6(group) ?? '' };
}

/** Group and source a receiver joins, in its family. */
function receiverGroup(
  receiver: MulticastScenario['receivers'][number],
  prefixes: PrefixTable,
): { readonly group: string; readonly source: string } {
  const group = canonical(receiver.group);
  const source = receiver.source === undefined ? '' : canonical(receiver.source);
  if (!receiver.protocol.startsWith('mld') || familyOf(group) === 6) return { group, source };
  // A source of IPv6 is named as it is, whatever the group.
  const mapped = source === '' || familyOf(source) === 6 ? source : (prefixes.sourceText6(source) ?? source);
  return { group: prefixes.groupText6(group) ?? group, source: mapped };
}
