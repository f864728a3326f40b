import {
  META_FLOW,
  META_HAS_PORTS,
  META_TCP,
  META_TCP_FLAGS_SHIFT,
  META_TRAFFIC_CLASS_SHIFT,
  ROW_HASH,
  ROW_META,
  ROW_WORDS,
} from '../../../wire/index.ts';
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
import { classifyOther } from './host.ts';

/**
 * What lanes do with a chunk of a pcap file before its packets are fed: the walk over its records (PcapLaneSource.walk), the packets that
 * nearly all are (the first branch of wire's classifyRange), and their order by queue (groupRows). Function by function the outcome is theirs.
 */
const ROW_BYTES = ROW_WORDS * 4;
const RECORD_HEADER = 16;
const IRREGULAR = -1;
/** Times beyond are for the ordinary reader. */
const CLOCK_LIMIT_NS: f64 = 9007199254740991;
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

/** A word of a record's header. */
function word(at: usize, little: i32): i32 {
  return little ? i32.load(at) : bswap(i32.load(at));
}

/** Two bytes in network order. */
function be16(at: usize, offset: i32): i32 {
  return (i32.load8_u(at + offset) << 8) | i32.load8_u(at + offset + 1);
}

/** Four bytes in network order. */
function be32(at: usize, offset: i32): i32 {
  return bswap(i32.load(at + offset));
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

/** Classifies the records of a chunk of Ethernet frames. */
export function classify(c: usize): void {
  const bytes = i32.load(c, K_BYTES);
  const offsets = i32.load(c, K_OFFSETS);
  const captured = i32.load(c, K_CAPTURED);
  const lengths = i32.load(c, K_LENGTHS);
  const rows = i32.load(c, K_ROWS);
  const count = i32.load(c, K_COUNT);
  for (let i = 0; i < count; i++) {
    const frame = bytes + i32.load(offsets + (i << 2));
    let protocol = 0;
    if (i32.load(captured + (i << 2)) >= FAST_BYTES) {
      // IPv4 in Ethernet, a header without options, no fragment. Two bytes read low byte first.
      if (i32.load16_u(frame, 12) === 0x0008 && i32.load8_u(frame, 14) === 0x45 && (i32.load16_u(frame, 20) & 0xff3f) === 0)
        protocol = i32.load8_u(frame, 23);
    }
    if (protocol === TCP || protocol === UDP) ipv4Row(rows + i * ROW_BYTES, frame, protocol, i32.load(lengths + (i << 2)));
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

function ipv4Row(row: usize, frame: usize, protocol: i32, length: i32): void {
  const source = be32(frame, 26);
  const destination = be32(frame, 30);
  const ports = be32(frame, 34);
  // The direction is a coin toss to the branch predictor, so nothing branches on it.
  const byPort = ports >>> 16 > (ports & 0xffff);
  const byAddress = (source ^ SIGN) > (destination ^ SIGN);
  const fromB = i32(select(byPort, byAddress, source === destination));
  const swap = (source ^ destination) & -fromB;
  const a = source ^ swap;
  const b = destination ^ swap;
  const keyPorts = rotl(ports, fromB << 4);
  const protocolWord = 0x400 | protocol;
  i32.store(row, keyPorts);
  i32.store(row, protocolWord, 4);
  i32.store(row, a, 8);
  i32.store(row, 0, 12);
  i32.store(row, 0, 16);
  i32.store(row, 0, 20);
  i32.store(row, b, 24);
  i32.store(row, 0, 28);
  i32.store(row, 0, 32);
  i32.store(row, 0, 36);
  i32.store(row, hash(a, b, keyPorts, protocolWord), 40);
  i32.store(row, FAST_OFFSETS, 56);
  // A length of 0 is a segment that the sender's card was to cut: the packet's own length counts.
  const total = be16(frame, 16);
  const upper = select(length - 14, total, total === 0) - 20;
  const meta = META_FLOW | META_HAS_PORTS | (fromB << META_FROM_B_BIT) | (i32.load8_u(frame, 15) << META_TRAFFIC_CLASS_SHIFT);
  let sequence = 0;
  let acknowledgement = 0;
  let more = CODE_UDP;
  let payload = upper - 8;
  if (protocol === TCP) {
    sequence = be32(frame, 38);
    acknowledgement = be32(frame, 42);
    more = CODE_TCP | META_TCP | (i32.load8_u(frame, 47) << META_TCP_FLAGS_SHIFT);
    payload = upper - ((i32.load8_u(frame, 46) >>> 4) << 2);
  }
  i32.store(row, meta | more, 44);
  i32.store(row, sequence, 48);
  i32.store(row, acknowledgement, 52);
  i32.store(row, select(payload, 0, payload > 0), 60);
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
