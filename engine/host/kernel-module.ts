import { readFileSync } from 'node:fs';
import { kernelFile } from './paths.ts';

/** The kernel of a plain replay or of plain translation, which the build has compiled; undefined where it has not, or where there is no WebAssembly: everything is slower then. */
export function kernelModule(file: string = kernelFile): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch {
    return undefined;
  }
}
