import {
  META_FLOW,
  META_HAS_PORTS,
  META_TCP,
  META_TCP_FLAGS_SHIFT,
  META_TRAFFIC_CLASS_SHIFT,
  ROW_HASH,
  ROW_META,
  ROW_WORDS,
} from '../../wire/index.ts';
import { gtU, load16, load32, load32Any, load8, loadF64, rotl, select, store32, store8, storeF64, toF64U, type i32 } from './intrinsics.ts';
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
} from './layout.ts';

/**
 * What lanes do with a chunk of a pcap file before its packets are fed: the walk over its records (PcapLaneSource.walk), the packets that
 * nearly all are (the first branch of wire's classifyRange), and their order by queue (groupRows). Function by function the outcome is theirs.
 */
const ROW_BYTES = ROW_WORDS * 4;
const RECORD_HEADER = 16;
const IRREGULAR = -1;
/** Times beyond are for the ordinary reader. */
const CLOCK_LIMIT_NS = 9007199254740991;
const META_FROM_B_BIT = 16;
/** Ethernet, IPv4 and TCP headers without options. */
const FAST_BYTES = 54;
const FAST_OFFSETS = (14 << 16) | 34;
const SIGN = -2147483648;
const TCP = 6;
const UDP = 17;
/** Codes of PROTOCOL_NAMES. */
const CODE_TCP = 1;
const CODE_UDP = 2;

/** Any packet but those: classifyRange for row `i`. */
declare function classifyOther(i: i32): void;

function word(at: i32, little: i32): i32 {
  return little ? load32Any(at) : swapped(load32Any(at));
}

/** A word with its bytes turned round. */
function swapped(w: i32): i32 {
  return (rotl(w, 8) & 0x00ff00ff) | (rotl(w, 24) & 0xff00ff00);
}

/** Two bytes in network order. */
function be16(at: i32, offset: i32): i32 {
  return (load8(at + offset) << 8) | load8(at + offset + 1);
}

function be32(at: i32, offset: i32): i32 {
  return swapped(load32Any(at + offset));
}

/**
 * Takes the records that begin in [from, stop) of a chunk of which `have` bytes are there. Returns where the next one begins; a place before
 * `stop` where more bytes are needed, whose end is then in K_NEED; IRREGULAR for what the ordinary reader has to judge.
 */
export function walk(c: i32, from: i32, stop: i32, have: i32): i32 {
  const bytes = load32(c, K_BYTES);
  const little = load32(c, K_LITTLE);
  const capacity = load32(c, K_CAPACITY);
  const maxCaptured = load32(c, K_MAX_CAPTURED);
  const firstSecond = loadF64(c, K_FIRST_SECOND);
  const firstFraction = loadF64(c, K_FIRST_FRACTION);
  const fractionNs = loadF64(c, K_FRACTION_NS);
  const offsets = load32(c, K_OFFSETS);
  const captured = load32(c, K_CAPTURED);
  const lengths = load32(c, K_LENGTHS);
  const times = load32(c, K_TIMES);
  let n = load32(c, K_COUNT);
  let at = from;
  let need = 0;
  while (at < stop && need === 0) {
    const record = bytes + at;
    if (at + RECORD_HEADER > have) need = at + RECORD_HEADER;
    else {
      const cap = word(record + 8, little);
      if (gtU(cap, maxCaptured) || n === capacity) return IRREGULAR;
      const next = at + RECORD_HEADER + cap;
      if (next > have) need = next;
      else {
        // Half a second on and off again, as PcapLaneSource has it.
        const seconds = (toF64U(word(record, little)) - firstSecond + 0.5) * 1e9 - 5e8;
        const t = seconds + (toF64U(word(record + 4, little)) - firstFraction) * fractionNs;
        if (t > CLOCK_LIMIT_NS || t < -CLOCK_LIMIT_NS) return IRREGULAR;
        store32(offsets + (n << 2), 0, at + RECORD_HEADER);
        store32(captured + (n << 2), 0, cap);
        store32(lengths + (n << 2), 0, word(record + 12, little));
        storeF64(times + (n << 3), 0, t);
        n++;
        at = next;
      }
    }
  }
  store32(c, K_COUNT, n);
  store32(c, K_NEED, need);
  return at;
}

