import { putU16, putU32, u16, u32 } from '../../base/index.ts';
import { updateChecksum, updateChecksum32 } from '../../wire/index.ts';

/** First port that the NAT gives out: even ones, one above for RTCP, so that parity is kept (RFC 4787 REQ-4). */
const FIRST_PORT = 50_000;
const PORTS = 7_000;
const UDP = 17;
const ICMP = 1;
const ICMP_BYTES = 8;
const ICMP_CHECKSUM = 2;
/** ICMP errors about a packet: unreachable, time exceeded, parameter problem (RFC 792). */
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 11, 12]);
const UDP_BYTES = 8;
const IPV4_FRAGMENT = 6;
const FRAGMENT_OFFSET = 0x1fff;
const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;
const IPV4_CHECKSUM = 10;
const UDP_CHECKSUM = 6;

interface Mapping {
  readonly inside: number;
  readonly outside: number;
  /** The peer that the inside has sent to; others are filtered. 0 before. */
  peer: number;
}

/**
 * The IPv4 NAT in front of a terminal: a mapping that is the same for every peer, and a filter that lets in only those that the inside has
 * sent to (RFC 4787 sections 4.1 and 5). ICMP errors about packets of a mapping pass both ways, with the packet they quote (RFC 5508 section 4). A mapping stands as long as its session: the converter keeps it alive (RFC 6263).
 */
export class AccessNat {
  private inside4: number;
  private outside4: number;
  private readonly byInside = new Map<number, Mapping>();
  private readonly byOutside = new Map<number, Mapping>();
  private next = 0;

  constructor(inside4: number, outside4: number) {
    this.inside4 = inside4;
    this.outside4 = outside4;
  }

  /** Even port by which the outside reaches an even port inside, and by the one above the next; -1 where all are taken. */
  map(inside: number): number {
    for (let i = 0; i < PORTS; i++) {
      const outside = FIRST_PORT + 2 * ((this.next + i) % PORTS);
      if (this.byOutside.has(outside)) continue;
      this.next = (this.next + i + 1) % PORTS;
      const mapping = { inside, outside, peer: 0 };
      this.byInside.set(inside, mapping);
      this.byOutside.set(outside, mapping);
      return outside;
    }
    return -1;
  }

  /** The inside sends a packet to the peer, so that the peer's packets come in. */
  open(inside: number, peer: number): void {
    const mapping = this.byInside.get(inside);
    if (mapping !== undefined) mapping.peer = peer;
  }

  unmap(inside: number): void {
    const mapping = this.byInside.get(inside);
    if (mapping === undefined) return;
    this.byInside.delete(inside);
    this.byOutside.delete(mapping.outside);
  }

  renumber(inside4: number, outside4: number): void {
    this.inside4 = inside4;
    this.outside4 = outside4;
  }

  /** Rewrites an IPv4 packet of `length` bytes for the inside; false for one that does not come in. */
  inward(b: Uint8Array, length: number): boolean {
    const udp = 4 * ((b[0] ?? 0) & 15);
    if (length < udp + UDP_BYTES || !this.isForUs(b)) return false;
    if (b[9] === ICMP) return this.errorInward(b, udp, length);
    const port = u16(b, udp + 2);
    const mapping = this.byOutside.get(port & ~1);
    if (mapping === undefined || u32(b, IPV4_SOURCE) !== mapping.peer) return false;
    rewrite(b, 0, IPV4_DESTINATION, this.inside4, udp + 2, mapping.inside + (port & 1), udp);
    return true;
  }

  /** An error about a packet that the inside sent to the peer. */
  private errorInward(b: Uint8Array, icmp: number, length: number): boolean {
    const quote = quoteIn(b, icmp, length);
    if (quote < 0 || u32(b, quote + IPV4_SOURCE) !== this.outside4) return false;
    const udp = quote + 4 * (b[quote]! & 15);
    const port = u16(b, udp);
    const mapping = this.byOutside.get(port & ~1);
    if (mapping === undefined || u32(b, quote + IPV4_DESTINATION) !== mapping.peer) return false;
    rewriteQuote(b, icmp, quote, IPV4_SOURCE, this.inside4, udp, mapping.inside + (port & 1));
    setAddress(b, 0, IPV4_DESTINATION, this.inside4);
    return true;
  }

