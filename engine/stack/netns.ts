import { err, ok, type Result } from '../base/index.ts';

/**
 * Port reservations shared by the BSD stack and all user stacks (S-05, S-06): a local port belongs to one stack. A
 * reservation of every address conflicts with one of a particular address of its family, and one of both families with either. Under the
 * same owner reservations may stand beside each other: where both say `reuse`, and where one listens and the other is connected.
 */
export interface Reservation {
  readonly protocol: 'tcp' | 'udp';
  readonly localPort: number;
  /** IP version; undefined is both, as an IPv6 socket that takes IPv4 too. */
  readonly family?: 4 | 6;
  /** Address as text; undefined is every address of the family. */
  readonly address?: string;
  /** What it is for; a listener when left out. */
  readonly use?: 'listener' | 'connected';
  /** Stack instance that owns the port. */
  readonly owner: string;
  /** Several reservations of the same owner may stand beside each other. */
  readonly reuse?: boolean;
}

/** Reservations held at most: every port of both protocols, twice. */
export const MAX_RESERVATIONS = 4 * 65_536;

export interface ReservationConflict {
  readonly message: string;
  readonly holder: Reservation | null;
}

export class Netns {
  private readonly byPort = new Map<string, Reservation[]>();
  private held = 0;

  get size(): number {
    return this.held;
  }

  reserve(wanted: Reservation): Result<Reservation, ReservationConflict> {
    if (!Number.isInteger(wanted.localPort) || wanted.localPort < 1 || wanted.localPort > 65_535) {
      return err({ message: `${String(wanted.localPort)} is not a port`, holder: null });
    }
    if (this.held >= MAX_RESERVATIONS) return err({ message: 'no room for another reservation', holder: null });
    const key = `${wanted.protocol}/${String(wanted.localPort)}`;
    const list = this.byPort.get(key) ?? [];
    for (const holder of list) {
      if (!overlaps(holder, wanted) || (holder.owner === wanted.owner && mayShare(holder, wanted))) continue;
      return err({ message: `${wanted.protocol} port ${String(wanted.localPort)} is owned by ${holder.owner}`, holder });
    }
    list.push(wanted);
    this.byPort.set(key, list);
    this.held++;
    return ok(wanted);
  }

  /** What is held, in the order of protocols and ports. */
  list(): Reservation[] {
    return [...this.byPort.values()]
      .flat()
      .sort((a, b) => (a.protocol === b.protocol ? a.localPort - b.localPort : a.protocol < b.protocol ? -1 : 1));
  }

  release(reservation: Reservation): boolean {
    const key = `${reservation.protocol}/${String(reservation.localPort)}`;
    const list = this.byPort.get(key);
    const at = list?.indexOf(reservation) ?? -1;
    if (list === undefined || at < 0) return false;
    list.splice(at, 1);
    if (list.length === 0) this.byPort.delete(key);
    this.held--;
    return true;
  }

  /** Releases all that an owner holds and returns how many: a stack that goes leaves nothing behind. */
  releaseOwner(owner: string): number {
    let released = 0;
    for (const [key, list] of this.byPort) {
      const left = list.filter((r) => r.owner !== owner);
      released += list.length - left.length;
      if (left.length === 0) this.byPort.delete(key);
      else this.byPort.set(key, left);
    }
    this.held -= released;
    return released;
  }
}

function overlaps(a: Reservation, b: Reservation): boolean {
  if (a.family !== undefined && b.family !== undefined && a.family !== b.family) return false;
  return a.address === undefined || b.address === undefined || a.address === b.address;
}

function mayShare(a: Reservation, b: Reservation): boolean {
  if (a.reuse === true && b.reuse === true) return true;
  return a.use === 'connected' || b.use === 'connected';
}
