import { u16 } from '../../base/index.ts';
import type { RecordBatch } from '../../files/index.ts';
import { newShape, readShape, type DevicePacket, type OffloadMemory } from '../../stack/index.ts';
import { META_FRAGMENT, META_FROM_B, ROW_HASH, ROW_META, ROW_OFFSETS, ROW_WORDS } from '../../wire/index.ts';

/** A packet of the input in device buffers, with what the lab needs beside the stack. */
export interface CarriedPacket extends DevicePacket {
  readonly linkType: number;
  readonly fragment: boolean;
  /** Port whose stack has sent it, by its place; -1 for a received one. */
  port: number;
}

/** Bytes of one record that are carried at most: the longest IP packet with a generous link header. */
const MAX_RECORD_BYTES = 66_000;
const LINKTYPE_ETHERNET = 1;

export interface LoadOptions {
  /** Take the card's sum (mode `hardware`). */
  readonly deviceSums: boolean;
  /** Silence after which a packet wakes the machine, ns; 0: never. */
  readonly wakeAfterNs: number;
}

/** Packets between their arrival and the poll that takes them: their bytes are in the device's buffers. */
export class DevicePackets {
  /** Records for which there was no buffer, or that are too long. */
  notCarried = 0;
  private readonly memory: OffloadMemory;
  private readonly options: LoadOptions;
  private readonly inside = new Map<number, CarriedPacket>();
  private readonly shape = newShape();
  private lastNs = 0;

  constructor(memory: OffloadMemory, options: LoadOptions) {
    this.memory = memory;
    this.options = options;
  }

  /** The next packet is the one after an instant: where packets between are not loaded. */
  after(tNs: number): void {
    this.lastNs = tNs;
  }

  get waiting(): number {
    return this.inside.size;
  }

  /** Takes record `i` of a batch, whose classified row is `row`. */
  load(batch: RecordBatch, i: number, rows: Int32Array, row: number, number: number, tNs: number): void {
    const { memory, options } = this;
    const lenBytes = batch.capLen[i]!;
    const wake = options.wakeAfterNs > 0 && tNs - this.lastNs >= options.wakeAfterNs;
    this.lastNs = tNs;
    const first = lenBytes > MAX_RECORD_BYTES || lenBytes === 0 ? -1 : memory.load(batch.bytes, batch.offset[i]!, lenBytes);
    if (first < 0) {
      this.notCarried++;
      return;
    }
    const base = row * ROW_WORDS;
    const meta = rows[base + ROW_META]!;
    const l3 = rows[base + ROW_OFFSETS]! >>> 16;
    const linkType = batch.linkType[i]!;
    const at = memory.address(first);
    this.inside.set(number, {
      first,
      lenBytes,
      origLen: batch.origLen[i]!,
      l3,
      hash: (rows[base + ROW_HASH]! & ~1) | ((meta & META_FROM_B) === 0 ? 0 : 1),
      numbers: [number],
      tNs,
      deviceSum: options.deviceSums ? this.deviceSum(first, lenBytes, batch.origLen[i]!, l3) : 0,
      wake,
      plainLink: linkType !== LINKTYPE_ETHERNET || (l3 >= 14 && isIpType(u16(memory.bytes, at + l3 - 2))),
      linkType,
      fragment: (meta & META_FRAGMENT) !== 0,
      port: -1,
    });
  }

  private deviceSum(first: number, lenBytes: number, origLen: number, l3: number): number {
    const { memory, shape: s } = this;
    readShape(s, memory.bytes, memory.address(first), memory.dataLen[first]!, lenBytes, origLen, l3);
    return (s.kind !== 'tcp' && s.kind !== 'udp') || s.truncated ? 0 : memory.sumChain(first, s.l4, s.end - s.l4);
  }

  get(number: number): CarriedPacket | undefined {
    return this.inside.get(number);
  }

  /** Takes a packet out; its buffers belong to the caller then. */
  take(number: number): CarriedPacket | undefined {
    const packet = this.inside.get(number);
    this.inside.delete(number);
    return packet;
  }

  /** Gives a packet's buffers back; false if it was not here. */
  drop(number: number): boolean {
    const packet = this.take(number);
    if (packet !== undefined) this.memory.give(packet.first);
    return packet !== undefined;
  }
}

function isIpType(type: number): boolean {
  return type === 0x0800 || type === 0x86dd;
}
