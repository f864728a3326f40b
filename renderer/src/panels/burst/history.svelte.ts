/** Settings that undo goes back over, at most. */
const MAX_STEPS = 50;

/** Settings as they were before each change. Equal ones in a row are one step. */
export class History<T> {
  #steps = $state.raw<readonly T[]>([]);
  readonly canUndo: boolean = $derived(this.#steps.length > 0);

  /** `before` is about to be replaced. */
  push(before: T): void {
    const last = this.#steps.at(-1);
    if (last !== undefined && JSON.stringify(last) === JSON.stringify(before)) return;
    this.#steps = [...this.#steps, before].slice(-MAX_STEPS);
  }

  /** The settings before the last change, which is forgotten; undefined if there was none. */
  pop(): T | undefined {
    const last = this.#steps.at(-1);
    this.#steps = this.#steps.slice(0, -1);
    return last;
  }

  clear(): void {
    this.#steps = [];
  }
}
