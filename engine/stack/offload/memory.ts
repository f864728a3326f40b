import { assert, type Random } from '../../base/index.ts';
import { pickKernel, turn, type PickedKernel, type SumKernel } from './kernels.ts';

/**
 * Packet memory of the offloads: buffers in two sizes with their buflets, and the kernel that copies and sums between them. Packets are
 * chains of buflets (V-05). Everything is an index into typed arrays; nothing is allocated per packet.
 *
 *     | 4 KiB for the self-check | default buffers | large buffers |
 *
 * Buffers stand 64 bytes further apart than they are long, because a power of two would put them all on the same cache sets.
 */
export const DEFAULT_BUFFER_BYTES = 2_048;
export const LARGE_BUFFER_BYTES = 16_384;
const GAP_BYTES = 64;
const CHECK_BYTES = 4_096;
const PAGE_BYTES = 65_536;

export interface MemoryOptions {
  readonly defaultBuffers: number;
  readonly largeBuffers: number;
  /** For tests and comparisons: kernels to try, best first. */
  readonly variants?: readonly ('simd' | 'word64')[];
}

export class OffloadMemory {
  readonly bytes: Uint8Array;
  readonly kernel: SumKernel;
  readonly picked: PickedKernel;
  readonly defaultBuffers: number;
  readonly largeBuffers: number;
  /** By buflet: where its data starts, from the start of its buffer. */
  readonly dataOffset: Int32Array;
  readonly dataLen: Int32Array;
  /** Next buflet of the chain, -1 at its end. */
  readonly next: Int32Array;
  /** Buflets that were asked for and not to be had. */
  failures = 0;
  usedDefault = 0;
  usedLarge = 0;
  highDefault = 0;
  highLarge = 0;
  private readonly freeDefault: Int32Array;
  private readonly freeLarge: Int32Array;
  private readonly largeStart: number;

  constructor(options: MemoryOptions) {
    const { defaultBuffers, largeBuffers } = options;
    assert(defaultBuffers > 0 && largeBuffers >= 0, 'a memory has buffers');
    this.defaultBuffers = defaultBuffers;
    this.largeBuffers = largeBuffers;
    this.largeStart = CHECK_BYTES + defaultBuffers * (DEFAULT_BUFFER_BYTES + GAP_BYTES);
    const total = this.largeStart + largeBuffers * (LARGE_BUFFER_BYTES + GAP_BYTES);
    const memory = new WebAssembly.Memory({ initial: Math.ceil(total / PAGE_BYTES) });
    this.picked = pickKernel(memory, options.variants);
    this.kernel = this.picked.kernel;
    this.bytes = new Uint8Array(memory.buffer);
    const count = defaultBuffers + largeBuffers;
    this.dataOffset = new Int32Array(count);
    this.dataLen = new Int32Array(count);
    this.next = new Int32Array(count).fill(-1);
    this.freeDefault = Int32Array.from({ length: defaultBuffers }, (_, i) => defaultBuffers - 1 - i);
    this.freeLarge = Int32Array.from({ length: largeBuffers }, (_, i) => count - 1 - i);
  }

  /** Bytes of a buflet's buffer. */
  limit(buflet: number): number {
    return buflet < this.defaultBuffers ? DEFAULT_BUFFER_BYTES : LARGE_BUFFER_BYTES;
  }

  /** Address of a buflet's data. */
  address(buflet: number): number {
    return this.base(buflet) + this.dataOffset[buflet]!;
  }

  base(buflet: number): number {
    if (buflet < this.defaultBuffers) return CHECK_BYTES + buflet * (DEFAULT_BUFFER_BYTES + GAP_BYTES);
    return this.largeStart + (buflet - this.defaultBuffers) * (LARGE_BUFFER_BYTES + GAP_BYTES);
  }

  /** Bytes that still fit behind a buflet's data. */
  room(buflet: number): number {
    return this.limit(buflet) - this.dataOffset[buflet]! - this.dataLen[buflet]!;
  }

  /** An empty buflet, or -1. A large one falls back to the default size where there is none. */
  take(large: boolean): number {
    if (large && this.usedLarge < this.largeBuffers) {
      const buflet = this.freeLarge[this.largeBuffers - ++this.usedLarge]!;
      if (this.usedLarge > this.highLarge) this.highLarge = this.usedLarge;
      return this.empty(buflet);
    }
    if (this.usedDefault === this.defaultBuffers) {
      this.failures++;
      return -1;
    }
    const buflet = this.freeDefault[this.defaultBuffers - ++this.usedDefault]!;
    if (this.usedDefault > this.highDefault) this.highDefault = this.usedDefault;
    return this.empty(buflet);
  }

  private empty(buflet: number): number {
    this.dataOffset[buflet] = 0;
    this.dataLen[buflet] = 0;
    this.next[buflet] = -1;
    return buflet;
  }

  /** Gives a whole chain back. */
  give(first: number): void {
    for (let b = first; b >= 0;) {
      const next = this.next[b]!;
      if (b < this.defaultBuffers) this.freeDefault[this.defaultBuffers - this.usedDefault--] = b;
      else this.freeLarge[this.largeBuffers - this.usedLarge--] = b;
      this.next[b] = -1;
      b = next;
    }
  }

  chainBytes(first: number): number {
    let n = 0;
    for (let b = first; b >= 0; b = this.next[b]!) n += this.dataLen[b]!;
    return n;
  }

  bufletsOf(first: number): number {
    let n = 0;
    for (let b = first; b >= 0; b = this.next[b]!) n++;
    return n;
  }

