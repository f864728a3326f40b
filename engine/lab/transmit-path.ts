import { VERDICTS } from '../contract/index.ts';
import {
  DROP_DEVICE_TX_FULL,
  DROP_NOMEM,
  DROP_PORT_NOMEM,
  DROP_TX_RING_FULL,
  META_WORDS,
  PKT_ACK,
  PKT_BUFLETS,
  PKT_FLOW,
  PKT_LEN,
  PKT_META,
  PKT_NUMBER,
  PKT_PAYLOAD,
  PKT_SEQ,
} from '../stack/index.ts';
import { ROW_ACK, ROW_META, ROW_PAYLOAD, ROW_SEQ, ROW_WORDS } from '../wire/index.ts';
import type { PortQueue } from './port-queue.ts';
import { CLOCK_NOW, DUE_LINGER } from './services.ts';
import type { QueueWorld } from './world.ts';

/**
 * The way of a packet that this machine sends:
 *
 *     packet sent here -> port pool, port TX ring -> TX poll: flow switch -> device pool, device TX ring -> link
 */
const VERDICT_DELIVERED = VERDICTS.indexOf('delivered');
const VERDICT_HELD = VERDICTS.indexOf('held');

/** A packet sent by this machine: its stack has a flow before it sends, so the port is known when the packet comes. */
export function send(world: QueueWorld, rows: Int32Array, base: number, id: number, lenBytes: number, number: number): void {
  const tNs = world.clock[CLOCK_NOW]!;
  const { store, fsw } = world;
  const slot = store.alloc(1);
  const w = slot * META_WORDS;
  store.meta[w + PKT_NUMBER] = number;
  store.meta[w + PKT_LEN] = lenBytes;
  store.meta[w + PKT_FLOW] = id;
  store.meta[w + PKT_META] = rows[base + ROW_META]!;
  store.meta[w + PKT_SEQ] = rows[base + ROW_SEQ]!;
  store.meta[w + PKT_ACK] = rows[base + ROW_ACK]!;
  store.meta[w + PKT_PAYLOAD] = rows[base + ROW_PAYLOAD]!;
  store.arrivalNs[slot] = tNs;
  const chosen = fsw.lookup(id, store.meta, w, true);
  const index = world.hooks === null ? chosen : world.hooks.sends(slot, base / ROW_WORDS, chosen);
  if (fsw.wheel.nextTickNs < world.due[DUE_LINGER]!) world.setDue(DUE_LINGER, fsw.wheel.nextTickNs);
  const port = world.ports[index]!;
  const buflets = port.pool.bufletsFor(lenBytes);
  store.meta[w + PKT_BUFLETS] = buflets;
  if (world.trace !== null) world.trace.sent(world, port, tNs, number, id, lenBytes);
  world.sentPackets++;
  world.sentBytes += lenBytes;
  if (world.model !== null && world.model.holds(index, slot)) return;
  offer(world, index, slot);
}

/** Puts a packet into the TX ring of a port, if its pool and the ring have room. */
export function offer(world: QueueWorld, index: number, slot: number): void {
  const tNs = world.clock[CLOCK_NOW]!;
  const { meta } = world.store;
  const w = slot * META_WORDS;
  const port = world.ports[index]!;
  const buflets = meta[w + PKT_BUFLETS]!;
  const number = meta[w + PKT_NUMBER]!;
  port.counters.packetsIn++;
  if (world.model !== null && world.model.txRingFull(index)) {
    world.dropAt(port, DROP_TX_RING_FULL, slot, 'channel', port.tx.id);
    return;
  }
  if (!port.pool.take(buflets)) {
    world.dropAt(port, DROP_PORT_NOMEM, slot, 'channel', port.pool.id);
    return;
  }
  if (!port.tx.push(slot, meta[w + PKT_LEN]!)) {
    port.pool.give(buflets);
    world.dropAt(port, DROP_TX_RING_FULL, slot, 'channel', port.tx.id);
    return;
  }
  if (world.verdict !== null) world.verdict[number - 1] = VERDICT_HELD;
  if (port.tx.used === 1 && port.polling === 0) world.setDue(world.link + 1 + index, tNs);
  if (world.trace !== null) world.trace.enqueued(port, tNs, number, port.tx, tNs);
}

/** Starts or ends a poll of a port's TX ring by the flow switch. */
export function pollTx(world: QueueWorld, port: PortQueue, service: number): void {
  const tNs = world.clock[CLOCK_NOW]!;
  if (port.polling > 0) {
    for (let i = 0; i < port.polling; i++) {
      const slot = port.tx.peek(i);
      if (world.hooks?.send(port, slot) !== true) toDevice(world, port, slot);
    }
    port.counters.delivered += port.polling;
    port.tx.consume(port.polling);
    world.endNs = tNs;
  }
  const waiting = port.tx.used;
  const take = waiting < world.batch ? waiting : world.batch;
  port.polling = take;
  if (take > 0) world.due[service] = tNs + Math.round(world.perBatchNs + world.perPacketNs * take);
}

/** Hands a packet from a port's pool over to the device's pool and TX ring. */
function toDevice(world: QueueWorld, port: PortQueue, slot: number): void {
  const w = slot * META_WORDS;
  const meta = world.store.meta;
  const lenBytes = meta[w + PKT_LEN]!;
  const buflets = meta[w + PKT_BUFLETS]!;
  const { devicePool: pool, deviceTx: ring } = world;
  world.device.packetsIn++;
  world.deviceTxBytes += lenBytes;
  port.counters.bytesOut += lenBytes;
  port.pool.give(buflets);
  const room = pool.take(buflets);
  const classQueues = world.model === null ? null : world.model.classQueues;
  if (room && classQueues !== null && !port.lowLatency) {
    classQueues.enqueue(slot, !port.makes);
    return;
  }
  if (!room || !ring.push(slot, lenBytes)) {
    if (room) pool.give(buflets);
    world.device.dropped++;
    const code = room ? DROP_DEVICE_TX_FULL : DROP_NOMEM;
    world.drop(code, meta[w + PKT_FLOW]!, meta[w + PKT_NUMBER]!, 'fsw', room ? ring.id : pool.id);
    world.store.release(slot);
    return;
  }
  const tNs = world.clock[CLOCK_NOW]!;
  if (ring.used === 1) world.due[world.link] = tNs + Math.round(lenBytes * world.linkNsPerByte);
  if (world.trace !== null) world.trace.queuedForLink(world, tNs, meta[w + PKT_NUMBER]!);
}

/** The link has sent the packet at the head of the device TX ring. */
export function transmit(world: QueueWorld): void {
  const tNs = world.clock[CLOCK_NOW]!;
  const { store, deviceTx: ring } = world;
  const { meta, arrivalNs } = store;
  const slot = ring.peek(0);
  const w = slot * META_WORDS;
  const number = meta[w + PKT_NUMBER]!;
  world.device.deliver(tNs - arrivalNs[slot]!);
  world.finished++;
  if (world.verdict !== null) world.judge(number, VERDICT_DELIVERED, 0);
  if (world.trace !== null) world.trace.transmitted(world, tNs, number, arrivalNs[slot]!);
  world.devicePool.give(meta[w + PKT_BUFLETS]!);
  store.release(slot);
  ring.consume(1);
  world.endNs = tNs;
  const classQueues = world.model === null ? null : world.model.classQueues;
  if (classQueues !== null) classQueues.fill();
  if (ring.used > 0) {
    const next = meta[ring.peek(0) * META_WORDS + PKT_LEN]!;
    world.due[world.link] = tNs + Math.round(next * world.linkNsPerByte);
  }
}
