import { putU16, putU32, u16, u32, unwrap } from '../../base/index.ts';
import { MULTICAST_DROPS, translatorSchema, type MulticastDrop } from '../../contract/index.ts';
import { compileSettings, extract4, isTranslated, PacketSink, PacketTranslator, REASON, SINK_KIND } from '../../translator/index.ts';
import { emitFragment, FRAGMENT_HEADER_BYTES, foldSum, sum16, checksum } from '../../wire/index.ts';
import type { Family } from '../addresses.ts';
import type { PrefixSet } from '../mapping/index.ts';
import { GroupMapper } from './group-mapper.ts';
import type { ForwardingTable } from './table.ts';

const DROP = Object.fromEntries(MULTICAST_DROPS.map((name, i) => [name, i])) as Readonly<Record<MulticastDrop, number>>;

const NEXT_IPIP = 4;
const NEXT_FRAGMENT = 44;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
/** Copies of one packet: an interface each, times the fragments of the smallest MTU. */
const MAX_ROWS = 4_096;
const MAX_PACKETS = 1_024;
const SINK_BYTES = 1_048_576;

/** Where copies go: rows of an interface and a packet; several interfaces share one packet. */
export class ForwardSink {
  readonly packets = new PacketSink(SINK_BYTES, MAX_PACKETS);
  readonly iface = new Uint8Array(MAX_ROWS);
  readonly packet = new Uint16Array(MAX_ROWS);
  rows = 0;

  clear(): void {
    this.packets.clear();
    this.rows = 0;
  }

  /** Sends the packets from number `first` on out of every interface of the mask. False where there was no row for one of them. */
  send(first: number, mask: number): boolean {
    let room = true;
    for (let packet = first; packet < this.packets.count; packet++) {
      if (this.packets.kind[packet] !== SINK_KIND.translated) continue;
      for (let rest = mask, iface = 0; rest !== 0; rest >>>= 1, iface++) {
        if ((rest & 1) === 0) continue;
        room &&= this.rows < MAX_ROWS;
        if (this.rows >= MAX_ROWS) continue;
        this.iface[this.rows] = iface;
        this.packet[this.rows++] = packet;
      }
    }
    return room;
  }
}

export interface ForwarderOptions {
  readonly table: ForwardingTable;
  /** IPv6 entries that have no IPv4 form. */
  readonly native: ForwardingTable;
  readonly sets: readonly PrefixSet[];
  /** By interface. */
  readonly mtu: readonly number[];
  /** Interfaces on which IPv4 data leaves as IPv6 by encapsulation (RFC 8114) instead of translation. */
  encapsulate: number;
  /** Packets with a lower TTL or hop limit are not forwarded (M-22). */
  readonly threshold: number;
  /** Both families of a packet are looked up as one key. */
  readonly translates: boolean;
}

/**
 * The data path of one router (M-19 to M-23): reads a packet's header, finds its entry, checks the family and the interface it came from, and makes
 * the copies. Nothing is allocated per packet; never throws on packet bytes.
 */
export class Forwarder {
  readonly drops = new Float64Array(MULTICAST_DROPS.length);
  packetsIn = 0;
  packetsOut = 0;
  translated = 0;
  encapsulated = 0;
  decapsulated = 0;
  fragments = 0;
  /** Source and group of the last packet as IPv4 numbers, 0 where it has no such form. */
  source4 = 0;
  group4 = 0;
  /** Place in MULTICAST_DROPS of the reason of the last drop, -1 where the last packet met none. */
  lastDrop = -1;
  readonly table: ForwardingTable;
  readonly native: ForwardingTable;
  private readonly options: ForwarderOptions;
  private readonly mapper: GroupMapper;
  private readonly translators = new Map<number, PacketTranslator>();
  private readonly key = new Uint32Array(8);
  private readonly mtuMasks: { readonly mtu: number; readonly mask: number }[] = [];

