import { u16 } from '../../base/index.ts';
import { MULTICAST_DROPS } from '../../contract/index.ts';
import { addressText, scopeOf, type Family } from '../addresses.ts';
import type { Entry } from '../choice/index.ts';
import { ForwardSink, StreamPlace } from '../forward/index.ts';
import { PROTOCOL_ICMPV6, PROTOCOL_IGMP, PROTOCOL_PIM } from '../messages/index.ts';
import { DropList } from './drop-list.ts';
import type { FamilySide } from './family-side.ts';
import { REGISTER_INTERFACE } from './installer.ts';
import type { RouterNode } from './router-node.ts';
import { TooBig } from './too-big.ts';
import { WayCache, type Way } from './way-cache.ts';

/** IPv6 headers behind which a message for the router may be. */
const HOP_BY_HOP = 0;
const DESTINATION_OPTIONS = 60;

/**
 * Group data through a router: what PIM and the path choice say of it, the forwarding path, and out. The first packets of a stream ask PIM; what
 * came of that is kept, and later ones need only the forwarding table until something changes.
 */
export class DataPath {
  readonly drops: DropList;
  readonly tooBig: TooBig;
  private readonly router: RouterNode;
  private readonly ways4 = new WayCache(4);
  private readonly ways6 = new WayCache(6);
  private readonly sink = new ForwardSink();
  /** Copies stay in the sink until `release`. */
  holds = false;

  constructor(router: RouterNode, icmpErrorsPerSecond: number) {
    this.router = router;
    this.drops = new DropList(router.id);
    this.tooBig = new TooBig(icmpErrorsPerSecond);
  }

  /** Trees, entries, routes or neighbours are others now. */
  changed(): void {
    this.ways4.forget();
    this.ways6.forget();
  }

  /** Takes a packet whose way is known. False for all others. */
  known(iface: number, packet: Uint8Array, family: Family): boolean {
    if (!isPlain(packet, family)) return false;
    const way = (family === 4 ? this.ways4 : this.ways6).find(iface, packet);
    if (way === undefined || way.registers?.register?.state === 'join') return false;
    const { router } = this;
    if (way.keeps !== undefined) router.side(family)!.pim.keepAlive(way.keeps);
    if (way.taken && way.entry !== undefined) router.coupling!.taken(way.entry, family);
    this.forward(family, iface, packet, way.entry, way.place);
    return true;
  }

  /** Group data of which the router must first find out what to do with it. */
  take(iface: number, packet: Uint8Array, family: Family, group: string): void {
    const { router } = this;
    const side = router.side(family);
    if (side === undefined) return;
    const source = addressText(packet, family === 4 ? 12 : 8, family);
    // Groups of the link itself never leave it, whatever its boundary (M-22).
    if (Math.max(2, router.interfaces[iface]!.link.spec.scopeBoundary) >= scopeOf(group)) {
      router.forwarder.drop('scope');
      this.noteDrop(family, iface, packet);
      return;
    }
    const verdict = side.pim.data(source, group, iface, packet);
    // From here on nothing may change, or the way is not kept.
    const ways = family === 4 ? this.ways4 : this.ways6;
    const before = ways.now;
    const { entry, taken } = this.pass(side, iface, packet, source, group, verdict.accepted);
    if (!verdict.steady || !isPlain(packet, family)) return;
    // Written out, so that all ways have one shape: a spread makes many, and every packet reads them.
    const { keeps, registers } = verdict;
    ways.put(iface, packet, { keeps, registers, entry, taken, place: new StreamPlace() }, before);
  }

  /** A packet that PIM has looked at: through the forwarding path, and out. */
  pass(
    side: FamilySide,
    iface: number,
    packet: Uint8Array,
    source: string,
    group: string,
    accepted: boolean,
  ): Pick<Way, 'entry' | 'taken'> {
    const { family } = side;
    const { coupling, installer } = this.router;
    const entry = coupling?.entryOf(family, source, group);
    const taken = entry === undefined || coupling!.includes(entry, family);
    if (entry !== undefined && taken && accepted) coupling!.taken(entry, family);
    installer.source(family, source, group, iface === REGISTER_INTERFACE);
    this.forward(family, iface, packet, entry, undefined);
    return { entry, taken: taken && accepted };
  }

