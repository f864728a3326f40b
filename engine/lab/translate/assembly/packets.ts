import {
  S_ADDRESS4,
  S_KIND,
  S_PORTS,
  T_CHECK,
  T_CLASS,
  T_DF_FROM,
  T_ENTRIES,
  T_GATEWAY_PORT,
  T_GLOBAL,
  T_IDENTIFICATION,
  T_MTU4,
  T_MTU6,
  T_PAYLOAD,
  T_PREFIX0,
  T_PREFIX1,
  T_PREFIX2,
  T_PREFIX_SUM,
  T_SESSION,
  T_TOS,
  T_UNCUT6,
} from '../kernel-layout.ts';
import { copy, fold, half, halves, put, word } from './bytes.ts';
import { entryOf, find4, find6, goesOn } from './sessions.ts';

/** PlainPath.from6 and from4 of the engine with the mapping by one prefix or by sessions: every rule and every byte is as there. */
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
const TCP_BYTES = 20;
const TCP = 6;
const UDP = 17;

/** Neither address is one that a rule speaks of: SiitPlain.ordinary. */
function ordinary(p: usize, source: i32, destination: i32): bool {
  const first = source >>> 24;
  if (first === 0 || first === 127 || first >= 224 || source >>> 16 === 0xa9fe || destination >>> 28 === 0xe) return false;
  return i32.load(p, T_GLOBAL) === 0 || (isGlobal(source) && isGlobal(destination));
}

/** As isGlobal4. */
function isGlobal(address: i32): bool {
  const first = address >>> 24;
  if (first === 0 || first === 10 || first === 127 || first >= 224) return false;
  if (address >>> 22 === 0x191 || address >>> 20 === 0xac1) return false;
  return address >>> 16 !== 0xa9fe && address >>> 16 !== 0xc0a8;
}

function inPrefix(p: usize, at: usize): bool {
  if (i32.load(at) !== i32.load(p, T_PREFIX0) || i32.load(at, 4) !== i32.load(p, T_PREFIX1)) return false;
  return i32.load(at, 8) === i32.load(p, T_PREFIX2);
}

function putPrefix(p: usize, at: usize): void {
  i32.store(at, i32.load(p, T_PREFIX0));
  i32.store(at, i32.load(p, T_PREFIX1), 4);
  i32.store(at, i32.load(p, T_PREFIX2), 8);
}

/** Ports, and the checksum by the difference (RFC 1624). The transport at `from` has been copied to `t`, as far as it is wanted. */
function patch(t: usize, from: usize, tcp: bool, oldSum: i32, newSum: i32, ports: i32): void {
  const before = fold(oldSum + halves(word(from)));
  const place: usize = tcp ? 16 : 6;
  const check = half(from + place);
  put(t, ports);
  // Zero in UDP: the sender computed none (RFC 768, RFC 6935).
  if (check === 0 && !tcp) return;
  const changed = ~fold((~check & 0xffff) + (~before & 0xffff) + newSum + halves(ports)) & 0xffff;
  i32.store16(t + place, bswap(changed === 0 && !tcp ? 0xffff : changed) >>> 16);
}

/** The identification of the next IPv4 packet that has none: Context.takeIdentification. */
function takeIdentification(p: usize): i32 {
  const id = i32.load(p, T_IDENTIFICATION);
  if (id < 0) return 0;
  i32.store(p, id === 0xffff ? 1 : id + 1, T_IDENTIFICATION);
  return id;
}

/**
 * Writes the IPv4 packet of the IPv6 one at `o`, of which `length` bytes are there and `wire` were on the wire, to `at`; returns its bytes, or 0 and nothing has
 * changed: it is not plain.
 */
