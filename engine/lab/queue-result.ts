import type { Conservation, PoolStats, RingStats } from '../contract/index.ts';
import { META_WORDS, PKT_BUFLETS, PKT_LEN, type Pool, type Ring } from '../stack/index.ts';
import { queueRegulation } from './metering/regulation.ts';
import type { MeteredPort } from './metering/metered-port.ts';
import type { PortCounters, PortQueue } from './port-queue.ts';
import type { QueuePortResult, QueueResult } from './types.ts';
import type { QueueWorld } from './world.ts';

export function ringStats(ring: Ring, port: string, kind: 'rx' | 'tx', queue: number): RingStats {
  return {
    id: ring.id,
    port,
    kind,
    queue,
    slots: ring.slots,
    used: ring.used,
    head: ring.headSlot,
    tail: ring.tailSlot,
    highWater: ring.highWater,
    enqueued: ring.enqueued,
    dequeued: ring.dequeued,
    drops: ring.drops,
  };
}

/** Every packet that a pool had room for has gone on to a ring, or has been refused by it. */
export function poolStats(pool: Pool, rings: readonly Ring[], port: string, queue: number): PoolStats {
  return {
    id: pool.id,
    port,
    queue,
    packets: pool.packets,
    bufferBytes: pool.bufferBytes,
    used: pool.used,
    highWater: pool.highWater,
    allocations: rings.reduce((sum, ring) => sum + ring.enqueued + ring.drops, 0),
    failures: pool.failures,
  };
}

type Entry = Conservation['objects'][number];

function balance(obj: string, into: number, delivered: number, dropped: number, inFlight: number): Entry {
  return { obj, in: into, delivered, dropped, inFlight, ok: into === delivered + dropped + inFlight };
}

/** W-06 for every object of a queue. What is in flight is counted in the rings, not taken from the accounts it is to prove. */
export function conservationOf(world: QueueWorld): Entry[] {
  const entries: Entry[] = [];
  let dropped = 0;
  for (const n of world.drops) dropped += n;
  entries.push(balance(`queue.${String(world.queue)}`, world.packets + world.made, world.finished + world.consumed, dropped, world.held));
  const { device } = world;
  const onDevice = world.deviceRx.used + world.deviceTx.used + (world.model?.classQueues?.packets ?? 0);
  entries.push(
    balance(
      `device.${String(world.queue)}`,
      device.packetsIn + world.packets - world.sentPackets,
      deviceDelivered(world),
      device.dropped,
      onDevice,
    ),
  );
  for (const port of world.ports) {
    const c = port.counters;
    entries.push(
      balance(port.rx.id.replace('.rx.', '.'), c.packetsIn, c.delivered, c.dropped, port.rx.used + port.tx.used + metered(port)),
    );
  }
  for (const ring of world.rings())
    entries.push(balance(ring.id, ring.dequeued + ring.used + ring.drops, ring.dequeued, ring.drops, ring.owned));
  for (const pool of world.pools()) entries.push(balance(pool.id, pool.used, 0, 0, bufletsInside(world, pool)));
  const inMeter = world.metered === null ? 0 : world.metered.meter.inside;
  if (world.metered !== null) entries.push(meterBalance(world.metered));
  entries.push(balance(`packets.${String(world.queue)}`, world.held - inMeter, 0, 0, world.store.countInUse()));
  return entries;
}

/** Buflets of the packets in the rings that draw on a pool. */
function bufletsInside(world: QueueWorld, pool: Pool): number {
  const port = world.ports.find((p) => p.pool === pool);
  const rings = port === undefined ? [world.deviceRx, world.deviceTx] : [port.rx, port.tx];
  const held = port === undefined ? (world.model?.classQueues?.buflets() ?? 0) + (world.metered?.heldBuflets() ?? 0) : 0;
  return sumInside(world, rings, PKT_BUFLETS) + held;
}

