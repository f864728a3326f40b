import type { Cell, Experiment, ExperimentResult, ExperimentSize, ExperimentTable } from './types.ts';

/** A figure for reading: whole where it is large, three significant digits where it is small. */
export function cellText(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '–';
  if (Number.isInteger(cell) || Math.abs(cell) >= 1_000) return Math.round(cell).toLocaleString('en-US');
  return String(Number(cell.toPrecision(3)));
}

export function columnText({ columns }: ExperimentTable): string[] {
  return columns.map(({ name, unit }) => (unit === undefined ? name : `${name}, ${unit}`));
}

/** Columns that hold figures, by place: they stand to the right. */
export function numericColumns(table: ExperimentTable): number[] {
  return table.columns.flatMap((_, i) => (table.rows.length > 0 && table.rows.every((row) => typeof row[i] === 'number') ? [i] : []));
}

/** RFC 4180: figures in full, text quoted where it must be. */
export function tableCsv(table: ExperimentTable): string {
  const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = [columnText(table), ...table.rows.map((row) => row.map(String))];
  return rows.map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

function tableMarkdown(table: ExperimentTable): string {
  const numeric = new Set(numericColumns(table));
  const line = (cells: readonly string[]): string => `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
  const head = columnText(table);
  return [
    `## ${table.title}`,
    '',
    line(head),
    line(head.map((_, i) => (numeric.has(i) ? '--:' : '---'))),
    ...table.rows.map((row) => line(row.map(cellText))),
  ].join('\n');
}

/** The page in docs/experiments. */
export function experimentMarkdown(experiment: Experiment, result: ExperimentResult, size: ExperimentSize, seed: number): string {
  const { id, title, question, source, method, measured } = experiment;
  const command = `ringside experiment ${id}${size === 'full' ? '' : ` --size ${size}`}${seed === 1 ? '' : ` --seed ${String(seed)}`}`;
  const origin = source === '' ? '' : ` (${source})`;
  const repeat = measured
    ? 'The times in it were measured: they differ from machine to machine, their ratios much less. All else is the same on every machine.'
    : 'The same command gives the same figures on every machine.';
  return [
    `# ${title}`,
    `${question}${origin}`,
    method,
    `Made by \`${command}\`. ${repeat}`,
    ...(result.findings.length === 0 ? [] : [result.findings.map((text) => `- ${text}`).join('\n')]),
    ...result.tables.map(tableMarkdown),
  ]
    .join('\n\n')
    .concat('\n');
}
