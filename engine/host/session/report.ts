import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { EngineError, type ReportModel, type Scenario, type SeriesFrame, type TimelineFrame } from '../../contract/index.ts';
import type { RunResult, VerdictSink } from '../../lab/index.ts';
import { MAX_REPORT_FLOWS, buildReport, renderHtml, renderJson } from '../../session/index.ts';
import { PROTOCOL_NAMES } from '../../wire/index.ts';
import { timestampWords } from '../capture-summary.ts';
import { programVersion } from '../paths.ts';
import { scenarioText } from '../scenarios.ts';
import type { SessionInput } from './input.ts';
import { moduleStates } from './module-states.ts';
import { dropsByBin } from './verdicts.ts';

/** Bins of the report's timeline: as wide as a page has points to draw them. */
const TIMELINE_BINS = 512;
/** Index rows counted before other calls are let in: about 4 ms. */
const COUNT_ROWS = 1 << 20;

export interface ReportRequest {
  readonly input: SessionInput;
  /** Name of the input for display. */
  readonly name: string;
  readonly scenario: { readonly id: string; readonly yaml: string; readonly value: Scenario };
  readonly result: RunResult;
  readonly verdicts: VerdictSink;
  readonly timestamps?: string | undefined;
  readonly paced?: ReportModel['paced'];
}

/** The report of a finished run. Everything in it follows from input, scenario and seed, but the figures of a timed replay. */
export async function reportOf(request: ReportRequest, signal: AbortSignal): Promise<ReportModel> {
  const { input, scenario, result } = request;
  const words = timestampWords(input.source);
  const flows = result.flows.sorted('bytes', true);
  return buildReport({
    program: programVersion(),
    capture: { ...input.info(), file: request.name, sha256: await fileSha256(input.path, signal) },
    timestamps: request.timestamps ?? words.timestamps,
    timeDigits: words.timeDigits,
    scenario: { yaml: scenario.yaml, value: scenario.value, bundled: bundledName(scenario) },
    summary: result.summary,
    series: result.series ?? emptySeries(),
    timeline: timelineOf(input, request.verdicts),
    flows: { total: result.flows.count, rows: result.flows.rows(flows, 0, MAX_REPORT_FLOWS) },
    protocols: await protocolsOf(input),
    modules: await moduleStates({ input, scenario: scenario.value, result, signal }),
    paced: request.paced ?? undefined,
  });
}

export async function writeReport(model: ReportModel, format: 'html' | 'json', path: string): Promise<void> {
  await writeFile(path, format === 'json' ? renderJson(model) : renderHtml(model), { mode: 0o644 });
}

/** `burst-lte-report.html`. */
export function reportName(name: string, format: string): string {
  const base = name.replace(/(\.(pcapng|pcap|cap|snoop|gz|zst))+$/i, '').replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return `${base === '' ? 'capture' : base}-report.${format}`;
}

/** Rings over time of a run that recorded none. */
export function emptySeries(): SeriesFrame {
  const none = new Uint32Array(0);
  return { startNs: 0, binNs: 1, bins: 0, objects: [], capacity: none, max: none, last: none, drops: none };
}

function timelineOf(input: SessionInput, verdicts: VerdictSink): TimelineFrame {
  const { packets, bytes, binNs, fromNs, toNs } = input.index.timeline(TIMELINE_BINS);
  const drops = dropsByBin(input.index, verdicts, { fromNs, toNs, bins: TIMELINE_BINS, binNs });
  return { startNs: fromNs, binNs, bins: TIMELINE_BINS, packets, bytes, drops };
}

/** The name of the bundled scenario that this text is, undefined for any other. */
function bundledName({ id, yaml }: { readonly id: string; readonly yaml: string }): string | undefined {
  try {
    return scenarioText(id) === yaml ? id : undefined;
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

async function protocolsOf({ index }: SessionInput): Promise<{ protocol: string; packets: number; bytes: number }[]> {
  const packets = new Float64Array(256);
  const bytes = new Float64Array(256);
  for (let n = 1; n <= index.count; n++) {
    const code = index.protocol(n);
    packets[code]!++;
    bytes[code]! += index.origLen(n);
    if (n % COUNT_ROWS === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return PROTOCOL_NAMES.map((protocol, code) => ({ protocol, packets: packets[code]!, bytes: bytes[code]! })).filter(
    (row) => row.packets > 0,
  );
}

/** SHA-256 of a file, read as a stream: a large file holds nothing up. */
async function fileSha256(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal, highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