export function from6(p: usize, at: usize, o: usize, length: i32, wire: i32, guess: i32, nowNs: f64): i32 {
  if (length < IPV6_BYTES + UDP_BYTES) return 0;
  const first = word(o);
  const second = word(o + 4);
  const protocol = (second >>> 8) & 0xff;
  const payload = second >>> 16;
  const tcp = protocol === TCP;
  const least = tcp ? TCP_BYTES : UDP_BYTES;
  const total = IPV4_BYTES + payload;
  if (first >>> 28 !== 6 || (!tcp && protocol !== UDP) || payload < least) return 0;
  if (IPV6_BYTES + payload > length || IPV6_BYTES + payload > wire || (second & 0xff) <= 1 || total > i32.load(p, T_MTU4)) return 0;
  if (!inPrefix(p, o + 24)) return 0;
  const destination = word(o + 36);
  const sum6 = sumOfAddresses6(p, o);
  let source = word(o + 20);
  let ports = word(o + IPV6_BYTES);
  if (i32.load(p, T_ENTRIES) !== 0) {
    if (inPrefix(p, o + 8) || i32.load8_u(o, 8) === 0xff || (tcp && (ports & 0xffff) === i32.load(p, T_GATEWAY_PORT))) return 0;
    const e = find6(p, o, guess);
    const entry = entryOf(p, e);
    if (e < 0 || !goesOn(entry, tcp ? i32.load8_u(o, 53) : 0, nowNs)) return 0;
    i32.store(p, e, T_SESSION);
    source = i32.load(entry, S_ADDRESS4);
    ports = (i32.load(entry, S_KIND) & 0xffff0000) | (ports & 0xffff);
  } else if (!inPrefix(p, o + 8) || !ordinary(p, source, destination)) return 0;
  const tos = i32.load(p, T_TOS);
  const w0 = 0x45000000 | ((tos < 0 ? (first >>> 20) & 0xff : tos) << 16) | total;
  const w1 = (takeIdentification(p) << 16) | (total >= i32.load(p, T_DF_FROM) ? 0x4000 : 0);
  const w2 = (((second & 0xff) - 1) << 24) | (protocol << 16);
  const sum4 = halves(source) + halves(destination);
  put(at, w0);
  put(at + 4, w1);
  put(at + 8, w2 | (~fold(halves(w0) + halves(w1) + (w2 >>> 16) + sum4) & 0xffff));
  put(at + 12, source);
  put(at + 16, destination);
  if (i32.load(p, T_PAYLOAD) !== 0) copy(at + IPV4_BYTES, o + IPV6_BYTES, payload);
  patch(at + IPV4_BYTES, o + IPV6_BYTES, tcp, sum6, sum4, ports);
  return total;
}

/** Of both addresses of the IPv6 packet at `o`, whose destination is under the prefix. */
function sumOfAddresses6(p: usize, o: usize): i32 {
  const source = halves(word(o + 8)) + halves(word(o + 12)) + halves(word(o + 16)) + halves(word(o + 20));
  return source + i32.load(p, T_PREFIX_SUM) + halves(word(o + 36));
}

/** Payload of the IPv4 packet at `o`, 0 where its own header says that it is not plain. */
function payload4(p: usize, o: usize, length: i32, wire: i32): i32 {
  if (length < IPV4_BYTES + UDP_BYTES) return 0;
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
  const limit = (w1 & 0x4000) !== 0 ? i32.load(p, T_MTU6) : i32.load(p, T_UNCUT6);
  if (IPV6_BYTES + payload > limit) return 0;
  // UDP without checksum: IPv6 does not take it.
  if (!tcp && load<u16>(o + IPV4_BYTES + 6) === 0) return 0;
  if (i32.load(p, T_CHECK) === 0) return payload;
  const sum = halves(w0) + halves(w1) + halves(w2) + halves(word(o + 12)) + halves(word(o + 16));
  return fold(sum) === 0xffff ? payload : 0;
}

/** As from6 for the IPv4 packet at `o`. */
export function from4(p: usize, at: usize, o: usize, length: i32, wire: i32, guess: i32, nowNs: f64): i32 {
  const payload = payload4(p, o, length, wire);
  if (payload === 0) return 0;
  const w0 = word(o);
  const w2 = word(o + 8);
  const tcp = ((w2 >>> 16) & 0xff) === TCP;
  const source = word(o + 12);
  const destination = word(o + 16);
  let ports = word(o + IPV4_BYTES);
  let inside: i32;
  if (i32.load(p, T_ENTRIES) !== 0) {
    if (tcp && ports >>> 16 === i32.load(p, T_GATEWAY_PORT)) return 0;
    const e = find4(p, o, guess);
    const entry = entryOf(p, e);
    if (e < 0 || !goesOn(entry, tcp ? i32.load8_u(o, 33) : 0, nowNs)) return 0;
    i32.store(p, e, T_SESSION);
    ports = (ports & 0xffff0000) | (i32.load(entry, S_PORTS) >>> 16);
    inside = putInside(entry, at + 24);
  } else {
    if (!ordinary(p, source, destination)) return 0;
    putPrefix(p, at + 24);
    put(at + 36, destination);
    inside = i32.load(p, T_PREFIX_SUM) + halves(destination);
  }
  put(at, 0x60000000 | (i32.load(p, T_CLASS) !== 0 ? ((w0 >>> 16) & 0xff) << 20 : 0));
  put(at + 4, (payload << 16) | (((w2 >>> 16) & 0xff) << 8) | ((w2 >>> 24) - 1));
  putPrefix(p, at + 8);
  put(at + 20, source);
  if (i32.load(p, T_PAYLOAD) !== 0) copy(at + IPV6_BYTES, o + IPV4_BYTES, payload);
  const sum6 = i32.load(p, T_PREFIX_SUM) + halves(source) + inside;
  patch(at + IPV6_BYTES, o + IPV4_BYTES, tcp, halves(source) + halves(destination), sum6, ports);
  return IPV6_BYTES + payload;
}

/** Writes the address inside of a session; returns the sum of its halves. */
function putInside(entry: usize, at: usize): i32 {
  let sum = 0;
  for (let i = 0; i < 16; i += 4) {
    const value = i32.load(entry + i);
    put(at + i, value);
    sum += halves(value);
  }
  return sum;
}
