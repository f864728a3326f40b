import { assert } from '../base/index.ts';
import { regionFootprint, type Arena } from './arena.ts';

/**
 * Metadata of the packets inside one queue: the cache from which every pool of the queue takes its packets. A packet keeps its
 * index from the device to the reader; when the flow switch hands it from the device's pool to a port's, the pools' accounts change
 * and the metadata stays where it is. Packet bytes stay in the input chunk or the file: what the lab needs of them has been
 * classified, and anybody who wants to see them reads the record again by its offset.
 */
export const META_WORDS = 8;
export const PKT_NUMBER = 0;
export const PKT_LEN = 1;
/** Flow number inside the queue's flow table, -1 for none, -2 - port for a flow that has no record. */
export const PKT_FLOW = 2;
/** Words of the classifier's row: meta, sequence or identification, acknowledgement or ports, payload length. */
export const PKT_META = 3;
export const PKT_SEQ = 4;
export const PKT_ACK = 5;
export const PKT_PAYLOAD = 6;
/** Buflets the packet takes in a pool; 0 marks metadata that is not handed out. */
export const PKT_BUFLETS = 7;

export class PacketStore {
  readonly capacity: number;
  readonly meta: Int32Array;
  readonly arrivalNs: Float64Array;
  used = 0;
  /** Stale or foreign indices handed in for release (refused). */
  badReleases = 0;
  /** Free indices, the last given back on top: the next packet finds its metadata in the cache. */
  readonly free: Int32Array;

  constructor(arena: Arena, id: string, capacity: number) {
    this.capacity = capacity;
    this.meta = arena.int32('kernel-metadata', id, capacity * META_WORDS);
    this.arrivalNs = arena.float64('kernel-metadata', id, capacity);
    this.free = arena.int32('buflets', id, capacity);
    for (let i = 0; i < capacity; i++) this.free[i] = capacity - 1 - i;
  }

  static footprint(capacity: number): number {
    return regionFootprint(capacity * META_WORDS * 4) + regionFootprint(capacity * 8) + regionFootprint(capacity * 4);
  }

  /** Index of a packet that was free, marked as one of `buflets` (at least 1), or -1. */
  alloc(buflets: number): number {
    const used = this.used;
    if (used === this.capacity) return -1;
    this.used = used + 1;
    const index = this.free[this.capacity - 1 - used]!;
    this.meta[index * META_WORDS + PKT_BUFLETS] = buflets;
    return index;
  }

  /** Gives a packet back. An index that is not handed out is refused and counted: no stale index is ever accepted. */
  release(index: number): boolean {
    const mark = index * META_WORDS + PKT_BUFLETS;
    // Zero for metadata that is free, undefined for an index that never was one.
    if (!(this.meta[mark]! > 0)) {
      this.badReleases++;
      return false;
    }
    this.meta[mark] = 0;
    this.used--;
    this.free[this.capacity - 1 - this.used] = index;
    return true;
  }

  /** Packets handed out, counted one by one: for checks of conservation, not for hot loops. */
  countInUse(): number {
    let n = 0;
    for (let i = 0; i < this.capacity; i++) if (this.meta[i * META_WORDS + PKT_BUFLETS]! > 0) n++;
    assert(n <= this.capacity, 'a store hands out what it has');
    return n;
  }
}
