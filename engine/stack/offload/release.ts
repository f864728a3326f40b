/**
 * When the packets of a batch are released to a port (V-14): when the batch is complete, when something happens that the port wants to know at
 * once, or when the first of them has waited long enough. With a timeout of 0 a batch is one poll of the switch.
 */
export const RELEASE_CAUSES = ['poll-end', 'complete', 'event', 'timeout', 'end'] as const;
export type ReleaseCause = (typeof RELEASE_CAUSES)[number];

export interface ReleaseOptions {
  /** Packets of the input that make a batch complete. */
  readonly packets: number;
  readonly timeoutNs: number;
}

export class BatchRelease {
  /** Packets of the input in the batch, and when the first was switched. */
  waiting = 0;
  firstNs = 0;
  private event = false;
  private readonly options: ReleaseOptions;

  constructor(options: ReleaseOptions) {
    this.options = options;
  }

  /** Instant at which the batch has waited long enough; infinite while there is none. */
  get deadlineNs(): number {
    return this.waiting === 0 || this.options.timeoutNs === 0 ? Number.POSITIVE_INFINITY : this.firstNs + this.options.timeoutNs;
  }

  /** Counts a packet in. `event`: the port wants to know of it at once (PSH, or no data of a flow at all). */
  add(tNs: number, event: boolean): void {
    if (this.waiting === 0) this.firstNs = tNs;
    this.waiting++;
    this.event ||= event;
  }

  /** Asked after each packet, and at the end of a poll. */
  cause(pollEnd: boolean): ReleaseCause | undefined {
    if (this.waiting === 0) return undefined;
    if (this.options.timeoutNs === 0) return pollEnd ? 'poll-end' : undefined;
    if (this.waiting >= this.options.packets) return 'complete';
    return pollEnd && this.event ? 'event' : undefined;
  }

  released(): void {
    this.waiting = 0;
    this.event = false;
  }
}
