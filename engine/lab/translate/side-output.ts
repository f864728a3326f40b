import type { CaptureWriter } from '../../files/index.ts';

export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;
export type OutputLink = typeof LINKTYPE_ETHERNET | typeof LINKTYPE_RAW;

const ETHERNET_BYTES = 14;
/** Locally administered, as the generator's router has it: 02:52:00:00:00:01. */
const TRANSLATOR_MAC: readonly number[] = [0x02, 0x52, 0, 0, 0, 1];

/**
 * Packets that leave on one side, written as raw IP or as Ethernet. Frames come from the translator's own address and go to one that follows from the IP
 * destination, so that one host always has the same.
 */
export class SideOutput {
  packets = 0;
  bytes = 0;
  private readonly writer: CaptureWriter;
  private readonly frame: Uint8Array | null;

  constructor(writer: CaptureWriter, link: OutputLink) {
    this.writer = writer;
    this.frame = link === LINKTYPE_ETHERNET ? new Uint8Array(ETHERNET_BYTES + 65_575) : null;
    this.frame?.set(TRANSLATOR_MAC, 6);
  }

  /** A packet from its IP header on: `length` bytes at `at`, which had `wireLength` on the wire. */
  packet(tNs: number, bytes: Uint8Array, at: number, length: number, wireLength: number): void {
    this.packets++;
    this.bytes += wireLength;
    const { frame } = this;
    if (frame === null) {
      this.writer.packet(tNs, bytes, at, length, wireLength);
      return;
    }
    const six = length > 0 && bytes[at]! >>> 4 === 6;
    frame[0] = 0x02;
    frame[1] = 0x52;
    hashInto(frame, bytes, at + (six ? 24 : 16), at + Math.min(length, six ? 40 : 20));
    frame[12] = six ? 0x86 : 0x08;
    frame[13] = six ? 0xdd : 0x00;
    frame.set(bytes.subarray(at, at + length), ETHERNET_BYTES);
    this.writer.packet(tNs, frame, 0, ETHERNET_BYTES + length, ETHERNET_BYTES + wireLength);
  }
}

/** The generator's rule (FNV-1a over the address), so that generated captures and their translations agree. */
function hashInto(frame: Uint8Array, bytes: Uint8Array, from: number, to: number): void {
  let h = 0x811c9dc5;
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  frame[2] = h >>> 24;
  frame[3] = h >>> 16;
  frame[4] = h >>> 8;
  frame[5] = h;
}
