import type { CaptureInfo, FlowRow, ReportModel, RunSummary, Scenario, SeriesFrame, TimelineFrame } from '../contract/index.ts';
import { assert } from '../base/index.ts';
import { DROP_REASONS } from '../stack/index.ts';
import { findingsOf } from './findings.ts';
import { reportModules, type ModuleStates } from './modules/index.ts';
import { shellWord } from './text.ts';

/** Flows listed in a report. */
export const MAX_REPORT_FLOWS = 25;

export interface ReportInputs {
  readonly program: string;
  readonly capture: CaptureInfo;
  readonly timestamps: string;
  readonly timeDigits: 6 | 9;
  /** `bundled`: the name under which the program brings this very text along; undefined for any other text. */
  readonly scenario: { readonly yaml: string; readonly value: Scenario; readonly bundled?: string | undefined };
  readonly summary: RunSummary;
  readonly series: SeriesFrame;
  readonly timeline: TimelineFrame;
  /** Any order and number; the report keeps the largest by bytes. */
  readonly flows: { readonly total: number; readonly rows: readonly FlowRow[] };
  readonly protocols: readonly { readonly protocol: string; readonly packets: number; readonly bytes: number }[];
  /** What the modules beside the rings held at the end. */
  readonly modules: ModuleStates;
  readonly paced?: ReportModel['paced'] | undefined;
}

/** The name without its folder: folders differ between machines. */
function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

function reproduce(inputs: ReportInputs): ReportModel['reproduce'] {
  const file = baseName(inputs.capture.file);
  const { bundled } = inputs.scenario;
  const needs = [`${file}${inputs.capture.sha256 === undefined ? '' : `, sha256 ${inputs.capture.sha256}`}`, `Ringside ${inputs.program}`];
  if (bundled === undefined) needs.push('the scenario text of this report, saved as scenario.yaml');
  const scenario = bundled ?? 'scenario.yaml';
  // What was measured on the wall clock can be measured again, at the same speed; it is never the same to the nanosecond.
  const speed =
    inputs.paced === undefined || inputs.paced === null
      ? ''
      : ` --speed ${String(inputs.paced.speed)}${inputs.paced.gapsSkipped > 0 ? ' --skip-gaps' : ''}`;
  return { command: `ringside replay ${shellWord(file)} --scenario ${shellWord(scenario)}${speed} --report report.html`, needs };
}

/** The frame as lists, without the bins after the end of the run: a series that grew with a live input has some. */
function seriesOf(frame: SeriesFrame, endNs: number): ReportModel['series'] {
  const { bins } = frame;
  assert(frame.max.length === frame.objects.length * bins, 'a series frame is row-major, objects by bins');
  const used = Math.max(1, Math.min(bins, Math.floor((endNs - frame.startNs) / frame.binNs) + 1));
  return {
    startNs: frame.startNs,
    binNs: frame.binNs,
    objects: frame.objects.map((id, o) => ({
      id,
      capacity: frame.capacity[o]!,
      max: Array.from(frame.max.subarray(o * bins, o * bins + used)),
      drops: Array.from(frame.drops.subarray(o * bins, o * bins + used)),
    })),
  };
}

function dropsOf(summary: RunSummary): ReportModel['drops'] {
  return Object.entries(summary.drops)
    .map(([reason, packets]) => {
      const known = DROP_REASONS.find((r) => r.name === reason);
      const share = summary.packets > 0 ? packets / summary.packets : 0;
      return { reason, text: known?.text ?? '', parameter: known?.parameter ?? '', packets, share };
    })
    .sort((a, b) => b.packets - a.packets || (a.reason < b.reason ? -1 : 1));
}

/** Everything a report shows, from a finished run. Pure: the same inputs give an equal model. */
export function buildReport(inputs: ReportInputs): ReportModel {
  const { capture, summary, timeline } = inputs;
  const input = { ...capture, file: baseName(capture.file) };
  const scenario = inputs.scenario.value;
  return {
    kind: 'ringside-report',
    version: 1,
    program: inputs.program,
    title: `${input.file} through ${scenario.title === '' ? scenario.name : scenario.title}`,
    input,
    timestamps: inputs.timestamps,
    timeDigits: inputs.timeDigits,
    scenario: { name: scenario.name, title: scenario.title, sha256: summary.scenario.sha256, yaml: inputs.scenario.yaml },
    summary,
    findings: findingsOf(summary, inputs.series, scenario, input),
    drops: dropsOf(summary),
    timeline: {
      startNs: timeline.startNs,
      binNs: timeline.binNs,
      packets: Array.from(timeline.packets),
      bytes: Array.from(timeline.bytes),
      drops: Array.from(timeline.drops),
    },
    series: seriesOf(inputs.series, summary.endNs),
    flows: {
      total: inputs.flows.total,
      rows: [...inputs.flows.rows].sort((a, b) => b.bytes - a.bytes || a.id - b.id).slice(0, MAX_REPORT_FLOWS),
    },
    protocols: [...inputs.protocols].sort((a, b) => b.packets - a.packets || (a.protocol < b.protocol ? -1 : 1)),
    modules: reportModules(summary, inputs.modules),
    reproduce: reproduce(inputs),
    paced: inputs.paced ?? null,
  };
}

/** The report as JSON text, two spaces deep, lists of numbers on one line. Equal models give equal text. */
export function renderJson(model: ReportModel): string {
  // A line break inside a string is escaped in JSON, so what stands between brackets here is structure.
  const text = JSON.stringify(model, null, 2).replace(/\[\n[-+.,\d\seE]+\]/g, (list) => list.replace(/\s+/g, ''));
  return `${text}\n`;
}
