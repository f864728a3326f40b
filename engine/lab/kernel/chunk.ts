import { classifyRange, type RecordColumns } from '../../wire/index.ts';
import type { LaneSlot } from '../lanes/lane-memory.ts';
import * as L from './layout.ts';
import type { Reserve } from './reserve.ts';
import type { LaneKernel } from './world-kernel.ts';

const LINKTYPE_ETHERNET = 1;

/** What does not change from chunk to chunk of a pcap file. */
export interface ChunkFormat {
  readonly little: boolean;
  readonly fractionNs: number;
  readonly firstSec: number;
  readonly firstFrac: number;
  readonly linkType: number;
  readonly maxCaptured: number;
}

/** The kernel's part of reading: a chunk of a pcap file, in the lanes' memory, becomes rows that are sorted by queue. */
export class KernelChunk {
  /** Where the bytes of the chunk go. */
  readonly bytes: Uint8Array;
  private readonly kernel: LaneKernel;
  private readonly linkType: number;
  private readonly at: number;
  private readonly words: Int32Array;
  private readonly offset: Uint32Array;
  private readonly capLen: Uint32Array;
  private readonly types: Uint16Array;
  private slot: LaneSlot | undefined;

  /** `capacity` is in records. */
  constructor(kernel: LaneKernel, reserve: Reserve, format: ChunkFormat, lenBytes: number, capacity: number, queues: number) {
    this.kernel = kernel;
    this.linkType = format.linkType;
    this.bytes = reserve.pages(lenBytes);
    this.offset = reserve.uint32(capacity);
    this.capLen = reserve.uint32(capacity);
    this.types = new Uint16Array(capacity).fill(format.linkType);
    this.at = reserve.take(L.CHUNK_BLOCK_BYTES);
    this.words = new Int32Array(reserve.buffer, this.at, L.CHUNK_BLOCK_BYTES >> 2);
    const floats = new Float64Array(reserve.buffer, this.at, L.CHUNK_BLOCK_BYTES >> 3);
    floats[L.K_FIRST_SECOND >> 3] = format.firstSec;
    floats[L.K_FIRST_FRACTION >> 3] = format.firstFrac;
    floats[L.K_FRACTION_NS >> 3] = format.fractionNs;
    this.set(L.K_BYTES, this.bytes.byteOffset);
    this.set(L.K_LITTLE, format.little ? 1 : 0);
    this.set(L.K_MAX_CAPTURED, format.maxCaptured);
    this.set(L.K_CAPACITY, capacity);
    this.set(L.K_OFFSETS, this.offset.byteOffset);
    this.set(L.K_CAPTURED, this.capLen.byteOffset);
    this.set(L.K_QUEUES, queues);
    this.set(L.K_QUEUE_OF, reserve.uint8(capacity).byteOffset);
  }

  /** Bytes of a reserve for a chunk of so many bytes and records. */
  static reserveBytes(lenBytes: number, capacity: number): number {
    return lenBytes + capacity * 9 + L.CHUNK_BLOCK_BYTES + 8_192;
  }

  /** Begins a chunk that goes into `slot`. */
  begin(slot: LaneSlot): void {
    this.slot = slot;
    this.set(L.K_COUNT, 0);
    this.set(L.K_LENGTHS, slot.lenBytes.byteOffset);
    this.set(L.K_TIMES, slot.tsNs.byteOffset);
    this.set(L.K_ROWS, slot.rows.byteOffset);
    this.set(L.K_STARTS, slot.starts.byteOffset);
    this.set(L.K_ORDER, slot.order.byteOffset);
  }

  get count(): number {
    return this.words[L.K_COUNT >> 2]!;
  }

  /** End of the bytes that the walk must have to go on. */
  get need(): number {
    return this.words[L.K_NEED >> 2]!;
  }

  /** See `walk` in assembly/chunk.ts. */
  walk(from: number, stop: number, have: number): number {
    return this.kernel.exports.walk(this.at, from, stop, have);
  }

  /** Classifies the records and sorts them by queue. */
  finish(): void {
    this.kernel.onOther = this.classifyOne;
    if (this.linkType === LINKTYPE_ETHERNET) this.kernel.exports.classify(this.at);
    else classifyRange(this.columns(), 0, this.count, this.slot!.rows, 0);
    this.kernel.exports.group(this.at);
  }

  private readonly classifyOne = (i: number): void => {
    classifyRange(this.columns(), i, i + 1, this.slot!.rows, i);
  };

  private columns(): RecordColumns {
    return {
      count: this.count,
      bytes: this.bytes,
      offset: this.offset,
      capLen: this.capLen,
      origLen: this.slot!.lenBytes,
      linkType: this.types,
    };
  }

  private set(at: number, value: number): void {
    this.words[at >> 2] = value;
  }
}