  constructor(options: ForwarderOptions) {
    this.options = options;
    this.table = options.table;
    this.native = options.native;
    this.mapper = new GroupMapper(options.sets);
    for (const mtu of [...new Set(options.mtu)]) {
      this.mtuMasks.push({ mtu, mask: options.mtu.reduce((mask, each, iface) => (each === mtu ? mask | (1 << iface) : mask), 0) });
    }
  }

  private drop(reason: MulticastDrop): void {
    this.lastDrop = DROP[reason];
    this.drops[this.lastDrop]!++;
  }

  /** How often packets were dropped for a reason. */
  dropped(reason: MulticastDrop): number {
    return this.drops[DROP[reason]]!;
  }

  countDrop(reason: MulticastDrop): void {
    this.drop(reason);
  }

  /** Takes the packet at `o` that came in on an interface; copies go to the sink. Returns the number of rows added. */
  forward(family: Family, iface: number, b: Uint8Array, o: number, length: number, sink: ForwardSink): number {
    this.packetsIn++;
    this.lastDrop = -1;
    const before = sink.rows;
    if (family === 4) this.from4(iface, b, o, length, sink);
    else this.from6(iface, b, o, length, sink);
    this.packetsOut += sink.rows - before;
    return sink.rows - before;
  }

  private from4(iface: number, b: Uint8Array, o: number, length: number, sink: ForwardSink): void {
    const headerBytes = length < IPV4_BYTES ? 0 : (b[o]! & 15) * 4;
    if (headerBytes < IPV4_BYTES || b[o]! >> 4 !== 4 || u16(b, o + 2) > length || u16(b, o + 2) < headerBytes) {
      this.drop('malformed');
      return;
    }
    if (foldSum(sum16(b, o, o + headerBytes)) !== 0xffff) {
      this.drop('bad_checksum');
      return;
    }
    this.source4 = u32(b, o + 12);
    this.group4 = u32(b, o + 16);
    const { table } = this.options;
    const row = table.find2(this.source4, this.group4);
    if (!this.admit(table, row, 4, iface, b[o + 8]!, u16(b, o + 2))) return;
    const own = table.to44[row]! & ~(1 << iface);
    const other = table.to46[row]!;
    if ((own | other) === 0) this.drop('no_outgoing');
    if (own !== 0) this.copy4(b, o, u16(b, o + 2), own, sink);
    if (other === 0) return;
    const outer = other & this.options.encapsulate;
    if (outer !== 0) this.encapsulate(b, o, u16(b, o + 2), outer, sink);
    const plain = other & ~this.options.encapsulate;
    if (plain !== 0) this.translate(4, b, o, u16(b, o + 2), plain, sink);
  }

  private from6(iface: number, b: Uint8Array, o: number, length: number, sink: ForwardSink): void {
    const total = length < IPV6_BYTES ? 0 : IPV6_BYTES + u16(b, o + 4);
    if (total === 0 || b[o]! >> 4 !== 6 || total > length) {
      this.drop('malformed');
      return;
    }
    if (!this.options.translates || !this.readKey(b, o)) {
      this.native6(iface, b, o, total, sink);
      return;
    }
    const { table } = this.options;
    const row = table.find2(this.source4, this.group4);
    if (!this.admit(table, row, 6, iface, b[o + 7]!, total)) return;
    const own = table.to66[row]! & ~(1 << iface);
    const other = table.to64[row]!;
    if ((own | other) === 0) this.drop('no_outgoing');
    if (own !== 0) this.copy6(b, o, total, own, sink);
    if (other === 0) return;
    if (b[o + 6] === NEXT_IPIP) this.decapsulate(b, o, total, other, sink);
    else this.translate(6, b, o, total, other, sink);
  }

  private native6(iface: number, b: Uint8Array, o: number, total: number, sink: ForwardSink): void {
    const { native } = this.options;
    this.source4 = 0;
    this.group4 = 0;
    for (let i = 0; i < 8; i++) this.key[i] = u32(b, o + 8 + 4 * i);
    const row = native.find(this.key);
    if (!this.admit(native, row, 6, iface, b[o + 7]!, total)) return;
    const own = native.to66[row]! & ~(1 << iface);
    if (own === 0) this.drop('no_outgoing');
    else this.copy6(b, o, total, own, sink);
  }

