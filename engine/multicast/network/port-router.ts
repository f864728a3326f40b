import { err, ok, Random, type Result } from '../../base/index.ts';
import {
  multicastRouterSchema,
  type MulticastLinkSpec,
  type MulticastLogRow,
  type MulticastNode,
  type MulticastPortSpec,
  type MulticastState,
} from '../../contract/index.ts';
import { addressBytes, addressText, canonicalAddress, familyOf, type Family } from '../addresses.ts';
import { keyInfo } from '../choice/index.ts';
import { EventClock } from '../clock.ts';
import { PrefixTable, provisionedIn, type Provisioning } from '../mapping/index.ts';
import { macFor } from './frame.ts';
import type { LinkEnd } from './link.ts';
import { OwnAddresses } from './own-addresses.ts';
import { portIssues, type PortIssue } from './port-issues.ts';
import { Beyond, PortLink } from './port-links.ts';
import { Recorder } from './recorder.ts';
import { RouterNode, type RouterWorld } from './router-node.ts';
import { PortRoutes, matches, parsePrefix, type PortPrefix } from './port-routes.ts';
import { networkState } from './state.ts';
import { PortOutput } from './port-output.ts';

/** Addresses of a router that only listens: higher than any other, so that every querier of the link wins against it. */
const LISTENER: Readonly<Record<Family, string>> = { 4: '255.255.255.254', 6: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe' };

/** What became of a packet that came to the port. */
export type PortVerdict = 'own' | 'malformed' | 'membership' | 'pim' | 'provision' | 'forwarded' | 'refused' | 'other';

/**
 * The multicast router of a port on the flow switch: the same as in a network, with links that are told apart by where captured packets come from,
 * and routes that are written down. Time is the lab's: `runUntil` before each packet.
 */
export class PortRouter {
  readonly id: string;
  readonly spec: MulticastPortSpec;
  readonly clock = new EventClock();
  readonly prefixes: PrefixTable;
  readonly recorder: Recorder;
  readonly router: RouterNode;
  /** Packets by what became of them; their sum is `taken`. */
  readonly counters: Record<PortVerdict, number> = {
    own: 0,
    malformed: 0,
    membership: 0,
    pim: 0,
    provision: 0,
    forwarded: 0,
    refused: 0,
    other: 0,
  };
  taken = 0;
  /** Copies and messages sent, and those refused because of MAX_PORT_COPIES. */
  copies = 0;
  messages = 0;
  overflows = 0;
  /** What the router has sent since `emptied`. */
  readonly out = new PortOutput();
  private readonly routes: PortRoutes;
  private readonly links: PortLink[] = [];
  private readonly networks: readonly (readonly PortPrefix[])[];
  /** Interface of each interface of the capture, -1 where none is named. */
  private readonly byCapture = new Int8Array(256).fill(-1);
  private readonly own: ReadonlySet<string>;
  private readonly ownAddresses: OwnAddresses;
  private readonly beyond: MulticastNode[] = [];
  private revision = 0;

  private constructor(id: string, spec: MulticastPortSpec, prefixes: PrefixTable) {
    this.id = id;
    this.spec = spec;
    this.prefixes = prefixes;
    this.recorder = new Recorder(this.clock, prefixes, undefined, false);
    this.routes = new PortRoutes(spec);
    this.networks = spec.interfaces.map(({ networks }) => networks.flatMap((text) => parsePrefix(text) ?? []));
    for (const [i, { capture }] of spec.interfaces.entries()) {
      if (capture !== undefined && this.byCapture[capture] === -1) this.byCapture[capture] = i;
    }
    this.own = new Set(spec.interfaces.flatMap(({ addresses }) => addresses.map((text) => canonicalAddress(text)!)));
    this.ownAddresses = new OwnAddresses(this.own);
    const random = new Random(1);
    const first: Record<Family, string> = { 4: this.address(4) ?? LISTENER[4], 6: this.address(6) ?? LISTENER[6] };
    const { kind, mode, encapsulateTo, spt, threshold } = spec;
    const asRouter = multicastRouterSchema.parse({ id, kind, mode, encapsulateTo, spt, threshold });
    this.router = new RouterNode(asRouter, 0, first, this.world(), random.fork('router'));
    for (const [i] of spec.interfaces.entries()) this.addInterface(i, random);
    this.router.build();
    this.router.dataPath.holds = true;
    this.router.start();
  }

  /** Error: every field that cannot be used. */
  static create(id: string, spec: MulticastPortSpec): Result<PortRouter, PortIssue[]> {
    const issues = portIssues(spec);
    const prefixes = PrefixTable.create(spec.prefixes);
    if (!prefixes.ok) issues.push({ path: ['prefixes', ...prefixes.error.field.split('.')], message: prefixes.error.message });
    return issues.length > 0 || !prefixes.ok ? err(issues) : ok(new PortRouter(id, spec, prefixes.value));
  }

  /** First address of this router in a family, over all interfaces. */
  private address(family: Family): string | undefined {
    for (const { addresses } of this.spec.interfaces) {
      const found = addresses.find((text) => familyOf(text) === family);
      if (found !== undefined) return canonicalAddress(found);
    }
    return undefined;
  }

  private addInterface(i: number, random: Random): void {
    const { id, addresses, mtu, scopeBoundary, networks } = this.spec.interfaces[i]!;
    const spec: MulticastLinkSpec = {
      id,
      ends: [this.id],
      families: 'both',
      cost4: 1,
      cost6: 1,
      delayMs: 0,
      rateBps: 1e12,
      mtu,
      lossPercent: 0,
      scopeBoundary,
    };
    const link = new PortLink(spec, i, this.clock, random.fork(`link ${id}`), (packet, at, length, family, control) => {
      this.sent(i, packet, at, length, family, control);
    });
    const end: LinkEnd = { node: this.router, iface: i, mac: macFor(i, 0) };
    link.ends.push(end);
    for (const name of this.routes.neighboursOn(i)) {
      link.ends.push({ node: new Beyond(name), iface: 0, mac: macFor(i, link.ends.length) });
      this.beyond.push({ id: name, role: 'router', kind: familyOf(name) === 4 ? 'v4' : 'v6', at: '', addresses: [name], up: true });
    }
    const hosts = `${id}-hosts`;
    link.ends.push({ node: new Beyond(hosts), iface: 0, mac: macFor(i, link.ends.length) });
    this.beyond.push({ id: hosts, role: 'receiver', kind: null, at: id, addresses: [...networks], up: true });
    this.links.push(link);
    const of = (family: Family): string | undefined => addresses.find((text) => familyOf(text) === family);
    const own = { 4: of(4), 6: of(6) };
    this.router.interfaces.push({
      link,
      end,
      address: { 4: canonicalAddress(own[4] ?? LISTENER[4])!, 6: canonicalAddress(own[6] ?? LISTENER[6])! },
      recorded: this.recorder.interfaces.push(`${this.id} ${id}`) - 1,
      isAttached: (from) => this.networks[i]!.some((prefix) => matches(prefix, addressBytes(from), 0, 4)),
      silent: { 4: own[4] === undefined, 6: own[6] === undefined },
    });
  }

  private world(): RouterWorld {
    const { routes, spec } = this;
    return {
      clock: this.clock,
      prefixes: this.prefixes,
      routing: routes,
      recorder: this.recorder,
      scenario: { choice: spec.choice, timers: spec.timers, limits: spec.limits, rps: [] },
      trusting: spec.joins === 'any',
      trustsAsserts: spec.asserts === 'any',
      endOf: (_router, link) => this.links[link]!.ends.at(-1),
      hostOn: (link) => this.links[link]!.ends.at(-1),
      routerId: (index) => (index === 0 ? this.id : routes.neighbour(index)),
      linkId: (index) => spec.interfaces[index]!.id,
      linkMtu: (index) => spec.interfaces[index]!.mtu,
      addressOn: (router, link, family) => {
        if (router === 0) return this.router.interfaces[link]!.address[family];
        const via = routes.neighbour(router);
        return familyOf(via) === family ? via : '';
      },
      rps: (family) =>
        spec.rps
          .filter(({ address }) => familyOf(address) === family)
          .map(({ address, groups }) => {
            const [prefix, bits] = (groups ?? (family === 4 ? '224.0.0.0/4' : 'ff00::/8')).split('/');
            return { prefix: prefix!, bits: Number(bits), rp: canonicalAddress(address)!, priority: 192 };
          }),
    };
  }

  private sent(iface: number, packet: Uint8Array, at: number, length: number, family: Family, control: boolean): void {
    if (!this.out.add(iface, family, control, packet, at, length)) {
      this.overflows++;
      return;
    }
    if (control) this.messages++;
    else {
      this.copies++;
      this.recorder.delivered();
    }
  }

  /** Whoever took what is in `out` says so: it may be written again. */
  emptied(): void {
    this.out.clear();
    this.router.dataPath.release();
  }

  /** Instant of the next timer, infinite where none runs. */
  get nextNs(): number {
    return this.clock.nextNs;
  }

  runUntil(tNs: number): void {
    this.clock.runUntil(tNs);
  }

  /** Interface on which a packet came in: that of its place in the capture, or of its source's network or route, or the first. */
  interfaceOf(captureInterface: number, b: Uint8Array, family: Family): number {
    const { interfaces } = this.spec;
    const named = this.byCapture[captureInterface] ?? -1;
    if (named >= 0) return named;
    const at = family === 4 ? 12 : 8;
    for (let i = 0; i < interfaces.length; i++) {
      if (interfaces[i]!.capture === undefined && this.networks[i]!.some((prefix) => matches(prefix, b, at, family))) return i;
    }
    return this.routes.interfaceOf(addressText(b, at, family));
  }

  /** A packet came to the port: `b` from the IP header on. What the router sends because of it is in `out`. */
  take(captureInterface: number, b: Uint8Array, tNs: number): PortVerdict {
    this.runUntil(tNs);
    this.taken++;
    // A packet needs room for its copies, whether or not somebody took those of the last one.
    if (!this.router.dataPath.hasRoom) {
      this.out.detach(this.router.dataPath.bytes);
      this.router.dataPath.release();
    }
    const verdict = this.judge(captureInterface, b);
    // A name that is written here costs less than one that is looked up.
    if (verdict === 'forwarded') this.counters.forwarded++;
    else this.counters[verdict]++;
    return verdict;
  }

  private judge(captureInterface: number, b: Uint8Array): PortVerdict {
    const family = b.length === 0 ? 0 : b[0]! >>> 4;
    if ((family !== 4 && family !== 6) || b.length < (family === 4 ? 20 : 40)) return 'malformed';
    if (this.ownAddresses.has(family, b, family === 4 ? 12 : 8)) return 'own';
    const given = this.spec.provision === 'static' ? undefined : provisionedIn(b, family, this.spec.provision);
    if (given !== undefined) {
      this.provision(given);
      return 'provision';
    }
    const { router } = this;
    const copies = this.copies;
    router.forwarder.lastDrop = -1;
    router.receive(this.interfaceOf(captureInterface, b, family), b, family);
    if (router.took !== 'data') return router.took;
    return this.copies > copies ? 'forwarded' : 'refused';
  }

  /** Place in MULTICAST_DROPS of why the last packet was refused, -1 where nothing was said. */
  get lastDrop(): number {
    return this.router.forwarder.lastDrop;
  }

  /** Entry that a packet of group data belongs to, with why its path was chosen. */
  entryOf(b: Uint8Array, family: Family): { readonly key: string; readonly reason: string } | undefined {
    const [source, group] = family === 4 ? [12, 16] : [8, 24];
    const entry = this.router.coupling?.entryOf(family, addressText(b, source, family), addressText(b, group, family));
    return entry === undefined ? undefined : { key: keyInfo(entry).text, reason: entry.reason };
  }

  /** Counts a packet that the link layer says is this router's own. */
  takeOwn(tNs: number): PortVerdict {
    this.runUntil(tNs);
    this.taken++;
    this.counters.own++;
    return 'own';
  }

  /** Prefixes that a message gives take the place of the first set; a message that cannot be used is told and changes nothing. */
  private provision({ from, prefixes }: Provisioning): void {
    const done = prefixes.ok ? this.prefixes.provision(prefixes.value) : undefined;
    const problem = prefixes.ok ? (done?.ok === false ? `${done.error.field}: ${done.error.message}` : '') : prefixes.error;
    const { asm, ssm, source } = this.prefixes.texts();
    this.recorder.add({
      router: this.id,
      link: '',
      direction: 'received',
      protocol: from,
      kind: problem === '' ? 'prefixes' : 'refused',
      source: '',
      group: '',
      text: problem === '' ? `groups ${asm}, source-specific ${ssm}, sources ${source}` : problem,
    });
    if (done?.ok === true && done.value) this.router.prefixesChanged();
  }

  /** Everything a person can see of the router now. */
  state(): MulticastState {
    this.revision++;
    const state = networkState(
      {
        clock: this.clock,
        recorder: this.recorder,
        routers: [this.router],
        links: this.links,
        sources: [],
        receivers: [],
        beyond: this.beyond,
        linkCost: (link) => ({ cost4: this.routes.cost(link, 4), cost6: this.routes.cost(link, 6) }),
      },
      this.revision,
    );
    const nodes = state.nodes.map((node) => (node.id === this.id ? { ...node, addresses: [...this.own] } : node));
    return { ...state, nodes, totals: { ...state.totals, delivered: this.copies }, conservation: this.conservation() };
  }

  /** Packets that came = what became of them; copies handed over = copies made (W-06). */
  private conservation(): MulticastState['conservation'] {
    const sum = Object.values(this.counters).reduce((total, n) => total + n, 0);
    if (sum !== this.taken) return { ok: false, message: `${this.taken} packets came, but ${sum} are accounted for` };
    const made = this.router.forwarder.packetsOut;
    if (made !== this.copies + this.overflows) return { ok: false, message: `${made} copies were made, but ${this.copies} handed over` };
    return { ok: true, message: 'every packet that came was taken, forwarded or refused, and every copy was handed to the switch' };
  }

  /** Where the bytes of copies stand until they are taken. */
  get copyBytes(): Uint8Array {
    return this.router.dataPath.bytes;
  }

  /** Lists that only grow, and whose rows never change. */
  get growing(): readonly unknown[][] {
    const { log, decisions, packets } = this.recorder;
    return [log, decisions, packets];
  }

  log(): readonly MulticastLogRow[] {
    return this.recorder.log;
  }
}
