import { err, ok, type Result } from '../base/index.ts';

/**
 * Port reservations shared by the BSD stack and all user stacks (S-05, S-06): a local port belongs to one stack. A
 * reservation of every address conflicts with one of a particular address, unless both say `reuse` and belong to the same owner.
 */
export interface Reservation {
  readonly protocol: 'tcp' | 'udp';
  readonly localPort: number;
  /** Address as text; undefined is every address. */
  readonly address?: string;
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
      const overlap = holder.address === undefined || wanted.address === undefined || holder.address === wanted.address;
      if (!overlap) continue;
      if (holder.owner === wanted.owner && holder.reuse === true && wanted.reuse === true) continue;
      return err({ message: `${wanted.protocol} port ${String(wanted.localPort)} is owned by ${holder.owner}`, holder });
    }
    list.push(wanted);
    this.byPort.set(key, list);
    this.held++;
    return ok(wanted);
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
