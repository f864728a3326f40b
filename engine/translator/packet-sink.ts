/** What an output packet is. */
export const SINK_KIND = { translated: 0, error: 1, hairpin: 2 } as const;

/** Bytes a translated packet may be longer than what came: 20 outside, 8 fragment header, the same inside, padding to 128 bytes and the address of a router. */
export const GROWTH_BYTES = 256;

/** What a sink is made of, where that is somewhere else, such as in the memory of a kernel. */
export type SinkColumns = Pick<PacketSink, 'bytes' | 'offset' | 'length' | 'wireLength' | 'side' | 'kind'>;

/**
 * Fixed-capacity output of a translator: bytes one after another in one buffer, and a row of columns for each packet. The caller takes what is
 * there and calls `clear`; nothing grows and nothing is allocated per packet.
 */
export class PacketSink {
  readonly bytes: Uint8Array;
  /** The same bytes, for words in network order. */
  readonly words: DataView;
  readonly offset: Uint32Array;
  /** Bytes that are there. */
  readonly length: Uint32Array;
  /** Bytes the packet has on the wire; larger than `length` where the capture was cut. */
  readonly wireLength: Uint32Array;
  /** 4 or 6: the side the packet leaves on. */
  readonly side: Uint8Array;
  readonly kind: Uint8Array;
  count = 0;
  /** Where the next packet begins. */
  used: number;
  /** False for a caller that only counts what leaves: bytes behind the ports of plain packets are not written then. */
  payload = true;
  /** Packets refused because this was full, since it was made. */
  overflows = 0;

  private readonly gapBytes: number;

  /** `gapBytes` stay free before each packet, for headers that the caller puts there. */
  constructor(capacityBytes: number, capacityPackets: number, gapBytes = 0, columns?: SinkColumns) {
    this.gapBytes = gapBytes;
    this.used = gapBytes;
    this.bytes = columns?.bytes ?? new Uint8Array(capacityBytes);
    this.words = new DataView(this.bytes.buffer, this.bytes.byteOffset, capacityBytes);
    this.offset = columns?.offset ?? new Uint32Array(capacityPackets);
    this.length = columns?.length ?? new Uint32Array(capacityPackets);
    this.wireLength = columns?.wireLength ?? new Uint32Array(capacityPackets);
    this.side = columns?.side ?? new Uint8Array(capacityPackets);
    this.kind = columns?.kind ?? new Uint8Array(capacityPackets);
  }

  clear(): void {
    this.count = 0;
    this.used = this.gapBytes;
  }

  /** True if a packet of this length may follow, written at `used`. Nothing is counted. */
  hasRoom(lengthBytes: number): boolean {
    return this.count < this.offset.length && this.used + lengthBytes <= this.bytes.length;
  }

  /** Offset at which `lengthBytes` may be written, or -1 (and the overflow counted). `push` then makes it a packet. */
  reserve(lengthBytes: number): number {
    if (this.count >= this.offset.length || this.used + lengthBytes > this.bytes.length) {
      this.overflows++;
      return -1;
    }
    return this.used;
  }

  push(lengthBytes: number, wireLengthBytes: number, side: 4 | 6, kind: number): void {
    const i = this.count++;
    this.offset[i] = this.used;
    this.length[i] = lengthBytes;
    this.wireLength[i] = wireLengthBytes;
    this.side[i] = side;
    this.kind[i] = kind;
    this.used += lengthBytes + this.gapBytes;
  }

  /** A copy of packet `i`, for one packet at a time and for tests. */
  packet(i: number): Uint8Array {
    const at = this.offset[i]!;
    return this.bytes.slice(at, at + this.length[i]!);
  }
}
