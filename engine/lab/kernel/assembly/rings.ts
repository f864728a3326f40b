import { SLOT_VALID } from '../../../stack/index.ts';
import {
  P_BUFLETS,
  P_FAILURES,
  P_USED,
  P_WINDOW_MAX,
  R_DEQUEUED,
  R_DESCRIPTORS,
  R_DROPS,
  R_HEAD,
  R_SLOTS,
  R_TAIL,
  R_USED,
  R_WINDOW_MAX,
} from '../layout.ts';

/** Pools and rings: what pool.ts and ring.ts of the stack do, on the figures in the blocks. A slot is two words. */
export const SLOT_BYTES = 8;

/** Pool.take. */
export function take(pool: usize, buflets: i32): boolean {
  const used = i32.load(pool, P_USED) + buflets;
  const room = used <= i32.load(pool, P_BUFLETS);
  if (room) {
    i32.store(pool, used, P_USED);
    if (used > i32.load(pool, P_WINDOW_MAX)) i32.store(pool, used, P_WINDOW_MAX);
  } else i32.store(pool, i32.load(pool, P_FAILURES) + 1, P_FAILURES);
  return room;
}

/** Pool.give. */
export function give(pool: usize, buflets: i32): void {
  i32.store(pool, i32.load(pool, P_USED) - buflets, P_USED);
}

/** Whether Ring.push finds the ring full: a drop of the ring. */
export function full(ring: usize): boolean {
  const none = i32.load(ring, R_USED) === i32.load(ring, R_SLOTS);
  if (none) i32.store(ring, i32.load(ring, R_DROPS) + 1, R_DROPS);
  return none;
}

/** Ring.push into a ring that is not full; gives how many slots are in use then. */
export function push(ring: usize, index: i32, lenBytes: i32): i32 {
  const slots = i32.load(ring, R_SLOTS);
  const tail = i32.load(ring, R_TAIL);
  const at = i32.load(ring, R_DESCRIPTORS) + select(tail, tail - slots, tail < slots) * SLOT_BYTES;
  i32.store(at, index | SLOT_VALID);
  i32.store(at, lenBytes, 4);
  const next = tail + 1;
  i32.store(ring, select(0, next, next === slots << 1), R_TAIL);
  const used = i32.load(ring, R_USED) + 1;
  i32.store(ring, used, R_USED);
  if (used > i32.load(ring, R_WINDOW_MAX)) i32.store(ring, used, R_WINDOW_MAX);
  return used;
}

/** Ring.consume. */
export function consume(ring: usize, n: i32): void {
  const span = i32.load(ring, R_SLOTS) << 1;
  const head = i32.load(ring, R_HEAD) + n;
  i32.store(ring, select(head, head - span, head < span), R_HEAD);
  i32.store(ring, i32.load(ring, R_USED) - n, R_USED);
  i32.store(ring, i32.load(ring, R_DEQUEUED) + n, R_DEQUEUED);
}

/** Address of the first slot that the consumer owns. */
export function firstOwned(ring: usize): i32 {
  const slots = i32.load(ring, R_SLOTS);
  const head = i32.load(ring, R_HEAD);
  return i32.load(ring, R_DESCRIPTORS) + select(head, head - slots, head < slots) * SLOT_BYTES;
}
