/** Extension headers that say their length in units of 8 bytes behind the first 8: hop-by-hop, routing, destination options, mobility, HIP, shim6. */
const EXTENSIONS = new Set([0, 43, 60, 135, 139, 140]);
const AUTHENTICATION = 51;
/** Bytes of the transport headers: ICMPv6, TCP, UDP, DCCP, SCTP, UDP-Lite, ESP. */
const TRANSPORT_BYTES: Readonly<Record<number, number>> = { 58: 8, 6: 20, 17: 8, 33: 12, 132: 12, 136: 8, 50: 8 };

/**
 * Whether the first fragment of an IPv6 packet, whose data is at [from, end), holds all headers up to that of the transport: one that does
 * not is to be discarded (RFC 8200 section 4.5). `protocol` is the next header of its fragment header.
 */
export function holdsAllHeaders(b: Uint8Array, from: number, end: number, protocol: number): boolean {
  let next = protocol;
  let at = from;
  while (EXTENSIONS.has(next) || next === AUTHENTICATION) {
    if (at + 8 > end) return false;
    const lenBytes = next === AUTHENTICATION ? (b[at + 1]! + 2) * 4 : (b[at + 1]! + 1) * 8;
    next = b[at]!;
    at += lenBytes;
  }
  return at + (TRANSPORT_BYTES[next] ?? 0) <= end;
}