  /** The IPv4 forms of source and group (M-07); false for ordinary IPv6. */
  private readKey(b: Uint8Array, o: number): boolean {
    for (const { asm, ssm, source } of this.options.sets) {
      let group = extract4(ssm, b, o + 24);
      if (group < 0) group = extract4(asm, b, o + 24);
      if (group < 0) group = this.scoped(asm.bytes, b, o + 24);
      if (group >>> 28 !== 14) continue;
      const from = extract4(source, b, o + 8);
      if (from < 0) continue;
      this.source4 = from;
      this.group4 = group;
      return true;
    }
    return false;
  }

  /** Groups of 239/8 have the prefix with the scope of their range. */
  private scoped(prefix: Uint8Array, b: Uint8Array, o: number): number {
    if (b[o + 12] !== 239 || b[o] !== 0xff || b[o + 1]! >>> 4 !== prefix[1]! >>> 4) return -1;
    for (let i = 2; i < 12; i++) if (b[o + i] !== prefix[i]) return -1;
    return u32(b, o + 12);
  }

  /** M-19 and M-22: entry, family, interface, TTL. */
  private admit(table: ForwardingTable, row: number, family: Family, iface: number, ttl: number, bytes: number): boolean {
    if (row < 0) {
      this.drop('no_entry');
      return false;
    }
    const wanted = family === 4 ? table.in4[row]! : table.in6[row]!;
    if (wanted !== iface) {
      const otherFamily = wanted < 0 && (family === 4 ? table.in6[row]! : table.in4[row]!) >= 0;
      if (otherFamily) {
        table.otherFamily[row]!++;
        table.otherFamilyBytes[row]! += bytes;
      } else table.otherInterface[row]!++;
      this.drop(otherFamily ? 'rpf_other_family' : 'rpf_interface');
      return false;
    }
    if (ttl <= 1 || ttl < this.options.threshold) {
      this.drop('ttl_expired');
      return false;
    }
    table.packets[row]!++;
    table.bytes[row]! += bytes;
    return true;
  }

  /** Copies are made once for all interfaces of one MTU, which nearly always are all of them. */
  private copy4(b: Uint8Array, o: number, length: number, mask: number, sink: ForwardSink): void {
    for (let i = 0; i < this.mtuMasks.length; i++) {
      const { mtu, mask: same } = this.mtuMasks[i]!;
      if ((mask & same) !== 0) this.copy4To(b, o, length, mtu, mask & same, sink);
    }
  }

  private copy4To(b: Uint8Array, o: number, length: number, mtu: number, mask: number, sink: ForwardSink): void {
    const first = sink.packets.count;
    if (length > mtu) {
      if (!this.fragment4(b, o, length, mtu, sink)) return;
    } else {
      const at = sink.packets.reserve(length);
      if (at < 0) {
        this.drop('sink_full');
        return;
      }
      copy(sink.packets.bytes, at, b, o, length);
      lowerTtl4(sink.packets.bytes, at);
      sink.packets.push(length, length, 4, SINK_KIND.translated);
    }
    if (!sink.send(first, mask)) this.drop('sink_full');
  }

  /** RFC 791 section 3.2; false where the packet must not be cut. */
  private fragment4(b: Uint8Array, o: number, length: number, mtu: number, sink: ForwardSink): boolean {
    const word = u16(b, o + 6);
    const header = (b[o]! & 15) * 4;
    if ((word & 0x4000) !== 0) {
      this.drop('too_big');
      return false;
    }
    // RFC 791: a datagram has 65,535 bytes at most; an offset beyond would run into the flags.
    if ((word & 0x1fff) * 8 + length > 65_535) {
      this.drop('malformed');
      return false;
    }
    const step = (mtu - header) & ~7;
    for (let done = header; done < length; done += step) {
      const bytes = Math.min(step, length - done);
      const at = sink.packets.reserve(header + bytes);
      if (at < 0) {
        this.drop('sink_full');
        return false;
      }
      const out = sink.packets.bytes;
      copy(out, at, b, o, header);
      copy(out, at + header, b, o + done, bytes);
      putU16(out, at + 2, header + bytes);
      const more = done + bytes < length || (word & 0x2000) !== 0;
      putU16(out, at + 6, (more ? 0x2000 : 0) | ((word & 0x1fff) + ((done - header) >>> 3)));
      out[at + 8] = out[at + 8]! - 1;
      putU16(out, at + 10, 0);
      putU16(out, at + 10, checksum(out, at, at + header));
      sink.packets.push(header + bytes, header + bytes, 4, SINK_KIND.translated);
      this.fragments++;
    }
    return true;
  }

