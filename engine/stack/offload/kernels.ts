import { foldSum, sum16 } from '../../wire/index.ts';
import { kernelModule, type WasmVariant } from './wasm-kernels.ts';

/**
 * The copy-and-sum primitive (V-04) over one memory, in three variants: WebAssembly with SIMD, WebAssembly with 64-bit words, and plain
 * TypeScript. One is picked at start-up: the fastest that gives the reference's sums and bytes in a self-check.
 */
export interface SumKernel {
  readonly variant: 'simd' | 'word64' | 'plain';
  /** Copies `lenBytes` (at most MAX_SUM_BYTES) from address `from` to `to` and gives their folded sum; the ranges do not overlap. */
  readonly copySum: (to: number, from: number, lenBytes: number) => number;
  /** Folded sum of the 16-bit words of a range, an odd last byte padded with zero. */
  readonly sum: (from: number, lenBytes: number) => number;
  readonly copy: (to: number, from: number, lenBytes: number) => void;
  /** Copies with the loop of `copySum`: what the sum costs is the difference to this. */
  readonly copyLoop: (to: number, from: number, lenBytes: number) => void;
}

/** The slowest and most certain: a copy, then the plain sum. What all others are compared with. */
export function referenceKernel(buffer: ArrayBufferLike): SumKernel {
  const bytes = new Uint8Array(buffer);
  const copy = (to: number, from: number, lenBytes: number): void => {
    bytes.copyWithin(to, from, from + lenBytes);
  };
  return {
    variant: 'plain',
    copySum: (to, from, lenBytes) => {
      copy(to, from, lenBytes);
      return foldSum(sum16(bytes, from, from + lenBytes));
    },
    sum: (from, lenBytes) => foldSum(sum16(bytes, from, from + lenBytes)),
    copy,
    copyLoop: copy,
  };
}

/** The kernel in TypeScript: 32-bit words where source and destination have the same alignment, bytes elsewhere. */
export function plainKernel(buffer: ArrayBufferLike): SumKernel {
  const bytes = new Uint8Array(buffer);
  const words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
  const copySum = (to: number, from: number, lenBytes: number): number => {
    let at = from;
    const end = from + lenBytes;
    const shift = to - from;
    let sum = 0;
    if ((shift & 3) === 0 && lenBytes >= 16) {
      // An odd start: the first byte is the low half of a word, so all that follows is summed turned, and turned back at the end.
      const swapped = (at & 1) === 1;
      if (swapped) {
        bytes[at + shift] = bytes[at]!;
        sum = bytes[at]! << 8;
        at++;
      }
      if ((at & 2) !== 0) {
        sum += bytes[at]! + (bytes[at + 1]! << 8);
        bytes[at + shift] = bytes[at]!;
        bytes[at + shift + 1] = bytes[at + 1]!;
        at += 2;
      }
      const stop = (at + ((end - at) & ~3)) >>> 2;
      const step = shift >> 2;
      let i = at >>> 2;
      for (; i < stop; i++) {
        const w = words[i]!;
        words[i + step] = w;
        sum += (w & 0xffff) + (w >>> 16);
      }
      at = i << 2;
      for (; at + 1 < end; at += 2) {
        sum += bytes[at]! + (bytes[at + 1]! << 8);
        bytes[at + shift] = bytes[at]!;
        bytes[at + shift + 1] = bytes[at + 1]!;
      }
      if (at < end) {
        sum += bytes[at]!;
        bytes[at + shift] = bytes[at]!;
      }
      const folded = foldSum(sum);
      return swapped ? folded : turn(folded);
    }
    for (; at + 1 < end; at += 2) {
      const high = bytes[at]!;
      const low = bytes[at + 1]!;
      bytes[at + shift] = high;
      bytes[at + shift + 1] = low;
      sum += (high << 8) + low;
    }
    if (at < end) {
      bytes[at + shift] = bytes[at]!;
      sum += bytes[at]! << 8;
    }
    return foldSum(sum);
  };
  const reference = referenceKernel(buffer);
  return { variant: 'plain', copySum, sum: reference.sum, copy: reference.copy, copyLoop: reference.copy };
}

/** A WebAssembly kernel over a memory, or undefined where the platform does not take the module. */
export function wasmKernel(memory: WebAssembly.Memory, variant: WasmVariant): SumKernel | undefined {
  try {
    const shared = !(memory.buffer instanceof ArrayBuffer);
    const module = new WebAssembly.Module(kernelModule(variant, shared));
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return {
      variant,
      copySum: exports['copySum'] as SumKernel['copySum'],
      sum: exports['sum'] as SumKernel['sum'],
      copy: exports['copy'] as SumKernel['copy'],
      copyLoop: exports['copyLoop'] as SumKernel['copyLoop'],
    };
  } catch {
    return undefined;
  }
}

/** Bytes turned round: the sum of the same bytes one place further on (RFC 1071 section 2 (B), V-05). */
export function turn(sum: number): number {
  return ((sum & 0xff) << 8) | (sum >>> 8);
}

/** Bytes of memory that the self-check uses, from address 0 on. */
const CHECK_BYTES = 4_096;
const CHECK_LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 191, 576, 1_001, 1_500];

/** Whether a kernel copies and sums as the reference does. Overwrites the first 4 KiB of the memory. */
export function kernelIsGood(kernel: SumKernel, buffer: ArrayBufferLike): boolean {
  const bytes = new Uint8Array(buffer, 0, CHECK_BYTES);
  const reference = referenceKernel(buffer);
  const half = CHECK_BYTES / 2;
  for (const lenBytes of CHECK_LENGTHS) {
    for (let i = 0; i < half; i++) bytes[i] = (Math.imul(i + lenBytes, 0x9e3779b1) >>> 13) | (i % 7 === 0 ? 0xff : 0);
    for (let from = 0; from < 4; from++) {
      for (let to = half; to < half + 4; to++) {
        bytes.fill(0xa5, half, CHECK_BYTES);
        const sum = kernel.copySum(to, from, lenBytes);
        if (sum !== reference.sum(from, lenBytes) || kernel.sum(from, lenBytes) !== sum) return false;
        for (let i = 0; i < lenBytes; i++) if (bytes[to + i] !== bytes[from + i]) return false;
        if (bytes[to - 1] !== (to === half ? bytes[half - 1] : 0xa5) || bytes[to + lenBytes] !== 0xa5) return false;
      }
    }
  }
  bytes.fill(0);
  return true;
}

export interface PickedKernel {
  readonly kernel: SumKernel;
  /** What was tried before and why it was not taken. */
  readonly refused: readonly { readonly variant: string; readonly why: string }[];
}

/** The fastest kernel that passes the self-check. `memory` must be fresh: its first 4 KiB are written. */
export function pickKernel(memory: WebAssembly.Memory, variants: readonly WasmVariant[] = ['simd', 'word64']): PickedKernel {
  const refused: { variant: string; why: string }[] = [];
  for (const variant of variants) {
    const kernel = wasmKernel(memory, variant);
    if (kernel === undefined) refused.push({ variant, why: 'this platform does not take the module' });
    else if (kernelIsGood(kernel, memory.buffer)) return { kernel, refused };
    else refused.push({ variant, why: 'it does not sum as the reference does' });
  }
  return { kernel: plainKernel(memory.buffer), refused };
}
