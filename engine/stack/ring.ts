import { assert } from '../base/index.ts';
import { regionFootprint, type Arena } from './arena.ts';

/**
 * A channel ring (S-01): one producer, one consumer, slots that carry a packet index, in Skywalk's words:
 *
 *     khead           head                  tail
 *       |  given back,  |   owned by the     |   free
 *       |  not reclaimed|   consumer         |
 *
 * Positions run over [0, 2 * slots), so that a full ring (tail - khead = slots) differs from an empty one (equal) and every
 * slot can be used. The consumer owns [head, tail), reads those slots and moves its head; `sync` then looks at the head it
 * wrote. The kernel's own copies (`khead`, `rtail`) are what counts: a head outside [khead, tail] is an error that is counted
 * and resets the ring to the kernel's view, never a corruption (S-02).
 *
 * In a slot: the packet's index (SLOT_INDEX) with a valid flag, and its length.
 */
export const SLOT_WORDS = 2;
export const SLOT_VALID = 0x4000_0000;
export const SLOT_INDEX = 0x3fff_ffff;

export const SYNC_BAD_HEAD = -1;

/**
 * A position in [0, 2 * length) brought into [0, length). The subtraction is always done: code that has never been run when the loops
 * around it are compiled has them thrown away and compiled again when a ring comes round for the first time.
 */
function wrapped(position: number, length: number): number {
  const over = position - length;
  return over < 0 ? position : over;
}

export class Ring {
  readonly id: string;
  readonly slots: number;
  /** Next position the producer writes: kernel's own copy. */
  rtail = 0;
  /** Position up to which slots are reclaimed. */
  khead = 0;
  /** The consumer's head. Written by the consumer, never trusted. */
  head = 0;
  /** Slots in use: rtail - khead. */
  used = 0;
  /** Largest `used` since the last call of `takeWindowMax`. */
  windowMax = 0;
  dequeued = 0;
  drops = 0;
  /** Heads refused by `sync`. */
  errors = 0;
  /** The slots themselves, SLOT_WORDS words each, for walking over those the consumer owns. */
  readonly descriptors: Int32Array;
  private readonly span: number;
  private high = 0;

  constructor(arena: Arena, id: string, slots: number) {
    this.id = id;
    this.slots = slots;
    this.span = 2 * slots;
    this.descriptors = arena.int32('slots', id, slots * SLOT_WORDS, 'mapped');
  }

  static footprint(slots: number): number {
    return regionFootprint(slots * SLOT_WORDS * 4);
  }

  get highWater(): number {
    return this.high > this.windowMax ? this.high : this.windowMax;
  }

  /** Packets put into the ring in all: those taken out and those inside. */
  get enqueued(): number {
    return this.dequeued + this.used;
  }

  get empty(): boolean {
    return this.used === 0;
  }

  get full(): boolean {
    return this.used === this.slots;
  }

  /** Position of the consumer's head as a slot number. */
  get headSlot(): number {
    return wrapped(this.head, this.slots);
  }

  get tailSlot(): number {
    return wrapped(this.rtail, this.slots);
  }

  /** Largest occupancy since the last call; the window then starts at the present occupancy. */
  takeWindowMax(): number {
    const max = this.windowMax;
    if (max > this.high) this.high = max;
    this.windowMax = this.used;
    return max;
  }

  /** Puts a packet into the next slot. False, and a drop counted, if the ring is full. */
  push(index: number, lenBytes: number): boolean {
    const { used, slots, descriptors, rtail: tail } = this;
    if (used === slots) {
      this.drops++;
      return false;
    }
    const at = wrapped(tail, slots) * SLOT_WORDS;
    descriptors[at] = index | SLOT_VALID;
    descriptors[at + 1] = lenBytes;
    const next = tail + 1;
    this.rtail = next === this.span ? 0 : next;
    this.used = used + 1;
    if (used >= this.windowMax) this.windowMax = used + 1;
    return true;
  }

  /** Packet index in the i-th slot from the consumer's head. The consumer must own it. */
  peek(i: number): number {
    const { slots, span } = this;
    const position = wrapped(wrapped(this.head + i, span), slots);
    return this.descriptors[position * SLOT_WORDS]! & SLOT_INDEX;
  }

  /** Slots the consumer owns: [head, tail). */
  get owned(): number {
    const n = this.rtail - this.head;
    return n < 0 ? n + this.span : n;
  }

  /** The consumer gives back its first `n` slots and syncs. */
  consume(n: number): void {
    this.head = wrapped(this.head + n, this.span);
    const reclaimed = this.sync();
    assert(reclaimed === n, 'a consumer of the lab gave back slots it did not own');
  }

  /**
   * Sync prologue: checks the consumer's head and reclaims what lies before it. Returns the slots reclaimed, or SYNC_BAD_HEAD
   * if the head was outside [khead, tail]: the error is counted and the head put back to the kernel's view.
   */
  sync(): number {
    const { head, khead, span, used } = this;
    const ahead = head - khead;
    const around = ahead + span;
    const n = ahead < 0 ? around : ahead;
    if (n > used || head >= span || head < 0 || !Number.isInteger(head)) {
      this.errors++;
      this.head = khead;
      return SYNC_BAD_HEAD;
    }
    this.khead = head;
    this.used = used - n;
    this.dequeued += n;
    return n;
  }

  /** Empties the ring and sets its positions, before a snapshot's slots are pushed again. */
  restore(positions: { head: number; dequeued: number; drops: number; errors: number; highWater: number }): void {
    this.head = positions.head;
    this.khead = positions.head;
    this.rtail = positions.head;
    this.used = 0;
    this.dequeued = positions.dequeued;
    this.drops = positions.drops;
    this.errors = positions.errors;
    this.high = positions.highWater;
    this.windowMax = 0;
  }
}