  /** Routers do not cut IPv6 packets (RFC 8200 section 5). */
  private copy6(b: Uint8Array, o: number, length: number, mask: number, sink: ForwardSink): void {
    for (let i = 0; i < this.mtuMasks.length; i++) {
      const { mtu, mask: same } = this.mtuMasks[i]!;
      if ((mask & same) !== 0) this.copy6To(b, o, length, mtu, mask & same, sink);
    }
  }

  private copy6To(b: Uint8Array, o: number, length: number, mtu: number, mask: number, sink: ForwardSink): void {
    if (length > mtu) {
      this.drop('too_big');
      return;
    }
    const at = sink.packets.reserve(length);
    if (at < 0) {
      this.drop('sink_full');
      return;
    }
    copy(sink.packets.bytes, at, b, o, length);
    sink.packets.bytes[at + 7] = b[o + 7]! - 1;
    const first = sink.packets.count;
    sink.packets.push(length, length, 6, SINK_KIND.translated);
    if (!sink.send(first, mask)) this.drop('sink_full');
  }

  private translate(side: Family, b: Uint8Array, o: number, length: number, mask: number, sink: ForwardSink): void {
    this.mapper.source4 = this.source4;
    this.mapper.destination4 = this.group4;
    for (let i = 0; i < this.mtuMasks.length; i++) {
      const { mtu, mask: same } = this.mtuMasks[i]!;
      if ((mask & same) !== 0) this.translateTo(side, b, o, length, mtu, mask & same, sink);
    }
  }

  private translateTo(side: Family, b: Uint8Array, o: number, length: number, mtu: number, mask: number, sink: ForwardSink): void {
    const first = sink.packets.count;
    const code = this.translator(mtu).translate(side, b, o, length, length, sink.packets);
    if (!isTranslated(code)) {
      this.refused(code);
      return;
    }
    this.translated++;
    if (sink.packets.count - first > 1) this.fragments += sink.packets.count - first;
    if (!sink.send(first, mask)) this.drop('sink_full');
  }

  private refused(code: number): void {
    if (code === REASON.sinkFull) this.drop('sink_full');
    else if (code === REASON.packetTooBig || code === REASON.answerSuppressed) this.drop('too_big');
    else if (code === REASON.hopLimitExpired) this.drop('ttl_expired');
    else if (code === REASON.udpZeroDropped || code === REASON.udpZeroFragment) this.drop('udp_zero_checksum');
    else this.drop('unmapped');
  }

  private translator(mtu: number): PacketTranslator {
    let made = this.translators.get(mtu);
    if (made === undefined) {
      const size = Math.max(1_280, mtu);
      // The header checksum has been looked at here already.
      const settings = unwrap(
        compileSettings(translatorSchema.parse({ mtu4: mtu, mtu6: size, lowestIpv6Mtu: size, badHeaderChecksum: 'forward' })),
      );
      this.translators.set(mtu, (made = new PacketTranslator(settings, this.mapper)));
    }
    return made;
  }

  /** RFC 8114 section 6 and RFC 2473: the whole IPv4 packet inside, its TTL lowered, outer addresses by M-01 and M-02. */
  private encapsulate(b: Uint8Array, o: number, length: number, mask: number, sink: ForwardSink): void {
    this.mapper.write6(this.source4, this.group4);
    for (let i = 0; i < this.mtuMasks.length; i++) {
      const { mtu, mask: same } = this.mtuMasks[i]!;
      if ((mask & same) !== 0) this.encapsulateTo(b, o, length, mtu, mask & same, sink);
    }
  }

