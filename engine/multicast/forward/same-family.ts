import { putU16, u16 } from '../../base/index.ts';
import { SINK_KIND } from '../../translator/index.ts';
import { checksum } from '../../wire/index.ts';
import { copyBytes, lowerTtl4 } from './bytes.ts';
import type { ForwardCounts } from './counts.ts';
import type { MtuGroup } from './mtu-groups.ts';
import type { ForwardSink } from './sink.ts';

/** Copies in the family of the packet, made once for all interfaces of one MTU, which nearly always are all of them. */
export class SameFamily {
  private readonly counts: ForwardCounts;
  private readonly mtus: readonly MtuGroup[];

  constructor(counts: ForwardCounts, mtus: readonly MtuGroup[]) {
    this.counts = counts;
    this.mtus = mtus;
  }

  /** Returns where in the sink the packet is in one piece, its TTL lowered; -1 where it is not. */
  copy4(b: Uint8Array, o: number, length: number, mask: number, sink: ForwardSink): number {
    let whole = -1;
    for (let i = 0; i < this.mtus.length; i++) {
      const { mtu, mask: same } = this.mtus[i]!;
      if ((mask & same) === 0) continue;
      const at = this.copy4To(b, o, length, mtu, mask & same, sink);
      if (at >= 0) whole = at;
    }
    return whole;
  }

  private copy4To(b: Uint8Array, o: number, length: number, mtu: number, mask: number, sink: ForwardSink): number {
    const { packets } = sink;
    const first = packets.count;
    let at = -1;
    if (length > mtu) {
      if (!this.fragment4(b, o, length, mtu, sink)) return -1;
    } else {
      at = packets.reserve(length);
      if (at < 0) {
        this.counts.drop('sink_full');
        return -1;
      }
      copyBytes(packets.bytes, at, b, o, length);
      lowerTtl4(packets.bytes, at);
      packets.push(length, length, 4, SINK_KIND.translated);
    }
    if (!sink.send(first, mask)) this.counts.drop('sink_full');
    return at;
  }

  /** RFC 791 section 3.2; false where the packet must not be cut. */
  private fragment4(b: Uint8Array, o: number, length: number, mtu: number, sink: ForwardSink): boolean {
    const word = u16(b, o + 6);
    const header = (b[o]! & 15) * 4;
    if ((word & 0x4000) !== 0) {
      this.counts.drop('too_big');
      return false;
    }
    // RFC 791: a datagram has 65,535 bytes at most; an offset beyond would run into the flags.
    if ((word & 0x1fff) * 8 + length > 65_535) {
      this.counts.drop('malformed');
      return false;
    }
    const step = (mtu - header) & ~7;
    for (let done = header; done < length; done += step) {
      const bytes = Math.min(step, length - done);
      const at = sink.packets.reserve(header + bytes);
      if (at < 0) {
        this.counts.drop('sink_full');
        return false;
      }
      const out = sink.packets.bytes;
      copyBytes(out, at, b, o, header);
      copyBytes(out, at + header, b, o + done, bytes);
      putU16(out, at + 2, header + bytes);
      const more = done + bytes < length || (word & 0x2000) !== 0;
      putU16(out, at + 6, (more ? 0x2000 : 0) | ((word & 0x1fff) + ((done - header) >>> 3)));
      out[at + 8] = out[at + 8]! - 1;
      putU16(out, at + 10, 0);
      putU16(out, at + 10, checksum(out, at, at + header));
      sink.packets.push(header + bytes, header + bytes, 4, SINK_KIND.translated);
      this.counts.fragments++;
    }
    return true;
  }

  /** As copy4. Routers do not cut IPv6 packets (RFC 8200 section 5). */
  copy6(b: Uint8Array, o: number, length: number, mask: number, sink: ForwardSink): number {
    let whole = -1;
    for (let i = 0; i < this.mtus.length; i++) {
      const { mtu, mask: same } = this.mtus[i]!;
      if ((mask & same) === 0) continue;
      const at = this.copy6To(b, o, length, mtu, mask & same, sink);
      if (at >= 0) whole = at;
    }
    return whole;
  }

  private copy6To(b: Uint8Array, o: number, length: number, mtu: number, mask: number, sink: ForwardSink): number {
    const { packets } = sink;
    if (length > mtu) {
      this.counts.drop('too_big');
      return -1;
    }
    const at = packets.reserve(length);
    if (at < 0) {
      this.counts.drop('sink_full');
      return -1;
    }
    copyBytes(packets.bytes, at, b, o, length);
    packets.bytes[at + 7] = packets.bytes[at + 7]! - 1;
    const first = packets.count;
    packets.push(length, length, 6, SINK_KIND.translated);
    if (!sink.send(first, mask)) this.counts.drop('sink_full');
    return at;
  }
}
