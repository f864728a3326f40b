import {
  parseRateBps,
  parseSizeBytes,
  type BurstReport,
  type BurstSettingsInput,
  type FlowBursts,
  type Progress,
} from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';

const DEBOUNCE_MS = 200;
const TOP = 20;
const FLOWS = 5;
const DEFAULT_BURST = '64 KiB';

/** Bursts of the input: what was typed in, and what the engine made of it. */
export class AnalysisState {
  rateText = $state('');
  burstText = $state(DEFAULT_BURST);
  excessText = $state('0');
  listScaleNs = $state(1e6);
  report = $state.raw<BurstReport | null>(null);
  flows = $state.raw<readonly FlowBursts[]>([]);
  running = $state(false);
  progress = $state.raw<Progress | null>(null);
  error = $state.raw<unknown>(null);

  readonly rateBps = $derived(parsed(this.rateText, parseRateBps, 1, 1e12));
  readonly burstBytes = $derived(parsed(this.burstText, parseSizeBytes, 0, 2 ** 40));
  readonly excessBytes = $derived(parsed(this.excessText === '' ? '0' : this.excessText, parseSizeBytes, 0, 2 ** 40));

  /** Without a rate only until one is known to begin with. */
  readonly rateMayBlank = $derived(this.report === null || this.report.meanBps === 0);

  readonly #app: AppStore;

  constructor(app: AppStore) {
    this.#app = app;
  }

  /** Settings for the engine; null while a figure typed in is none. */
  readonly settings: BurstSettingsInput | null = $derived.by(() => {
    const { rateBps, burstBytes, excessBytes, listScaleNs } = this;
    if (this.rateText.trim() === '') return this.rateMayBlank ? { listScaleNs, top: TOP } : null;
    if (rateBps === null || burstBytes === null || excessBytes === null) return null;
    return { listScaleNs, top: TOP, rateBps, marker: { kind: 'single', cirBps: rateBps, cbsBytes: burstBytes, ebsBytes: excessBytes } };
  });

  /** Asks after a short pause; the undo ends it. */
  request(session: string, settings: BurstSettingsInput): () => void {
    const controller = new AbortController();
    const timer = setTimeout(() => void this.#ask(session, settings, controller.signal), this.report === null ? 0 : DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
      this.running = false;
    };
  }

  async #ask(session: string, settings: BurstSettingsInput, signal: AbortSignal): Promise<void> {
    this.running = true;
    this.progress = null;
    try {
      const { report, flows } = await this.#app.call(
        'bursts.analyse',
        { session, settings, flows: FLOWS },
        {
          signal,
          onProgress: (progress) => {
            if (!signal.aborted) this.progress = progress;
          },
        },
      );
      if (signal.aborted) return;
      this.report = report;
      this.flows = flows;
      this.error = null;
      if (this.rateText.trim() === '') this.rateText = startingRate(report);
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.running = false;
  }

  forget(): void {
    this.rateText = '';
    this.report = null;
    this.flows = [];
    this.error = null;
  }
}

function parsed(text: string, parse: (text: string) => number | undefined, min: number, max: number): number | null {
  const value = parse(text);
  return value !== undefined && value >= min && value <= max ? value : null;
}

/** A rate to begin with: the first of the curve that is at least twice the mean. */
function startingRate({ curve, meanBps, packets }: BurstReport): string {
  if (packets < 2 || meanBps === 0) return '';
  const rate = curve.find(({ rateBps }) => rateBps >= 2 * meanBps)?.rateBps ?? 1e12;
  const units = ['', ' k', ' M', ' G', ' T'];
  const unit = Math.min(4, Math.floor(Math.log10(rate) / 3));
  return `${String(rate / 1_000 ** unit)}${units[unit] ?? ' '}bit/s`;
}

export const analysisState = sharedState((app) => new AnalysisState(app));
