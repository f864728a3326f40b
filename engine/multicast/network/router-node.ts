import type { Random } from '../../base/index.ts';
import type { MulticastRouterSpec, MulticastScenario } from '../../contract/index.ts';
import { ALL_PIM_ROUTERS, addressText, ANY, isLinkLocal6, isMulticast, scopeOf, type Family } from '../addresses.ts';
import type { Coupling } from '../choice/index.ts';
import type { EventClock } from '../clock.ts';
import type { Forwarder, ForwardSink } from '../forward/index.ts';
import type { PrefixTable } from '../mapping/index.ts';
import {
  classOf,
  hasRouterAlert6,
  ipHead,
  lowered,
  parseGroupMessage,
  parsePim,
  pimPacket,
  PROTOCOL_ICMPV6,
  PROTOCOL_IGMP,
  PROTOCOL_PIM,
  withEcn,
  type IpHead,
  type PimMessage,
} from '../messages/index.ts';
import type { RpMapping } from '../pim/index.ts';
import type { Routing } from '../topology/index.ts';
import { DataPath } from './data-path.ts';
import type { FamilySide } from './family-side.ts';
import { frameOf } from './frame.ts';
import { Installer } from './installer.ts';
import type { Link, LinkEnd, LinkNode } from './link.ts';
import { noteMessage } from './message-log.ts';
import type { Recorder } from './recorder.ts';
import { makeCoupling, makeForwarder, makeSide } from './router-parts.ts';
import { RouterRoutes } from './router-routes.ts';

/** TTL of unicast messages. */
const UNICAST_TTL = 64;

export interface RouterInterface {
  readonly link: Link;
  readonly end: LinkEnd;
  /** By family. IPv6 messages of a link come from a link-local address. */
  readonly address: Readonly<Record<Family, string>>;
  /** Number of the interface in the recorder. */
  readonly recorded: number;
  /** A host with this IPv4 address may be on the link. */
  isAttached(address: string): boolean;
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
  /** Asserts of routers that said no Hello count. */
  readonly trustsAsserts: boolean;
  endOf(router: number, link: number): LinkEnd | undefined;
  /** A host on a link, by its address. */
  hostOn(link: number, address: string): LinkEnd | undefined;
  routerId(index: number): string;
  linkId(index: number): string;
  linkMtu(index: number): number;
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
  readonly routes: RouterRoutes;
  readonly dataPath: DataPath;
  up = true;
  /** What the last received packet was taken for. */
  took: 'malformed' | 'membership' | 'pim' | 'data' | 'other' = 'malformed';
  coupling: Coupling | undefined;
  readonly sides = new Map<Family, FamilySide>();
  /** The same, for every packet. */
  private side4: FamilySide | undefined;
  private side6: FamilySide | undefined;
  private forwarderMade: Forwarder | undefined;
  private installerMade: Installer | undefined;
  private entriesTold = 0;
  private readonly random: Random;

  constructor(spec: MulticastRouterSpec, index: number, loopback: Readonly<Record<Family, string>>, world: RouterWorld, random: Random) {
    this.id = spec.id;
    this.index = index;
    this.spec = spec;
    this.world = world;
    this.loopback = loopback;
    this.random = random;
    const { choice } = world.scenario;
    this.routes = new RouterRoutes(this);
    this.dataPath = new DataPath(this, world.scenario.limits.icmpErrorsPerSecond);
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
    return family === 4 ? this.side4 : this.side6;
  }

  /** Once all interfaces are there. */
  build(): void {
    this.forwarderMade = makeForwarder(this);
    this.installerMade = new Installer(this);
    for (const family of [4, 6] as const) {
      if (!this.speaks(family)) continue;
      const side = makeSide(this, family, this.random.fork(`family ${family}`));
      this.sides.set(family, side);
      if (family === 4) this.side4 = side;
      else this.side6 = side;
    }
    if (this.spec.kind === 'translation') this.coupling = makeCoupling(this);
  }

  start(): void {
    for (const side of this.sides.values()) side.start();
  }

  fail(): void {
    this.up = false;
    this.dataPath.changed();
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
    this.dataPath.changed();
    this.coupling?.reconsiderAll(trigger);
    for (const side of this.sides.values()) side.pim.refreshAll();
    this.installer.all();
  }

