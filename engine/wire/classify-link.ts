import { protocolCode } from './classify-row.ts';

/**
 * From the link header to the network header, for the hot parse. The answer is an EtherType and, in `networkAt`, where the
 * network header starts; 0x0800 and 0x86dd are looked into further, everything else has its protocol code in `linkCode`.
 */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;

/** Where the network header of the packet resolved last starts, in the same array. */
export let networkAt = 0;
/** Protocol code of the packet resolved last, for packets that are not IP. */
export let linkCode = 0;

const CODE_UNKNOWN = protocolCode('Unknown');
const CODE_ETHERNET = protocolCode('Ethernet');
const CODE_LLC = protocolCode('LLC');
const CODE_MPLS = protocolCode('MPLS');
const CODE_PPP = protocolCode('PPP');
const CODE_PPPOE_D = protocolCode('PPPoE-D');

const CODE_BY_ETHERTYPE: Readonly<Record<number, number>> = {
  0x0806: protocolCode('ARP'),
  0x8035: protocolCode('RARP'),
  0x88cc: protocolCode('LLDP'),
  0x888e: protocolCode('EAPOL'),
  0x8863: CODE_PPPOE_D,
};

/** Tags and labels followed at most: more is no network, only a packet made to keep a parser busy. */
const MAX_TAGS = 16;

function none(code: number): number {
  linkCode = code;
  return 0;
}

function ip(version: number, at: number): number {
  networkAt = at;
  if (version === 4) return ETHERTYPE_IPV4;
  return version === 6 ? ETHERTYPE_IPV6 : none(CODE_UNKNOWN);
}

/** Offset of the IP header of a packet at [start, end) in `b`, -1 where it has none. Tunnels are not entered. */
export function networkHeader(b: Uint8Array, start: number, end: number, linkType: number): number {
  // Nearly every packet: Ethernet without tags.
  if (linkType === 1 && end - start >= 14) {
    const type = (b[start + 12]! << 8) | b[start + 13]!;
    if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) return start + 14;
  }
  const type = resolveLink(b, start, end, linkType);
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? networkAt : -1;
}

/** EtherType of the network header of a packet at [start, end), 0 where there is none to look into. */
export function resolveLink(b: Uint8Array, start: number, end: number, linkType: number): number {
  switch (linkType) {
    case 1: // ETHERNET
      if (end - start < 14) return none(CODE_ETHERNET);
      return etherType(b, start + 12, end);
    case 0: // NULL: family in the byte order of the machine that captured
    case 108: // LOOP: family in network order
      return nullFamily(b, start, end);
    case 12:
    case 14:
    case 101: // RAW
    case 228: // IPV4
    case 229: // IPV6
      return end > start ? ip(b[start]! >>> 4, start) : none(CODE_UNKNOWN);
    case 113: // LINUX_SLL
      if (end - start < 16) return none(CODE_UNKNOWN);
      return etherType(b, start + 14, end);
    case 276: // LINUX_SLL2
      if (end - start < 20) return none(CODE_UNKNOWN);
      return sll2(b, start, end);
    case 9: // PPP
    case 50: // PPP_HDLC
    case 166: // PPP_PPPD
    case 204: // PPP_WITH_DIR: one byte of direction first
      return ppp(b, start + (linkType === 204 ? 1 : 0), end);
    case 51: // PPP_ETHER: a PPPoE session header
      return pppoe(b, start, end);
    case 219: // MPLS
      return mpls(b, start, end);
    case 104: // C_HDLC: address, control, EtherType
      if (end - start < 4) return none(CODE_UNKNOWN);
      return etherType(b, start + 2, end);
    default:
      return none(CODE_UNKNOWN);
  }
}

/** SLL2 has its protocol first and its payload twenty bytes on. */
function sll2(b: Uint8Array, start: number, end: number): number {
  const type = (b[start]! << 8) | b[start + 1]!;
  return network(b, type, start + 20, end);
}

