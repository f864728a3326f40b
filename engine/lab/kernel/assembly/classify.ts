import {
  META_FLOW,
  META_HAS_PORTS,
  META_TCP,
  META_TCP_FLAGS_SHIFT,
  META_TRAFFIC_CLASS_SHIFT,
  ROW_A,
  ROW_ACK,
  ROW_B,
  ROW_HASH,
  ROW_META,
  ROW_OFFSETS,
  ROW_PAYLOAD,
  ROW_PORTS,
  ROW_PROTOCOL,
  ROW_SEQ,
  ROW_WORDS,
} from '../../../wire/index.ts';
import { K_BYTES, K_CAPTURED, K_COUNT, K_LENGTHS, K_OFFSETS, K_ROWS } from '../layout.ts';
import { classifyOther } from './host.ts';

/**
 * The packets that nearly all are: TCP and UDP, whole, right behind an IPv4 header without options or an IPv6 header without extensions, in Ethernet
 * with two tags at most. Their rows are those of wire's classifyRange, which has all others.
 */
const ROW_BYTES = ROW_WORDS * 4;
const META_FROM_B_BIT = 16;
const ETHERNET_BYTES = 14;
const TAG_BYTES = 4;
const MAX_TAGS = 2;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
/** As much of a transport header as is looked at, TCP's without options. */
const TRANSPORT_BYTES = 20;
/** EtherTypes, and IPv4's flag of more fragments with the offset, as two bytes read low byte first. */
const TYPE_IPV4 = 0x0008;
const TYPE_IPV6 = 0xdd86;
const TYPE_8021Q = 0x0081;
const TYPE_8021AD = 0xa888;
const TYPE_9100 = 0x0091;
const FRAGMENT = 0xff3f;
const SIGN = -2147483648;
const TCP = 6;
const UDP = 17;
/** IP version of the key's protocol word. */
const VERSION_4 = 0x400;
const VERSION_6 = 0x600;
/** Codes of PROTOCOL_NAMES. */
const CODE_TCP = 1;
const CODE_UDP = 2;

/** Two bytes in network order. */
function be16(at: usize, offset: i32): i32 {
  return (i32.load8_u(at + offset) << 8) | i32.load8_u(at + offset + 1);
}

/** Four bytes in network order. */
function be32(at: usize, offset: i32): i32 {
  return bswap(i32.load(at + offset));
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
    const have = i32.load(captured + (i << 2));
    const length = i32.load(lengths + (i << 2));
    const row = rows + i * ROW_BYTES;
    let known = false;
    // What nearly every packet is goes first and has constants for its places.
    if (have >= ETHERNET_BYTES + IPV4_BYTES + TRANSPORT_BYTES) {
      const type = i32.load16_u(frame, 12);
      if (type === TYPE_IPV4) known = ipv4(row, frame, ETHERNET_BYTES, length);
      else known = tagged(row, frame, have, length);
    }
    if (!known) classifyOther(i);
  }
}

/** Frames with tags, and IPv6; false for what the kernel does not know. */
function tagged(row: usize, frame: usize, have: i32, length: i32): boolean {
  let at = ETHERNET_BYTES;
  let type = i32.load16_u(frame, 12);
  for (let tags = 0; tags < MAX_TAGS; tags++) {
    if (type === TYPE_8021Q || type === TYPE_8021AD || type === TYPE_9100) {
      // The smallest frame that comes here is longer than its tags.
      type = i32.load16_u(frame + at + 2);
      at += TAG_BYTES;
    }
  }
  let known = false;
  if (type === TYPE_IPV4) {
    if (have >= at + IPV4_BYTES + TRANSPORT_BYTES) known = ipv4(row, frame, at, length);
  } else if (type === TYPE_IPV6) {
    if (have >= at + IPV6_BYTES + TRANSPORT_BYTES) known = ipv6(row, frame, at, length);
  }
  return known;
}

/** IPv4 at `at` of the frame. */
function ipv4(row: usize, frame: usize, at: i32, length: i32): boolean {
  const ip = frame + at;
  const protocol = i32.load8_u(ip, 9);
  const known = i32.load8_u(ip) === 0x45 && (i32.load16_u(ip, 6) & FRAGMENT) === 0 && (protocol === TCP || protocol === UDP);
  if (known) {
    // A length of 0 is a segment that the sender's card was to cut: the packet's own length counts.
    const total = be16(ip, 2);
    const upper = select(length - at, total, total === 0) - IPV4_BYTES;
    const fromB = ipv4Key(row, be32(ip, 12), be32(ip, 16), be32(ip, IPV4_BYTES), VERSION_4 | protocol);
    i32.store(row, (at << 16) | (at + IPV4_BYTES), ROW_OFFSETS * 4);
    transport(row, ip + IPV4_BYTES, protocol, upper, fromB, i32.load8_u(ip, 1));
  }
  return known;
}

