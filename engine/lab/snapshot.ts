import { assert } from '../base/index.ts';
import { FLOW_COLD_WORDS, FLOW_ENTRY_WORDS, META_WORDS, PKT_LEN, type PacketStore, type Pool, type Ring } from '../stack/index.ts';
import type { PortCounters } from './port-queue.ts';
import type { StackModel } from './stack-model/index.ts';
import type { QueueWorld } from './world.ts';

/** Memory that the writer of the last snapshot left for the next, so that a survey leaves no garbage; larger than this it goes. */
const SPARE_WORDS = 1 << 19;
let spare = new Float64Array(4_096);

/**
 * The state of one queue as float64 words: counters, clocks, the packets inside rings (every pool packet is in exactly one ring
 * between two services), delays as pairs, and the flow entries. Slots and buffers in no use are not in it. Series are not in it either:
 * a restored pipeline records from its instant on.
 */
export class Writer {
  private words = spare;
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

  /** 32-bit words, two to a place, copied as bytes: as float64 they need not be numbers. */
  raw(source: Int32Array): void {
    const places = (source.length + 1) >> 1;
    this.room(places);
    new Int32Array(this.words.buffer, this.length * 8, source.length).set(source);
    this.length += places;
  }

  done(): Float64Array {
    if (this.words.length <= SPARE_WORDS) spare = this.words;
    return this.words.slice(0, this.length);
  }
}

export class Reader {
  private at = 0;
  private readonly words: Float64Array;

  constructor(words: Float64Array) {
    this.words = words;
  }

  get(): number {
    assert(this.at < this.words.length, 'a snapshot ends too early');
    return this.words[this.at++]!;
  }

  raw(length: number): Int32Array {
    const out = new Int32Array(this.words.buffer, this.words.byteOffset + this.at * 8, length);
    this.at += (length + 1) >> 1;
    return out;
  }

  atEnd(): boolean {
    return this.at === this.words.length;
  }
}

export function saveWorld(world: QueueWorld): Float64Array {
  const w = new Writer();
  w.put(
    world.packets,
    world.bytes,
    world.sentPackets,
    world.sentBytes,
    world.deviceTxBytes,
    world.finished,
    world.lastArrivalNs,
    world.endNs,
    world.polling,
    world.made,
    world.consumed,
  );
  w.put(...world.drops);
  w.put(...world.due);
  saveCounters(w, world.device);
  saveRing(w, world.deviceRx, world);
  saveRing(w, world.deviceTx, world);
  savePool(w, world.devicePool);
  for (const port of world.ports) {
    w.put(port.reading, port.readStartNs, port.polling);
    saveCounters(w, port.counters);
    saveRing(w, port.rx, world);
    saveRing(w, port.tx, world);
    savePool(w, port.pool);
  }
  world.metered?.save(w);
  const { fsw } = world;
  w.put(fsw.active, fsw.created, fsw.expired, fsw.withoutEntry);
  w.put(...fsw.fragments);
  w.put(fsw.table.full);
  const flows = fsw.table.columns();
  w.put(flows.count);
  for (const column of [flows.entries, flows.cold, flows.tails]) {
    w.put(column.length);
    w.raw(column);
  }
  if (world.model !== null) saveModel(w, world, world.model);
  return w.done();
}

/** The stack model and the packets that stand in none of the rings. */
function saveModel(w: Writer, world: QueueWorld, model: StackModel): void {
  const inside = model.inside();
  const placeOf = new Map(inside.map((slot, i) => [slot, i]));
  w.put(inside.length);
  for (const slot of inside) savePacket(w, slot, world);
  const words = model.save((slot) => placeOf.get(slot) ?? -1);
  w.room(words.length);
  for (const word of words) w.put(word);
}

function restoreModel(r: Reader, world: QueueWorld, model: StackModel): void {
  for (const slot of model.inside()) world.store.release(slot);
  const slots = Array.from({ length: r.get() }, () => restorePacket(r, world));
  model.restore(
    () => r.get(),
    (place) => slots[place]!,
  );
}

