import type { Cells } from './cells.ts';

/**
 * The meter rings of one interface: one for all sockets, or one for each. A ring holds references to packets of the first pool. With
 * several sockets on a ring, packets leave in the order of deficit round robin, so slots are given back out of order: positions are
 * counts of slots taken and given back, and the order of age is a list of its own.
 */
export class MeterRings {
  /** Slots in use, bytes, tokens in bytes, last refill, drain rate, packets waiting in the pool; by ring. */
  used = new Int32Array(1);
  bytes = new Float64Array(1);
  tokens = new Float64Array(1);
  refillNs = new Float64Array(1);
  rateBps = new Float64Array(1);
  waiting = new Int32Array(1);
  /** Oldest and newest packet of the ring, and of the waiting line, cell + 1. */
  oldest = new Int32Array(1);
  newest = new Int32Array(1);
  waitHead = new Int32Array(1);
  waitTail = new Int32Array(1);
  /** Rings in use. */
  count = 1;
  totalUsed = 0;
  totalBytes = 0;
  totalWaiting = 0;
  highWater = 0;
  bytesMax = 0;
  waitingMax = 0;
  enqueued = 0;
  dequeued = 0;
  /** Slots ever taken and given back, for the positions. */
  slotsIn = 0;
  slotsOut = 0;
  private readonly cells: Cells;

  constructor(cells: Cells) {
    this.cells = cells;
  }

  /** Makes room for ring `ring`; new rings have `tokens` in their buckets. */
  make(ring: number, tokens: number): void {
    if (ring >= this.used.length) {
      let size = this.used.length;
      while (size <= ring) size *= 2;
      const ints = (old: Int32Array): Int32Array<ArrayBuffer> => grown(new Int32Array(size), old);
      const floats = (old: Float64Array): Float64Array<ArrayBuffer> => grown(new Float64Array(size), old);
      [this.used, this.waiting, this.oldest, this.newest] = [ints(this.used), ints(this.waiting), ints(this.oldest), ints(this.newest)];
      [this.waitHead, this.waitTail] = [ints(this.waitHead), ints(this.waitTail)];
      [this.bytes, this.tokens, this.refillNs] = [floats(this.bytes), floats(this.tokens), floats(this.refillNs)];
      this.rateBps = floats(this.rateBps);
    }
    for (; this.count <= ring; this.count++) this.tokens[this.count] = tokens;
  }

  /** All columns, for snapshots. */
  get ints(): Int32Array[] {
    return [this.used, this.waiting, this.oldest, this.newest, this.waitHead, this.waitTail];
  }

  get floats(): Float64Array[] {
    return [this.bytes, this.tokens, this.refillNs, this.rateBps];
  }

  /** Puts a packet into a ring; the caller has made sure of the room. */
  add(ring: number, cell: number, tNs: number): void {
    const { cells } = this;
    const newest = this.newest[ring]!;
    cells.older[cell] = newest;
    cells.newer[cell] = 0;
    if (newest === 0) this.oldest[ring] = cell + 1;
    else cells.newer[newest - 1] = cell + 1;
    this.newest[ring] = cell + 1;
    cells.ringNs[cell] = tNs;
    const slots = cells.slots[cell]!;
    this.used[ring]! += slots;
    this.bytes[ring]! += cells.lenBytes[cell]!;
    this.totalUsed += slots;
    this.totalBytes += cells.lenBytes[cell]!;
    this.slotsIn += slots;
    this.enqueued++;
    if (this.totalUsed > this.highWater) this.highWater = this.totalUsed;
    if (this.totalBytes > this.bytesMax) this.bytesMax = this.totalBytes;
  }

  /** Takes a packet out of a ring, wherever it stands in the order of age. */
  remove(ring: number, cell: number): void {
    const { cells } = this;
    const older = cells.older[cell]!;
    const newer = cells.newer[cell]!;
    if (older === 0) this.oldest[ring] = newer;
    else cells.newer[older - 1] = newer;
    if (newer === 0) this.newest[ring] = older;
    else cells.older[newer - 1] = older;
    const slots = cells.slots[cell]!;
    this.used[ring]! -= slots;
    this.bytes[ring]! -= cells.lenBytes[cell]!;
    this.totalUsed -= slots;
    this.totalBytes -= cells.lenBytes[cell]!;
    this.slotsOut += slots;
    this.dequeued++;
  }

  /** Leaves a packet in the first pool, behind those that wait already. */
  wait(ring: number, cell: number): void {
    const tail = this.waitTail[ring]!;
    this.cells.next[cell] = 0;
    if (tail === 0) this.waitHead[ring] = cell + 1;
    else this.cells.next[tail - 1] = cell + 1;
    this.waitTail[ring] = cell + 1;
    this.waiting[ring]!++;
    if (++this.totalWaiting > this.waitingMax) this.waitingMax = this.totalWaiting;
  }

  /** The first packet of the waiting line leaves it; there must be one. */
  unwait(ring: number): number {
    const cell = this.waitHead[ring]! - 1;
    const next = this.cells.next[cell]!;
    this.waitHead[ring] = next;
    if (next === 0) this.waitTail[ring] = 0;
    this.waiting[ring]!--;
    this.totalWaiting--;
    return cell;
  }
}

function grown<T extends Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(to: T, from: Int32Array | Float64Array): T {
  to.set(from);
  return to;
}
