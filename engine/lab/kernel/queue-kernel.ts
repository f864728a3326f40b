import {
  DROP_DEVICE_RX_FULL,
  DROP_DST_RING_FULL,
  DROP_NOMEM,
  DROP_PORT_NOMEM,
  E_PACKETS_FORWARD,
  E_STATE,
  FLOW_ACTIVE,
  FLOW_ENTRY_WORDS,
  FLOW_PORT_MASK,
  FLOW_SEEN,
  F_BYTES_FORWARD,
  F_LAST,
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
  SLOT_VALID,
} from '../../stack/index.ts';
import { META_FLOW, META_FRAGMENT, META_TCP, ROW_ACK, ROW_META, ROW_PAYLOAD, ROW_SEQ, ROW_WORDS } from '../../wire/index.ts';
import { DUE_LINGER, DUE_POLL, DUE_READERS, DUE_SERIES, NEVER } from '../services.ts';
import { internBatch } from './flow-kernel.ts';
import {
  ceil,
  clz,
  divU,
  gtU,
  load32,
  loadF64,
  select,
  store32,
  storeF64,
  toF64,
  toF64U,
  toI32,
  type f64,
  type i32,
} from './intrinsics.ts';
import {
  C_NEXT,
  C_NOW,
  C_UNTIL,
  LOOKUP_BATCH,
  PORT_BYTES,
  P_BUFFER_BYTES,
  P_BUFLETS,
  P_FAILURES,
  P_USED,
  P_WINDOW_MAX,
  Q_ARRIVALS,
  Q_BATCH,
  Q_BYTES,
  Q_CAPACITY,
  Q_CLOCK,
  Q_DUE,
  Q_END,
  Q_ENTRIES,
  Q_FINISHED,
  Q_FIRST_PORT,
  Q_FREE,
  Q_HOST,
  Q_IDS,
  Q_IN_USE,
  Q_LAST_ARRIVAL,
  Q_META,
  Q_MODERATION,
  Q_PER_BATCH,
  Q_PER_PACKET,
  Q_POLLING,
  Q_POOL,
  Q_RING,
  Q_SERVICES,
  Q_WORLD,
  R_DEQUEUED,
  R_DESCRIPTORS,
  R_DROPS,
  R_HEAD,
  R_SLOTS,
  R_TAIL,
  R_USED,
  R_WINDOW_MAX,
  T_BYTES_OUT,
  T_DELAYS,
  T_DELIVERED,
  T_MAX_DELAY,
  T_PACKETS_IN,
  T_POOL,
  T_READING,
  T_READ_BATCH,
  T_READ_START,
  T_RING,
  T_WAKE,
  T_WHOLE,
} from './layout.ts';
import { trackTcp } from './tcp-kernel.ts';

/**
 * The way of received packets through a queue's world, as receive-path.ts and world.ts have it, for worlds of which nobody wants to know more
 * than figures (see world-kernel.ts). Whatever is rare is left to them: the functions declared here. Function by function the
 * names are the same, and a change there needs its like here; the tests compare both.
 */
const ROW_BYTES = ROW_WORDS * 4;
const META_BYTES = META_WORDS * 4;
const ENTRY_BYTES = FLOW_ENTRY_WORDS * 4;
const SLOT_BYTES = 8;
/** 2^31: longer delays have their bucket worked out by the world. */
const LONG_DELAY_NS = 2147483648;
const META_FROM_B_BIT = 16;
const FIRST_FROM_B_BIT = 17;

/** First packet of a flow: FlowSwitch.arrived. */
declare function arrived(world: i32, id: i32, meta: i32, number: i32, lenBytes: i32): void;
/** A flow without a record: what the selectors say, as PKT_FLOW. */
declare function withoutRecord(world: i32, rowBytes: i32): i32;
/** FlowSwitch.lookup for a flow without an entry, and for fragments; gives the port. */
declare function lookup(world: i32, id: i32, slot: i32): i32;
/** A packet that the device has no room for, and one that a port has none for. */
declare function droppedAtDevice(world: i32, code: i32, flow: i32, number: i32): void;
declare function droppedAtPort(world: i32, port: i32, code: i32, slot: i32): void;
/** The linger worker. */
declare function expire(world: i32, tNs: f64): void;
/** A bin of the series ends. */
declare function closeBin(world: i32): void;
/** Bucket of a delay of 2^31 ns or more. */
declare function delayBucket(delayNs: f64): i32;

