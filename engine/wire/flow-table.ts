import { alignedBuffer } from './aligned.ts';
import { KEY_WORDS, META_FLOW, ROW_A, ROW_B, ROW_HASH, ROW_META, ROW_PORTS, ROW_PROTOCOL, ROW_WORDS } from './classify-row.ts';
import { hashRow } from './flow-hash.ts';

/**
 * Flow keys to numbers in first-seen order: open addressing at half load over typed arrays. Linear probing and not a cuckoo
 * table: nothing is ever taken out, so chains never degrade, a lookup is one cache line in nearly every case, and an insert
 * never moves an entry, which keeps numbers stable.
 *
 *     slots    | top 9 bits of the hash, number + 1 |  one word each, power of two of them
 *     entries  | ports | protocol | A | B | owner's words ... |  entryWords each, by number
 *     tails    | A 2..4 | B 2..4 |  the rest of IPv6 addresses, made when the first IPv6 flow comes
 *     cold     | owner's words ... |  coldWords each, by number
 *
 * With entryWords 16 an entry is one cache line and holds the whole IPv4 key and all that changes with every packet.
 */
export const ENTRY_KEY_WORDS = 4;
const TAIL_WORDS = 6;
const FIRST_ENTRIES = 4_096;
const GROWTH = 4;

/** A slot's number takes 23 bits, so a table holds 8,388,606 flows at most. */
const NUMBER_BITS = 23;
const NUMBER_MASK = (1 << NUMBER_BITS) - 1;
const TAG_MASK = ~NUMBER_MASK;
export const MAX_TABLE_FLOWS = NUMBER_MASK - 1;

/** Flows below which the tables stay in the first-level cache and a touch-ahead pass only costs. */
const TOUCH_AHEAD_FROM = 256;

/** Bit 9 of the protocol word is set in version 6 and clear in version 4; 0 is the row of a packet without a flow. */
const VERSION_6_BIT = 0x200;
const VERSION_BITS = 0xf00;
const VERSION_4 = 0x400;

/** Gives a table zeroed words that it has not had before, on a boundary of 64 bytes. */
export type FlowRoom = (words: number) => Int32Array;

export interface FlowTableOptions {
  /** Even, at least ENTRY_KEY_WORDS. */
  readonly entryWords?: number;
  /** Even. */
  readonly coldWords?: number;
  readonly limit: number;
  readonly expected?: number;
  /** Puts entries on cache lines, see alignedBuffer. */
  readonly aligned?: boolean;
  /** Where the tables are to be; they then have their full size at once, so it is for memory that is committed only when it is used. */
  readonly room?: FlowRoom;
}

export class FlowTable {
  readonly entryWords: number;
  readonly coldWords: number;
  /** Largest number of flows; later ones get -1. */
  readonly limit: number;
  entries: Int32Array;
  /** The same memory as float64, for times and byte counts an owner keeps in its words. Replaced together with `entries`. */
  floats: Float64Array;
  tails: Int32Array = new Int32Array(0);
  cold: Int32Array;
  coldFloats: Float64Array;
  /** Flows so far. */
  count = 0;
  /** Lookups that found no room. */
  full = 0;
  /** What touch-ahead passes have read: kept so that the reads are not optimised away. */
  touched = 0;
  /** For kernels that look flows up themselves; replaced as the table grows. */
  slots: Int32Array;
  mask: number;
  private readonly aligned: boolean;
  private readonly room: FlowRoom | undefined;
  private capacity: number;

  constructor(options: FlowTableOptions) {
    this.entryWords = options.entryWords ?? ENTRY_KEY_WORDS;
    this.coldWords = options.coldWords ?? 0;
    this.limit = Math.min(options.limit, MAX_TABLE_FLOWS);
    this.aligned = options.aligned ?? false;
    this.room = options.room;
    const expected = Math.min(this.limit, Math.max(FIRST_ENTRIES, options.expected ?? 0));
    this.capacity = this.room === undefined ? expected : this.limit;
    this.slots = this.words(slotsFor(expected));
    this.mask = this.slots.length - 1;
    this.entries = this.words(this.capacity * this.entryWords, this.aligned);
    this.floats = floatsOf(this.entries);
    this.cold = this.words(this.capacity * this.coldWords);
    this.coldFloats = floatsOf(this.cold);
  }

  private words(count: number, aligned = false): Int32Array {
    if (this.room !== undefined) return this.room(count);
    return aligned ? new Int32Array(alignedBuffer(count * 4), 0, count) : new Int32Array(count);
  }

  /** Bytes that a table with a `room` takes of it at most. */
  static roomBytes(options: { entryWords: number; coldWords: number; limit: number; expected: number }): number {
    const limit = Math.min(options.limit, MAX_TABLE_FLOWS);
    const expected = Math.min(limit, Math.max(FIRST_ENTRIES, options.expected));
    let words = limit * (options.entryWords + options.coldWords + TAIL_WORDS);
    for (let flows = expected; ; flows = Math.min(limit, flows * GROWTH)) {
      words += slotsFor(flows);
      if (flows === limit) return words * 4;
    }
  }

