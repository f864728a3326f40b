import type { SocketTable } from '../../stack/index.ts';
import { SOCKET_WORDS, S_DROPS, S_STALLS, S_TRACK } from '../../stack/index.ts';

/** Width of a bin to begin with. */
export const FIRST_BURST_BIN_NS = 100_000;
/** Bins at most; when they run out they fold in pairs. 3.2 s at 100 us, a minute at 3.2 ms. */
export const MAX_BURST_BINS = 32_768;
/** Bins to begin with where the end of the input is not known, and for what is still read after a known end. */
const FIRST_BINS = 1_024;
const BINS_AFTER_END = 256;
/** Sockets whose fill is kept. */
export const MAX_TRACKED_SOCKETS = 16;

export const BURST_SUMS = ['arrivedBytes', 'releasedBytes', 'readBytes', 'drops', 'stalls', 'wakeups'] as const;
export const BURST_PEAKS = ['ringUsed', 'ringBytes', 'waiting', 'poolUsed', 'userPoolUsed'] as const;
export const BURST_LASTS = ['ringSlots', 'rateBps', 'tokensBytes', 'intervalUs', 'quality'] as const;
export type BurstColumn = (typeof BURST_SUMS)[number] | (typeof BURST_PEAKS)[number] | (typeof BURST_LASTS)[number];

/** A value over time: what it was stays until it changes. Keeps the largest value of a bin, or the last. */
class Gauge {
  values: Float64Array;
  current = 0;
  /** Last bin with its value in `values`, and last bin that is known: those between have the current value. */
  private bin = 0;
  private seen = 0;
  private readonly peak: boolean;

  constructor(bins: number, peak: boolean) {
    this.values = new Float64Array(bins);
    this.peak = peak;
  }

  /** A value that stays as it is costs a comparison: its bins are written when it changes, or at the end. */
  set(bin: number, value: number): void {
    if (value === this.current && bin >= this.seen) {
      this.seen = bin;
      return;
    }
    this.fillTo(bin > this.seen ? bin : this.seen);
    const { values } = this;
    this.current = value;
    if (!this.peak || value > values[bin]!) values[bin] = value;
  }

  private fillTo(bin: number): void {
    const { values, current } = this;
    for (let b = this.bin + 1; b <= bin; b++) values[b] = current;
    this.bin = bin;
    this.seen = bin;
  }

  /** Everything is forgotten: the gauge belongs to something else from this bin on. */
  restart(bin: number): void {
    this.values.fill(0);
    this.bin = bin;
    this.seen = bin;
    this.current = 0;
  }

  upTo(bin: number): Float64Array {
    this.fillTo(Math.max(bin, this.seen));
    return this.values;
  }

  grow(bins: number): void {
    this.values = grown(this.values, bins);
  }

  /** Bins in pairs. An even last bin has no neighbour yet: its value stays until the next. */
  fold(): void {
    this.fillTo(this.seen);
    const { values, bin } = this;
    if ((bin & 1) === 0 && bin + 1 < values.length) values[bin + 1] = this.current;
    fold(values, this.peak ? 'peak' : 'last', bin + 2);
    this.bin = bin >>> 1;
    this.seen = this.bin;
  }
}

/** What a recorder kept: plain data. Columns are `filled` long, and the recorder's own until it goes on. */
export interface BurstRecording {
  readonly binNs: number;
  readonly filled: number;
  readonly columns: Readonly<Record<BurstColumn, Float64Array>>;
  /** Numbers of tracked sockets, and the largest fill of each by bin. */
  readonly sockets: readonly number[];
  readonly fills: readonly Float64Array[];
}

/** Regulation over time in one queue (1.5): bytes in and out, rings, pools, drain law, socket buffers, in bins of 100 us and up. */
export class BurstRecorder {
  binNs = FIRST_BURST_BIN_NS;
  private bins: number;
  private readonly sums: Float64Array[];
  private readonly peaks: readonly Gauge[];
  private readonly lasts: readonly Gauge[];
  private readonly fills: Gauge[] = [];
  private readonly tracked: number[] = [];
  private lastBin = 0;
  /** Every kept socket has been in trouble: none gives way any more. */
  private settled = false;

  /** With the end of the input in ns, bins are as wide as that asks for from the start. */
  constructor(durationNs?: number) {
    while (durationNs !== undefined && durationNs >= this.binNs * MAX_BURST_BINS) this.binNs *= 2;
    const wanted = durationNs === undefined ? FIRST_BINS : Math.floor(durationNs / this.binNs) + 1 + BINS_AFTER_END;
    this.bins = Math.min(MAX_BURST_BINS, wanted);
    this.sums = BURST_SUMS.map(() => new Float64Array(this.bins));
    this.peaks = BURST_PEAKS.map(() => new Gauge(this.bins, true));
    this.lasts = BURST_LASTS.map(() => new Gauge(this.bins, false));
  }

