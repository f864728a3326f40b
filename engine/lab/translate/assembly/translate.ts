import {
  T_BYTES,
  T_CAPTURED,
  T_CHECK,
  T_CLASS,
  T_COUNT,
  T_GAP,
  T_LENGTHS,
  T_MTU,
  T_NOW,
  T_OFFSETS,
  T_OUT,
  T_OUT_KINDS,
  T_OUT_LENGTHS,
  T_OUT_OFFSETS,
  T_OUT_SIDES,
  T_OUT_TIMES,
  T_OUT_WIRE,
  T_PAYLOAD,
  T_PREFIX0,
  T_PREFIX1,
  T_PREFIX2,
  T_PREFIX_SUM,
  T_SHIFT,
  T_SIDE,
  T_STOP_COUNT,
  T_STOP_USED,
  T_TIMES,
  T_UNCUT,
  T_USED,
} from '../kernel-layout.ts';

/**
 * Main file of the kernel of plain stateless translation, AssemblyScript (see engine/lab/kernel/assembly/replay.ts): PlainPath.from4 with the mapping by
 * one prefix alone, for packets in untagged Ethernet. Every rule and every byte is as there; a packet that is not plain ends the call.
 */
const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
const TCP_BYTES = 20;
const TCP = 6;
const UDP = 17;
/** EtherType of IPv4, low byte first. */
const TYPE_IPV4 = 0x0008;
/** Up to here a loop beats the call that copies. */
const LOOP_BYTES = 64;

/** A word of a packet, which has its high byte first. */
function word(at: usize): i32 {
  return bswap(i32.load(at));
}

function put(at: usize, value: i32): void {
  i32.store(at, bswap(value));
}

function half(at: usize): i32 {
  return bswap<u16>(load<u16>(at));
}

function halves(value: i32): i32 {
  return (value >>> 16) + (value & 0xffff);
}

