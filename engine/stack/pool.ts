/**
 * A packet buffer pool (`pbufpool`, S-03): the account of a port's buflets. A packet takes one buflet, or a chain of them if it
 * is longer than a buffer; if too few are free it gets none. A failed allocation is a normal result and is counted. The metadata of
 * the packets is in the queue's PacketStore.
 */
export class Pool {
  readonly id: string;
  /** Buflets in all; a packet takes at least one. */
  readonly packets: number;
  readonly bufferBytes: number;
  /** Buflets in use. */
  used = 0;
  /** Largest `used` since the last call of `takeWindowMax`. */
  windowMax = 0;
  /** Packets that did not get their buflets. */
  failures = 0;
  private high = 0;

  constructor(id: string, packets: number, bufferBytes: number) {
    this.id = id;
    this.packets = packets;
    this.bufferBytes = bufferBytes;
  }

  get highWater(): number {
    return this.high > this.windowMax ? this.high : this.windowMax;
  }

  takeWindowMax(): number {
    const max = this.windowMax;
    if (max > this.high) this.high = max;
    this.windowMax = this.used;
    return max;
  }

  /** Buflets a packet of this length takes. */
  bufletsFor(lenBytes: number): number {
    return lenBytes <= this.bufferBytes ? 1 : Math.ceil(lenBytes / this.bufferBytes);
  }

  /** Takes a packet's buflets, all or none. */
  take(buflets: number): boolean {
    const used = this.used + buflets;
    if (used > this.packets) {
      this.failures++;
      return false;
    }
    this.used = used;
    if (used > this.windowMax) this.windowMax = used;
    return true;
  }

  /** Gives the buflets of a packet back. */
  give(buflets: number): void {
    this.used -= buflets;
  }

  restore(counters: { failures: number; used: number; highWater: number }): void {
    this.failures = counters.failures;
    this.used = counters.used;
    this.high = counters.highWater;
    this.windowMax = this.used;
  }
}
