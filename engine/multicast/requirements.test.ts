import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const DOCUMENT = join(resolve(import.meta.dirname, '../..'), 'docs/multicast-requirements.md');
const STATES = ['met', 'part', 'open', 'other'];

/** Test files of this module, by their paths in it. */
const FILES = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.test.ts'));

/** A file that a row names by the end of its path, without `.ts`; undefined where none fits, or more than one. */
function fileOf(name: string): string | undefined {
  const fits = FILES.filter((path) => path === `${name}.ts` || path.endsWith(`/${name}.ts`));
  return fits.length === 1 ? fits[0] : undefined;
}

/** Tests that a row names: a file, and after it names that stand in its text. */
function named(row: string): { readonly file: string; readonly name: string }[] {
  let file = '';
  return [...row.matchAll(/`([\w/-]+\.test)`|"([^"]+)"/g)].flatMap(([, next, name]) => {
    file = next ?? file;
    return [{ file, name: next === undefined ? name!.replaceAll('\\*', '*') : '' }];
  });
}

const rows = readFileSync(DOCUMENT, 'utf8')
  .split('\n')
  .filter((line) => /^\| [\d§]/.test(line) && line.split('|').length === 7)
  .map((line) => line.split('|').map((cell) => cell.trim()));

it('every test that the table of requirements names is there', () => {
  const tests = rows.flatMap((cells) => named(cells[4]!));
  expect(tests.length).toBeGreaterThan(150);
  const missing = tests.filter(({ file, name }) => {
    const path = fileOf(file);
    return path === undefined || !readFileSync(join(import.meta.dirname, path), 'utf8').includes(name);
  });
  expect(missing).toEqual([]);
});

it('every row has a state, and what is met names what holds it', () => {
  expect(rows.filter((cells) => !STATES.includes(cells[5]!))).toEqual([]);
  expect(rows.filter((cells) => cells[5] === 'met' && cells[4] === '')).toEqual([]);
});
