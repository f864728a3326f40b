import type { ByteSource } from './byte-source.ts';
import { CLOCK_LIMIT_NS, ReaderBase, maxCapturedBytes, type ReaderOptions } from './reader-base.ts';
import { chooseVariant, type PcapVariant } from './pcap-variant.ts';
import type { InterfaceInfo, PacketSource, RecordBatch } from './types.ts';

/**
 * pcap (draft-ietf-opsawg-pcap): a 24-byte file header, then records of a 16-byte header and the captured bytes.
 *
 *     0        4        8        12       16       20       24
 *     | magic  | maj min| zone   | sigfig | snaplen| fcs, f, link type |
 *     0        4        8        12       16 (20, 24, 28 in the variants)
 *     | sec    | frac   | capLen | origLen| ...    | captured bytes
 */
export const PCAP_HEADER_BYTES = 24;

export const PCAP_MAGIC = {
  micro: 0xa1b2c3d4,
  nano: 0xa1b23c4d,
  modified: 0xa1b2cd34,
  ixiaHardware: 0x1c0001ac,
  ixiaSoftware: 0x1c0001ab,
} as const;

export type PcapMagic = (typeof PCAP_MAGIC)[keyof typeof PCAP_MAGIC];

/** Magic and byte order of the first four bytes, or undefined if they are no pcap. */
export function pcapMagic(head: Uint8Array): { magic: PcapMagic; little: boolean } | undefined {
  if (head.length < 4) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, 4);
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    for (const known of Object.values(PCAP_MAGIC)) if (magic === known) return { magic: known, little };
  }
  return undefined;
}

/** What the walk over records needs; filled once when the header has been read. */
interface Layout {
  readonly little: boolean;
  readonly headerBytes: number;
  /** ns of one unit of the fraction field. */
  readonly fractionNs: number;
  /** 0: captured, original. 1: the other way round. 2: the larger one is the original (version 2.3). */
  readonly lengthOrder: 0 | 1 | 2;
  /** Bytes of padding before the captured bytes, counted in both lengths (AIX FDDI). */
  readonly padBytes: number;
  readonly maxCaptured: number;
}

export class PcapReader extends ReaderBase implements PacketSource {
  format = 'pcap';
  recordHeaderBytes = 16;
  private layout: Layout | undefined;
  private firstSec = 0;
  private firstFrac = 0;
  private lastNs = Number.NEGATIVE_INFINITY;

  constructor(source: ByteSource, options: ReaderOptions = {}) {
    super(source, options);
    // The header is read at once so that link type and format are known before the first packet.
    if (source.seekable) this.readHeader();
  }

  protected override walk(batch: RecordBatch): number {
    if (this.layout === undefined) {
      if (this.window.available < PCAP_HEADER_BYTES + 4) {
        if (!this.window.ensure(PCAP_HEADER_BYTES + 4) && !(this.window.atEnd && this.window.available >= PCAP_HEADER_BYTES)) {
          return PCAP_HEADER_BYTES;
        }
      }
      this.readHeader();
      return 0;
    }
    return this.walkRecords(batch, this.layout);
  }

