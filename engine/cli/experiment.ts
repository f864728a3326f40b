import { setImmediate } from 'node:timers/promises';
import { join } from 'node:path';
import { EngineError } from '../contract/index.ts';
import { atomicFile } from '../files/index.ts';
import {
  EXPERIMENTS,
  cellText,
  columnText,
  experimentMarkdown,
  numericColumns,
  tableCsv,
  type Experiment,
  type ExperimentResult,
  type ExperimentSize,
} from '../experiments/index.ts';
import { nearest } from '../lab/index.ts';
import { offerCollection } from './collection.ts';
import { table } from './format.ts';
import { makeFolder } from './folder.ts';
import { EXIT, UsageError, type Output } from './output.ts';
import { startProgress } from './progress.ts';

export interface ExperimentOptions {
  readonly size: ExperimentSize;
  readonly seed: number;
  readonly csv?: boolean;
  readonly docs?: string;
}

/** Lists the experiments, or runs those named (`all` for every one). */
export async function experimentCommand(
  ids: readonly string[],
  options: ExperimentOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  if (ids.length === 0) {
    list(output);
    return EXIT.ok;
  }
  offerCollection();
  const chosen = ids.includes('all') ? EXPERIMENTS : ids.map(find);
  for (const experiment of chosen) {
    const result = await runOne(experiment, options, output, signal);
    if (options.docs !== undefined) write(experiment, result, options, options.docs, output);
    else if (output.json) output.record({ id: experiment.id, size: options.size, seed: options.seed, ...result });
    else if (options.csv === true) for (const each of result.tables) output.text(tableCsv(each).trimEnd());
    else show(experiment, result, output);
  }
  return EXIT.ok;
}

function find(id: string): Experiment {
  const found = EXPERIMENTS.find((experiment) => experiment.id === id);
  if (found !== undefined) return found;
  const ids = EXPERIMENTS.map((experiment) => experiment.id);
  const near = nearest(id, ids);
  throw new UsageError(`There is no experiment ${id}.${near === undefined ? '' : ` Did you mean ${near}?`} All: ringside experiment`);
}

function list(output: Output): void {
  if (output.json) for (const { id, title, question, source } of EXPERIMENTS) output.record({ id, title, question, source });
  else for (const line of table(EXPERIMENTS.map(({ id, title }) => [output.paint.bold(id), title]))) output.text(line);
}

async function runOne(
  experiment: Experiment,
  { size, seed }: ExperimentOptions,
  output: Output,
  signal: AbortSignal,
): Promise<ExperimentResult> {
  const progress = await startProgress(output, experiment.id);
  try {
    return await experiment.run({
      size,
      seed,
      step: async (done, total, message) => {
        progress.update({ done, total, unit: 'steps', message });
        await setImmediate();
        if (signal.aborted) throw new EngineError({ code: 'cancelled', message: `The experiment ${experiment.id} was cancelled.` });
      },
    });
  } finally {
    progress.stop();
  }
}

function show({ title, question }: Experiment, { tables, findings }: ExperimentResult, output: Output): void {
  output.text(output.paint.bold(title));
  output.text(question);
  for (const each of tables) {
    output.text('');
    output.text(each.title);
    for (const line of table([columnText(each), ...each.rows.map((row) => row.map(cellText))], numericColumns(each))) output.text(line);
  }
  output.text('');
  for (const finding of findings) output.text(`- ${finding}`);
}

function write(experiment: Experiment, result: ExperimentResult, { size, seed }: ExperimentOptions, folder: string, output: Output): void {
  makeFolder(folder);
  const path = join(folder, `${experiment.id}.md`);
  const sink = atomicFile(path);
  if (!sink.ok) throw sink.error;
  sink.value.write(new TextEncoder().encode(experimentMarkdown(experiment, result, size, seed)));
  const done = sink.value.finish();
  if (!done.ok) throw done.error;
  if (output.json) output.record({ id: experiment.id, file: path });
  else output.text(`${path} written`);
}
