import { assert } from './assert.ts';

const FIRST_CAPACITY = 1_024;

/** Where the number of the next event that is scheduled stands. */
export interface EventSequence {
  next: number;
}

/**
 * Events of a simulation in the order of their times; those of one instant in the order in which they were scheduled (W-01). A binary heap in
 * typed arrays: an event is a kind and two integers, so scheduling allocates nothing in steady state.
 */
export class EventQueue {
  /** Of the event that `next` took. */
  tNs = 0;
  kind = 0;
  a = 0;
  b = 0;
  size = 0;
  /** Most events that waited at once. */
  highWater = 0;
  readonly limit: number;
  private readonly sequence: EventSequence;
  private times = new Float64Array(FIRST_CAPACITY);
  private order = new Float64Array(FIRST_CAPACITY);
  private data = new Int32Array(3 * FIRST_CAPACITY);

  /** `limit`: most events that may wait at once. Queues of one `sequence` know whose event of an instant was scheduled first. */
  constructor(limit: number, sequence: EventSequence = { next: 0 }) {
    this.limit = limit;
    this.sequence = sequence;
  }

  /** False, and nothing scheduled, where `limit` events wait already. An event may not lie before the one taken last. */
  schedule(tNs: number, kind: number, a = 0, b = 0): boolean {
    assert(tNs >= this.tNs, 'an event lies in the past');
    if (this.size >= this.limit) return false;
    if (this.size === this.times.length) this.grow();
    const { times, order } = this;
    const sequence = this.sequence.next++;
    let i = this.size++;
    if (this.size > this.highWater) this.highWater = this.size;
    while (i > 0) {
      const parent = (i - 1) >>> 1;
      // Scheduled later, so on a tie it stays behind.
      if (times[parent]! <= tNs) break;
      this.move(parent, i);
      i = parent;
    }
    times[i] = tNs;
    order[i] = sequence;
    this.data[3 * i] = kind;
    this.data[3 * i + 1] = a;
    this.data[3 * i + 2] = b;
    return true;
  }

  /** Time of the earliest event, or infinity. */
  get nextNs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.times[0]!;
  }

  /** True if the earliest event comes before that of another queue of the same sequence. */
  isBefore(other: EventQueue): boolean {
    if (this.size === 0) return false;
    if (other.size === 0) return true;
    const mine = this.times[0]!;
    const its = other.times[0]!;
    return mine < its || (mine === its && this.order[0]! < other.order[0]!);
  }

  /** Takes the earliest event into the fields; false where none waits. */
  next(): boolean {
    if (this.size === 0) return false;
    this.tNs = this.times[0]!;
    this.kind = this.data[0]!;
    this.a = this.data[1]!;
    this.b = this.data[2]!;
    const last = --this.size;
    if (last > 0) this.sink(last);
    return true;
  }

  /** Puts the event at `last` in the place of the one taken, and down from there. */
  private sink(last: number): void {
    const { times, order } = this;
    const tNs = times[last]!;
    const sequence = order[last]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (child + 1 < last && this.before(child + 1, child)) child++;
      if (times[child]! > tNs || (times[child] === tNs && order[child]! > sequence)) break;
      this.move(child, i);
      i = child;
    }
    if (i !== last) this.move(last, i);
  }

  private before(i: number, j: number): boolean {
    const { times } = this;
    return times[i]! < times[j]! || (times[i] === times[j] && this.order[i]! < this.order[j]!);
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from]!;
    this.order[to] = this.order[from]!;
    this.data[3 * to] = this.data[3 * from]!;
    this.data[3 * to + 1] = this.data[3 * from + 1]!;
    this.data[3 * to + 2] = this.data[3 * from + 2]!;
  }

  private grow(): void {
    const capacity = 2 * this.times.length;
    const times = new Float64Array(capacity);
    times.set(this.times);
    this.times = times;
    const order = new Float64Array(capacity);
    order.set(this.order);
    this.order = order;
    const data = new Int32Array(3 * capacity);
    data.set(this.data);
    this.data = data;
  }
}
