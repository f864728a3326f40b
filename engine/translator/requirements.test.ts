import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const DOCUMENT = join(resolve(import.meta.dirname, '../..'), 'docs/translation-requirements.md');

/** Test files that a row of the tables names, each with the names of tests that follow it. */
function named(row: string): { readonly file: string; readonly name: string }[] {
  let file = '';
  return [...row.matchAll(/`([\w-]+)\.test`|"([^"]+)"/g)].flatMap(([, next, name]) => {
    file = next ?? file;
    return name === undefined || file === '' ? [] : [{ file, name }];
  });
}

it('every test that the table of requirements names is there', () => {
  const rows = readFileSync(DOCUMENT, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  const tests = rows.flatMap(named);
  expect(tests.length).toBeGreaterThan(200);
  const missing = tests.filter(({ file, name }) => !readFileSync(join(import.meta.dirname, `${file}.test.ts`), 'utf8').includes(name));
  expect(missing).toEqual([]);
});
