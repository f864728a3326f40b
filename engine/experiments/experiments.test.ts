import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { format, resolveConfig } from 'prettier';
import { EXPERIMENTS, cellText, experimentMarkdown, meanInterval, tableCsv, type ExperimentResult } from './index.ts';

const run = (experiment: (typeof EXPERIMENTS)[number], seed = 1): Promise<ExperimentResult> =>
  experiment.run({ size: 'small', seed, step: () => Promise.resolve() });

describe.each(EXPERIMENTS)('experiment $id', (experiment) => {
  test('gives full tables and findings, and the same ones again', async () => {
    const result = await run(experiment);
    expect(result.tables.length).toBeGreaterThan(0);
    for (const { title, columns, rows } of result.tables) {
      expect(rows.length, title).toBeGreaterThan(0);
      for (const row of rows) expect(row.length, title).toBe(columns.length);
    }
    expect(result.findings.length).toBeGreaterThan(0);
    if (!experiment.measured) expect(await run(experiment)).toEqual(result);
    expect(experimentMarkdown(experiment, result, 'small', 1)).toContain(`ringside experiment ${experiment.id} --size small`);
  });
});

test('ids are file names, each once', () => {
  const ids = EXPERIMENTS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
});

describe('statistics and rendering', () => {
  it('knows the 95 % interval of a mean', () => {
    // By hand: mean 5, standard deviation sqrt(20/3), t(3) = 3.182.
    const { mean, plusMinus } = meanInterval([2, 4, 6, 8]);
    expect(mean).toBe(5);
    expect(plusMinus).toBeCloseTo((3.182 * Math.sqrt(20 / 3)) / 2, 9);
    expect(meanInterval([7])).toEqual({ mean: 7, plusMinus: 0 });
    expect(meanInterval([]).mean).toBeNaN();
  });

  it('writes cells for reading and for machines', () => {
    expect([1_234_567, 1_234.567, 12.3456, 0.000123456, NaN, 'a'].map(cellText)).toEqual([
      '1,234,567',
      '1,235',
      '12.3',
      '0.000123',
      '–',
      'a',
    ]);
    const table = { title: 't', columns: [{ name: 'what' }, { name: 'size', unit: 'B' }], rows: [['a "b", c', 0.1 + 0.2]] };
    expect(tableCsv(table)).toBe('what,"size, B"\r\n"a ""b"", c",0.30000000000000004\r\n');
  });
});

describe('docs/experiments', () => {
  const folder = resolve(import.meta.dirname, '../../docs/experiments');

  it('has a page for each experiment, and no other', () => {
    const pages = readdirSync(folder).filter((name) => name !== 'README.md');
    expect(pages.sort()).toEqual(EXPERIMENTS.map(({ id }) => `${id}.md`).sort());
  });

  it('lists them all; `npx vitest run engine/experiments -u` writes the list again', async () => {
    const path = join(folder, 'README.md');
    const rows = EXPERIMENTS.map(({ id, question, source }) => `| [${id}](${id}.md) | ${question} | ${source} |`);
    const table = ['| experiment | question | asked for in |', '| --- | --- | --- |', ...rows].join('\n');
    const head = readFileSync(path, 'utf8').split('\n| ')[0]!.trimEnd();
    const page = await format(`${head}\n\n${table}\n`, { ...(await resolveConfig(path)), parser: 'markdown' });
    await expect(page).toMatchFileSnapshot(path);
  });
});
