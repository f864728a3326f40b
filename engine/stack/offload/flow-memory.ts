/**
 * What the receive path remembers of a flow from one batch to the next, in a table of fixed size that each flow has one place in: where the
 * last aggregate ended, to tell a batch end from a new flow, and the largest recent size (V-10). A flow that falls on the place of
 * another takes it over; that is counted, and costs nothing but these two facts.
 */
const ENTRIES = 8_192;

export class FlowMemory {
  evictions = 0;
  private readonly hash = new Int32Array(ENTRIES);
  private readonly known = new Uint8Array(ENTRIES);
  private readonly nextSeq = new Float64Array(ENTRIES).fill(-1);
  private readonly largest = new Float64Array(ENTRIES);

  private at(hash: number): number {
    const i = (hash ^ (hash >>> 13)) & (ENTRIES - 1);
    if (this.known[i] === 1 && this.hash[i] !== hash) {
      this.evictions++;
      this.known[i] = 0;
    }
    if (this.known[i] === 0) {
      this.known[i] = 1;
      this.hash[i] = hash;
      this.nextSeq[i] = -1;
      this.largest[i] = 0;
    }
    return i;
  }

  /** Remembers where a flow's aggregate ended because its batch did; -1 where it ended for another reason. */
  ended(hash: number, nextSeq: number): void {
    this.nextSeq[this.at(hash)] = nextSeq;
  }

  /** Whether a sequence number goes on where a batch end cut the flow. */
  goesOn(hash: number, seq: number): boolean {
    return this.nextSeq[this.at(hash)] === seq;
  }

  /** Largest recent size of a flow's packets, bytes. */
  largestBytes(hash: number): number {
    return this.largest[this.at(hash)]!;
  }

  /** Moves the largest recent size a quarter of the way toward what was seen (V-10). */
  observe(hash: number, lenBytes: number): void {
    const i = this.at(hash);
    const before = this.largest[i]!;
    this.largest[i] = before + (lenBytes - before) / 4;
  }
}
