/**
 * The language of kernels. A kernel (`*-kernel.ts`) is TypeScript of integers, floats and memory, which the build makes a WebAssembly
 * module of (scripts/lib/kernel-compiler.mjs); nobody runs it as JavaScript. Arithmetic of i32 wraps; what is declared here is one instruction
 * each. Addresses are bytes from the start of the memory that the lanes share.
 */
export type i32 = number;
export type f64 = number;

/** Loads of an unsigned byte, of two bytes low byte first, of an aligned word, of a word anywhere, of an aligned float64. */
export declare function load8(at: i32, offset?: i32): i32;
export declare function load16(at: i32, offset?: i32): i32;
export declare function load32(at: i32, offset?: i32): i32;
export declare function load32Any(at: i32, offset?: i32): i32;
export declare function loadF64(at: i32, offset?: i32): f64;

export declare function store8(at: i32, offset: i32, value: i32): void;
export declare function store32(at: i32, offset: i32, value: i32): void;
export declare function storeF64(at: i32, offset: i32, value: f64): void;

/** Conversions: of a signed and an unsigned integer; of a float64 towards zero, to the nearest i32 where it does not fit. */
export declare function toF64(value: i32): f64;
export declare function toF64U(value: i32): f64;
export declare function toI32(value: f64): i32;
export declare function ceil(value: f64): f64;

/** Leading and trailing zeros, rotation, unsigned division and comparison. */
export declare function clz(value: i32): i32;
export declare function ctz(value: i32): i32;
export declare function rotl(value: i32, bits: i32): i32;
export declare function divU(a: i32, b: i32): i32;
export declare function ltU(a: i32, b: i32): boolean;
export declare function gtU(a: i32, b: i32): boolean;

/** `a` if the condition holds, else `b`: both are worked out, and no branch is taken. */
export declare function select(condition: boolean, a: number | boolean, b: number | boolean): number;
