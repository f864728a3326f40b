import { u16, u32 } from '../base/index.ts';
import { fragmentKey } from './fragment-table.ts';
import type { MapMapper } from './map-mapper.ts';
import { PortSet, type Own } from './map-rules.ts';
import { KEEP_PORT, type AddressMapper } from './mapper.ts';
import { Napt44, type Ends } from './napt44.ts';
import { PacketView, PROTOCOL } from './packet-view.ts';
import { isIllegalSource4 } from './prefix64.ts';
import { REASON } from './reasons.ts';
import type { TranslatorSettings } from './settings.ts';
import { TCP_FLAG } from './tcp-state.ts';

/**
 * MAP-T customer edge with NAPT44 (RFC 7599 sections 8.1, 8.2, 9 and 10): hosts inside have any IPv4 address. What they send gets the edge's address
 * and a port or identifier of its set, then the addresses of the mapping rules; what comes back takes the same way in reverse. Both are one step here:
 * one hop, one change of the checksum. Identifications of fragments are of the port set too (section 10.3).
 */
export class NaptEdgeMapper implements AddressMapper {
  source4 = 0;
  destination4 = 0;
  readonly addresses6: Uint8Array;
  sourcePort = KEEP_PORT;
  destinationPort = KEEP_PORT;
  hairpin = false;
  readonly map: MapMapper;
  readonly napt: Napt44;
  private readonly own: Own;
  private readonly ports: PortSet;
  /** Counts packets whose fragments need an identification of their own. */
  private identifications = 0;
  private readonly quote = new PacketView();
  private readonly ends: Ends = { protocol: 0, address4: 0, port: 0, peer: 0, peerPort: 0, flags: 0 };

  constructor(map: MapMapper, own: Own, settings: TranslatorSettings) {
    this.map = map;
    this.own = own;
    this.addresses6 = map.addresses6;
    this.ports = new PortSet(own.rule, own.psid);
    this.napt = new Napt44(settings.spec.mapt.napt44, this.ports);
  }

  /** Reads protocol and ports, of a sender inside if `out`, else of a receiver; false where there are none. Addresses are the caller's. */
  private read(view: PacketView, out: boolean): boolean {
    const { b, transport: t, capturedBytes } = view;
    const { ends } = this;
    const icmp = view.protocol === PROTOCOL.icmp || view.protocol === PROTOCOL.icmpv6;
    ends.protocol = icmp ? PROTOCOL.icmp : view.protocol;
    ends.flags = 0;
    if (view.fragmentOffset !== 0 || capturedBytes < (icmp ? 6 : 4)) return false;
    if (icmp) {
      ends.port = u16(b, t + 4);
      ends.peerPort = 0;
      return true;
    }
    if (view.protocol !== PROTOCOL.tcp && view.protocol !== PROTOCOL.udp) return false;
    ends.port = u16(b, out ? t : t + 2);
    ends.peerPort = u16(b, out ? t + 2 : t);
    if (view.protocol === PROTOCOL.tcp && capturedBytes >= 14) ends.flags = b[t + 13]!;
    return true;
  }

  map46(view: PacketView, inner: boolean, nowNs: number): number {
    this.sourcePort = KEEP_PORT;
    this.destinationPort = KEEP_PORT;
    if (inner) return this.quoted46(view);
    this.napt.session = -1;
    const { b, o } = view;
    const source = u32(b, o + 12);
    const peer = u32(b, o + 16);
    if (peer >>> 28 === 0xe) return REASON.multicast;
    if (view.icmpError) return this.error46(view, peer);
    if (isIllegalSource4(source)) return REASON.illegalSource;
    if (view.fragmentOffset !== 0) return this.later46(view);
    if (!this.read(view, true)) return REASON.mapNoPort;
    if (view.protocol === PROTOCOL.tcp && view.capturedBytes < 14) return REASON.tooShort;
    const { ends, napt } = this;
    ends.address4 = source;
    ends.peer = peer;
    const opens =
      ends.protocol === PROTOCOL.tcp ? (ends.flags & TCP_FLAG.syn) !== 0 : ends.protocol !== PROTOCOL.icmp || b[view.transport] === 8;
    let code = napt.outgoing(ends, opens, this.address(source));
    if (code !== 0) return code;
    this.sourcePort = napt.port;
    code = this.write6(napt.address4, napt.port, peer, ends.protocol === PROTOCOL.icmp ? napt.port : ends.peerPort);
    if (code === 0 && !view.dontFragment) this.identify(view, nowNs);
    return code;
  }

  /** The edge's address for a host inside: of a prefix always the same one for a host (RFC 4787 REQ-2). */
  private address(host: number): number {
    const { v4, mask } = this.own;
    return (v4 + (host & ~mask)) >>> 0;
  }

  /** Addresses of the edge with the ports of each. */
  *addresses4(): Generator<{ readonly address: number; readonly ports: number }> {
    const { v4, mask } = this.own;
    for (let i = 0; i <= ~mask >>> 0; i++) yield { address: v4 + i, ports: this.ports.count };
  }

  /** Addresses of a packet from the edge's own `v4` to `peer`. */
  private write6(v4: number, port: number, peer: number, peerPort: number): number {
    const code = this.map.outside6(peer, peerPort, 16);
    return code === 0 ? this.map.inside6(v4, port, 0) : code;
  }

