import type { Random } from '../../base/index.ts';
import type { Family } from '../addresses.ts';
import type { EventClock } from '../clock.ts';
import type { PimMessage } from '../messages/index.ts';

/** Answer of the multicast routing table. The neighbour is an address on the interface, empty where the looked-up address is on it itself. */
export interface PimRoute {
  readonly iface: number;
  readonly neighbour: string;
  readonly metric: number;
  readonly preference: number;
}

export interface PimNote {
  readonly kind: string;
  /** -1 where no interface is concerned. */
  readonly iface: number;
  readonly source: string;
  readonly group: string;
  readonly text: string;
}

/** What PIM of one family needs of the router around it. Masks are of interface numbers. */
export interface PimHost {
  readonly family: Family;
  readonly clock: EventClock;
  readonly random: Random;
  rpf(address: string): PimRoute | undefined;
  isOwn(address: string): boolean;
  send(iface: number, message: PimMessage): void;
  unicast(message: PimMessage, destination: string): void;
  /** Least MTU of the links to an address, in bytes. */
  pathMtu(address: string): number;
  /** Tells the source of an IPv6 packet that it is too large for a way of this MTU. */
  tooBig(packet: Uint8Array, mtuBytes: number): void;
  /** Interfaces with local receivers of any source, of this source, and of any but this one. */
  includeAny(group: string): number;
  includeSource(source: string, group: string): number;
  excludes(source: string, group: string): number;
  /** The last word on joining upstream: a translation router asks its path choice (M-10). `own` is what PIM of this family wants. */
  joinDesired(source: string, group: string, own: boolean): boolean;
  /** The other family of a translation router wants the tree. A question only: it changes nothing. */
  wantedElsewhere(source: string, group: string): boolean;
  /** Lists or the upstream state of a tree may have changed. */
  changed(source: string, group: string): void;
  /** A registered packet that the rendezvous point sends down the tree. */
  decapsulated(packet: Uint8Array, source: string, group: string): void;
  note(note: PimNote): void;
}