  /** Bytes of all tables. */
  get byteLength(): number {
    return this.slots.byteLength + this.entries.byteLength + this.tails.byteLength + this.cold.byteLength;
  }

  /** Number of the flow whose key stands at `base` in `rows`, or -1. */
  find(rows: Int32Array, base: number): number {
    const slots = this.slots;
    const mask = this.mask;
    const hash = rows[base + ROW_HASH]!;
    for (let s = hash & mask; ; s = (s + 1) & mask) {
      const slot = slots[s]!;
      if (slot === 0) return -1;
      if (((slot ^ hash) & TAG_MASK) === 0) {
        const id = (slot & NUMBER_MASK) - 1;
        if (this.same(rows, base, id)) return id;
      }
    }
  }

  /** Number of the flow, which is made if it is new; -1 if it is new and the table is full. */
  intern(rows: Int32Array, base: number): number {
    const found = this.find(rows, base);
    return found >= 0 ? found : this.insert(rows, base);
  }

  /**
   * Numbers for rows order[from..to) (or rows from..to where `order` is null) into `out` from 0 on; -1 for rows without a flow.
   * The first passes read slots and entries and do nothing that depends on them, so that cache misses overlap. A key that matches is
   * the flow's, wherever its slot was; what does not match is looked up from the start.
   */
  internBatch(rows: Int32Array, order: Uint32Array | null, from: number, to: number, out: Int32Array): void {
    const { slots, mask, entryWords } = this;
    const n = to - from;
    for (let i = 0; i < n; i++) {
      const hash = rows[(order === null ? from + i : order[from + i]!) * ROW_WORDS + ROW_HASH]!;
      const first = slots[hash & mask]!;
      const second = slots[(hash + 1) & mask]!;
      // The second slot where the first one's tag is another's. Computed: a branch would wait for the slot.
      const other = (first ^ hash) >>> NUMBER_BITS;
      const take = -other >> 31;
      out[i] = ((first ^ ((first ^ second) & take)) & NUMBER_MASK) - 1;
    }
    let { entries } = this;
    if (this.count >= TOUCH_AHEAD_FROM) {
      let touched = 0;
      for (let i = 0; i < n; i++) touched ^= entries[Math.max(0, out[i]!) * entryWords]!;
      this.touched = touched;
    }
    for (let i = 0; i < n; i++) {
      const base = (order === null ? from + i : order[from + i]!) * ROW_WORDS;
      const at = out[i]! * entryWords;
      if (
        at >= 0 &&
        entries[at + 2] === rows[base + ROW_A]! &&
        entries[at] === rows[base + ROW_PORTS]! &&
        entries[at + 3] === rows[base + ROW_B]! &&
        entries[at + 1] === rows[base + ROW_PROTOCOL]! &&
        (rows[base + ROW_PROTOCOL]! & VERSION_BITS) === VERSION_4
      ) {
        continue;
      }
      out[i] = (rows[base + ROW_META]! & META_FLOW) !== 0 ? this.intern(rows, base) : -1;
      entries = this.entries;
    }
  }

  private same(rows: Int32Array, base: number, id: number): boolean {
    const entries = this.entries;
    const at = id * this.entryWords;
    if (
      entries[at] !== rows[base + ROW_PORTS] ||
      entries[at + 1] !== rows[base + ROW_PROTOCOL] ||
      entries[at + 2] !== rows[base + ROW_A] ||
      entries[at + 3] !== rows[base + ROW_B]
    ) {
      return false;
    }
    return (rows[base + ROW_PROTOCOL]! & VERSION_6_BIT) === 0 || this.sameTail(rows, base, id * TAIL_WORDS);
  }

  private sameTail(rows: Int32Array, base: number, at: number): boolean {
    const tails = this.tails;
    return (
      tails[at] === rows[base + 3] &&
      tails[at + 1] === rows[base + 4] &&
      tails[at + 2] === rows[base + 5] &&
      tails[at + 3] === rows[base + 7] &&
      tails[at + 4] === rows[base + 8] &&
      tails[at + 5] === rows[base + 9]
    );
  }

  /** Number of a flow that `find` has not found; -1 if the table is full. */
  insert(rows: Int32Array, base: number): number {
    if (this.count === this.limit) {
      this.full++;
      return -1;
    }
    if (this.count === this.capacity) this.grow();
    if (2 * this.count > this.mask) this.growSlots();
    const { slots, mask, entries } = this;
    const hash = rows[base + ROW_HASH]!;
    let s = hash & mask;
    while (slots[s] !== 0) s = (s + 1) & mask;
    const id = this.count++;
    slots[s] = (hash & TAG_MASK) | (id + 1);
    const at = id * this.entryWords;
    entries[at] = rows[base + ROW_PORTS]!;
    entries[at + 1] = rows[base + ROW_PROTOCOL]!;
    entries[at + 2] = rows[base + ROW_A]!;
    entries[at + 3] = rows[base + ROW_B]!;
    if ((rows[base + ROW_PROTOCOL]! & VERSION_6_BIT) !== 0) this.putTail(rows, base, id * TAIL_WORDS);
    return id;
  }

