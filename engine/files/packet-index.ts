import { AssertionError, assert } from '../base/index.ts';
import type { RecordBatch } from './types.ts';

/**
 * Rows of a segment. The index grows by segments, so that nothing is ever copied to grow and memory has no spikes; 65,536 rows
 * keep the division a shift.
 */
export const SEGMENT_ROWS = 65_536;
const SHIFT = 16;
const MASK = SEGMENT_ROWS - 1;

/**
 * Bytes a packet takes:
 *
 *     tsNs 8 | origLen 4 | capLen 4 | offset low 4 | flow 4 | offset high 2 | iface 2 | protocol 1
 */
export const INDEX_BYTES_PER_PACKET = 29;

/** Packets of one index at most: 2^31 rows, 66 GB of index. Packet numbers stay small integers. */
export const MAX_PACKETS = 0x7fff_ffff;

/** Top bit of the flow column: the packet runs against the flow's first direction. */
export const FLOW_REVERSED = 0x8000_0000;

/** Columns of SEGMENT_ROWS packets: views on one shared buffer. Row r of segment s is packet number s * SEGMENT_ROWS + r + 1. */
export class IndexSegment {
  readonly buffer: SharedArrayBuffer | ArrayBuffer;
  readonly tsNs: Float64Array;
  readonly origLen: Uint32Array;
  readonly capLen: Uint32Array;
  readonly offsetLow: Uint32Array;
  /** 0 for none, otherwise flow number + 1, with FLOW_REVERSED. */
  readonly flow: Uint32Array;
  readonly offsetHigh: Uint16Array;
  readonly iface: Uint16Array;
  /** Protocol code, meaning given by whoever classifies. */
  readonly protocol: Uint8Array;

  constructor(buffer?: SharedArrayBuffer | ArrayBuffer) {
    const n = SEGMENT_ROWS;
    const size = n * INDEX_BYTES_PER_PACKET;
    const b = buffer ?? (typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(size) : new SharedArrayBuffer(size));
    this.buffer = b;
    this.tsNs = new Float64Array(b, 0, n);
    this.origLen = new Uint32Array(b, n * 8, n);
    this.capLen = new Uint32Array(b, n * 12, n);
    this.offsetLow = new Uint32Array(b, n * 16, n);
    this.flow = new Uint32Array(b, n * 20, n);
    this.offsetHigh = new Uint16Array(b, n * 24, n);
    this.iface = new Uint16Array(b, n * 26, n);
    this.protocol = new Uint8Array(b, n * 28, n);
  }
}

/** What another thread needs to use an index: buffers are shared, not copied. */
export interface SharedIndex {
  readonly buffers: readonly (SharedArrayBuffer | ArrayBuffer)[];
  readonly minNs: readonly number[];
  readonly maxNs: readonly number[];
  readonly count: number;
  readonly totals: IndexTotals;
  readonly recordHeaderBytes: number;
}

export interface IndexTotals {
  /** Bytes on the wire. */
  readonly bytes: number;
  readonly capturedBytes: number;
  readonly minNs: number;
  readonly maxNs: number;
}

/** Packets and bytes by time, for an overview. Bin i covers [fromNs + i * binNs, fromNs + (i + 1) * binNs). */
export interface Timeline {
  readonly fromNs: number;
  readonly toNs: number;
  readonly binNs: number;
  readonly packets: Uint32Array;
  /** Bytes on the wire. */
  readonly bytes: Float64Array;
}

/** Every packet of an input in a few typed arrays. Packet numbers are 1-based and never change. */
export class PacketIndex {
  readonly segments: IndexSegment[] = [];
  /** Bytes from a record's offset to its captured bytes; -1 for pcapng, where the block type tells. */
  readonly recordHeaderBytes: number;
  private rows = 0;
  private bytes = 0;
  private capturedBytes = 0;
  /** Smallest and largest time by segment: time may run backwards, so segments are not sorted. */
  private readonly minNs: number[] = [];
  private readonly maxNs: number[] = [];

  constructor(recordHeaderBytes = 16) {
    this.recordHeaderBytes = recordHeaderBytes;
  }

  static fromShared(shared: SharedIndex): PacketIndex {
    const index = new PacketIndex(shared.recordHeaderBytes);
    for (const buffer of shared.buffers) index.segments.push(new IndexSegment(buffer));
    index.minNs.push(...shared.minNs);
    index.maxNs.push(...shared.maxNs);
    index.rows = shared.count;
    index.bytes = shared.totals.bytes;
    index.capturedBytes = shared.totals.capturedBytes;
    return index;
  }

  share(): SharedIndex {
    return {
      buffers: this.segments.map((segment) => segment.buffer),
      minNs: [...this.minNs],
      maxNs: [...this.maxNs],
      count: this.rows,
      totals: this.totals,
      recordHeaderBytes: this.recordHeaderBytes,
    };
  }

  get count(): number {
    return this.rows;
  }

  get totals(): IndexTotals {
    return {
      bytes: this.bytes,
      capturedBytes: this.capturedBytes,
      minNs: this.rows === 0 ? 0 : this.minNs.reduce((a, b) => Math.min(a, b)),
      maxNs: this.rows === 0 ? 0 : this.maxNs.reduce((a, b) => Math.max(a, b)),
    };
  }

  /** Memory of the index, in bytes. */
  get memoryBytes(): number {
    return this.segments.length * SEGMENT_ROWS * INDEX_BYTES_PER_PACKET;
  }

