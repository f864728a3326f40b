import { u16, u32 } from '../../base/index.ts';
import { sum16 } from '../../wire/index.ts';
import type { Family } from '../addresses.ts';
import type { PrefixSet } from '../mapping/index.ts';
import { ForwardCounts } from './counts.ts';
import { EmbeddedKey } from './embedded-key.ts';
import { Encapsulation, NEXT_IPIP } from './encapsulation.ts';
import { GroupMapper } from './group-mapper.ts';
import { mtuGroups } from './mtu-groups.ts';
import { SameFamily } from './same-family.ts';
import type { ForwardSink } from './sink.ts';
import type { ForwardingTable, StreamPlace } from './table.ts';
import { Translation } from './translation.ts';

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;

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
export class Forwarder extends ForwardCounts {
  /** Source and group of the last packet as IPv4 numbers, 0 where it has no such form. */
  source4 = 0;
  group4 = 0;
  readonly table: ForwardingTable;
  readonly native: ForwardingTable;
  private readonly options: ForwarderOptions;
  private readonly mapper: GroupMapper;
  private readonly embedded: EmbeddedKey;
  private readonly same: SameFamily;
  private readonly translation: Translation;
  private readonly encapsulation: Encapsulation;
  private readonly key = new Uint32Array(8);

  constructor(options: ForwarderOptions) {
    super();
    this.options = options;
    this.table = options.table;
    this.native = options.native;
    this.mapper = new GroupMapper(options.sets);
    this.embedded = new EmbeddedKey(options.sets);
    const mtus = mtuGroups(options.mtu);
    this.same = new SameFamily(this, mtus);
    this.translation = new Translation(this, mtus, this.mapper);
    this.encapsulation = new Encapsulation(this, mtus, this.mapper);
  }

  /**
   * Takes the packet at `o` that came in on an interface; copies go to the sink. Returns the number of rows added. `place` is that of the packet's
   * stream, which saves looking for its row.
   */
  forward(family: Family, iface: number, b: Uint8Array, o: number, length: number, sink: ForwardSink, place?: StreamPlace): number {
    this.packetsIn++;
    this.lastDrop = -1;
    const before = sink.rows;
    if (family === 4) this.from4(iface, b, o, length, sink, place);
    else this.from6(iface, b, o, length, sink, place);
    this.packetsOut += sink.rows - before;
    return sink.rows - before;
  }

  private from4(iface: number, b: Uint8Array, o: number, length: number, sink: ForwardSink, place: StreamPlace | undefined): void {
    const headerBytes = length < IPV4_BYTES ? 0 : (b[o]! & 15) * 4;
    const total = headerBytes < IPV4_BYTES ? 0 : u16(b, o + 2);
    if (headerBytes < IPV4_BYTES || b[o]! >> 4 !== 4 || total > length || total < headerBytes) {
      this.drop('malformed');
      return;
    }
    if (!isGoodHeader(sum16(b, o, o + headerBytes))) {
      this.drop('bad_checksum');
      return;
    }
    this.mapKey(u32(b, o + 12), u32(b, o + 16));
    const { table, encapsulate } = this.options;
    const row = this.rowOf(place);
    if (!this.admit(table, row, 4, iface, b[o + 8]!, total)) return;
    const own = table.to44[row]! & ~(1 << iface);
    const other = table.to46[row]!;
    if ((own | other) === 0) this.drop('no_outgoing');
    const lowered = own === 0 ? -1 : this.same.copy4(b, o, total, own, sink);
    if (other === 0) return;
    const outer = other & encapsulate;
    if (outer !== 0) this.encapsulation.wrap(b, o, total, lowered, outer, sink);
    const plain = other & ~encapsulate;
    if (plain !== 0) this.translation.translate(4, b, o, total, lowered, plain, sink);
  }

  private from6(iface: number, b: Uint8Array, o: number, length: number, sink: ForwardSink, place: StreamPlace | undefined): void {
    const total = length < IPV6_BYTES ? 0 : IPV6_BYTES + u16(b, o + 4);
    if (total === 0 || b[o]! >> 4 !== 6 || total > length) {
      this.drop('malformed');
      return;
    }
    const { table, native, translates } = this.options;
    const known = place === undefined ? -1 : place.rowIn(table);
    if (known >= 0) this.mapKey(table.keyWord(known, 0), table.keyWord(known, 1));
    else if (translates && !(place !== undefined && place.rowIn(native) >= 0) && this.embedded.read(b, o)) {
      this.mapKey(this.embedded.source4, this.embedded.group4);
    } else {
      this.native6(iface, b, o, total, sink, place);
      return;
    }
    const row = known >= 0 ? known : this.rowOf(place);
    if (!this.admit(table, row, 6, iface, b[o + 7]!, total)) return;
    const own = table.to66[row]! & ~(1 << iface);
    const other = table.to64[row]!;
    if ((own | other) === 0) this.drop('no_outgoing');
    const lowered = own === 0 ? -1 : this.same.copy6(b, o, total, own, sink);
    if (other === 0) return;
    if (b[o + 6] !== NEXT_IPIP) {
      this.translation.translate(6, b, o, total, lowered, other, sink);
      return;
    }
    const inner = this.encapsulation.unwrap(b, o, total);
    if (inner > 0) this.same.copy4(b, o + IPV6_BYTES, inner, other, sink);
  }

  private native6(iface: number, b: Uint8Array, o: number, total: number, sink: ForwardSink, place: StreamPlace | undefined): void {
    const { native } = this.options;
    this.source4 = 0;
    this.group4 = 0;
    let row = place === undefined ? -1 : place.rowIn(native);
    if (row < 0) {
      for (let i = 0; i < 8; i++) this.key[i] = u32(b, o + 8 + 4 * i);
      row = native.find(this.key);
      if (row >= 0) place?.keep(native, row);
    }
    if (!this.admit(native, row, 6, iface, b[o + 7]!, total)) return;
    const own = native.to66[row]! & ~(1 << iface);
    if (own === 0) this.drop('no_outgoing');
    else this.same.copy6(b, o, total, own, sink);
  }

  /** Row of source and group that were read last, or -1. */
  private rowOf(place: StreamPlace | undefined): number {
    const { table } = this.options;
    const known = place === undefined ? -1 : place.rowIn(table);
    if (known >= 0) return known;
    const row = table.find2(this.source4, this.group4);
    if (row >= 0) place?.keep(table, row);
    return row;
  }

  private mapKey(source4: number, group4: number): void {
    this.source4 = source4;
    this.group4 = group4;
    this.mapper.source4 = source4;
    this.mapper.destination4 = group4;
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
}

/** The 16-bit words of a header of 60 bytes at most add up to all ones (RFC 1071). */
function isGoodHeader(sum: number): boolean {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16) === 0xffff;
}