/** Feeds packets order[from..to), see QueueWorld.feed. */
export function feed(q: i32, rows: i32, order: i32, from: i32, to: i32, tsNs: i32, lens: i32, firstNumber: i32): void {
  let bytes: f64 = 0;
  for (let block = from; block < to; block += LOOKUP_BATCH) {
    const end = select(block + LOOKUP_BATCH < to, block + LOOKUP_BATCH, to);
    internBatch(q, rows, order + (block << 2), end - block);
    bytes = bytes + arrivals(q, rows, order + (block << 2), end - block, tsNs, lens, firstNumber);
  }
  storeF64(q, Q_BYTES, bytes);
}

/** Packets arrive; gives their bytes. */
function arrivals(q: i32, rows: i32, order: i32, count: i32, tsNs: i32, lens: i32, firstNumber: i32): f64 {
  const ids = load32(q, Q_IDS);
  const clock = load32(q, Q_CLOCK);
  let bytes: f64 = 0;
  for (let i = 0; i < count; i++) {
    const row = load32(order + (i << 2));
    const stamp = loadF64(tsNs + (row << 3));
    const last = loadF64(q, Q_LAST_ARRIVAL);
    const t = select(stamp > last, stamp, last);
    if (loadF64(clock, C_NEXT) <= t) runServices(q, t);
    storeF64(q, Q_LAST_ARRIVAL, t);
    storeF64(clock, C_NOW, t);
    const base = rows + row * ROW_BYTES;
    const id = load32(ids + (i << 2));
    const length = load32(lens + (row << 2));
    const meta = load32(base, ROW_META * 4);
    const number = firstNumber + row;
    bytes = bytes + toF64U(length);
    if (id >= 0) countArrival(q, id, meta, number, length, t);
    toDeviceRing(q, base, id, length, number, t);
  }
  return bytes;
}

/** FlowSwitch.arrived. */
function countArrival(q: i32, id: i32, meta: i32, number: i32, length: i32, t: f64): void {
  const entry = load32(q, Q_ENTRIES) + id * ENTRY_BYTES;
  const state = load32(entry, E_STATE * 4);
  if ((state & FLOW_SEEN) === 0) arrived(load32(q, Q_WORLD), id, meta, number, length);
  else {
    storeF64(entry, F_LAST * 8, t);
    const other = ((meta >>> META_FROM_B_BIT) ^ (state >>> FIRST_FROM_B_BIT)) & 1;
    const packets = entry + (other << 2);
    store32(packets, E_PACKETS_FORWARD * 4, load32(packets, E_PACKETS_FORWARD * 4) + 1);
    const octets = entry + (other << 3);
    storeF64(octets, F_BYTES_FORWARD * 8, loadF64(octets, F_BYTES_FORWARD * 8) + toF64U(length));
  }
}

/** Pool.take. */
function take(pool: i32, buflets: i32): boolean {
  const used = load32(pool, P_USED) + buflets;
  const room = used <= load32(pool, P_BUFLETS);
  if (room) {
    store32(pool, P_USED, used);
    if (used > load32(pool, P_WINDOW_MAX)) store32(pool, P_WINDOW_MAX, used);
  } else store32(pool, P_FAILURES, load32(pool, P_FAILURES) + 1);
  return room;
}

/** Pool.give. */
function give(pool: i32, buflets: i32): void {
  store32(pool, P_USED, load32(pool, P_USED) - buflets);
}

/** Ring.push into a ring that is not full; gives how many slots are in use then. */
function push(ring: i32, index: i32, lenBytes: i32): i32 {
  const slots = load32(ring, R_SLOTS);
  const tail = load32(ring, R_TAIL);
  const at = load32(ring, R_DESCRIPTORS) + select(tail < slots, tail, tail - slots) * SLOT_BYTES;
  store32(at, 0, index | SLOT_VALID);
  store32(at, 4, lenBytes);
  const next = tail + 1;
  store32(ring, R_TAIL, select(next === slots << 1, 0, next));
  const used = load32(ring, R_USED) + 1;
  store32(ring, R_USED, used);
  if (used > load32(ring, R_WINDOW_MAX)) store32(ring, R_WINDOW_MAX, used);
  return used;
}