  /** An error about a packet that came to the inside. */
  private errorOutward(b: Uint8Array, o: number): void {
    const icmp = o + 4 * (b[o]! & 15);
    const quote = quoteIn(b, icmp, o + u16(b, o + 2));
    if (quote >= 0 && u32(b, quote + IPV4_DESTINATION) === this.inside4) {
      const udp = quote + 4 * (b[quote]! & 15);
      const port = u16(b, udp + 2);
      const mapping = this.byInside.get(port & ~1);
      if (mapping !== undefined) rewriteQuote(b, icmp, quote, IPV4_DESTINATION, this.outside4, udp + 2, mapping.outside + (port & 1));
    }
    setAddress(b, o, o + IPV4_SOURCE, this.outside4);
  }

  /** UDP or ICMP that is no later fragment, to the address outside. */
  private isForUs(b: Uint8Array): boolean {
    return (b[9] === UDP || b[9] === ICMP) && (u16(b, IPV4_FRAGMENT) & FRAGMENT_OFFSET) === 0 && u32(b, IPV4_DESTINATION) === this.outside4;
  }

  /** Rewrites an IPv4 packet for the outside. Packets without a mapping get the address only. */
  outward(b: Uint8Array, o: number): void {
    if (b[o + 9] === ICMP) {
      this.errorOutward(b, o);
      return;
    }
    const udp = o + 4 * (b[o]! & 15);
    const isUdp = b[o + 9] === UDP && (u16(b, o + IPV4_FRAGMENT) & FRAGMENT_OFFSET) === 0;
    const port = isUdp ? u16(b, udp) : 0;
    const mapping = isUdp ? this.byInside.get(port & ~1) : undefined;
    if (mapping === undefined) setAddress(b, o, o + IPV4_SOURCE, this.outside4);
    else rewrite(b, o, o + IPV4_SOURCE, this.outside4, udp, mapping.outside + (port & 1), udp);
  }
}

/** Where the packet that an ICMP error quotes begins, if that is UDP and all of its header is there before `end`; otherwise -1. */
function quoteIn(b: Uint8Array, icmp: number, end: number): number {
  const quote = icmp + ICMP_BYTES;
  if (!ICMP_ERRORS.has(b[icmp]!) || end < quote + 20 || b[quote]! >> 4 !== 4) return -1;
  const whole = b[quote + 9] === UDP && (u16(b, quote + IPV4_FRAGMENT) & FRAGMENT_OFFSET) === 0;
  return whole && end >= quote + 4 * (b[quote]! & 15) + UDP_BYTES ? quote : -1;
}

/** Address and port in the packet that an ICMP error quotes, and the error's checksum, which covers all of that. */
function rewriteQuote(b: Uint8Array, icmp: number, quote: number, at: number, address: number, portAt: number, port: number): void {
  const udp = quote + 4 * (b[quote]! & 15);
  const words = [quote + at, quote + at + 2, quote + IPV4_CHECKSUM, portAt, udp + UDP_CHECKSUM];
  const before = words.map((word) => u16(b, word));
  rewrite(b, quote, quote + at, address, portAt, port, udp);
  const sum = words.reduce((check, word, i) => updateChecksum(check, before[i]!, u16(b, word)), u16(b, icmp + ICMP_CHECKSUM));
  putU16(b, icmp + ICMP_CHECKSUM, sum);
}

function setAddress(b: Uint8Array, o: number, at: number, address: number): void {
  putU16(b, o + IPV4_CHECKSUM, updateChecksum32(u16(b, o + IPV4_CHECKSUM), u32(b, at), address));
  putU32(b, at, address);
}

/** Address and port of one side, with both checksums by their difference (RFC 1624). */
function rewrite(b: Uint8Array, o: number, at: number, address: number, portAt: number, port: number, udp: number): void {
  const check = u16(b, udp + UDP_CHECKSUM);
  if (check !== 0) {
    const sum = updateChecksum(updateChecksum32(check, u32(b, at), address), u16(b, portAt), port);
    putU16(b, udp + UDP_CHECKSUM, sum === 0 ? 0xffff : sum);
  }
  setAddress(b, o, at, address);
  putU16(b, portAt, port);
}
