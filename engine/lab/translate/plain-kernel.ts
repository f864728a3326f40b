import { BATCH_CAPACITY, CHUNK_BYTES, RecordBatch } from '../../files/index.ts';
import { PacketSink, type PlainWork, type TableMemory } from '../../translator/index.ts';
import * as L from './kernel-layout.ts';
import type { InputCursor } from './merged-input.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from './side-output.ts';

const PAGE_BYTES = 65_536;
const ETHERNET_BYTES = 14;
/** Of a record: columns, and a guess of 8 bytes. */
const RECORD_BYTES = 28;
const SINK_PACKET_BYTES = 24;
/** Pieces begin on cache lines: what that may cost. */
const SLACK_BYTES = 16 * PAGE_BYTES;

interface KernelExports {
  readonly translate: (block: number, from: number, to: number) => number;
}

/** What a kernel makes room for. */
export interface KernelSize {
  readonly inputs: number;
  readonly sinkBytes: number;
  readonly sinkPackets: number;
  /** Words of the translator's tables: sessionTableWords of a NAT64, 0 without. */
  readonly tableWords: number;
}

/** Memory handed out piece by piece; everything begins on a cache line. */
class Pieces {
  private at = 0;
  private readonly buffer: ArrayBuffer;

  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer;
  }

  take<T>(make: new (buffer: ArrayBuffer, at: number, length: number) => T, length: number, bytesEach: number): T {
    const at = this.at;
    this.at = (at + length * bytesEach + 63) & ~63;
    return new make(this.buffer, at, length);
  }
}

/** One input in the kernel's memory: what a source reads into, and what is told of its records. */
export class KernelInput {
  readonly chunk: Uint8Array;
  readonly batch: RecordBatch;
  readonly guesses: Int32Array;
  /** First record of the batch without a guess. */
  ahead = 0;

  constructor(pieces: Pieces) {
    this.chunk = pieces.take(Uint8Array, CHUNK_BYTES, 1);
    this.guesses = pieces.take(Int32Array, 2 * BATCH_CAPACITY, 4);
    this.batch = new RecordBatch(BATCH_CAPACITY, {
      offset: pieces.take(Uint32Array, BATCH_CAPACITY, 4),
      capLen: pieces.take(Uint32Array, BATCH_CAPACITY, 4),
      origLen: pieces.take(Uint32Array, BATCH_CAPACITY, 4),
      tsNs: pieces.take(Float64Array, BATCH_CAPACITY, 8),
    });
  }
}

/**
 * The kernel of plain translation (assembly/translate.ts) and the memory it works in: the chunks that are read, the columns of their records, the sink, and the
 * sessions of a NAT64. It takes plain packets as long as they come; others are for the translator, which the caller asks.
 */
export class PlainKernel {
  /** Packets it has translated. */
  taken = 0;
  readonly inputs: readonly KernelInput[];
  /** Where the translator has its sessions; only once. */
  readonly tables: TableMemory;
  private readonly pieces: Pieces;
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly exports: KernelExports;
  private readonly size: KernelSize;
  private work: PlainWork | null = null;

