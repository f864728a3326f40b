const NEVER = Number.POSITIVE_INFINITY;

/** Sockets by the instant at which a read of theirs ends: a binary heap, the earliest first, of two the smaller number. */
export class ReadHeap {
  size = 0;
  private keys = new Float64Array(64);
  private sockets = new Int32Array(64);

  /** The earliest instant; Infinity if there is none. */
  get firstNs(): number {
    return this.size === 0 ? NEVER : this.keys[0]!;
  }

  at(i: number): number {
    return this.sockets[i]!;
  }

  push(endNs: number, socket: number): void {
    if (this.size === this.keys.length) this.grow();
    let at = this.size++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.after(above, endNs, socket)) break;
      this.move(above, at);
      at = above;
    }
    this.keys[at] = endNs;
    this.sockets[at] = socket;
  }

  /** Takes out the earliest; there must be one. */
  pop(): number {
    const first = this.sockets[0]!;
    const last = --this.size;
    const endNs = this.keys[last]!;
    const socket = this.sockets[last]!;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= last) break;
      if (below + 1 < last && this.after(below, this.keys[below + 1]!, this.sockets[below + 1]!)) below++;
      if (this.after(below, endNs, socket)) break;
      this.move(below, at);
      at = below;
    }
    this.keys[at] = endNs;
    this.sockets[at] = socket;
    return first;
  }

  clear(): void {
    this.size = 0;
  }

  /** Whether place `i` comes after what is given. */
  private after(i: number, endNs: number, socket: number): boolean {
    const key = this.keys[i]!;
    return key > endNs || (key === endNs && this.sockets[i]! > socket);
  }

  private move(from: number, to: number): void {
    this.keys[to] = this.keys[from]!;
    this.sockets[to] = this.sockets[from]!;
  }

  private grow(): void {
    const [keys, sockets] = [new Float64Array(2 * this.keys.length), new Int32Array(2 * this.sockets.length)];
    keys.set(this.keys);
    sockets.set(this.sockets);
    [this.keys, this.sockets] = [keys, sockets];
  }
}
