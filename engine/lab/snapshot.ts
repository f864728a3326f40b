import { assert } from '../base/index.ts';
import {
  FLOW_ENTRY_FLOATS,
  META_WORDS,
  PKT_ACK,
  PKT_FLOW,
  PKT_LEN,
  PKT_META,
  PKT_NUMBER,
  PKT_PAYLOAD,
  PKT_SEQ,
  type Pool,
  type Ring,
} from '../stack/index.ts';
import type { PortCounters } from './port-queue.ts';
import type { QueueWorld } from './world.ts';

/**
 * The state of one queue as float64 words: counters, clocks, the packets inside rings (every pool packet is in exactly one ring
 * between two services), delays as pairs, and the flow entries. Slots and buffers in no use are not in it. Series are not in it either:
 * a restored pipeline records from its instant on.
 */
class Writer {
  private words = new Float64Array(4_096);
  private length = 0;

  room(count: number): void {
    if (this.length + count <= this.words.length) return;
    const bigger = new Float64Array(Math.max(2 * this.words.length, this.length + count));
    bigger.set(this.words);
    this.words = bigger;
  }

  put(...values: number[]): void {
    this.room(values.length);
    for (const v of values) this.words[this.length++] = v;
  }

  /** Raw memory; the words may not be numbers, so they are copied as bytes. */
  raw(source: Float64Array): void {
    this.room(source.length);
    this.words.set(source, this.length);
    this.length += source.length;
  }

  done(): Float64Array {
    return this.words.slice(0, this.length);
  }
}

class Reader {
  private at = 0;
  private readonly words: Float64Array;

  constructor(words: Float64Array) {
    this.words = words;
  }

  get(): number {
    assert(this.at < this.words.length, 'a snapshot ends too early');
    return this.words[this.at++]!;
  }

  raw(count: number): Float64Array {
    const out = this.words.subarray(this.at, this.at + count);
    this.at += count;
    return out;
  }

  atEnd(): boolean {
    return this.at === this.words.length;
  }
}

export function saveWorld(world: QueueWorld): Float64Array {
  const w = new Writer();
  w.put(world.packets, world.bytes, world.finished, world.lastArrivalNs, world.endNs, world.polling);
  w.put(...world.drops);
  w.put(...world.due);
  saveCounters(w, world.device);
  saveRing(w, world.deviceRx, world.devicePool);
  saveRing(w, world.deviceTx, world.devicePool);
  savePool(w, world.devicePool);
  for (const port of world.ports) {
    w.put(port.reading, port.readStartNs, port.polling);
    saveCounters(w, port.counters);
    saveRing(w, port.rx, port.pool);
    saveRing(w, port.tx, port.pool);
    savePool(w, port.pool);
  }
  const { fsw } = world;
  w.put(fsw.active, fsw.created, fsw.expired, fsw.withoutEntry);
  w.put(...fsw.fragments);
  w.put(fsw.table.full, fsw.table.count);
  w.raw(fsw.table.floats.subarray(0, fsw.table.count * FLOW_ENTRY_FLOATS));
  return w.done();
}

