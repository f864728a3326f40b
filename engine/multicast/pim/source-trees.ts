import type { Tree } from './tree.ts';

/** (S,G) trees of one group by source. Most groups have one: it is kept without a map. */
export class SourceTrees {
  private one: Tree | undefined;
  private more: Map<string, Tree> | undefined;

  get size(): number {
    return this.more?.size ?? (this.one === undefined ? 0 : 1);
  }

  get(source: string): Tree | undefined {
    if (this.more !== undefined) return this.more.get(source);
    return this.one?.source === source ? this.one : undefined;
  }

  set(tree: Tree): void {
    if (this.more === undefined) {
      if (this.one === undefined || this.one.source === tree.source) {
        this.one = tree;
        return;
      }
      this.more = new Map([[this.one.source, this.one]]);
      this.one = undefined;
    }
    this.more.set(tree.source, tree);
  }

  delete(source: string): void {
    if (this.more !== undefined) this.more.delete(source);
    else if (this.one?.source === source) this.one = undefined;
  }

  /** In the order they were set. A copy: a tree may go while they are gone through. */
  values(): readonly Tree[] {
    if (this.more !== undefined) return [...this.more.values()];
    return this.one === undefined ? [] : [this.one];
  }
}
