import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EngineError } from '../contract/index.ts';

/**
 * Makes a folder for output files, and those above it. One after the other, because Node's own way of making them all at once does not come back
 * from a place like `/proc/x`, where nothing can be made.
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = resolve(folder); !existsSync(at); at = dirname(at)) missing.push(at);
  try {
    for (const at of missing.reverse()) mkdirSync(at);
    // A file in its place says so here.
    if (missing.length === 0) mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new EngineError({
      code: 'bad-input',
      message: `The folder ${folder} cannot be made: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`,
      fix: 'Name a folder that may be written, and is no file.',
    });
  }
}
