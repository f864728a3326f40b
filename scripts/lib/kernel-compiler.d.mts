/** The WebAssembly module of the kernel whose main file is `entry`. */
export function compileKernel(entry: string): Promise<Uint8Array<ArrayBuffer>>;
