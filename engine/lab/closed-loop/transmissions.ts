/** Places to begin with. */
const FIRST_PLACES = 1_024;

/**
 * What is on its way: one place for each segment that was sent and not lost, with the time stamp that it carries (TSval of RFC 7323
 * section 3), and afterwards for the acknowledgment that answers it, with the stamp that this gives back (TSecr).
 */
export class Transmissions {
  /** Segment, or what is acknowledged. */
  segment = new Int32Array(FIRST_PLACES);
  stampNs = new Float64Array(FIRST_PLACES);
  private free: number[] = [];
  private fresh = 0;

  take(segment: number, stampNs: number): number {
    const place = this.free.pop() ?? this.fresh++;
    if (place === this.segment.length) this.grow();
    this.segment[place] = segment;
    this.stampNs[place] = stampNs;
    return place;
  }

  release(place: number): void {
    this.free.push(place);
  }

  private grow(): void {
    const { segment, stampNs } = this;
    this.segment = new Int32Array(2 * segment.length);
    this.segment.set(segment);
    this.stampNs = new Float64Array(2 * stampNs.length);
    this.stampNs.set(stampNs);
  }
}
