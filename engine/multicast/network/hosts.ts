import { NS_PER_S, putU32, u32, type Random } from '../../base/index.ts';
import type { MulticastReceiverSpec, MulticastSourceSpec } from '../../contract/index.ts';
import { addressBytes, addressText, isAddressAt, type Family } from '../addresses.ts';
import type { EventClock } from '../clock.ts';
import { HostPort } from '../membership/index.ts';
import {
  dataPacket,
  groupPacket,
  ipHead,
  parseGroupMessage,
  PROTOCOL_ICMPV6,
  PROTOCOL_IGMP,
  PROTOCOL_IPIP,
  PROTOCOL_UDP,
} from '../messages/index.ts';
import type { Link, LinkEnd, LinkNode } from './link.ts';
import { SequenceTracker } from './sequence-tracker.ts';
import { tooBigMtu } from './too-big.ts';

const MAGIC = 0x52534d43; // "RSMC"
const SOURCE_PORT = 40_000;
const GROUP_PORT = 9_100;
/** Magic, number of the source, sequence number, and the time of sending in two halves. */
const STAMP_BYTES = 20;

/** Stamp of a data packet: found behind the UDP header wherever the packet was translated to. */
export interface Stamp {
  readonly source: number;
  readonly sequence: number;
  readonly sentNs: number;
}

function readStamp(b: Uint8Array, at: number): Stamp | undefined {
  if (at + STAMP_BYTES > b.length || u32(b, at) !== MAGIC) return undefined;
  return { source: u32(b, at + 4), sequence: u32(b, at + 8), sentNs: u32(b, at + 12) * 0x1_0000_0000 + u32(b, at + 16) };
}

export interface SourceAddresses {
  /** Empty where it does not send that family. */
  readonly v4: string;
  readonly v6: string;
  readonly group4: string;
  readonly group6: string;
}

/** Sends numbered datagrams to its group, in one family or both. */
export class SourceNode implements LinkNode {
  readonly id: string;
  readonly spec: MulticastSourceSpec;
  readonly addresses: SourceAddresses;
  readonly up = true;
  readonly number: number;
  sent = 0;
  /** Packet Too Big messages heard, and the least MTU they told. */
  tooBig = 0;
  pathMtu = Infinity;
  private readonly clock: EventClock;
  private link: Link | undefined;
  private end: LinkEnd | undefined;

  constructor(spec: MulticastSourceSpec, number: number, addresses: SourceAddresses, clock: EventClock) {
    this.id = spec.id;
    this.spec = spec;
    this.number = number;
    this.addresses = addresses;
    this.clock = clock;
  }

  attach(link: Link, end: LinkEnd): void {
    this.link = link;
    this.end = end;
  }

  speaks(family: Family): boolean {
    return (family === 4 ? this.addresses.v4 : this.addresses.v6) !== '';
  }

  owns(address: string): boolean {
    return address === this.addresses.v4 || address === this.addresses.v6;
  }

  /** A source listens to nobody but routers that could not pass its packets on. */
  receive(_iface: number, packet: Uint8Array): void {
    const mtu = tooBigMtu(packet);
    if (mtu === undefined || !this.owns(addressText(packet, 24, 6))) return;
    this.tooBig++;
    this.pathMtu = Math.min(this.pathMtu, mtu);
  }

  start(): void {
    const { startS, ratePps } = this.spec;
    const everyNs = NS_PER_S / ratePps;
    const firstNs = startS * NS_PER_S;
    const untilNs = this.spec.stopS === undefined ? Infinity : this.spec.stopS * NS_PER_S;
    const tick = (): void => {
      this.emit();
      const nextNs = Math.round(firstNs + this.sent * everyNs);
      if (nextNs < untilNs) this.clock.at(nextNs, tick);
    };
    if (firstNs < untilNs) this.clock.at(Math.round(firstNs), tick);
  }

  private emit(): void {
    const { spec, addresses } = this;
    const payload = new Uint8Array(Math.max(0, spec.bytes - 28));
    if (payload.length >= STAMP_BYTES) {
      putU32(payload, 0, MAGIC);
      putU32(payload, 4, this.number);
      putU32(payload, 8, this.sent);
      putU32(payload, 12, Math.floor(this.clock.nowNs / 0x1_0000_0000));
      putU32(payload, 16, this.clock.nowNs % 0x1_0000_0000);
    }
    this.sent++;
    const common = { payload, ttl: spec.ttl, sourcePort: SOURCE_PORT, destinationPort: GROUP_PORT, identification: this.sent & 0xffff };
    if (addresses.v4 !== '') {
      const fields = {
        ...common,
        source: addresses.v4,
        destination: addresses.group4,
        noChecksum: !spec.udpChecksum,
        dontFragment: spec.dontFragment,
      };
      this.link!.send(this.end!, dataPacket(4, fields), 4, false);
    }
    if (addresses.v6 !== '')
      this.link!.send(this.end!, dataPacket(6, { ...common, source: addresses.v6, destination: addresses.group6 }), 6, false);
  }
}

export interface ReceiverFigures {
  received: number;
  duplicates: number;
  joinNs: number;
  leaveNs: number;
  firstPacketNs: number;
  lastPacketNs: number;
  longestGapNs: number;
  delaySumNs: number;
}

