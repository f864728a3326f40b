import { NS_PER_S, type Random } from '../../base/index.ts';
import { MULTICAST_DROPS, type MulticastRouterSpec, type MulticastScenario } from '../../contract/index.ts';
import { NO_CANDIDATE, Coupling, type CandidatePath, type Entry } from '../choice/index.ts';
import { ALL_PIM_ROUTERS, addressText, isLinkLocal6, isMulticast, scopeOf, type Family } from '../addresses.ts';
import type { EventClock } from '../clock.ts';
import { Forwarder, ForwardingTable, ForwardSink } from '../forward/index.ts';
import { MembershipPort, membershipSettings } from '../membership/index.ts';
import {
  groupPacket,
  ipHead,
  lowered,
  parseGroupMessage,
  parsePim,
  pimPacket,
  PROTOCOL_ICMPV6,
  PROTOCOL_IGMP,
  PROTOCOL_PIM,
  type IpHead,
  type PimMessage,
} from '../messages/index.ts';
import type { PrefixTable } from '../mapping/index.ts';
import { pimSettings, PimRouter, type PimRoute, type RpMapping } from '../pim/index.ts';
import type { Route, Routing } from '../topology/index.ts';
import { DropList } from './drop-list.ts';
import { FamilySide } from './family-side.ts';
import { frameOf } from './frame.ts';
import { Installer, REGISTER_INTERFACE } from './installer.ts';
import type { Link, LinkEnd, LinkNode } from './link.ts';
import { noteMessage } from './message-log.ts';
import type { Recorder } from './recorder.ts';
import { TooBig } from './too-big.ts';

/** TTL of unicast messages. */
const UNICAST_TTL = 64;

export interface RouterInterface {
  readonly link: Link;
  readonly end: LinkEnd;
  /** By family. IPv6 messages of a link come from a link-local address. */
  readonly address: Readonly<Record<Family, string>>;
  /** Number of the interface in the recorder. */
  readonly recorded: number;
  /** Families in which this router has no address on the link and so sends no message. */
  readonly silent?: Readonly<Record<Family, boolean>>;
}

/** What all routers of a network share. */
export interface RouterWorld {
  readonly clock: EventClock;
  readonly prefixes: PrefixTable;
  readonly routing: Pick<Routing, 'lookup'>;
  readonly recorder: Recorder;
  readonly scenario: Pick<MulticastScenario, 'choice' | 'timers' | 'limits' | 'rps'>;
  /** PIM joins of any neighbour to any neighbour count (a router that listens to a capture). */
  readonly trusting: boolean;
  endOf(router: number, link: number): LinkEnd | undefined;
  /** A host on a link, by its address. */
  hostOn(link: number, address: string): LinkEnd | undefined;
  routerId(index: number): string;
  linkId(index: number): string;
  addressOn(router: number, link: number, family: Family): string;
  rps(family: Family): readonly RpMapping[];
}

/**
 * A multicast router: membership and PIM of the families it speaks, a forwarding path, and in a translation router the coupling of both. Packets
 * come in as bytes and go out as bytes.
 */
export class RouterNode implements LinkNode {
  readonly id: string;
  readonly index: number;
  readonly spec: MulticastRouterSpec;
  readonly world: RouterWorld;
  readonly loopback: Readonly<Record<Family, string>>;
  readonly interfaces: RouterInterface[] = [];
  readonly counters = { badMessages: 0, unicastDropped: 0, bytesSaved: 0 };
  readonly bias: Record<Family, number>;
  readonly tooBig: TooBig;
  up = true;
  /** What the last received packet was taken for. */
  took: 'malformed' | 'membership' | 'pim' | 'data' | 'other' = 'malformed';
  coupling: Coupling | undefined;
  readonly sides = new Map<Family, FamilySide>();
  private forwarderMade: Forwarder | undefined;
  private installerMade: Installer | undefined;
  readonly drops: DropList;
  private readonly sink = new ForwardSink();
  private entriesTold = 0;
  /** Many entries share a route, and what is shown of it. */
  private readonly candidates = new WeakMap<Route, CandidatePath>();
  private readonly random: Random;

