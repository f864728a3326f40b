import {
  parseRateBps,
  parseSizeBytes,
  type BurstReport,
  type BurstSettingsInput,
  type FlowBursts,
  type MarkerSettings,
  type Progress,
} from '../../../../engine/contract/index.ts';
import type { AppStore } from '../../lib/engine.svelte.ts';
import { sharedState } from '../../lib/shared-state.svelte.ts';
import { History } from './history.svelte.ts';

const DEBOUNCE_MS = 200;
const TOP = 20;
const FLOWS = 5;
const MAX_RATE_BPS = 1e12;
const MAX_BUCKET_BYTES = 2 ** 40;
const DEFAULT_BURST = '64 KiB';

/** What stands in the fields. */
interface Inputs {
  readonly kind: MarkerSettings['kind'];
  readonly rateText: string;
  readonly burstText: string;
  readonly excessText: string;
  readonly peakRateText: string;
  readonly peakBurstText: string;
  readonly colourAware: boolean;
}
const START: Inputs = {
  kind: 'single',
  rateText: '',
  burstText: DEFAULT_BURST,
  excessText: '0',
  peakRateText: '',
  peakBurstText: DEFAULT_BURST,
  colourAware: false,
};

/** Bursts of the input: what was typed in, and what the engine made of it. */
export class AnalysisState {
  kind = $state<Inputs['kind']>(START.kind);
  rateText = $state(START.rateText);
  burstText = $state(START.burstText);
  excessText = $state(START.excessText);
  peakRateText = $state(START.peakRateText);
  peakBurstText = $state(START.peakBurstText);
  colourAware = $state(START.colourAware);
  listScaleNs = $state(1e6);
  report = $state.raw<BurstReport | null>(null);
  flows = $state.raw<readonly FlowBursts[]>([]);
  running = $state(false);
  progress = $state.raw<Progress | null>(null);
  error = $state.raw<unknown>(null);

  readonly rateBps = $derived(parsed(this.rateText, parseRateBps, 1, MAX_RATE_BPS));
  readonly burstBytes = $derived(parsed(this.burstText, parseSizeBytes, 0, MAX_BUCKET_BYTES));
  readonly excessBytes = $derived(parsed(this.excessText === '' ? '0' : this.excessText, parseSizeBytes, 0, MAX_BUCKET_BYTES));
  readonly peakRateBps = $derived(parsed(this.peakRateText, parseRateBps, 1, MAX_RATE_BPS));
  readonly peakBurstBytes = $derived(parsed(this.peakBurstText, parseSizeBytes, 0, MAX_BUCKET_BYTES));

  /** Without a rate only until one is known to begin with. */
  readonly rateMayBlank = $derived(this.report === null || this.report.meanBps === 0);

  /** What is wrong with the fields, in words; null where nothing is. */
  readonly wrong: string | null = $derived.by(() => {
    if (this.rateBps === null && !(this.rateMayBlank && this.rateText.trim() === '')) return 'rate: such as 10M or 1.5 Gbit/s';
    if (this.burstBytes === null) return 'size: such as 1500 or 64KiB';
    if (this.kind === 'single') {
      if (this.excessBytes === null) return 'size: such as 1500 or 64KiB';
      return this.burstBytes + this.excessBytes === 0 ? 'one of the two sizes is more than 0 (RFC 2697 section 2)' : null;
    }
    if (this.rateText.trim() === '') return null;
    if (this.peakRateBps === null) return 'peak rate: such as 100M or 1.5 Gbit/s';
    if (this.peakRateBps < (this.rateBps ?? 0)) return 'the peak rate is at least the committed one (RFC 2698 section 2)';
    if (this.peakBurstBytes === null) return 'size: such as 1500 or 64KiB';
    return this.burstBytes === 0 || this.peakBurstBytes === 0 ? 'both sizes are more than 0 (RFC 2698 section 2)' : null;
  });

  /** Settings for the engine; null while a figure typed in is none. */
  readonly settings: BurstSettingsInput | null = $derived.by(() => {
    const { rateBps, listScaleNs, colourAware } = this;
    if (this.wrong !== null) return null;
    if (rateBps === null) return { listScaleNs, top: TOP };
    return { listScaleNs, top: TOP, rateBps, marker: this.#marker(rateBps), colourAware };
  });

  readonly #app: AppStore;
  readonly #history = new History<Inputs>();
  /** What the last question was asked with, and what the fields began with. */
  #asked: Inputs | null = null;
  #start = $state.raw<Inputs>(START);
  readonly #inputs: Inputs = $derived({
    kind: this.kind,
    rateText: this.rateText,
    burstText: this.burstText,
    excessText: this.excessText,
    peakRateText: this.peakRateText,
    peakBurstText: this.peakBurstText,
    colourAware: this.colourAware,
  });
  readonly canUndo: boolean = $derived(this.#history.canUndo);
  readonly canReset: boolean = $derived(JSON.stringify(this.#inputs) !== JSON.stringify(this.#start));

  constructor(app: AppStore) {
    this.#app = app;
  }

  #marker(cirBps: number): MarkerSettings {
    const cbsBytes = this.burstBytes ?? 0;
    if (this.kind === 'single') return { kind: 'single', cirBps, cbsBytes, ebsBytes: this.excessBytes ?? 0 };
    return { kind: 'two', cirBps, cbsBytes, pirBps: this.peakRateBps ?? cirBps, pbsBytes: this.peakBurstBytes ?? 0 };
  }

  /** Another meter; one of two rates begins with twice the committed rate as its peak. */
  setKind(kind: Inputs['kind']): void {
    if (kind === 'two' && this.peakRateText === '' && this.rateBps !== null) {
      this.peakRateText = rateText(Math.min(MAX_RATE_BPS, 2 * this.rateBps));
    }
    this.kind = kind;
  }

  undo(): void {
    const before = this.#history.pop();
    if (before === undefined) return;
    // What is gone back over is no change to go back to.
    this.#asked = before;
    Object.assign(this, before);
  }

  /** Back to what the fields began with; can be undone. */
  reset(): void {
    Object.assign(this, this.#start);
  }

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

  #remember(): void {
    const inputs = this.#inputs;
    if (this.#asked !== null && JSON.stringify(this.#asked) !== JSON.stringify(inputs)) this.#history.push(this.#asked);
    this.#asked = inputs;
  }

  async #ask(session: string, settings: BurstSettingsInput, signal: AbortSignal): Promise<void> {
    this.#remember();
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
      if (this.rateText.trim() === '') this.#begin(startingRate(report));
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.running = false;
  }

  /** The rate that the fields begin with is no change of the user's. */
  #begin(rate: string): void {
    this.rateText = rate;
    this.#start = this.#inputs;
    this.#asked = this.#inputs;
  }

  forget(): void {
    Object.assign(this, { rateText: '', peakRateText: '' });
    this.#history.clear();
    this.#asked = null;
    this.#start = START;
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
  return rateText(curve.find(({ rateBps }) => rateBps >= 2 * meanBps)?.rateBps ?? MAX_RATE_BPS);
}

/** A rate as one would type it: `3 Mbit/s`. */
function rateText(rateBps: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  const unit = Math.min(4, Math.floor(Math.log10(rateBps) / 3));
  return `${String(rateBps / 1_000 ** unit)}${units[unit] ?? ' '}bit/s`;
}

export const analysisState = sharedState((app) => new AnalysisState(app));