/** Joins a group with IGMP or MLD and counts what arrives; an IPv4 packet encapsulated in IPv6 is unpacked, as an mB4 does (RFC 8114). */
export class ReceiverNode implements LinkNode {
  readonly id: string;
  readonly spec: MulticastReceiverSpec;
  readonly family: Family;
  readonly address: string;
  readonly group: string;
  readonly source: string;
  readonly up = true;
  joined = false;
  readonly figures: ReceiverFigures = {
    received: 0,
    duplicates: 0,
    joinNs: -1,
    leaveNs: -1,
    firstPacketNs: -1,
    lastPacketNs: -1,
    longestGapNs: 0,
    delaySumNs: 0,
  };
  private readonly groupBytes: Uint8Array;
  private readonly sourceBytes: Uint8Array | undefined;
  private readonly trackers = new Map<number, SequenceTracker>();
  /** Tracker of the source heard last. */
  private lastSource = -1;
  private lastTracker: SequenceTracker | undefined;
  private readonly port: HostPort;
  private readonly clock: EventClock;
  private readonly delivered: () => void;
  private link: Link | undefined;
  private end: LinkEnd | undefined;

  constructor(
    spec: MulticastReceiverSpec,
    ends: { readonly address: string; readonly group: string; readonly source: string },
    clock: EventClock,
    random: Random,
    robustness: number,
    delivered: () => void,
  ) {
    this.id = spec.id;
    this.spec = spec;
    this.family = spec.protocol.startsWith('mld') ? 6 : 4;
    this.address = ends.address;
    this.group = ends.group;
    this.source = ends.source;
    this.groupBytes = addressBytes(ends.group);
    this.sourceBytes = ends.source === '' ? undefined : addressBytes(ends.source);
    this.clock = clock;
    this.delivered = delivered;
    const versions = { igmpv1: 1, igmpv2: 2, igmpv3: 3, mldv1: 2, mldv2: 3 } as const;
    this.port = new HostPort({
      family: this.family,
      version: versions[spec.protocol],
      clock,
      random,
      robustness,
      send: (message, destination) => {
        this.link!.send(this.end!, groupPacket(message, this.family, this.address, destination), this.family, true);
      },
    });
  }

  attach(link: Link, end: LinkEnd): void {
    this.link = link;
    this.end = end;
  }

  get missing(): number {
    let sum = 0;
    for (const tracker of this.trackers.values()) sum += tracker.missing;
    return sum;
  }

  speaks(family: Family): boolean {
    return family === this.family;
  }

  start(): void {
    this.clock.at(Math.round(this.spec.joinS * NS_PER_S), () => {
      this.joined = true;
      this.figures.joinNs = this.clock.nowNs;
      this.port.join(this.group, this.source);
    });
    if (this.spec.leaveS === undefined) return;
    this.clock.at(Math.round(this.spec.leaveS * NS_PER_S), () => {
      this.joined = false;
      this.figures.leaveNs = this.clock.nowNs;
      this.port.leave(this.group);
    });
  }

  receive(_iface: number, packet: Uint8Array, family: Family): void {
    const head = ipHead(packet, 0, packet.length);
    if (head === undefined) return;
    const { protocol, at, end } = head;
    if (protocol === PROTOCOL_IGMP || protocol === PROTOCOL_ICMPV6) {
      const message = parseGroupMessage(packet, at, end, family, 8, 24);
      if (typeof message !== 'string') this.port.receive(message);
      return;
    }
    // A host hears its own family only, so lengths agree.
    if (!this.joined || !isAddressAt(packet, family === 4 ? 16 : 24, this.groupBytes)) return;
    if (this.sourceBytes !== undefined && !isAddressAt(packet, family === 4 ? 12 : 8, this.sourceBytes)) return;
    this.data(packet, protocol, at);
  }

  private data(packet: Uint8Array, protocol: number, at: number): void {
    let udp = at;
    let next = protocol;
    // Of a datagram in fragments the first one counts.
    if (next === 44 && ((packet[at + 2]! << 8) | (packet[at + 3]! & 0xf8)) === 0) {
      next = packet[at]!;
      udp += 8;
    }
    if (next === PROTOCOL_IPIP) {
      next = packet[udp + 9]!;
      udp += 20;
    }
    const stamp = next === PROTOCOL_UDP ? readStamp(packet, udp + 8) : undefined;
    if (stamp === undefined) return;
    const { figures } = this;
    if (!this.trackerOf(stamp.source).take(stamp.sequence)) {
      figures.duplicates++;
      return;
    }
    const { nowNs } = this.clock;
    figures.received++;
    this.delivered();
    if (figures.firstPacketNs < 0) figures.firstPacketNs = nowNs;
    else figures.longestGapNs = Math.max(figures.longestGapNs, nowNs - figures.lastPacketNs);
    figures.lastPacketNs = nowNs;
    figures.delaySumNs += nowNs - stamp.sentNs;
  }

  private trackerOf(source: number): SequenceTracker {
    if (source === this.lastSource && this.lastTracker !== undefined) return this.lastTracker;
    let tracker = this.trackers.get(source);
    if (tracker === undefined) this.trackers.set(source, (tracker = new SequenceTracker()));
    this.lastSource = source;
    this.lastTracker = tracker;
    return tracker;
  }
}
