/**
 * A WebAssembly module that does nothing but `memory.copy` on an imported shared memory: for bulk copies inside shared memory
 * it is several times faster than `copyWithin`. Assembled by hand, so that no build step is needed:
 *
 *     (module (import "env" "memory" (memory 1 65536 shared))
 *       (func (export "copy") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.copy))
 */
const MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // magic, version
  0x01, 0x07, 0x01, 0x60, 0x03, 0x7f, 0x7f, 0x7f, 0x00, // type 0: (i32, i32, i32) -> ()
  0x02, 0x12, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x03, 0x01, 0x80, 0x80, 0x04, // env.memory
  0x03, 0x02, 0x01, 0x00, // function 0 of type 0
  0x07, 0x08, 0x01, 0x04, 0x63, 0x6f, 0x70, 0x79, 0x00, 0x00, // export "copy"
  0x0a, 0x0e, 0x01, 0x0c, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfc, 0x0a, 0x00, 0x00, 0x0b, // body
]); // prettier-ignore

/** Copies `lenBytes` from byte offset `from` to `to`; the ranges may overlap. */
export type MemoryCopy = (to: number, from: number, lenBytes: number) => void;

/** Largest size of the imported memory, in 64 KiB pages, as the module declares it. */
export const MAX_PAGES = 65_536;

/** The copy kernel for a shared memory, or undefined where WebAssembly threads are not to be had. */
export function wasmMemoryCopy(memory: WebAssembly.Memory): MemoryCopy | undefined {
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { env: { memory } });
    return instance.exports['copy'] as MemoryCopy;
  } catch {
    return undefined;
  }
}

/** The plain twin, for memory that is not WebAssembly's. */
export function plainMemoryCopy(buffer: ArrayBufferLike): MemoryCopy {
  const bytes = new Uint8Array(buffer);
  return (to, from, lenBytes) => {
    bytes.copyWithin(to, from, from + lenBytes);
  };
}
