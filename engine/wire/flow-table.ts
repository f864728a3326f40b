import { KEY_WORDS, ROW_HASH, ROW_META, META_FLOW, ROW_WORDS } from './classify-row.ts';

/**
 * Flow keys to numbers in first-seen order: open addressing at half load over typed arrays. Linear probing and not a cuckoo
 * table: nothing is ever taken out, so chains never degrade, a lookup is one cache line in nearly every case, and an insert
 * never moves an entry, which keeps numbers stable.
 *
 *     slots    | hash | number + 1 |  two words each, power of two of them
 *     entries  | key (10 words) | hash | owner's words ... |  entryWords each, by number
 *
 * The words behind the hash belong to the owner of the table. With 32 words an entry is two cache lines, the key in the first.
 */
export const MIN_ENTRY_WORDS = 12;
const FIRST_ENTRIES = 4_096;

/** Flows below which the tables stay in the second-level cache and a touch-ahead pass only costs. */
const TOUCH_AHEAD_FROM = 8_192;

export class FlowTable {
  readonly entryWords: number;
  /** Largest number of flows; later ones get -1. */
  readonly limit: number;
  entries: Int32Array;
  /** The same memory as float64, for times and byte counts an owner keeps in its words. Replaced together with `entries`. */
  floats: Float64Array;
  /** Flows so far. */
  count = 0;
  /** Lookups that found no room. */
  full = 0;
  /** What touch-ahead passes have read: kept so that the reads are not optimised away. */
  touched = 0;
  private slots: Int32Array;
  private mask: number;
  private capacity: number;

  /** `entryWords` must be even and at least MIN_ENTRY_WORDS. */
  constructor(options: { entryWords?: number; limit: number; expected?: number }) {
    this.entryWords = options.entryWords ?? MIN_ENTRY_WORDS;
    this.limit = options.limit;
    this.capacity = Math.min(this.limit, Math.max(FIRST_ENTRIES, options.expected ?? 0));
    let slots = 2 * FIRST_ENTRIES;
    while (slots < 2 * this.capacity) slots *= 2;
    this.slots = new Int32Array(2 * slots);
    this.mask = slots - 1;
    this.entries = new Int32Array(this.capacity * this.entryWords);
    this.floats = new Float64Array(this.entries.buffer);
  }

  /** Bytes of both tables. */
  get byteLength(): number {
    return this.slots.byteLength + this.entries.byteLength;
  }

  /** Number of the flow whose key stands at `base` in `rows`, or -1. */
  find(rows: Int32Array, base: number): number {
    const slots = this.slots;
    const mask = this.mask;
    const hash = rows[base + ROW_HASH]!;
    for (let s = hash & mask; ; s = (s + 1) & mask) {
      const id = slots[2 * s + 1]! - 1;
      if (id < 0) return -1;
      if (slots[2 * s] === hash && this.same(rows, base, id)) return id;
    }
  }

  /** Number of the flow, which is made if it is new; -1 if it is new and the table is full. */
  intern(rows: Int32Array, base: number): number {
    const slots = this.slots;
    const mask = this.mask;
    const hash = rows[base + ROW_HASH]!;
    let s = hash & mask;
    for (; ; s = (s + 1) & mask) {
      const id = slots[2 * s + 1]! - 1;
      if (id < 0) break;
      if (slots[2 * s] === hash && this.same(rows, base, id)) return id;
    }
    return this.insert(rows, base, hash);
  }

  /**
   * Numbers for rows order[from..to) (or rows from..to where `order` is null) into `out` from 0 on; -1 for rows without a flow.
   * A first pass touches the memory that the second needs, so that misses overlap.
   */
  internBatch(rows: Int32Array, order: Uint32Array | null, from: number, to: number, out: Int32Array): void {
    if (this.count >= TOUCH_AHEAD_FROM) this.touch(rows, order, from, to, out);
    for (let i = from; i < to; i++) {
      const base = (order === null ? i : order[i]!) * ROW_WORDS;
      out[i - from] = (rows[base + ROW_META]! & META_FLOW) !== 0 ? this.intern(rows, base) : -1;
    }
  }

  private touch(rows: Int32Array, order: Uint32Array | null, from: number, to: number, scratch: Int32Array): void {
    const { slots, mask, entries, entryWords } = this;
    for (let i = from; i < to; i++) {
      const base = (order === null ? i : order[i]!) * ROW_WORDS;
      scratch[i - from] = slots[2 * (rows[base + ROW_HASH]! & mask) + 1]!;
    }
    let sum = 0;
    const n = to - from;
    for (let i = 0; i < n; i++) {
      const id = scratch[i]!;
      if (id > 0) {
        const at = (id - 1) * entryWords;
        sum += entries[at]! + entries[at + entryWords - 1]!;
      }
    }
    this.touched = sum | 0;
  }

  private same(rows: Int32Array, base: number, id: number): boolean {
    const entries = this.entries;
    const at = id * this.entryWords;
    if (
      entries[at] !== rows[base] ||
      entries[at + 1] !== rows[base + 1] ||
      entries[at + 2] !== rows[base + 2] ||
      entries[at + 6] !== rows[base + 6]
    ) {
      return false;
    }
    if ((rows[base + 1]! & 0x200) === 0) return true;
    return (
      entries[at + 3] === rows[base + 3] &&
      entries[at + 4] === rows[base + 4] &&
      entries[at + 5] === rows[base + 5] &&
      entries[at + 7] === rows[base + 7] &&
      entries[at + 8] === rows[base + 8] &&
      entries[at + 9] === rows[base + 9]
    );
  }

  private insert(rows: Int32Array, base: number, hash: number): number {
    if (this.count === this.limit) {
      this.full++;
      return -1;
    }
    if (this.count === this.capacity) this.grow();
    const { slots, mask } = this;
    let s = hash & mask;
    while (slots[2 * s + 1] !== 0) s = (s + 1) & mask;
    const id = this.count++;
    slots[2 * s] = hash;
    slots[2 * s + 1] = id + 1;
    const at = id * this.entryWords;
    const entries = this.entries;
    for (let w = 0; w < KEY_WORDS; w++) entries[at + w] = rows[base + w]!;
    entries[at + KEY_WORDS] = hash;
    return id;
  }

  /** Twice the room. Slots carry their hash, so keys are not read again. */
  private grow(): void {
    this.capacity = Math.min(this.limit, this.capacity * 2);
    const entries = new Int32Array(this.capacity * this.entryWords);
    entries.set(this.entries);
    this.entries = entries;
    this.floats = new Float64Array(entries.buffer);
    const wanted = 2 * this.capacity;
    if (this.mask + 1 >= wanted) return;
    const old = this.slots;
    let size = this.mask + 1;
    while (size < wanted) size *= 2;
    this.slots = new Int32Array(2 * size);
    this.mask = size - 1;
    const { slots, mask } = this;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      let s = old[i]! & mask;
      while (slots[2 * s + 1] !== 0) s = (s + 1) & mask;
      slots[2 * s] = old[i]!;
      slots[2 * s + 1] = old[i + 1]!;
    }
  }

  /** Replaces everything by `count` entries, for a restored snapshot. */
  load(entries: Int32Array, count: number): void {
    this.count = 0;
    this.full = 0;
    this.slots.fill(0);
    for (let id = 0; id < count; id++) {
      const at = id * this.entryWords;
      this.insert(entries, at, entries[at + KEY_WORDS]!);
      this.entries.set(entries.subarray(at, at + this.entryWords), at);
    }
  }
}
