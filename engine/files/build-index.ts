import { EngineError } from '../contract/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import type { ByteSource } from './byte-source.ts';
import { PacketIndex } from './packet-index.ts';
import { RecordBatch, type PacketSource } from './types.ts';

/** Bytes between two calls of `onProgress` and `shouldCancel`: a few milliseconds of work. */
const REPORT_BYTES = 8 * 1024 * 1024;

export interface BuildOptions {
  readonly onProgress?: (progress: { bytesRead: number; bytesTotal: number; packets: number }) => void;
  readonly shouldCancel?: () => boolean;
  /** Called with every batch after its rows are in the index, while its bytes are in the cache: the place to classify. */
  readonly visit?: (batch: RecordBatch, firstNumber: number, index: PacketIndex) => void;
  readonly batch?: RecordBatch;
}

/** Reads a source to its end and indexes every packet. Fails only when cancelled; what a file has wrong is in its findings. */
export function buildIndex(source: PacketSource, options: BuildOptions = {}): Result<PacketIndex, EngineError> {
  const batch = options.batch ?? new RecordBatch();
  const index = new PacketIndex(source.recordHeaderBytes);
  let nextReport = REPORT_BYTES;
  while (source.nextBatch(batch)) {
    const first = index.count + 1;
    index.append(batch);
    options.visit?.(batch, first, index);
    const { bytesRead, bytesTotal } = source.progress();
    if (bytesRead < nextReport) continue;
    nextReport = bytesRead + REPORT_BYTES;
    options.onProgress?.({ bytesRead, bytesTotal, packets: index.count });
    if (options.shouldCancel?.() === true) return err(new EngineError({ code: 'cancelled', message: 'Indexing was cancelled.' }));
  }
  options.onProgress?.({ ...source.progress(), packets: index.count });
  return ok(index);
}

/** The largest header before captured bytes (pcapng's enhanced packet block). */
const LARGEST_HEADER_BYTES = 32;

/** Reads single packets of an indexed file at random. */
export class PacketAccess {
  private readonly index: PacketIndex;
  private readonly bytes: ByteSource;
  private scratch = new Uint8Array(LARGEST_HEADER_BYTES + 2048);

  constructor(index: PacketIndex, bytes: ByteSource) {
    this.index = index;
    this.bytes = bytes;
  }

  /**
   * Captured bytes of a packet (1-based): copied to the front of `into` if given (cut to its length), otherwise in a new array.
   * Fails if the file has become shorter or cannot be read any more.
   */
  read(number: number, into?: Uint8Array): Result<Uint8Array, EngineError> {
    const { index } = this;
    if (!Number.isInteger(number) || number < 1 || number > index.count) {
      return err(
        new EngineError({ code: 'not-found', message: `There is no packet ${String(number)}; the input has ${String(index.count)}.` }),
      );
    }
    const capLen = index.capLen(number);
    const at = index.fileOffset(number);
    const known = index.recordHeaderBytes;
    const headBytes = known >= 0 ? known : 28;
    const want = headBytes + capLen;
    if (this.scratch.length < want) this.scratch = new Uint8Array(want + LARGEST_HEADER_BYTES);
    const got = this.fill(at, want);
    if (typeof got === 'string')
      return err(new EngineError({ code: 'bad-input', message: `The packet cannot be read: ${got}.`, where: { offset: at } }));
    // A simple packet block (type 3 in either byte order) has a header of 12 bytes.
    const simple = known < 0 && (this.scratch[0] === 3 || this.scratch[3] === 3);
    const head = simple ? 12 : headBytes;
    if (got < head + capLen) {
      return err(
        new EngineError({
          code: 'bad-input',
          message: 'The file has become shorter since it was opened.',
          where: { offset: at },
          fix: 'Open the file again.',
        }),
      );
    }
    const data = this.scratch.subarray(head, head + capLen);
    if (into === undefined) return ok(data.slice());
    const part = data.subarray(0, into.length);
    into.set(part);
    return ok(into.subarray(0, part.length));
  }

  close(): void {
    this.bytes.close();
  }

  private fill(at: number, want: number): number | string {
    let got = 0;
    try {
      while (got < want) {
        const n = this.bytes.read(this.scratch, got, want - got, at + got);
        if (n <= 0) break;
        got += n;
      }
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return got;
  }
}
