import { PCAP_RECORD_BYTES, PcapWriter, type CaptureWriter } from '../../files/index.ts';

export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;
export type OutputLink = typeof LINKTYPE_ETHERNET | typeof LINKTYPE_RAW;

const ETHERNET_BYTES = 14;
/** Locally administered, as the generator's router has it: 02:52:00:00:00:01. */
const TRANSLATOR_MAC_HIGH = 0x0252;
const TRANSLATOR_MAC_LOW = 1;
const FNV_BASIS = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** Packets that are written from where the translator put them. */
export interface MadePackets {
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly words: DataView;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
  readonly wireLength: Uint32Array;
}

/**
 * Packets that leave on one side, written as raw IP or as Ethernet. Frames come from the translator's own address and go to one that follows from the IP
 * destination, so that one host always has the same. For pcap the headers are put into the gap before each packet, and packets that lie
 * one behind another leave in one piece.
 */
export class SideOutput {
  packets = 0;
  bytes = 0;
  /** Bytes that must be free before each packet. */
  readonly gapBytes: number;
  private readonly writer: CaptureWriter;
  private readonly pcap: PcapWriter | null;
  private readonly linkBytes: number;
  /** Last IPv6 destination's first 12 bytes and the hash of them: hosts that answer are mostly of one prefix. */
  private readonly prefix = new Int32Array(3);
  private prefixHash = hashWord(hashWord(hashWord(FNV_BASIS, 0), 0), 0);

  constructor(writer: CaptureWriter, link: OutputLink) {
    this.writer = writer;
    this.pcap = writer instanceof PcapWriter ? writer : null;
    this.linkBytes = link === LINKTYPE_ETHERNET ? ETHERNET_BYTES : 0;
    this.gapBytes = this.linkBytes + (this.pcap === null ? 0 : PCAP_RECORD_BYTES);
  }

  /** Writes packet `i`, or, for pcap, only its headers: `send` then writes the bytes. Returns where its record begins. */
  packet(tNs: number, made: MadePackets, i: number): number {
    const { linkBytes, pcap } = this;
    const length = made.length[i]!;
    const wireLength = made.wireLength[i]!;
    this.packets++;
    this.bytes += wireLength;
    const frame = made.offset[i]! - linkBytes;
    if (linkBytes > 0) this.link(made.words, frame, length);
    if (pcap === null) {
      this.writer.packet(tNs, made.bytes, frame, linkBytes + length, linkBytes + wireLength);
      return frame;
    }
    pcap.recordHeader(made.words, frame - PCAP_RECORD_BYTES, tNs, linkBytes + length, linkBytes + wireLength);
    return frame - PCAP_RECORD_BYTES;
  }

  /** Writes `count` records of pcap that `packet` made: bytes [start, end). */
  send(made: MadePackets, start: number, end: number, count: number): void {
    this.pcap?.records(made.bytes, start, end, count);
  }

  /** The Ethernet header at `at` of a packet with `length` bytes behind it. */
  private link(d: DataView, at: number, length: number): void {
    const ip = at + ETHERNET_BYTES;
    const six = length > 0 && d.getUint8(ip) >>> 4 === 6;
    const least = six ? 40 : 20;
    const hash =
      length < least
        ? hashBytes(d, ip + (six ? 24 : 16), ip + length)
        : six
          ? this.hash6(d, ip + 24)
          : hashWord(FNV_BASIS, d.getInt32(ip + 16));
    d.setUint16(at, TRANSLATOR_MAC_HIGH);
    d.setInt32(at + 2, hash);
    d.setUint16(at + 6, TRANSLATOR_MAC_HIGH);
    d.setInt32(at + 8, TRANSLATOR_MAC_LOW);
    d.setUint16(at + 12, six ? 0x86dd : 0x0800);
  }

  private hash6(d: DataView, at: number): number {
    const { prefix } = this;
    const w0 = d.getInt32(at);
    const w1 = d.getInt32(at + 4);
    const w2 = d.getInt32(at + 8);
    if (w2 !== prefix[2] || w1 !== prefix[1] || w0 !== prefix[0]) {
      prefix[0] = w0;
      prefix[1] = w1;
      prefix[2] = w2;
      this.prefixHash = hashWord(hashWord(hashWord(FNV_BASIS, w0), w1), w2);
    }
    return hashWord(this.prefixHash, d.getInt32(at + 12));
  }
}

/** The generator's rule (FNV-1a over the address), so that generated captures and their translations agree. */
function hashWord(hash: number, word: number): number {
  let h = Math.imul(hash ^ (word >>> 24), FNV_PRIME);
  h = Math.imul(h ^ ((word >>> 16) & 0xff), FNV_PRIME);
  h = Math.imul(h ^ ((word >>> 8) & 0xff), FNV_PRIME);
  return Math.imul(h ^ (word & 0xff), FNV_PRIME);
}

/** The same over the bytes of an address that was cut. */
function hashBytes(d: DataView, from: number, to: number): number {
  let h = FNV_BASIS;
  for (let i = from; i < to; i++) h = Math.imul(h ^ d.getUint8(i), FNV_PRIME);
  return h;
}
