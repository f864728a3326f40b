import { NS_PER_S, putU32, u16, u32 } from '../../base/index.ts';
import { KEEP_PORT, type AddressMapper } from '../mapper.ts';
import { PacketView, PROTOCOL } from '../packet-view.ts';
import { REASON } from '../reasons.ts';

/** Both parties of a session as the converter knows them. Addresses of 16 bytes are not copied: they belong to the terminals. */
export interface RelayEntry {
  readonly session: number;
  /** Even port of the converter, the same in both families; RTCP uses the one above (RFC 3550 section 11). */
  readonly port: number;
  /** The port that IPv4 parties send to: another one where a NAT is in front. */
  readonly port4: number;
  peer4: number;
  peerPort4: number;
  peer6: Uint8Array;
  peerPort6: number;
  /** IPv4 address that stands for the IPv6 party; only with prefix mapping. */
  readonly standIn4: number;
  /** Bits per second that it asked for, each way. */
  readonly rateBps: number;
  /** Rate cap: packets since `windowNs`. */
  windowNs: number;
  windowPackets: number;
}

/** Counts a packet of a session, at `nowNs`; false beyond `ratePps` packets a second. */
export function withinRate(entry: RelayEntry, ratePps: number, nowNs: number): boolean {
  if (nowNs - entry.windowNs >= NS_PER_S) {
    entry.windowNs = nowNs;
    entry.windowPackets = 0;
  }
  return ++entry.windowPackets <= ratePps;
}

function same16(a: Uint8Array, o: number, b: Uint8Array): boolean {
  for (let i = 0; i < 16; i++) if (a[o + i] !== b[i]) return false;
  return true;
}

/**
 * Binding relay (T-11, T-12): each party sends to a port of the converter in its own family and gets packets from that port. Only
 * reserved ports answer, and only to the party they are reserved for (T-15).
 */
export class BindingMapper implements AddressMapper {
  source4 = 0;
  destination4 = 0;
  readonly addresses6 = new Uint8Array(32);
  sourcePort = KEEP_PORT;
  destinationPort = KEEP_PORT;
  hairpin = false;
  /** Entry of the last packet. */
  entry: RelayEntry | undefined;
  readonly byPort = new Map<number, RelayEntry>();
  own4: number;
  own6: Uint8Array;
  private readonly quote = new PacketView();

  constructor(own4: number, own6: Uint8Array) {
    this.own4 = own4;
    this.own6 = own6;
  }

  map46(view: PacketView, inner: boolean): number {
    const { b, o, transport: t } = view;
    if (inner) return this.quoted46(view);
    this.entry = undefined;
    if (u32(b, o + 16) !== this.own4) return REASON.noBinding;
    if (view.icmpError) return this.error46(view);
    if (view.protocol !== PROTOCOL.udp || view.fragmented) return REASON.unsupportedProtocol;
    const port = u16(b, t + 2);
    const entry = this.byPort.get(port & ~1);
    if (entry === undefined) return REASON.noBinding;
    if (u32(b, o + 12) !== entry.peer4 || u16(b, t) !== entry.peerPort4 + (port & 1)) return REASON.filtered;
    this.entry = entry;
    this.addresses6.set(this.own6, 0);
    this.addresses6.set(entry.peer6, 16);
    this.sourcePort = port;
    this.destinationPort = entry.peerPort6 + (port & 1);
    return 0;
  }

  map64(view: PacketView, inner: boolean): number {
    const { b, o, transport: t } = view;
    if (inner) return this.quoted64(view);
    this.entry = undefined;
    if (!same16(b, o + 24, this.own6)) return REASON.noBinding;
    if (view.icmpError) return this.error64(view);
    if (view.protocol !== PROTOCOL.udp || view.fragmented) return REASON.unsupportedProtocol;
    const port = u16(b, t + 2);
    const entry = this.byPort.get(port & ~1);
    if (entry === undefined) return REASON.noBinding;
    if (!same16(b, o + 8, entry.peer6) || u16(b, t) !== entry.peerPort6 + (port & 1)) return REASON.filtered;
    this.entry = entry;
    this.source4 = this.own4;
    this.destination4 = entry.peer4;
    this.sourcePort = port;
    this.destinationPort = entry.peerPort4 + (port & 1);
    return 0;
  }

