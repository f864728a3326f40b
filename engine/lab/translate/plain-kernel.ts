import { BATCH_CAPACITY, CHUNK_BYTES, RecordBatch, type BatchColumns } from '../../files/index.ts';
import { PacketSink, type PlainPrefix } from '../../translator/index.ts';
import type { InputCursor } from './merged-input.ts';
import * as L from './kernel-layout.ts';

const PAGE_BYTES = 65_536;
const LINKTYPE_ETHERNET = 1;

interface KernelExports {
  readonly translate46: (block: number, from: number, to: number) => number;
}

/** Memory handed out piece by piece; everything begins on a cache line. */
class Pieces {
  at = 0;
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

/**
 * The kernel of plain stateless translation (assembly/translate.ts) and the memory it works in: the chunk that is read, the columns of its records, and the
 * sink. It takes plain packets as long as they come; others are for the translator, which the caller asks.
 */
export class PlainKernel {
  /** What a source reads into. */
  readonly chunk: Uint8Array;
  readonly batch: RecordBatch;
  private readonly buffer: ArrayBuffer;
  private readonly pieces: Pieces;
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly exports: KernelExports;
  private readonly sinkBytes: number;
  private readonly sinkPackets: number;

  /** For a sink of that capacity. Throws where there is no memory for it. */
  constructor(module: WebAssembly.Module, sinkBytes: number, sinkPackets: number) {
    const bytes = CHUNK_BYTES + BATCH_CAPACITY * 32 + sinkBytes + sinkPackets * 24 + 16 * PAGE_BYTES;
    const pages = Math.ceil(bytes / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
    // A shared memory has another type of buffer, which the views take as well.
    this.buffer = memory.buffer;
    this.sinkBytes = sinkBytes;
    this.sinkPackets = sinkPackets;
    this.pieces = new Pieces(this.buffer);
    this.chunk = this.pieces.take(Uint8Array, CHUNK_BYTES, 1);
    this.words = this.pieces.take(Int32Array, L.T_BLOCK_BYTES >> 2, 4);
    this.floats = new Float64Array(this.buffer, this.words.byteOffset, L.T_BLOCK_BYTES >> 3);
    this.batch = new RecordBatch(BATCH_CAPACITY, this.columns());
    this.set(L.T_OFFSETS, this.batch.offset.byteOffset);
    this.set(L.T_CAPTURED, this.batch.capLen.byteOffset);
    this.set(L.T_LENGTHS, this.batch.origLen.byteOffset);
    this.set(L.T_TIMES, this.batch.tsNs.byteOffset);
  }

  private columns(): BatchColumns {
    const { pieces } = this;
    return {
      offset: pieces.take(Uint32Array, BATCH_CAPACITY, 4),
      capLen: pieces.take(Uint32Array, BATCH_CAPACITY, 4),
      origLen: pieces.take(Uint32Array, BATCH_CAPACITY, 4),
      tsNs: pieces.take(Float64Array, BATCH_CAPACITY, 8),
    };
  }

  /** The sink that the kernel writes to, and the times of its packets. The caller writes what is in it when it reaches a limit of those given. */
  begin(
    prefix: PlainPrefix,
    gapBytes: number,
    limit: { readonly packets: number; readonly bytes: number },
  ): { sink: PacketSink; times: Float64Array } {
    const { pieces, sinkPackets } = this;
    const take32 = (): Uint32Array => pieces.take(Uint32Array, sinkPackets, 4);
    const take8 = (): Uint8Array => pieces.take(Uint8Array, sinkPackets, 1);
    const sink = new PacketSink(this.sinkBytes, sinkPackets, gapBytes, {
      bytes: pieces.take(Uint8Array, this.sinkBytes, 1),
      offset: take32(),
      length: take32(),
      wireLength: take32(),
      side: take8(),
      kind: take8(),
    });
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
    this.set(L.T_MTU, prefix.mtu6);
    this.set(L.T_UNCUT, prefix.uncut6);
    this.set(L.T_CHECK, prefix.checkHeader ? 1 : 0);
    this.set(L.T_CLASS, prefix.trafficClassCopy ? 1 : 0);
    for (const [i, at] of [L.T_PREFIX0, L.T_PREFIX1, L.T_PREFIX2].entries()) this.set(at, prefix.words[i]!);
    this.set(L.T_PREFIX_SUM, prefix.sum);
    return { sink, times };
  }

  /** True where the packets that come next lie where the kernel sees them, in a link layer that it knows. */
  takes({ batch, source, side }: InputCursor): boolean {
    return (
      side !== 6 &&
      batch === this.batch &&
      batch.bytes === this.chunk &&
      source.interfaces.length === 1 &&
      batch.linkType[0] === LINKTYPE_ETHERNET
    );
  }

  /** Translates packets of the cursor up to `to` and returns the first that it has not taken. Time goes on from `nowNs`. */
  run(cursor: InputCursor, to: number, sink: PacketSink, nowNs: number): number {
    this.floats[L.T_NOW >> 3] = nowNs;
    this.floats[L.T_SHIFT >> 3] = cursor.shiftNs;
    this.set(L.T_BYTES, this.chunk.byteOffset);
    this.set(L.T_COUNT, sink.count);
    this.set(L.T_USED, sink.used);
    this.set(L.T_PAYLOAD, sink.payload ? 1 : 0);
    const next = this.exports.translate46(this.words.byteOffset, cursor.at, to);
    sink.count = this.words[L.T_COUNT >> 2]!;
    sink.used = this.words[L.T_USED >> 2]!;
    return next;
  }

  /** Lab time of the packet that was taken last. */
  get nowNs(): number {
    return this.floats[L.T_NOW >> 3]!;
  }

  private set(at: number, value: number): void {
    this.words[at >> 2] = value;
  }
}
