import { assert } from '../base/index.ts';
import { regionFootprint, type Arena } from './arena.ts';

/**
 * A packet buffer pool (`pbufpool`, S-03): metadata, buflets and, where asked for, buffers. A packet longer than one buffer
 * takes a chain of buflets, and its index is that of the first. Capacity, use and failures count buflets; a packet takes at
 * least one. A failed allocation is a normal result and is counted.
 *
 * Metadata of a packet, in the lab's form: eight words and the arrival time.
 */
export const META_WORDS = 8;
export const PKT_NUMBER = 0;
export const PKT_LEN = 1;
/** Flow number inside the queue's flow table, -1 for none. */
export const PKT_FLOW = 2;
/** Meta word, sequence, acknowledgement and payload length of the classifier's row. */
export const PKT_META = 3;
export const PKT_SEQ = 4;
export const PKT_ACK = 5;
export const PKT_PAYLOAD = 6;
/** Identification of the trace: 1 if the trace follows this packet. */
export const PKT_TRACED = 7;

const IN_USE = -2;
const END = -1;

export class Pool {
  readonly id: string;
  /** Buflets in all. */
  readonly packets: number;
  readonly bufferBytes: number;
  readonly meta: Int32Array;
  readonly arrivalNs: Float64Array;
  /** Bytes of the buffers, bufferBytes + 64 each and never a power of two; null unless the pool retains bytes. */
  readonly buffers: Uint8Array | null;
  used = 0;
  windowMax = 0;
  allocations = 0;
  failures = 0;
  /** Stale or foreign indices handed in for release (refused). */
  badReleases = 0;
  /** Next buflet of a free list or of a chain. */
  private readonly next: Int32Array;
  /** IN_USE for the first buflet of a packet that is handed out. */
  private readonly state: Int32Array;
  private freeHead = 0;
  private high = 0;

  constructor(arena: Arena, id: string, packets: number, bufferBytes: number, retainBytes = false) {
    this.id = id;
    this.packets = packets;
    this.bufferBytes = bufferBytes;
    this.meta = arena.int32('kernel-metadata', id, packets * META_WORDS);
    this.arrivalNs = arena.float64('kernel-metadata', id, packets);
    this.next = arena.int32('buflets', id, packets);
    this.state = arena.int32('buflets', id, packets);
    this.buffers = retainBytes ? arena.uint8('buffers', id, packets * (bufferBytes + 64), 'mapped') : null;
    for (let i = 0; i < packets; i++) this.next[i] = i + 1 < packets ? i + 1 : END;
  }

  static footprint(packets: number, bufferBytes: number, retainBytes = false): number {
    return (
      regionFootprint(packets * META_WORDS * 4) +
      regionFootprint(packets * 8) +
      2 * regionFootprint(packets * 4) +
      (retainBytes ? regionFootprint(packets * (bufferBytes + 64)) : 0)
    );
  }

  get highWater(): number {
    return this.high > this.windowMax ? this.high : this.windowMax;
  }

  takeWindowMax(): number {
    const max = this.windowMax;
    if (max > this.high) this.high = max;
    this.windowMax = this.used;
    return max;
  }

  /** Buflets a packet of this length takes. */
  bufletsFor(lenBytes: number): number {
    return lenBytes <= this.bufferBytes ? 1 : Math.ceil(lenBytes / this.bufferBytes);
  }

  /** Index of a packet of `lenBytes`, or -1 if there are too few free buflets. */
  alloc(lenBytes: number): number {
    if (lenBytes > this.bufferBytes) return this.allocChain(Math.ceil(lenBytes / this.bufferBytes));
    const index = this.freeHead;
    if (index === END) {
      this.failures++;
      return -1;
    }
    this.freeHead = this.next[index]!;
    this.next[index] = END;
    this.state[index] = IN_USE;
    const used = this.used + 1;
    this.used = used;
    if (used > this.windowMax) this.windowMax = used;
    this.allocations++;
    return index;
  }

  private allocChain(buflets: number): number {
    if (buflets > this.packets - this.used) {
      this.failures++;
      return -1;
    }
    const first = this.freeHead;
    let last = first;
    for (let i = 1; i < buflets; i++) last = this.next[last]!;
    this.freeHead = this.next[last]!;
    this.next[last] = END;
    this.state[first] = IN_USE;
    this.used += buflets;
    if (this.used > this.windowMax) this.windowMax = this.used;
    this.allocations++;
    return first;
  }

  /** Gives a packet back. An index that is not handed out is refused and counted: no stale index is ever accepted. */
  release(index: number): boolean {
    if (index < 0 || index >= this.packets || this.state[index] !== IN_USE) {
      this.badReleases++;
      return false;
    }
    this.state[index] = 0;
    let last = index;
    let count = 1;
    while (this.next[last] !== END) {
      last = this.next[last]!;
      count++;
    }
    this.next[last] = this.freeHead;
    this.freeHead = index;
    this.used -= count;
    return true;
  }

  /** Buflets of the free list, counted by walking it: for checks of conservation, not for hot loops. */
  countFree(): number {
    let n = 0;
    for (let i = this.freeHead; i !== END; i = this.next[i]!) {
      n++;
      assert(n <= this.packets, 'the free list of a pool has a loop');
    }
    return n;
  }

  restore(counters: { allocations: number; failures: number; highWater: number }): void {
    this.allocations = counters.allocations;
    this.failures = counters.failures;
    this.high = counters.highWater;
    this.windowMax = this.used;
  }
}