  /** An error about a packet sent to the IPv4 party goes to the IPv6 party, who sent it first (T-13). */
  private error46(view: PacketView): number {
    const at = view.transport + 8;
    const room = view.available - at;
    if (this.quote.parse4(view.b, at, room, room, true, false) !== 0) return REASON.icmpInner;
    const code = this.quoted46(this.quote);
    if (code !== 0) return code;
    this.addresses6.set(this.own6, 0);
    this.addresses6.set(this.entry!.peer6, 16);
    return 0;
  }

  private error64(view: PacketView): number {
    const at = view.transport + 8;
    const room = view.available - at;
    if (this.quote.parse6(view.b, at, room, room, true) !== 0) return REASON.icmpInner;
    const code = this.quoted64(this.quote);
    if (code !== 0) return code;
    this.source4 = this.own4;
    this.destination4 = this.entry!.peer4;
    return 0;
  }

  private quoted46(view: PacketView): number {
    const { b, o, transport: t } = view;
    if (view.protocol !== PROTOCOL.udp || view.fragmentOffset !== 0 || view.capturedBytes < 4) return REASON.icmpInner;
    const port = u16(b, t);
    const entry = this.byPort.get(port & ~1);
    if (entry === undefined || u32(b, o + 12) !== this.own4 || u32(b, o + 16) !== entry.peer4) return REASON.noBinding;
    this.entry = entry;
    this.addresses6.set(entry.peer6, 0);
    this.addresses6.set(this.own6, 16);
    this.sourcePort = entry.peerPort6 + (port & 1);
    this.destinationPort = port;
    return 0;
  }

  private quoted64(view: PacketView): number {
    const { b, o, transport: t } = view;
    if (view.protocol !== PROTOCOL.udp || view.fragmentOffset !== 0 || view.capturedBytes < 4) return REASON.icmpInner;
    const port = u16(b, t);
    const entry = this.byPort.get(port & ~1);
    if (entry === undefined || !same16(b, o + 8, this.own6) || !same16(b, o + 24, entry.peer6)) return REASON.noBinding;
    this.entry = entry;
    this.source4 = entry.peer4;
    this.destination4 = this.own4;
    this.sourcePort = entry.peerPort4 + (port & 1);
    this.destinationPort = port;
    return 0;
  }
}

/**
 * Prefix mapping (T-12): the IPv4 party appears inside an IPv6 prefix of the converter (RFC 6052), the IPv6 party behind an IPv4 address
 * that stands for it (RFC 7757). No port is touched and none is reserved.
 */
export class PrefixMapper implements AddressMapper {
  source4 = 0;
  destination4 = 0;
  readonly addresses6 = new Uint8Array(32);
  readonly sourcePort = KEEP_PORT;
  readonly destinationPort = KEEP_PORT;
  hairpin = false;
  entry: RelayEntry | undefined;
  readonly byStandIn = new Map<number, RelayEntry>();
  readonly byPeer4 = new Map<number, RelayEntry>();
  /** First twelve bytes of a /96. */
  readonly prefix: Uint8Array;

  constructor(prefix: Uint8Array) {
    this.prefix = prefix;
  }

  map46(view: PacketView, inner: boolean): number {
    const { b, o } = view;
    // Inside an error the packet ran the other way.
    const standIn = u32(b, o + (inner ? 12 : 16));
    const peer = u32(b, o + (inner ? 16 : 12));
    const entry = this.byStandIn.get(standIn);
    if (!inner) this.entry = undefined;
    if (entry === undefined) return REASON.noBinding;
    if (peer !== entry.peer4 && !view.icmpError) return REASON.filtered;
    this.entry = entry;
    this.embed(peer, inner ? 16 : 0);
    this.addresses6.set(entry.peer6, inner ? 0 : 16);
    return 0;
  }

  map64(view: PacketView, inner: boolean): number {
    const { b, o } = view;
    const outside = o + (inner ? 8 : 24);
    if (!inner) this.entry = undefined;
    for (let i = 0; i < 12; i++) if (b[outside + i] !== this.prefix[i]) return REASON.notPool6;
    const entry = this.byPeer4.get(u32(b, outside + 12));
    if (entry === undefined) return REASON.noBinding;
    if (!same16(b, o + (inner ? 24 : 8), entry.peer6) && !view.icmpError) return REASON.filtered;
    this.entry = entry;
    this.source4 = inner ? entry.peer4 : entry.standIn4;
    this.destination4 = inner ? entry.standIn4 : entry.peer4;
    return 0;
  }

  private embed(v4: number, at: number): void {
    this.addresses6.set(this.prefix, at);
    putU32(this.addresses6, at + 12, v4);
  }
}
