import {
  FAMILY_4,
  FAMILY_6,
  T_AHEAD,
  T_BEFORE,
  T_BYTES,
  T_CAPTURED,
  T_COUNT,
  T_FAMILIES,
  T_GAP,
  T_GUESSES,
  T_LENGTHS,
  T_LINK,
  T_LOOKS,
  T_NOW,
  T_OFFSETS,
  T_OUT,
  T_OUT_KINDS,
  T_OUT_LENGTHS,
  T_OUT_OFFSETS,
  T_OUT_SIDES,
  T_OUT_TIMES,
  T_OUT_WIRE,
  T_SHIFT,
  T_SIXES,
  T_STOP_COUNT,
  T_STOP_USED,
  T_TIE,
  T_TIMES,
  T_UNTIL,
  T_USED,
} from '../kernel-layout.ts';
import { from4, from6 } from './packets.ts';
import { lookAhead } from './sessions.ts';

/**
 * Main file of the kernel of plain translation, AssemblyScript (see engine/lab/kernel/assembly/replay.ts): SIIT and NAT64 by one prefix, for raw packets and
 * those in untagged Ethernet. A packet that is not plain ends the call.
 */
const NO_GUESS = -1;
/** EtherTypes, low byte first. */
const TYPE_IPV4 = 0x0008;
const TYPE_IPV6 = 0xdd86;

/** The packet of record `i`, translated to `at`; returns its bytes, 0 for what is not plain. */
function translateOne(p: usize, at: usize, i: i32, guess: i32, nowNs: f64): i32 {
  const link = i32.load(p, T_LINK);
  const frame: usize = i32.load(p, T_BYTES) + i32.load(i32.load(p, T_OFFSETS) + 4 * i);
  const length = i32.load(i32.load(p, T_CAPTURED) + 4 * i) - link;
  const wire = i32.load(i32.load(p, T_LENGTHS) + 4 * i) - link;
  if (length <= 0) return 0;
  const version = i32.load8_u(frame + link) >>> 4;
  const families = i32.load(p, T_FAMILIES);
  if (version === 6) {
    if ((families & FAMILY_6) === 0 || (link !== 0 && i32.load16_u(frame, 12) !== TYPE_IPV6)) return 0;
    return from6(p, at, frame + link, length, wire, guess, nowNs);
  }
  if (version !== 4 || (families & FAMILY_4) === 0 || (link !== 0 && i32.load16_u(frame, 12) !== TYPE_IPV4)) return 0;
  return from4(p, at, frame + link, length, wire, guess, nowNs);
}

/** Translates the records [from, to) of the chunk; returns the first that it has not taken: not plain, not its turn, or the output has to be written. */
export function translate(p: usize, from: i32, to: i32): i32 {
  const times = i32.load(p, T_TIMES);
  const out = i32.load(p, T_OUT);
  const stopCount = i32.load(p, T_STOP_COUNT);
  const stopUsed = i32.load(p, T_STOP_USED);
  const gap = i32.load(p, T_GAP);
  const looks = i32.load(p, T_LOOKS) !== 0;
  const guesses = i32.load(p, T_GUESSES);
  const shift = f64.load(p, T_SHIFT);
  const until = f64.load(p, T_UNTIL);
  const before = f64.load(p, T_BEFORE);
  const tie = i32.load(p, T_TIE) !== 0;
  let ahead = i32.load(p, T_AHEAD);
  let now = f64.load(p, T_NOW);
  let count = i32.load(p, T_COUNT);
  let used = i32.load(p, T_USED);
  let sixes = 0;
  let i = from;
  for (; i < to && count < stopCount && used < stopUsed; i++) {
    const time = f64.load(times + 8 * i) + shift;
    const next = max(now, time);
    if (time > before || (time === before && !tie) || next >= until) break;
    if (looks && i >= ahead) ahead = lookAhead(p, i);
    const guess = i < ahead ? i32.load(guesses + 8 * i) : NO_GUESS;
    const length = translateOne(p, out + used, i, guess, next);
    if (length === 0) break;
    const six = i32.load8_u(out + used) >>> 4 === 6;
    if (!six) sixes++;
    now = next;
    i32.store(i32.load(p, T_OUT_OFFSETS) + 4 * count, used);
    i32.store(i32.load(p, T_OUT_LENGTHS) + 4 * count, length);
    i32.store(i32.load(p, T_OUT_WIRE) + 4 * count, length);
    i32.store8(i32.load(p, T_OUT_SIDES) + count, six ? 6 : 4);
    i32.store8(i32.load(p, T_OUT_KINDS) + count, 0);
    f64.store(i32.load(p, T_OUT_TIMES) + 8 * count, now);
    used += length + gap;
    count++;
  }
  f64.store(p, now, T_NOW);
  i32.store(p, count, T_COUNT);
  i32.store(p, used, T_USED);
  i32.store(p, sixes, T_SIXES);
  return i;
}
