import type { RunSummary } from '../../../engine/contract/index.ts';

/** One figure of two runs side by side. */
export interface Difference {
  readonly group: string;
  readonly name: string;
  readonly unit: 'count' | 'bytes' | 'ns' | 'percent';
  readonly before: number | null;
  readonly now: number | null;
  /** Whether less is better, more is better, or neither can be said. */
  readonly better: 'less' | 'more' | 'neither';
}

export const isChanged = (row: Difference): boolean => row.before !== row.now;

type Figures = Map<string, Omit<Difference, 'before' | 'now'> & { readonly value: number }>;

function figuresOf(run: RunSummary): Figures {
  const out: Figures = new Map();
  const add = (group: string, name: string, unit: Difference['unit'], better: Difference['better'], value: number): void => {
    out.set(`${group}\u0000${name}`, { group, name, unit, better, value });
  };
  add('Run', 'packets', 'count', 'neither', run.packets);
  add('Run', 'flows', 'count', 'neither', run.flows);
  add('Run', 'end of the run', 'ns', 'less', run.endNs);
  add('Drops', 'all', 'count', 'less', Object.values(run.drops).reduce((sum, n) => sum + n, 0)); // prettier-ignore
  for (const [reason, count] of Object.entries(run.drops)) add('Drops', reason, 'count', 'less', count);
  for (const port of run.ports) {
    const group = `Port ${port.id}`;
    add(group, 'delivered', 'count', 'more', port.delivered);
    add(group, 'dropped', 'count', 'less', port.dropped);
    add(group, 'delay p50', 'ns', 'less', port.delayNs.p50);
    add(group, 'delay p95', 'ns', 'less', port.delayNs.p95);
    add(group, 'delay p99', 'ns', 'less', port.delayNs.p99);
    add(group, 'delay max', 'ns', 'less', port.delayNs.max);
  }
  for (const ring of run.rings) {
    add(`Ring ${ring.id}`, 'slots', 'count', 'neither', ring.slots);
    add(`Ring ${ring.id}`, 'high-water', 'percent', 'less', ring.slots > 0 ? (ring.highWater * 100) / ring.slots : 0);
    add(`Ring ${ring.id}`, 'drops', 'count', 'less', ring.drops);
  }
  for (const pool of run.pools) {
    add(`Pool ${pool.id}`, 'high-water', 'percent', 'less', pool.packets > 0 ? (pool.highWater * 100) / pool.packets : 0);
    add(`Pool ${pool.id}`, 'failed allocations', 'count', 'less', pool.failures);
  }
  return out;
}

/** Every figure that either run has, grouped, in the order of the newer run. */
export function compareRuns(before: RunSummary, now: RunSummary): Difference[] {
  const old = figuresOf(before);
  const fresh = figuresOf(now);
  const keys = [...fresh.keys(), ...[...old.keys()].filter((key) => !fresh.has(key))];
  const groups = new Map<string, Difference[]>();
  for (const key of keys) {
    const a = old.get(key);
    const b = fresh.get(key);
    const either = b ?? a;
    if (either === undefined) continue;
    const { group, name, unit, better } = either;
    // A drop reason that a run did not name did not occur in it.
    const absent = group === 'Drops' ? 0 : null;
    const row: Difference = { group, name, unit, better, before: a?.value ?? absent, now: b?.value ?? absent };
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  return [...groups.values()].flat();
}
