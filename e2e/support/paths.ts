import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The folder with package.json above this file, whether it runs from source or bundled into build/. */
function findRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

export const root = findRoot();
export const cliFile = join(root, 'dist', 'cli.js');
export const sample = (name: string): string => resolve(root, 'resources', 'samples', name);

/** The Chromium of the machine; undefined where there is none. */
export function chromiumPath(): string | undefined {
  const given = process.env['RINGSIDE_CHROMIUM'];
  return [given, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path !== undefined && existsSync(path),
  );
}

/** Full path of a program of the system, or undefined. */
export function programPath(name: string): string | undefined {
  return ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin'].map((folder) => join(folder, name)).find((path) => existsSync(path));
}
