import {
  DROP_DEVICE_RX_FULL,
  DROP_NOMEM,
  E_PACKETS_FORWARD,
  E_STATE,
  FLOW_ENTRY_WORDS,
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
} from '../../../stack/index.ts';
import { META_FLOW, ROW_ACK, ROW_META, ROW_PAYLOAD, ROW_SEQ, ROW_WORDS } from '../../../wire/index.ts';
import { DUE_POLL } from '../../services.ts';
import {
  C_NEXT,
  C_NOW,
  LOOKUP_BATCH,
  P_BUFFER_BYTES,
  Q_ARRIVALS,
  Q_BYTES,
  Q_CAPACITY,
  Q_CLOCK,
  Q_DUE,
  Q_ENTRIES,
  Q_FREE,
  Q_IDS,
  Q_IN_USE,
  Q_LAST_ARRIVAL,
  Q_META,
  Q_MODERATION,
  Q_POLLING,
  Q_POOL,
  Q_RING,
  Q_WORLD,
} from '../layout.ts';
import { internBatch } from './flow.ts';
import { arrived, droppedAtDevice, withoutRecord } from './host.ts';
import { full, give, push, take } from './rings.ts';
import { runServices } from './services.ts';

/**
 * The way of received packets through a queue's world, as receive-path.ts and world.ts have it, for worlds of which nobody wants to know more
 * than figures (see world-kernel.ts). Whatever is rare is left to them, see host.ts. Function by function the names are the same, and a change
 * there needs its like here; the tests compare both. Parameters that are addresses are of type usize, `q` the queue block.
 */
const ROW_BYTES = ROW_WORDS * 4;
const META_BYTES = META_WORDS * 4;
const ENTRY_BYTES = FLOW_ENTRY_WORDS * 4;
const META_FROM_B_BIT = 16;
const FIRST_FROM_B_BIT = 17;

/** Feeds packets order[from..to), see QueueWorld.feed. */
export function feed(q: usize, rows: usize, order: usize, from: i32, to: i32, tsNs: usize, lens: usize, firstNumber: i32): void {
  let bytes: f64 = 0;
  for (let block = from; block < to; block += LOOKUP_BATCH) {
    const end = select(block + LOOKUP_BATCH, to, block + LOOKUP_BATCH < to);
    internBatch(q, rows, order + (block << 2), end - block);
    bytes = bytes + arrivals(q, rows, order + (block << 2), end - block, tsNs, lens, firstNumber);
  }
  f64.store(q, bytes, Q_BYTES);
}

/** Packets arrive; gives their bytes. */
function arrivals(q: usize, rows: usize, order: usize, count: i32, tsNs: usize, lens: usize, firstNumber: i32): f64 {
  const ids = i32.load(q, Q_IDS);
  const clock = i32.load(q, Q_CLOCK);
  let bytes: f64 = 0;
  for (let i = 0; i < count; i++) {
    const row = i32.load(order + (i << 2));
    const stamp = f64.load(tsNs + (row << 3));
    const last = f64.load(q, Q_LAST_ARRIVAL);
    const t = select(stamp, last, stamp > last);
    if (f64.load(clock, C_NEXT) <= t) runServices(q, t);
    f64.store(q, t, Q_LAST_ARRIVAL);
    f64.store(clock, t, C_NOW);
    const base = rows + row * ROW_BYTES;
    const id = i32.load(ids + (i << 2));
    const length = i32.load(lens + (row << 2));
    const meta = i32.load(base, ROW_META * 4);
    const number = firstNumber + row;
    bytes = bytes + f64(u32(length));
    if (id >= 0) countArrival(q, id, meta, number, length, t);
    toDeviceRing(q, base, id, length, number, t);
  }
  return bytes;
}

/** FlowSwitch.arrived. */
function countArrival(q: usize, id: i32, meta: i32, number: i32, length: i32, t: f64): void {
  const entry = i32.load(q, Q_ENTRIES) + id * ENTRY_BYTES;
  const state = i32.load(entry, E_STATE * 4);
  if ((state & FLOW_SEEN) === 0) arrived(i32.load(q, Q_WORLD), id, meta, number, length);
  else {
    f64.store(entry, t, F_LAST * 8);
    const other = ((meta >>> META_FROM_B_BIT) ^ (state >>> FIRST_FROM_B_BIT)) & 1;
    const packets = entry + (other << 2);
    i32.store(packets, i32.load(packets, E_PACKETS_FORWARD * 4) + 1, E_PACKETS_FORWARD * 4);
    const octets = entry + (other << 3);
    f64.store(octets, f64.load(octets, F_BYTES_FORWARD * 8) + f64(u32(length)), F_BYTES_FORWARD * 8);
  }
}

/** A packet comes from the link. */
function toDeviceRing(q: usize, base: usize, id: i32, lenBytes: i32, number: i32, t: f64): void {
  const pool = q + Q_POOL;
  const ring = q + Q_RING;
  let flow = id;
  if (id < 0) {
    if ((i32.load(base, ROW_META * 4) & META_FLOW) !== 0) flow = withoutRecord(i32.load(q, Q_WORLD), base);
  }
  const size = i32.load(pool, P_BUFFER_BYTES);
  let buflets = 1;
  if (u32(lenBytes) > u32(size)) buflets = u32(lenBytes - 1) / u32(size) + 1;
  if (!take(pool, buflets)) droppedAtDevice(i32.load(q, Q_WORLD), DROP_NOMEM, flow, number);
  else if (full(ring)) {
    give(pool, buflets);
    droppedAtDevice(i32.load(q, Q_WORLD), DROP_DEVICE_RX_FULL, flow, number);
  } else {
    const used = i32.load(q, Q_IN_USE);
    i32.store(q, used + 1, Q_IN_USE);
    const slot = i32.load(i32.load(q, Q_FREE) + ((i32.load(q, Q_CAPACITY) - 1 - used) << 2));
    const packet = i32.load(q, Q_META) + slot * META_BYTES;
    i32.store(packet, buflets, PKT_BUFLETS * 4);
    i32.store(packet, number, PKT_NUMBER * 4);
    i32.store(packet, lenBytes, PKT_LEN * 4);
    i32.store(packet, flow, PKT_FLOW * 4);
    i32.store(packet, i32.load(base, ROW_META * 4), PKT_META * 4);
    i32.store(packet, i32.load(base, ROW_SEQ * 4), PKT_SEQ * 4);
    i32.store(packet, i32.load(base, ROW_ACK * 4), PKT_ACK * 4);
    i32.store(packet, i32.load(base, ROW_PAYLOAD * 4), PKT_PAYLOAD * 4);
    f64.store(i32.load(q, Q_ARRIVALS) + (slot << 3), t);
    if (push(ring, slot, lenBytes) === 1 && i32.load(q, Q_POLLING) === 0) setDue(q, DUE_POLL, t + f64.load(q, Q_MODERATION));
  }
}

function setDue(q: usize, service: i32, tNs: f64): void {
  f64.store(i32.load(q, Q_DUE) + (service << 3), tNs);
  const clock = i32.load(q, Q_CLOCK);
  if (tNs < f64.load(clock, C_NEXT)) f64.store(clock, tNs, C_NEXT);
}