  /** Reads the file header. Called with a source that is known to begin with a pcap magic number. */
  private readHeader(): void {
    const w = this.window;
    w.ensure(PCAP_HEADER_BYTES + 4);
    const found = pcapMagic(w.bytes.subarray(w.start, w.end));
    if (found === undefined || w.available < PCAP_HEADER_BYTES) {
      this.tail(PCAP_HEADER_BYTES);
      this.done = true;
      return;
    }
    const { magic, little } = found;
    const at = w.start;
    const major = w.view.getUint16(at + 4, little);
    const minor = w.view.getUint16(at + 6, little);
    const snapLenBytes = w.view.getUint32(at + 16, little);
    const network = w.view.getUint32(at + 20, little);
    const aix = magic === PCAP_MAGIC.micro && major === 2 && minor === 2 ? aixLinkType(network) : undefined;
    const linkType = aix ?? network & 0xffff;
    if ((network & 0x03ff_0000) !== 0) {
      this.findings.add(
        'bad-header',
        20,
        `Reserved bits of the link type field are set (0x${network.toString(16)}); link type ${String(linkType)} is used.`,
      );
    }
    const ixia = magic === PCAP_MAGIC.ixiaHardware || magic === PCAP_MAGIC.ixiaSoftware;
    w.start += PCAP_HEADER_BYTES + (ixia ? 4 : 0);

    // Files of version 2.3 and older come from before the variants.
    const mayVary = aix === undefined && major === 2 && minor >= 4 && this.source.seekable;
    const variant: PcapVariant =
      magic === PCAP_MAGIC.modified || (magic === PCAP_MAGIC.micro && mayVary)
        ? chooseVariant(w, magic === PCAP_MAGIC.modified, little, snapLenBytes, maxCapturedBytes(linkType, 0))
        : { name: magic === PCAP_MAGIC.nano || magic === PCAP_MAGIC.ixiaHardware ? 'nsecpcap' : 'pcap', headerBytes: 16 };
    const nano = variant.name === 'nsecpcap' || aix !== undefined;
    this.format = aix !== undefined ? 'aixpcap' : variant.name;
    this.recordHeaderBytes = variant.headerBytes;
    const padBytes = aix === 10 ? 3 : 0;
    this.recordHeaderBytes += padBytes;
    this.layout = {
      little,
      headerBytes: variant.headerBytes,
      fractionNs: nano ? 1 : 1000,
      lengthOrder: lengthOrder(major, minor),
      padBytes,
      maxCaptured: maxCapturedBytes(linkType, snapLenBytes),
    };
    this.describe(linkType, snapLenBytes, network, nano, little);
  }

  private describe(linkType: number, snapLenBytes: number, network: number, nano: boolean, little: boolean): void {
    const fcs = (network & 0x0400_0000) !== 0 ? { fcsBytes: (network >>> 28) * 2 } : {};
    const info: InterfaceInfo = {
      id: 0,
      linkType,
      snapLenBytes,
      ticksPerSecond: nano ? 1_000_000_000n : 1_000_000n,
      tsOffsetSeconds: 0n,
      section: 0,
      comments: [],
      packets: 0,
      noted: { drops: 0 },
      ...fcs,
    };
    this.interfaces.push(info);
    this.side.sections.push({ byteOrder: little ? 'little' : 'big', fileOffset: 0, comments: [] });
    this.checkLinkType(linkType, 20);
  }

  private walkRecords(batch: RecordBatch, layout: Layout): number {
    const w = this.window;
    if (!this.hasEpoch && w.available >= 8) {
      this.firstSec = w.view.getUint32(w.start, layout.little);
      this.firstFrac = w.view.getUint32(w.start + 4, layout.little);
      // Known before the walk, because rounding needs it; announced when the packet has been delivered.
      this.epochNs = BigInt(this.firstSec) * 1_000_000_000n + BigInt(this.firstFrac) * BigInt(layout.fractionNs);
    }
    const from = batch.count;
    const plain = layout.lengthOrder === 0 && layout.padBytes === 0 && layout.headerBytes === 16;
    if (plain && layout.little) this.walkPlain(batch, layout, true);
    else if (plain) this.walkPlain(batch, layout, false);
    else this.walkOdd(batch, layout);
    const delivered = batch.count - from;
    if (delivered > 0) {
      this.hasEpoch = true;
      const info = this.interfaces[0]!;
      info.packets += delivered;
      batch.iface.fill(0, from, batch.count);
      batch.linkType.fill(info.linkType, from, batch.count);
    }
    return this.nextNeed(batch, layout);
  }

  /** Bytes the record at the window's start needs; stops the reader where it cannot be a record. */
  private nextNeed(batch: RecordBatch, layout: Layout): number {
    const w = this.window;
    if (batch.count > 0 || w.available < layout.headerBytes) return layout.headerBytes;
    const capLen = this.lengths(w.view, w.start, layout).cap;
    if (capLen > layout.maxCaptured || capLen < layout.padBytes) {
      this.stop(
        'absurd-length',
        `The record at offset ${String(w.offset)} claims ${String(capLen)} captured bytes; at most ${String(layout.maxCaptured)} are believed.`,
      );
      return 0;
    }
    const need = layout.headerBytes + capLen;
    if (need > w.remaining) {
      this.stop('truncated-tail', `The record at offset ${String(w.offset)} needs ${String(need)} bytes; the file ends before.`);
      return 0;
    }
    return need;
  }

  private lengths(view: DataView, at: number, layout: Layout): { cap: number; orig: number } {
    const a = view.getUint32(at + 8, layout.little);
    const b = view.getUint32(at + 12, layout.little);
    const swap = layout.lengthOrder === 1 || (layout.lengthOrder === 2 && a > b);
    return swap ? { cap: b, orig: a } : { cap: a, orig: b };
  }

