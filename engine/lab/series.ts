import type { Pool, Ring } from '../stack/index.ts';
import type { QueueSeries, SeriesOptions } from './types.ts';

/** Bins at most: two for each pixel of a wide panel is more than can be seen. */
export const MAX_SERIES_BINS = 2_048;

/** Width of the first bins where the end of the input is not known; a power of two, so that lanes fold to common edges. */
const FIRST_BIN_NS = 65_536;

/**
 * Occupancy of the rings and pools of one queue over time, in equal bins from instant 0. The objects keep the maximum since the last
 * look themselves, so between bin edges nothing is done. When the end is not known and the bins run out, they fold in pairs.
 */
export class SeriesRecorder {
  /** Next bin edge on the lab clock; Infinity when the last bin is open to the end. */
  edgeNs: number;
  private binNs: number;
  private readonly bins: number;
  private readonly fixed: boolean;
  private bin = 0;
  private readonly rings: readonly Ring[];
  private readonly pools: readonly Pool[];
  private readonly max: Uint32Array;
  private readonly last: Uint32Array;
  private readonly drops: Uint32Array;
  private readonly seenDrops: Float64Array;

  constructor(options: SeriesOptions, rings: readonly Ring[], pools: readonly Pool[]) {
    const bins = Math.max(2, Math.min(MAX_SERIES_BINS, Math.floor(options.bins ?? 1_024)));
    this.bins = bins - (bins & 1);
    this.fixed = options.durationNs !== undefined;
    this.binNs = options.durationNs === undefined ? FIRST_BIN_NS : Math.max(1, Math.ceil((options.durationNs + 1) / this.bins));
    this.edgeNs = this.binNs;
    this.rings = rings;
    this.pools = pools;
    const objects = rings.length + pools.length;
    this.max = new Uint32Array(objects * this.bins);
    this.last = new Uint32Array(objects * this.bins);
    this.drops = new Uint32Array(objects * this.bins);
    this.seenDrops = new Float64Array(objects);
  }

  /** Closes the bin that ends at `edgeNs`. */
  flush(): void {
    this.write(true);
    this.bin++;
    if (this.bin === this.bins) {
      if (this.fixed) {
        this.bin--;
        this.edgeNs = Number.POSITIVE_INFINITY;
        return;
      }
      this.fold();
    }
    this.edgeNs = (this.bin + 1) * this.binNs;
  }

  /** Starts at an instant other than 0, after a snapshot was restored. */
  startAt(tNs: number): void {
    while (!this.fixed && tNs >= this.binNs * this.bins) this.binNs *= 2;
    this.bin = Math.min(this.bins - 1, Math.floor(tNs / this.binNs));
    this.edgeNs = this.fixed && this.bin === this.bins - 1 ? Number.POSITIVE_INFINITY : (this.bin + 1) * this.binNs;
    for (let o = 0; o < this.seenDrops.length; o++) this.seenDrops[o] = this.dropsOf(o);
  }

  /** What has been recorded, the open bin included. */
  result(): QueueSeries {
    this.write(false);
    return { binNs: this.binNs, bins: this.bins, filled: this.bin + 1, max: this.max, last: this.last, drops: this.drops };
  }

  private dropsOf(o: number): number {
    return o < this.rings.length ? this.rings[o]!.drops : this.pools[o - this.rings.length]!.failures;
  }

  private write(close: boolean): void {
    const { rings, pools, bins, bin } = this;
    const objects = rings.length + pools.length;
    for (let o = 0; o < objects; o++) {
      const object = o < rings.length ? rings[o]! : pools[o - rings.length]!;
      const at = o * bins + bin;
      const windowMax = close ? object.takeWindowMax() : object.windowMax;
      if (windowMax > this.max[at]!) this.max[at] = windowMax;
      this.last[at] = object.used;
      const drops = this.dropsOf(o);
      this.drops[at]! += drops - this.seenDrops[o]!;
      this.seenDrops[o] = drops;
    }
  }

  private fold(): void {
    const half = this.bins / 2;
    foldPairs(this.max, this.last, this.drops, this.rings.length + this.pools.length, this.bins);
    this.bin = half;
    this.binNs *= 2;
  }
}

/** Folds bins in pairs: the larger maximum, the later last value, the sum of drops. The upper half becomes empty. */
export function foldPairs(max: Uint32Array, last: Uint32Array, drops: Uint32Array, objects: number, bins: number): void {
  const half = bins / 2;
  for (let o = 0; o < objects; o++) {
    const at = o * bins;
    for (let b = 0; b < half; b++) {
      const left = at + 2 * b;
      max[at + b] = Math.max(max[left]!, max[left + 1]!);
      last[at + b] = last[left + 1]!;
      drops[at + b] = drops[left]! + drops[left + 1]!;
    }
    max.fill(0, at + half, at + bins);
    last.fill(0, at + half, at + bins);
    drops.fill(0, at + half, at + bins);
  }
}
