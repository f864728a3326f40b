import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder, from a source file and from a bundle alike. */
function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Folder with captures from elsewhere that tests may read; it is not part of the project. */
export const capturesFolder = process.env['RINGSIDE_CAPTURES'] ?? resolve(projectFolder(), '../shared/captures');

export const haveCaptures = existsSync(join(capturesFolder, 'ORACLE.tsv'));

/** The one sentence a skipped test says. */
export const capturesMissing = `no captures at ${capturesFolder}; set RINGSIDE_CAPTURES to run the tests that read real captures`;

export function capture(path: string): string {
  return join(capturesFolder, path);
}
