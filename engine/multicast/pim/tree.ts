import type { Timer } from '../clock.ts';
import type { SourceTrees } from './source-trees.ts';

/** Downstream state of a tree on one interface (RFC 7761 sections 4.5.1 to 4.5.3). NoInfo is the absence of one. */
export interface Downstream {
  readonly iface: number;
  /** Prune pending still counts as joined: another router may object. */
  state: 'join' | 'prune-pending';
  /** End of the expiry timer, infinite for a hold time without end. `expiry` is when that is looked at. */
  untilNs: number;
  expiry: Timer | undefined;
  pending: Timer | undefined;
}

/** Downstream (S,G,rpt) state (section 4.5.3): pruned from the shared tree, or about to be. */
export interface RptDownstream {
  readonly iface: number;
  state: 'prune' | 'prune-pending';
  /** Met a Join(*,G) in the message being read; the state ends with it unless the prune is repeated. */
  doubtful: boolean;
  untilNs: number;
  expiry: Timer | undefined;
  pending: Timer | undefined;
}

export interface AssertMetric {
  readonly rpt: boolean;
  readonly preference: number;
  readonly metric: number;
  readonly address: string;
}

export interface AssertState {
  readonly iface: number;
  state: 'winner' | 'loser';
  winner: AssertMetric;
  /** The interface was the incoming one when the winner was heard. */
  upstream: boolean;
  timer: Timer | undefined;
}

/** Register state of a source at its designated router (section 4.4.1). */
export interface RegisterState {
  state: 'join' | 'prune' | 'join-pending';
  timer: Timer | undefined;
}

const NONE: readonly Downstream[] = [];

/** A (*,G) tree, where `source` is empty, or an (S,G) tree with its (S,G,rpt) part. */
export class Tree {
  readonly group: string;
  readonly source: string;
  down: readonly Downstream[] = NONE;
  asserts: AssertState[] | undefined;
  rptDown: RptDownstream[] | undefined;

  /** Upstream Join/Prune state, and where the Join was sent. */
  joined = false;
  upIface = -1;
  upNeighbour = '';
  /** The neighbour is the winner of an assert. */
  upAssert = false;
  joinTimer: Timer | undefined;

  /** Known by data or a register alone, and counted among the unknown sources. */
  unknown = false;
  /** Data comes on the source tree. */
  spt = false;
  keepalive: Timer | undefined;
  /** The timer is set anew when it runs out before this: data comes too often to move it each time. */
  keepaliveUntilNs = 0;
  register: RegisterState | undefined;
  /** Upstream (S,G,rpt) state is Pruned. */
  rptPruned = false;
  override: Timer | undefined;

  constructor(group: string, source: string) {
    this.group = group;
    this.source = source;
  }

  /** Interfaces as a mask: joins(*,G) or joins(S,G). */
  get joins(): number {
    let mask = 0;
    for (let i = 0; i < this.down.length; i++) mask |= 1 << this.down[i]!.iface;
    return mask;
  }

  /** prunes(S,G,rpt). */
  get rptPrunes(): number {
    let mask = 0;
    for (const each of this.rptDown ?? []) if (each.state === 'prune') mask |= 1 << each.iface;
    return mask;
  }

  assertOn(iface: number): AssertState | undefined {
    return this.asserts?.find((each) => each.iface === iface);
  }
}

/** Trees of one group. */
export interface GroupTrees {
  readonly group: string;
  star: Tree | undefined;
  readonly sources: SourceTrees;
}

export const bit = (iface: number): number => 1 << iface;
export const hasBit = (mask: number, iface: number): boolean => (mask & (1 << iface)) !== 0;

/** Numbers of the interfaces in a mask. */
export function interfacesOf(mask: number): number[] {
  const list: number[] = [];
  for (let rest = mask >>> 0, i = 0; rest !== 0; rest >>>= 1, i++) if ((rest & 1) !== 0) list.push(i);
  return list;
}
