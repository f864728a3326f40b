import { u16, u32 } from '../../base/index.ts';
import { SINK_KIND } from '../../translator/index.ts';
import { emitFragment, foldSum, FRAGMENT_HEADER_BYTES, sum16 } from '../../wire/index.ts';
import { copyBytes, lowerTtl4 } from './bytes.ts';
import type { ForwardCounts } from './counts.ts';
import type { GroupMapper } from './group-mapper.ts';
import type { MtuGroup } from './mtu-groups.ts';
import type { ForwardSink } from './sink.ts';

export const NEXT_IPIP = 4;
const NEXT_FRAGMENT = 44;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;

/** Copies by RFC 8114 section 6 and RFC 2473: the whole IPv4 packet inside, its TTL lowered, outer addresses by M-01 and M-02. */
export class Encapsulation {
  private readonly counts: ForwardCounts;
  private readonly mtus: readonly MtuGroup[];
  private readonly mapper: GroupMapper;

  constructor(counts: ForwardCounts, mtus: readonly MtuGroup[], mapper: GroupMapper) {
    this.counts = counts;
    this.mtus = mtus;
    this.mapper = mapper;
  }

  /** Wraps the packet at `o`, whose source and group the mapper has. `lowered` is where the sink has it with its TTL lowered already, or -1. */
  wrap(b: Uint8Array, o: number, length: number, lowered: number, mask: number, sink: ForwardSink): void {
    this.mapper.write6();
    const { bytes } = sink.packets;
    for (let i = 0; i < this.mtus.length; i++) {
      const { mtu, mask: same } = this.mtus[i]!;
      if ((mask & same) === 0) continue;
      const from = lowered >= 0 ? bytes : b;
      const first = sink.packets.count;
      if (this.pieces(from, lowered >= 0 ? lowered : o, length, mtu, lowered < 0, sink)) {
        this.counts.encapsulated++;
        if (!sink.send(first, mask & same)) this.counts.drop('sink_full');
      }
    }
  }

  /** False where the packet must not be cut or the sink is full. */
  private pieces(b: Uint8Array, o: number, length: number, mtu: number, lower: boolean, sink: ForwardSink): boolean {
    const { packets } = sink;
    const whole = IPV6_BYTES + length;
    const step = whole <= mtu ? length : (mtu - IPV6_BYTES - FRAGMENT_HEADER_BYTES) & ~7;
    if (whole > mtu && (u16(b, o + 6) & 0x4000) !== 0) {
      this.counts.drop('too_big');
      return false;
    }
    const extra = whole <= mtu ? 0 : FRAGMENT_HEADER_BYTES;
    const hops = lower ? b[o + 8]! - 1 : b[o + 8]!;
    for (let done = 0; done < length; done += step) {
      const bytes = Math.min(step, length - done);
      const at = packets.reserve(IPV6_BYTES + extra + bytes);
      if (at < 0) {
        this.counts.drop('sink_full');
        return false;
      }
      this.outer(packets.words, at, b[o + 1]!, extra === 0 ? NEXT_IPIP : NEXT_FRAGMENT, extra + bytes, hops);
      if (extra > 0) {
        emitFragment(packets.bytes, at + IPV6_BYTES, {
          nextHeader: NEXT_IPIP,
          offset: done,
          more: done + bytes < length,
          identification: u16(b, o + 4),
        });
        this.counts.fragments++;
      }
      copyBytes(packets.bytes, at + IPV6_BYTES + extra, b, o + done, bytes);
      if (lower && done === 0) lowerTtl4(packets.bytes, at + IPV6_BYTES + extra);
      packets.push(IPV6_BYTES + extra + bytes, IPV6_BYTES + extra + bytes, 6, SINK_KIND.translated);
    }
    return true;
  }

  private outer(out: DataView, at: number, tos: number, next: number, payload: number, hops: number): void {
    const { words6 } = this.mapper;
    out.setInt32(at, 0x60000000 | (tos << 20));
    out.setInt32(at + 4, (payload << 16) | (next << 8) | hops);
    for (let i = 0; i < 8; i++) out.setInt32(at + 8 + 4 * i, words6[i]!);
  }

  /** Length of the IPv4 packet inside the IPv6 packet of `total` bytes at `o`, or 0 where it may not leave: that is counted. */
  unwrap(b: Uint8Array, o: number, total: number): number {
    const { counts, mapper } = this;
    const at = o + IPV6_BYTES;
    const room = total - IPV6_BYTES;
    const length = room < IPV4_BYTES ? 0 : u16(b, at + 2);
    const header = length === 0 ? 0 : (b[at]! & 15) * 4;
    const fits = header >= IPV4_BYTES && header <= length && length <= room && b[at]! >> 4 === 4;
    if (!fits || u32(b, at + 16) !== mapper.destination4 || u32(b, at + 12) !== mapper.source4) {
      counts.drop('malformed');
      return 0;
    }
    if (foldSum(sum16(b, at, at + header)) !== 0xffff) {
      counts.drop('bad_checksum');
      return 0;
    }
    if (b[at + 8]! <= 1) {
      counts.drop('ttl_expired');
      return 0;
    }
    counts.decapsulated++;
    return length;
  }
}
