import { PacketSink, SINK_KIND } from '../../translator/index.ts';

/** Copies of one packet: an interface each, times the fragments of the smallest MTU. */
const MAX_ROWS = 4_096;
const MAX_PACKETS = 1_024;
const SINK_BYTES = 1_048_576;

/** Where copies go: rows of an interface and a packet; several interfaces share one packet. */
export class ForwardSink {
  readonly packets = new PacketSink(SINK_BYTES, MAX_PACKETS);
  readonly iface = new Uint8Array(MAX_ROWS);
  readonly packet = new Uint16Array(MAX_ROWS);
  rows = 0;

  clear(): void {
    this.packets.clear();
    this.rows = 0;
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
