import type { Family } from '../addresses.ts';
import type { Entry } from '../choice/index.ts';
import type { StreamPlace } from '../forward/index.ts';
import type { Tree } from '../pim/index.ts';

/** Slots at the start and at most. What has no slot takes the long way each time. */
const FIRST_SLOTS = 64;
export const MAX_WAYS = 4_096;
/** Neighbouring slots that are looked at. */
const PROBES = 4;

/** What PIM and the path choice say of one source and group from one interface, as long as nothing changes. */
export interface Way {
  /** The tree whose keepalive timer each packet sets. */
  readonly keeps: Tree | undefined;
  /** A source on a link of this router, which may have to be registered. */
  readonly registers: Tree | undefined;
  readonly entry: Entry | undefined;
  /** The entry takes data of this family. */
  readonly taken: boolean;
  /** Where the forwarding path found the stream. */
  readonly place: StreamPlace;
}

/**
 * Ways of the streams of one family that packets have gone before. All of them are forgotten at once: whatever changes in the router moves the
 * epoch. A key is the interface, then source and group in words.
 */
export class WayCache {
  private epoch = 1;
  private mask = -1;
  private keys = new Int32Array(0);
  private epochs = new Float64Array(0);
  private ways: (Way | undefined)[] = [];
  /** Bytes of source and group, which stand beside each other in a header, and words of a key. */
  private readonly from: number;
  private readonly words: number;
  private readonly key: Int32Array;

  constructor(family: Family) {
    this.from = family === 4 ? 12 : 8;
    this.words = family === 4 ? 3 : 9;
    this.key = new Int32Array(this.words);
  }

  forget(): void {
    this.epoch++;
  }

  /** The way of a packet that is at least a whole header long; the key stays for `put`. */
  find(iface: number, b: Uint8Array): Way | undefined {
    const home = this.read(iface, b);
    const { mask, epochs, epoch } = this;
    if (mask < 0) return undefined;
    for (let i = 0; i < PROBES; i++) {
      const slot = (home + i) & mask;
      if (epochs[slot] === epoch && this.same(slot)) return this.ways[slot];
    }
    return undefined;
  }

  /** For the packet that was looked up last. `epoch`: what `now` said before its way was worked out. */
  put(iface: number, b: Uint8Array, way: Way, epoch: number): void {
    if (epoch !== this.epoch) return;
    if (this.mask < 0) this.resize(FIRST_SLOTS);
    const home = this.read(iface, b);
    let slot = home & this.mask;
    for (let i = 0; i < PROBES; i++) {
      const next = (home + i) & this.mask;
      if (this.epochs[next] === this.epoch) continue;
      slot = next;
      break;
    }
    // All slots around are in use: more room, if there may be more.
    if (this.epochs[slot] === this.epoch && this.mask + 1 < MAX_WAYS) {
      this.resize((this.mask + 1) * 2);
      slot = home & this.mask;
    }
    this.keys.set(this.key, slot * this.words);
    this.epochs[slot] = this.epoch;
    this.ways[slot] = way;
  }

  get now(): number {
    return this.epoch;
  }

  private resize(slots: number): void {
    this.mask = slots - 1;
    this.keys = new Int32Array(slots * this.words);
    this.epochs = new Float64Array(slots);
    this.ways = Array.from({ length: slots });
  }

  /** The key of a packet, and its hash. */
  private read(iface: number, b: Uint8Array): number {
    const { key, words } = this;
    key[0] = iface;
    let h = Math.imul(iface, 0x9e3779b1);
    for (let i = 1, at = this.from; i < words; i++, at += 4) {
      const word = (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;
      key[i] = word;
      h = Math.imul(h ^ word, 0x9e3779b1) ^ (h >>> 15);
    }
    return h ^ (h >>> 13);
  }

  private same(slot: number): boolean {
    const { key, keys, words } = this;
    for (let i = 0, at = slot * words; i < words; i++, at++) if (keys[at] !== key[i]) return false;
    return true;
  }
}
