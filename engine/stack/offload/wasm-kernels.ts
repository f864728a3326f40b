import { FunctionBuilder, assembleModule, type Local } from './wasm-assembler.ts';

/**
 * Copy-and-sum kernels in WebAssembly (V-04). Words are read as the machine reads them, low byte first, because a ones' complement sum
 * does not care (RFC 1071 section 2 (B)); the folded sum is turned once at the end. Functions of the module:
 *
 *     copySum(to, from, lenBytes) -> sum     copies and sums in one pass
 *     sum(from, lenBytes) -> sum             sums
 *     copy(to, from, lenBytes)               memory.copy
 *     copyLoop(to, from, lenBytes)           the loop of copySum without the sum, for comparison
 *
 * Sums are 16-bit values in network order, an odd last byte padded with zero. At most MAX_SUM_BYTES a call: the lanes of
 * the SIMD kernel are 32 bits wide.
 */

/** Bytes of one call at most: a word adds at most 2^16 - 1, and the sum of all must stay below 2^32. */
export const MAX_SUM_BYTES = 65_536;

export type WasmVariant = 'simd' | 'word64';

/** Vectors of one round: enough to hide the loop, few enough for the registers. */
const UNROLL = 8;

/** Addresses and length of a kernel as it runs; `to` is left out where nothing is copied, `acc` where nothing is summed. */
interface Loop {
  readonly f: FunctionBuilder;
  readonly from: Local;
  readonly len: Local;
  readonly to: Local | undefined;
  readonly acc: Local | undefined;
}

function advance({ f, from, to }: Loop, bytes: number): void {
  f.step(from, bytes);
  if (to !== undefined) f.step(to, bytes);
}

/** Runs `body` if the length has this bit. */
function ifBit({ f, len }: Loop, bit: number, body: () => void): void {
  f.get(len).i32(bit).op('i32.and').if(body);
}

/** Runs `body` for every `bytes` of the length, and takes them off it. */
function each({ f, len }: Loop, bytes: number, body: () => void): void {
  const more = (): void => {
    f.get(len).i32(bytes).op('i32.ge_u');
  };
  f.while(more, () => {
    body();
    f.step(len, -bytes);
  });
}

/**
 * SIMD: whole vectors of 16 bytes, UNROLL at a time, then 4, 2, 1, a half and a quarter. Words are made signed by turning their top bit,
 * which takes 2^15 off each; one multiply-add by ones then sums them in pairs without a carry, and the 2^15s are given
 * back at the end.
 */
function simdBody(loop: Loop): void {
  const { f, from, to, len, acc } = loop;
  const v = Array.from({ length: UNROLL }, () => f.local('v128'));
  const lanes = [f.local('v128'), f.local('v128')] as const;
  const flip = f.local('v128');
  const ones = f.local('v128');
  if (acc !== undefined) {
    f.i32(-0x8000).op('i16x8.splat').set(flip);
    f.i32(1).op('i16x8.splat').set(ones);
    // 2^15 for every word of a vector, filled or not: 2^14 a byte of the whole vectors, 2^18 for the half and the quarter.
    f.get(len).i32(-16).op('i32.and').i32(14).op('i32.shl');
    f.get(len).i32(8).op('i32.and').i32(15).op('i32.shl', 'i32.add');
    f.get(len).i32(4).op('i32.and').i32(16).op('i32.shl', 'i32.add').set(acc);
  }
  const add = (vector: Local, lane: Local): void => {
    f.get(lane).get(vector).get(flip).op('v128.xor').get(ones).op('i32x4.dot_i16x8_s', 'i32x4.add').set(lane);
  };
  const vectors = (count: number): void => {
    for (let i = 0; i < count; i++)
      f.get(from)
        .mem('v128.load', 16 * i)
        .set(v[i]!);
    if (to !== undefined)
      for (let i = 0; i < count; i++)
        f.get(to)
          .get(v[i]!)
          .mem('v128.store', 16 * i);
    if (acc !== undefined) for (let i = 0; i < count; i++) add(v[i]!, lanes[i & 1]!);
    advance(loop, 16 * count);
  };
  each(loop, 16 * UNROLL, () => {
    vectors(UNROLL);
  });
  for (let count = UNROLL / 2; count >= 1; count /= 2) {
    ifBit(loop, 16 * count, () => {
      vectors(count);
    });
  }
  for (const bytes of [8, 4] as const) {
    ifBit(loop, bytes, () => {
      f.get(from)
        .mem(bytes === 8 ? 'v128.load64_zero' : 'v128.load32_zero')
        .set(v[0]!);
      if (to !== undefined) f.get(to).get(v[0]!).storeLow(bytes);
      if (acc !== undefined) add(v[0]!, lanes[0]);
      advance(loop, bytes);
    });
  }
  if (acc === undefined) return;
  f.get(lanes[0]).get(lanes[1]).op('i32x4.add').set(lanes[0]);
  for (const lane of [0, 1, 2, 3] as const) f.get(acc).get(lanes[0]).lane(lane).op('i32.add').set(acc);
}

