import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { finishSum, foldSum, sum16, updateChecksum } from '../../wire/index.ts';
import { kernelIsGood, pickKernel, plainKernel, turn, wasmKernel, type SumKernel } from './kernels.ts';
import { OffloadMemory, fold } from './memory.ts';
import { leb, sleb } from './wasm-assembler.ts';

const memory = new WebAssembly.Memory({ initial: 2 });
const bytes = new Uint8Array(memory.buffer);
const KERNELS: readonly SumKernel[] = [wasmKernel(memory, 'simd')!, wasmKernel(memory, 'word64')!, plainKernel(memory.buffer)];
const MAX = 4_096;
const OFFSETS = 16;

describe('copy and sum', () => {
  it.each(KERNELS.map((k) => [k.variant, k] as const))(
    'equals the reference for every length 0 to 4096 at every offset 0 to 15 over two buflets: %s',
    (_, kernel) => {
      const SECOND = 8_192;
      const TARGET = 16_384;
      const random = new Random(4);
      // Many 0xff bytes, so that carries are common.
      const data = Uint8Array.from({ length: MAX + OFFSETS }, () => (random.float() < 0.3 ? 0xff : random.u32() & 0xff));
      let wrong = 0;
      for (let offset = 0; offset < OFFSETS; offset++) {
        // The reference is a sum of its own, byte by byte.
        let reference = 0;
        bytes.set(data, offset);
        for (let length = 0; length <= MAX; length++) {
          if (length > 0) reference += (length & 1) === 1 ? data[length - 1]! << 8 : data[length - 1]!;
          const split = length === 0 ? 0 : (length * 31 + offset * 17) % (length + 1);
          const second = SECOND + ((offset * 5 + length) & 15);
          const target = TARGET + ((offset * 3 + length * 7) & 15);
          bytes.set(data.subarray(split, length), second);
          bytes[target + length] = 0x5a;
          const a = kernel.copySum(target, offset, split);
          const b = kernel.copySum(target + split, second, length - split);
          const sum = foldSum(a + ((split & 1) === 0 ? b : turn(b)));
          const same = Buffer.compare(bytes.subarray(target, target + length), data.subarray(0, length)) === 0;
          if (sum !== foldSum(reference) || !same || bytes[target + length] !== 0x5a) wrong++;
        }
      }
      expect(wrong).toBe(0);
    },
  );

  it('gives one sum for random bytes at random places, by all kernels', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.nat(64), fc.nat(64), (data, from, to) => {
        bytes.set(data, from);
        const expected = foldSum(sum16(data, 0, data.length));
        for (const k of KERNELS) {
          expect(k.copySum(40_000 + to, from, data.length)).toBe(expected);
          expect(k.sum(40_000 + to, data.length)).toBe(expected);
          k.copyLoop(70_000 + to, from, data.length);
          expect(Buffer.compare(bytes.subarray(70_000 + to, 70_000 + to + data.length), data)).toBe(0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('sums 64 KiB of ones without losing a carry', () => {
    bytes.fill(0xff, 0, 65_536);
    for (const k of KERNELS) expect(k.sum(0, 65_536)).toBe(0xffff);
    bytes.fill(0x80, 0, 65_535);
    for (const k of KERNELS) expect(k.sum(0, 65_535)).toBe(foldSum(sum16(bytes, 0, 65_535)));
  });
});

describe('choice at start-up', () => {
  it('takes SIMD where it passes, plain where nothing else is offered', () => {
    expect(pickKernel(new WebAssembly.Memory({ initial: 1 })).kernel.variant).toBe('simd');
    expect(pickKernel(new WebAssembly.Memory({ initial: 1 }), ['word64']).kernel.variant).toBe('word64');
    expect(pickKernel(new WebAssembly.Memory({ initial: 1 }), []).kernel.variant).toBe('plain');
  });

  it('refuses a kernel that sums wrong, copies wrong or writes beyond the end', () => {
    const good = plainKernel(memory.buffer);
    expect(kernelIsGood(good, memory.buffer)).toBe(true);
    const sums = { ...good, copySum: (to: number, from: number, n: number) => good.copySum(to, from, n) ^ (n === 1_500 ? 1 : 0) };
    const copies = { ...good, copySum: (to: number, from: number, n: number) => good.copySum(to, from, n & ~1) };
    const beyond = {
      ...good,
      copySum: (to: number, from: number, n: number): number => {
        bytes[to + n] = 0;
        return good.copySum(to, from, n);
      },
    };
    for (const bad of [sums, copies, beyond]) expect(kernelIsGood(bad, memory.buffer)).toBe(false);
  });

  it('writes numbers in LEB128', () => {
    expect(leb(624_485)).toEqual([0xe5, 0x8e, 0x26]);
    expect(sleb(-123_456)).toEqual([0xc0, 0xbb, 0x78]);
    expect(sleb(64)).toEqual([0xc0, 0x00]);
  });
});

describe('chains', () => {
  const chains = new OffloadMemory({ defaultBuffers: 64, largeBuffers: 4 });

  /** A chain whose buflets hold the parts, each at an offset of its own. */
  function chainOf(parts: readonly Uint8Array[], offsets: readonly number[]): number {
    let first = -1;
    let last = -1;
    parts.forEach((part, i) => {
      const b = chains.take(false);
      chains.dataOffset[b] = offsets[i % offsets.length]!;
      chains.dataLen[b] = part.length;
      chains.bytes.set(part, chains.address(b));
      if (last < 0) first = b;
      else chains.next[last] = b;
      last = b;
    });
    return first;
  }

  it('sum over any cut of a packet what the packet sums to (V-05)', () => {
    const part = fc.uint8Array({ maxLength: 600 });
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }),
        (parts, offsets) => {
          const whole = Buffer.concat(parts);
          const expected = foldSum(sum16(whole, 0, whole.length));
          const source = chainOf(parts, offsets);
          const target = chains.take(false);
          chains.dataOffset[target] = offsets[0]!;
          expect(chains.sumChain(source, 0, whole.length)).toBe(expected);
          expect(chains.append(target, source, 0, whole.length, parts.length % 2 === 0, true)).toBe(true);
          expect(chains.appendedSum).toBe(expected);
          expect(Buffer.compare(chains.read(target), whole)).toBe(0);
          const from = Math.floor(whole.length / 3);
          expect(chains.sumChain(target, from, whole.length - from)).toBe(foldSum(sum16(whole, from, whole.length)));
          chains.give(source);
          chains.give(target);
          expect(chains.usedDefault + chains.usedLarge).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('give nothing and keep nothing when buffers run out', () => {
    const small = new OffloadMemory({ defaultBuffers: 2, largeBuffers: 0 });
    expect(small.load(new Uint8Array(5_000), 0, 5_000)).toBe(-1);
    expect(small.usedDefault).toBe(0);
    expect(small.failures).toBe(1);
  });
});

describe('updates', () => {
  it('one changed word costs no new sum (RFC 1624)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 40, maxLength: 200 }), fc.nat(19), fc.nat(0xffff), (data, word, value) => {
        const even = data.subarray(0, data.length & ~1);
        const before = finishSum(sum16(even, 0, even.length));
        const at = word * 2;
        const old = (even[at]! << 8) | even[at + 1]!;
        even[at] = value >>> 8;
        even[at + 1] = value & 0xff;
        const anew = finishSum(sum16(even, 0, even.length));
        // Zero has two forms; both say the same.
        expect(updateChecksum(before, old, value) % 0xffff).toBe(anew % 0xffff);
      }),
    );
  });

  it('folds what 48 bits can hold', () => {
    expect(fold(0xffff_ffff_ffff)).toBe(0xffff);
  });
});