  constructor(spec: MulticastRouterSpec, index: number, loopback: Readonly<Record<Family, string>>, world: RouterWorld, random: Random) {
    this.id = spec.id;
    this.index = index;
    this.spec = spec;
    this.drops = new DropList(spec.id);
    this.world = world;
    this.loopback = loopback;
    this.random = random;
    const { choice } = world.scenario;
    this.tooBig = new TooBig(world.scenario.limits.icmpErrorsPerSecond);
    this.bias = { 4: spec.bias4 ?? choice.bias4, 6: spec.bias6 ?? choice.bias6 };
  }

  speaks(family: Family): boolean {
    return family === 4 ? this.spec.kind !== 'v6' : this.spec.kind !== 'v4';
  }

  get forwarder(): Forwarder {
    return this.forwarderMade!;
  }

  get installer(): Installer {
    return this.installerMade!;
  }

  side(family: Family): FamilySide | undefined {
    return this.sides.get(family);
  }

  /** Once all interfaces are there. */
  build(): void {
    const { scenario, prefixes } = this.world;
    const translates = this.spec.kind === 'translation';
    const limit = scenario.limits.entries + scenario.limits.unknownSources;
    const encapsulates = (link: string): boolean => this.spec.mode === 'encapsulate' || this.spec.encapsulateTo.includes(link);
    this.forwarderMade = new Forwarder({
      table: new ForwardingTable(2, limit),
      native: new ForwardingTable(8, limit),
      sets: prefixes.sets,
      mtu: this.interfaces.map(({ link }) => link.spec.mtu),
      encapsulate: this.interfaces.reduce((mask, { link }, iface) => (encapsulates(link.id) ? mask | (1 << iface) : mask), 0),
      threshold: this.spec.threshold,
      translates,
    });
    this.installerMade = new Installer(this);
    for (const family of [4, 6] as const) if (this.speaks(family)) this.sides.set(family, this.buildSide(family));
    if (translates) this.coupling = this.buildCoupling();
  }

  private buildSide(family: Family): FamilySide {
    const { clock, scenario } = this.world;
    const settings = membershipSettings(scenario.timers, scenario.limits);
    const side = new FamilySide(this, family, this.random.fork(`family ${family}`));
    side.ports = this.interfaces.map(({ address, link, silent }, iface) =>
      link.carries(family)
        ? new MembershipPort(family, address[family], settings, {
            clock,
            silent: silent?.[family] === true,
            query: (message, destination) => {
              this.sendOn(iface, groupPacket(message, family, address[family], destination), family);
            },
            changed: (group) => {
              side.pim.membershipChanged(group, side.ports[iface]?.namedSources(group) ?? []);
            },
          })
        : undefined,
    );
    const candidates = scenario.rps.filter((rp) => rp.router === this.id && rp.bootstrap && rp.family === `v${family}`);
    side.pim = new PimRouter({
      host: side,
      settings: pimSettings(scenario.timers),
      interfaces: this.interfaces.map(({ address, silent }) => ({
        address: address[family],
        drPriority: this.spec.drPriority,
        silent: silent?.[family] === true,
      })),
      rps: this.world.rps(family),
      translationRouter: this.spec.kind === 'translation' ? this.index + 1 : null,
      spt: this.spec.spt === 'first-packet',
      maxUnknownSources: scenario.limits.unknownSources,
      maxTrees: scenario.limits.entries + scenario.limits.unknownSources,
      maxNeighbours: scenario.limits.neighbours,
      joinsPerSecond: scenario.limits.joinsPerSecond,
      trusting: this.world.trusting,
      candidate:
        candidates.length === 0
          ? null
          : {
              address: this.loopback[family],
              priority: candidates[0]!.priority,
              ranges: candidates.map(({ groups }) => {
                const [prefix, bits] = (groups ?? (family === 4 ? '224.0.0.0/4' : 'ff00::/8')).split('/');
                return { prefix: prefix!, bits: Number(bits) };
              }),
            },
    });
    return side;
  }

