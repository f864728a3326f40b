import { VERDICTS } from '../contract/index.ts';
import {
  DROP_DEVICE_RX_FULL,
  DROP_DST_RING_FULL,
  DROP_NOMEM,
  DROP_NONE,
  DROP_PORT_NOMEM,
  META_WORDS,
  PKT_ACK,
  PKT_BUFLETS,
  PKT_FLOW,
  PKT_LEN,
  PKT_META,
  PKT_NUMBER,
  PKT_PAYLOAD,
  PKT_SEQ,
  SLOT_INDEX,
  SLOT_WORDS,
  histogramBucket,
  smallBucket,
} from '../stack/index.ts';
import { META_FLOW, ROW_ACK, ROW_META, ROW_PAYLOAD, ROW_SEQ, ROW_WORDS } from '../wire/index.ts';
import type { MeteredPort } from './metering/metered-port.ts';
import type { PortQueue } from './port-queue.ts';
import { CLOCK_NEXT, CLOCK_NOW, DUE_LINGER, DUE_POLL, DUE_READERS, NEVER } from './services.ts';
import { send } from './transmit-path.ts';
import type { QueueWorld } from './world.ts';

/**
 * The way of a received packet through the world of its queue:
 *
 *     arrival -> device pool, device RX ring -> (moderation) -> poll: flow switch -> port pool, port RX ring -> (wake) -> read
 *
 * These loops run for every packet: what does not change inside one is looked up before it, and rings are walked by their
 * descriptors where a call for each slot would cost more than the work.
 */
const VERDICT_DELIVERED = VERDICTS.indexOf('delivered');
const VERDICT_HELD = VERDICTS.indexOf('held');

/** Packets arrive: rows order[from..to), or rows from..to where `order` is null, with their flows in the world's `ids` from 0 on. */
export function arrivals(
  world: QueueWorld,
  rows: Int32Array,
  order: Uint32Array | null,
  from: number,
  to: number,
  tsNs: Float64Array,
  lenBytes: Uint32Array,
  firstNumber: number,
): void {
  const { clock, ids, fsw, haveLocal, verdict } = world;
  for (let i = from; i < to; i++) {
    const row = order === null ? i : order[i]!;
    // Time does not run backwards in the lab: a packet stamped before the one ahead of it arrives together with that one.
    const stamp = tsNs[row]!;
    const t = stamp > world.lastArrivalNs ? stamp : world.lastArrivalNs;
    if (clock[CLOCK_NEXT]! <= t) world.runUntil(t);
    world.lastArrivalNs = t;
    clock[CLOCK_NOW] = t;
    const base = row * ROW_WORDS;
    const id = ids[i - from]!;
    const length = lenBytes[row]!;
    const number = firstNumber + row;
    if (id >= 0) fsw.arrived(id, rows[base + ROW_META]!, number, length);
    if (haveLocal && id >= 0 && fsw.sentHere(id, rows[base + ROW_META]!)) send(world, rows, base, id, length, number);
    else if (toDeviceRing(world, rows, base, id, length, number) && verdict !== null) verdict[number - 1] = VERDICT_HELD;
  }
}

/** A packet comes from the link. False if it was dropped. */
function toDeviceRing(world: QueueWorld, rows: Int32Array, base: number, id: number, lenBytes: number, number: number): boolean {
  const { devicePool: pool, deviceRx: ring, store } = world;
  const flow = id >= 0 || (rows[base + ROW_META]! & META_FLOW) === 0 ? id : withoutRecord(world, rows, base);
  const buflets = lenBytes <= pool.bufferBytes ? 1 : pool.bufletsFor(lenBytes);
  const fault = world.model === null ? DROP_NONE : world.model.onArrival();
  if (fault !== DROP_NONE) {
    world.device.dropped++;
    world.drop(fault, flow, number, 'device', fault === DROP_NOMEM ? pool.id : ring.id);
    return false;
  }
  if (!pool.take(buflets)) {
    world.device.dropped++;
    world.drop(DROP_NOMEM, flow, number, 'device', pool.id);
    return false;
  }
  const slot = store.alloc(buflets);
  if (!ring.push(slot, lenBytes)) {
    store.release(slot);
    pool.give(buflets);
    world.device.dropped++;
    world.drop(DROP_DEVICE_RX_FULL, flow, number, 'device', ring.id);
    return false;
  }
  const m = store.meta;
  const w = slot * META_WORDS;
  m[w + PKT_NUMBER] = number;
  m[w + PKT_LEN] = lenBytes;
  m[w + PKT_FLOW] = flow;
  m[w + PKT_META] = rows[base + ROW_META]!;
  m[w + PKT_SEQ] = rows[base + ROW_SEQ]!;
  m[w + PKT_ACK] = rows[base + ROW_ACK]!;
  m[w + PKT_PAYLOAD] = rows[base + ROW_PAYLOAD]!;
  const t = world.clock[CLOCK_NOW]!;
  store.arrivalNs[slot] = t;
  if (world.hooks !== null) world.hooks.taken(slot, base / ROW_WORDS);
  if (ring.used === 1 && world.polling === 0) world.setDue(DUE_POLL, t + world.moderationNs);
  if (world.lowLatency) hurry(world, rows, base, flow, t);
  if (world.trace !== null) world.trace.arrived(world, t, number, lenBytes, buflets);
  return true;
}

