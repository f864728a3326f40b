import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Lets experiments ask for a garbage collection before they measure memory: without one a figure says mostly what happens to be left over. */
export function offerCollection(): void {
  if (globalThis.gc !== undefined) return;
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction;
}
