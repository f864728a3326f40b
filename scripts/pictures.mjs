// Takes the pictures in docs/pictures again, from the program as it is now.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureReady, root } from './lib/setup.mjs';

await ensureReady(['chromium']);
const { build } = await import('./build.mjs');
if (!(await build({ ifNeeded: true }))) process.exit(1);
const { rolldown } = await import('rolldown');
const out = join(root, 'build', 'pictures.mjs');
const bundle = await rolldown({ input: join(root, 'e2e/pictures.ts'), platform: 'node', external: [/^node:/, 'playwright-core'] });
await bundle.write({ file: out, format: 'esm' });
await bundle.close();
await import(pathToFileURL(out).href);