  private buildCoupling(): Coupling {
    const { clock, prefixes, scenario, recorder } = this.world;
    return new Coupling({
      router: this.id,
      routerId: this.index + 1,
      clock,
      prefixes,
      spec: scenario.choice,
      maxEntries: scenario.limits.entries,
      holdNs: scenario.timers.joinPruneS * 3.5 * NS_PER_S,
      bias: (family) => this.bias[family],
      pim: (family) => this.side(family)!.pim,
      path: (family, source, group) => this.path(family, source, group),
      install: (entry: Entry) => {
        this.installer.group(entry.group4, entry.group6);
      },
      wantsDecisions: () => recorder.logging,
      decided: (decision) => {
        recorder.decided(decision);
      },
      switched: (change) => {
        recorder.switched(change);
      },
    });
  }

  start(): void {
    for (const side of this.sides.values()) side.start();
  }

  fail(): void {
    this.up = false;
    for (const side of this.sides.values()) side.stop();
    this.coupling?.clear();
    this.installer.clear();
  }

  recover(): void {
    this.up = true;
    this.start();
  }

  /** Routing has learned something (M-25). */
  routesChanged(trigger: string): void {
    if (!this.up) return;
    this.coupling?.reconsiderAll(trigger);
    for (const side of this.sides.values()) side.pim.refreshAll();
    this.installer.all();
  }

  /** Groups and sources have other forms in the other family now: entries and rows are made anew from what is joined. */
  prefixesChanged(): void {
    this.coupling?.clear();
    this.installer.clear();
    for (const side of this.sides.values()) side.pim.refreshAll();
    this.installer.all();
    this.entriesChanged();
  }

  /** Keeps the number of entries of all routers. */
  entriesChanged(): void {
    const now = this.coupling?.size ?? 0;
    if (now === this.entriesTold) return;
    this.world.recorder.entriesAre(this.world.recorder.entries + now - this.entriesTold);
    this.entriesTold = now;
  }

  // Routes.

  private ifaceOf(link: number): number {
    return this.interfaces.findIndex((each) => each.link.index === link);
  }

  /** The routing table's answer in PIM's terms. */
  rpf(family: Family, address: string): PimRoute | undefined {
    const route = this.world.routing.lookup(this.index, address);
    if (route === undefined) return undefined;
    const neighbour = route.neighbour < 0 ? '' : this.world.addressOn(route.neighbour, route.link, family);
    return { iface: this.ifaceOf(route.link), neighbour, metric: route.metric, preference: route.preference };
  }

  /** Candidate path of the choice (M-12). */
  private path(family: Family, source: string, group: string): CandidatePath {
    const target = source !== '' ? source : (this.side(family)?.pim.rp(group) ?? '');
    if (target === '') return NOWHERE;
    if (this.isOwn(target)) return { ...NOWHERE, metric: 0, hops: 0, delayMs: 0, nodes: [this.id] };
    const route = this.world.routing.lookup(this.index, target);
    if (route === undefined) return NOWHERE;
    let candidate = this.candidates.get(route);
    if (candidate === undefined) this.candidates.set(route, (candidate = this.candidate(family, route)));
    return candidate;
  }