  private putTail(rows: Int32Array, base: number, at: number): void {
    if (this.tails.length === 0) this.tails = this.words(this.capacity * TAIL_WORDS);
    for (let w = 0; w < 3; w++) {
      this.tails[at + w] = rows[base + 3 + w]!;
      this.tails[at + 3 + w] = rows[base + 7 + w]!;
    }
  }

  /** Four times the room: memory that is not used yet is not committed, and flows are seldom moved. */
  private grow(): void {
    this.capacity = Math.min(this.limit, this.capacity * GROWTH);
    const entries = this.words(this.capacity * this.entryWords, this.aligned);
    entries.set(this.entries);
    this.entries = entries;
    this.floats = floatsOf(entries);
    this.cold = grown(this.cold, this.capacity * this.coldWords);
    this.coldFloats = floatsOf(this.cold);
    if (this.tails.length > 0) this.tails = grown(this.tails, this.capacity * TAIL_WORDS);
  }

  /** The same for slots. The hashes are computed again, from the keys in the order of their numbers. */
  private growSlots(): void {
    this.slots = this.words(slotsFor(Math.min(this.limit, this.count * GROWTH)));
    this.mask = this.slots.length - 1;
    const { slots, mask } = this;
    const row = new Int32Array(ROW_WORDS);
    for (let id = 0; id < this.count; id++) {
      copyFlowKey(this, id, row);
      const hash = hashRow(row);
      let s = hash & mask;
      while (slots[s] !== 0) s = (s + 1) & mask;
      slots[s] = (hash & TAG_MASK) | (id + 1);
    }
  }

  /** The key of a flow in the layout of a row, words 0..9, into `row` from word 0 on. */
  copyKey(id: number, row: Int32Array): void {
    copyFlowKey(this, id, row);
  }

  /** Everything there is about the flows, without the room for more. Views: copy or post before the table goes on. */
  columns(): FlowColumns {
    return {
      count: this.count,
      entryWords: this.entryWords,
      coldWords: this.coldWords,
      entries: this.entries.subarray(0, this.count * this.entryWords),
      tails: this.tails.subarray(0, Math.min(this.tails.length, this.count * TAIL_WORDS)),
      cold: this.cold.subarray(0, this.count * this.coldWords),
    };
  }

  /** Replaces everything by flows that `columns` gave, for a restored snapshot. */
  load(columns: FlowColumns): void {
    this.count = 0;
    this.full = 0;
    this.slots.fill(0);
    const row = new Int32Array(ROW_WORDS);
    for (let id = 0; id < columns.count; id++) {
      copyFlowKey(columns, id, row);
      row[ROW_HASH] = hashRow(row);
      this.insert(row, 0);
    }
    this.entries.set(columns.entries);
    this.cold.set(columns.cold);
    // A table that has run has more flows than it goes back to: a new one begins with nothing.
    this.entries.fill(0, columns.entries.length);
    this.cold.fill(0, columns.cold.length);
  }
}

/** The flows of a table as plain data. */
export interface FlowColumns {
  readonly count: number;
  readonly entryWords: number;
  readonly coldWords: number;
  readonly entries: Int32Array;
  readonly tails: Int32Array;
  readonly cold: Int32Array;
}

/** The key of a flow in the layout of a row, words 0..9. */
export function copyFlowKey(from: Pick<FlowColumns, 'entries' | 'entryWords' | 'tails'>, id: number, row: Int32Array): void {
  const at = id * from.entryWords;
  row.fill(0, 0, KEY_WORDS);
  row[ROW_PORTS] = from.entries[at]!;
  row[ROW_PROTOCOL] = from.entries[at + 1]!;
  row[ROW_A] = from.entries[at + 2]!;
  row[ROW_B] = from.entries[at + 3]!;
  if ((row[ROW_PROTOCOL] & VERSION_6_BIT) === 0) return;
  for (let w = 0; w < 3; w++) {
    row[3 + w] = from.tails[id * TAIL_WORDS + w]!;
    row[7 + w] = from.tails[id * TAIL_WORDS + 3 + w]!;
  }
}

/** Slots for so many flows at half load. */
function slotsFor(flows: number): number {
  let slots = 2 * FIRST_ENTRIES;
  while (slots < 2 * flows) slots *= 2;
  return slots;
}

function floatsOf(words: Int32Array): Float64Array {
  return new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
}

function grown(old: Int32Array, length: number): Int32Array {
  const bigger = new Int32Array(length);
  bigger.set(old);
  return bigger;
}