/** Whether Ring.push finds the ring full: a drop of the ring. */
function full(ring: i32): boolean {
  const none = load32(ring, R_USED) === load32(ring, R_SLOTS);
  if (none) store32(ring, R_DROPS, load32(ring, R_DROPS) + 1);
  return none;
}

/** Ring.consume. */
function consume(ring: i32, n: i32): void {
  const span = load32(ring, R_SLOTS) << 1;
  const head = load32(ring, R_HEAD) + n;
  store32(ring, R_HEAD, select(head < span, head, head - span));
  store32(ring, R_USED, load32(ring, R_USED) - n);
  store32(ring, R_DEQUEUED, load32(ring, R_DEQUEUED) + n);
}

/** Address of the first slot that the consumer owns. */
function firstOwned(ring: i32): i32 {
  const slots = load32(ring, R_SLOTS);
  const head = load32(ring, R_HEAD);
  return load32(ring, R_DESCRIPTORS) + select(head < slots, head, head - slots) * SLOT_BYTES;
}

/** PacketStore.release. */
function release(q: i32, slot: i32, packet: i32): void {
  store32(packet, PKT_BUFLETS * 4, 0);
  const used = load32(q, Q_IN_USE) - 1;
  store32(q, Q_IN_USE, used);
  store32(load32(q, Q_FREE) + ((load32(q, Q_CAPACITY) - 1 - used) << 2), 0, slot);
}

function setDue(q: i32, service: i32, tNs: f64): void {
  storeF64(load32(q, Q_DUE) + (service << 3), 0, tNs);
  const clock = load32(q, Q_CLOCK);
  if (tNs < loadF64(clock, C_NEXT)) storeF64(clock, C_NEXT, tNs);
}

/** A packet comes from the link. */
function toDeviceRing(q: i32, base: i32, id: i32, lenBytes: i32, number: i32, t: f64): void {
  const pool = q + Q_POOL;
  const ring = q + Q_RING;
  let flow = id;
  if (id < 0) {
    if ((load32(base, ROW_META * 4) & META_FLOW) !== 0) flow = withoutRecord(load32(q, Q_WORLD), base);
  }
  const size = load32(pool, P_BUFFER_BYTES);
  let buflets = 1;
  if (gtU(lenBytes, size)) buflets = divU(lenBytes - 1, size) + 1;
  if (!take(pool, buflets)) droppedAtDevice(load32(q, Q_WORLD), DROP_NOMEM, flow, number);
  else if (full(ring)) {
    give(pool, buflets);
    droppedAtDevice(load32(q, Q_WORLD), DROP_DEVICE_RX_FULL, flow, number);
  } else {
    const used = load32(q, Q_IN_USE);
    store32(q, Q_IN_USE, used + 1);
    const slot = load32(load32(q, Q_FREE) + ((load32(q, Q_CAPACITY) - 1 - used) << 2));
    const packet = load32(q, Q_META) + slot * META_BYTES;
    store32(packet, PKT_BUFLETS * 4, buflets);
    store32(packet, PKT_NUMBER * 4, number);
    store32(packet, PKT_LEN * 4, lenBytes);
    store32(packet, PKT_FLOW * 4, flow);
    store32(packet, PKT_META * 4, load32(base, ROW_META * 4));
    store32(packet, PKT_SEQ * 4, load32(base, ROW_SEQ * 4));
    store32(packet, PKT_ACK * 4, load32(base, ROW_ACK * 4));
    store32(packet, PKT_PAYLOAD * 4, load32(base, ROW_PAYLOAD * 4));
    storeF64(load32(q, Q_ARRIVALS) + (slot << 3), 0, t);
    if (push(ring, slot, lenBytes) === 1 && load32(q, Q_POLLING) === 0) setDue(q, DUE_POLL, t + loadF64(q, Q_MODERATION));
  }
}

