import { basename } from 'node:path';
import { statisticsOfFile } from '../host/index.ts';
import { printable, table } from './format.ts';
import { EXIT, writable, type Output } from './output.ts';
import { startProgress } from './progress.ts';
import { chooseScenario, type ScenarioOptions } from './scenario-option.ts';

export interface StatsOptions extends ScenarioOptions {
  /** Seconds. */
  readonly at?: number;
  readonly nexus?: string;
  readonly flow?: number;
  readonly pid?: number;
  readonly tuple?: string;
  readonly table?: string;
  readonly object?: string;
}

/** Lines written between two looks at a full pipe. */
const PAGE = 500;

/** Statistics of a replay, one record a line. */
export async function statsCommand(file: string, options: StatsOptions, output: Output, signal: AbortSignal): Promise<number> {
  const progress = await startProgress(output, printable(basename(file)));
  const { nexus, flow, pid, tuple, object } = options;
  try {
    const records = await statisticsOfFile({
      path: file,
      scenario: chooseScenario(options).value,
      filter: { nexus, flow, pid, tuple, object, table: options.table },
      atNs: options.at === undefined ? undefined : Math.round(options.at * 1e9),
      signal,
      onProgress: (p) => {
        progress.update(p);
      },
    });
    progress.stop();
    if (output.json) {
      for (const [i, record] of records.entries()) {
        output.record({ ...record });
        if (i % PAGE === PAGE - 1) await writable();
      }
      return EXIT.ok;
    }
    if (records.length === 0) output.text('no record fits; without a filter all are shown');
    const rows = records.map((r) => [
      r.table,
      r.object,
      r.name,
      r.value.toLocaleString('en-US'),
      r.tuple ?? (r.pid === undefined ? '' : `pid ${String(r.pid)}`),
    ]);
    for (let at = 0; at < rows.length; at += PAGE) {
      for (const line of table(rows.slice(at, at + PAGE), [3])) output.text(line);
      await writable();
    }
    return EXIT.ok;
  } finally {
    progress.stop();
  }
}
