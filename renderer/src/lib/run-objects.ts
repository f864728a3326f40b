import type { RunSummary } from '../../../engine/contract/index.ts';

/** A ring or a pool of the current run, in the order of `LiveFrame.objects` and `SeriesFrame.objects`. */
export interface RunObject {
  readonly index: number;
  readonly id: string;
  readonly kind: 'ring' | 'pool';
  readonly port: string;
  readonly queue: number;
  /** Slots of a ring, packets of a pool. */
  readonly capacity: number;
}

/** Numbers per object in `LiveFrame.objects`, and their places. */
export const OBJECT_STRIDE = 5;
export const OBJECT_FIELDS = { used: 0, head: 1, tail: 2, highWater: 3, drops: 4 } as const;

export function objectsOf(summary: RunSummary | null): readonly RunObject[] {
  if (summary === null) return [];
  const rings = summary.rings.map(({ id, port, queue, slots }) => ({ id, kind: 'ring' as const, port, queue, capacity: slots }));
  const pools = summary.pools.map(({ id, port, queue, packets }) => ({ id, kind: 'pool' as const, port, queue, capacity: packets }));
  return [...rings, ...pools].map((object, index) => ({ index, ...object }));
}
