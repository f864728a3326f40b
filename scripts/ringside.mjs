#!/usr/bin/env node
// The `ringside` command of a checkout: builds the engine when it is missing or older than its sources, then runs it.
// An installed program has no sources and starts at once.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const cli = join(root, 'dist', 'cli.js');
const stamp = join(root, 'dist', '.engine-stamp');

/** Newest change below a folder, tests left out. */
function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) latest = Math.max(latest, newest(path));
    else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts')) latest = Math.max(latest, statSync(path).mtimeMs);
  }
  return latest;
}

function isStale() {
  if (!existsSync(join(root, 'engine'))) return false;
  return !existsSync(cli) || !existsSync(stamp) || newest(join(root, 'engine')) > statSync(stamp).mtimeMs;
}

if (process.env.RINGSIDE_NO_BUILD === undefined && isStale()) {
  const { ensurePackages, checkNode } = await import('./lib/setup.mjs');
  const { build } = await import('./build.mjs');
  checkNode();
  await ensurePackages();
  // Standard output belongs to the command: what the build says goes beside it.
  const write = process.stdout.write;
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const built = await build({ ifNeeded: true, quiet: true, parts: ['engine'] });
  process.stdout.write = write;
  if (!built) process.exit(1);
}
if (!existsSync(cli)) {
  process.stderr.write('ringside: it has not been built: npm run build\n');
  process.exit(1);
}
await import(pathToFileURL(cli).href);