  /** The bin of an instant. */
  bin(tNs: number): number {
    let bin = Math.floor(tNs / this.binNs);
    while (bin >= this.bins) {
      this.widen();
      bin = Math.floor(tNs / this.binNs);
    }
    if (bin > this.lastBin) this.lastBin = bin;
    return bin;
  }

  sum(column: number, bin: number, value: number): void {
    this.sums[column]![bin]! += value;
  }

  peak(column: number, bin: number, value: number): void {
    this.peaks[column]!.set(bin, value);
  }

  last(column: number, bin: number, value: number): void {
    this.lasts[column]!.set(bin, value);
  }

  /** Fill of a socket. The first sockets seen are kept; one in trouble takes the place of one that never was. */
  fill(sockets: SocketTable, socket: number, bin: number, bytes: number): void {
    const { words } = sockets;
    const w = socket * SOCKET_WORDS;
    let track = words[w + S_TRACK]!;
    if (track === 0) {
      track = this.track(words, socket, bin);
      if (track === 0) return;
      words[w + S_TRACK] = track;
    }
    this.fills[track - 1]!.set(bin, bytes);
  }

  private track(words: Int32Array, socket: number, bin: number): number {
    if (this.fills.length < MAX_TRACKED_SOCKETS) {
      this.tracked.push(socket);
      return this.fills.push(new Gauge(this.bins, true));
    }
    const trouble = (s: number): boolean => words[s * SOCKET_WORDS + S_DROPS] !== 0 || words[s * SOCKET_WORDS + S_STALLS] !== 0;
    if (this.settled || !trouble(socket)) return 0;
    const place = this.tracked.findIndex((s) => !trouble(s));
    this.settled = place < 0;
    if (this.settled) return 0;
    words[this.tracked[place]! * SOCKET_WORDS + S_TRACK] = 0;
    this.tracked[place] = socket;
    this.fills[place]!.restart(bin);
    return place + 1;
  }

  /** More bins, or wider ones. */
  private widen(): void {
    const { sums } = this;
    const gauges = [...this.peaks, ...this.lasts, ...this.fills];
    if (this.bins < MAX_BURST_BINS) {
      const bins = Math.min(MAX_BURST_BINS, 2 * this.bins);
      for (let i = 0; i < sums.length; i++) sums[i] = grown(sums[i]!, bins);
      for (const gauge of gauges) gauge.grow(bins);
      this.bins = bins;
      return;
    }
    for (const values of sums) fold(values, 'sum', this.lastBin + 1);
    for (const gauge of gauges) gauge.fold();
    this.binNs *= 2;
    this.lastBin >>>= 1;
  }

  result(): BurstRecording {
    const filled = this.lastBin + 1;
    const cut = (values: Float64Array): Float64Array => values.subarray(0, filled);
    const gauges = [...this.peaks, ...this.lasts].map((gauge) => cut(gauge.upTo(this.lastBin)));
    const all = [...this.sums.map(cut), ...gauges];
    const names = [...BURST_SUMS, ...BURST_PEAKS, ...BURST_LASTS];
    const columns = Object.fromEntries(names.map((name, i) => [name, all[i]!])) as Record<BurstColumn, Float64Array>;
    const fills = this.fills.map((gauge) => cut(gauge.upTo(this.lastBin)));
    return { binNs: this.binNs, filled, columns, sockets: [...this.tracked], fills };
  }
}

function grown(values: Float64Array, bins: number): Float64Array {
  const bigger = new Float64Array(bins);
  bigger.set(values);
  return bigger;
}

/** How two bins become one: their sum, the larger value, the later value. */
export type Join = 'sum' | 'peak' | 'last';

/** Joins the first `used` bins in pairs, in place; what they leave is empty. */
export function fold(values: Float64Array, join: Join, used: number): void {
  const end = Math.min(values.length, used + (used & 1));
  const half = end >>> 1;
  if (join === 'sum') for (let b = 0; b < half; b++) values[b] = values[2 * b]! + values[2 * b + 1]!;
  else if (join === 'last') for (let b = 0; b < half; b++) values[b] = values[2 * b + 1]!;
  else for (let b = 0; b < half; b++) values[b] = Math.max(values[2 * b]!, values[2 * b + 1]!);
  values.fill(0, half, end);
}
