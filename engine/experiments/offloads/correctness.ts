import { Random } from '../../base/index.ts';
import { OffloadMemory, kernelIsGood, plainKernel, turn, wasmKernel, type SumKernel } from '../../stack/index.ts';
import { finishSum, foldSum, sum16, updateChecksum } from '../../wire/index.ts';
import type { Experiment } from '../types.ts';

const OFFSETS = 16;

/** Every length at every offset over two buflets; gives cases and wrong ones. */
function exhaustive(kernel: SumKernel, bytes: Uint8Array, data: Uint8Array, lengths: number): { cases: number; wrong: number } {
  let cases = 0;
  let wrong = 0;
  for (let offset = 0; offset < OFFSETS; offset++) {
    let reference = 0;
    bytes.set(data, offset);
    for (let length = 0; length <= lengths; length++) {
      if (length > 0) reference += (length & 1) === 1 ? data[length - 1]! << 8 : data[length - 1]!;
      const split = (length * 31 + offset * 17) % (length + 1);
      const second = 8_192 + ((offset * 5 + length) & 15);
      const target = 16_384 + ((offset * 3 + length * 7) & 15);
      bytes.set(data.subarray(split, length), second);
      const a = kernel.copySum(target, offset, split);
      const b = kernel.copySum(target + split, second, length - split);
      let good = foldSum(a + ((split & 1) === 0 ? b : turn(b))) === foldSum(reference);
      for (let i = 0; i < length && good; i += 97) good = bytes[target + i] === data[i];
      if (length > 0) good &&= bytes[target + length - 1] === data[length - 1];
      cases++;
      if (!good) wrong++;
    }
  }
  return { cases, wrong };
}

/** Random chains of buflets, cut anywhere, against the plain sum of their bytes. */
function chains(random: Random, count: number): number {
  const memory = new OffloadMemory({ defaultBuffers: 64, largeBuffers: 4 });
  let wrong = 0;
  for (let n = 0; n < count; n++) {
    const data = Uint8Array.from({ length: random.int(0, 9_000) }, () => random.u32() & 0xff);
    let first = -1;
    let last = -1;
    for (let at = 0; at < data.length || first < 0;) {
      const b = memory.take(false);
      memory.dataOffset[b] = random.int(0, 40);
      const take = Math.min(data.length - at, random.int(0, 2_000));
      memory.bytes.set(data.subarray(at, at + take), memory.address(b));
      memory.dataLen[b] = take;
      if (last < 0) first = b;
      else memory.next[last] = b;
      last = b;
      at += take;
      if (memory.usedDefault > 40) break;
    }
    const length = memory.chainBytes(first);
    const expected = foldSum(sum16(data, 0, length));
    const target = memory.take(true);
    const copied = memory.append(target, first, 0, length, true, true);
    if (!copied || memory.appendedSum !== expected || memory.sumChain(target, 0, length) !== expected) wrong++;
    memory.give(first);
    memory.give(target);
  }
  return wrong;
}

/** One word changed in a header: the update of RFC 1624 against a new sum. */
function updates(random: Random, count: number): number {
  let wrong = 0;
  for (let n = 0; n < count; n++) {
    const data = Uint8Array.from({ length: 2 * random.int(10, 40) }, () => random.u32() & 0xff);
    const before = finishSum(sum16(data, 0, data.length));
    const at = 2 * random.int(0, data.length / 2 - 1);
    const old = (data[at]! << 8) | data[at + 1]!;
    const value = random.int(0, 0xffff);
    data[at] = value >>> 8;
    data[at + 1] = value & 0xff;
    if (updateChecksum(before, old, value) % 0xffff !== finishSum(sum16(data, 0, data.length)) % 0xffff) wrong++;
  }
  return wrong;
}

export const offloadCorrectness: Experiment = {
  id: 'offload-correctness',
  title: 'Copy and sum against the reference, for every length and place',
  question: 'Is the sum that falls out of the copy always the right one?',
  source: 'stack 2.4, experiment 5',
  method:
    'Every length from 0 to 4096 at every offset from 0 to 15, split over two buflets at a place that differs from case to case, with each kernel; then random chains of buflets, and incremental updates of one word (RFC 1624) against a new sum.',
  measured: false,
  async run({ size, seed, step }) {
    const full = size === 'full';
    const memory = new WebAssembly.Memory({ initial: 2 });
    const bytes = new Uint8Array(memory.buffer);
    const random = new Random(seed);
    const data = Uint8Array.from({ length: 4_096 + OFFSETS }, () => (random.float() < 0.3 ? 0xff : random.u32() & 0xff));
    const kernels = [wasmKernel(memory, 'simd'), wasmKernel(memory, 'word64'), plainKernel(memory.buffer)].filter((k) => k !== undefined);
    const rows: (string | number)[][] = [];
    for (const [i, kernel] of kernels.entries()) {
      await step(i, kernels.length + 1, kernel.variant);
      const good = kernelIsGood(kernel, memory.buffer);
      const { cases, wrong } = exhaustive(kernel, bytes, data, full ? 4_096 : 1_024);
      rows.push([`every length and offset, ${kernel.variant}`, cases, wrong + (good ? 0 : 1)]);
    }
    await step(kernels.length, kernels.length + 1, 'chains');
    const count = full ? 20_000 : 300;
    rows.push(['random chains', count, chains(random, count)]);
    rows.push(['incremental updates', 10 * count, updates(random, 10 * count)]);
    const wrong = rows.reduce((n, row) => n + Number(row[2]), 0);
    const cases = rows.reduce((n, row) => n + Number(row[1]), 0);
    return {
      tables: [{ title: 'Cases', columns: [{ name: 'what' }, { name: 'cases' }, { name: 'wrong' }], rows }],
      findings: [
        wrong === 0 ? `All ${cases.toLocaleString('en-US')} cases agree with the reference.` : `${String(wrong)} cases are WRONG.`,
      ],
    };
  },
};
