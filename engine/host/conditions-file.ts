import { readFileSync, statSync } from 'node:fs';
import { EngineError, MAX_CONDITIONS_FILE_BYTES } from '../contract/index.ts';
import { parseConditionsCsv } from '../stack/index.ts';
import { fileError } from './inputs.ts';

export interface ConditionsText {
  readonly csv: string;
  readonly rows: number;
}

/** Reads a CSV file of channel conditions (B-03) and checks it; an EngineError names `name`, the line and the column. */
export function readConditionsFile(path: string, name = path): ConditionsText {
  const csv = readText(path, name);
  const parsed = parseConditionsCsv(csv);
  if (parsed.ok && parsed.value.length > 0) return { csv, rows: parsed.value.length };
  const fix = 'A head line at_ms,quality and, if wanted, current_bps,loss,handover; then a row a line.';
  if (parsed.ok) throw new EngineError({ code: 'bad-input', message: 'There are no rows in it.', where: { file: name }, fix });
  const { line, column, message } = parsed.error;
  throw new EngineError({
    code: 'bad-input',
    message: `line ${String(line)}: ${message}`,
    where: { file: name, line, ...(column !== '' && { field: column }) },
    fix,
  });
}

function readText(path: string, name: string): string {
  const where = { file: name };
  try {
    const stat = statSync(path);
    if (stat.isFile() && stat.size <= MAX_CONDITIONS_FILE_BYTES) return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
    const limit = MAX_CONDITIONS_FILE_BYTES.toLocaleString('en-US');
    const message = stat.isFile()
      ? `The file has ${stat.size.toLocaleString('en-US')} bytes; channel conditions may have ${limit}.`
      : 'This is not a file of channel conditions.';
    throw new EngineError({ code: 'bad-input', message, where, fix: 'Give fewer rows: one holds until the next.' });
  } catch (error) {
    throw fileError(error, path);
  }
}