/** Packets of a port between the switch and its sockets' readers. */
function metered(port: PortQueue): number {
  return port.metered === null ? 0 : port.metered.meter.inside;
}

/** Packets into the meter ring, out of it, dropped or purged from it, and in it: the last counted one by one. */
function meterBalance({ id, meter }: MeteredPort): Entry {
  const { rings, cells } = meter;
  let inside = 0;
  for (let r = 0; r < rings.count; r++) for (let c = rings.oldest[r]!; c !== 0; c = cells.newer[c - 1]!) inside++;
  return balance(id, rings.enqueued, rings.dequeued, 0, inside);
}

/** Sum of a metadata word over the packets in some rings. */
function sumInside(world: QueueWorld, rings: readonly Ring[], word: number): number {
  let n = 0;
  for (const ring of rings) for (let i = 0; i < ring.used; i++) n += world.store.meta[ring.peek(i) * META_WORDS + word]!;
  return n;
}

/** Packets the device handed on: switched to a port, or sent on the link. */
function deviceDelivered(world: QueueWorld): number {
  return world.deviceRx.dequeued + world.deviceTx.dequeued;
}

/** What came from the link is what came in all, less what this machine sent: counted so, it costs nothing per packet. */
function deviceResult(world: QueueWorld): QueuePortResult {
  const c = world.device;
  return {
    ...portResult(c, 0),
    packetsIn: c.packetsIn + world.packets - world.sentPackets,
    bytesIn: world.deviceTxBytes + world.bytes - world.sentBytes,
    delivered: deviceDelivered(world),
  };
}

function portResult(c: PortCounters, bytesInside: number): QueuePortResult {
  return {
    packetsIn: c.packetsIn,
    bytesIn: c.bytesOut + c.bytesDropped + bytesInside,
    delivered: c.delivered,
    dropped: c.dropped,
    maxDelayNs: c.maxDelayNs,
    delays: c.delays,
  };
}

/** Everything a merge needs of one queue. The arrays are the world's own: post or copy them before the world goes on. */
export function queueResult(world: QueueWorld, portIds: readonly string[]): QueueResult {
  const q = world.queue;
  const { fsw, metered: host } = world;
  const endNs = Math.max(world.endNs, world.lastArrivalNs);
  const regulation = host === null ? {} : { regulation: queueRegulation(host, portIds, world.hostIndex, q, endNs) };
  return {
    queue: q,
    endNs,
    lastArrivalNs: world.lastArrivalNs,
    packets: world.packets,
    bytes: world.bytes,
    rings: [
      ringStats(world.deviceRx, 'device', 'rx', q),
      ringStats(world.deviceTx, 'device', 'tx', q),
      ...world.ports.flatMap((p, i) => [ringStats(p.rx, portIds[i]!, 'rx', q), ringStats(p.tx, portIds[i]!, 'tx', q)]),
    ],
    pools: [
      poolStats(world.devicePool, [world.deviceRx, world.deviceTx], 'device', q),
      ...world.ports.map((p, i) => poolStats(p.pool, [p.rx, p.tx], portIds[i]!, q)),
    ],
    ports: [
      deviceResult(world),
      ...world.ports.map((p) => portResult(p.counters, sumInside(world, [p.rx, p.tx], PKT_LEN) + (p.metered?.insideBytes ?? 0))),
    ],
    drops: [...world.drops],
    conservation: conservationOf(world),
    flowCount: fsw.table.count,
    flowsExpired: fsw.expired,
    flowsBeyondLimit: fsw.withoutEntry,
    flows: fsw.table.columns(),
    series: world.series === null ? null : world.series.result(),
    ...regulation,
    advisory: advisoryResult(world),
  };
}

function advisoryResult(world: QueueWorld): QueueResult['advisory'] {
  const queues = world.model?.classQueues ?? null;
  if (queues === null || queues.advisory === null) return null;
  return { changes: queues.changes, lost: queues.changesLost };
}
