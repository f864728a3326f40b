import { E_STATE, FLOW_ENTRY_WORDS } from '../../../stack/index.ts';
import { ROW_A, ROW_B, ROW_HASH, ROW_META, ROW_PORTS, ROW_PROTOCOL, ROW_WORDS, META_FLOW } from '../../../wire/index.ts';
import { Q_ENTRIES, Q_FLOWS, Q_IDS, Q_MASK, Q_SLOTS, Q_TAILS, Q_TOUCHED, Q_WORLD } from '../layout.ts';
import { insert } from './host.ts';

/** FlowTable's lookup: see wire/flow-table.ts, whose tables these are. */
const ROW_BYTES = ROW_WORDS * 4;
const ENTRY_BYTES = FLOW_ENTRY_WORDS * 4;
const TAIL_BYTES = 24;
const NUMBER_BITS = 23;
const NUMBER_MASK = 0x7fffff;
const TOUCH_AHEAD_FROM = 256;
const VERSION_6_BIT = 0x200;

/** FlowTable.internBatch: numbers of the flows of `count` rows, into the queue's list. */
export function internBatch(q: usize, rows: usize, order: usize, count: i32): void {
  const slots = i32.load(q, Q_SLOTS);
  const mask = i32.load(q, Q_MASK);
  const ids = i32.load(q, Q_IDS);
  for (let i = 0; i < count; i++) {
    const hash = i32.load(rows + i32.load(order + (i << 2)) * ROW_BYTES, ROW_HASH * 4);
    const first = i32.load(slots + ((hash & mask) << 2));
    const second = i32.load(slots + (((hash + 1) & mask) << 2));
    // The second slot where the first one's tag is another's.
    const slot = select(second, first, (first ^ hash) >>> NUMBER_BITS !== 0);
    i32.store(ids + (i << 2), (slot & NUMBER_MASK) - 1);
  }
  if (i32.load(q, Q_FLOWS) >= TOUCH_AHEAD_FROM) touch(q, ids, count);
  for (let i = 0; i < count; i++) {
    const base = rows + i32.load(order + (i << 2)) * ROW_BYTES;
    const guess = i32.load(ids + (i << 2));
    let hit = false;
    if (guess >= 0) {
      const entry = i32.load(q, Q_ENTRIES) + guess * ENTRY_BYTES;
      const differs =
        (i32.load(entry) ^ i32.load(base, ROW_PORTS * 4)) |
        (i32.load(entry, 4) ^ i32.load(base, ROW_PROTOCOL * 4)) |
        (i32.load(entry, 8) ^ i32.load(base, ROW_A * 4)) |
        (i32.load(entry, 12) ^ i32.load(base, ROW_B * 4)) |
        (i32.load(base, ROW_PROTOCOL * 4) & VERSION_6_BIT);
      hit = differs === 0;
    }
    if (!hit) i32.store(ids + (i << 2), intern(q, base));
  }
}

/** Reads entries and does nothing that depends on them, so that cache misses overlap. */
function touch(q: usize, ids: usize, count: i32): void {
  const entries = i32.load(q, Q_ENTRIES);
  let touched = 0;
  for (let i = 0; i < count; i++) {
    const id = i32.load(ids + (i << 2));
    touched = touched ^ i32.load(entries + select(0, id, id < 0) * ENTRY_BYTES, E_STATE * 4);
  }
  i32.store(q, touched, Q_TOUCHED);
}

/** Number of the flow of a row, which is made if it is new; -1 for a row without a flow, and where there is no room. */
function intern(q: usize, base: usize): i32 {
  let id = -1;
  if ((i32.load(base, ROW_META * 4) & META_FLOW) !== 0) {
    id = find(q, base);
    if (id < 0) id = insert(i32.load(q, Q_WORLD), base);
  }
  return id;
}

function find(q: usize, base: usize): i32 {
  const slots = i32.load(q, Q_SLOTS);
  const mask = i32.load(q, Q_MASK);
  const hash = i32.load(base, ROW_HASH * 4);
  let at = hash & mask;
  let slot = i32.load(slots + (at << 2));
  let found = -1;
  while (slot !== 0 && found < 0) {
    if ((slot ^ hash) >>> NUMBER_BITS === 0) {
      const id = (slot & NUMBER_MASK) - 1;
      if (same(q, base, id)) found = id;
    }
    at = (at + 1) & mask;
    slot = i32.load(slots + (at << 2));
  }
  return found;
}

function same(q: usize, base: usize, id: i32): boolean {
  const entry = i32.load(q, Q_ENTRIES) + id * ENTRY_BYTES;
  let differs =
    (i32.load(entry) ^ i32.load(base, ROW_PORTS * 4)) |
    (i32.load(entry, 4) ^ i32.load(base, ROW_PROTOCOL * 4)) |
    (i32.load(entry, 8) ^ i32.load(base, ROW_A * 4)) |
    (i32.load(entry, 12) ^ i32.load(base, ROW_B * 4));
  if ((i32.load(base, ROW_PROTOCOL * 4) & VERSION_6_BIT) !== 0) {
    const tail = i32.load(q, Q_TAILS) + id * TAIL_BYTES;
    for (let w = 0; w < 12; w += 4) {
      differs = differs | (i32.load(tail + w) ^ i32.load(base + w, (ROW_A + 1) * 4));
      differs = differs | (i32.load(tail + w, 12) ^ i32.load(base + w, (ROW_B + 1) * 4));
    }
  }
  return differs === 0;
}
