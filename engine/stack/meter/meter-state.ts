import type { RingSizeRecord } from '../../contract/index.ts';
import type { Meter } from './meter.ts';
import { SOCKET_WORDS, S_TRACK } from './socket-words.ts';
import { wantedSlots } from './sizing.ts';

/** Where the words of a snapshot go: numbers, and 32-bit words copied as bytes. */
export interface StateWriter {
  put(...values: number[]): void;
  raw(source: Int32Array): void;
}

export interface StateReader {
  get(): number;
  raw(length: number): Int32Array;
}

const EVENTS: readonly RingSizeRecord['event'][] = ['start', 'grow', 'shrink-wanted', 'shrink'];

function putFloats(w: StateWriter, source: Float64Array): void {
  w.raw(new Int32Array(source.buffer, source.byteOffset, source.length * 2));
}

function getFloats(r: StateReader, into: Float64Array, count: number): void {
  new Int32Array(into.buffer, into.byteOffset, count * 2).set(r.raw(count * 2));
}

/** The state of a meter as words: packets inside, sockets, rings, clock, law, counters. */
export function saveMeter(meter: Meter, w: StateWriter): void {
  const { cells, sockets, rings, law, interval, sizer, counters, scheduler } = meter;
  w.put(
    meter.now[0]!,
    scheduler.lastReleaseNs,
    scheduler.nextReleaseNs,
    meter.nextDueNs,
    scheduler.earlyNs,
    scheduler.tickNumber,
    scheduler.blocked,
  );
  w.put(
    meter.place,
    meter.closePlace,
    scheduler.resumed,
    meter.channel.position,
    ...scheduler.random.state,
    ...(Object.values(counters) as number[]),
  );
  w.put(law.expectedGapNs, law.bursts, law.burstBytes, law.burstMaxBytes, law.lastArrivalNs);
  w.put(interval.ns, interval.level, interval.packets, interval.bytes, interval.windowNs, interval.windowPackets, interval.windowBytes);
  w.put(interval.lastNs, interval.levelNs);
  w.put(sizer.slots, sizer.shrinkNs, sizer.records.length);
  for (const record of sizer.records) w.put(record.tNs, EVENTS.indexOf(record.event), record.slots, recordPlace(meter, record));
  w.put(cells.used, cells.fresh, cells.free);
  for (const column of cells.ints) w.raw(column.subarray(0, cells.fresh));
  for (const column of cells.floats) putFloats(w, column.subarray(0, cells.fresh));
  w.put(sockets.made, sockets.last, sockets.mbufsUsed, sockets.mbufsMax, sockets.memoryBytes, sockets.memoryMaxBytes);
  w.raw(sockets.words.subarray(0, sockets.last * SOCKET_WORDS));
  w.put(rings.count, rings.totalUsed, rings.totalBytes, rings.totalWaiting, rings.highWater, rings.bytesMax, rings.waitingMax);
  w.put(rings.enqueued, rings.dequeued, rings.slotsIn, rings.slotsOut);
  for (const column of rings.ints) w.raw(column.subarray(0, rings.count));
  for (const column of rings.floats) putFloats(w, column.subarray(0, rings.count));
  w.put(scheduler.active.length);
  for (let i = 0; i < scheduler.active.length; i++) w.put(scheduler.active.at(i));
}

/** Which of the scenario's capability records a size record came from. */
function recordPlace(meter: Meter, record: RingSizeRecord): number {
  return meter.changes.findIndex((change) => change.capability === record.capability);
}

/** Restores into a meter of the same scenario, whatever it has done. */
export function restoreMeter(meter: Meter, r: StateReader): void {
  const { cells, sockets, rings, law, interval, counters, scheduler } = meter;
  meter.now[0] = r.get();
  [scheduler.lastReleaseNs, scheduler.nextReleaseNs, meter.nextDueNs, scheduler.earlyNs] = [r.get(), r.get(), r.get(), r.get()];
  [scheduler.tickNumber, scheduler.blocked, meter.place, meter.closePlace] = [r.get(), r.get(), r.get(), r.get()];
  scheduler.resumed = r.get();
  meter.channel.restore(r.get());
  for (let i = 0; i < scheduler.random.state.length; i++) scheduler.random.state[i] = r.get();
  for (const key of Object.keys(counters) as (keyof typeof counters)[]) counters[key] = r.get();
  const gap = r.get();
  [law.bursts, law.burstBytes, law.burstMaxBytes, law.lastArrivalNs] = [r.get(), r.get(), r.get(), r.get()];
  const capability = meter.changes[meter.place - 1]!.capability;
  law.setCapability(capability);
  law.expectedGapNs = gap;
  law.setChannel(meter.channel.effectiveQuality, meter.channel.currentBps);
  interval.setCapability(capability);
  [interval.ns, interval.level, interval.packets, interval.bytes] = [r.get(), r.get(), r.get(), r.get()];
  [interval.windowNs, interval.windowPackets, interval.windowBytes] = [r.get(), r.get(), r.get()];
  [interval.lastNs, interval.levelNs] = [r.get(), r.get()];
  restoreSizer(meter, r);
  scheduler.setQuantum(capability);
  [cells.used, cells.fresh, cells.free] = [r.get(), r.get(), r.get()];
  cells.reserve(cells.fresh);
  for (const column of cells.ints) column.set(r.raw(cells.fresh));
  for (const column of cells.floats) getFloats(r, column, cells.fresh);
  const made = r.get();
  const last = r.get();
  sockets.reset(last);
  [sockets.made, sockets.last, sockets.mbufsUsed, sockets.mbufsMax] = [made, last, r.get(), r.get()];
  [sockets.memoryBytes, sockets.memoryMaxBytes] = [r.get(), r.get()];
  sockets.words.set(r.raw(last * SOCKET_WORDS));
  for (let s = 0; s < last; s++) sockets.words[s * SOCKET_WORDS + S_TRACK] = 0;
  sockets.rebuild(meter.now[0]);
  const count = r.get();
  rings.make(count - 1, 0);
  rings.count = count;
  [rings.totalUsed, rings.totalBytes, rings.totalWaiting, rings.highWater] = [r.get(), r.get(), r.get(), r.get()];
  [rings.bytesMax, rings.waitingMax, rings.enqueued, rings.dequeued] = [r.get(), r.get(), r.get(), r.get()];
  [rings.slotsIn, rings.slotsOut] = [r.get(), r.get()];
  for (const column of rings.ints) column.set(r.raw(count));
  for (const column of rings.floats) getFloats(r, column, count);
  scheduler.active.clear();
  for (let n = r.get(); n > 0; n--) scheduler.active.pushBack(r.get());
}

function restoreSizer(meter: Meter, r: StateReader): void {
  const { sizer, changes, spec } = meter;
  const [slots, shrinkNs, count] = [r.get(), r.get(), r.get()];
  const records: RingSizeRecord[] = [];
  for (let i = 0; i < count; i++) {
    const [tNs, event, inForce, place] = [r.get(), r.get(), r.get(), r.get()];
    const { capability } = changes[place]!;
    const { burstBytes, holdBytes, slots: wanted, drivenBy, rule } = wantedSlots(capability, spec);
    records.push({ tNs, event: EVENTS[event]!, rat: capability.rat, capability, burstBytes, holdBytes, wantedSlots: wanted, slots: inForce, drivenBy, rule }); // prettier-ignore
  }
  sizer.restore({ slots, shrinkNs, capability: meter.changes[meter.place - 1]!.capability, records });
}
