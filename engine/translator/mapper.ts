import type { PacketView } from './packet-view.ts';
import type { PlainMapper } from './plain-path.ts';

/** Port or ICMP identifier stays as it is. */
export const KEEP_PORT = -1;

/**
 * Gives addresses, and for stateful translation ports, of the other family. The results stay in the fields until the next
 * call. `inner` is for the packet quoted inside an ICMP error: it travelled the opposite way. Calls return a reason, 0 for
 * fine.
 */
export interface AddressMapper {
  source4: number;
  destination4: number;
  /** Source in bytes 0 to 15, destination in 16 to 31. */
  readonly addresses6: Uint8Array;
  sourcePort: number;
  destinationPort: number;
  /** The translated packet's destination is on the side it came from. */
  hairpin: boolean;
  /** After map64 of an ICMP error: its source is of the pool for routers without an IPv4 address (RFC 6791). */
  readonly poolSource?: boolean;
  /** The same mapping for plain packets, the short way; none where the mapper has no such way. */
  readonly plain?: PlainMapper | null;
  map64(view: PacketView, inner: boolean, nowNs: number): number;
  map46(view: PacketView, inner: boolean, nowNs: number, hairpinned: boolean): number;
}