/** Restores into a world of the same scenario and queue that has not run yet, or has run: everything is replaced. */
export function restoreWorld(world: QueueWorld, words: Float64Array, tNs: number): void {
  const r = new Reader(words);
  world.packets = r.get();
  world.bytes = r.get();
  world.sentPackets = r.get();
  world.sentBytes = r.get();
  world.deviceTxBytes = r.get();
  world.finished = r.get();
  world.lastArrivalNs = r.get();
  world.endNs = r.get();
  world.polling = r.get();
  world.made = r.get();
  world.consumed = r.get();
  for (let i = 0; i < world.drops.length; i++) world.drops[i] = r.get();
  for (let i = 0; i < world.due.length; i++) world.due[i] = r.get();
  restoreCounters(r, world.device);
  emptyRing(world.deviceRx, world.store);
  emptyRing(world.deviceTx, world.store);
  restoreRing(r, world.deviceRx, world);
  restoreRing(r, world.deviceTx, world);
  restorePool(r, world.devicePool);
  for (const port of world.ports) {
    port.reading = r.get();
    port.readStartNs = r.get();
    port.polling = r.get();
    restoreCounters(r, port.counters);
    emptyRing(port.rx, world.store);
    emptyRing(port.tx, world.store);
    restoreRing(r, port.rx, world);
    restoreRing(r, port.tx, world);
    restorePool(r, port.pool);
  }
  world.metered?.restore(r);
  const { fsw } = world;
  fsw.active = r.get();
  fsw.created = r.get();
  fsw.expired = r.get();
  fsw.withoutEntry = r.get();
  for (let i = 0; i < fsw.fragments.length; i++) fsw.fragments[i] = r.get();
  const full = r.get();
  const count = r.get();
  const entries = r.raw(r.get());
  const cold = r.raw(r.get());
  const tails = r.raw(r.get());
  fsw.table.load({ count, entryWords: FLOW_ENTRY_WORDS, coldWords: FLOW_COLD_WORDS, entries, cold, tails });
  fsw.table.full = full;
  fsw.wheel.rebuild(tNs);
  if (world.model !== null) restoreModel(r, world, world.model);
  assert(r.atEnd(), 'a snapshot belongs to another scenario');
  world.restored(tNs);
}

function saveCounters(w: Writer, c: PortCounters): void {
  const used: number[] = [];
  for (let b = 0; b < c.delays.length; b++) if (c.delays[b] !== 0) used.push(b, c.delays[b]!);
  w.put(c.packetsIn, c.bytesOut, c.bytesDropped, c.delivered, c.dropped, c.maxDelayNs, used.length / 2, ...used);
}

function restoreCounters(r: Reader, c: PortCounters): void {
  c.packetsIn = r.get();
  c.bytesOut = r.get();
  c.bytesDropped = r.get();
  c.delivered = r.get();
  c.dropped = r.get();
  c.maxDelayNs = r.get();
  c.delays.fill(0);
  for (let n = r.get(); n > 0; n--) {
    const bucket = r.get();
    c.delays[bucket] = r.get();
  }
}

function saveRing(w: Writer, ring: Ring, world: QueueWorld): void {
  w.put(ring.head, ring.dequeued, ring.drops, ring.errors, ring.highWater, ring.used);
  for (let i = 0; i < ring.used; i++) savePacket(w, ring.peek(i), world);
}

function savePacket(w: Writer, slot: number, world: QueueWorld): void {
  const { store } = world;
  w.put(store.arrivalNs[slot]!, ...store.meta.subarray(slot * META_WORDS, (slot + 1) * META_WORDS));
  world.saveSlot(slot, w);
}

/** Takes the metadata of a saved packet over into a slot of its own. */
function restorePacket(r: Reader, world: QueueWorld): number {
  const { store } = world;
  const slot = store.alloc(1);
  assert(slot >= 0, 'a snapshot holds more packets than its scenario has room for');
  store.arrivalNs[slot] = r.get();
  for (let word = 0; word < META_WORDS; word++) store.meta[slot * META_WORDS + word] = r.get();
  world.restoreSlot(slot, r);
  return slot;
}

function emptyRing(ring: Ring, store: PacketStore): void {
  while (ring.used > 0) {
    store.release(ring.peek(0));
    ring.consume(1);
  }
}

function restoreRing(r: Reader, ring: Ring, world: QueueWorld): void {
  const head = r.get();
  const [dequeued, drops, errors, highWater, used] = [r.get(), r.get(), r.get(), r.get(), r.get()];
  ring.restore({ head, dequeued, drops, errors, highWater });
  for (let i = 0; i < used; i++) {
    const slot = restorePacket(r, world);
    const pushed = ring.push(slot, world.store.meta[slot * META_WORDS + PKT_LEN]!);
    assert(pushed, 'a snapshot fits the rings of its scenario');
  }
}

function savePool(w: Writer, pool: Pool): void {
  w.put(pool.failures, pool.used, pool.highWater);
}

function restorePool(r: Reader, pool: Pool): void {
  const [failures, used] = [r.get(), r.get()];
  pool.restore({ failures, used, highWater: r.get() });
}
