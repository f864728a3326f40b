import { checksum, foldSum, pseudoSum6, sum16 } from '../wire/index.ts';
import { u16, u32 } from '../base/index.ts';
import { REASON } from './reasons.ts';

export const PROTOCOL = { icmp: 1, igmp: 2, tcp: 6, udp: 17, fragment: 44, esp: 50, ah: 51, icmpv6: 58, udpLite: 136, dccp: 33 } as const;

export const IPV4_BYTES = 20;
export const IPV6_BYTES = 40;
export const FRAGMENT_BYTES = 8;

/** Extension headers followed at most; a real packet has a handful (RFC 8200 section 4.1 lists seven). */
const MAX_EXTENSIONS = 16;

/** Extension headers that go on as a protocol of IPv4, but not behind a fragment header: AH, Mobility, HIP, Shim6 (RFC 7045 section 4; ESP may). */
const LATE_EXTENSIONS: ReadonlySet<number> = new Set([PROTOCOL.ah, 135, 139, 140]);

/**
 * One parsed packet, used again for the next: offsets and header values, no bytes copied. `end` is where the packet ends by its own length
 * field, `available` where the capture ends, if that is earlier. Inside ICMP errors packets are quoted in part, so there
 * `end` may lie anywhere after `available`.
 */
export class PacketView {
  b: Uint8Array = new Uint8Array(0);
  o = 0;
  family: 4 | 6 = 4;
  transport = 0;
  end = 0;
  available = 0;
  protocol = 0;
  ttl = 0;
  tos = 0;
  identification = 0;
  /** Bytes. */
  fragmentOffset = 0;
  moreFragments = false;
  dontFragment = false;
  hasFragmentHeader = false;
  /** Offset from the packet's start of the field an error message would point to, or of an IPv4 source route option, or 0. */
  pointer = 0;
  /** ICMP error with a packet inside; set by the translator. */
  icmpError = false;

  /** A part of a larger packet, not the whole. */
  get fragmented(): boolean {
    return this.fragmentOffset !== 0 || this.moreFragments;
  }

  /** Transport bytes by the length field. */
  get transportBytes(): number {
    return this.end - this.transport;
  }

  /** Transport bytes that are there. */
  get capturedBytes(): number {
    return this.available - this.transport;
  }

  get truncated(): boolean {
    return this.available < this.end;
  }

  /** Whether the checksum of an ICMP message is right; one that was not captured whole is believed. */
  icmpChecksumGood(): boolean {
    if (this.truncated) return true;
    const { b, o, transport: t, end } = this;
    return checksum(b, t, end, this.family === 6 ? pseudoSum6(b, o + 8, o + 24, PROTOCOL.icmpv6, end - t) : 0) === 0;
  }

  /**
   * Parses an IPv4 packet of `length` captured bytes that had `wireLength` on the wire. With `quoted` it is inside an ICMP
   * error: its length may be more than is there, and its checksum is not looked at. Returns a reason, 0 for fine.
   */
  parse4(b: Uint8Array, o: number, length: number, wireLength: number, quoted: boolean, checkHeader: boolean): number {
    this.b = b;
    this.o = o;
    this.family = 4;
    this.icmpError = false;
    if (length < 1) return REASON.tooShort;
    if (b[o]! >> 4 !== 4) return REASON.notIp;
    if (length < IPV4_BYTES) return REASON.tooShort;
    const headerBytes = (b[o]! & 15) * 4;
    const total = u16(b, o + 2);
    if (headerBytes < IPV4_BYTES || total < headerBytes) return REASON.badHeaderLength;
    if (length < headerBytes) return REASON.tooShort;
    if (!quoted && total > wireLength) return REASON.lengthBeyondPacket;
    if (checkHeader && foldSum(sum16(b, o, o + headerBytes)) !== 0xffff) return REASON.badHeaderChecksum;
    this.transport = o + headerBytes;
    this.end = o + total;
    this.available = o + Math.min(length, total);
    this.protocol = b[o + 9]!;
    this.ttl = b[o + 8]!;
    this.tos = b[o + 1]!;
    this.identification = u16(b, o + 4);
    const fragment = u16(b, o + 6);
    this.fragmentOffset = (fragment & 0x1fff) * 8;
    this.moreFragments = (fragment & 0x2000) !== 0;
    this.dontFragment = (fragment & 0x4000) !== 0;
    this.hasFragmentHeader = false;
    this.pointer = headerBytes === IPV4_BYTES ? 0 : this.sourceRoute();
    if (this.fragmentOffset + this.transportBytes > 0xffff) return REASON.fragmentTooLong;
    return 0;
  }

