// Types, lint rules, format and Svelte checks. `--fix` mends what can be mended.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensurePackages, checkNode, root } from './lib/setup.mjs';
import { step } from './lib/say.mjs';

const bin = (packagePath, script) => join(root, 'node_modules', packagePath, script);

/** Runs every check and returns the number that failed. */
export async function lint({ fix = false } = {}) {
  const checks = [
    ['types', [bin('@typescript/native', 'bin/tsc'), '-b']],
    [
      'eslint',
      [bin('eslint', 'bin/eslint.js'), '.', '--max-warnings=0', '--cache', '--cache-location', '.cache/eslint', ...(fix ? ['--fix'] : [])],
    ],
    [
      'format',
      [
        bin('prettier', 'bin/prettier.cjs'),
        fix ? '--write' : '--check',
        '--log-level=warn',
        '--cache',
        '--cache-location=.cache/prettier',
        '.',
      ],
    ],
  ];
  if (existsSync(join(root, 'renderer', 'tsconfig.json'))) {
    checks.push([
      'svelte-check',
      [bin('svelte-check', 'bin/svelte-check'), '--tsconfig', 'renderer/tsconfig.json', '--fail-on-warnings', '--output', 'human'],
    ]);
  }
  let failed = 0;
  for (const [title, args] of checks) {
    const { code } = await step(title, process.execPath, ['--max-old-space-size=4096', ...args], { cwd: root });
    if (code !== 0) failed++;
  }
  // A lockfile that names a download address ties a clone to one registry.
  const resolved = (readFileSync(join(root, 'package-lock.json'), 'utf8').match(/"resolved": "http/g) ?? []).length;
  if (resolved > 0) {
    process.stdout.write(
      `✕ package-lock.json names ${resolved} download addresses; run npm install with omit-lockfile-registry-resolved\n`,
    );
    failed++;
  }
  return failed;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  checkNode();
  await ensurePackages();
  process.exitCode = (await lint({ fix: process.argv.includes('--fix') })) === 0 ? 0 : 1;
}
