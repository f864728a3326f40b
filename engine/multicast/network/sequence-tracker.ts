/** Sequence numbers that are told apart as seen or not, counted back from the highest one. */
export const WINDOW = 4_096;

/** Counts what came, what came twice and what is missing, of one source. */
export class SequenceTracker {
  /** A bit for each number of the window, at the number modulo WINDOW. */
  private readonly seen = new Uint32Array(WINDOW / 32);
  private first = -1;
  private last = -1;
  received = 0;
  duplicates = 0;

  /** False for a number that came before. */
  take(sequence: number): boolean {
    if (sequence > this.last) this.advance(sequence);
    else if (sequence > this.last - WINDOW && this.isSeen(sequence)) {
      this.duplicates++;
      return false;
    }
    // A number from before the window counts as new, but has no bit any more.
    if (sequence > this.last - WINDOW) this.seen[(sequence % WINDOW) >>> 5]! |= 1 << (sequence & 31);
    if (this.first < 0 || sequence < this.first) this.first = sequence;
    this.received++;
    return true;
  }

  private isSeen(sequence: number): boolean {
    return (this.seen[(sequence % WINDOW) >>> 5]! & (1 << (sequence & 31))) !== 0;
  }

  /** Moves the window up to a higher number: those that come into it have not been seen. */
  private advance(sequence: number): void {
    if (sequence - this.last >= WINDOW) this.seen.fill(0);
    else for (let next = this.last + 1; next <= sequence; next++) this.seen[(next % WINDOW) >>> 5]! &= ~(1 << (next & 31));
    this.last = sequence;
  }

  get missing(): number {
    return this.first < 0 ? 0 : Math.max(0, this.last - this.first + 1 - this.received);
  }
}