/** As Math.round. */
function rounded(value: f64): f64 {
  const up = ceil(value);
  return select(up - 0.5 > value, up - 1, up);
}

/** Starts or ends a poll of the device RX ring by the flow switch. */
function poll(q: i32, tNs: f64): void {
  const ring = q + Q_RING;
  const n = load32(q, Q_POLLING);
  if (n > 0) {
    switchPackets(q, n, tNs);
    consume(ring, n);
    storeF64(q, Q_END, tNs);
  }
  const waiting = load32(ring, R_USED);
  const batch = load32(q, Q_BATCH);
  const some = select(waiting < batch, waiting, batch);
  store32(q, Q_POLLING, some);
  if (some !== 0) {
    const ends = tNs + rounded(loadF64(q, Q_PER_BATCH) + loadF64(q, Q_PER_PACKET) * toF64(some));
    storeF64(load32(q, Q_DUE) + (DUE_POLL << 3), 0, ends);
  }
}

function switchPackets(q: i32, n: i32, tNs: f64): void {
  const ring = q + Q_RING;
  const metadata = load32(q, Q_META);
  const first = load32(ring, R_DESCRIPTORS);
  const end = first + load32(ring, R_SLOTS) * SLOT_BYTES;
  let at = firstOwned(ring);
  let buflets = 0;
  for (let i = 0; i < n; i++) {
    const slot = load32(at) & SLOT_INDEX;
    at += SLOT_BYTES;
    at = select(at === end, first, at);
    const packet = metadata + slot * META_BYTES;
    buflets += load32(packet, PKT_BUFLETS * 4);
    toPort(q, portOf(q, packet, slot), slot, packet, tNs);
  }
  give(q + Q_POOL, buflets);
}

/** Port of a packet: FlowSwitch.lookup for a flow with an entry. */
function portOf(q: i32, packet: i32, slot: i32): i32 {
  const flow = load32(packet, PKT_FLOW * 4);
  const meta = load32(packet, PKT_META * 4);
  let port = load32(q, Q_HOST);
  if (flow >= 0) {
    const entry = load32(q, Q_ENTRIES) + flow * ENTRY_BYTES;
    const state = load32(entry, E_STATE * 4);
    if ((state & FLOW_ACTIVE) === 0 || (meta & META_FRAGMENT) !== 0) port = lookup(load32(q, Q_WORLD), flow, slot);
    else {
      port = state & FLOW_PORT_MASK;
      if ((meta & META_TCP) !== 0) trackTcp(q, entry, state, meta, flow, slot, packet);
    }
  } else if (flow < -1) port = -2 - flow;
  return port;
}

/** Hands a packet from the device pool over to a port's pool and RX ring. */
function toPort(q: i32, place: i32, slot: i32, packet: i32, tNs: f64): void {
  const port = q + Q_FIRST_PORT + place * PORT_BYTES;
  const buflets = load32(packet, PKT_BUFLETS * 4);
  store32(port, T_PACKETS_IN, load32(port, T_PACKETS_IN) + 1);
  if (!take(port + T_POOL, buflets)) {
    droppedAtPort(load32(q, Q_WORLD), place, DROP_PORT_NOMEM, slot);
    release(q, slot, packet);
  } else if (full(port + T_RING)) {
    give(port + T_POOL, buflets);
    droppedAtPort(load32(q, Q_WORLD), place, DROP_DST_RING_FULL, slot);
    release(q, slot, packet);
  } else if (push(port + T_RING, slot, load32(packet, PKT_LEN * 4)) === 1 && load32(port, T_READING) === 0) {
    storeF64(load32(q, Q_DUE) + ((DUE_READERS + place) << 3), 0, tNs + loadF64(port, T_WAKE));
  }
}

/** Starts or ends a read of a port's RX ring by its application. */
function read(q: i32, place: i32, tNs: f64): void {
  const port = q + Q_FIRST_PORT + place * PORT_BYTES;
  const reading = load32(port, T_READING);
  if (reading > 0) finishRead(q, port, reading, tNs);
  const waiting = load32(port + T_RING, R_USED);
  const batch = load32(port, T_READ_BATCH);
  const some = select(waiting < batch, waiting, batch);
  store32(port, T_READING, some);
  if (some !== 0) {
    storeF64(port, T_READ_START, tNs);
    storeF64(load32(q, Q_DUE) + ((DUE_READERS + place) << 3), 0, tNs + toF64(some) * loadF64(port, T_WHOLE));
  }
}