/** Restores into a world of the same scenario and queue that has not run yet, or has run: everything is replaced. */
export function restoreWorld(world: QueueWorld, words: Float64Array, tNs: number): void {
  const r = new Reader(words);
  world.packets = r.get();
  world.bytes = r.get();
  world.finished = r.get();
  world.lastArrivalNs = r.get();
  world.endNs = r.get();
  world.polling = r.get();
  for (let i = 0; i < world.drops.length; i++) world.drops[i] = r.get();
  for (let i = 0; i < world.due.length; i++) world.due[i] = r.get();
  restoreCounters(r, world.device);
  emptyRing(world.deviceRx, world.devicePool);
  emptyRing(world.deviceTx, world.devicePool);
  restoreRing(r, world.deviceRx, world.devicePool);
  restoreRing(r, world.deviceTx, world.devicePool);
  restorePool(r, world.devicePool);
  for (const port of world.ports) {
    port.reading = r.get();
    port.readStartNs = r.get();
    port.polling = r.get();
    restoreCounters(r, port.counters);
    emptyRing(port.rx, port.pool);
    emptyRing(port.tx, port.pool);
    restoreRing(r, port.rx, port.pool);
    restoreRing(r, port.tx, port.pool);
    restorePool(r, port.pool);
  }
  const { fsw } = world;
  fsw.active = r.get();
  fsw.created = r.get();
  fsw.expired = r.get();
  fsw.withoutEntry = r.get();
  for (let i = 0; i < fsw.fragments.length; i++) fsw.fragments[i] = r.get();
  const full = r.get();
  const count = r.get();
  const entries = r.raw(count * FLOW_ENTRY_FLOATS).slice();
  fsw.table.load(new Int32Array(entries.buffer), count);
  fsw.table.full = full;
  fsw.wheel.rebuild(tNs);
  assert(r.atEnd(), 'a snapshot belongs to another scenario');
  world.restored(tNs);
}

function saveCounters(w: Writer, c: PortCounters): void {
  const used: number[] = [];
  for (let b = 0; b < c.delays.length; b++) if (c.delays[b] !== 0) used.push(b, c.delays[b]!);
  w.put(c.packetsIn, c.bytesIn, c.delivered, c.dropped, c.maxDelayNs, used.length / 2, ...used);
}

function restoreCounters(r: Reader, c: PortCounters): void {
  c.packetsIn = r.get();
  c.bytesIn = r.get();
  c.delivered = r.get();
  c.dropped = r.get();
  c.maxDelayNs = r.get();
  c.delays.fill(0);
  for (let n = r.get(); n > 0; n--) {
    const bucket = r.get();
    c.delays[bucket] = r.get();
  }
}

function saveRing(w: Writer, ring: Ring, pool: Pool): void {
  w.put(ring.head, ring.enqueued, ring.dequeued, ring.drops, ring.errors, ring.highWater, ring.used);
  for (let i = 0; i < ring.used; i++) {
    const slot = ring.peek(i);
    const m = slot * META_WORDS;
    const meta = pool.meta;
    w.put(pool.arrivalNs[slot]!, meta[m + PKT_NUMBER]!, meta[m + PKT_LEN]!, meta[m + PKT_FLOW]!, meta[m + PKT_META]!);
    w.put(meta[m + PKT_SEQ]!, meta[m + PKT_ACK]!, meta[m + PKT_PAYLOAD]!);
  }
}

function emptyRing(ring: Ring, pool: Pool): void {
  while (ring.used > 0) {
    pool.release(ring.peek(0));
    ring.consume(1);
  }
}

function restoreRing(r: Reader, ring: Ring, pool: Pool): void {
  const head = r.get();
  const enqueued = r.get();
  const [dequeued, drops, errors, highWater, used] = [r.get(), r.get(), r.get(), r.get(), r.get()];
  ring.restore({ head, enqueued: enqueued - used, dequeued, drops, errors, highWater });
  for (let i = 0; i < used; i++) {
    const arrivalNs = r.get();
    const number = r.get();
    const lenBytes = r.get();
    const slot = pool.alloc(lenBytes);
    const pushed = slot >= 0 && ring.push(slot, lenBytes);
    assert(pushed, 'a snapshot holds more packets than its scenario has room for');
    const m = slot * META_WORDS;
    pool.arrivalNs[slot] = arrivalNs;
    pool.meta[m + PKT_NUMBER] = number;
    pool.meta[m + PKT_LEN] = lenBytes;
    for (const word of [PKT_FLOW, PKT_META, PKT_SEQ, PKT_ACK, PKT_PAYLOAD]) pool.meta[m + word] = r.get();
  }
}

function savePool(w: Writer, pool: Pool): void {
  w.put(pool.allocations, pool.failures, pool.highWater);
}

function restorePool(r: Reader, pool: Pool): void {
  const allocations = r.get();
  const failures = r.get();
  pool.restore({ allocations, failures, highWater: r.get() });
}
