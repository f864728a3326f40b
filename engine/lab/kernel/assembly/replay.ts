/**
 * Main file of the kernel of a plain replay: what its module exports. The files of this folder are AssemblyScript, TypeScript whose numbers have
 * machine types: the build makes a WebAssembly module of them (scripts/lib/kernel-compiler.mjs), nobody runs them as JavaScript. Arithmetic
 * of i32 wraps; `select(a, b, condition)` works out both and takes no branch; loads and stores are `(address, offset)` and `(address, value, offset)`
 * in the memory that the lanes share.
 */
export { group, walk } from './chunk.ts';
export { classify } from './classify.ts';
export { feed } from './feed.ts';
