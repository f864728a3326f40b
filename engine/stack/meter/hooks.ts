import type { MeterParts } from './meter-base.ts';

/** Why a packet was released, for the trace and the cards. */
export const RELEASE_PORTION = 0;
export const RELEASE_FLUSH = 1;
export const RELEASE_BYPASS = 2;

/** Who is told what the meter does. Times stand in `now`, reads in `sockets.readNs`: a float64 argument would cost an allocation. */
export interface MeterHooks {
  /** A packet has left pool and ring for its socket; `cells.buflets` of it go back to the first pool. */
  released(meter: MeterParts, cell: number, rule: number): void;
  /** An application has read a packet. */
  read(meter: MeterParts, cell: number): void;
  /** A packet ends here. `held` says whether its buflets were still those of the first pool. */
  dropped(meter: MeterParts, cell: number, code: number, held: boolean): void;
  /** Data is held for a socket whose buffer is full. */
  stalled(meter: MeterParts, socket: number): void;
  /** A release is over. */
  ticked(meter: MeterParts, portions: number): void;
}
