import {
  AHEAD_RECORDS,
  S_ADDRESS4,
  S_BINDING,
  S_BYTES,
  S_ENDING_FLAGS,
  S_ESTABLISHED,
  S_KIND,
  S_KIND_KEY_MASK,
  S_NUMBER_MASK,
  S_PACKETS,
  S_PEER4,
  S_PLAIN_BIT,
  S_PORTS,
  S_PROTOCOL_MASK,
  S_SINCE,
  S_TAG_MASK,
  S_TAG_SHIFT,
  T_AHEAD,
  T_BYTES,
  T_CAPTURED,
  T_ENTRIES,
  T_GUESSES,
  T_LINK,
  T_MASK,
  T_OFFSETS,
  T_READ,
  T_RECORDS,
  T_SLOTS4,
  T_SLOTS6,
} from '../kernel-layout.ts';
import { half, word } from './bytes.ts';

/** The session tables of NAT64 (SessionTable of the engine) as the kernel sees them: the same hashes, the same slots, the same entries. */
const UDP = 17;
/** Headers with the ports behind them. */
const LEAST4_BYTES = 24;
const LEAST6_BYTES = 44;

function addToHash(h: i32, value: i32): i32 {
  return (rotl<i32>(h, 13) + value) * i32(0x9e3779b1);
}