/** Writes the key; 1 if the packet's source is side B. */
function ipv4Key(row: usize, source: i32, destination: i32, ports: i32, protocolWord: i32): i32 {
  // The direction is a coin toss to the branch predictor, so nothing branches on it.
  const byPort = ports >>> 16 > (ports & 0xffff);
  const byAddress = (source ^ SIGN) > (destination ^ SIGN);
  const fromB = i32(select(byPort, byAddress, source === destination));
  const swap = (source ^ destination) & -fromB;
  const a = source ^ swap;
  const b = destination ^ swap;
  const keyPorts = rotl(ports, fromB << 4);
  i32.store(row, keyPorts, ROW_PORTS * 4);
  i32.store(row, protocolWord, ROW_PROTOCOL * 4);
  i32.store(row, a, ROW_A * 4);
  i32.store(row, 0, ROW_A * 4 + 4);
  i32.store(row, 0, ROW_A * 4 + 8);
  i32.store(row, 0, ROW_A * 4 + 12);
  i32.store(row, b, ROW_B * 4);
  i32.store(row, 0, ROW_B * 4 + 4);
  i32.store(row, 0, ROW_B * 4 + 8);
  i32.store(row, 0, ROW_B * 4 + 12);
  const mixed = (a * 0x9e3779b1) ^ (rotl(b, 13) * 0x85ebca77) ^ ((keyPorts ^ (protocolWord << 7)) * 0xc2b2ae3d);
  i32.store(row, finish(mixed + protocolWord), ROW_HASH * 4);
  return fromB;
}

/** The end of flow-hash.ts. */
function finish(x: i32): i32 {
  let h = (x ^ (x >>> 16)) * 0x85ebca6b;
  h = (h ^ (h >>> 13)) * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

/** IPv6 at `at` of the frame. */
function ipv6(row: usize, frame: usize, at: i32, length: i32): boolean {
  const ip = frame + at;
  const protocol = i32.load8_u(ip, 6);
  const known = i32.load8_u(ip) >>> 4 === 6 && (protocol === TCP || protocol === UDP);
  if (known) {
    // Payload length 0 with a packet behind it: a jumbogram or a segment the card was to cut.
    const payload = be16(ip, 4);
    const upper = select(length - at - IPV6_BYTES, payload, payload === 0);
    const fromB = ipv6Key(row, ip + 8, be32(ip, IPV6_BYTES), VERSION_6 | protocol);
    i32.store(row, (at << 16) | (at + IPV6_BYTES), ROW_OFFSETS * 4);
    transport(row, ip + IPV6_BYTES, protocol, upper, fromB, (be16(ip, 0) >>> 4) & 0xff);
  }
  return known;
}

/** Writes the key of the two addresses at `at`; 1 if the packet's source is side B. */
function ipv6Key(row: usize, at: usize, ports: i32, protocolWord: i32): i32 {
  const sourceHigh = bswap(load<u64>(at));
  const sourceLow = bswap(load<u64>(at, 8));
  const destinationHigh = bswap(load<u64>(at, 16));
  const destinationLow = bswap(load<u64>(at, 24));
  const byPort = ports >>> 16 > (ports & 0xffff);
  const byLow = select(byPort, sourceLow > destinationLow, sourceLow === destinationLow);
  const fromB = i32(select(byLow, sourceHigh > destinationHigh, sourceHigh === destinationHigh));
  const a = at + (fromB << 4);
  const b = at + 16 - (fromB << 4);
  const keyPorts = rotl(ports, fromB << 4);
  i32.store(row, keyPorts, ROW_PORTS * 4);
  i32.store(row, protocolWord, ROW_PROTOCOL * 4);
  let x = protocolWord;
  for (let w = 0; w < 16; w += 4) {
    const word = be32(a, w);
    i32.store(row + w, word, ROW_A * 4);
    x = rotl((x ^ word) * 0x9e3779b1, 15);
  }
  for (let w = 0; w < 16; w += 4) {
    const word = be32(b, w);
    i32.store(row + w, word, ROW_B * 4);
    x = rotl((x ^ word) * 0x9e3779b1, 15);
  }
  i32.store(row, finish((x ^ keyPorts) * 0xc2b2ae3d), ROW_HASH * 4);
  return fromB;
}

/** What a row has of the transport header at `l4`, behind which the IP header counts `upper` bytes, this header included. */
function transport(row: usize, l4: usize, protocol: i32, upper: i32, fromB: i32, trafficClass: i32): void {
  let sequence = 0;
  let acknowledgement = 0;
  let more = CODE_UDP;
  let payload = upper - 8;
  if (protocol === TCP) {
    sequence = be32(l4, 4);
    acknowledgement = be32(l4, 8);
    more = CODE_TCP | META_TCP | (i32.load8_u(l4, 13) << META_TCP_FLAGS_SHIFT);
    payload = upper - ((i32.load8_u(l4, 12) >>> 4) << 2);
  }
  const meta = META_FLOW | META_HAS_PORTS | (fromB << META_FROM_B_BIT) | (trafficClass << META_TRAFFIC_CLASS_SHIFT);
  i32.store(row, meta | more, ROW_META * 4);
  i32.store(row, sequence, ROW_SEQ * 4);
  i32.store(row, acknowledgement, ROW_ACK * 4);
  i32.store(row, select(payload, 0, payload > 0), ROW_PAYLOAD * 4);
}
