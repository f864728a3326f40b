import { putU16 } from '../base/index.ts';
import { checksum } from '../wire/index.ts';
import { sameBytes } from './bytes.ts';
import { IPV4_BYTES, type PacketView } from './packet-view.ts';

/** What became of a fragment. */
export const ASSEMBLY = { waits: 0, whole: 1, overlap: 2, full: 3, truncated: 4, tooLong: 5 } as const;

interface Part {
  readonly from: number;
  readonly bytes: Uint8Array;
}

interface Unfinished {
  readonly key: Uint8Array;
  readonly sinceNs: number;
  parts: Part[];
  /** Header of the first fragment. */
  header: Uint8Array | null;
  /** Bytes behind the IP header by the last fragment, -1 while it is missing. */
  totalBytes: number;
  heldBytes: number;
  /** An overlap was seen: what is still to come of the packet is refused (RFC 5722 section 4). */
  dead: boolean;
}

const MAX_PACKET_BYTES = 65_535;

/**
 * Puts UDP packets without a checksum together again: IPv6 needs one, and only the whole packet gives it (RFC 6146 section 3.4). At most
 * `limit` fragments of all packets, each for `lifetimeNs` from the first of its packet; a repeated fragment is ignored, one that overlaps
 * another refuses its packet. Such packets are rare, so entries are plain objects.
 */
export class UdpReassembly {
  /** Packets put together, packets refused for an overlap. */
  assembled = 0;
  overlapped = 0;
  /** The packet that `add` has just completed. */
  whole = new Uint8Array(0);
  private packets: Unfinished[] = [];
  private fragments = 0;
  private readonly limit: number;
  private readonly lifetimeNs: number;

  constructor(limit: number, lifetimeNs: number) {
    this.limit = limit;
    this.lifetimeNs = lifetimeNs;
  }

  get heldCount(): number {
    return this.fragments;
  }

  /** While it holds nothing, never; else at once: such packets are rare. */
  get nextEndNs(): number {
    return this.packets.length === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  has(key: Uint8Array): boolean {
    return this.packets.some((packet) => sameBytes(packet.key, key));
  }

  /** Takes the IPv4 fragment in the view, which belongs to the packet `key`. Returns one of ASSEMBLY. */
  add(view: PacketView, key: Uint8Array, nowNs: number): number {
    let packet = this.packets.find((other) => sameBytes(other.key, key));
    if (packet?.dead === true) return ASSEMBLY.overlap;
    if (view.truncated) return ASSEMBLY.truncated;
    if (this.fragments >= this.limit) return ASSEMBLY.full;
    if (packet === undefined) {
      packet = { key, sinceNs: nowNs, parts: [], header: null, totalBytes: -1, heldBytes: 0, dead: false };
      this.packets.push(packet);
    }
    const from = view.fragmentOffset;
    const bytes = view.b.slice(view.transport, view.end);
    if (packet.parts.some((part) => part.from === from && sameBytes(part.bytes, bytes))) return ASSEMBLY.waits;
    if (collides(packet, from, from + bytes.length, view.moreFragments)) return this.kill(packet);
    packet.parts.push({ from, bytes });
    packet.heldBytes += bytes.length;
    this.fragments++;
    if (from === 0) packet.header = view.b.slice(view.o, view.o + IPV4_BYTES);
    if (!view.moreFragments) packet.totalBytes = from + bytes.length;
    return packet.totalBytes === packet.heldBytes ? this.finish(packet) : ASSEMBLY.waits;
  }

  private kill(packet: Unfinished): number {
    this.fragments -= packet.parts.length;
    packet.parts = [];
    packet.dead = true;
    this.overlapped++;
    return ASSEMBLY.overlap;
  }

  /** Parts do not overlap and add up to the length, so they are all there. */
  private finish(packet: Unfinished): number {
    this.remove(packet);
    const total = IPV4_BYTES + packet.totalBytes;
    if (total > MAX_PACKET_BYTES || packet.header === null) return ASSEMBLY.tooLong;
    const out = new Uint8Array(total);
    out.set(packet.header);
    for (const { from, bytes } of packet.parts) out.set(bytes, IPV4_BYTES + from);
    out[0] = 0x45;
    putU16(out, 2, total);
    putU16(out, 6, 0);
    putU16(out, 10, 0);
    putU16(out, 10, checksum(out, 0, IPV4_BYTES));
    this.whole = out;
    this.assembled++;
    return ASSEMBLY.whole;
  }

  private remove(packet: Unfinished): void {
    this.packets = this.packets.filter((other) => other !== packet);
    this.fragments -= packet.parts.length;
  }

  /** Forgets packets that are older than the lifetime; returns how many held fragments were lost. */
  expire(nowNs: number): number {
    if (this.packets.length === 0) return 0;
    const before = this.fragments;
    for (const packet of this.packets) if (nowNs - packet.sinceNs >= this.lifetimeNs) this.remove(packet);
    return before - this.fragments;
  }
}

/** The range is held in part already, or goes past the end that another fragment told. */
function collides(packet: Unfinished, from: number, to: number, more: boolean): boolean {
  if (packet.totalBytes >= 0 && (to > packet.totalBytes || !more)) return true;
  return (
    packet.parts.some((part) => from < part.from + part.bytes.length && part.from < to) ||
    (!more && packet.parts.some((part) => part.from >= to))
  );
}