  private forward(family: Family, iface: number, packet: Uint8Array, entry: Entry | undefined, place: StreamPlace | undefined): void {
    const { forwarder } = this.router;
    const first = this.sink.rows;
    const { drops } = forwarder;
    const other = drops[OTHER_FAMILY]!;
    const large = drops[TOO_BIG]!;
    forwarder.forward(family, iface, packet, 0, packet.length, this.sink, place);
    if (forwarder.lastDrop >= 0) {
      if (drops[OTHER_FAMILY]! > other) this.duplicate(family, packet, entry);
      this.noteDrop(family, iface, packet);
      if (family === 6 && drops[TOO_BIG]! > large) this.notForwarded(packet);
    }
    this.emit(first);
  }

  private duplicate(family: Family, packet: Uint8Array, entry: Entry | undefined): void {
    const { router } = this;
    router.world.recorder.count('dropped');
    if (entry !== undefined) router.coupling!.droppedOther(entry, family);
    router.counters.bytesSaved += packet.length;
  }

  /** Tells the source of an IPv6 packet the least MTU of the links that it was too large for. */
  private notForwarded(packet: Uint8Array): void {
    const mtu = this.router.installer.leastMtu(addressText(packet, 8, 6), addressText(packet, 24, 6), packet.length);
    if (mtu >= 0) this.tellTooBig(packet, mtu);
  }

  /** Sends a Packet Too Big about an IPv6 packet to its source, where that may be. */
  tellTooBig(packet: Uint8Array, mtu: number): void {
    const { router } = this;
    const { world, interfaces } = router;
    const source = addressText(packet, 8, 6);
    const group = addressText(packet, 24, 6);
    const own = router.loopback[6];
    const iface = router.routes.interfaceTo(source);
    if (iface < 0 || interfaces[iface]!.silent?.[6] === true) return;
    const message = this.tooBig.about(packet, mtu, own, world.clock.nowNs);
    if (message === undefined) return;
    world.recorder.add({
      router: router.id,
      link: interfaces[iface]!.link.id,
      direction: 'sent',
      protocol: 'ICMPv6',
      kind: 'packet-too-big',
      source,
      group,
      text: `${packet.length} bytes, MTU ${Math.max(1_280, mtu)}`,
    });
    router.route(message, 6);
  }

  /** Lists the last packet where something was not forwarded. */
  private noteDrop(family: Family, iface: number, packet: Uint8Array): void {
    const { router } = this;
    const { lastDrop } = router.forwarder;
    if (lastDrop < 0) return;
    const link = iface === REGISTER_INTERFACE ? '' : router.interfaces[iface]!.link.id;
    const source = addressText(packet, family === 4 ? 12 : 8, family);
    const group = addressText(packet, family === 4 ? 16 : 24, family);
    this.drops.note(family, link, source, group, MULTICAST_DROPS[lastDrop]!, packet.length, router.world.clock.nowNs);
  }

  private emit(first: number): void {
    const { sink } = this;
    const { iface, packet, rows } = sink;
    for (let i = first; i < rows; i++) this.router.sendCopy(iface[i]!, sink, packet[i]!);
    if (!this.holds) this.sink.clear();
  }

  /** The copies that were held may be written over. */
  release(): void {
    this.sink.clear();
  }

  /** Room for any packet with its copies. */
  get hasRoom(): boolean {
    return this.sink.isHalfEmpty;
  }

  /** Where copies that are held stand. */
  get bytes(): Uint8Array {
    return this.sink.packets.bytes;
  }
}

const OTHER_FAMILY = MULTICAST_DROPS.indexOf('rpf_other_family');
const TOO_BIG = MULTICAST_DROPS.indexOf('too_big');

/** A whole packet to a group, and surely no message for the router. */
function isPlain(b: Uint8Array, family: Family): boolean {
  if (family === 4) {
    if (b.length < 20 || b[0]! >> 4 !== 4 || b[16]! >> 4 !== 14) return false;
    const header = (b[0]! & 15) * 4;
    const total = u16(b, 2);
    return header >= 20 && total >= header && total <= b.length && b[9] !== PROTOCOL_IGMP && b[9] !== PROTOCOL_PIM;
  }
  if (b.length < 40 || b[0]! >> 4 !== 6 || b[24] !== 0xff || 40 + u16(b, 4) > b.length) return false;
  const next = b[6]!;
  return next !== HOP_BY_HOP && next !== DESTINATION_OPTIONS && next !== PROTOCOL_ICMPV6 && next !== PROTOCOL_PIM;
}