  /** Adds the records of a batch. Returns how many fit below MAX_PACKETS. */
  append(batch: RecordBatch): number {
    const take = Math.min(batch.count, MAX_PACKETS - this.rows);
    let from = 0;
    while (from < take) {
      const row = this.rows & MASK;
      if (row === 0) this.grow();
      const n = Math.min(take - from, SEGMENT_ROWS - row);
      this.appendTo(this.segments.length - 1, row, batch, from, n);
      this.rows += n;
      from += n;
    }
    return take;
  }

  private grow(): void {
    this.segments.push(new IndexSegment());
    this.minNs.push(Number.POSITIVE_INFINITY);
    this.maxNs.push(Number.NEGATIVE_INFINITY);
  }

  private appendTo(s: number, row: number, batch: RecordBatch, from: number, n: number): void {
    const segment = this.segments[s]!;
    const { tsNs, origLen, capLen, fileOffset, iface } = batch;
    let min = this.minNs[s]!;
    let max = this.maxNs[s]!;
    let bytes = 0;
    let captured = 0;
    for (let i = 0; i < n; i++) {
      const r = row + i;
      const b = from + i;
      const t = tsNs[b]!;
      const orig = origLen[b]!;
      const cap = capLen[b]!;
      const offset = fileOffset[b]!;
      if (t < min) min = t;
      if (t > max) max = t;
      bytes += orig;
      captured += cap;
      segment.tsNs[r] = t;
      segment.origLen[r] = orig;
      segment.capLen[r] = cap;
      segment.offsetLow[r] = offset;
      segment.offsetHigh[r] = offset / 0x1_0000_0000;
      segment.iface[r] = iface[b]!;
    }
    this.minNs[s] = min;
    this.maxNs[s] = max;
    this.bytes += bytes;
    this.capturedBytes += captured;
  }

  /** Segment of a packet; its row in it is `rowOf(number)`. */
  segmentOf(number: number): IndexSegment {
    // The sentence is made only where it is said: this runs several times for each packet of a run.
    if (!(number >= 1 && number <= this.rows)) throw new AssertionError(`packet number ${String(number)} of ${String(this.rows)}`);
    return this.segments[(number - 1) >>> SHIFT]!;
  }

  rowOf(number: number): number {
    return (number - 1) & MASK;
  }

  tsNs(number: number): number {
    return this.segmentOf(number).tsNs[this.rowOf(number)]!;
  }

  origLen(number: number): number {
    return this.segmentOf(number).origLen[this.rowOf(number)]!;
  }

  capLen(number: number): number {
    return this.segmentOf(number).capLen[this.rowOf(number)]!;
  }

  iface(number: number): number {
    return this.segmentOf(number).iface[this.rowOf(number)]!;
  }

  /** Where the packet's record starts in the (unpacked) file. */
  fileOffset(number: number): number {
    const segment = this.segmentOf(number);
    const row = this.rowOf(number);
    return segment.offsetHigh[row]! * 0x1_0000_0000 + segment.offsetLow[row]!;
  }

  protocol(number: number): number {
    return this.segmentOf(number).protocol[this.rowOf(number)]!;
  }

  setProtocol(number: number, code: number): void {
    this.segmentOf(number).protocol[this.rowOf(number)] = code;
  }

  /** Flow number, -1 for none. */
  flow(number: number): number {
    return (this.segmentOf(number).flow[this.rowOf(number)]! & ~FLOW_REVERSED) - 1;
  }

  flowReversed(number: number): boolean {
    return (this.segmentOf(number).flow[this.rowOf(number)]! & FLOW_REVERSED) !== 0;
  }

  setFlow(number: number, flow: number, reversed = false): void {
    this.segmentOf(number).flow[this.rowOf(number)] = (flow + 1) | (reversed ? FLOW_REVERSED : 0);
  }

  /** Number of the first packet, in file order, at or after an instant; `count + 1` if there is none. */
  timeToIndex(tNs: number): number {
    for (let s = 0; s < this.segments.length; s++) {
      if (this.maxNs[s]! < tNs) continue;
      const column = this.segments[s]!.tsNs;
      const rows = Math.min(SEGMENT_ROWS, this.rows - s * SEGMENT_ROWS);
      for (let r = 0; r < rows; r++) if (column[r]! >= tNs) return s * SEGMENT_ROWS + r + 1;
    }
    return this.rows + 1;
  }

  /** Packets and bytes in equal bins of [fromNs, toNs]; the whole input when left out. Packets outside are not counted. */
  timeline(bins: number, fromNs?: number, toNs?: number): Timeline {
    assert(Number.isInteger(bins) && bins > 0, 'a timeline needs at least one bin');
    const totals = this.totals;
    const from = fromNs ?? totals.minNs;
    const to = Math.max(from, toNs ?? totals.maxNs);
    const packets = new Uint32Array(bins);
    const bytes = new Float64Array(bins);
    // One ns more than the span, so that the last packet falls into the last bin.
    const binNs = (to - from + 1) / bins;
    for (let s = 0; s < this.segments.length; s++) {
      if (this.maxNs[s]! < from || this.minNs[s]! > to) continue;
      this.binSegment(s, from, to, binNs, packets, bytes);
    }
    return { fromNs: from, toNs: to, binNs, packets, bytes };
  }

  private binSegment(s: number, from: number, to: number, binNs: number, packets: Uint32Array, bytes: Float64Array): void {
    const { tsNs, origLen } = this.segments[s]!;
    const rows = Math.min(SEGMENT_ROWS, this.rows - s * SEGMENT_ROWS);
    const last = packets.length - 1;
    for (let r = 0; r < rows; r++) {
      const t = tsNs[r]!;
      if (t < from || t > to) continue;
      const bin = Math.min(last, Math.floor((t - from) / binNs));
      packets[bin] = packets[bin]! + 1;
      bytes[bin] = bytes[bin]! + origLen[r]!;
    }
  }
}
