/**
 * Statistics as flat records (S-10): one name, one number, and what they are about. A list of them can be filtered and printed
 * without knowing what made them.
 */
export interface StatRecord {
  /** `netif`, `flow-switch`, `ring`, `pool`, `port`, `flow`. */
  readonly table: string;
  readonly object: string;
  readonly name: string;
  readonly value: number;
}

export interface StatFilter {
  readonly table?: string;
  /** Object name, or the beginning of it. */
  readonly object?: string;
  readonly name?: string;
}

export function filterStats(records: readonly StatRecord[], filter: StatFilter): StatRecord[] {
  return records.filter(
    (r) =>
      (filter.table === undefined || r.table === filter.table) &&
      (filter.object === undefined || r.object.startsWith(filter.object)) &&
      (filter.name === undefined || r.name === filter.name),
  );
}

/** The counters of an object as records, one for each. */
export function statRecords(table: string, object: string, counters: Readonly<Record<string, number>>): StatRecord[] {
  return Object.entries(counters).map(([name, value]) => ({ table, object, name, value }));
}
