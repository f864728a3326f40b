import { type EngineError } from '../contract/index.ts';
import { assert, type Result } from '../base/index.ts';
import type { ByteSink } from './atomic-file.ts';
import { PCAP_MAGIC } from './pcap.ts';
import { BLOCK, BYTE_ORDER_MAGIC } from './pcapng-blocks.ts';

/** One interface of a capture to write. */
export interface WriterInterface {
  readonly linkType: number;
  /** 0 for no limit. */
  readonly snapLenBytes?: number;
  readonly name?: string;
  readonly description?: string;
  readonly filter?: string;
  readonly os?: string;
}

export interface WriterOptions {
  readonly byteOrder?: 'little' | 'big';
  /** Resolution of the timestamps; ns when left out. */
  readonly resolution?: 'us' | 'ns';
  /** pcapng only: who wrote the file. */
  readonly section?: { readonly hardware?: string; readonly os?: string; readonly application?: string; readonly comment?: string };
}

/** Counters of an interface for its statistics block. */
export interface WriterStatistics {
  readonly received?: bigint;
  readonly dropped?: bigint;
  readonly filterAccepted?: bigint;
  readonly osDropped?: bigint;
}

/** Writes a capture as a stream. Times are ns since `epochNs` of the writer, as everywhere in the program. */
export interface CaptureWriter {
  readonly packets: number;
  /** Adds a packet: bytes [start, start + capLen). `comment` is written in pcapng only. */
  packet(tsNs: number, bytes: Uint8Array, start: number, capLen: number, origLen: number, iface?: number, comment?: string): void;
  finish(): Result<{ bytesWritten: number }, EngineError>;
  abort(): void;
}

const NS_PER_S = 1_000_000_000;

