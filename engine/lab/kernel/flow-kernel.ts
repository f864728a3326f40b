import { E_STATE, FLOW_ENTRY_WORDS } from '../../stack/index.ts';
import { ROW_A, ROW_B, ROW_HASH, ROW_META, ROW_PORTS, ROW_PROTOCOL, ROW_WORDS, META_FLOW } from '../../wire/index.ts';
import { load32, select, store32, type i32 } from './intrinsics.ts';
import { Q_ENTRIES, Q_FLOWS, Q_IDS, Q_MASK, Q_SLOTS, Q_TAILS, Q_TOUCHED, Q_WORLD } from './layout.ts';

/** FlowTable's lookup: see wire/flow-table.ts, whose tables these are. */
const ROW_BYTES = ROW_WORDS * 4;
const ENTRY_BYTES = FLOW_ENTRY_WORDS * 4;
const TAIL_BYTES = 24;
const NUMBER_BITS = 23;
const NUMBER_MASK = 0x7fffff;
const TOUCH_AHEAD_FROM = 256;
const VERSION_6_BIT = 0x200;

/** FlowTable.insert of the key at `rowBytes`; the addresses of tables in the queue block are those of now when it comes back. */
declare function insert(world: i32, rowBytes: i32): i32;

/** FlowTable.internBatch: numbers of the flows of `count` rows, into the queue's list. */
export function internBatch(q: i32, rows: i32, order: i32, count: i32): void {
  const slots = load32(q, Q_SLOTS);
  const mask = load32(q, Q_MASK);
  const ids = load32(q, Q_IDS);
  for (let i = 0; i < count; i++) {
    const hash = load32(rows + load32(order + (i << 2)) * ROW_BYTES, ROW_HASH * 4);
    const first = load32(slots + ((hash & mask) << 2));
    const second = load32(slots + (((hash + 1) & mask) << 2));
    // The second slot where the first one's tag is another's.
    const slot = select((first ^ hash) >>> NUMBER_BITS !== 0, second, first);
    store32(ids + (i << 2), 0, (slot & NUMBER_MASK) - 1);
  }
  if (load32(q, Q_FLOWS) >= TOUCH_AHEAD_FROM) touch(q, ids, count);
  for (let i = 0; i < count; i++) {
    const base = rows + load32(order + (i << 2)) * ROW_BYTES;
    const guess = load32(ids + (i << 2));
    let hit = false;
    if (guess >= 0) {
      const entry = load32(q, Q_ENTRIES) + guess * ENTRY_BYTES;
      const differs =
        (load32(entry) ^ load32(base, ROW_PORTS * 4)) |
        (load32(entry, 4) ^ load32(base, ROW_PROTOCOL * 4)) |
        (load32(entry, 8) ^ load32(base, ROW_A * 4)) |
        (load32(entry, 12) ^ load32(base, ROW_B * 4)) |
        (load32(base, ROW_PROTOCOL * 4) & VERSION_6_BIT);
      hit = differs === 0;
    }
    if (!hit) store32(ids + (i << 2), 0, intern(q, base));
  }
}

/** Reads entries and does nothing that depends on them, so that cache misses overlap. */
function touch(q: i32, ids: i32, count: i32): void {
  const entries = load32(q, Q_ENTRIES);
  let touched = 0;
  for (let i = 0; i < count; i++) {
    const id = load32(ids + (i << 2));
    touched = touched ^ load32(entries + select(id < 0, 0, id) * ENTRY_BYTES, E_STATE * 4);
  }
  store32(q, Q_TOUCHED, touched);
}

/** Number of the flow of a row, which is made if it is new; -1 for a row without a flow, and where there is no room. */
function intern(q: i32, base: i32): i32 {
  let id = -1;
  if ((load32(base, ROW_META * 4) & META_FLOW) !== 0) {
    id = find(q, base);
    if (id < 0) id = insert(load32(q, Q_WORLD), base);
  }
  return id;
}

function find(q: i32, base: i32): i32 {
  const slots = load32(q, Q_SLOTS);
  const mask = load32(q, Q_MASK);
  const hash = load32(base, ROW_HASH * 4);
  let at = hash & mask;
  let slot = load32(slots + (at << 2));
  let found = -1;
  while (slot !== 0 && found < 0) {
    if ((slot ^ hash) >>> NUMBER_BITS === 0) {
      const id = (slot & NUMBER_MASK) - 1;
      if (same(q, base, id)) found = id;
    }
    at = (at + 1) & mask;
    slot = load32(slots + (at << 2));
  }
  return found;
}

function same(q: i32, base: i32, id: i32): boolean {
  const entry = load32(q, Q_ENTRIES) + id * ENTRY_BYTES;
  let differs =
    (load32(entry) ^ load32(base, ROW_PORTS * 4)) |
    (load32(entry, 4) ^ load32(base, ROW_PROTOCOL * 4)) |
    (load32(entry, 8) ^ load32(base, ROW_A * 4)) |
    (load32(entry, 12) ^ load32(base, ROW_B * 4));
  if ((load32(base, ROW_PROTOCOL * 4) & VERSION_6_BIT) !== 0) {
    const tail = load32(q, Q_TAILS) + id * TAIL_BYTES;
    for (let w = 0; w < 12; w += 4) {
      differs = differs | (load32(tail + w) ^ load32(base + w, (ROW_A + 1) * 4));
      differs = differs | (load32(tail + w, 12) ^ load32(base + w, (ROW_B + 1) * 4));
    }
  }
  return differs === 0;
}
