import { PacketSink, SINK_KIND } from '../../translator/index.ts';

/** Copies of one packet: an interface each, times the fragments of the smallest MTU. */
const MAX_ROWS = 4_096;
const MAX_PACKETS = 1_024;
const SINK_BYTES = 1_048_576;
/** Bytes of a block that shared packets are cut from: a view of a block costs a quarter of an array of one's own. */
const BLOCK_BYTES = 65_536;

/** Where copies go: rows of an interface and a packet; several interfaces share one packet. */
export class ForwardSink {
  readonly packets = new PacketSink(SINK_BYTES, MAX_PACKETS);
  readonly iface = new Uint8Array(MAX_ROWS);
  readonly packet = new Uint16Array(MAX_ROWS);
  rows = 0;
  /** The packet that was shared last, by its number. */
  private shared = -1;
  private sharedBytes: Uint8Array | undefined;
  private block = new Uint8Array(0);
  private blockUsed = 0;

  clear(): void {
    this.packets.clear();
    this.rows = 0;
    this.shared = -1;
    this.sharedBytes = undefined;
  }

  /** Bytes of a packet that stay as they are, one array for all interfaces that it leaves by: nobody writes to it. */
  share(packet: number): Uint8Array {
    if (this.shared !== packet || this.sharedBytes === undefined) {
      this.sharedBytes = this.keep(packet);
      this.shared = packet;
    }
    return this.sharedBytes;
  }

  private keep(packet: number): Uint8Array {
    const { bytes, offset, length } = this.packets;
    const from = offset[packet]!;
    const size = length[packet]!;
    if (this.blockUsed + size > this.block.length) {
      this.block = new Uint8Array(Math.max(BLOCK_BYTES, size));
      this.blockUsed = 0;
    }
    const kept = this.block.subarray(this.blockUsed, this.blockUsed + size);
    kept.set(bytes.subarray(from, from + size));
    this.blockUsed += size;
    return kept;
  }

  /** What one packet may need is free: half of everything. */
  get isHalfEmpty(): boolean {
    const { count, used } = this.packets;
    return this.rows * 2 <= MAX_ROWS && count * 2 <= MAX_PACKETS && used * 2 <= SINK_BYTES;
  }

  /** Sends the packets from number `first` on out of every interface of the mask. False where there was no row for one of them. */
  send(first: number, mask: number): boolean {
    let room = true;
    for (let packet = first; packet < this.packets.count; packet++) {
      if (this.packets.kind[packet] !== SINK_KIND.translated) continue;
      for (let rest = mask, iface = 0; rest !== 0; rest >>>= 1, iface++) {
        if ((rest & 1) === 0) continue;
        room &&= this.rows < MAX_ROWS;
        if (this.rows >= MAX_ROWS) continue;
        this.iface[this.rows] = iface;
        this.packet[this.rows++] = packet;
      }
    }
    return room;
  }
}
