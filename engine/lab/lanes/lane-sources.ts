import type { ByteSource, RecordBatch } from '../../files/index.ts';
import { alignedBuffer } from '../../wire/index.ts';
import type { RecordAccess } from '../types.ts';
import { KernelChunk } from '../kernel/chunk.ts';
import type { Reserve } from '../kernel/reserve.ts';
import type { LaneKernel } from '../kernel/world-kernel.ts';
import { CHUNK_END, CHUNK_IRREGULAR, CHUNK_LATER, type LaneSource, type LaneTurn, type SlotSource } from './lane-core.ts';
import { BEYOND_BYTES, CHUNK_BYTES, LANE_CHUNK_PACKETS, LARGEST_CHUNK_BYTES, MAX_CAPTURED_BYTES, type LaneSlot } from './lane-memory.ts';

/** Packets of a chunk that is cut by number: a few hundred kilobytes of ordinary traffic. */
const INDEXED_CHUNK_PACKETS = 1_024;

/** Chunks of an input that has been indexed: cut by packet number, so no lane waits for another. */
export class IndexedLaneSource implements LaneSource {
  private readonly access: RecordAccess;
  private readonly part: RecordBatch;

  /** `part` is a scratch batch of any capacity. */
  constructor(access: RecordAccess, part: RecordBatch) {
    this.access = access;
    this.part = part;
  }

  read(chunk: number, batch: RecordBatch): number {
    const first = chunk * INDEXED_CHUNK_PACKETS + 1;
    if (first > this.access.packets) return CHUNK_END;
    const wanted = Math.min(INDEXED_CHUNK_PACKETS, this.access.packets - first + 1);
    const got = this.access.read(first, batch);
    if (got >= wanted) {
      batch.count = wanted;
      return first;
    }
    // One read did not bring the chunk, because its packets are large or the file was cut: put it together from several.
    return got === 0 ? CHUNK_IRREGULAR : this.together(first, wanted, got, batch);
  }

  private together(first: number, wanted: number, got: number, batch: RecordBatch): number {
    const { part } = this;
    let bytes = batch.bytes.slice();
    let count = got;
    while (count < wanted) {
      const more = Math.min(this.access.read(first + count, part), wanted - count);
      if (more === 0) return CHUNK_IRREGULAR;
      const base = bytes.length;
      let end = 0;
      for (let i = 0; i < more; i++) end = Math.max(end, part.offset[i]! + part.capLen[i]!);
      const joined = new Uint8Array(base + end);
      joined.set(bytes);
      joined.set(part.bytes.subarray(0, end), base);
      bytes = joined;
      for (let i = 0; i < more; i++) {
        batch.offset[count + i] = base + part.offset[i]!;
        batch.capLen[count + i] = part.capLen[i]!;
        batch.origLen[count + i] = part.origLen[i]!;
        batch.tsNs[count + i] = part.tsNs[i]!;
        batch.iface[count + i] = part.iface[i]!;
        batch.linkType[count + i] = part.linkType[i]!;
      }
      count += more;
    }
    batch.bytes = bytes;
    batch.count = wanted;
    return first;
  }

  close(): void {
    // the records belong to whoever opened them
  }
}

const RECORD_HEADER = 16;
const CLOCK_LIMIT_NS = Number.MAX_SAFE_INTEGER;

/**
 * Chunks of a plain pcap file, cut at every 256 KiB: a chunk has the records that begin in it. Lanes read their chunks at the
 * same time; only the walk over record headers waits for the turn. Anything out of the ordinary (odd versions, absurd lengths, a cut
 * file) is irregular: the run then starts again with the ordinary reader, which knows what to say about it.
 */
export class PcapLaneSource implements LaneSource {
  /** Where the first record begins. */
  static readonly firstOffset = 24;
  private readonly source: ByteSource;
  private readonly little: boolean;
  private readonly fractionNs: number;
  private readonly linkType: number;
  private readonly firstSec: number;
  private readonly firstFrac: number;
  private bytes: Uint8Array = new Uint8Array(0);
  private view = new DataView(this.bytes.buffer);
  /** Chunk that `bytes` begins with, and how many bytes of it are there. */
  private filled = -1;
  private got = 0;

  private constructor(source: ByteSource, head: DataView, little: boolean, fractionNs: number) {
    this.source = source;
    this.little = little;
    this.fractionNs = fractionNs;
    this.linkType = head.getUint32(20, little);
    this.firstSec = head.getUint32(24, little);
    this.firstFrac = head.getUint32(28, little);
  }

  /** A source for a regular pcap file with at least one record; undefined for anything else. */
  static open(source: ByteSource): PcapLaneSource | undefined {
    if (!source.seekable || source.sizeBytes < PcapLaneSource.firstOffset + RECORD_HEADER) return undefined;
    const head = new Uint8Array(PcapLaneSource.firstOffset + RECORD_HEADER);
    if (source.read(head, 0, head.length, 0) !== head.length) return undefined;
    const view = new DataView(head.buffer);
    for (const little of [true, false]) {
      const magic = view.getUint32(0, little);
      if (magic !== 0xa1b2c3d4 && magic !== 0xa1b23c4d) continue;
      const plain = view.getUint16(4, little) === 2 && view.getUint16(6, little) === 4 && view.getUint32(20, little) <= 0xffff;
      return plain ? new PcapLaneSource(source, view, little, magic === 0xa1b2c3d4 ? 1_000 : 1) : undefined;
    }
    return undefined;
  }

