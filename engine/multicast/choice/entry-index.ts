import type { Family } from '../addresses.ts';
import { FewMap } from '../few-map.ts';
import type { Entry } from './entry.ts';

/** The entries of a router, found by source and group of either family. */
export class EntryIndex {
  private readonly by4 = new FewMap<Entry>();
  private readonly by6 = new FewMap<Entry>();
  private readonly all = new Set<Entry>();

  get size(): number {
    return this.all.size;
  }

  /** In the order they were made. */
  values(): IterableIterator<Entry> {
    return this.all.values();
  }

  find(family: Family, source: string, group: string): Entry | undefined {
    return family === 4
      ? this.by4.find(group, ({ source4 }) => source4 === source)
      : this.by6.find(group, ({ source6 }) => source6 === source);
  }

  add(entry: Entry): void {
    this.all.add(entry);
    this.by4.add(entry.group4, entry);
    this.by6.add(entry.group6, entry);
  }

  remove(entry: Entry): void {
    this.all.delete(entry);
    this.by4.remove(entry.group4, entry);
    this.by6.remove(entry.group6, entry);
  }

  clear(): void {
    this.all.clear();
    this.by4.clear();
    this.by6.clear();
  }
}