  private candidate(family: Family, route: Route): CandidatePath {
    const { world } = this;
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

  isOwn(address: string): boolean {
    return address === this.loopback[4] || address === this.loopback[6];
  }

  // Packets.

  sendOn(iface: number, packet: Uint8Array, family: Family, to?: LinkEnd, control = true): void {
    const { link, end, recorded, silent } = this.interfaces[iface]!;
    if (control && silent?.[family] === true) return;
    this.world.recorder.packet(recorded, () => frameOf(packet, family, end.mac, to?.mac));
    link.send(end, packet, family, control, to);
  }

  /** A PIM message to the routers of a link. */
  sendPim(family: Family, iface: number, message: PimMessage): void {
    const { address, link, silent } = this.interfaces[iface]!;
    if (!link.carries(family) || silent?.[family] === true) return;
    noteMessage(this, iface, message, 'sent');
    this.sendOn(iface, pimPacket(message, family, address[family], ALL_PIM_ROUTERS[family]), family);
  }

  unicastPim(family: Family, message: PimMessage, destination: string): void {
    noteMessage(this, -1, message, 'sent');
    this.route(pimPacket(message, family, this.loopback[family], destination, UNICAST_TTL), family);
  }

  /** Sends a unicast packet on its way, or takes it if it is for this router. */
  private route(packet: Uint8Array, family: Family): void {
    const destination = addressText(packet, family === 4 ? 16 : 24, family);
    if (this.isOwn(destination)) {
      const head = ipHead(packet, 0, packet.length);
      if (head !== undefined) this.control(-1, packet, head);
      return;
    }
    const route = this.world.routing.lookup(this.index, destination);
    const iface = route === undefined ? -1 : this.ifaceOf(route.link);
    const to = route === undefined ? undefined : this.nextEnd(route, destination);
    if (iface < 0 || to === undefined) this.counters.unicastDropped++;
    else this.sendOn(iface, packet, family, to);
  }

  private nextEnd({ neighbour, link }: Pick<Route, 'neighbour' | 'link'>, destination: string): LinkEnd | undefined {
    return neighbour < 0 ? this.world.hostOn(link, destination) : this.world.endOf(neighbour, link);
  }

  receive(iface: number, packet: Uint8Array, family: Family): void {
    if (!this.up || !this.speaks(family)) return;
    const { recorded, end } = this.interfaces[iface]!;
    const destination = addressText(packet, family === 4 ? 16 : 24, family);
    const group = isMulticast(destination);
    this.world.recorder.packet(recorded, () => frameOf(packet, family, PEER_MAC, group ? undefined : end.mac));
    const head = ipHead(packet, 0, packet.length);
    this.took = 'malformed';
    if (head === undefined) {
      this.counters.badMessages++;
      return;
    }
    const membership = head.protocol === PROTOCOL_IGMP || (head.protocol === PROTOCOL_ICMPV6 && group);
    if (membership || (head.protocol === PROTOCOL_PIM && (group ? scopeOf(destination) <= 2 : this.isOwn(destination)))) {
      this.control(iface, packet, head);
      return;
    }
    this.took = group ? 'data' : 'other';
    if (group) this.data(iface, packet, family, destination);
    else if (head.ttl > 1) this.route(lowered(packet, family), family);
  }

  private control(iface: number, packet: Uint8Array, head: IpHead): void {
    const { family, protocol, at, end } = head;
    const side = this.side(family);
    if (side === undefined) return;
    const from = addressText(packet, family === 4 ? 12 : 8, family);
    if (protocol === PROTOCOL_PIM) {
      const message = parsePim(packet, at, end, family, 8, 24);
      if (message === 'type') this.took = 'other';
      if (typeof message === 'string') this.counters.badMessages++;
      else {
        this.took = 'pim';
        noteMessage(this, iface, message, 'received', from);
        side.pim.receive(message, iface, from, addressText(packet, family === 4 ? 16 : 24, family));
      }
      return;
    }
    const message = parseGroupMessage(packet, at, end, family, 8, 24);
    // RFC 9777 sections 5.1.14 and 5.2.13: what is not from the link itself is discarded.
    if (family === 6 && typeof message !== 'string' && (head.ttl !== 1 || !isLinkLocal6(from))) {
      this.counters.badMessages++;
      return;
    }
    if (typeof message === 'string') {
      if (message === 'type') this.took = 'other';
      else this.counters.badMessages++;
      return;
    }
    this.took = 'membership';
    noteMessage(this, iface, message, 'received', from, family);
    side.ports[iface]?.receive(message, from);
  }

  private data(iface: number, packet: Uint8Array, family: Family, group: string): void {
    const side = this.side(family);
    if (side === undefined) return;
    const source = addressText(packet, family === 4 ? 12 : 8, family);
    // Groups of the link itself never leave it, whatever its boundary (M-22).
    if (Math.max(2, this.interfaces[iface]!.link.spec.scopeBoundary) >= scopeOf(group)) {
      this.forwarder.drop('scope');
      this.noteDrop(family, iface, source, group, packet.length);
      return;
    }
    const verdict = side.pim.data(source, group, iface, packet);
    this.pass(side, iface, packet, source, group, verdict.accepted);
  }

  /** Through the forwarding path, and out. */
  pass(side: FamilySide, iface: number, packet: Uint8Array, source: string, group: string, accepted: boolean): void {
    const { family } = side;
    const { recorder } = this.world;
    const entry = this.coupling?.entryOf(family, source, group);
    const taken = entry === undefined || this.coupling!.includes(entry, family);
    if (entry !== undefined && taken && accepted) this.coupling!.taken(entry, family);
    this.installer.source(family, source, group, iface === REGISTER_INTERFACE);
    const before = this.forwarder.dropped('rpf_other_family');
    const large = this.forwarder.dropped('too_big');
    this.sink.clear();
    this.forwarder.forward(family, iface, packet, 0, packet.length, this.sink);
    if (this.forwarder.dropped('rpf_other_family') > before) {
      recorder.count('dropped');
      if (entry !== undefined) this.coupling!.droppedOther(entry, family);
      this.counters.bytesSaved += packet.length;
    }
    this.noteDrop(family, iface, source, group, packet.length);
    if (family === 6 && this.forwarder.dropped('too_big') > large) this.tellTooBig(packet, source, group);
    this.emit();
  }

  /** Tells the source of an IPv6 packet the least MTU of the links that it was too large for. */
  private tellTooBig(packet: Uint8Array, source: string, group: string): void {
    const own = this.loopback[6];
    const route = this.world.routing.lookup(this.index, source);
    const iface = route === undefined ? -1 : this.ifaceOf(route.link);
    if (iface < 0 || this.interfaces[iface]!.silent?.[6] === true) return;
    const mtu = this.installer.leastMtu(source, group, packet.length);
    const message = mtu < 0 ? undefined : this.tooBig.about(packet, mtu, own, this.world.clock.nowNs);
    if (message === undefined) return;
    this.world.recorder.add({
      router: this.id,
      link: this.interfaces[iface]!.link.id,
      direction: 'sent',
      protocol: 'ICMPv6',
      kind: 'packet-too-big',
      source,
      group,
      text: `${packet.length} bytes, MTU ${Math.max(1_280, mtu)}`,
    });
    this.route(message, 6);
  }

  /** Lists the last packet where something was not forwarded. */
  private noteDrop(family: Family, iface: number, source: string, group: string, bytes: number): void {
    const { lastDrop } = this.forwarder;
    if (lastDrop < 0) return;
    const link = iface === REGISTER_INTERFACE ? '' : this.interfaces[iface]!.link.id;
    this.drops.note(family, link, source, group, MULTICAST_DROPS[lastDrop]!, bytes, this.world.clock.nowNs);
  }

  private emit(): void {
    const { packets, iface, packet, rows } = this.sink;
    for (let i = 0; i < rows; i++) {
      const p = packet[i]!;
      this.sendOn(iface[i]!, packets.packet(p), packets.side[p] === 4 ? 4 : 6, undefined, false);
    }
    this.sink.clear();
  }
}

const NOWHERE: CandidatePath = { ...NO_CANDIDATE, iface: -1, link: '', neighbour: '', nodes: [], links: [] };

/** Whoever sent a frame that was received: its address is not part of the model. */
const PEER_MAC = Uint8Array.of(2, 0xff, 0, 0, 0, 1);
