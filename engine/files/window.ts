import { NOTHING_YET, type ByteSource } from './byte-source.ts';
import type { FindingLog } from './findings.ts';

/**
 * The stretch of the file that is in memory: `bytes[start, end)` are read and not used yet, `bytes[0]` lies at `baseOffset`
 * in the file.
 *
 *     bytes  |#### used ####|==== unused ====|       free       |
 *            0            start             end            length
 *
 * `more` moves the unused part to the front and reads into the free part. A record larger than the buffer gets a larger one
 * for as long as it is needed; the caller's buffer is used again afterwards.
 */
export class Window {
  bytes: Uint8Array;
  view: DataView;
  start = 0;
  end = 0;
  baseOffset = 0;
  /** The source has ended (or failed). */
  atEnd = false;
  private readonly home: Uint8Array;
  private readonly source: ByteSource;
  private readonly findings: FindingLog;

  constructor(source: ByteSource, home: Uint8Array, findings: FindingLog) {
    this.source = source;
    this.home = home;
    this.findings = findings;
    this.bytes = home;
    this.view = viewOf(home);
  }

  /** Offset in the file of the first unused byte. */
  get offset(): number {
    return this.baseOffset + this.start;
  }

  get available(): number {
    return this.end - this.start;
  }

  /** Bytes from the first unused one to the end of the file; Infinity for a pipe. */
  get remaining(): number {
    return Math.max(this.available, this.source.sizeBytes - this.offset);
  }

  /**
   * Makes room and reads once. Returns false if nothing came: then `atEnd` tells the end from "nothing yet". Moves bytes, so
   * it must not be called while a batch points into them.
   */
  more(needBytes: number): boolean {
    if (this.atEnd) return false;
    this.compact(needBytes);
    let n: number;
    try {
      n = this.source.read(this.bytes, this.end, this.bytes.length - this.end, this.baseOffset + this.end);
    } catch (error) {
      this.findings.add(
        'read-error',
        this.baseOffset + this.end,
        `Reading failed: ${error instanceof Error ? error.message : String(error)}.`,
      );
      n = 0;
    }
    if (n === NOTHING_YET) return false;
    if (n <= 0) {
      this.atEnd = true;
      return false;
    }
    this.end += n;
    return true;
  }

  /** Reads until `needBytes` are there or the source has no more. */
  ensure(needBytes: number): boolean {
    while (this.available < needBytes) {
      if (!this.more(needBytes)) return false;
    }
    return true;
  }

  /** Passes over `count` bytes that may not be in memory. False if a pipe has not brought them yet: call again. */
  skip(count: number): number {
    const here = Math.min(count, this.available);
    this.start += here;
    const left = count - here;
    if (left === 0 || !this.source.seekable) return left;
    this.baseOffset += this.start + left;
    this.start = 0;
    this.end = 0;
    return 0;
  }

  private compact(needBytes: number): void {
    const unused = this.end - this.start;
    const fits = needBytes <= this.home.length && unused < this.home.length;
    const target = fits ? this.home : this.bytes.length >= needBytes && this.bytes !== this.home ? this.bytes : new Uint8Array(needBytes);
    if (target === this.bytes) {
      if (this.start > 0) target.copyWithin(0, this.start, this.end);
    } else {
      target.set(this.bytes.subarray(this.start, this.end));
      this.bytes = target;
      this.view = viewOf(target);
    }
    this.baseOffset += this.start;
    this.start = 0;
    this.end = unused;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