/** 64-bit words whose halves are added apart, so that no carry is lost; then 4 bytes. */
function word64Body(loop: Loop): void {
  const { f, from, to, acc } = loop;
  const word = f.local('i64');
  const wide = f.local('i64');
  const unit = (bytes: 4 | 8): void => {
    f.get(from)
      .mem(bytes === 8 ? 'i64.load' : 'i64.load32_u')
      .set(word);
    if (to !== undefined)
      f.get(to)
        .get(word)
        .mem(bytes === 8 ? 'i64.store' : 'i64.store32');
    if (acc !== undefined) {
      f.get(wide).get(word).i64(32).op('i64.shr_u', 'i64.add');
      f.get(word).op('i32.wrap_i64', 'i64.extend_i32_u', 'i64.add').set(wide);
    }
    advance(loop, bytes);
  };
  each(loop, 8, () => {
    unit(8);
  });
  ifBit(loop, 4, () => {
    unit(4);
  });
  if (acc === undefined) return;
  for (let i = 0; i < 2; i++) {
    f.get(wide).op('i32.wrap_i64', 'i64.extend_i32_u').get(wide).i64(32).op('i64.shr_u', 'i64.add').set(wide);
  }
  fold(f, wide, acc);
}

/** `acc` becomes the halves of the low 32 bits of `wide`, added. */
function fold(f: FunctionBuilder, wide: Local, acc: Local): void {
  f.get(wide).op('i32.wrap_i64').set(acc);
  f.get(acc).i32(0xffff).op('i32.and').get(acc).i32(16).op('i32.shr_u', 'i32.add').set(acc);
}

/** The last three bytes at most. */
function lastBytes(loop: Loop): void {
  const { f, from, to, acc } = loop;
  const byte = f.local('i32');
  for (const bytes of [2, 1] as const) {
    ifBit(loop, bytes, () => {
      f.get(from)
        .mem(bytes === 2 ? 'i32.load16_u' : 'i32.load8_u')
        .set(byte);
      if (to !== undefined)
        f.get(to)
          .get(byte)
          .mem(bytes === 2 ? 'i32.store16' : 'i32.store8');
      if (acc !== undefined) f.get(acc).get(byte).op('i32.add').set(acc);
      advance(loop, bytes);
    });
  }
}

function kernel(name: string, variant: WasmVariant, copies: boolean, sums: boolean): FunctionBuilder {
  const f = new FunctionBuilder(name, copies ? ['i32', 'i32', 'i32'] : ['i32', 'i32'], sums ? 'i32' : undefined);
  const [to, from, len] = copies ? [f.params[0]!, f.params[1]!, f.params[2]!] : [undefined, f.params[0]!, f.params[1]!];
  const acc = sums ? f.local('i32') : undefined;
  const loop: Loop = { f, from, to, len, acc };
  if (variant === 'simd') simdBody(loop);
  else word64Body(loop);
  lastBytes(loop);
  if (acc === undefined) return f;
  for (let i = 0; i < 2; i++) f.get(acc).i32(0xffff).op('i32.and').get(acc).i32(16).op('i32.shr_u', 'i32.add').set(acc);
  f.get(acc).i32(8).op('i32.shr_u').get(acc).i32(8).op('i32.shl', 'i32.or').i32(0xffff).op('i32.and');
  return f;
}

function copyKernel(): FunctionBuilder {
  const f = new FunctionBuilder('copy', ['i32', 'i32', 'i32']);
  for (const p of f.params) f.get(p);
  return f.memoryCopy();
}

/** Bytes of the kernel module. */
export function kernelModule(variant: WasmVariant, shared: boolean): Uint8Array<ArrayBuffer> {
  const sums = kernel('sum', variant, false, true);
  return assembleModule([kernel('copySum', variant, true, true), sums, copyKernel(), kernel('copyLoop', variant, true, false)], { shared });
}
