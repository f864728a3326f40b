import { MULTICAST_DROPS, type MulticastDrop } from '../../contract/index.ts';

const DROP = Object.fromEntries(MULTICAST_DROPS.map((name, i) => [name, i])) as Readonly<Record<MulticastDrop, number>>;

/** What the forwarding path of a router counts, in packets. */
export class ForwardCounts {
  readonly drops = new Float64Array(MULTICAST_DROPS.length);
  packetsIn = 0;
  packetsOut = 0;
  translated = 0;
  encapsulated = 0;
  decapsulated = 0;
  fragments = 0;
  /** Place in MULTICAST_DROPS of the reason of the last drop, -1 where the last packet met none. */
  lastDrop = -1;

  drop(reason: MulticastDrop): void {
    this.lastDrop = DROP[reason];
    this.drops[this.lastDrop]!++;
  }

  /** How often packets were dropped for a reason. */
  dropped(reason: MulticastDrop): number {
    return this.drops[DROP[reason]]!;
  }
}
