import { assert } from '../base/index.ts';

/** Bits of a slot that hold an entry's number + 1; the others hold as many high bits of its hash. */
const NUMBER_BITS = 23;
export const NUMBER_MASK = (1 << NUMBER_BITS) - 1;
export const TAG_MASK = ~NUMBER_MASK;
export const TAG_SHIFT = NUMBER_BITS;

/** Entries a table may have. */
export const MAX_ENTRIES = NUMBER_MASK - 1;

/** Hands out zeroed words for a large table, beginning on a cache line: memory of a kernel that works on the table as well. */
export type TableMemory = (words: number) => Int32Array;

/** Slots of a table of `entries`: at most half of them are used. */
export function slotsOf(entries: number): number {
  let size = 16;
  while (size < entries * 2) size *= 2;
  return size;
}

/**
 * Open addressing over entries that live elsewhere: a slot has the entry's number and nine bits of its hash, so that a lookup reads an entry only
 * if it is very likely the right one. Linear probing at half load at most; removal shifts back, so there are no tombstones and
 * lookups stay short however long it runs. 8 to 16 bytes an entry. Lookups are written out by the tables, which know their keys:
 *
 *     for (let s = hash & mask; (slot = slots[s]) !== 0; s = (s + 1) & mask)
 *       if (((slot ^ hash) & TAG_MASK) === 0 && key of entry (slot & NUMBER_MASK) - 1 is the one) it is found
 */
export class HashSlots {
  readonly slots: Int32Array;
  readonly mask: number;
  private readonly hashOf: (entry: number) => number;

  /** `hashOf` computes an entry's hash again from its key; for removal only. */
  constructor(entries: number, hashOf: (entry: number) => number, memory?: TableMemory) {
    assert(entries <= MAX_ENTRIES, 'a hash slot holds 23 bits of entry number');
    const size = slotsOf(entries);
    this.slots = memory?.(size) ?? new Int32Array(size);
    this.mask = size - 1;
    this.hashOf = hashOf;
  }

  insert(entry: number, hash: number): void {
    const { slots, mask } = this;
    let at = hash & mask;
    while (slots[at] !== 0) at = (at + 1) & mask;
    slots[at] = (hash & TAG_MASK) | (entry + 1);
  }

  /** The entry's key must still be there. */
  remove(entry: number): void {
    const { slots, mask } = this;
    let hole = this.hashOf(entry) & mask;
    while ((slots[hole]! & NUMBER_MASK) !== entry + 1) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const home = this.hashOf((slots[at]! & NUMBER_MASK) - 1) & mask;
      // The entry may move into the hole unless its home lies after the hole.
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        slots[hole] = slots[at]!;
        hole = at;
      }
    }
    slots[hole] = 0;
  }

  /** Slots the longest run of used ones has: no lookup reads more. For tests. */
  longestRun(): number {
    let longest = 0;
    let run = 0;
    for (let i = 0; i < 2 * this.slots.length; i++) {
      run = this.slots[i & this.mask] === 0 ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
    return longest;
  }
}

/** One step of the hash of a key; `endHash` ends it. What came before is turned first, so that words that are alike do not cancel out. */
export function addToHash(h: number, word: number): number {
  return Math.imul(((h << 13) | (h >>> 19)) + word, 0x9e3779b1);
}

/** Signed 32 bits. */
export function endHash(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** One step of the hash that says which address and port a host gets; it must not change. `finishHash` ends it. */
export function mixHash(h: number, word: number): number {
  const x = Math.imul(h ^ word, 0x9e3779b1);
  return x ^ (x >>> 15);
}

export function finishHash(h: number): number {
  const x = Math.imul(h ^ (h >>> 13), 0x85ebca6b);
  return (x ^ (x >>> 16)) >>> 0;
}