  /** Offset from the packet's start of a source route option that has not expired (RFC 791 section 3.1), or 0. */
  private sourceRoute(): number {
    const { b, o, transport } = this;
    for (let at = o + IPV4_BYTES; at < transport;) {
      const type = b[at]!;
      if (type === 0) return 0;
      if (type === 1) {
        at++;
        continue;
      }
      const bytes = at + 1 < transport ? b[at + 1]! : 0;
      if (bytes < 2 || at + bytes > transport) return 0;
      if ((type === 131 || type === 137) && bytes >= 3 && b[at + 2]! <= bytes) return at - o;
      at += bytes;
    }
    return 0;
  }

  /** As parse4 for IPv6: extension headers are skipped (RFC 7915 section 5.1), the fragment header is read. */
  parse6(b: Uint8Array, o: number, length: number, wireLength: number, quoted: boolean): number {
    this.b = b;
    this.o = o;
    this.family = 6;
    this.icmpError = false;
    if (length < 1) return REASON.tooShort;
    if (b[o]! >> 4 !== 6) return REASON.notIp;
    if (length < IPV6_BYTES) return REASON.tooShort;
    const total = IPV6_BYTES + u16(b, o + 4);
    if (!quoted && total > wireLength) return REASON.lengthBeyondPacket;
    this.end = o + total;
    this.available = o + Math.min(length, total);
    this.tos = (u16(b, o) >> 4) & 0xff;
    this.ttl = b[o + 7]!;
    this.identification = 0;
    this.fragmentOffset = 0;
    this.moreFragments = false;
    this.dontFragment = false;
    this.hasFragmentHeader = false;
    this.pointer = 0;
    return this.extensions();
  }

  private extensions(): number {
    const { b, o, available, end } = this;
    let next = b[o + 6]!;
    let at = o + IPV6_BYTES;
    for (let i = 0; i < MAX_EXTENSIONS; i++) {
      const extension = next === 0 || next === 43 || next === 60;
      if (!extension && next !== PROTOCOL.fragment) break;
      // RFC 7915 section 5.1.1: nothing but the upper layer may follow the fragment header.
      if (this.hasFragmentHeader) return REASON.fragmentBeforeExtension;
      if (at + 8 > available) return at + 8 > end ? REASON.badExtensionHeader : REASON.tooShort;
      if (next === PROTOCOL.fragment) {
        this.readFragment(at);
        next = b[at]!;
        at += FRAGMENT_BYTES;
        continue;
      }
      // What follows is read all the same: about an ICMPv6 error there is no answer.
      if (next === 43 && b[at + 3] !== 0) this.pointer = at + 3 - o;
      const bytes = 8 + b[at + 1]! * 8;
      if (at + bytes > end) return REASON.badExtensionHeader;
      if (at + bytes > available) return REASON.tooShort;
      next = b[at]!;
      at += bytes;
    }
    if (next === 0 || next === 43 || next === 60 || next === PROTOCOL.fragment) return REASON.badExtensionHeader;
    if (this.hasFragmentHeader && LATE_EXTENSIONS.has(next)) return REASON.fragmentBeforeExtension;
    this.protocol = next;
    this.transport = at;
    if (this.pointer !== 0) return REASON.routingHeader;
    if (this.fragmentOffset + this.transportBytes > 0xffff) return REASON.fragmentTooLong;
    return 0;
  }

  private readFragment(at: number): void {
    const field = u16(this.b, at + 2);
    this.hasFragmentHeader = true;
    this.fragmentOffset = field & 0xfff8;
    this.moreFragments = (field & 1) !== 0;
    this.identification = u32(this.b, at + 4);
  }
}
