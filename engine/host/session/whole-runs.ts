import { EngineError, type CallContext, type Progress, type ReportFinding, type RunSummary, type Scenario } from '../../contract/index.ts';
import type { RunResult, VerdictSink } from '../../lab/index.ts';
import { findingsOf } from '../../session/index.ts';
import type { SessionInput } from './input.ts';
import { newVerdicts } from './verdicts.ts';
import { emptySeries } from './report.ts';
import type { SessionScenario } from './scenario.ts';

/** What a finished run needs. The runner spreads it over threads, or not: the result is the same. */
export interface RunRequest {
  readonly input: SessionInput;
  readonly scenario: Scenario;
  readonly scenarioSha256: string;
  readonly verdicts: VerdictSink;
  readonly lanes: number | undefined;
  /** Packets of one step; has no influence on any result. */
  readonly batch?: number | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}
export type Runner = (request: RunRequest) => Promise<RunResult>;

/** A finished run of the whole input. */
interface FinishedRun {
  readonly result: RunResult;
  readonly scenario: SessionScenario;
  /** Packets of the input then; a live capture has more later. */
  readonly packets: number;
}

interface RunUnderWay {
  readonly controller: AbortController;
  readonly done: Promise<RunSummary>;
  readonly listeners: Set<(progress: Progress) => void>;
}

export interface WholeRunsOptions {
  readonly input: SessionInput;
  readonly runner: Runner;
  /** The scenario as it is set now. */
  readonly scenario: () => SessionScenario;
  readonly finished: (summary: RunSummary, verdicts: VerdictSink) => void;
  readonly failed: (message: string) => void;
}

/** The runs of the whole input: one under way at most, the last one, and the summary of the last that was different. */
export class WholeRuns {
  readonly runner: Runner;
  private readonly options: WholeRunsOptions;
  private current: FinishedRun | null = null;
  private previous: RunSummary | null = null;
  private running: RunUnderWay | null = null;

  constructor(options: WholeRunsOptions) {
    this.options = options;
    this.runner = options.runner;
  }

  /** The last finished run, of whatever scenario; null before there is one. */
  get last(): RunResult | null {
    return this.current?.result ?? null;
  }

  /** The last finished run if it was one of the scenario as it is set now. */
  get ofScenario(): RunResult | null {
    return this.current?.scenario.sha256 === this.options.scenario().sha256 ? this.current.result : null;
  }

  /** True where another run would give something else: the scenario has changed, or packets have come. */
  get stale(): boolean {
    return this.ofScenario === null || this.current?.packets !== this.options.input.packets;
  }

  /** Runs the whole input. While a run for the same scenario goes on, it is the same run; cancelling one caller ends it for all. */
  async run(lanes: number | undefined, context: Pick<CallContext, 'signal' | 'progress'>): Promise<RunSummary> {
    const going = this.running ?? this.start(lanes);
    const listener = (progress: Progress): void => {
      context.progress(progress);
    };
    going.listeners.add(listener);
    const stop = (): void => {
      going.controller.abort();
    };
    context.signal.addEventListener('abort', stop);
    try {
      return await going.done;
    } finally {
      context.signal.removeEventListener('abort', stop);
      going.listeners.delete(listener);
    }
  }

  /** Starts a run that nobody waits for: after opening, and after a change of the scenario. */
  runInBackground(): void {
    this.start(undefined).done.catch((error: unknown) => {
      if (error instanceof EngineError && error.code === 'cancelled') return;
      this.options.failed(error instanceof Error ? error.message : String(error));
    });
  }

  /** The findings of the last finished run, as its report has them; none before there is one. */
  findings(): ReportFinding[] {
    if (this.current === null) return [];
    const { result, scenario } = this.current;
    return findingsOf(result.summary, result.series ?? emptySeries(), scenario.value, this.options.input.info());
  }

  summaries(): { current: RunSummary | null; previous: RunSummary | null } {
    return { current: this.current?.result.summary ?? null, previous: this.previous };
  }

  dispose(): void {
    this.running?.controller.abort();
  }

  private start(lanes: number | undefined): RunUnderWay {
    this.running?.controller.abort();
    const controller = new AbortController();
    const listeners = new Set<(progress: Progress) => void>();
    const running = { controller, listeners, done: this.once(lanes, controller, listeners) };
    this.running = running;
    const forget = (): void => {
      if (this.running === running) this.running = null;
    };
    running.done.then(forget, forget);
    return running;
  }

  private async once(lanes: number | undefined, controller: AbortController, listeners: RunUnderWay['listeners']): Promise<RunSummary> {
    const { input, runner } = this.options;
    const scenario = this.options.scenario();
    const { packets } = input;
    const verdicts = newVerdicts(packets);
    const result = await runner({
      input,
      scenario: scenario.value,
      scenarioSha256: scenario.sha256,
      verdicts,
      lanes,
      signal: controller.signal,
      onProgress: (progress) => {
        for (const listener of listeners) listener(progress);
      },
    });
    if (controller.signal.aborted || result.cancelled) throw new EngineError({ code: 'cancelled', message: 'The run was cancelled.' });
    // The same scenario run again changes nothing: the comparison stays with the last run that was different.
    if (this.current !== null && this.current.scenario.sha256 !== scenario.sha256) this.previous = this.current.result.summary;
    this.current = { result, scenario, packets };
    this.options.finished(result.summary, verdicts);
    return result.summary;
  }
}

/** What the calls say that need a finished run, before there is one. */
export function notFinished(): EngineError {
  return new EngineError({
    code: 'busy',
    message: 'The replay of the whole input has not finished yet.',
    fix: 'Try again in a moment.',
  });
}
