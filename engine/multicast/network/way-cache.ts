import { u32 } from '../../base/index.ts';
import type { Family } from '../addresses.ts';
import type { Entry } from '../choice/index.ts';
import type { Tree } from '../pim/index.ts';

/** Slots at the start and at most. What has no slot takes the long way each time. */
const FIRST_SLOTS = 64;
export const MAX_WAYS = 4_096;
/** Neighbouring slots that are looked at. */
const PROBES = 4;
/** Words of a key: family and interface, then source and group. */
const KEY_WORDS = 9;

/** What PIM and the path choice say of one source and group from one interface, as long as nothing changes. */
export interface Way {
  /** The tree whose keepalive timer each packet sets. */
  readonly keeps: Tree | undefined;
  /** A source on a link of this router, which may have to be registered. */
  readonly registers: Tree | undefined;
  readonly entry: Entry | undefined;
  /** The entry takes data of this family. */
  readonly taken: boolean;
}

/** Ways of streams that packets have gone before. All of them are forgotten at once: whatever changes in the router moves the epoch. */
export class WayCache {
  private epoch = 1;
  private mask = -1;
  private keys = new Uint32Array(0);
  private epochs = new Float64Array(0);
  private ways: (Way | undefined)[] = [];
  private readonly key = new Uint32Array(KEY_WORDS);
  /** Words of the key that was read last: an IPv4 one has three, and differs from all others in the first. */
  private words = KEY_WORDS;

  forget(): void {
    this.epoch++;
  }

  /** The way of a packet that is at least a whole header long; the key stays for `put`. */
  find(family: Family, iface: number, b: Uint8Array): Way | undefined {
    const home = this.read(family, iface, b);
    if (this.mask < 0) return undefined;
    for (let i = 0; i < PROBES; i++) {
      const slot = (home + i) & this.mask;
      if (this.epochs[slot] === this.epoch && this.same(slot)) return this.ways[slot];
    }
    return undefined;
  }

  /** For the packet that was looked up last. `epoch`: what `now` said before its way was worked out. */
  put(family: Family, iface: number, b: Uint8Array, way: Way, epoch: number): void {
    if (epoch !== this.epoch) return;
    if (this.mask < 0) this.resize(FIRST_SLOTS);
    const home = this.read(family, iface, b);
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
    this.keys.set(this.key, slot * KEY_WORDS);
    this.epochs[slot] = this.epoch;
    this.ways[slot] = way;
  }

  get now(): number {
    return this.epoch;
  }

  private resize(slots: number): void {
    this.mask = slots - 1;
    this.keys = new Uint32Array(slots * KEY_WORDS);
    this.epochs = new Float64Array(slots);
    this.ways = Array.from({ length: slots });
  }

  private read(family: Family, iface: number, b: Uint8Array): number {
    const { key } = this;
    key[0] = (iface << 8) | family;
    if (family === 4) {
      key[1] = u32(b, 12);
      key[2] = u32(b, 16);
      this.words = 3;
    } else {
      for (let i = 0; i < 8; i++) key[i + 1] = u32(b, 8 + 4 * i);
      this.words = KEY_WORDS;
    }
    let h = 0;
    for (let i = 0; i < this.words; i++) h = Math.imul(h ^ key[i]!, 0x9e3779b1) ^ (h >>> 15);
    return (h ^ (h >>> 13)) >>> 0;
  }

  private same(slot: number): boolean {
    const { key, keys, words } = this;
    for (let i = 0, at = slot * KEY_WORDS; i < words; i++, at++) if (keys[at] !== key[i]) return false;
    return true;
  }
}
