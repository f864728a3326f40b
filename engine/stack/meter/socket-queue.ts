/** A queue of socket numbers, each at most once in it: first in, first out, with a way back to the front. Grows in powers of two. */
export class SocketQueue {
  length = 0;
  private items = new Int32Array(64);
  private first = 0;

  pushBack(socket: number): void {
    if (this.length === this.items.length) this.grow();
    this.items[(this.first + this.length) & (this.items.length - 1)] = socket;
    this.length++;
  }

  pushFront(socket: number): void {
    if (this.length === this.items.length) this.grow();
    this.first = (this.first - 1) & (this.items.length - 1);
    this.items[this.first] = socket;
    this.length++;
  }

  /** The first socket; the queue must not be empty. */
  shift(): number {
    const socket = this.items[this.first]!;
    this.first = (this.first + 1) & (this.items.length - 1);
    this.length--;
    return socket;
  }

  at(i: number): number {
    return this.items[(this.first + i) & (this.items.length - 1)]!;
  }

  clear(): void {
    this.length = 0;
    this.first = 0;
  }

  private grow(): void {
    const bigger = new Int32Array(2 * this.items.length);
    for (let i = 0; i < this.length; i++) bigger[i] = this.at(i);
    this.items = bigger;
    this.first = 0;
  }
}
