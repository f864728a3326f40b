/** Size of a WebAssembly page. */
const PAGE_BYTES = 65_536;

/**
 * Zeroed memory that begins on a page. An ordinary ArrayBuffer begins wherever the allocator happened to be, mostly 16 bytes into a
 * cache line, so that a 64-byte entry lies across two lines and costs two misses; a WebAssembly memory begins on a page.
 * Each reserves address space of its own, so this is for the few tables of a run at full speed. Falls back to ordinary memory
 * where there is no more of it.
 */
export function alignedBuffer(lenBytes: number): ArrayBuffer {
  try {
    const memory = new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(lenBytes / PAGE_BYTES)) });
    return memory.buffer;
  } catch {
    return new ArrayBuffer(lenBytes);
  }
}

/** The same, shared between threads. */
export function alignedSharedBuffer(lenBytes: number): SharedArrayBuffer {
  try {
    const pages = Math.max(1, Math.ceil(lenBytes / PAGE_BYTES));
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    return memory.buffer as unknown as SharedArrayBuffer;
  } catch {
    return new SharedArrayBuffer(lenBytes);
  }
}
