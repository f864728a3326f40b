import { createRequire } from 'node:module';

/** One interface of the module `cap`, as far as it is used here. */
export interface CapDevice {
  open(device: string, filter: string, bufSize: number, buffer: Buffer): string;
  on(event: 'packet', listener: (bytes: number, truncated: boolean) => void): void;
  setMinBytes?(bytes: number): void;
  /** Sends a frame. Throws where the kernel does not take it. */
  send(frame: Uint8Array, bytes: number): void;
  close(): void;
}

/** Loads `cap`. Throws where it was not compiled. */
export function newCapDevice(): CapDevice {
  const { Cap } = createRequire(import.meta.url)('cap') as { readonly Cap: new () => CapDevice };
  return new Cap();
}
