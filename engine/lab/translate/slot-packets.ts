import type { RecordBatch } from '../../files/index.ts';
import type { Reader, Writer } from '../snapshot.ts';
import { networkOffset } from './network-offset.ts';

const MIN_SLOT_BYTES = 256;

/** What a world with translator or multicast ports knows of the packets inside, by metadata slot: their bytes, as the buflets of a real pool would hold them, and their way. */
export class SlotPackets {
  /** From the network header on; longer than the packet where the slot had a longer one before. */
  readonly bytes: Uint8Array[];
  /** Bytes that are there, and that there were on the wire, from the network header on. */
  readonly present: Uint32Array;
  readonly wire: Uint32Array;
  /** Bytes of the link header. */
  readonly linkBytes: Uint8Array;
  /** What the link layer said of a packet of the input, for a router. */
  readonly origin: Uint8Array;
  /** Ports that have translated the packet, as bits. */
  readonly visited: Uint16Array;
  /** The port that gets it next: -1 for the device, or what the world means by another negative number. */
  readonly next: Int8Array;

  constructor(slots: number) {
    this.bytes = Array.from({ length: slots }, () => new Uint8Array(0));
    this.present = new Uint32Array(slots);
    this.wire = new Uint32Array(slots);
    this.linkBytes = new Uint8Array(slots);
    this.origin = new Uint8Array(slots);
    this.visited = new Uint16Array(slots);
    this.next = new Int8Array(slots);
  }

  /** Takes record `row` of the input into a slot. Returns the bytes of its link header, -1 where no network header follows. */
  take(slot: number, batch: RecordBatch, row: number): number {
    const offset = networkOffset(batch, row);
    this.visited[slot] = 0;
    this.next[slot] = -1;
    if (offset < 0) {
      this.present[slot] = 0;
      return -1;
    }
    this.linkBytes[slot] = offset;
    this.wire[slot] = batch.origLen[row]! - offset;
    this.keep(slot, batch.bytes, batch.offset[row]! + offset, batch.capLen[row]! - offset);
    return offset;
  }

  /** Copies a packet from its network header on. */
  keep(slot: number, bytes: Uint8Array, at: number, length: number): void {
    let own = this.bytes[slot]!;
    if (own.length < length) {
      own = new Uint8Array(Math.max(MIN_SLOT_BYTES, 2 ** Math.ceil(Math.log2(length))));
      this.bytes[slot] = own;
    }
    own.set(bytes.subarray(at, at + length));
    this.present[slot] = length;
  }

  save(slot: number, w: Writer): void {
    const present = this.present[slot]!;
    w.put(present, this.wire[slot]!, this.linkBytes[slot]!, this.origin[slot]!, this.visited[slot]!, this.next[slot]!);
    const words = new Int32Array((present + 3) >>> 2);
    new Uint8Array(words.buffer).set(this.bytes[slot]!.subarray(0, present));
    w.raw(words);
  }

  restore(slot: number, r: Reader): void {
    const present = r.get();
    this.wire[slot] = r.get();
    this.linkBytes[slot] = r.get();
    this.origin[slot] = r.get();
    this.visited[slot] = r.get();
    this.next[slot] = r.get();
    const words = r.raw((present + 3) >>> 2);
    this.keep(slot, new Uint8Array(words.buffer, words.byteOffset, present), 0, present);
  }
}
