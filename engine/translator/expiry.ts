/** Where an entry has what wheels need: two link words, and the time it was last heard of, lab nanoseconds. */
export interface WheelLayout {
  readonly words: Int32Array;
  /** The same memory. */
  readonly times: Float64Array;
  /** Words of an entry, an even number. */
  readonly stride: number;
  /** Offsets of the link words. */
  readonly next: number;
  readonly previous: number;
  /** Offset of the time in `times`. */
  readonly since: number;
}

/** Parts of a lifetime that a wheel tells apart; within one, times are exact. */
const PARTS = 64;
/** Two lifetimes of places: an end is at most one lifetime ahead, and never meets the place being emptied. */
const PLACES = 2 * PARTS;
const PLACE_MASK = PLACES - 1;

/** `previous` of an entry that a wheel has taken out because its part of the lifetime has begun. */
const DUE = -0x8000_0000;
const FIRST_DUE = 64;

/** A float just below the start of a part, so that rounding never makes the clock look at a wheel too late. */
const JUST_BELOW = 1 - 2 ** -50;

/**
 * Ends of entries that share one lifetime. A packet changes only the time of its entry; the wheel holds the end as it was when the entry
 * was put in, and asks for the present one when that comes near. So an entry that is used moves once a lifetime, and one that is not
 * ends at the nanosecond it should.
 *
 *   places   128 lists by end; those of one place end within one 64th of a lifetime
 *   due      numbers of the entries whose place has begun, by end and then by number; 4 bytes each. One that is used after that ends in a later
 *            place, so what has not moved is in order, and no end needs to be kept beside the number
 */
export class ExpiryWheel {
  readonly lifetimeNs: number;
  private readonly layout: WheelLayout;
  private readonly widthNs: number;
  private readonly heads = new Int32Array(PLACES).fill(-1);
  /** Last place that was emptied, counted from time 0. */
  private emptied = 0;
  /** Entries in lists. */
  private linked = 0;
  private due = new Int32Array(FIRST_DUE);
  /** The next one, and how many there are. */
  private dueAt = 0;
  private dueCount = 0;

  constructor(layout: WheelLayout, lifetimeNs: number) {
    this.layout = layout;
    this.lifetimeNs = lifetimeNs;
    this.widthNs = lifetimeNs / PARTS;
  }

  get bytes(): number {
    return this.heads.byteLength + this.due.byteLength;
  }

  /** Before this time there is nothing to do. */
  nextNs(): number {
    const place = this.linked > 0 ? (this.emptied + 1) * this.widthNs * JUST_BELOW : Number.POSITIVE_INFINITY;
    if (this.dueAt === this.dueCount) return place;
    const end = this.endNs(this.due[this.dueAt]!);
    // One that has moved hides the end of the next one: it is taken out at once.
    return Math.min(place, this.isLater(end) ? Number.NEGATIVE_INFINITY : end);
  }

  private endNs(e: number): number {
    return this.sinceNs(e) + this.lifetimeNs;
  }

  /** An end in a place after the one that has begun. */
  private isLater(endNs: number): boolean {
    return Math.floor(endNs / this.widthNs) > this.emptied;
  }

  private sinceNs(e: number): number {
    return this.layout.times[(e * this.layout.stride) / 2 + this.layout.since]!;
  }

  /** Puts in an entry that is in no list. */
  link(e: number): void {
    const sinceNs = this.sinceNs(e);
    if (this.linked === 0) this.emptied = Math.max(this.emptied, Math.floor(sinceNs / this.widthNs));
    const place = Math.floor((sinceNs + this.lifetimeNs) / this.widthNs);
    const { words, stride, next, previous } = this.layout;
    const slot = place & PLACE_MASK;
    const head = this.heads[slot]!;
    words[e * stride + next] = head;
    words[e * stride + previous] = -1 - slot;
    if (head >= 0) words[head * stride + previous] = e;
    this.heads[slot] = e;
    this.linked++;
  }

  /** Takes an entry out of its list. */
  unlink(e: number): void {
    const { words, stride, next, previous } = this.layout;
    const before = words[e * stride + previous]!;
    if (before === DUE) return;
    const after = words[e * stride + next]!;
    if (before >= 0) words[before * stride + next] = after;
    else this.heads[-1 - before] = after;
    if (after >= 0) words[after * stride + previous] = before;
    words[e * stride + previous] = DUE;
    this.linked--;
  }

  /**
   * The next entry whose end may have come by `nowNs`, -1 for none. The caller looks at it: if it is this wheel's and not
   * `isLinked`, it has ended or, used since, is put in again.
   */
  takeDue(nowNs: number): number {
    const last = Math.floor(nowNs / this.widthNs);
    for (;;) {
      if (this.dueAt < this.dueCount) {
        const e = this.due[this.dueAt]!;
        const end = this.endNs(e);
        if (end > nowNs && !this.isLater(end)) return -1;
        this.dueAt++;
        return e;
      }
      if (this.emptied >= last || this.linked === 0) return -1;
      this.empty(++this.emptied);
    }
  }

  isLinked(e: number): boolean {
    return this.layout.words[e * this.layout.stride + this.layout.previous] !== DUE;
  }

  /** Entries of a place that were used since move on to the place of their present end; the others are due. */
  private empty(place: number): void {
    const { words, stride, next, previous } = this.layout;
    const slot = place & PLACE_MASK;
    this.dueAt = 0;
    this.dueCount = 0;
    let e = this.heads[slot]!;
    this.heads[slot] = -1;
    while (e >= 0) {
      const after = words[e * stride + next]!;
      words[e * stride + previous] = DUE;
      this.linked--;
      if (this.isLater(this.endNs(e))) this.link(e);
      else {
        if (this.dueCount === this.due.length) this.grow();
        this.due[this.dueCount++] = e;
      }
      e = after;
    }
    this.sort();
  }

  /** Lists have the last one first: mostly turning them round is all. */
  private sort(): void {
    const { due, dueCount: count } = this;
    due.subarray(0, count).reverse();
    let sorted = 1;
    while (sorted < count && this.before(due[sorted - 1]!, due[sorted]!)) sorted++;
    if (sorted >= count) return;
    for (let i = (count >> 1) - 1; i >= 0; i--) this.sink(i, count);
    for (let last = count - 1; last > 0; last--) {
      const e = due[last]!;
      due[last] = due[0]!;
      due[0] = e;
      this.sink(0, last);
    }
  }

  /** Moves the number at `at` down a heap of `count` that has the last end on top. */
  private sink(at: number, count: number): void {
    const { due } = this;
    const e = due[at]!;
    let hole = at;
    for (let child = 2 * hole + 1; child < count; child = 2 * hole + 1) {
      if (child + 1 < count && this.before(due[child]!, due[child + 1]!)) child++;
      if (!this.before(e, due[child]!)) break;
      due[hole] = due[child]!;
      hole = child;
    }
    due[hole] = e;
  }

  private before(a: number, b: number): boolean {
    const [endA, endB] = [this.endNs(a), this.endNs(b)];
    return endA < endB || (endA === endB && a < b);
  }

  private grow(): void {
    const wider = new Int32Array(this.due.length * 2);
    wider.set(this.due);
    this.due = wider;
  }
}
