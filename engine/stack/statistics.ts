/**
 * Statistics as flat records (S-10): one name, one number, and what they are about. A list of them can be filtered and printed
 * without knowing what made them.
 */
export interface StatRecord {
  /** What it is a figure of, such as `netif`, `flow-switch`, `ring`, `flow`, `tcp` or `logical-link`. */
  readonly table: string;
  readonly object: string;
  readonly name: string;
  readonly value: number;
  /** What it belongs to, where it does: nexus, flow number, process, and the flow's addresses and ports. */
  readonly nexus?: string;
  readonly flow?: number;
  readonly pid?: number;
  readonly tuple?: string;
}

export interface StatFilter {
  readonly table?: string | undefined;
  /** Object name, or the beginning of it. */
  readonly object?: string | undefined;
  readonly name?: string | undefined;
  readonly nexus?: string | undefined;
  readonly flow?: number | undefined;
  readonly pid?: number | undefined;
  /** Part of the flow's tuple, such as an address or `:443`. */
  readonly tuple?: string | undefined;
}

export function filterStats(records: readonly StatRecord[], filter: StatFilter): StatRecord[] {
  return records.filter(
    (r) =>
      (filter.table === undefined || r.table === filter.table) &&
      (filter.object === undefined || r.object.startsWith(filter.object)) &&
      (filter.name === undefined || r.name === filter.name) &&
      (filter.nexus === undefined || r.nexus === filter.nexus) &&
      (filter.flow === undefined || r.flow === filter.flow) &&
      (filter.pid === undefined || r.pid === filter.pid) &&
      (filter.tuple === undefined || (r.tuple ?? '').includes(filter.tuple)),
  );
}

/** The counters of an object as records, one for each. */
export function statRecords(
  table: string,
  object: string,
  counters: Readonly<Record<string, number>>,
  about: Pick<StatRecord, 'nexus' | 'flow' | 'pid' | 'tuple'> = {},
): StatRecord[] {
  return Object.entries(counters).map(([name, value]) => ({ table, object, name, value, ...about }));
}