  /** Groups and sources have other forms in the other family now: entries and rows are made anew from what is joined. */
  prefixesChanged(): void {
    this.dataPath.changed();
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

  /** Records of membership reports about an address that is no group. */
  get notGroups(): number {
    let sum = 0;
    for (const { ports } of this.sides.values()) for (const port of ports) sum += port?.counters.notGroups ?? 0;
    return sum;
  }

  isOwn(address: string): boolean {
    return address === this.loopback[4] || address === this.loopback[6];
  }

  // Packets.

  sendOn(iface: number, packet: Uint8Array, family: Family, to?: LinkEnd): void {
    const { link, end, recorded, silent } = this.interfaces[iface]!;
    if (silent?.[family] === true) return;
    const { recorder } = this.world;
    if (recorder.recording) recorder.packet(recorded, frameOf(packet, family, end.mac, to?.mac));
    link.send(end, packet, family, true, to);
  }

  /** A copy of group data, packet `p` of the sink. */
  sendCopy(iface: number, sink: ForwardSink, p: number): void {
    const { link, end, recorded } = this.interfaces[iface]!;
    const family = sink.packets.side[p] === 4 ? 4 : 6;
    const { recorder } = this.world;
    if (recorder.recording) recorder.packet(recorded, frameOf(sink.share(p), family, end.mac, undefined));
    link.sendCopy(end, sink, p, family);
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
  route(packet: Uint8Array, family: Family): void {
    const destination = addressText(packet, family === 4 ? 16 : 24, family);
    if (this.isOwn(destination)) {
      const head = ipHead(packet, 0, packet.length);
      if (head !== undefined) this.control(-1, packet, head);
      return;
    }
    const iface = this.routes.interfaceTo(destination);
    const to = this.routes.nextEnd(destination);
    if (iface < 0 || to === undefined) this.counters.unicastDropped++;
    else this.sendOn(iface, packet, family, to);
  }

  receive(iface: number, packet: Uint8Array, family: Family): void {
    if (!this.up || !this.speaks(family)) return;
    const { recorder } = this.world;
    if (recorder.recording) this.record(iface, packet, family);
    if (this.dataPath.known(iface, packet, family)) {
      this.took = 'data';
      return;
    }
    const head = ipHead(packet, 0, packet.length);
    this.took = 'malformed';
    if (head?.family !== family) {
      this.counters.badMessages++;
      return;
    }
    const destination = addressText(packet, family === 4 ? 16 : 24, family);
    const group = isMulticast(destination);
    const toUs = group || this.isOwn(destination) || destination === this.interfaces[iface]!.address[family];
    const membership = toUs && head.protocol === (family === 4 ? PROTOCOL_IGMP : PROTOCOL_ICMPV6);
    if (membership || (head.protocol === PROTOCOL_PIM && (group ? scopeOf(destination) <= 2 : this.isOwn(destination)))) {
      this.control(iface, packet, head);
      return;
    }
    this.took = group ? 'data' : 'other';
    if (group) this.dataPath.take(iface, packet, family, destination);
    else if (head.ttl > 1) this.route(lowered(packet, family), family);
  }

  /** Whoever reports has an address of the link, or none, where the router looks at that. */
  private mayReport(iface: number, from: string): boolean {
    return !this.world.scenario.limits.attachedOnly || from === ANY[4] || this.interfaces[iface]?.isAttached(from) === true;
  }

  private record(iface: number, packet: Uint8Array, family: Family): void {
    const { recorded, end } = this.interfaces[iface]!;
    const to = packet.length < (family === 4 ? 20 : 40) || isGroup(packet, family) ? undefined : end.mac;
    this.world.recorder.packet(recorded, frameOf(packet, family, PEER_MAC, to));
  }

  private control(iface: number, packet: Uint8Array, head: IpHead): void {
    const { family, protocol, at, end } = head;
    const side = this.side(family);
    if (side === undefined) return;
    const from = addressText(packet, family === 4 ? 12 : 8, family);
    if (protocol === PROTOCOL_PIM) {
      const message = parsePim(packet, at, end, family, 8, 24);
      if (message === 'type') {
        this.took = 'other';
        side.pim.warnings.tell('format', iface, from, `a PIM message of ${from} was discarded: its version or type is not known`);
      } else if (typeof message === 'string') this.counters.badMessages++;
      else {
        this.took = 'pim';
        noteMessage(this, iface, message, 'received', from);
        side.pim.receive(registered(message, packet, family), iface, from, addressText(packet, family === 4 ? 16 : 24, family));
      }
      return;
    }
    const message = parseGroupMessage(packet, at, end, family, 8, 24);
    // RFC 9777 sections 7.4 and 7.6: what is not from the link itself, or has no router alert, is dropped.
    if (family === 6 && typeof message !== 'string' && (head.ttl !== 1 || !isLinkLocal6(from) || !hasRouterAlert6(packet))) {
      this.counters.badMessages++;
      return;
    }
    if (typeof message === 'string') {
      if (message === 'type') this.took = 'other';
      else this.counters.badMessages++;
      return;
    }
    this.took = 'membership';
    if (family === 4 && message.kind !== 'query' && !this.mayReport(iface, from)) {
      this.counters.badMessages++;
      return;
    }
    noteMessage(this, iface, message, 'received', from, family);
    side.ports[iface]?.receive(message, from);
  }
}

/** A registered packet has the ECN bits that its Register arrives with (RFC 7761 section 4.4.2). */
function registered(message: PimMessage, outer: Uint8Array, family: Family): PimMessage {
  if (message.kind !== 'register' || message.nullRegister || message.packet.length < 20) return message;
  const ecn = classOf(outer, family) & 3;
  return ecn === (classOf(message.packet, family) & 3) ? message : { ...message, packet: withEcn(message.packet, family, ecn) };
}

/** Whoever sent a frame that was received: its address is not part of the model. */
const PEER_MAC = Uint8Array.of(2, 0xff, 0, 0, 0, 1);

const isGroup = (b: Uint8Array, family: Family): boolean => (family === 4 ? b[16]! >> 4 === 14 : b[24] === 0xff);
