/** Segments that have a place to begin with. */
const FIRST_SEGMENTS = 1_024;

/** The receiving end of one flow: what has come, what is expected next, and the time stamp to echo. */
export class Receiver {
  /** First segment that has not come (RCV.NXT). */
  expected = 0;
  /** TS.Recent of RFC 7323 section 4.3: the stamp that acknowledgments give back. */
  stampNs = 0;
  private got = new Uint8Array(FIRST_SEGMENTS);

  has(segment: number): boolean {
    return this.got[segment] === 1;
  }

  /** Takes a segment. It is acknowledged at once, so the last acknowledgment was for everything before `expected`. */
  take(segment: number, stampNs: number): void {
    if (stampNs >= this.stampNs && segment <= this.expected) this.stampNs = stampNs;
    if (segment >= this.got.length) this.grow(segment);
    this.got[segment] = 1;
    while (this.got[this.expected] === 1) this.expected++;
  }

  private grow(segment: number): void {
    const more = new Uint8Array(2 ** Math.ceil(Math.log2(segment + 1)));
    more.set(this.got);
    this.got = more;
  }
}