/** A packet for a port of the low-latency class does not wait for the moderated interrupt, and nobody else does who is in the ring (V-12). */
function hurry(world: QueueWorld, rows: Int32Array, base: number, flow: number, tNs: number): void {
  if (world.polling !== 0 || world.due[DUE_POLL]! <= tNs) return;
  const { fsw, ports, hostIndex } = world;
  let port = hostIndex;
  if (flow >= 0) port = fsw.portAhead(flow, rows, base, rows[base + ROW_META]!, rows[base + ROW_ACK]!);
  else if (flow < -1) port = -2 - flow;
  if (ports[port]!.lowLatency) world.setDue(DUE_POLL, tNs);
}

/** No record is left for the flow: the selectors alone say where it goes. */
export function withoutRecord(world: QueueWorld, rows: Int32Array, base: number): number {
  const { fsw } = world;
  fsw.withoutEntry++;
  return -2 - fsw.choose(rows, base, rows[base + ROW_META]!, rows[base + ROW_ACK]!, false);
}

/** Starts or ends a poll of the device RX ring by the flow switch. */
export function poll(world: QueueWorld): void {
  const tNs = world.clock[CLOCK_NOW]!;
  const ring = world.deviceRx;
  const n = world.polling;
  if (n > 0) {
    switchPackets(world, n);
    ring.consume(n);
    world.endNs = tNs;
  }
  const waiting = ring.used;
  const take = waiting < world.batch ? waiting : world.batch;
  world.polling = take;
  if (take === 0) return;
  world.due[DUE_POLL] = tNs + Math.round(world.perBatchNs + world.perPacketNs * take);
  if (world.trace !== null) world.trace.polled(world, tNs, take, world.due[DUE_POLL]);
}

function switchPackets(world: QueueWorld, n: number): void {
  const { fsw, deviceRx: ring, ports, trace } = world;
  const meta = world.store.meta;
  const descriptors = ring.descriptors;
  const end = ring.slots * SLOT_WORDS;
  let at = ring.headSlot * SLOT_WORDS;
  let buflets = 0;
  for (let i = 0; i < n; i++) {
    const slot = descriptors[at]! & SLOT_INDEX;
    at += SLOT_WORDS;
    if (at === end) at = 0;
    const w = slot * META_WORDS;
    const flow = meta[w + PKT_FLOW]!;
    let port = world.hostIndex;
    if (flow >= 0) port = fsw.lookup(flow, meta, w, false);
    else if (flow < -1) port = -2 - flow;
    if (trace !== null) trace.switched(world, world.clock[CLOCK_NOW]!, meta[w + PKT_NUMBER]!, flow, port);
    buflets += meta[w + PKT_BUFLETS]!;
    const { metered } = ports[port]!;
    if (metered === null) toPort(world, ports[port]!, DUE_READERS + port, slot, w);
    else buflets -= metered.take(slot);
  }
  world.devicePool.give(buflets);
  if (world.metered !== null) world.due[DUE_READERS + world.hostIndex] = world.metered.meter.nextDueNs;
  if (fsw.wheel.nextTickNs < world.due[DUE_LINGER]!) world.due[DUE_LINGER] = fsw.wheel.nextTickNs;
}

/** Hands a packet from the device pool over to a port's pool and RX ring. */
export function toPort(world: QueueWorld, port: PortQueue, service: number, slot: number, w: number): void {
  if (port.metered !== null) {
    toSockets(world, port.metered, service, slot, w);
    return;
  }
  const meta = world.store.meta;
  const buflets = meta[w + PKT_BUFLETS]!;
  const ring = port.rx;
  const { model } = world;
  port.counters.packetsIn++;
  const fault = model === null ? DROP_NONE : model.onReceive(service - DUE_READERS);
  if (fault !== DROP_NONE) {
    world.dropAt(port, fault, slot, 'fsw', fault === DROP_PORT_NOMEM ? port.pool.id : ring.id);
    return;
  }
  if (!port.pool.take(buflets)) {
    world.dropAt(port, DROP_PORT_NOMEM, slot, 'fsw', port.pool.id);
    return;
  }
  if (!ring.push(slot, meta[w + PKT_LEN]!)) {
    port.pool.give(buflets);
    world.dropAt(port, DROP_DST_RING_FULL, slot, 'fsw', ring.id);
    return;
  }
  if (world.metered !== null) world.metered.channels.switched(slot);
  const woken = model === null || model.handed(service - DUE_READERS, slot);
  if (ring.used === 1 && port.reading === 0 && woken) wake(world, port, service);
  if (world.trace !== null) world.trace.enqueued(port, world.clock[CLOCK_NOW]!, meta[w + PKT_NUMBER]!, ring, world.due[service]!);
}

