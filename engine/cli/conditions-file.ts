import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { EngineError, MAX_CONDITIONS_FILE_BYTES } from '../contract/index.ts';
import { conditionsFile } from '../lab/index.ts';
import { fileError } from '../host/index.ts';
import { parseConditionsCsv } from '../stack/index.ts';

/** A scenario text with the CSV file of channel conditions that it names put inline; `scenario` is the name it was read by. */
export function withConditionsFile(yaml: string, scenario: string): string {
  const named = existsSync(scenario) ? conditionsFile(yaml) : undefined;
  if (named === undefined) return yaml;
  const file = isAbsolute(named.name) ? named.name : join(dirname(scenario), named.name);
  const csv = readConditions(file);
  const parsed = parseConditionsCsv(csv);
  if (parsed.ok) return named.inline(csv);
  const { line, column, message } = parsed.error;
  throw new EngineError({
    code: 'bad-input',
    message: `line ${String(line)}: ${message}`,
    where: { file, line, ...(column !== '' && { field: column }) },
    fix: 'A head line at_ms,quality and, if wanted, current_bps,loss,handover; then a row a line.',
  });
}

function readConditions(file: string): string {
  try {
    const stat = statSync(file);
    if (stat.isFile() && stat.size <= MAX_CONDITIONS_FILE_BYTES) return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
    const limit = MAX_CONDITIONS_FILE_BYTES.toLocaleString('en-US');
    const message = stat.isFile()
      ? `The file has ${stat.size.toLocaleString('en-US')} bytes; channel conditions may have ${limit}.`
      : 'This is not a file of channel conditions.';
    throw new EngineError({ code: 'bad-input', message, where: { file }, fix: 'Give fewer rows: one holds until the next.' });
  } catch (error) {
    throw fileError(error, file);
  }
}
