import { putU16, putU32, u16, u32 } from '../../base/index.ts';
import { checksumField, finishChecksum, pseudoHeaderSum, sealIpv4Header } from './checksum-metadata.ts';
import { fold, type OffloadMemory } from './memory.ts';
import type { Shape } from './shape.ts';

/**
 * Segmentation (V-08): a packet with a large TCP or UDP payload becomes packets of at most `segmentBytes` of payload each. Headers are copied
 * to each; the payload is copied once and summed in the same pass, and each segment's checksum is made from that sum. TCP: the
 * sequence number goes on, FIN and PSH stay on the last, CWR on the first (RFC 3168 section 6.1.2). IPv4: the identification counts
 * on. All segments get their buffers, or none does.
 */
export const FLAG_FIN = 0x01;
export const FLAG_SYN = 0x02;
export const FLAG_RST = 0x04;
export const FLAG_PSH = 0x08;
export const FLAG_ACK = 0x10;
export const FLAG_URG = 0x20;
export const FLAG_CWR = 0x80;

/** Segments of one packet at most: 64 KiB in pieces of 64 bytes. */
export const MAX_SEGMENTS = 1_024;

/** Why a packet was not cut. `fits` is no failure. */
export type SegmentOutcome = 'cut' | 'fits' | 'declined' | 'nomem';

export class Segmenter {
  /** First buflets of the segments of the last packet, `count` of them. */
  readonly heads = new Int32Array(MAX_SEGMENTS);
  count = 0;
  private readonly memory: OffloadMemory;

  constructor(memory: OffloadMemory) {
    this.memory = memory;
  }

  /**
   * Cuts the packet that starts at buflet `source`. `sums`: checksums are made while copying; else the fields hold the pseudo header's sum and
   * somebody further down fills them. The source is left as it is.
   */
  segment(source: number, s: Shape, segmentBytes: number, sums: boolean): SegmentOutcome {
    this.count = 0;
    if ((s.kind !== 'tcp' && s.kind !== 'udp') || s.truncated || s.extensions || segmentBytes < 1) return 'declined';
    if (s.kind === 'tcp' && (s.flags & (FLAG_SYN | FLAG_RST | FLAG_URG)) !== 0) return 'declined';
    const payloadBytes = s.end - s.payload;
    if (payloadBytes <= segmentBytes) return 'fits';
    const count = Math.ceil(payloadBytes / segmentBytes);
    if (count > MAX_SEGMENTS) return 'declined';
    if (!this.reserve(count, s.payload + segmentBytes)) return 'nomem';
    for (let i = 0; i < count; i++) {
      const from = i * segmentBytes;
      this.fill(source, s, i, from, Math.min(segmentBytes, payloadBytes - from), i === count - 1, sums);
    }
    this.count = count;
    return 'cut';
  }

  /** Chains for all segments, or none. */
  private reserve(count: number, lenBytes: number): boolean {
    const { memory } = this;
    for (let i = 0; i < count; i++) {
      const first = reserveChain(memory, lenBytes);
      if (first < 0) {
        for (let k = 0; k < i; k++) memory.give(this.heads[k]!);
        return false;
      }
      this.heads[i] = first;
    }
    return true;
  }

  private fill(source: number, s: Shape, index: number, from: number, lenBytes: number, last: boolean, sums: boolean): void {
    const { memory } = this;
    const first = this.heads[index]!;
    memory.append(first, source, 0, s.payload, false, false);
    memory.append(memory.tail, source, s.payload + from, lenBytes, false, sums);
    const payloadSum = memory.appendedSum;
    const unused = memory.next[memory.tail]!;
    if (unused >= 0) memory.cut(memory.tail, memory.dataLen[memory.tail]!);
    const b = memory.bytes;
    const at = memory.address(first);
    const l4Bytes = s.payload - s.l4 + lenBytes;
    if (s.version === 4) {
      const o = at + s.l3;
      putU16(b, o + 2, s.ipHeaderBytes + l4Bytes);
      putU16(b, o + 4, u16(b, o + 4) + index);
      sealIpv4Header(b, o, s.ipHeaderBytes);
    } else putU16(b, at + s.l3 + 4, s.ipHeaderBytes - 40 + l4Bytes);
    const tcp = s.kind === 'tcp';
    const o = at + s.l4;
    if (tcp) {
      putU32(b, o + 4, (u32(b, o + 4) + from) >>> 0);
      let flags = b[o + 13]!;
      if (!last) flags &= ~(FLAG_FIN | FLAG_PSH);
      if (index > 0) flags &= ~FLAG_CWR;
      b[o + 13] = flags;
    } else putU16(b, o + 4, l4Bytes);
    const field = o + checksumField(tcp ? 'tcp' : 'udp');
    // UDP without a checksum stays without one.
    if (!tcp && u16(b, field) === 0) return;
    const pseudo = fold(pseudoHeaderSum(b, at, s, l4Bytes));
    putU16(b, field, pseudo);
    if (!sums) return;
    let sum = payloadSum;
    for (let i = s.l4; i < s.payload; i += 2) sum += u16(b, at + i);
    putU16(b, field, finishChecksum(sum, !tcp));
  }
}

/** A chain of empty buflets with room for `lenBytes`, or -1. */
function reserveChain(memory: OffloadMemory, lenBytes: number): number {
  const first = memory.take(lenBytes > 4_096);
  let room = first < 0 ? 0 : memory.limit(first);
  let last = first;
  while (last >= 0 && room < lenBytes) {
    const next = memory.take(lenBytes - room > 4_096);
    memory.next[last] = next;
    if (next < 0) {
      memory.give(first);
      return -1;
    }
    room += memory.limit(next);
    last = next;
  }
  return last < 0 ? -1 : first;
}
