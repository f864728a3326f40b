import type { Progress, ReportModel, RunSummary, Scenario, TraceRecord } from '../contract/index.ts';
import { EngineError } from '../contract/index.ts';
import { scenarioSha256, type RunResult, type VerdictSink } from '../lab/index.ts';
import { Drive, type DriveHooks } from './session/drive.ts';
import { SessionInput } from './session/input.ts';
import { newVerdicts } from './session/verdicts.ts';
import { Playhead } from './session/playhead.ts';
import { Snapshots } from './session/snapshots.ts';
import { reportOf } from './session/report.ts';
import { runInLanes } from './session/run-in-lanes.ts';
import { runInSlices } from './session/run-in-slices.ts';
import { traceRun } from './session/run-traced.ts';

export interface ReplayRequest {
  readonly path: string;
  readonly scenario: { readonly id: string; readonly yaml: string; readonly value: Scenario };
  readonly lanes?: number | undefined;
  readonly batch?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** A replay without a window: an input, a finished run, and what can be had from it. */
export class OfflineReplay {
  private readonly request: ReplayRequest;
  private readonly input: SessionInput;
  private readonly verdicts: VerdictSink;
  private result: RunResult | undefined;
  private pacedFigures: ReportModel['paced'] = null;

  private constructor(request: ReplayRequest, input: SessionInput) {
    this.request = request;
    this.input = input;
    this.verdicts = newVerdicts(input.packets);
  }

  static async open(request: ReplayRequest): Promise<OfflineReplay> {
    const input = await SessionInput.open(request.path, { signal: request.signal, progress: request.onProgress });
    return new OfflineReplay(request, input);
  }

  /** Runs the whole input as fast as possible. */
  async run(): Promise<RunSummary> {
    const { scenario, lanes, batch, signal, onProgress } = this.request;
    this.result = await (batch === undefined ? runInLanes : runInSlices)({
      input: this.input,
      scenario: scenario.value,
      scenarioSha256: scenarioSha256(scenario.value),
      verdicts: this.verdicts,
      lanes,
      batch,
      signal,
      onProgress,
    });
    return this.result.summary;
  }

  /** Replays to the clock `times` times and says how late packets were. Gaps longer than `skipGapsNs` are shortened to it. */
  async pace(speed: number, times: number, skipGapsNs: number | null = null): Promise<ReportModel['paced']> {
    const { scenario, signal, onProgress } = this.request;
    let left = times;
    await new Promise<void>((resolve, reject) => {
      const playhead = new Playhead(this.input, scenario.value, new Snapshots(this.input.packets), () => 0);
      const hooks: DriveHooks = {
        changed: () => {
          const { state, tNs } = drive.replayer;
          onProgress({ done: tNs, total: playhead.endNs, unit: 'ns', message: `${speed}x` });
          if (state !== 'ended') return;
          this.pacedFigures = drive.paced();
          if (--left > 0) again();
          else {
            drive.dispose();
            resolve();
          }
        },
        failed: (message) => {
          reject(new EngineError({ code: 'bad-input', message, where: { file: this.request.path } }));
        },
      };
      const drive = new Drive(playhead, hooks, { skipGapsNs });
      const again = (): void => {
        // Not inside the change that said the last one had ended.
        setImmediate(() => {
          drive.replayer.play(speed);
          drive.wake();
        });
      };
      signal.addEventListener('abort', () => {
        drive.dispose();
        reject(new EngineError({ code: 'cancelled', message: 'The replay was cancelled.' }));
      });
      again();
    });
    return this.pacedFigures;
  }

  /** Gives out the trace in the order of time. */
  trace(write: (record: TraceRecord) => Promise<void> | undefined): Promise<void> {
    return traceRun(this.input, this.request.scenario.value, write, this.request.signal);
  }

  /** The report of the run; `run` comes first. */
  async report(name: string): Promise<ReportModel> {
    if (this.result === undefined) await this.run();
    return reportOf(
      {
        input: this.input,
        name,
        scenario: this.request.scenario,
        result: this.result!,
        verdicts: this.verdicts,
        paced: this.pacedFigures,
      },
      this.request.signal,
    );
  }

  dispose(): void {
    this.input.dispose();
  }
}
