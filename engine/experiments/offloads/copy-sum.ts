import { wasmKernel, plainKernel, type SumKernel } from '../../stack/index.ts';
import { fastestNs } from './inputs.ts';
import type { Experiment } from '../types.ts';

const SIZES = [64, 256, 576, 1_500, 4_096, 16_384, 65_536];
const HOT_SLOTS = 2;
/** Slots for the cold case: more bytes than a second-level cache has. */
const COLD_BYTES = 24 * 1024 * 1024;

interface Place {
  readonly name: string;
  readonly slots: (size: number) => number;
  readonly shift: number;
}
const PLACES: readonly Place[] = [
  { name: 'hot, aligned', slots: () => HOT_SLOTS, shift: 0 },
  { name: 'hot, odd', slots: () => HOT_SLOTS, shift: 1 },
  { name: 'cold, aligned', slots: (size) => Math.floor(COLD_BYTES / (size + 64)), shift: 0 },
];

/** Copies and sums every slot in turn, `count` times. */
function jobs(kernel: SumKernel, from: number, to: number, size: number, slots: number, count: number): (() => void)[] {
  const stride = size + 64;
  const each = (work: (at: number) => void) => (): void => {
    for (let i = 0, slot = 0; i < count; i++) {
      work(slot * stride);
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
  };
  return [
    each((at) => {
      kernel.copySum(to + at, from + at, size);
    }),
    each((at) => {
      kernel.copy(to + at, from + at, size);
      kernel.sum(to + at, size);
    }),
    each((at) => {
      kernel.copy(to + at, from + at, size);
    }),
  ];
}

export const offloadCopySum: Experiment = {
  id: 'offload-copy-sum',
  title: 'Copy and sum in one pass, or in two',
  question: 'What does a checksum cost when it is taken while the bytes are copied anyway?',
  source: 'stack 2.4, experiment 1',
  method:
    'Packets of each size are copied between two places of one memory: with the checksum taken in the same pass, copied and then summed, and copied only. Hot: two packets again and again. Odd: source and destination begin at odd addresses. Cold: more packets than the caches hold. The fastest of several rounds counts.',
  measured: true,
  async run({ size, step }) {
    const full = size === 'full';
    const memory = new WebAssembly.Memory({ initial: 1_024 });
    new Uint8Array(memory.buffer).fill(0x5a);
    const kernels = [wasmKernel(memory, 'simd'), plainKernel(memory.buffer)].filter((k) => k !== undefined);
    const target = 4_096 + COLD_BYTES + 65_536 + 4_096;
    const rows: (string | number)[][] = [];
    const budget = full ? 4_000_000 : 200_000;
    const places = full ? PLACES : PLACES.slice(0, 2);
    let done = 0;
    for (const kernel of kernels) {
      for (const place of places) {
        for (const bytes of SIZES) {
          await step(done++, kernels.length * places.length * SIZES.length, `${kernel.variant}, ${place.name}, ${String(bytes)} bytes`);
          const slots = Math.max(1, place.slots(bytes));
          const count = Math.max(4, Math.ceil(budget / (bytes + 64) / (kernel.variant === 'plain' ? 8 : 1)));
          const [fused, two, copy] = fastestNs(full ? 15 : 3, jobs(kernel, 4_096 + place.shift, target + place.shift, bytes, slots, count));
          rows.push([kernel.variant, place.name, bytes, copy! / count, fused! / count, two! / count, two! / fused!]);
        }
      }
    }
    const at1500 = rows.find((row) => row[2] === 1_500)!;
    return {
      tables: [
        {
          title: 'By kernel, place and size',
          columns: [
            { name: 'kernel' },
            { name: 'place' },
            { name: 'size', unit: 'bytes' },
            { name: 'copy only', unit: 'ns' },
            { name: 'one pass', unit: 'ns' },
            { name: 'two passes', unit: 'ns' },
            { name: 'two over one', unit: 'x' },
          ],
          rows,
        },
      ],
      findings: [
        `At 1500 bytes, ${String(at1500[1])}, two passes take ${Number(at1500[6]).toFixed(2)} times as long as one.`,
        `The sum adds ${(100 * (Number(at1500[4]) / Number(at1500[3]) - 1)).toFixed(0)} % to the bare copy there.`,
      ],
    };
  },
};
