import { assert } from '../../base/index.ts';

const FIRST_CELLS = 1_024;

/**
 * Packets on their way from the flow switch to an application: one cell each, in a list of the meter ring, of the pool's waiting line
 * or of a receive buffer. A cell keeps its index all the way, so moving a packet moves a reference and no byte (B-13).
 */
export class Cells {
  readonly capacity: number;
  number: Int32Array;
  lenBytes: Int32Array;
  flow: Int32Array;
  socket: Int32Array;
  /** Buflets that the packet holds in the first pool while it is in the ring or waits for it. */
  buflets: Int32Array;
  /** Slots that it takes in the ring. */
  slots: Int32Array;
  /** Next of the same list, cell + 1; 0 at its end. */
  next: Int32Array;
  /** Neighbours in the order of age inside the ring, cell + 1. */
  older: Int32Array;
  newer: Int32Array;
  /** B-22: at the device, out of the flow switch, into the ring, out of it. */
  arrivalNs: Float64Array;
  switchedNs: Float64Array;
  ringNs: Float64Array;
  releasedNs: Float64Array;
  used = 0;
  /** First free cell, + 1, and cells ever used: for snapshots. */
  free = 0;
  fresh = 0;

  /** `capacity` is a limit: room is taken as it is needed. */
  constructor(capacity: number) {
    const ints = (): Int32Array => new Int32Array(FIRST_CELLS);
    const floats = (): Float64Array => new Float64Array(FIRST_CELLS);
    this.capacity = capacity;
    [this.number, this.lenBytes, this.flow, this.socket, this.buflets] = [ints(), ints(), ints(), ints(), ints()];
    [this.slots, this.next, this.older, this.newer] = [ints(), ints(), ints(), ints()];
    [this.arrivalNs, this.switchedNs, this.ringNs, this.releasedNs] = [floats(), floats(), floats(), floats()];
  }

  /** Makes room for `count` cells. */
  reserve(count: number): void {
    let size = this.number.length;
    if (count <= size) return;
    while (size < count) size *= 2;
    const ints = (old: Int32Array): Int32Array => copied(new Int32Array(size), old);
    const floats = (old: Float64Array): Float64Array => copied(new Float64Array(size), old);
    [this.number, this.lenBytes, this.flow] = [ints(this.number), ints(this.lenBytes), ints(this.flow)];
    [this.socket, this.buflets, this.slots] = [ints(this.socket), ints(this.buflets), ints(this.slots)];
    [this.next, this.older, this.newer] = [ints(this.next), ints(this.older), ints(this.newer)];
    [this.arrivalNs, this.switchedNs] = [floats(this.arrivalNs), floats(this.switchedNs)];
    [this.ringNs, this.releasedNs] = [floats(this.ringNs), floats(this.releasedNs)];
  }

  /** A free cell. There is always one: what is inside holds buflets of the first pool or a place among the mbufs, and both are limited. */
  alloc(): number {
    this.used++;
    if (this.free > 0) {
      const cell = this.free - 1;
      this.free = this.next[cell]!;
      return cell;
    }
    assert(this.fresh < this.capacity, 'pool and mbufs limit the packets inside a meter');
    if (this.fresh === this.number.length) this.reserve(this.fresh + 1);
    return this.fresh++;
  }

  release(cell: number): void {
    this.used--;
    this.next[cell] = this.free;
    this.free = cell + 1;
  }

  /** All columns, for snapshots. */
  get ints(): Int32Array[] {
    return [this.number, this.lenBytes, this.flow, this.socket, this.buflets, this.slots, this.next, this.older, this.newer];
  }

  get floats(): Float64Array[] {
    return [this.arrivalNs, this.switchedNs, this.ringNs, this.releasedNs];
  }
}

function copied<T extends Int32Array | Float64Array>(to: T, from: T): T {
  to.set(from);
  return to;
}
