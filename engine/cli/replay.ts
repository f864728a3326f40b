import { createWriteStream } from 'node:fs';
import { rm, rename, writeFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { EngineError, SKIP_GAPS_NS, runSummarySchema, type ReportModel, type RunSummary, type TraceRecord } from '../contract/index.ts';
import { OfflineReplay, printPdf, summarizeRun, writeReport, type ReplayRequest } from '../host/index.ts';
import { scenarioSha256 } from '../lab/index.ts';
import { renderHtml, summaryText } from '../session/index.ts';
import { duration, printable } from './format.ts';
import { askWindow, insideWindow, openSession } from './link-client.ts';
import { EXIT, UsageError, type Output } from './output.ts';
import { startProgress } from './progress.ts';
import type { ProgressReport } from './progress-lines.ts';
import { chooseScenario, type ChosenScenario, type ScenarioOptions } from './scenario-option.ts';

export interface ReplayOptions extends ScenarioOptions {
  readonly speed?: number;
  readonly loop?: number;
  readonly skipGaps?: boolean;
  readonly lanes?: number;
  readonly batch?: number;
  readonly trace?: string;
  readonly report?: readonly string[];
}

const REPORT_FORMATS = ['html', 'json', 'pdf'] as const;
type ReportFormat = (typeof REPORT_FORMATS)[number];

/** Runs a capture through a scenario. Without a file, in the terminal panel, it is the window's session that runs. */
export async function replayCommand(
  file: string | undefined,
  options: ReplayOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  if (options.skipGaps === true && (options.speed ?? 0) === 0) {
    throw new UsageError('--skip-gaps shortens the gaps of a timed replay: give --speed N with it');
  }
  if (file === undefined) return replayInWindow(options, output, signal);
  return replayFile(file, chooseScenario(options), options, output, signal);
}

async function replayFile(
  file: string,
  scenario: ChosenScenario,
  options: ReplayOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const reports = (options.report ?? []).map((path) => ({ path, format: reportFormat(path) }));
  const progress = await startProgress(output, printable(basename(file)));
  const request: ReplayRequest = {
    path: file,
    scenario,
    lanes: options.lanes,
    batch: options.batch,
    signal,
    onProgress: (p) => {
      progress.update(p);
    },
  };
  const plain = reports.length === 0 && options.trace === undefined && (options.speed ?? 0) === 0;
  const quick =
    plain && options.batch === undefined
      ? await summarizeRun({ ...request, scenario: scenario.value, scenarioSha256: scenarioSha256(scenario.value) })
      : undefined;
  if (quick !== undefined) {
    progress.stop();
    show({ file, summary: quick, paced: null }, output);
    return quick.conservation.ok ? EXIT.ok : EXIT.failed;
  }
  const replay = await OfflineReplay.open(request);
  try {
    const speed = options.speed ?? 0;
    const paced = speed > 0 ? await replay.pace(speed, options.loop ?? 1, options.skipGaps === true ? SKIP_GAPS_NS : null) : null;
    const summary = await replay.run();
    if (options.trace !== undefined) await writeTrace(replay, options.trace);
    const model = reports.length === 0 ? undefined : await replay.report(basename(file));
    if (model !== undefined) for (const { path, format } of reports) await saveReport(model, format, path, signal);
    progress.stop();
    show({ file, summary, paced, model, report: options.report, trace: options.trace }, output);
    return summary.conservation.ok ? EXIT.ok : EXIT.failed;
  } finally {
    stop(progress, replay);
  }
}

function stop(progress: ProgressReport, replay: OfflineReplay): void {
  progress.stop();
  replay.dispose();
}

function reportFormat(path: string): ReportFormat {
  const format = extname(path).slice(1).toLowerCase();
  const known = REPORT_FORMATS.find((each) => each === format);
  if (known === undefined) throw new UsageError(`--report ${path}: a report is .html, .json or .pdf`);
  return known;
}

/** The report appears under its name only when it is complete. */
async function saveReport(model: ReportModel, format: ReportFormat, path: string, signal: AbortSignal): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  try {
    if (format === 'pdf') await writeFile(draft, await printPdf(renderHtml(model), signal));
    else await writeReport(model, format, draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof EngineError) throw error;
    throw new EngineError({
      code: 'bad-input',
      message: `The report cannot be written: ${error instanceof Error ? error.message : String(error)}.`,
      where: { file: path },
    });
  }
}

