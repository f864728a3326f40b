import { finishHash, mixHash } from './hash-slots.ts';
import { mask4 } from './prefix64.ts';

const FIRST_SLOTS = 16;
/** At most this share of the slots is used; the last size has just room for a subscriber of each binding. */
const MAX_LOAD = 0.8;

/**
 * Bindings of each subscriber (RFC 6888 REQ-4), where a subscriber is an IPv6 prefix. Open addressing with linear probing; the table doubles as
 * subscribers come, up to one for each binding, and what is removed is closed by shifting back. A slot is 12 bytes where prefixes have up to 64 bits,
 * 20 where they have more: 15 and 25 bytes for each binding at most, and next to nothing where subscribers have many.
 */
export class SubscriberCounts {
  /** Subscribers that have a binding. */
  count = 0;
  private words: Uint32Array;
  /** Zero for a free slot. */
  private counts: Uint32Array;
  private size: number;
  private readonly maxSize: number;
  private readonly masks: readonly number[];
  /** Words of a prefix. */
  private readonly stride: number;
  /** The prefix that is asked for. */
  private readonly key: Uint32Array;

  constructor(bindings: number, prefixBits: number) {
    this.stride = Math.ceil(prefixBits / 32);
    this.maxSize = Math.ceil(bindings / MAX_LOAD) + 1;
    this.size = Math.min(FIRST_SLOTS, this.maxSize);
    this.key = new Uint32Array(this.stride);
    this.words = new Uint32Array(this.size * this.stride);
    this.counts = new Uint32Array(this.size);
    this.masks = Array.from({ length: this.stride }, (_, i) => mask4(Math.min(32, prefixBits - 32 * i)));
  }

  get bytes(): number {
    return this.words.byteLength + this.counts.byteLength;
  }

  /** The slot at which a search for the prefix at `o` begins. */
  private home(words: Uint32Array, o: number): number {
    let h = 0;
    for (let i = 0; i < this.stride; i++) h = mixHash(h, words[o + i]!);
    return Math.floor(finishHash(h) * 2 ** -32 * this.size);
  }

  private after(slot: number): number {
    return slot + 1 === this.size ? 0 : slot + 1;
  }

  /** The slot of the prefix, or the free one where it belongs. */
  private slotOf(word: (i: number) => number): number {
    const { key, stride } = this;
    for (let i = 0; i < stride; i++) key[i] = word(i) & this.masks[i]!;
    let at = this.home(key, 0);
    while (this.counts[at] !== 0 && !this.same(at)) at = this.after(at);
    return at;
  }

  private same(at: number): boolean {
    for (let i = 0; i < this.stride; i++) if (this.words[at * this.stride + i] !== this.key[i]) return false;
    return true;
  }

  of(word: (i: number) => number): number {
    return this.counts[this.slotOf(word)]!;
  }

  /** One more binding. There are never more subscribers than bindings. */
  add(word: (i: number) => number): void {
    let at = this.slotOf(word);
    if (this.counts[at] === 0) {
      if (this.count + 1 > this.size * MAX_LOAD && this.size < this.maxSize) {
        this.grow();
        at = this.slotOf(word);
      }
      this.words.set(this.key, at * this.stride);
      this.count++;
    }
    this.counts[at] = this.counts[at]! + 1;
  }

  remove(word: (i: number) => number): void {
    const at = this.slotOf(word);
    const left = this.counts[at]!;
    if (left === 0) return;
    this.counts[at] = left - 1;
    if (left > 1) return;
    this.count--;
    this.close(at);
  }

  /** Moves what follows into the hole as long as a search would miss it otherwise. */
  private close(free: number): void {
    const { words, counts, size, stride } = this;
    let hole = free;
    for (let at = this.after(hole); counts[at] !== 0; at = this.after(at)) {
      const home = this.home(words, at * stride);
      if ((at - home + size) % size < (at - hole + size) % size) continue;
      words.copyWithin(hole * stride, at * stride, (at + 1) * stride);
      counts[hole] = counts[at]!;
      counts[at] = 0;
      hole = at;
    }
  }

  private grow(): void {
    const { words, counts, size, stride } = this;
    this.size = Math.min(size * 2, this.maxSize);
    this.words = new Uint32Array(this.size * stride);
    this.counts = new Uint32Array(this.size);
    for (let from = 0; from < size; from++) {
      if (counts[from] === 0) continue;
      let at = this.home(words, from * stride);
      while (this.counts[at] !== 0) at = this.after(at);
      for (let i = 0; i < stride; i++) this.words[at * stride + i] = words[from * stride + i]!;
      this.counts[at] = counts[from]!;
    }
  }
}
