import { CHUNK_BYTES, fileByteSource, type ByteSource, type PacketIndex, type RecordBatch } from '../../files/index.ts';
import type { RecordAccess } from '../../lab/index.ts';

/** Header of an enhanced (or obsolete) packet block before its bytes, and of a simple one. */
const PCAPNG_HEADER_BYTES = 28;
const SIMPLE_HEADER_BYTES = 12;

/**
 * Records of an indexed file by number, in batches: the columns come from the index, only packet bytes are read. One read of 256
 * KiB serves the hundreds of packets behind the first; the bytes hold until the next call.
 */
export class IndexedRecords implements RecordAccess {
  /** Reads that gave fewer bytes than the index promises: the file was cut or changed under the program. */
  shortReads = 0;
  private readonly index: PacketIndex;
  private readonly linkTypes: () => readonly { readonly linkType: number }[];
  private readonly bytes: ByteSource;
  private chunk = new Uint8Array(CHUNK_BYTES);

  constructor(index: PacketIndex, linkTypes: () => readonly { readonly linkType: number }[], bytes: ByteSource) {
    this.index = index;
    this.linkTypes = linkTypes;
    this.bytes = bytes;
  }

  static open(index: PacketIndex, linkTypes: () => readonly { readonly linkType: number }[], dataPath: string): IndexedRecords {
    const bytes = fileByteSource(dataPath);
    if (!bytes.ok) throw bytes.error;
    return new IndexedRecords(index, linkTypes, bytes.value);
  }

  /** The same records for somebody who holds a batch while others read: its bytes stay. */
  apart(): IndexedRecords {
    return new IndexedRecords(this.index, this.linkTypes, this.bytes);
  }

  get packets(): number {
    return this.index.count;
  }

  /** Fills the batch with records from `first` (1-based) on, at most `limit`; returns how many, 0 after the end. */
  read(first: number, batch: RecordBatch, limit: number = batch.capacity): number {
    const { index } = this;
    batch.count = 0;
    const last = Math.min(index.count, first + Math.min(limit, batch.capacity) - 1);
    if (first < 1 || first > last) return 0;
    const start = index.fileOffset(first);
    const want = this.spanOf(first, last, start);
    if (want > this.chunk.length) this.chunk = new Uint8Array(want);
    const got = this.fill(start, Math.max(want, Math.min(this.chunk.length, CHUNK_BYTES)));
    batch.bytes = this.chunk;
    for (let number = first; number <= last; number++) {
      if (!this.put(batch, number, start, got)) break;
    }
    return batch.count;
  }

  close(): void {
    this.bytes.close();
  }

  /** Bytes of the first record in any case: a packet may be larger than a chunk. */
  private spanOf(first: number, last: number, start: number): number {
    const one = this.headerBytes() + this.index.capLen(first);
    if (last === first) return one;
    return Math.max(one, Math.min(CHUNK_BYTES, this.index.fileOffset(last) - start + this.headerBytes() + this.index.capLen(last)));
  }

  private headerBytes(): number {
    return this.index.recordHeaderBytes >= 0 ? this.index.recordHeaderBytes : PCAPNG_HEADER_BYTES;
  }

  private put(batch: RecordBatch, number: number, start: number, got: number): boolean {
    const { index } = this;
    const at = index.fileOffset(number) - start;
    const capLen = index.capLen(number);
    // Record offsets grow through a file, so the first that is not in the chunk ends the batch.
    if (at < 0 || at + SIMPLE_HEADER_BYTES > got) return this.short(batch);
    const simple = index.recordHeaderBytes < 0 && (this.chunk[at] === 3 || this.chunk[at + 3] === 3);
    const offset = at + (simple ? SIMPLE_HEADER_BYTES : this.headerBytes());
    if (offset + capLen > got) return this.short(batch);
    const i = batch.count++;
    const iface = index.iface(number);
    batch.offset[i] = offset;
    batch.capLen[i] = capLen;
    batch.origLen[i] = index.origLen(number);
    batch.tsNs[i] = index.tsNs(number);
    batch.iface[i] = iface;
    batch.linkType[i] = this.linkTypes()[iface]?.linkType ?? 0;
    batch.fileOffset[i] = at + start;
    return true;
  }

  private short(batch: RecordBatch): false {
    if (batch.count === 0) this.shortReads++;
    return false;
  }

  private fill(at: number, want: number): number {
    let got = 0;
    try {
      while (got < want) {
        const n = this.bytes.read(this.chunk, got, want - got, at + got);
        if (n <= 0) break;
        got += n;
      }
    } catch {
      // A disk that fails shows as a short read; the caller says which packet could not be read.
    }
    return got;
  }
}
