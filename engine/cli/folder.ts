import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EngineError } from '../contract/index.ts';

/**
 * Makes a folder for output files, and those above it. One after the other, because Node's own way of making them all at once does not come back
 * from a place like `/proc/x`, where nothing can be made. Gives those that were made, the outermost first.
 */
export function makeFolder(folder: string): readonly string[] {
  const missing: string[] = [];
  for (let at = resolve(folder); !existsSync(at); at = dirname(at)) missing.push(at);
  try {
    for (const at of missing.reverse()) mkdirSync(at);
    // A file in its place says so here.
    if (missing.length === 0) mkdirSync(folder, { recursive: true });
    return missing;
  } catch (error) {
    throw new EngineError({
      code: 'bad-input',
      message: `The folder ${folder} cannot be made: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`,
      fix: 'Name a folder that may be written, and is no file.',
    });
  }
}

/** Work whose files will go to a folder, if one is given. Where it fails or is cancelled, the folders that were made for it are gone again. */
export async function withFolder<T>(folder: string | undefined, work: () => Promise<T>): Promise<T> {
  const made = folder === undefined ? [] : makeFolder(folder);
  try {
    return await work();
  } catch (error) {
    removeEmpty(made);
    throw error;
  }
}

function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of [...folders].reverse()) rmdirSync(folder);
  } catch {
    // Somebody else has put something there: it stays, and so do the folders above it.
  }
}
