import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError, MAX_CONDITIONS_FILE_BYTES } from '../contract/index.ts';
import { parseScenario, scenarioSha256 } from '../lab/index.ts';
import { chooseScenario } from './scenario-option.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-test-conditions-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const text = (line: string): string =>
  `name: driven\ndevice:\n  network:\n    conditions:\n      trace: rows\n      ${line} # a drive\nports: []\n`;
function scenario(yaml: string): string {
  const file = join(folder, 'driven.yaml');
  writeFileSync(file, yaml);
  return file;
}
function refusal(file: string): EngineError {
  try {
    chooseScenario({ scenario: file });
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('It was taken.');
}

describe('a CSV file of channel conditions (B-03)', () => {
  test('is found from the folder of the scenario, and means the same as its rows inline', () => {
    const csv = '\uFEFFat_ms,quality,current_bps,loss,handover\r\n# "moving"\r\n0,1,,0,0\r\n10,0.25,5e6,0.1,true\r\n';
    mkdirSync(join(folder, 'traces'));
    writeFileSync(join(folder, 'traces/drive.csv'), csv);
    const chosen = chooseScenario({
      scenario: scenario(text('csvFile: traces/drive.csv')),
      set: ['device.network.conditions.quality=0.5'],
    });
    const conditions = chosen.value.device.network?.conditions;
    expect(conditions).toMatchObject({ csv: csv.slice(1), quality: 0.5 });
    expect(conditions?.csvFile).toBeUndefined();
    // The text stands alone: the folder is not needed any more.
    const again = parseScenario(chosen.yaml);
    expect(again.ok && scenarioSha256(again.value)).toBe(scenarioSha256(chosen.value));
    const inline = parseScenario(text(`csv: ${JSON.stringify(csv.slice(1))}\n      quality: 0.5`));
    expect(inline.ok && scenarioSha256(inline.value)).toBe(scenarioSha256(chosen.value));
  });

  test('a bad row is named with file, line and column', () => {
    const file = join(folder, 'bad.csv');
    writeFileSync(file, 'at_ms,quality,loss\n0,1,0\n5,1,2\n');
    expect(refusal(scenario(text('csvFile: bad.csv'))).data).toMatchObject({
      code: 'bad-input',
      message: 'line 3: loss is not between 0 and 1',
      where: { file, line: 3, field: 'loss' },
    });
  });

  test('a file that is missing, a folder or too large is refused by name', () => {
    const missing = refusal(scenario(text('csvFile: none.csv')));
    expect([missing.code, missing.data.where?.file]).toEqual(['not-found', join(folder, 'none.csv')]);
    expect(refusal(scenario(text('csvFile: .'))).message).toContain('not a file');
    writeFileSync(join(folder, 'long.csv'), 'x'.repeat(MAX_CONDITIONS_FILE_BYTES + 1));
    expect(refusal(scenario(text('csvFile: long.csv'))).message).toContain('524,289 bytes; channel conditions may have 524,288');
  });

  test('the largest file fits a scenario', () => {
    const row = '0,1\n';
    const head = 'at_ms,quality\n';
    writeFileSync(join(folder, 'full.csv'), head + row.repeat(Math.floor((MAX_CONDITIONS_FILE_BYTES - head.length) / row.length)));
    expect(chooseScenario({ scenario: scenario(text('csvFile: full.csv')) }).value.name).toBe('driven');
  });

  test('lines of other findings stay; a name that cannot be read is said where it stands', () => {
    writeFileSync(join(folder, 'fine.csv'), 'at_ms,quality\n0,1\n9,0.5\n');
    const late = `${text('csvFile: fine.csv')}colour: red\n`;
    expect(refusal(scenario(late)).data.where?.line).toBe(8);
    const parsed = parseScenario(text('csvFile: fine.csv'));
    expect(parsed.ok ? [] : parsed.error).toMatchObject([{ line: 6, field: 'device.network.conditions.csvFile' }]);
    expect(refusal(scenario(text('csv: ""\n      csvFile: fine.csv'))).message).toContain('no csv beside it');
    expect(refusal(scenario(text('csvFile: [fine.csv]'))).message).toContain('must be text');
  });
});