/** ns of the epoch below its whole second, and that second: split once so that no packet needs a bigint. */
function splitEpoch(epochNs: bigint): { sec: number; ns: number } {
  const ns = ((epochNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { sec: Number((epochNs - ns) / 1_000_000_000n), ns: Number(ns) };
}

/** Bytes before each packet of a pcap file. */
export const PCAP_RECORD_BYTES = 16;

/** Writes pcap with magic a1b2c3d4 (us) or a1b23c4d (ns). One link type. Seconds wrap at 2^32, as the format has it. */
export class PcapWriter implements CaptureWriter {
  packets = 0;
  private readonly sink: ByteSink;
  private readonly little: boolean;
  private readonly nsPerUnit: number;
  private readonly epoch: { sec: number; ns: number };
  private readonly header = new Uint8Array(24);
  private readonly view = new DataView(this.header.buffer);

  constructor(sink: ByteSink, epochNs: bigint, iface: WriterInterface, options: WriterOptions = {}) {
    this.sink = sink;
    this.little = options.byteOrder !== 'big';
    this.nsPerUnit = options.resolution === 'us' ? 1000 : 1;
    this.epoch = splitEpoch(epochNs);
    const v = this.view;
    v.setUint32(0, this.nsPerUnit === 1 ? PCAP_MAGIC.nano : PCAP_MAGIC.micro, this.little);
    v.setUint16(4, 2, this.little);
    v.setUint16(6, 4, this.little);
    v.setUint32(16, iface.snapLenBytes ?? 262_144, this.little);
    v.setUint32(20, iface.linkType, this.little);
    sink.write(this.header);
  }

  packet(tsNs: number, bytes: Uint8Array, start: number, capLen: number, origLen: number): void {
    this.recordHeader(this.view, 0, tsNs, capLen, origLen);
    this.sink.write(this.header, 0, PCAP_RECORD_BYTES);
    this.sink.write(bytes, start, start + capLen);
    this.packets++;
  }

  /** Puts the header of a record at `at`, for callers that make whole records and hand them over by `records`. */
  recordHeader(view: DataView, at: number, tsNs: number, capLen: number, origLen: number): void {
    const whole = Math.floor(tsNs / NS_PER_S);
    let ns = tsNs - whole * NS_PER_S + this.epoch.ns;
    let sec = whole + this.epoch.sec;
    if (ns >= NS_PER_S) {
      ns -= NS_PER_S;
      sec++;
    }
    view.setUint32(at, sec >>> 0, this.little);
    view.setUint32(at + 4, Math.floor(ns / this.nsPerUnit), this.little);
    view.setUint32(at + 8, capLen, this.little);
    view.setUint32(at + 12, origLen, this.little);
  }

  /** Adds `count` whole records, which are bytes [start, end). */
  records(bytes: Uint8Array, start: number, end: number, count: number): void {
    this.sink.write(bytes, start, end);
    this.packets += count;
  }

  finish(): Result<{ bytesWritten: number }, EngineError> {
    return this.sink.finish();
  }

  abort(): void {
    this.sink.abort();
  }
}

const utf8 = new TextEncoder();
const ZEROS = new Uint8Array(4);

/** Writes pcapng: one section, interfaces added at any time, comments, statistics at the end. */
export class PcapngWriter implements CaptureWriter {
  packets = 0;
  private readonly sink: ByteSink;
  private readonly little: boolean;
  private readonly resolution: 'us' | 'ns';
  private readonly epochUnits: { high: number; low: number };
  private readonly interfaces: WriterInterface[] = [];
  private readonly header = new Uint8Array(28);
  private readonly view = new DataView(this.header.buffer);
  private readonly trailer = new Uint8Array(4);
  private lastUnits = { high: 0, low: 0 };

  constructor(sink: ByteSink, epochNs: bigint, interfaces: readonly WriterInterface[], options: WriterOptions = {}) {
    this.sink = sink;
    this.little = options.byteOrder !== 'big';
    this.resolution = options.resolution ?? 'ns';
    const units = BigInt.asUintN(64, this.resolution === 'ns' ? epochNs : epochNs / 1000n);
    this.epochUnits = { high: Number(units >> 32n), low: Number(units & 0xffff_ffffn) };
    this.epochRemainderNs = this.resolution === 'ns' ? 0 : Number(epochNs % 1000n);
    this.sectionHeader(options);
    for (const info of interfaces) this.addInterface(info);
  }

  private readonly epochRemainderNs: number;

  /** Describes another interface and returns its number. */
  addInterface(info: WriterInterface): number {
    const body = new Uint8Array(8);
    const v = new DataView(body.buffer);
    v.setUint16(0, info.linkType, this.little);
    v.setUint32(4, info.snapLenBytes ?? 0, this.little);
    const options = [this.option(9, Uint8Array.of(this.resolution === 'ns' ? 9 : 6))];
    if (info.name !== undefined) options.push(this.option(2, utf8.encode(info.name)));
    if (info.description !== undefined) options.push(this.option(3, utf8.encode(info.description)));
    if (info.filter !== undefined) options.push(this.option(11, Uint8Array.of(0, ...utf8.encode(info.filter))));
    if (info.os !== undefined) options.push(this.option(12, utf8.encode(info.os)));
    this.block(BLOCK.interfaceDescription, body, options);
    this.interfaces.push(info);
    return this.interfaces.length - 1;
  }

  packet(tsNs: number, bytes: Uint8Array, start: number, capLen: number, origLen: number, iface = 0, comment?: string): void {
    assert(iface < this.interfaces.length, 'a packet of an interface that has not been added');
    const options = comment === undefined ? [] : [this.option(1, utf8.encode(comment))];
    const optionBytes = options.length === 0 ? 0 : options.reduce((sum, o) => sum + o.length, 4);
    const padding = (4 - (capLen & 3)) & 3;
    const total = 32 + capLen + padding + optionBytes;
    const { high, low } = this.units(tsNs);
    const v = this.view;
    v.setUint32(0, BLOCK.enhancedPacket, this.little);
    v.setUint32(4, total, this.little);
    v.setUint32(8, iface, this.little);
    v.setUint32(12, high, this.little);
    v.setUint32(16, low, this.little);
    v.setUint32(20, capLen, this.little);
    v.setUint32(24, origLen, this.little);
    this.sink.write(this.header, 0, 28);
    this.sink.write(bytes, start, start + capLen);
    if (padding > 0) this.sink.write(ZEROS, 0, padding);
    for (const option of options) this.sink.write(option);
    if (options.length > 0) this.sink.write(ZEROS);
    this.writeTotal(total);
    this.lastUnits = { high, low };
    this.packets++;
  }

  /** Adds an interface statistics block, stamped with the time of the last packet. */
  statistics(iface: number, counters: WriterStatistics): void {
    assert(iface < this.interfaces.length, 'statistics of an interface that has not been added');
    const body = new Uint8Array(12);
    const v = new DataView(body.buffer);
    v.setUint32(0, iface, this.little);
    v.setUint32(4, this.lastUnits.high, this.little);
    v.setUint32(8, this.lastUnits.low, this.little);
    const options: Uint8Array[] = [];
    const put = (code: number, value: bigint | undefined): void => {
      if (value === undefined) return;
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, this.little);
      options.push(this.option(code, bytes));
    };
    put(4, counters.received);
    put(5, counters.dropped);
    put(6, counters.filterAccepted);
    put(7, counters.osDropped);
    this.block(BLOCK.interfaceStatistics, body, options);
  }

  finish(): Result<{ bytesWritten: number }, EngineError> {
    return this.sink.finish();
  }

  abort(): void {
    this.sink.abort();
  }

  /** A 64-bit timestamp from the epoch's and a distance, in two halves. */
  private units(tsNs: number): { high: number; low: number } {
    const distance = this.resolution === 'ns' ? tsNs : Math.floor((tsNs + this.epochRemainderNs) / 1000);
    const distanceHigh = Math.floor(distance / 4294967296);
    const low = this.epochUnits.low + (distance - distanceHigh * 4294967296);
    const carry = low >= 4294967296 ? 1 : 0;
    return { high: (this.epochUnits.high + distanceHigh + carry) >>> 0, low: low - carry * 4294967296 };
  }

  private sectionHeader(options: WriterOptions): void {
    const body = new Uint8Array(16);
    const v = new DataView(body.buffer);
    v.setUint32(0, BYTE_ORDER_MAGIC, this.little);
    v.setUint16(4, 1, this.little);
    v.setBigInt64(8, -1n, this.little);
    const list: Uint8Array[] = [];
    const { hardware, os, application, comment } = options.section ?? {};
    if (comment !== undefined) list.push(this.option(1, utf8.encode(comment)));
    if (hardware !== undefined) list.push(this.option(2, utf8.encode(hardware)));
    if (os !== undefined) list.push(this.option(3, utf8.encode(os)));
    if (application !== undefined) list.push(this.option(4, utf8.encode(application)));
    this.block(BLOCK.section, body, list);
  }

  /** Code, length and value, padded. Values are cut at the 65,535 bytes that the length field holds. */
  private option(code: number, value: Uint8Array): Uint8Array {
    const length = Math.min(value.length, 0xffff);
    const out = new Uint8Array(4 + ((length + 3) & ~3));
    const v = new DataView(out.buffer);
    v.setUint16(0, code, this.little);
    v.setUint16(2, length, this.little);
    out.set(value.subarray(0, length), 4);
    return out;
  }

  private block(type: number, body: Uint8Array, options: readonly Uint8Array[]): void {
    const total = 12 + body.length + (options.length === 0 ? 0 : options.reduce((sum, o) => sum + o.length, 4));
    this.view.setUint32(0, type, this.little);
    this.view.setUint32(4, total, this.little);
    this.sink.write(this.header, 0, 8);
    this.sink.write(body);
    for (const option of options) this.sink.write(option);
    if (options.length > 0) this.sink.write(ZEROS);
    this.writeTotal(total);
  }

  private writeTotal(total: number): void {
    new DataView(this.trailer.buffer).setUint32(0, total, this.little);
    this.sink.write(this.trailer);
  }
}
