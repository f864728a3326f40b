import type { Scenario } from '../contract/index.ts';

/**
 * The order of rings and pools in frames and series: rings port by port (the device first), RX before TX, queue by queue; then
 * pools port by port, queue by queue.
 */
export interface ObjectTable {
  readonly ids: readonly string[];
  readonly capacity: Uint32Array;
  /** Rings in front, pools behind. */
  readonly rings: number;
  /** Rings of one queue; its pools are half as many. */
  readonly ringsPerQueue: number;
  readonly queues: number;
}

export function objectTable(scenario: Scenario): ObjectTable {
  const { device, ports } = scenario;
  const queues = device.queues;
  const rings: [string, number][] = [];
  const pools: [string, number][] = [];
  for (const port of [
    { id: 'device', rxRingSlots: device.rxRingSlots, txRingSlots: device.txRingSlots, poolPackets: device.poolPackets },
    ...ports,
  ]) {
    for (let q = 0; q < queues; q++) rings.push([`${port.id}.rx.${String(q)}`, port.rxRingSlots]);
    for (let q = 0; q < queues; q++) rings.push([`${port.id}.tx.${String(q)}`, port.txRingSlots]);
    for (let q = 0; q < queues; q++) pools.push([`${port.id}.pool.${String(q)}`, port.poolPackets]);
  }
  const all = [...rings, ...pools];
  return {
    ids: all.map(([id]) => id),
    capacity: Uint32Array.from(all, ([, capacity]) => capacity),
    rings: rings.length,
    ringsPerQueue: rings.length / queues,
    queues,
  };
}

/** Place in the table of the o-th object of a queue (its rings, then its pools). */
export function objectIndex(table: ObjectTable, queue: number, o: number): number {
  if (o < table.ringsPerQueue) return o * table.queues + queue;
  return table.rings + (o - table.ringsPerQueue) * table.queues + queue;
}
