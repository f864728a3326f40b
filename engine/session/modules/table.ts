import type { ReportTable, ReportUnit } from '../../contract/index.ts';

/** One column of a table and what stands in it for a row. */
export type Column<Row> = readonly [title: string, unit: ReportUnit, value: (row: Row) => string | number | null];

/** A table of a module; none where there is no row. */
export function tableOf<Row>(title: string, rows: readonly Row[], columns: readonly Column<Row>[], note = ''): ReportTable[] {
  if (rows.length === 0) return [];
  return [
    {
      title,
      note,
      columns: columns.map(([name, unit]) => ({ title: name, unit })),
      rows: rows.map((row) => columns.map(([, , value]) => value(row))),
    },
  ];
}
