// The one test command: sets up, checks, builds, runs every test and closes with the totals.
//   npm test                 everything
//   npm test -- engine/wire  only test files whose path contains a word given
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FOR_TEST, ensureReady, findChromium, root } from './lib/setup.mjs';
import { bad, bold, dim, good, say, step, warm } from './lib/say.mjs';

const filters = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const onlyTests = process.argv.includes('--no-lint');

await ensureReady(FOR_TEST);
const { lint } = await import('./lint.mjs');
const { build } = await import('./build.mjs');

const failures = [];
if (filters.length === 0 && !onlyTests) {
  const failed = await lint();
  if (failed > 0) failures.push(`${failed} of the checks above`);
}
if (!(await build({ ifNeeded: true }))) {
  say(bad('The build failed: no test was run.'));
  say('0 passed, 1 failed');
  process.exit(1);
}

const resultFile = join(root, 'test-results', 'vitest.json');
mkdirSync(join(root, 'test-results'), { recursive: true });
rmSync(resultFile, { force: true });
const chromium = findChromium();
if (chromium === undefined)
  say(warm('No Chromium found: tests in a browser are skipped. Install the package chromium, or set RINGSIDE_CHROMIUM.'));
const { code } = await step(
  'tests',
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${resultFile}`,
    ...(chromium === undefined ? ['--project=node'] : []),
    ...filters,
  ],
  { cwd: root, show: true, env: { ...process.env, ...(chromium !== undefined && { RINGSIDE_CHROMIUM: chromium }) } },
);

if (!existsSync(resultFile)) {
  say(bad('The test runner left no result file.'));
  say('0 passed, 1 failed');
  process.exit(1);
}
const result = JSON.parse(readFileSync(resultFile, 'utf8'));
const skipped = result.numPendingTests + (result.numTodoTests ?? 0);
let failed = result.numFailedTests;
for (const file of result.testResults) {
  if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')) {
    failed++;
    failures.push(`${file.name}: ${file.message}`);
  }
}
if (code !== 0 && failed === 0) failures.push(`the test runner ended with code ${code}`);
say('');
for (const failure of failures) say(`${bad('✕')} ${failure}`);
say(
  `${failed + failures.length === 0 ? good('✓') : bad('✕')} ${bold('tests')} ${dim(`${result.numTotalTestSuites} groups in ${result.testResults.length} files`)}`,
);
const all = failed + failures.filter((failure) => !failure.includes(': ')).length;
say(`${result.numPassedTests} passed, ${all} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = all === 0 && code === 0 ? 0 : 1;