  /** The hot loop: standard records, one byte order. No allocation, integers and float64 only. */
  private walkPlain(batch: RecordBatch, layout: Layout, little: boolean): void {
    const w = this.window;
    const view = w.view;
    const end = w.end;
    const base = w.baseOffset;
    const { offset, capLen, origLen, tsNs, fileOffset, capacity } = batch;
    const maxCaptured = layout.maxCaptured;
    const fractionNs = layout.fractionNs;
    const firstSec = this.firstSec;
    const firstFrac = this.firstFrac;
    let last = this.lastNs;
    let at = w.start;
    let n = batch.count;
    while (n < capacity && at + 16 <= end) {
      const cap = view.getUint32(at + 8, little);
      const next = at + 16 + cap;
      if (next > end || cap > maxCaptured) break;
      const orig = view.getUint32(at + 12, little);
      let t = (view.getUint32(at, little) - firstSec) * 1e9 + (view.getUint32(at + 4, little) - firstFrac) * fractionNs;
      if (cap > orig || t < last || t > CLOCK_LIMIT_NS) t = this.unusual(cap, orig, t, last, base + at);
      last = t;
      offset[n] = at + 16;
      capLen[n] = cap;
      origLen[n] = orig;
      tsNs[n] = t;
      fileOffset[n] = base + at;
      n++;
      at = next;
    }
    this.lastNs = last;
    batch.count = n;
    w.start = at;
  }

  /** The same for old versions, AIX and the modified variants. */
  private walkOdd(batch: RecordBatch, layout: Layout): void {
    const w = this.window;
    const { little, headerBytes, padBytes } = layout;
    while (batch.count < batch.capacity && w.available >= headerBytes) {
      const at = w.start;
      const { cap, orig } = this.lengths(w.view, at, layout);
      if (cap > layout.maxCaptured || cap < padBytes || at + headerBytes + cap > w.end) return;
      const sec = w.view.getUint32(at, little);
      const frac = w.view.getUint32(at + 4, little);
      let t = (sec - this.firstSec) * 1e9 + (frac - this.firstFrac) * layout.fractionNs;
      if (cap > orig || t < this.lastNs || t > CLOCK_LIMIT_NS) t = this.unusual(cap, orig, t, this.lastNs, w.baseOffset + at);
      this.lastNs = t;
      const n = batch.count++;
      batch.offset[n] = at + headerBytes + padBytes;
      batch.capLen[n] = cap - padBytes;
      batch.origLen[n] = Math.max(0, orig - padBytes);
      batch.tsNs[n] = t;
      batch.fileOffset[n] = w.baseOffset + at;
      w.start = at + headerBytes + cap;
    }
  }

  /** Notes what is odd about a record and returns its time, rounded where it must be. Kept out of the loop, which meets it rarely. */
  private unusual(cap: number, orig: number, tNs: number, lastNs: number, fileOffset: number): number {
    if (cap > orig) {
      this.findings.add(
        'caplen-beyond-orig',
        fileOffset,
        `The record at offset ${String(fileOffset)} has ${String(cap)} bytes of a packet of ${String(orig)}.`,
      );
    }
    let t = tNs;
    if (Math.abs(t) > CLOCK_LIMIT_NS) {
      const { view, baseOffset } = this.window;
      const { little, fractionNs } = this.layout!;
      const at = fileOffset - baseOffset;
      const sec = BigInt(view.getUint32(at, little));
      t = this.round(sec * 1_000_000_000n + BigInt(view.getUint32(at + 4, little) * fractionNs), fileOffset, lastNs);
    }
    if (t < lastNs) this.findings.add('time-backwards', fileOffset);
    return t;
  }
}

/** AIX writes RFC 1573 interface types with version 2.2; those for local networks, as link types. */
function aixLinkType(network: number): number | undefined {
  return network === 6 ? 1 : network === 9 ? 6 : network === 15 ? 10 : network === 24 ? 0 : undefined;
}

/** Before version 2.3 the original length came first; 2.3 files exist with either order; DG/UX (543.0) has the old one. */
function lengthOrder(major: number, minor: number): 0 | 1 | 2 {
  if (major === 543) return 1;
  if (major !== 2) return 0;
  return minor < 3 ? 1 : minor === 3 ? 2 : 0;
}
