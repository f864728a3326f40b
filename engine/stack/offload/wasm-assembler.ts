/**
 * A small assembler for WebAssembly modules (WebAssembly Core Specification 2.0, binary format, with the SIMD instructions): enough for
 * kernels over an imported memory. Kernels are written as calls that each append one instruction, so a module is a value made at start-up
 * and no build step is needed.
 *
 * Why not AssemblyScript, as the kernel of plain runs is written in: that module is a file, which the entry points find and read, and this layer
 * knows no files. These kernels are wanted wherever packets are copied (every thread, the command line, tests, benchmarks), over a memory that is
 * shared or not as its owner has it, which a compiled module fixes when it is built.
 */

export type ValueType = 'i32' | 'i64' | 'v128';

const TYPE_CODE: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, v128: 0x7b };

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const out: number[] = [];
  let v = value;
  while (v >= 0x80) {
    out.push((v & 0x7f) | 0x80);
    v = Math.floor(v / 128);
  }
  out.push(v);
  return out;
}

/** Signed LEB128 of an integer of up to 32 bits. */
export function sleb(value: number): number[] {
  const out: number[] = [];
  let v = value;
  for (;;) {
    const byte = v & 0x7f;
    v >>= 7;
    if ((v === 0 && (byte & 0x40) === 0) || (v === -1 && (byte & 0x40) !== 0)) return [...out, byte];
    out.push(byte | 0x80);
  }
}

/** Instructions without immediate operands. */
const PLAIN = {
  'i32.ge_u': [0x4f],
  'i32.add': [0x6a],
  'i32.sub': [0x6b],
  'i32.and': [0x71],
  'i32.or': [0x72],
  'i32.shl': [0x74],
  'i32.shr_u': [0x76],
  'i32.wrap_i64': [0xa7],
  'i64.add': [0x7c],
  'i64.and': [0x83],
  'i64.shl': [0x86],
  'i64.shr_u': [0x88],
  'i64.extend_i32_u': [0xad],
  'v128.xor': [0xfd, 0x51],
  'i16x8.splat': [0xfd, 0x10],
  'i32x4.add': [0xfd, 0xae, 0x01],
  'i32x4.dot_i16x8_s': [0xfd, 0xba, 0x01],
} as const;

/** Instructions that take an alignment hint and an offset. The hint is always 0: addresses are packet bytes, aligned to nothing. */
const MEMORY = {
  'i32.load': [0x28],
  'i64.load': [0x29],
  'i32.load8_u': [0x2d],
  'i32.load16_u': [0x2f],
  'i64.load32_u': [0x35],
  'i32.store': [0x36],
  'i64.store': [0x37],
  'i32.store8': [0x3a],
  'i32.store16': [0x3b],
  'i64.store32': [0x3e],
  'v128.load': [0xfd, 0x00],
  'v128.store': [0xfd, 0x0b],
  'v128.load32_zero': [0xfd, 0x5c],
  'v128.load64_zero': [0xfd, 0x5d],
} as const;

export type PlainInstruction = keyof typeof PLAIN;
export type MemoryInstruction = keyof typeof MEMORY;

export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** One function: parameters come first among its locals. */
export class FunctionBuilder {
  readonly name: string;
  readonly params: readonly Local[];
  readonly result: ValueType | undefined;
  readonly locals: Local[] = [];
  private readonly code: number[] = [];

  constructor(name: string, params: readonly ValueType[], result?: ValueType) {
    this.name = name;
    this.params = params.map((type, index) => ({ index, type }));
    this.result = result;
  }

  local(type: ValueType): Local {
    const local = { index: this.params.length + this.locals.length, type };
    this.locals.push(local);
    return local;
  }

  get(local: Local): this {
    return this.put(0x20, ...leb(local.index));
  }

  set(local: Local): this {
    return this.put(0x21, ...leb(local.index));
  }

  i32(value: number): this {
    return this.put(0x41, ...sleb(value));
  }

  i64(value: number): this {
    return this.put(0x42, ...sleb(value));
  }

  op(...names: readonly PlainInstruction[]): this {
    for (const name of names) this.put(...PLAIN[name]);
    return this;
  }

  mem(name: MemoryInstruction, offset = 0): this {
    return this.put(...MEMORY[name], 0, ...leb(offset));
  }

  /** Stores the lowest 4 or 8 bytes of a vector. */
  storeLow(bytes: 4 | 8): this {
    return this.put(0xfd, bytes === 4 ? 0x5a : 0x5b, 0, 0, 0);
  }

  /** Takes one 32-bit lane out of a vector. */
  lane(index: 0 | 1 | 2 | 3): this {
    return this.put(0xfd, 0x1b, index);
  }

  memoryCopy(): this {
    return this.put(0xfc, 0x0a, 0, 0);
  }

  /** Runs `body` while the condition that `condition` leaves on the stack is not zero: tested once before and then after each round. */
  while(condition: () => void, body: () => void): this {
    condition();
    return this.if(() => {
      this.put(0x03, 0x40);
      body();
      condition();
      this.put(0x0d, 0, 0x0b);
    });
  }

  /** Runs `body` if the value on the stack is not zero. */
  if(body: () => void): this {
    this.put(0x04, 0x40);
    body();
    return this.put(0x0b);
  }

  /** `local += bytes`, for addresses. */
  step(local: Local, bytes: number): this {
    return this.get(local).i32(bytes).op('i32.add').set(local);
  }

  /** Function body with its locals, without its size. */
  body(): number[] {
    const declared = this.locals.flatMap(({ type }) => [1, TYPE_CODE[type]]);
    return [...leb(this.locals.length), ...declared, ...this.code, 0x0b];
  }

  private put(...bytes: readonly number[]): this {
    this.code.push(...bytes);
    return this;
  }
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  const body = [...leb(entries.length), ...entries.flat()];
  return [id, ...leb(body.length), ...body];
}

function text(value: string): number[] {
  return [...leb(value.length), ...Array.from(value, (c) => c.charCodeAt(0))];
}

/** A module that imports `env.memory` and exports the functions by name. */
export function assembleModule(functions: readonly FunctionBuilder[], memory: { readonly shared: boolean }): Uint8Array<ArrayBuffer> {
  const type = (f: FunctionBuilder): number[] => [
    0x60,
    ...leb(f.params.length),
    ...f.params.map((p) => TYPE_CODE[p.type]),
    ...(f.result === undefined ? [0] : [1, TYPE_CODE[f.result]]),
  ];
  const limits = memory.shared ? [0x03, ...leb(1), ...leb(65_536)] : [0x00, ...leb(1)];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, functions.map(type)),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, ...limits]]),
    ...section(
      3,
      functions.map((_, i) => leb(i)),
    ),
    ...section(
      7,
      functions.map((f, i) => [...text(f.name), 0x00, ...leb(i)]),
    ),
    ...section(
      10,
      functions.map((f) => {
        const body = f.body();
        return [...leb(body.length), ...body];
      }),
    ),
  ]);
}