/** Classifies the records of a chunk of Ethernet frames. */
export function classify(c: i32): void {
  const bytes = load32(c, K_BYTES);
  const offsets = load32(c, K_OFFSETS);
  const captured = load32(c, K_CAPTURED);
  const lengths = load32(c, K_LENGTHS);
  const rows = load32(c, K_ROWS);
  const count = load32(c, K_COUNT);
  for (let i = 0; i < count; i++) {
    const frame = bytes + load32(offsets + (i << 2));
    let protocol = 0;
    if (load32(captured + (i << 2)) >= FAST_BYTES) {
      // IPv4 in Ethernet, a header without options, no fragment. Two bytes read low byte first.
      if (load16(frame, 12) === 0x0008 && load8(frame, 14) === 0x45 && (load16(frame, 20) & 0xff3f) === 0) protocol = load8(frame, 23);
    }
    if (protocol === TCP || protocol === UDP) ipv4Row(rows + i * ROW_BYTES, frame, protocol, load32(lengths + (i << 2)));
    else classifyOther(i);
  }
}

function hash(a: i32, b: i32, ports: i32, protocolWord: i32): i32 {
  const mixed = (a * 0x9e3779b1) ^ (rotl(b, 13) * 0x85ebca77) ^ ((ports ^ (protocolWord << 7)) * 0xc2b2ae3d);
  let h = mixed + protocolWord;
  h = (h ^ (h >>> 16)) * 0x85ebca6b;
  h = (h ^ (h >>> 13)) * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

function ipv4Row(row: i32, frame: i32, protocol: i32, length: i32): void {
  const source = be32(frame, 26);
  const destination = be32(frame, 30);
  const ports = be32(frame, 34);
  // The direction is a coin toss to the branch predictor, so nothing branches on it.
  const byPort = ports >>> 16 > (ports & 0xffff);
  const byAddress = (source ^ SIGN) > (destination ^ SIGN);
  const fromB = select(source === destination, byPort, byAddress);
  const swap = (source ^ destination) & -fromB;
  const a = source ^ swap;
  const b = destination ^ swap;
  const keyPorts = rotl(ports, fromB << 4);
  const protocolWord = 0x400 | protocol;
  store32(row, 0, keyPorts);
  store32(row, 4, protocolWord);
  store32(row, 8, a);
  store32(row, 12, 0);
  store32(row, 16, 0);
  store32(row, 20, 0);
  store32(row, 24, b);
  store32(row, 28, 0);
  store32(row, 32, 0);
  store32(row, 36, 0);
  store32(row, 40, hash(a, b, keyPorts, protocolWord));
  store32(row, 56, FAST_OFFSETS);
  // A length of 0 is a segment that the sender's card was to cut: the packet's own length counts.
  const total = be16(frame, 16);
  const upper = select(total === 0, length - 14, total) - 20;
  const meta = META_FLOW | META_HAS_PORTS | (fromB << META_FROM_B_BIT) | (load8(frame, 15) << META_TRAFFIC_CLASS_SHIFT);
  let sequence = 0;
  let acknowledgement = 0;
  let more = CODE_UDP;
  let payload = upper - 8;
  if (protocol === TCP) {
    sequence = be32(frame, 38);
    acknowledgement = be32(frame, 42);
    more = CODE_TCP | META_TCP | (load8(frame, 47) << META_TCP_FLAGS_SHIFT);
    payload = upper - ((load8(frame, 46) >>> 4) << 2);
  }
  store32(row, 44, meta | more);
  store32(row, 48, sequence);
  store32(row, 52, acknowledgement);
  store32(row, 60, select(payload > 0, payload, 0));
}

/** Sorts the rows of a chunk by queue: groupRows. */
export function group(c: i32): void {
  const rows = load32(c, K_ROWS);
  const count = load32(c, K_COUNT);
  const queues = load32(c, K_QUEUES);
  const starts = load32(c, K_STARTS);
  const queueOf = load32(c, K_QUEUE_OF);
  const order = load32(c, K_ORDER);
  for (let q = 0; q <= queues; q++) store32(starts + (q << 2), 0, 0);
  for (let i = 0; i < count; i++) {
    const row = rows + i * ROW_BYTES;
    const spread = ((load32(row, ROW_HASH * 4) >>> 16) * queues) >>> 16;
    const q = select((load32(row, ROW_META * 4) & META_FLOW) === 0, 0, spread);
    store8(queueOf + i, 0, q);
    const place = starts + (q << 2);
    store32(place, 4, load32(place, 4) + 1);
  }
  for (let q = 1; q <= queues; q++) {
    const place = starts + (q << 2);
    store32(place, 0, load32(place) + load32(place - 4));
  }
  for (let i = 0; i < count; i++) {
    const place = starts + (load8(queueOf + i) << 2);
    const at = load32(place);
    store32(place, 0, at + 1);
    store32(order + (at << 2), 0, i);
  }
  for (let q = queues; q > 0; q--) store32(starts + (q << 2), 0, load32(starts + (q << 2) - 4));
  store32(starts, 0, 0);
}
