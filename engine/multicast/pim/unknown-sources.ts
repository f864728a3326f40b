import type { PimRouter } from './router.ts';
import type { Tree } from './tree.ts';

/**
 * Sources that send, or are registered, and that nobody has joined (M-24): each has a tree until its keepalive timer ends, so whoever sends from
 * many addresses would fill the memory. Their number is limited; a source beyond it is told nowhere, and its data is not forwarded.
 */
export class UnknownSources {
  /** Remembered now. */
  size = 0;
  /** Packets of sources for which there was no room. */
  refused = 0;
  private readonly pim: PimRouter;
  private readonly limit: number;

  constructor(pim: PimRouter, limit: number) {
    this.pim = pim;
    this.limit = limit;
  }

  /** The tree of a source that has sent, or undefined where there is neither a tree nor room for one. */
  admit(source: string, group: string): Tree | undefined {
    const known = this.pim.find(source, group);
    if (known !== undefined) return known;
    // A source of a joined group is not unknown.
    if (this.pim.find('', group) !== undefined) return this.pim.admit(source, group);
    if (this.size >= this.limit) {
      this.refused++;
      return undefined;
    }
    const tree = this.pim.admit(source, group);
    if (tree === undefined) return undefined;
    tree.unknown = true;
    this.size++;
    return tree;
  }

  /** Joins have come: it is no unknown source any more. */
  look(tree: Tree): void {
    if (tree.joined || tree.down.length > 0) this.forget(tree);
  }

  forget(tree: Tree): void {
    if (!tree.unknown) return;
    tree.unknown = false;
    this.size--;
  }

  clear(): void {
    this.size = 0;
  }
}
