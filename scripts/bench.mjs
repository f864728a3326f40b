// Benchmarks beside the peers, on captures made here: see docs/benchmarks.md. Arguments are handed on (`npm run bench -- --help`).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureReady, root } from './lib/setup.mjs';

await ensureReady(['tcpdump', 'capinfos', 'tshark']);
const { build } = await import('./build.mjs');
if (!(await build({ ifNeeded: true, parts: ['engine'] }))) process.exit(1);
const child = spawn(process.execPath, [join(root, 'dist', 'bench.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