  /** A packet that is in fragments, or may be cut here, gets an identification of the port set: two edges with one address never take the same one. */
  private identify(view: PacketView, nowNs: number): void {
    const key = view.moreFragments ? fragmentKey(view) : null;
    if (this.own.rule.psidBits > 0) view.identification = this.ports.at(this.identifications++ % this.ports.count);
    if (key === null) return;
    const { identification } = view;
    this.map.fragments.learn({ key, sinceNs: nowNs, source4: 0, destination4: 0, addresses6: this.addresses6.slice(), identification });
  }

  private later46(view: PacketView): number {
    const known = this.map.fragments.find(fragmentKey(view));
    if (known === undefined) return REASON.mapFragmentHeld;
    this.addresses6.set(known.addresses6);
    view.identification = known.identification ?? view.identification;
    return 0;
  }

  /** An error that a host or router inside sends about a packet from outside. */
  private error46(view: PacketView, peer: number): number {
    const { quote, ends, napt } = this;
    const at = view.transport + 8;
    const room = view.available - at;
    if (quote.parse4(view.b, at, room, room, true, false) !== 0 || !this.read(quote, false)) return REASON.icmpInner;
    ends.address4 = u32(quote.b, quote.o + 16);
    ends.peer = u32(quote.b, quote.o + 12);
    const code = napt.outsideOf(ends);
    return code === 0 ? this.write6(napt.address4, napt.port, peer, ends.protocol === PROTOCOL.icmp ? napt.port : ends.peerPort) : code;
  }

  /** The packet quoted there went from a peer to a host inside. */
  private quoted46(view: PacketView): number {
    const { ends, napt, map } = this;
    if (!this.read(view, false)) return REASON.icmpInner;
    ends.address4 = u32(view.b, view.o + 16);
    ends.peer = u32(view.b, view.o + 12);
    let code = napt.outsideOf(ends);
    if (code !== 0) return code;
    code = map.outside6(ends.peer, ends.protocol === PROTOCOL.icmp ? napt.port : ends.peerPort, 0);
    if (code === 0) code = map.inside6(napt.address4, napt.port, 16);
    this.destinationPort = napt.port;
    return code;
  }

  map64(view: PacketView, inner: boolean, nowNs: number): number {
    this.sourcePort = KEEP_PORT;
    this.destinationPort = KEEP_PORT;
    if (inner) return this.quoted64(view);
    this.napt.session = -1;
    const { b, o } = view;
    if (b[o + 24] === 0xff) return REASON.multicast;
    if (view.icmpError) return this.error64(view);
    if (view.fragmentOffset !== 0) return this.later64(view);
    if (!this.read(view, false)) return REASON.mapNoPort;
    if (view.protocol === PROTOCOL.tcp && view.capturedBytes < 14) return REASON.tooShort;
    const { ends, napt } = this;
    let code = this.ends64(view, false);
    if (code !== 0) return code;
    if (isIllegalSource4(ends.peer)) return REASON.illegalSource;
    code = napt.incoming(ends);
    if (code !== 0) return code;
    this.source4 = ends.peer;
    this.destination4 = napt.address4;
    this.destinationPort = napt.port;
    if (view.moreFragments) {
      const { source4, destination4 } = this;
      this.map.fragments.learn({ key: fragmentKey(view), sinceNs: nowNs, source4, destination4, addresses6: this.addresses6 });
    }
    return 0;
  }

  /** IPv4 addresses of an IPv6 packet between the edge and a peer, to `ends`; `out`: it went out, and is quoted. Ports have been read. */
  private ends64({ b, o }: PacketView, out: boolean): number {
    const { ends, map } = this;
    let code = map.inside4(b, out ? o + 8 : o + 24, ends.port);
    if (code !== 0) return code;
    ends.address4 = map.value;
    code = map.outside4(b, out ? o + 24 : o + 8, ends.protocol === PROTOCOL.icmp ? ends.port : ends.peerPort);
    ends.peer = map.value;
    return code;
  }

  private later64(view: PacketView): number {
    const known = this.map.fragments.find(fragmentKey(view));
    if (known === undefined) return REASON.mapFragmentHeld;
    this.source4 = known.source4;
    this.destination4 = known.destination4;
    return 0;
  }

  get poolSource(): boolean {
    return this.map.poolSource;
  }

  /** An error from outside about a packet of a host inside: it goes to that host, and its source is mapped as any, or as a router (RFC 6791). */
  private error64(view: PacketView): number {
    const { quote, map, napt } = this;
    const at = view.transport + 8;
    const room = view.available - at;
    if (quote.parse6(view.b, at, room, room, true) !== 0) return REASON.icmpInner;
    let code = this.quoted64(quote);
    if (code !== 0) return code;
    this.sourcePort = KEEP_PORT;
    map.poolSource = false;
    code = map.outside4(view.b, view.o + 8, -1);
    if (code === REASON.mapNotDmr) code = map.routerSource(view);
    this.source4 = map.value;
    this.destination4 = napt.address4;
    return code;
  }

  /** The packet quoted there went from a port of the edge to a peer. */
  private quoted64(view: PacketView): number {
    const { ends, napt } = this;
    if (!this.read(view, true)) return REASON.icmpInner;
    let code = this.ends64(view, true);
    if (code === 0) code = napt.insideOf(ends);
    if (code !== 0) return code;
    this.source4 = napt.address4;
    this.sourcePort = napt.port;
    this.destination4 = ends.peer;
    return 0;
  }
}
