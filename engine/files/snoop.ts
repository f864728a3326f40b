import type { ByteSource } from './byte-source.ts';
import { CLOCK_LIMIT_NS, ReaderBase, maxCapturedBytes, type ReaderOptions } from './reader-base.ts';
import type { PacketSource, RecordBatch } from './types.ts';

export const SNOOP_MAGIC = [0x73, 0x6e, 0x6f, 0x6f, 0x70, 0, 0, 0] as const;
const FILE_HEADER_BYTES = 16;
const RECORD_HEADER_BYTES = 24;

/** RFC 1761 data link types (and Solaris' later ones) as link types; the others have no counterpart. */
const LINK_TYPES: Readonly<Record<number, number>> = { 0: 1, 2: 6, 4: 1, 8: 10, 26: 242 };

/** A number outside the registry for a data link type that has no counterpart. */
const NO_LINK_TYPE = 0xffff;

/**
 * snoop (RFC 1761), version 2, and versions 3 to 5 of Shomiti's analysers with the same records. All big-endian.
 *
 *     0        4        8        12       16       20       24
 *     | origLen| capLen | record | drops  | sec    | usec   | captured bytes, padded to the record length
 */
export class SnoopReader extends ReaderBase implements PacketSource {
  readonly format = 'snoop';
  readonly recordHeaderBytes = RECORD_HEADER_BYTES;
  private headerRead = false;
  private maxCaptured = 0;
  private firstSec = 0;
  private firstUsec = 0;
  private lastNs = Number.NEGATIVE_INFINITY;
  private lastDrops = 0;
  /** Padding of the record before, still to be passed over. */
  private toSkip = 0;

  constructor(source: ByteSource, options: ReaderOptions = {}) {
    super(source, options);
    if (source.seekable && this.window.ensure(FILE_HEADER_BYTES)) this.readHeader();
  }

  private readHeader(): void {
    const w = this.window;
    const dataLink = w.view.getUint32(w.start + 12);
    const linkType = LINK_TYPES[dataLink] ?? NO_LINK_TYPE;
    w.start += FILE_HEADER_BYTES;
    this.headerRead = true;
    this.maxCaptured = maxCapturedBytes(linkType, 0);
    this.side.sections.push({ byteOrder: 'big', fileOffset: 0, comments: [] });
    this.interfaces.push({
      id: 0,
      linkType,
      snapLenBytes: 0,
      ticksPerSecond: 1_000_000n,
      tsOffsetSeconds: 0n,
      section: 0,
      comments: [],
      packets: 0,
      noted: { drops: 0 },
    });
    if (linkType === NO_LINK_TYPE)
      this.findings.add(
        'unknown-linktype',
        12,
        `snoop's data link type ${String(dataLink)} has no counterpart; its packets are shown as bytes.`,
      );
  }

  protected override walk(batch: RecordBatch): number {
    const w = this.window;
    if (!this.headerRead) {
      if (w.available < FILE_HEADER_BYTES) return FILE_HEADER_BYTES;
      this.readHeader();
    }
    while (batch.count < batch.capacity) {
      if (this.toSkip > 0) {
        this.toSkip = this.toSkip <= w.available || batch.count === 0 ? w.skip(this.toSkip) : this.toSkip;
        if (this.toSkip > 0) return 1;
      }
      if (w.available < RECORD_HEADER_BYTES) return RECORD_HEADER_BYTES;
      const need = this.record(batch);
      if (need > 0 || this.done) return need;
    }
    return 0;
  }

  private record(batch: RecordBatch): number {
    const { view, start: at, offset: fileOffset } = this.window;
    const orig = view.getUint32(at);
    const cap = view.getUint32(at + 4);
    const length = view.getUint32(at + 8);
    if (cap > this.maxCaptured || length < RECORD_HEADER_BYTES + cap || length > this.maxCaptured * 2) {
      if (batch.count === 0) {
        this.stop('absurd-length', `The record at offset ${String(fileOffset)} claims ${String(cap)} captured bytes in ${String(length)}.`);
      }
      return RECORD_HEADER_BYTES;
    }
    const need = RECORD_HEADER_BYTES + cap;
    if (this.window.available < need) {
      if (batch.count === 0 && need > this.window.remaining) {
        this.stop('truncated-tail', `The record at offset ${String(fileOffset)} needs ${String(need)} bytes; the file ends before.`);
      }
      return need;
    }
    this.take(batch, at, orig, cap, fileOffset);
    this.window.start = at + need;
    this.toSkip = Math.min(length - need, this.window.remaining);
    return 0;
  }

  private take(batch: RecordBatch, at: number, orig: number, cap: number, fileOffset: number): void {
    const { view } = this.window;
    const info = this.interfaces[0]!;
    const drops = view.getUint32(at + 12);
    const sec = view.getUint32(at + 16);
    const usec = view.getUint32(at + 20);
    if (!this.hasEpoch) {
      this.hasEpoch = true;
      this.firstSec = sec;
      this.firstUsec = usec;
      this.epochNs = BigInt(sec) * 1_000_000_000n + BigInt(usec) * 1000n;
    }
    if (drops > this.lastDrops) info.noted.drops += drops - this.lastDrops;
    this.lastDrops = drops;
    let t = (sec - this.firstSec) * 1e9 + (usec - this.firstUsec) * 1000;
    if (Math.abs(t) > CLOCK_LIMIT_NS) t = this.round(BigInt(sec) * 1_000_000_000n + BigInt(usec) * 1000n, fileOffset, this.lastNs);
    if (t < this.lastNs) this.findings.add('time-backwards', fileOffset);
    if (cap > orig) this.findings.add('caplen-beyond-orig', fileOffset);
    this.lastNs = t;
    info.packets++;
    const n = batch.count++;
    batch.offset[n] = at + RECORD_HEADER_BYTES;
    batch.capLen[n] = cap;
    batch.origLen[n] = orig;
    batch.tsNs[n] = t;
    batch.iface[n] = 0;
    batch.linkType[n] = info.linkType;
    batch.fileOffset[n] = fileOffset;
  }
}