function nullFamily(b: Uint8Array, start: number, end: number): number {
  if (end - start < 5) return none(CODE_UNKNOWN);
  // Some systems put PPP's or Cisco HDLC's address and control there, then a protocol number.
  if (b[start] === 0xff && b[start + 1] === 3) return ppp(b, start, end);
  if (b[start] === 0x0f && b[start + 1] === 0) return etherType(b, start + 2, end);
  const big = b[start] === 0 && b[start + 1] === 0;
  if (!big && (b[start + 2] !== 0 || b[start + 3] !== 0)) return none(CODE_UNKNOWN);
  const family = big ? (b[start + 2]! << 8) | b[start + 3]! : b[start]! | (b[start + 1]! << 8);
  // AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30, by operating system.
  if (family === 2) return ip(4, start + 4);
  if (family === 10 || family === 24 || family === 28 || family === 30) return ip(6, start + 4);
  // Families above the BSD range are EtherTypes, put there by some tunnels.
  return family > 1_536 ? network(b, family, start + 4, end) : none(CODE_UNKNOWN);
}

/** Follows the EtherType at `at`, and tags behind it. */
function etherType(b: Uint8Array, at: number, end: number): number {
  return network(b, (b[at]! << 8) | b[at + 1]!, at + 2, end);
}

function network(b: Uint8Array, first: number, start: number, end: number): number {
  let type = first;
  let at = start;
  for (let tags = 0; tags < MAX_TAGS; tags++) {
    networkAt = at;
    if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) return type;
    // 802.1Q, 802.1ad, and the QinQ types that came before it: tag, then the next type
    if (type === 0x8100 || type === 0x88a8 || type === 0x9100 || type === 0x9200 || type === 0x9300) {
      if (end - at < 4) return none(CODE_ETHERNET);
      type = (b[at + 2]! << 8) | b[at + 3]!;
      at += 4;
      continue;
    }
    if (type === 0x8847 || type === 0x8848) return mpls(b, at, end);
    if (type === 0x8864) return pppoe(b, at, end);
    if (type < 0x0600) return llc(b, at, end);
    return none(CODE_BY_ETHERTYPE[type] ?? CODE_ETHERNET);
  }
  return none(CODE_ETHERNET);
}

/** IEEE 802.2 with SNAP and an EtherType of the plain Ethernet kind (organisation code 0). */
function llc(b: Uint8Array, at: number, end: number): number {
  const snap =
    end - at >= 8 && b[at] === 0xaa && b[at + 1] === 0xaa && b[at + 2] === 3 && b[at + 3] === 0 && b[at + 4] === 0 && b[at + 5] === 0;
  if (!snap) return none(CODE_LLC);
  const type = (b[at + 6]! << 8) | b[at + 7]!;
  networkAt = at + 8;
  if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) return type;
  return none(CODE_BY_ETHERTYPE[type] ?? CODE_LLC);
}

/** RFC 3032: labels up to the bottom of the stack; what follows is told by its first four bits. */
function mpls(b: Uint8Array, first: number, end: number): number {
  let at = first;
  for (let labels = 0; labels < MAX_TAGS && end - at >= 4; labels++) {
    const bottom = (b[at + 2]! & 1) === 1;
    at += 4;
    if (!bottom) continue;
    const version = at < end ? b[at]! >>> 4 : 0;
    if (version === 4 || version === 6) return ip(version, at);
    break;
  }
  return none(CODE_MPLS);
}

/** RFC 2516: version and type 1, code 0 for a session. */
function pppoe(b: Uint8Array, at: number, end: number): number {
  if (end - at < 8 || b[at + 1] !== 0) return none(CODE_PPP);
  return pppProtocol(b, at + 6, end);
}

/** RFC 1662: address and control may be there or not, and the protocol may be compressed to one byte (RFC 1661 section 6.5). */
function ppp(b: Uint8Array, start: number, end: number): number {
  const at = end - start >= 2 && b[start] === 0xff && b[start + 1] === 3 ? start + 2 : start;
  return pppProtocol(b, at, end);
}

function pppProtocol(b: Uint8Array, at: number, end: number): number {
  if (end - at < 2) return none(CODE_PPP);
  const short = (b[at]! & 1) === 1;
  const protocol = short ? b[at]! : (b[at]! << 8) | b[at + 1]!;
  const next = at + (short ? 1 : 2);
  if (protocol === 0x21) return ip(4, next);
  if (protocol === 0x57) return ip(6, next);
  if (protocol === 0x281) return mpls(b, next, end);
  return none(CODE_PPP);
}
