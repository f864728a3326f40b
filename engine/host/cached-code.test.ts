import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadCode } from './cached-code.ts';

test('code is the same with its cache, with that of another text, with rubbish, and with none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-test-code-'));
  try {
    const file = join(folder, 'code.cjs');
    const code = (n: number): string =>
      `(function (exports, require, module, __filename) { const { sep } = require('node:path');\nexports.value = () => [${n}, sep.length, __filename.length];\n})\n`;
    writeFileSync(file, code(1));
    const value = (): unknown => (loadCode(file).exports as { value: () => unknown }).value();
    const expected = [1, 1, file.length];
    expect(value()).toEqual(expected);
    const cache = loadCode(file).codeCache();
    expect(cache.length).toBeGreaterThan(100);
    writeFileSync(`${file}.cache`, cache);
    expect(value()).toEqual(expected);
    writeFileSync(`${file}.cache`, 'rubbish');
    expect(value()).toEqual(expected);
    writeFileSync(file, code(1_000));
    writeFileSync(`${file}.cache`, cache);
    expect(value()).toEqual([1_000, 1, file.length]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