/** A packet that another port has made goes to sockets: from here on it takes room in the first pool, as one from the link does. */
function toSockets(world: QueueWorld, metered: MeteredPort, service: number, slot: number, w: number): void {
  const buflets = world.store.meta[w + PKT_BUFLETS]!;
  const room = world.devicePool.take(buflets);
  if (room) world.devicePool.give(buflets - metered.take(slot));
  else metered.refuse(slot);
  world.due[service] = metered.meter.nextDueNs;
}

/** The first packet in an empty ring wakes the reader. */
function wake(world: QueueWorld, port: PortQueue, service: number): void {
  const { reader } = port;
  const tNs = world.clock[CLOCK_NOW]! + reader.wakeNs;
  world.due[service] = reader.stalls === 0 ? tNs : reader.free(tNs);
}

/** Starts or ends a read of a port's RX ring by its application. */
export function read(world: QueueWorld, port: PortQueue, service: number): void {
  if (port.metered !== null) {
    world.due[service] = port.metered.run();
    return;
  }
  const { reader, rx } = port;
  const tNs = world.clock[CLOCK_NOW]!;
  if (port.reading > 0) {
    if (world.model !== null) world.model.onReadDone(service - DUE_READERS, port.reading);
    if (world.hooks?.read(port, port.reading) !== true) finishRead(world, port, port.reading);
  }
  const waiting = rx.used;
  port.reading = 0;
  if (waiting === 0) {
    world.due[service] = NEVER;
    return;
  }
  const begin = reader.stalls === 0 ? tNs : reader.free(tNs);
  if (begin > tNs) {
    world.due[service] = begin;
    return;
  }
  if (world.model !== null && world.model.badHead(service - DUE_READERS)) return;
  const take = waiting < reader.batch ? waiting : reader.batch;
  let cost = take * reader.wholeNs;
  if (reader.perByteNs !== 0) {
    cost = 0;
    for (let i = 0; i < take; i++) cost += reader.cost(world.store.meta[rx.peek(i) * META_WORDS + PKT_LEN]!);
  }
  port.reading = take;
  port.readStartNs = tNs;
  world.due[service] = tNs + cost;
  if (world.trace !== null) world.trace.readStarted(world, port, tNs, take, tNs + cost);
}

function finishRead(world: QueueWorld, port: PortQueue, n: number): void {
  const { store, trace, verdict } = world;
  const { meta, arrivalNs } = store;
  const { reader, rx, counters } = port;
  const { delays } = counters;
  const descriptors = rx.descriptors;
  const end = rx.slots * SLOT_WORDS;
  const wholeNs = reader.perByteNs === 0 ? reader.wholeNs : -1;
  const channels = world.metered === null ? null : world.metered.channels;
  const place = channels === null ? 0 : world.ports.indexOf(port);
  let at = rx.headSlot * SLOT_WORDS;
  let t = port.readStartNs;
  let maxDelayNs = counters.maxDelayNs;
  let buflets = 0;
  let bytes = 0;
  for (let i = 0; i < n; i++) {
    const slot = descriptors[at]! & SLOT_INDEX;
    const lenBytes = descriptors[at + 1]!;
    at += SLOT_WORDS;
    if (at === end) at = 0;
    bytes += lenBytes;
    t += wholeNs >= 0 ? wholeNs : reader.cost(lenBytes);
    const delayNs = t - arrivalNs[slot]!;
    if (delayNs > maxDelayNs) maxDelayNs = delayNs;
    const bucket = delayNs >= 16 && delayNs < 0x8000_0000 ? smallBucket(delayNs | 0) : histogramBucket(delayNs);
    delays[bucket]!++;
    buflets += meta[slot * META_WORDS + PKT_BUFLETS]!;
    if (verdict !== null) world.judge(meta[slot * META_WORDS + PKT_NUMBER]!, VERDICT_DELIVERED, port.number);
    if (trace !== null) trace.delivered(port, t, meta[slot * META_WORDS + PKT_NUMBER]!, arrivalNs[slot]!, port.readStartNs);
    if (channels !== null) channels.read(place, slot, t);
    store.release(slot);
  }
  counters.maxDelayNs = maxDelayNs;
  counters.delivered += n;
  counters.bytesOut += bytes;
  world.finished += n;
  port.pool.give(buflets);
  rx.consume(n);
  if (channels !== null) channels.drained();
  world.endNs = world.clock[CLOCK_NOW]!;
}
