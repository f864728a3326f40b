import { assert } from '../base/index.ts';

/**
 * A single-producer, single-consumer ring between two threads: the channel ring of ring.ts over a SharedArrayBuffer, with
 * acquire and release through Atomics. A descriptor is four words, 16 bytes: packet index, length, flow, flags.
 *
 *     word 0     tail, written by the producer      (a 128-byte line of its own)
 *     word 32    head, written by the consumer      (a line of its own)
 *     word 64    closed                             (a line of its own)
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

  protected slotAt(position: number): number {
    return SLOTS + (position < this.slots ? position : position - this.slots) * DESCRIPTOR_WORDS;
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
    let tail = this.tail;
    for (let i = 0; i < n; i++) {
      const at = this.slotAt(tail);
      const source = i * DESCRIPTOR_WORDS;
      words[at] = from[source]!;
      words[at + 1] = from[source + 1]!;
      words[at + 2] = from[source + 2]!;
      words[at + 3] = from[source + 3]!;
      tail = tail + 1 === this.span ? 0 : tail + 1;
    }
    if (n > 0) {
      this.tail = tail;
      Atomics.store(words, TAIL, tail);
      Atomics.notify(words, TAIL);
    }
    return n;
  }

  /** Waits until the consumer has moved its head, or `timeoutMs` has passed. Not for the main thread of a browser. */
  wait(timeoutMs: number): void {
    Atomics.wait(this.words, HEAD, this.seenHead, timeoutMs);
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
    let head = this.head;
    for (let i = 0; i < n; i++) {
      const at = this.slotAt(head);
      const target = i * DESCRIPTOR_WORDS;
      to[target] = words[at]!;
      to[target + 1] = words[at + 1]!;
      to[target + 2] = words[at + 2]!;
      to[target + 3] = words[at + 3]!;
      head = head + 1 === this.span ? 0 : head + 1;
    }
    if (n > 0) {
      this.head = head;
      Atomics.store(words, HEAD, head);
      Atomics.notify(words, HEAD);
    }
    return n;
  }

  /** Waits until the producer has moved its tail, or `timeoutMs` has passed. */
  wait(timeoutMs: number): void {
    Atomics.wait(this.words, TAIL, this.seenTail, timeoutMs);
  }
}
