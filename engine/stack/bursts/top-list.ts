/**
 * The largest of many values with what belongs to them, in a bounded list. Equal values keep the earlier one, so a result does not
 * depend on how the input was cut.
 */
export class TopList<T> {
  private readonly limit: number;
  private readonly entries: { readonly value: number; readonly item: T }[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Would this value enter the list? Ask before an item is built. */
  accepts(value: number): boolean {
    const { entries, limit } = this;
    return limit > 0 && (entries.length < limit || value > entries[entries.length - 1]!.value);
  }

  add(value: number, item: T): void {
    if (!this.accepts(value)) return;
    let at = this.entries.length;
    while (at > 0 && this.entries[at - 1]!.value < value) at--;
    this.entries.splice(at, 0, { value, item });
    if (this.entries.length > this.limit) this.entries.pop();
  }

  /** Largest first. */
  items(): T[] {
    return this.entries.map(({ item }) => item);
  }
}