  read(chunk: number, batch: RecordBatch, turn: LaneTurn): number {
    if (this.bytes.length === 0) this.useBytes(new Uint8Array(alignedBuffer(CHUNK_BYTES + BEYOND_BYTES)));
    return this.take(chunk, turn, (base, from, until) => ({ end: this.walk(batch, base, from, until, this.got), count: batch.count }));
  }

  /**
   * Memory on a page: that of the allocator begins 16 bytes into one, and copying from the page cache to there, from the start of a page,
   * takes five times as long on some processors.
   */
  private useBytes(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byKernel(kernel: LaneKernel, reserve: Reserve, queues: number): SlotSource {
    const { little, fractionNs, firstSec, firstFrac, linkType } = this;
    const format = { little, fractionNs, firstSec, firstFrac, linkType, maxCaptured: MAX_CAPTURED_BYTES };
    const parts = new KernelChunk(kernel, reserve, format, LARGEST_CHUNK_BYTES, LANE_CHUNK_PACKETS, queues);
    this.useBytes(parts.bytes);
    return {
      read: (chunk: number, slot: LaneSlot, turn: LaneTurn): number => {
        parts.begin(slot);
        const first = this.take(chunk, turn, (base, from, until) => ({
          end: this.walkByKernel(parts, base, from, until),
          count: parts.count,
        }));
        // Others may take their turn already.
        if (first > 0) parts.finish();
        return first;
      },
      get count(): number {
        return parts.count;
      },
    };
  }

  /** Reads the bytes of a chunk, and has its records walked when its turn has come. */
  private take(chunk: number, turn: LaneTurn, walk: (base: number, from: number, until: number) => { end: number; count: number }): number {
    const base = chunk * CHUNK_BYTES;
    const size = this.source.sizeBytes;
    if (this.filled !== chunk) {
      this.filled = chunk;
      this.got = base < size ? this.fill(0, Math.min(CHUNK_BYTES + BEYOND_BYTES, size - base), base) : 0;
    }
    const at = turn.take(chunk);
    if (at === undefined) return CHUNK_LATER;
    if (at.offset >= size || base >= size) {
      turn.pass(chunk, at.offset, at.number);
      return at.offset > size ? CHUNK_IRREGULAR : CHUNK_END;
    }
    const { end, count } = walk(base, at.offset, Math.min(base + CHUNK_BYTES, size));
    if (end < 0) return CHUNK_IRREGULAR;
    turn.pass(chunk, end, at.number + count);
    return at.number;
  }

  /** As walk, by the kernel; the bytes of the largest record fit. */
  private walkByKernel(parts: KernelChunk, base: number, from: number, until: number): number {
    const stop = until - base;
    let have = this.got;
    let at = from - base;
    for (;;) {
      at = parts.walk(at, stop, have);
      if (at < 0) return -1;
      if (at >= stop) return base + at;
      const { need } = parts;
      have = this.more(have, need, base);
      if (need > have) return -1;
    }
  }

  /** Takes the records that begin in [from, until) of the file; returns where the next one begins, or -1. */
  private walk(batch: RecordBatch, base: number, from: number, until: number, got: number): number {
    const { little, fractionNs, firstSec, firstFrac } = this;
    const { offset, capLen, origLen, tsNs, capacity } = batch;
    let view = this.view;
    let have = got;
    let at = from - base;
    const stop = until - base;
    let n = 0;
    while (at < stop) {
      if (at + RECORD_HEADER > have) {
        have = this.more(have, at + RECORD_HEADER, base);
        view = this.view;
        if (at + RECORD_HEADER > have) return -1;
      }
      const cap = view.getUint32(at + 8, little);
      if (cap > MAX_CAPTURED_BYTES || n === capacity) return -1;
      const next = at + RECORD_HEADER + cap;
      if (next > have) {
        have = this.more(have, next, base);
        view = this.view;
        if (next > have) return -1;
      }
      // Half a second on and off again makes float64 of the whole sum from the first packet on, and is exact.
      const t = (view.getUint32(at, little) - firstSec + 0.5) * 1e9 - 5e8 + (view.getUint32(at + 4, little) - firstFrac) * fractionNs;
      if (t > CLOCK_LIMIT_NS || t < -CLOCK_LIMIT_NS) return -1;
      offset[n] = at + RECORD_HEADER;
      capLen[n] = cap;
      origLen[n] = view.getUint32(at + 12, little);
      tsNs[n] = t;
      n++;
      at = next;
    }
    batch.linkType.fill(this.linkType, 0, n);
    batch.bytes = this.bytes;
    batch.count = n;
    return base + at;
  }

  /** Reads on until `need` bytes of the chunk are there, in a larger buffer if it has to be. Returns how many are. */
  private more(have: number, need: number, base: number): number {
    if (need > this.bytes.length) {
      const larger = new Uint8Array(need + BEYOND_BYTES);
      larger.set(this.bytes.subarray(0, have));
      this.useBytes(larger);
    }
    const end = Math.max(need, Math.min(this.bytes.length, have + BEYOND_BYTES));
    return have + this.fill(have, Math.min(end, this.source.sizeBytes - base) - have, base + have);
  }

  private fill(into: number, length: number, position: number): number {
    let got = 0;
    try {
      while (got < length) {
        const n = this.source.read(this.bytes, into + got, length - got, position + got);
        if (n <= 0) break;
        got += n;
      }
    } catch {
      // A short read makes the walk irregular; the ordinary reader then says what failed.
    }
    return got;
  }

  close(): void {
    this.source.close();
  }
}