  lastOf(first: number): number {
    let b = first;
    while (this.next[b]! >= 0) b = this.next[b]!;
    return b;
  }

  /** A chain that holds bytes [start, start + lenBytes) of an array, or -1 if there are not enough buffers. */
  load(from: Uint8Array, start: number, lenBytes: number): number {
    const first = this.take(lenBytes > 4 * DEFAULT_BUFFER_BYTES);
    let b = first;
    let done = 0;
    while (b >= 0) {
      const n = Math.min(lenBytes - done, this.limit(b));
      this.bytes.set(from.subarray(start + done, start + done + n), this.base(b));
      this.dataLen[b] = n;
      done += n;
      if (done === lenBytes) return first;
      const next = this.take(lenBytes - done > 4 * DEFAULT_BUFFER_BYTES);
      this.next[b] = next;
      b = next;
    }
    if (first >= 0) this.give(first);
    return -1;
  }

  /** Copies a chain, or bytes [from, from + lenBytes) of it, out. For what is shown or written, not for the path itself. */
  read(first: number, from = 0, lenBytes = this.chainBytes(first) - from): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(Math.max(0, lenBytes));
    this.readInto(first, from, out, 0, out.length);
    return out;
  }

  readInto(first: number, from: number, to: Uint8Array, at: number, lenBytes: number): void {
    let skip = from;
    let done = 0;
    for (let b = first; b >= 0 && done < lenBytes; b = this.next[b]!) {
      const len = this.dataLen[b]!;
      if (skip >= len) {
        skip -= len;
        continue;
      }
      const n = Math.min(len - skip, lenBytes - done);
      const start = this.address(b) + skip;
      to.set(this.bytes.subarray(start, start + n), at + done);
      done += n;
      skip = 0;
    }
  }

  /** Folded sum of bytes [from, from + lenBytes) of a chain (V-05: behind an odd number of bytes a part is turned before it is added). */
  sumChain(first: number, from: number, lenBytes: number): number {
    let skip = from;
    let left = lenBytes;
    let sum = 0;
    for (let b = first; b >= 0 && left > 0; b = this.next[b]!) {
      const len = this.dataLen[b]!;
      if (skip >= len) {
        skip -= len;
        continue;
      }
      const n = Math.min(len - skip, left);
      const part = this.kernel.sum(this.address(b) + skip, n);
      sum += ((lenBytes - left) & 1) === 0 ? part : turn(part);
      left -= n;
      skip = 0;
    }
    return fold(sum);
  }

  /**
   * Appends bytes [from, from + lenBytes) of a chain to the chain that ends in `tail`; new buflets are large if `large`. `sums`: whether the
   * bytes are summed in the same pass. Results in `tail` and `appendedSum`; false if there were not enough buffers: what was
   * appended then stays and the caller cuts it off.
   */
  append(tail: number, source: number, from: number, lenBytes: number, large: boolean, sums: boolean): boolean {
    const { kernel, dataLen } = this;
    let skip = from;
    let done = 0;
    let sum = 0;
    let to = tail;
    let ok = true;
    for (let b = source; b >= 0 && done < lenBytes && ok; b = this.next[b]!) {
      const len = dataLen[b]!;
      if (skip >= len) {
        skip -= len;
        continue;
      }
      let left = Math.min(len - skip, lenBytes - done);
      let at = this.address(b) + skip;
      skip = 0;
      while (left > 0) {
        let room = this.room(to);
        if (room === 0) {
          // A buflet that was reserved comes before a new one.
          const next = this.next[to]! >= 0 ? this.next[to]! : this.take(large);
          if (next < 0) {
            ok = false;
            break;
          }
          this.next[to] = next;
          to = next;
          room = this.limit(to);
        }
        const n = left < room ? left : room;
        const target = this.address(to) + dataLen[to]!;
        if (sums) {
          const part = kernel.copySum(target, at, n);
          sum += (done & 1) === 0 ? part : turn(part);
        } else kernel.copy(target, at, n);
        dataLen[to]! += n;
        done += n;
        at += n;
        left -= n;
      }
    }
    this.tail = to;
    this.appendedSum = fold(sum);
    return ok;
  }

  /** Last buflet after `append`. */
  tail = -1;
  /** Folded sum of what `append` copied, as if it had begun at an even place. */
  appendedSum = 0;

  /** Cuts a chain behind `tail`, which keeps `lenBytes` of its data. */
  cut(tail: number, lenBytes: number): void {
    const next = this.next[tail]!;
    if (next >= 0) this.give(next);
    this.next[tail] = -1;
    this.dataLen[tail] = lenBytes;
  }

  /** Turns one bit of a chain round, counted from its start (V-13). */
  flip(first: number, bit: number): void {
    let at = bit >>> 3;
    for (let b = first; b >= 0; b = this.next[b]!) {
      const len = this.dataLen[b]!;
      if (at < len) {
        const address = this.address(b) + at;
        this.bytes[address] = this.bytes[address]! ^ (0x80 >>> (bit & 7));
        return;
      }
      at -= len;
    }
  }

  /** Turns one random bit among bytes [from, to) of a chain round; gives its number. */
  flipRandom(first: number, from: number, to: number, random: Random): number {
    const bit = random.int(from * 8, to * 8 - 1);
    this.flip(first, bit);
    return bit;
  }
}

/** Folds a sum below 2^48 to 16 bits. */
export function fold(sum: number): number {
  let s = sum;
  while (s > 0xffff) s = (s & 0xffff) + Math.floor(s / 0x1_0000);
  return s;
}
