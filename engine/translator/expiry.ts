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
const FIRST_HEAP = 64;

/** A float just below the start of a part, so that rounding never makes the clock look at a wheel too late. */
const JUST_BELOW = 1 - 2 ** -50;

/**
 * Ends of entries that share one lifetime. A packet changes only the time of its entry; the wheel holds the end as it was when the entry
 * was put in, and asks for the present one when that comes near. So an entry that is used moves once a lifetime, and one that is not
 * ends at the nanosecond it should.
 *
 *   places   128 lists by end; those of one place end within one 64th of a lifetime
 *   heap     entries of places that have begun, by end and then by number
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
  private heapEnds = new Float64Array(FIRST_HEAP);
  private heapEntries = new Int32Array(FIRST_HEAP);
  private heapCount = 0;

  constructor(layout: WheelLayout, lifetimeNs: number) {
    this.layout = layout;
    this.lifetimeNs = lifetimeNs;
    this.widthNs = lifetimeNs / PARTS;
  }

  get bytes(): number {
    return this.heads.byteLength + this.heapEnds.byteLength + this.heapEntries.byteLength;
  }

  /** Before this time there is nothing to do. */
  nextNs(): number {
    const place = this.linked > 0 ? (this.emptied + 1) * this.widthNs * JUST_BELOW : Number.POSITIVE_INFINITY;
    return this.heapCount > 0 ? Math.min(place, this.heapEnds[0]!) : place;
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
      if (this.heapCount > 0 && this.heapEnds[0]! <= nowNs) return this.pop();
      if (this.emptied >= last || this.linked === 0) return -1;
      this.empty(++this.emptied);
    }
  }

  isLinked(e: number): boolean {
    return this.layout.words[e * this.layout.stride + this.layout.previous] !== DUE;
  }

  /** Entries of a place that were used since move on to the place of their present end; the others go to the heap. */
  private empty(place: number): void {
    const { words, stride, next, previous } = this.layout;
    const slot = place & PLACE_MASK;
    let e = this.heads[slot]!;
    this.heads[slot] = -1;
    while (e >= 0) {
      const after = words[e * stride + next]!;
      words[e * stride + previous] = DUE;
      this.linked--;
      const end = this.sinceNs(e) + this.lifetimeNs;
      if (Math.floor(end / this.widthNs) > place) this.link(e);
      else this.push(e, end);
      e = after;
    }
  }

  private push(e: number, end: number): void {
    if (this.heapCount === this.heapEnds.length) this.grow();
    const { heapEnds, heapEntries } = this;
    let at = this.heapCount++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(end, e, heapEnds[parent]!, heapEntries[parent]!)) break;
      heapEnds[at] = heapEnds[parent]!;
      heapEntries[at] = heapEntries[parent]!;
      at = parent;
    }
    heapEnds[at] = end;
    heapEntries[at] = e;
  }

  private pop(): number {
    const { heapEnds, heapEntries } = this;
    const top = heapEntries[0]!;
    const count = --this.heapCount;
    const end = heapEnds[count]!;
    const e = heapEntries[count]!;
    let at = 0;
    for (let child = 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && before(heapEnds[child + 1]!, heapEntries[child + 1]!, heapEnds[child]!, heapEntries[child]!)) child++;
      if (!before(heapEnds[child]!, heapEntries[child]!, end, e)) break;
      heapEnds[at] = heapEnds[child]!;
      heapEntries[at] = heapEntries[child]!;
      at = child;
    }
    heapEnds[at] = end;
    heapEntries[at] = e;
    return top;
  }

  private grow(): void {
    const ends = new Float64Array(this.heapEnds.length * 2);
    const entries = new Int32Array(ends.length);
    ends.set(this.heapEnds);
    entries.set(this.heapEntries);
    this.heapEnds = ends;
    this.heapEntries = entries;
  }
}

function before(endA: number, a: number, endB: number, b: number): boolean {
  return endA < endB || (endA === endB && a < b);
}