/** Bucket of a delay: histogramBucket. */
function bucketOf(delayNs: f64): i32 {
  return delayNs >= LONG_DELAY_NS ? delayBucket(delayNs) : shortBucket(toI32(delayNs));
}

function shortBucket(delay: i32): i32 {
  const octave = 31 - clz(delay);
  return select(delay < 16, select(delay < 0, 0, delay), ((octave - 3) << 4) | ((delay >>> (octave - 4)) & 15));
}

function finishRead(q: i32, port: i32, n: i32, tNs: f64): void {
  const ring = port + T_RING;
  const metadata = load32(q, Q_META);
  const arrivalsNs = load32(q, Q_ARRIVALS);
  const delays = load32(port, T_DELAYS);
  const wholeNs = loadF64(port, T_WHOLE);
  const first = load32(ring, R_DESCRIPTORS);
  const end = first + load32(ring, R_SLOTS) * SLOT_BYTES;
  const inUse = load32(q, Q_IN_USE);
  let free = load32(q, Q_FREE) + ((load32(q, Q_CAPACITY) - inUse) << 2);
  let at = firstOwned(ring);
  let t = loadF64(port, T_READ_START);
  let maxDelayNs = loadF64(port, T_MAX_DELAY);
  let buflets = 0;
  let bytes: f64 = 0;
  for (let i = 0; i < n; i++) {
    const slot = load32(at) & SLOT_INDEX;
    bytes = bytes + toF64(load32(at, 4));
    at += SLOT_BYTES;
    at = select(at === end, first, at);
    t = t + wholeNs;
    const delayNs = t - loadF64(arrivalsNs + (slot << 3));
    maxDelayNs = select(delayNs > maxDelayNs, delayNs, maxDelayNs);
    const bucket = delays + (bucketOf(delayNs) << 2);
    store32(bucket, 0, load32(bucket) + 1);
    const packet = metadata + slot * META_BYTES;
    buflets += load32(packet, PKT_BUFLETS * 4);
    store32(packet, PKT_BUFLETS * 4, 0);
    store32(free, 0, slot);
    free += 4;
  }
  store32(q, Q_IN_USE, inUse - n);
  storeF64(port, T_MAX_DELAY, maxDelayNs);
  store32(port, T_DELIVERED, load32(port, T_DELIVERED) + n);
  storeF64(port, T_BYTES_OUT, loadF64(port, T_BYTES_OUT) + bytes);
  store32(q, Q_FINISHED, load32(q, Q_FINISHED) + n);
  give(port + T_POOL, buflets);
  consume(ring, n);
  storeF64(q, Q_END, tNs);
}

/** QueueWorld.runUntil, for the services of a world that sends nothing. */
function runServices(q: i32, untilNs: f64): void {
  const due = load32(q, Q_DUE);
  const services = load32(q, Q_SERVICES);
  const clock = load32(q, Q_CLOCK);
  storeF64(clock, C_UNTIL, untilNs);
  let more = true;
  while (more) {
    let next: f64 = NEVER;
    let service = 0;
    for (let i = 0; i < services; i++) {
      const t = loadF64(due + (i << 3));
      const earlier = t < next;
      next = select(earlier, t, next);
      service = select(earlier, i, service);
    }
    if (next > untilNs || next === NEVER) {
      storeF64(clock, C_NEXT, next);
      more = false;
    } else {
      storeF64(due + (service << 3), 0, NEVER);
      storeF64(clock, C_NOW, next);
      if (service === DUE_POLL) poll(q, next);
      else if (service >= DUE_READERS) read(q, service - DUE_READERS, next);
      else if (service === DUE_LINGER) expire(load32(q, Q_WORLD), next);
      else if (service === DUE_SERIES) closeBin(load32(q, Q_WORLD));
    }
  }
}