  /** Throws where there is no memory for it. */
  constructor(module: WebAssembly.Module, size: KernelSize) {
    const { inputs, sinkBytes, sinkPackets, tableWords } = size;
    const bytes =
      inputs * (CHUNK_BYTES + BATCH_CAPACITY * RECORD_BYTES) + sinkBytes + sinkPackets * SINK_PACKET_BYTES + tableWords * 4 + SLACK_BYTES;
    const pages = Math.ceil(bytes / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
    this.size = size;
    // A shared memory has another type of buffer, which the views take as well.
    const pieces = new Pieces(memory.buffer);
    this.pieces = pieces;
    this.words = pieces.take(Int32Array, L.T_BLOCK_BYTES >> 2, 4);
    this.floats = new Float64Array(memory.buffer, this.words.byteOffset, L.T_BLOCK_BYTES >> 3);
    this.inputs = Array.from({ length: inputs }, () => new KernelInput(pieces));
    this.tables = (words) => pieces.take(Int32Array, words, 4);
  }

  /** The sink that the kernel writes to, and the times of its packets. The caller writes what is in it when it reaches a limit of those given. */
  begin(
    work: PlainWork,
    gapBytes: number,
    limit: { readonly packets: number; readonly bytes: number },
  ): { sink: PacketSink; times: Float64Array } {
    this.work = work;
    const { pieces } = this;
    const { sinkBytes, sinkPackets } = this.size;
    const take32 = (): Uint32Array => pieces.take(Uint32Array, sinkPackets, 4);
    const take8 = (): Uint8Array => pieces.take(Uint8Array, sinkPackets, 1);
    const bytes = pieces.take(Uint8Array, sinkBytes, 1);
    const columns = { bytes, offset: take32(), length: take32(), wireLength: take32(), side: take8(), kind: take8() };
    const sink = new PacketSink(sinkBytes, sinkPackets, gapBytes, columns);
    const times = pieces.take(Float64Array, sinkPackets, 8);
    this.set(L.T_OUT, sink.bytes.byteOffset);
    this.set(L.T_OUT_OFFSETS, sink.offset.byteOffset);
    this.set(L.T_OUT_LENGTHS, sink.length.byteOffset);
    this.set(L.T_OUT_WIRE, sink.wireLength.byteOffset);
    this.set(L.T_OUT_SIDES, sink.side.byteOffset);
    this.set(L.T_OUT_KINDS, sink.kind.byteOffset);
    this.set(L.T_OUT_TIMES, times.byteOffset);
    this.set(L.T_GAP, gapBytes);
    this.set(L.T_STOP_COUNT, limit.packets);
    this.set(L.T_STOP_USED, limit.bytes);
    this.tell(work);
    return { sink, times };
  }

  private tell({ rules, gatewayPort }: PlainWork): void {
    this.set(L.T_MTU4, rules.mtu4);
    this.set(L.T_MTU6, rules.mtu6);
    this.set(L.T_UNCUT6, rules.uncut6);
    this.set(L.T_DF_FROM, rules.dfFrom);
    this.set(L.T_CHECK, rules.checkHeader ? 1 : 0);
    this.set(L.T_CLASS, rules.trafficClassCopy ? 1 : 0);
    this.set(L.T_TOS, rules.tos);
    const prefix = new DataView(this.words.buffer, this.words.byteOffset + L.T_PREFIX0, 12);
    for (const [i, word] of rules.words.entries()) prefix.setInt32(4 * i, word);
    this.set(L.T_PREFIX_SUM, rules.sum);
    this.set(L.T_GLOBAL, rules.globalOnly ? 1 : 0);
    this.set(L.T_GATEWAY_PORT, gatewayPort);
    const tables = rules.sessions?.tables;
    if (tables === undefined) return;
    this.set(L.T_ENTRIES, tables.words.byteOffset);
    this.set(L.T_SLOTS6, tables.slots6.byteOffset);
    this.set(L.T_SLOTS4, tables.slots4.byteOffset);
    this.set(L.T_MASK, tables.slots6.length - 1);
  }

  /** True where it can work for this translator: sessions must be in its memory. */
  serves(work: PlainWork): boolean {
    const tables = work.rules.sessions?.tables;
    return tables === undefined || tables.words.buffer === this.words.buffer;
  }

  /** True where the packets that come next lie where the kernel sees them, in a link layer that it knows. */
  takes({ batch, source }: InputCursor): boolean {
    const input = this.inputOf(batch);
    if (input === undefined || batch.bytes !== input.chunk || source.interfaces.length !== 1) return false;
    return batch.linkType[0] === LINKTYPE_ETHERNET || batch.linkType[0] === LINKTYPE_RAW;
  }

  private inputOf(batch: RecordBatch): KernelInput | undefined {
    for (const input of this.inputs) if (input.batch === batch) return input;
    return undefined;
  }

  /**
   * Translates packets of the cursor, which takes() has been asked for, up to `to` and returns the first that it has not taken. Time goes on from `nowNs`; packets
   * from `beforeNs` on are not taken, those of that very time only with `tie`.
   */
  run(cursor: InputCursor, to: number, sink: PacketSink, nowNs: number, beforeNs: number, tie: boolean): number {
    const { floats, words, work } = this;
    const input = this.inputOf(cursor.batch);
    if (input === undefined || work === null) return cursor.at;
    this.show(cursor, input);
    floats[L.T_NOW >> 3] = nowNs;
    floats[L.T_BEFORE >> 3] = beforeNs;
    floats[L.T_UNTIL >> 3] = work.untilNs();
    this.set(L.T_TIE, tie ? 1 : 0);
    this.set(L.T_COUNT, sink.count);
    this.set(L.T_USED, sink.used);
    this.set(L.T_PAYLOAD, sink.payload ? 1 : 0);
    this.set(L.T_LOOKS, work.looksAhead ? 1 : 0);
    this.set(L.T_IDENTIFICATION, work.identification);
    const next = this.exports.translate(words.byteOffset, cursor.at, to);
    sink.count = words[L.T_COUNT >> 2]!;
    sink.used = words[L.T_USED >> 2]!;
    input.ahead = words[L.T_AHEAD >> 2]!;
    if (next === cursor.at) return next;
    this.taken += next - cursor.at;
    work.identification = words[L.T_IDENTIFICATION >> 2]!;
    work.took(next - cursor.at, this.nowNs, work.rules.sessions === null ? -1 : words[L.T_SESSION >> 2]!);
    return next;
  }

  /** Where the records of the input are. */
  private show({ at, batch, side, shiftNs }: InputCursor, { chunk, guesses, ahead }: KernelInput): void {
    this.floats[L.T_SHIFT >> 3] = shiftNs;
    this.set(L.T_BYTES, chunk.byteOffset);
    this.set(L.T_OFFSETS, batch.offset.byteOffset);
    this.set(L.T_CAPTURED, batch.capLen.byteOffset);
    this.set(L.T_LENGTHS, batch.origLen.byteOffset);
    this.set(L.T_TIMES, batch.tsNs.byteOffset);
    this.set(L.T_RECORDS, batch.count);
    this.set(L.T_LINK, batch.linkType[0] === LINKTYPE_ETHERNET ? ETHERNET_BYTES : 0);
    this.set(L.T_FAMILIES, side === 'both' ? L.FAMILY_4 + L.FAMILY_6 : side === 6 ? L.FAMILY_6 : L.FAMILY_4);
    this.set(L.T_GUESSES, guesses.byteOffset);
    this.set(L.T_AHEAD, at === 0 ? 0 : ahead);
  }

  /** Lab time of the packet that was taken last. */
  get nowNs(): number {
    return this.floats[L.T_NOW >> 3]!;
  }

  /** Packets from the IPv6 side among those taken by the last run. */
  get sixes(): number {
    return this.words[L.T_SIXES >> 2]!;
  }

  private set(at: number, value: number): void {
    this.words[at >> 2] = value;
  }
}
