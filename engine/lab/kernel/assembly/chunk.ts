import { META_FLOW, ROW_HASH, ROW_META, ROW_WORDS } from '../../../wire/index.ts';
import {
  K_BYTES,
  K_CAPACITY,
  K_CAPTURED,
  K_COUNT,
  K_FIRST_FRACTION,
  K_FIRST_SECOND,
  K_FRACTION_NS,
  K_LENGTHS,
  K_LITTLE,
  K_MAX_CAPTURED,
  K_NEED,
  K_OFFSETS,
  K_ORDER,
  K_QUEUES,
  K_QUEUE_OF,
  K_ROWS,
  K_STARTS,
  K_TIMES,
} from '../layout.ts';

/**
 * What lanes do with a chunk of a pcap file before and after its packets are classified: the walk over its records (PcapLaneSource.walk), and
 * their order by queue (groupRows). Function by function the outcome is theirs.
 */
const ROW_BYTES = ROW_WORDS * 4;
const RECORD_HEADER = 16;
const IRREGULAR = -1;
/** Times beyond are for the ordinary reader. */
const CLOCK_LIMIT_NS: f64 = 9007199254740991;

/** A word of a record's header. */
function word(at: usize, little: i32): i32 {
  return little ? i32.load(at) : bswap(i32.load(at));
}

/**
 * Takes the records that begin in [from, stop) of a chunk of which `have` bytes are there. Returns where the next one begins; a place before
 * `stop` where more bytes are needed, whose end is then in K_NEED; IRREGULAR for what the ordinary reader has to judge.
 */
export function walk(c: usize, from: i32, stop: i32, have: i32): i32 {
  const bytes = i32.load(c, K_BYTES);
  const little = i32.load(c, K_LITTLE);
  const capacity = i32.load(c, K_CAPACITY);
  const maxCaptured = i32.load(c, K_MAX_CAPTURED);
  const firstSecond = f64.load(c, K_FIRST_SECOND);
  const firstFraction = f64.load(c, K_FIRST_FRACTION);
  const fractionNs = f64.load(c, K_FRACTION_NS);
  const offsets = i32.load(c, K_OFFSETS);
  const captured = i32.load(c, K_CAPTURED);
  const lengths = i32.load(c, K_LENGTHS);
  const times = i32.load(c, K_TIMES);
  let n = i32.load(c, K_COUNT);
  let at = from;
  let need = 0;
  while (at < stop && need === 0) {
    const record = bytes + at;
    if (at + RECORD_HEADER > have) need = at + RECORD_HEADER;
    else {
      const cap = word(record + 8, little);
      if (u32(cap) > u32(maxCaptured) || n === capacity) return IRREGULAR;
      const next = at + RECORD_HEADER + cap;
      if (next > have) need = next;
      else {
        // Half a second on and off again, as PcapLaneSource has it.
        const seconds = (f64(u32(word(record, little))) - firstSecond + 0.5) * 1e9 - 5e8;
        const t = seconds + (f64(u32(word(record + 4, little))) - firstFraction) * fractionNs;
        if (t > CLOCK_LIMIT_NS || t < -CLOCK_LIMIT_NS) return IRREGULAR;
        i32.store(offsets + (n << 2), at + RECORD_HEADER);
        i32.store(captured + (n << 2), cap);
        i32.store(lengths + (n << 2), word(record + 12, little));
        f64.store(times + (n << 3), t);
        n++;
        at = next;
      }
    }
  }
  i32.store(c, n, K_COUNT);
  i32.store(c, need, K_NEED);
  return at;
}

/** Sorts the rows of a chunk by queue: groupRows. */
export function group(c: usize): void {
  const rows = i32.load(c, K_ROWS);
  const count = i32.load(c, K_COUNT);
  const queues = i32.load(c, K_QUEUES);
  const starts = i32.load(c, K_STARTS);
  const queueOf = i32.load(c, K_QUEUE_OF);
  const order = i32.load(c, K_ORDER);
  for (let q = 0; q <= queues; q++) i32.store(starts + (q << 2), 0);
  for (let i = 0; i < count; i++) {
    const row = rows + i * ROW_BYTES;
    const spread = ((i32.load(row, ROW_HASH * 4) >>> 16) * queues) >>> 16;
    const q = select(0, spread, (i32.load(row, ROW_META * 4) & META_FLOW) === 0);
    i32.store8(queueOf + i, q);
    const place = starts + (q << 2);
    i32.store(place, i32.load(place, 4) + 1, 4);
  }
  for (let q = 1; q <= queues; q++) {
    const place = starts + (q << 2);
    i32.store(place, i32.load(place) + i32.load(place - 4));
  }
  for (let i = 0; i < count; i++) {
    const place = starts + (i32.load8_u(queueOf + i) << 2);
    const at = i32.load(place);
    i32.store(place, at + 1);
    i32.store(order + (at << 2), i);
  }
  for (let q = queues; q > 0; q--) i32.store(starts + (q << 2), i32.load(starts + (q << 2) - 4));
  i32.store(starts, 0);
}
