import { readFileSync } from 'node:fs';
import { kernelFile } from './paths.ts';

/** The kernel of a plain replay, which the build has compiled; undefined where it has not, or where there is no WebAssembly: replays are slower then. */
export function kernelModule(): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(readFileSync(kernelFile));
  } catch {
    return undefined;
  }
}