/** One JSON record a line; the file appears when it is complete. */
async function writeTrace(replay: OfflineReplay, path: string): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  const stream = createWriteStream(draft, { flags: 'wx' });
  const failed = new Promise<never>((_resolve, reject) => stream.on('error', reject));
  const ended = new Promise<void>((done) => stream.on('close', done));
  const write = (record: TraceRecord): Promise<void> | undefined =>
    stream.write(`${JSON.stringify(record)}\n`) ? undefined : new Promise((done) => stream.once('drain', done));
  try {
    await Promise.race([replay.trace(write), failed]);
    stream.end();
    await Promise.race([ended, failed]);
    await rename(draft, path);
  } catch (error) {
    stream.destroy();
    await rm(draft, { force: true });
    if (error instanceof EngineError) throw error;
    throw new EngineError({
      code: 'bad-input',
      message: `The trace cannot be written: ${error instanceof Error ? error.message : String(error)}.`,
      where: { file: path },
    });
  }
}

interface Shown {
  readonly file: string;
  readonly summary: RunSummary;
  readonly paced: ReportModel['paced'];
  readonly model?: ReportModel | undefined;
  readonly report?: readonly string[] | undefined;
  readonly trace?: string | undefined;
}

/** With --json the last line is the summary and nothing else: the same input, scenario and seed give the same line. */
function show({ file, summary, paced, model, report, trace }: Shown, output: Output): void {
  if (output.json) {
    if (paced !== null) output.record({ paced });
    output.record(summary);
    return;
  }
  const columns = output.toTerminal ? process.stdout.columns : 100;
  const findings = model?.findings;
  output.text(
    summaryText(summary, { name: basename(file), colour: output.colour, columns, ...(findings !== undefined && { findings }) }).trimEnd(),
  );
  if (paced !== null) {
    const { p50, p99, max, packets } = paced.errorNs;
    const { gapsSkipped, gapsSkippedNs } = paced;
    output.text(
      `  replayed at ${paced.speed}x: ${packets} packets late by ${duration(p50)} (median), ${duration(p99)} (99th percentile), ${duration(max)} (largest)`,
    );
    if (gapsSkipped > 0) output.text(`  gaps skipped: ${gapsSkipped}, together ${duration(gapsSkippedNs)} of the capture's time`);
  }
  for (const path of report ?? []) output.text(`  report: ${printable(path)}`);
  if (trace !== undefined) output.text(`  trace: ${printable(trace)}`);
}

/** `ringside replay` in the terminal panel: the session's own input and scenario, so that the window shows the same figures. */
async function replayInWindow(options: ReplayOptions, output: Output, signal: AbortSignal): Promise<number> {
  if (!insideWindow()) throw new UsageError('name a capture file: ringside replay FILE');
  const other = (['scenario', 'set', 'seed', 'speed', 'loop', 'skipGaps', 'batch', 'trace', 'report'] as const).find(
    (name) => options[name] !== undefined && options[name] !== 0,
  );
  const open = await openSession(signal);
  if (other !== undefined) {
    // Anything but the plain run is done here, on the same file and the same scenario.
    return replayFile(open.path, chooseScenario(options, open.info.scenario), options, output, signal);
  }
  const summary = runSummarySchema.parse(await askWindow('run', options.lanes === undefined ? {} : { lanes: options.lanes }, signal));
  show({ file: open.path, summary, paced: null }, output);
  return summary.conservation.ok ? EXIT.ok : EXIT.failed;
}
