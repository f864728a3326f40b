import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

/** A loaded program of one CommonJS file. */
export interface LoadedCode {
  readonly exports: unknown;
  /** What V8 has compiled so far, for the next start. */
  readonly codeCache: () => Buffer;
}

/**
 * Loads a CommonJS file, which the build has made a function and plain ASCII, with what V8 had compiled of it when the program was built (`FILE.cache`), which saves most of a start. V8 itself
 * refuses a cache that another version, other flags or another text has made, and compiles then, as it does without one.
 */
export function loadCode(file: string): LoadedCode {
  const cachedData = cacheOf(file);
  const script = new Script(readFileSync(file, 'latin1'), { filename: file, ...(cachedData !== undefined && { cachedData }) });
  const module = { exports: {} };
  const run = script.runInThisContext() as (...args: unknown[]) => void;
  run(module.exports, createRequire(file), module, file);
  return { exports: module.exports, codeCache: () => script.createCachedData() };
}

function cacheOf(file: string): Buffer | undefined {
  try {
    return readFileSync(`${file}.cache`);
  } catch {
    return undefined;
  }
}
