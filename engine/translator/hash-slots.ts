/**
 * Open addressing over entries that live in columns elsewhere: slots hold entry numbers, a column holds each entry's hash. Linear probing at half
 * load at most; removal shifts back, so there are no tombstones and lookups stay short however long it runs. 12 bytes an entry.
 */
export class HashSlots {
  readonly slots: Int32Array;
  readonly mask: number;
  private readonly hashes: Uint32Array;

  constructor(entries: number) {
    let size = 16;
    while (size < entries * 2) size *= 2;
    this.slots = new Int32Array(size).fill(-1);
    this.mask = size - 1;
    this.hashes = new Uint32Array(entries);
  }

  insert(entry: number, hash: number): void {
    let at = hash & this.mask;
    while (this.slots[at]! >= 0) at = (at + 1) & this.mask;
    this.slots[at] = entry;
    this.hashes[entry] = hash;
  }

  remove(entry: number): void {
    let hole = this.hashes[entry]! & this.mask;
    while (this.slots[hole] !== entry) hole = (hole + 1) & this.mask;
    for (let at = (hole + 1) & this.mask; this.slots[at]! >= 0; at = (at + 1) & this.mask) {
      const home = this.hashes[this.slots[at]!]! & this.mask;
      // The entry may move into the hole unless its home lies after the hole.
      if (((at - home) & this.mask) >= ((at - hole) & this.mask)) {
        this.slots[hole] = this.slots[at]!;
        hole = at;
      }
    }
    this.slots[hole] = -1;
  }
}

/** One step of mixing; `finishHash` ends it. */
export function mixHash(h: number, word: number): number {
  const x = Math.imul(h ^ word, 0x9e3779b1);
  return x ^ (x >>> 15);
}

export function finishHash(h: number): number {
  const x = Math.imul(h ^ (h >>> 13), 0x85ebca6b);
  return (x ^ (x >>> 16)) >>> 0;
}
