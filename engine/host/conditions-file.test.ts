import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EngineError } from '../contract/index.ts';
import { readConditionsFile } from './conditions-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-conditions-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function written(text: string): string {
  const file = join(folder, 'drive.csv');
  writeFileSync(file, text);
  return file;
}

function refusal(text: string): unknown {
  try {
    return readConditionsFile(written(text), 'sent.csv');
  } catch (error) {
    return error instanceof EngineError ? error.data : error;
  }
}

test('the rows of a file are counted, and its text is given on', () => {
  const csv = 'at_ms,quality\n# parked\n0,1\n500,0.25\n';
  expect(readConditionsFile(written(`\uFEFF${csv}`))).toEqual({ csv, rows: 2 });
});

test('a bad file is refused with the name that the user knows, line and column', () => {
  expect(refusal('at_ms,quality\n0,1\n5,7\n')).toMatchObject({ where: { file: 'sent.csv', line: 3, field: 'quality' } });
  expect(refusal('when,quality\n0,1\n')).toMatchObject({ where: { file: 'sent.csv', line: 1, field: 'when' } });
  expect(refusal('at_ms\n0\n')).toMatchObject({ message: 'line 1: the head line must name at_ms and quality' });
  expect(refusal('at_ms,quality\n')).toMatchObject({ message: 'There are no rows in it.', where: { file: 'sent.csv' } });
  expect(refusal('x'.repeat(600_000))).toMatchObject({ where: { file: 'sent.csv' } });
});
