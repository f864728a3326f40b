/** Axes whose ends and ticks are 1, 2 or 5 times a power of ten, and that rescale in steps: a moving figure does not make its chart move. */

/** Smallest of 1, 2, 5 x 10^n that is at least `value`. */
export function niceCeil(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 5, 10]) {
    // A hair of slack: 0.3 / 0.1 is not 3 in binary.
    if (value <= factor * power * (1 + 1e-12)) return factor * power;
  }
  return 10 * power;
}

export interface Ticks {
  readonly step: number;
  readonly values: readonly number[];
}

/** Ticks between two ends, both included where they fall on the step, at most `most` of them. */
export function ticksBetween(from: number, to: number, most: number): Ticks {
  const span = to - from;
  if (!(span > 0) || most < 1) return { step: 1, values: [] };
  const step = niceCeil(span / most);
  const values: number[] = [];
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  for (let i = first; i <= last; i++) values.push(i * step + 0);
  return { step, values };
}

/** An axis from 0 to a nice top. It grows at once when it must and shrinks only when less than a quarter of it is used. */
export class SteppedAxis {
  #top: number;
  readonly #least: number;

  constructor(least: number) {
    this.#least = niceCeil(least);
    this.#top = this.#least;
  }

  get top(): number {
    return this.#top;
  }

  /** Takes the largest value in sight; answers whether the axis changed. */
  fit(largest: number): boolean {
    const wanted = Math.max(this.#least, niceCeil(largest));
    if (wanted > this.#top || largest < this.#top / 4) {
      const changed = wanted !== this.#top;
      this.#top = wanted;
      return changed;
    }
    return false;
  }
}

/** Linear map between a domain and pixels. A domain without extent maps to the first pixel. */
export interface LinearScale {
  toPixel(value: number): number;
  fromPixel(pixel: number): number;
}

export function linearScale(from: number, to: number, firstPx: number, lastPx: number): LinearScale {
  const span = to - from;
  const width = lastPx - firstPx;
  return {
    toPixel: (value) => (span === 0 ? firstPx : firstPx + ((value - from) / span) * width),
    fromPixel: (pixel) => (width === 0 ? from : from + ((pixel - firstPx) / width) * span),
  };
}