  private encapsulateTo(b: Uint8Array, o: number, length: number, mtu: number, mask: number, sink: ForwardSink): void {
    const first = sink.packets.count;
    const whole = IPV6_BYTES + length;
    const step = whole <= mtu ? length : (mtu - IPV6_BYTES - FRAGMENT_HEADER_BYTES) & ~7;
    if (whole > mtu && (u16(b, o + 6) & 0x4000) !== 0) {
      this.drop('too_big');
      return;
    }
    const extra = whole <= mtu ? 0 : FRAGMENT_HEADER_BYTES;
    for (let done = 0; done < length; done += step) {
      const bytes = Math.min(step, length - done);
      const at = sink.packets.reserve(IPV6_BYTES + extra + bytes);
      if (at < 0) {
        this.drop('sink_full');
        return;
      }
      const out = sink.packets.bytes;
      this.outer(out, at, b[o + 1]!, extra === 0 ? NEXT_IPIP : NEXT_FRAGMENT, extra + bytes, b[o + 8]! - 1);
      if (extra > 0) {
        emitFragment(out, at + IPV6_BYTES, {
          nextHeader: NEXT_IPIP,
          offset: done,
          more: done + bytes < length,
          identification: u16(b, o + 4),
        });
        this.fragments++;
      }
      copy(out, at + IPV6_BYTES + extra, b, o + done, bytes);
      if (done === 0) lowerTtl4(out, at + IPV6_BYTES + extra);
      sink.packets.push(IPV6_BYTES + extra + bytes, IPV6_BYTES + extra + bytes, 6, SINK_KIND.translated);
    }
    this.encapsulated++;
    if (!sink.send(first, mask)) this.drop('sink_full');
  }

  private outer(out: Uint8Array, at: number, tos: number, next: number, payload: number, hopLimit: number): void {
    putU32(out, at, (0x60000000 | (tos << 20)) >>> 0);
    putU16(out, at + 4, payload);
    out[at + 6] = next;
    out[at + 7] = hopLimit;
    copy(out, at + 8, this.mapper.addresses6, 0, 32);
  }

  private decapsulate(b: Uint8Array, o: number, total: number, mask: number, sink: ForwardSink): void {
    const at = o + IPV6_BYTES;
    const length = total - IPV6_BYTES < IPV4_BYTES ? 0 : u16(b, at + 2);
    if (
      length < IPV4_BYTES ||
      b[at]! >> 4 !== 4 ||
      (b[at]! & 15) * 4 < IPV4_BYTES ||
      (b[at]! & 15) * 4 > length ||
      length > total - IPV6_BYTES ||
      u32(b, at + 16) !== this.group4 ||
      u32(b, at + 12) !== this.source4
    ) {
      this.drop('malformed');
      return;
    }
    if (foldSum(sum16(b, at, at + (b[at]! & 15) * 4)) !== 0xffff) {
      this.drop('bad_checksum');
      return;
    }
    if (b[at + 8]! <= 1) {
      this.drop('ttl_expired');
      return;
    }
    this.decapsulated++;
    this.copy4(b, at, length, mask, sink);
  }
}

/** RFC 1141: one less TTL is 0x0100 more in the checksum, with the carry put around. */
function lowerTtl4(b: Uint8Array, at: number): void {
  b[at + 8] = b[at + 8]! - 1;
  const sum = u16(b, at + 10) + 0x0100;
  putU16(b, at + 10, sum > 0xffff ? sum - 0xffff : sum);
}

/** Below this many bytes a loop beats the call. */
const LOOP_BYTES = 160;

function copy(to: Uint8Array, at: number, from: Uint8Array, o: number, length: number): void {
  if (length > LOOP_BYTES) to.set(from.subarray(o, o + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[o + i]!;
}
