import { DROP_METER_HEAD, DROP_METER_RING_FULL, DROP_PURGED } from '../drop-reasons.ts';
import type { MeterParts } from './meter-base.ts';
import type { PortionScheduler } from './portion-scheduler.ts';
import { SOCKET_ACTIVE, SOCKET_BLOCKED, SOCKET_CLOSED, SOCKET_WORDS, S_FLAGS } from './socket-words.ts';

/** How packets come into the rings: references move from the first pool (B-13), and a full ring has its policy (B-18). */
export class RingIntake {
  private readonly meter: MeterParts;
  private readonly scheduler: PortionScheduler;

  constructor(meter: MeterParts, scheduler: PortionScheduler) {
    this.meter = meter;
    this.scheduler = scheduler;
  }

  /** Takes a packet for its socket. Returns how many of its buflets stay in use in the first pool: none if it was dropped. */
  take(cell: number, socket: number): number {
    const { cells, rings, counters, spec, sizer } = this.meter;
    const ring = this.meter.perSocket ? socket : 0;
    if (ring >= rings.count) rings.make(ring, this.meter.depthBytes(this.meter.law.maxBps));
    const size = sizer.slots;
    const slots = Math.min(size, Math.ceil(cells.lenBytes[cell]! / spec.slotBytes));
    cells.slots[cell] = slots;
    if (rings.used[ring]! + slots > size || rings.waiting[ring]! > 0) {
      if (spec.overflow === 'hold_in_pool') {
        counters.heldInPool++;
        rings.wait(ring, cell);
        return cells.buflets[cell]!;
      }
      if (spec.overflow === 'head_drop') this.dropOldest(ring, size - slots);
      if (rings.used[ring]! + slots > size) {
        counters.ringFullDrop++;
        this.meter.drop(cell, DROP_METER_RING_FULL, false);
        return 0;
      }
    }
    const kept = cells.buflets[cell]!;
    this.enqueue(ring, socket, cell);
    return kept;
  }

  private enqueue(ring: number, socket: number, cell: number): void {
    const { meter } = this;
    const { rings } = meter;
    if (rings.used[ring] === 0) rings.rateBps[ring] = 0;
    meter.link(ring, socket, cell);
    const rate = meter.law.rateFor(rings.bytes[ring]!);
    if (rate > rings.rateBps[ring]!) rings.rateBps[ring] = rate;
    if ((meter.sockets.words[socket * SOCKET_WORDS + S_FLAGS]! & (SOCKET_ACTIVE | SOCKET_BLOCKED)) === 0) this.scheduler.activate(socket);
  }

  /** Drops from the head of a ring until at most `room` slots are in use. */
  private dropOldest(ring: number, room: number): void {
    const { meter } = this;
    const { rings, cells } = meter;
    while (rings.used[ring]! > room && rings.oldest[ring] !== 0) {
      const cell = rings.oldest[ring]! - 1;
      meter.counters.headDrop++;
      meter.unlinkHead(ring, cells.socket[cell]!, cell);
      meter.drop(cell, DROP_METER_HEAD, true);
    }
  }

  /** Moves packets that wait in the pool into free slots, for every ring, in the order in which they came. */
  admitWaiting(): void {
    const { rings } = this.meter;
    for (let ring = 0; rings.totalWaiting > 0 && ring < rings.count; ring++) this.admit(ring);
  }

  private admit(ring: number): void {
    const { meter } = this;
    const { rings, cells, sizer } = meter;
    while (rings.waiting[ring]! > 0) {
      const cell = rings.waitHead[ring]! - 1;
      const slots = Math.min(cells.slots[cell]!, sizer.slots);
      if (rings.used[ring]! + slots > sizer.slots) return;
      rings.unwait(ring);
      cells.slots[cell] = slots;
      const socket = cells.socket[cell]!;
      if ((meter.sockets.words[socket * SOCKET_WORDS + S_FLAGS]! & SOCKET_CLOSED) !== 0) {
        meter.counters.purge++;
        meter.drop(cell, DROP_PURGED, true);
      } else this.enqueue(ring, socket, cell);
    }
  }
}