/** Folds a sum of some dozens of 16-bit words. */
function fold(sum: i32): i32 {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** Neither address is one that a rule speaks of: SiitPlain.ordinary. */
function ordinary(source: i32, destination: i32): bool {
  const first = source >>> 24;
  if (first === 0 || first === 127 || first >= 224 || source >>> 16 === 0xa9fe) return false;
  return destination >>> 28 !== 0xe;
}

/** Bytes of the packet behind the IPv4 header at `o`, of which `length` bytes are there; 0 where the packet is not plain. */
function payloadOf(p: usize, o: usize, length: i32, wire: i32): i32 {
  const w0 = word(o);
  const w1 = word(o + 4);
  const w2 = word(o + 8);
  const total = w0 & 0xffff;
  const payload = total - IPV4_BYTES;
  const protocol = (w2 >>> 16) & 0xff;
  const tcp = protocol === TCP;
  const least = tcp ? TCP_BYTES : UDP_BYTES;
  if (w0 >>> 24 !== 0x45 || (w1 & 0x3fff) !== 0 || (!tcp && protocol !== UDP)) return 0;
  if (payload < least || total > length || total > wire || w2 >>> 24 <= 1) return 0;
  const limit = (w1 & 0x4000) !== 0 ? i32.load(p, T_MTU) : i32.load(p, T_UNCUT);
  if (IPV6_BYTES + payload > limit) return 0;
  if (!tcp && load<u16>(o + IPV4_BYTES + 6) === 0) return 0;
  const source = word(o + 12);
  const destination = word(o + 16);
  if (!ordinary(source, destination)) return 0;
  if (i32.load(p, T_CHECK) === 0) return payload;
  const sum = halves(w0) + halves(w1) + halves(w2) + halves(source) + halves(destination);
  return fold(sum) === 0xffff ? payload : 0;
}

function copy(to: usize, from: usize, length: i32): void {
  if (length > LOOP_BYTES) {
    memory.copy(to, from, length);
    return;
  }
  let i = 0;
  for (; i + 8 <= length; i += 8) i64.store(to + i, i64.load(from + i));
  for (; i < length; i++) i32.store8(to + i, i32.load8_u(from + i));
}

/** Writes the IPv6 packet of the plain one at `o` to `at`. */
function write(p: usize, at: usize, o: usize, payload: i32): void {
  const w0 = word(o);
  const w2 = word(o + 8);
  const tcp = ((w2 >>> 16) & 0xff) === TCP;
  put(at, 0x60000000 | (i32.load(p, T_CLASS) !== 0 ? ((w0 >>> 16) & 0xff) << 20 : 0));
  put(at + 4, (payload << 16) | (((w2 >>> 16) & 0xff) << 8) | ((w2 >>> 24) - 1));
  const p0 = bswap(i32.load(p, T_PREFIX0));
  const p1 = bswap(i32.load(p, T_PREFIX1));
  const p2 = bswap(i32.load(p, T_PREFIX2));
  i32.store(at, p0, 8);
  i32.store(at, p1, 12);
  i32.store(at, p2, 16);
  i32.store(at, i32.load(o, 12), 20);
  i32.store(at, p0, 24);
  i32.store(at, p1, 28);
  i32.store(at, p2, 32);
  i32.store(at, i32.load(o, 16), 36);
  const t = at + IPV6_BYTES;
  if (i32.load(p, T_PAYLOAD) !== 0) copy(t, o + IPV4_BYTES, payload);
  patch(p, t, o, tcp);
}

/** The checksum by the difference (RFC 1624); ports stay. */
function patch(p: usize, t: usize, o: usize, tcp: bool): void {
  const from = o + IPV4_BYTES;
  const ports = halves(word(from));
  const sum4 = halves(word(o + 12)) + halves(word(o + 16));
  const place: usize = tcp ? 16 : 6;
  const before = fold(sum4 + ports);
  const check = half(from + place);
  i32.store(t, i32.load(from));
  const newSum = 2 * i32.load(p, T_PREFIX_SUM) + sum4;
  const changed = ~fold((~check & 0xffff) + (~before & 0xffff) + newSum + ports) & 0xffff;
  i32.store16(t + place, bswap(changed === 0 && !tcp ? 0xffff : changed) >>> 16);
}

/** Translates the records [from, to) of the chunk; returns the first that it has not taken: not plain, or the output has to be written. */
export function translate46(p: usize, from: i32, to: i32): i32 {
  const bytes = i32.load(p, T_BYTES);
  const offsets = i32.load(p, T_OFFSETS);
  const captured = i32.load(p, T_CAPTURED);
  const lengths = i32.load(p, T_LENGTHS);
  const times = i32.load(p, T_TIMES);
  const out = i32.load(p, T_OUT);
  const stopCount = i32.load(p, T_STOP_COUNT);
  const stopUsed = i32.load(p, T_STOP_USED);
  const gap = i32.load(p, T_GAP);
  const shift = f64.load(p, T_SHIFT);
  let now = f64.load(p, T_NOW);
  let count = i32.load(p, T_COUNT);
  let used = i32.load(p, T_USED);
  let i = from;
  for (; i < to && count < stopCount && used < stopUsed; i++) {
    const frame = bytes + i32.load(offsets + 4 * i);
    const length = i32.load(captured + 4 * i) - ETHERNET_BYTES;
    if (length < IPV4_BYTES + UDP_BYTES || load<u16>(frame, 12) !== TYPE_IPV4) break;
    const payload = payloadOf(p, frame + ETHERNET_BYTES, length, i32.load(lengths + 4 * i) - ETHERNET_BYTES);
    if (payload === 0) break;
    write(p, out + used, frame + ETHERNET_BYTES, payload);
    const wire = IPV6_BYTES + payload;
    now = max(now, f64.load(times + 8 * i) + shift);
    i32.store(i32.load(p, T_OUT_OFFSETS) + 4 * count, used);
    i32.store(i32.load(p, T_OUT_LENGTHS) + 4 * count, wire);
    i32.store(i32.load(p, T_OUT_WIRE) + 4 * count, wire);
    i32.store8(i32.load(p, T_OUT_SIDES) + count, T_SIDE);
    i32.store8(i32.load(p, T_OUT_KINDS) + count, 0);
    f64.store(i32.load(p, T_OUT_TIMES) + 8 * count, now);
    used += wire + gap;
    count++;
  }
  f64.store(p, now, T_NOW);
  i32.store(p, count, T_COUNT);
  i32.store(p, used, T_USED);
  return i;
}
