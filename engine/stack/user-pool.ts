/**
 * The user packet pool's hash (S-08): which packets have been handed to which opening of a channel. An index that comes back from user
 * space is accepted only if it was handed to that very opening and has not come back yet; any other index, or one that was valid
 * before the channel was made defunct, is refused and counted.
 */
export class UserPacketPool {
  /** Indices refused. */
  refused = 0;
  /** Packets handed out now. */
  out = 0;
  private readonly holder: Int32Array;

  constructor(capacity: number) {
    this.holder = new Int32Array(capacity);
  }

  /** Hands a packet to an opening of a channel, a number above 0. */
  hand(index: number, opening: number): void {
    if (this.holder[index] === 0) this.out++;
    this.holder[index] = opening;
  }

  /** Takes an index back. False, and counted, if it is not one that this opening holds. */
  accept(index: number, opening: number): boolean {
    // Undefined for an index that never was one.
    if (opening <= 0 || this.holder[index] !== opening) {
      this.refused++;
      return false;
    }
    this.holder[index] = 0;
    this.out--;
    return true;
  }

  /** Takes everything from an opening, when its channel goes; returns how many packets that were. */
  revoke(opening: number): number {
    let n = 0;
    for (let i = 0; i < this.holder.length; i++) {
      if (this.holder[i] !== opening) continue;
      this.holder[i] = 0;
      n++;
    }
    this.out -= n;
    return n;
  }

  /** Forgets everything, before a snapshot's packets are handed out again. */
  reset(refused: number): void {
    this.holder.fill(0);
    this.out = 0;
    this.refused = refused;
  }
}
