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

/** Cells of the rows of the first table after a heading; the head of the table and its line are left out. */
function tableAfter(text: string, heading: string): string[][] {
  const from = text.indexOf(heading);
  const lines = text.slice(from).split('\n').slice(1);
  const start = lines.findIndex((line) => line.startsWith('|') || line.startsWith('#'));
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  const rows = lines.slice(start, length < 0 ? undefined : start + length);
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

it('no row is lost: each RFC has as many as the head of the document says, each with a state', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const counts = tableAfter(text, '# Translation: requirements');
  expect(counts.length).toBeGreaterThanOrEqual(12);
  for (const [rfc, sentences, rows] of counts) {
    const table = tableAfter(text, `## RFC ${rfc!},`);
    expect([rfc, table.length]).toEqual([rfc, Number(rows)]);
    expect(table.filter((row) => !['met', 'part', 'open', 'other'].includes(row.at(-1)!))).toEqual([]);
    if (Number(sentences) > 0) expect(table.some(([, key]) => /MUST|SHOULD/.test(key!))).toBe(true);
  }
});