function endHash(h: i32): i32 {
  let x = h ^ (h >>> 16);
  x = x * i32(0x85ebca6b);
  x ^= x >>> 13;
  x = x * i32(0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Of the IPv6 packet at `o`. */
function hash6(o: usize): i32 {
  const protocol: i32 = i32.load8_u(o, 6);
  const a = addToHash(addToHash(addToHash(protocol, word(o + 8)), word(o + 16)), word(o + 40));
  const b = addToHash(addToHash(addToHash(0, word(o + 12)), word(o + 20)), word(o + 36));
  return endHash(addToHash(a, b));
}

/** Of the IPv4 packet without options at `o`. */
function hash4(o: usize): i32 {
  const kind = (half(o + 22) << 16) | i32.load8_u(o, 9);
  return endHash(addToHash(addToHash(addToHash(kind, word(o + 16)), word(o + 12)), half(o + 20)));
}

/** Address of entry `e`. */
export function entryOf(p: usize, e: i32): usize {
  return i32.load(p, T_ENTRIES) + e * S_BYTES;
}

/** The entry at `at` is of the session of the IPv6 packet at `o`; one that is free may still have it. */
function is6(at: usize, o: usize): bool {
  if (i32.load(at, S_PORTS) !== word(o + 40) || i32.load(at, S_PEER4) !== word(o + 36)) return false;
  if (i32.load(at, 12) !== word(o + 20) || i32.load(at, 8) !== word(o + 16)) return false;
  if (i32.load(at, 4) !== word(o + 12) || i32.load(at) !== word(o + 8)) return false;
  return (i32.load(at, S_KIND) & S_PROTOCOL_MASK) === i32(i32.load8_u(o, 6));
}

/** As is6 for the IPv4 packet at `o`. */
function is4(at: usize, o: usize): bool {
  if (i32.load(at, S_PEER4) !== word(o + 12) || i32.load(at, S_ADDRESS4) !== word(o + 16)) return false;
  const kind = (half(o + 22) << 16) | i32.load8_u(o, 9);
  return (i32.load(at, S_KIND) & S_KIND_KEY_MASK) === kind && (i32.load(at, S_PORTS) & 0xffff) === half(o + 20);
}

/** The session of the IPv6 packet at `o`, -1 for none; `guess` may be it, -1 for no guess. */
export function find6(p: usize, o: usize, guess: i32): i32 {
  return guess >= 0 && is6(entryOf(p, guess), o) ? guess : search(p, i32.load(p, T_SLOTS6), hash6(o), o, true);
}

/** As find6 for the IPv4 packet at `o`. */
export function find4(p: usize, o: usize, guess: i32): i32 {
  return guess >= 0 && is4(entryOf(p, guess), o) ? guess : search(p, i32.load(p, T_SLOTS4), hash4(o), o, false);
}

function search(p: usize, slots: usize, hash: i32, o: usize, six: bool): i32 {
  const mask = i32.load(p, T_MASK);
  let s = hash & mask;
  let slot = i32.load(slots + 4 * s);
  while (slot !== 0) {
    const e = (slot & S_NUMBER_MASK) - 1;
    if (((slot ^ hash) & S_TAG_MASK) === 0 && (six ? is6(entryOf(p, e), o) : is4(entryOf(p, e), o))) return e;
    s = (s + 1) & mask;
    slot = i32.load(slots + 4 * s);
  }
  return -1;
}

/** As SessionTable.goesOn, for a session that no rule but its own concerns: false, and nothing done, for what the translator must see. */
export function goesOn(at: usize, flags: i32, nowNs: f64): bool {
  if ((i32.load(at, S_BINDING) & S_PLAIN_BIT) === 0) return false;
  const kind = i32.load(at, S_KIND);
  if ((kind & 0xffff) === S_ESTABLISHED ? (flags & S_ENDING_FLAGS) !== 0 : (kind & S_PROTOCOL_MASK) !== UDP) return false;
  i32.store(at, i32.load(at, S_PACKETS) + 1, S_PACKETS);
  f64.store(at, nowNs, S_SINCE);
  return true;
}

/**
 * Guesses the sessions of the records from `from` on, in three steps: hashes from the packets, entries from the slots, then the entries themselves are read.
 * Within a step nothing waits for anything else, so that the cache misses of many packets overlap. Returns the first record without a guess.
 */
export function lookAhead(p: usize, from: i32): i32 {
  const to = min(i32.load(p, T_RECORDS), from + AHEAD_RECORDS);
  const guesses = i32.load(p, T_GUESSES);
  const slots6 = i32.load(p, T_SLOTS6);
  const slots4 = i32.load(p, T_SLOTS4);
  const mask = i32.load(p, T_MASK);
  const entries = i32.load(p, T_ENTRIES);
  hashes(p, from, to);
  for (let i = from; i < to; i++) {
    const at = guesses + 8 * i;
    const hash = i32.load(at);
    const slots = i32.load(at, 4) !== 0 ? slots6 : slots4;
    const first = i32.load(slots + 4 * (hash & mask));
    const second = i32.load(slots + 4 * ((hash + 1) & mask));
    const take = -(((first ^ hash) & S_TAG_MASK) >>> S_TAG_SHIFT) >> 31;
    const number = (first ^ ((first ^ second) & take)) & S_NUMBER_MASK;
    i32.store(at, number - (number > 0 ? 1 : 0));
  }
  let read = 0;
  for (let i = from; i < to; i++) read ^= i32.load(entries + i32.load(guesses + 8 * i) * S_BYTES, S_KIND);
  i32.store(p, read, T_READ);
  i32.store(p, to, T_AHEAD);
  return to;
}

/** Hash and family of each record, as if it were plain. A guess is 8 bytes: the hash or, later, the entry; 1 for IPv6. */
function hashes(p: usize, from: i32, to: i32): void {
  const guesses = i32.load(p, T_GUESSES);
  const bytes = i32.load(p, T_BYTES) + i32.load(p, T_LINK);
  const offsets = i32.load(p, T_OFFSETS);
  const captured = i32.load(p, T_CAPTURED);
  const link = i32.load(p, T_LINK);
  for (let i = from; i < to; i++) {
    const o: usize = bytes + i32.load(offsets + 4 * i);
    const length = i32.load(captured + 4 * i) - link;
    const six = length >= LEAST6_BYTES && i32.load8_u(o) >>> 4 === 6;
    const four = length >= LEAST4_BYTES && !six;
    i32.store(guesses + 8 * i, six ? hash6(o) : four ? hash4(o) : 0);
    i32.store(guesses + 8 * i, six ? 1 : 0, 4);
  }
}
