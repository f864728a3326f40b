/**
 * The flow advisory table (S-07): the kernel writes, the application reads. One entry is four words:
 *
 *     word 0  flow number + 1, 0 for an entry that is free
 *          1  flags: VALID, SUSPENDED
 *          2  packets of the flow that were marked CE
 *          3  packets of the flow that have gone through the class queue
 */
export const ADVISORY_WORDS = 4;
export const ADVISORY_VALID = 1;
export const ADVISORY_SUSPENDED = 2;
const W_FLOW = 0;
const W_FLAGS = 1;
const W_CE = 2;
const W_PACKETS = 3;

export interface AdvisoryEntry {
  readonly index: number;
  readonly flow: number;
  readonly suspended: boolean;
  readonly ceCount: number;
  readonly packetCount: number;
}

/** What an application has of the table: it can look, and nothing else. */
export class AdvisoryView {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** The admission test before a send: one load. */
  admitted(index: number): boolean {
    return (this.#words[index * ADVISORY_WORDS + W_FLAGS]! & ADVISORY_SUSPENDED) === 0;
  }

  entry(index: number): AdvisoryEntry | undefined {
    const at = index * ADVISORY_WORDS;
    const flags = this.#words[at + W_FLAGS] ?? 0;
    if ((flags & ADVISORY_VALID) === 0) return undefined;
    return {
      index,
      flow: this.#words[at + W_FLOW]! - 1,
      suspended: (flags & ADVISORY_SUSPENDED) !== 0,
      ceCount: this.#words[at + W_CE]!,
      packetCount: this.#words[at + W_PACKETS]!,
    };
  }
}

export class AdvisoryTable {
  readonly entries: number;
  readonly view: AdvisoryView;
  used = 0;
  /** Flows that found no entry: they are not told to stop. */
  full = 0;
  suspensions = 0;
  resumptions = 0;
  private readonly words: Int32Array;
  private readonly byFlow = new Map<number, number>();

  /** `words` lies in the flow advisory region of the arena. */
  constructor(words: Int32Array) {
    this.words = words;
    this.entries = Math.floor(words.length / ADVISORY_WORDS);
    this.view = new AdvisoryView(words);
  }

  /** Entry of a flow, -1 if it has none. */
  find(flow: number): number {
    return this.byFlow.get(flow) ?? -1;
  }

  /** Entry of a flow, made if there is room; -1 in a full table. */
  claim(flow: number): number {
    const known = this.byFlow.get(flow);
    if (known !== undefined) return known;
    if (this.used === this.entries) {
      this.full++;
      return -1;
    }
    let index = this.used;
    if ((this.words[index * ADVISORY_WORDS + W_FLAGS]! & ADVISORY_VALID) !== 0)
      for (index = 0; (this.words[index * ADVISORY_WORDS + W_FLAGS]! & ADVISORY_VALID) !== 0;) index++;
    this.words.set([flow + 1, ADVISORY_VALID, 0, 0], index * ADVISORY_WORDS);
    this.byFlow.set(flow, index);
    this.used++;
    return index;
  }

  free(flow: number): boolean {
    const index = this.byFlow.get(flow);
    if (index === undefined) return false;
    this.byFlow.delete(flow);
    this.words.fill(0, index * ADVISORY_WORDS, (index + 1) * ADVISORY_WORDS);
    this.used--;
    return true;
  }

  /** Counts a packet of the flow that has left the class queue. */
  count(index: number, marked: boolean): void {
    const at = index * ADVISORY_WORDS;
    this.words[at + W_PACKETS]!++;
    if (marked) this.words[at + W_CE]!++;
  }

  suspended(index: number): boolean {
    return (this.words[index * ADVISORY_WORDS + W_FLAGS]! & ADVISORY_SUSPENDED) !== 0;
  }

  /** True if that changed something. */
  suspend(index: number): boolean {
    if (this.suspended(index)) return false;
    this.words[index * ADVISORY_WORDS + W_FLAGS]! |= ADVISORY_SUSPENDED;
    this.suspensions++;
    return true;
  }

  /** True if that changed something. */
  resume(index: number): boolean {
    if (!this.suspended(index)) return false;
    this.words[index * ADVISORY_WORDS + W_FLAGS]! &= ~ADVISORY_SUSPENDED;
    this.resumptions++;
    return true;
  }

  list(): AdvisoryEntry[] {
    const out: AdvisoryEntry[] = [];
    for (let i = 0; i < this.entries && out.length < this.used; i++) {
      const entry = this.view.entry(i);
      if (entry !== undefined) out.push(entry);
    }
    return out;
  }

  save(): number[] {
    const out = [this.full, this.suspensions, this.resumptions, this.used];
    for (const e of this.list()) out.push(e.index, e.flow, e.suspended ? 1 : 0, e.ceCount, e.packetCount);
    return out;
  }

  restore(get: () => number): void {
    this.words.fill(0);
    this.byFlow.clear();
    [this.full, this.suspensions, this.resumptions, this.used] = [get(), get(), get(), get()];
    for (let n = this.used; n > 0; n--) {
      const [index, flow, suspended] = [get(), get(), get()];
      this.words.set([flow + 1, ADVISORY_VALID | (suspended === 1 ? ADVISORY_SUSPENDED : 0), get(), get()], index * ADVISORY_WORDS);
      this.byFlow.set(flow, index);
    }
  }
}
