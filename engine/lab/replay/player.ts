/**
 * What the transport moves: an input and the pipeline behind it. Packet numbers are 1-based in file order. Where time goes
 * backwards in a file, a packet's time here is that of the latest packet up to it, so that times never fall.
 */
export interface Player {
  /** Packets of the input. */
  readonly packets: number;
  /** End of the input on the lab clock: at or after the last packet. */
  readonly endNs: number;
  /** Where the pipeline is: everything up to this instant has happened. */
  readonly tNs: number;
  /** Number of the last packet fed, 0 before the first. */
  readonly packet: number;
  /** Time of a packet, ns on the lab clock. */
  timeOf(packet: number): number;
  /** Number of the last packet at or before a time, 0 if none. */
  packetAt(tNs: number): number;
  /**
   * Feeds the packets after `packet` up to number `last`, at most `limit` of them, and lets everything happen up to the time of
   * the last one fed. Returns how many.
   */
  feed(last: number, limit: number): number;
  /** Lets everything happen up to `tNs`, which is before the next packet. */
  advance(tNs: number): void;
  /** True where `restore` leads so much nearer to a place ahead that it is worth its while. */
  leads(packet: number, tNs: number): boolean;
  /** Goes to any known state in which no packet after `packet` has been fed and that is not later than `tNs`: a snapshot, or the start. */
  restore(packet: number, tNs: number): void;
}
