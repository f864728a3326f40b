import { assert } from '../base/index.ts';

/**
 * A single-producer, single-consumer ring between two threads: the channel ring of ring.ts over a SharedArrayBuffer, with
 * acquire and release through Atomics. A descriptor is four words, 16 bytes: packet index, length, flow, flags.
 *
 *     word 0     tail, written by the producer      (a 128-byte line of its own)
 *     word 32    head, written by the consumer      (a line of its own)
 *     word 64    closed, consumer waits, producer waits   (a line of its own, hardly ever written)
 *     word 96    slots * 4 words
 *
 * Positions run over [0, 2 * slots), so full and empty differ and every slot is used. Each side keeps its own position and a copy of the
 * other's, looks at shared memory only when the copy says there is nothing to do, and never believes a position that
 * cannot be: it counts an error and takes nothing (S-02).
 */
export const DESCRIPTOR_WORDS = 4;
const TAIL = 0;
const HEAD = 32;
const CLOSED = 64;
const CONSUMER_WAITS = 65;
const PRODUCER_WAITS = 66;
const SLOTS = 96;

export function sharedRingBytes(slots: number): number {
  return (SLOTS + slots * DESCRIPTOR_WORDS) * 4;
}

/** What both ends have: the view and the arithmetic of positions. */
class RingEnd {
  readonly slots: number;
  errors = 0;
  protected readonly words: Int32Array;
  protected readonly span: number;

  constructor(buffer: SharedArrayBuffer, slots: number) {
    assert(buffer.byteLength >= sharedRingBytes(slots), 'the memory of a ring has room for its slots');
    this.slots = slots;
    this.span = 2 * slots;
    this.words = new Int32Array(buffer);
  }

  get closed(): boolean {
    return Atomics.load(this.words, CLOSED) === 1;
  }

  /** Says that no more will come; the consumer still gets what is in the ring. */
  close(): void {
    Atomics.store(this.words, CLOSED, 1);
    Atomics.notify(this.words, TAIL);
    Atomics.notify(this.words, HEAD);
  }

  /**
   * Waits until a position is no longer what it was. Waking somebody is far dearer than moving a batch, so the other side does it only if
   * the flag says that somebody waits. The flag is up before the position is looked at, and the other side moves the position before it looks
   * at the flag: one of them sees the other.
   */
  protected waitFor(flag: number, position: number, seen: number, timeoutMs: number): void {
    Atomics.store(this.words, flag, 1);
    Atomics.wait(this.words, position, seen, timeoutMs);
    Atomics.store(this.words, flag, 0);
  }

  /** Slots from one position on to another. */
  protected distance(from: number, to: number): number {
    const n = to - from;
    return n < 0 ? n + this.span : n;
  }

  /** Whether a position read from shared memory leaves between 0 and `slots` slots in use. */
  protected plausible(position: number, used: number): boolean {
    if (position >= 0 && position < this.span && used <= this.slots) return true;
    this.errors++;
    return false;
  }

  protected slotOf(position: number): number {
    return position < this.slots ? position : position - this.slots;
  }

  /** The position `n` slots on. */
  protected after(position: number, n: number): number {
    const next = position + n;
    return next >= this.span ? next - this.span : next;
  }
}

/** Copies descriptors, four words at a time: a call of `set` on such short runs costs more than the words. */
function copyWords(to: Int32Array, at: number, from: Int32Array, start: number, count: number): void {
  for (let i = 0; i < count; i += DESCRIPTOR_WORDS) {
    to[at + i] = from[start + i]!;
    to[at + i + 1] = from[start + i + 1]!;
    to[at + i + 2] = from[start + i + 2]!;
    to[at + i + 3] = from[start + i + 3]!;
  }
}

export class RingProducer extends RingEnd {
  private tail = 0;
  private seenHead = 0;

  /** Copies up to `count` descriptors from `from` (four words each); returns how many there was room for. */
  push(from: Int32Array, count: number): number {
    let free = this.slots - this.distance(this.seenHead, this.tail);
    if (free < count) {
      const head = Atomics.load(this.words, HEAD);
      if (!this.plausible(head, this.distance(head, this.tail))) return 0;
      this.seenHead = head;
      free = this.slots - this.distance(head, this.tail);
    }
    const n = free < count ? free : count;
    const words = this.words;
    if (n > 0) {
      const slot = this.slotOf(this.tail);
      // At most two runs: to the end of the memory, and on from its start.
      const run = n < this.slots - slot ? n : this.slots - slot;
      copyWords(words, SLOTS + slot * DESCRIPTOR_WORDS, from, 0, run * DESCRIPTOR_WORDS);
      if (run < n) copyWords(words, SLOTS, from, run * DESCRIPTOR_WORDS, (n - run) * DESCRIPTOR_WORDS);
      const tail = this.after(this.tail, n);
      this.tail = tail;
      Atomics.store(words, TAIL, tail);
      if (Atomics.load(words, CONSUMER_WAITS) !== 0) Atomics.notify(words, TAIL);
    }
    return n;
  }

  /** Waits until the consumer has moved its head, or `timeoutMs` has passed. Not for the main thread of a browser. */
  wait(timeoutMs: number): void {
    this.waitFor(PRODUCER_WAITS, HEAD, this.seenHead, timeoutMs);
  }
}

export class RingConsumer extends RingEnd {
  private head = 0;
  private seenTail = 0;

  /** Copies up to `max` descriptors into `to` and gives their slots back; returns how many. */
  pop(to: Int32Array, max: number): number {
    let used = this.distance(this.head, this.seenTail);
    if (used < max) {
      const tail = Atomics.load(this.words, TAIL);
      const now = this.distance(this.head, tail);
      if (!this.plausible(tail, now)) return 0;
      this.seenTail = tail;
      used = now;
    }
    const n = used < max ? used : max;
    const words = this.words;
    if (n > 0) {
      const slot = this.slotOf(this.head);
      const run = n < this.slots - slot ? n : this.slots - slot;
      copyWords(to, 0, words, SLOTS + slot * DESCRIPTOR_WORDS, run * DESCRIPTOR_WORDS);
      if (run < n) copyWords(to, run * DESCRIPTOR_WORDS, words, SLOTS, (n - run) * DESCRIPTOR_WORDS);
      const head = this.after(this.head, n);
      this.head = head;
      Atomics.store(words, HEAD, head);
      if (Atomics.load(words, PRODUCER_WAITS) !== 0) Atomics.notify(words, HEAD);
    }
    return n;
  }

  /** Waits until the producer has moved its tail, or `timeoutMs` has passed. */
  wait(timeoutMs: number): void {
    this.waitFor(CONSUMER_WAITS, TAIL, this.seenTail, timeoutMs);
  }
}
