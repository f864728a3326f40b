import type { ByteSource } from './byte-source.ts';
import { BLOCK, BYTE_ORDER_MAGIC, blockOptions, nameRecords, passedOverName, secretsKind, text } from './pcapng-blocks.ts';
import { EPB_DATA, isPacket, packetFields, type PacketFields, type SectionInterfaces } from './pcapng-packet.ts';
import { addStatistics, interfaceOf, sectionOf, type BlockPlace } from './pcapng-side.ts';
import { InterfaceClock } from './pcapng-time.ts';
import { ReaderBase, maxCapturedBytes, type ReaderOptions } from './reader-base.ts';
import { MAX_SECTIONS } from './side-data.ts';
import { MAX_INTERFACES, MAX_RECORD_BYTES, type InterfaceInfo, type PacketSource, type RecordBatch } from './types.ts';

/** Bytes of a block at most: the largest packet with its header and ample options. */
export const MAX_BLOCK_BYTES = MAX_RECORD_BYTES + 256 * 1024;

/** Bytes of a block without a packet that is read into memory; a larger one is passed over with a note. */
export const MAX_SIDE_BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks of type, total length, body, total length again. A section header sets the byte
 * order; interface numbers count within a section.
 *
 *     enhanced packet  0      4      8      12     16     20     24     28
 *                      | type | len  | iface| tsHi | tsLo | cap  | orig | captured bytes, padded | options | len |
 */
export class PcapngReader extends ReaderBase implements PacketSource, SectionInterfaces {
  readonly format = 'pcapng';
  readonly recordHeaderBytes = -1;
  private little = true;
  /** Number of the section being read, -1 before the first. */
  private section = -1;
  /** The section's version is not one we can read; its packets are counted as skipped. */
  private foreign = false;
  /** `interfaces` index of the section's interface 0. */
  sectionFirst = 0;
  sectionInterfaces = 0;
  private readonly clocks: InterfaceClock[] = [];
  /** By interface. */
  readonly maxCaptured: number[] = [];
  private lastNs = Number.NEGATIVE_INFINITY;
  /** Bytes of a block still to be passed over; only a pipe leaves any. */
  private toSkip = 0;

  constructor(source: ByteSource, options: ReaderOptions = {}) {
    super(source, options);
    if (source.seekable) this.readAhead();
  }

  /** Reads what comes before the first packet, so that sections and interfaces are known when the file has been opened. */
  private readAhead(): void {
    while (!this.done) {
      const w = this.window;
      if (!w.ensure(12)) return;
      const type = w.view.getUint32(w.start, this.little);
      if (isPacket(type)) return;
      const need = this.step();
      if (need > 0 && !w.ensure(need)) return;
    }
  }

  protected override walk(batch: RecordBatch): number {
    const w = this.window;
    while (batch.count < batch.capacity) {
      if (this.toSkip > 0) {
        this.toSkip = w.skip(this.toSkip);
        if (this.toSkip > 0) return 1;
      }
      this.walkEnhanced(batch);
      if (this.done || batch.count === batch.capacity) return 0;
      if (w.available < 12) return 12;
      const type = w.view.getUint32(w.start, this.little);
      const need = isPacket(type) && this.section >= 0 ? this.packet(batch, type) : this.step();
      if (need > 0 || this.done) return need;
    }
    return 0;
  }

  /** The hot loop: enhanced packet blocks without options in a row. Stops before anything else. */
  private walkEnhanced(batch: RecordBatch): void {
    const w = this.window;
    const view = w.view;
    const little = this.little;
    const { offset, capLen, origLen, tsNs, fileOffset, iface, linkType, capacity } = batch;
    if (!this.hasEpoch || this.foreign) return;
    const epochNs = this.epochNs;
    const end = w.end;
    const base = w.baseOffset;
    let at = w.start;
    let n = batch.count;
    let last = this.lastNs;
    while (n < capacity && at + 32 <= end && view.getUint32(at, little) === BLOCK.enhancedPacket) {
      const total = view.getUint32(at + 4, little);
      const cap = view.getUint32(at + 20, little);
      const number = view.getUint32(at + 8, little);
      if (at + total > end || total !== EPB_DATA + ((cap + 3) & ~3) + 4 || number >= this.sectionInterfaces) break;
      if (view.getUint32(at + total - 4, little) !== total) break;
      const id = this.sectionFirst + number;
      if (cap > this.maxCaptured[id]!) break;
      const orig = view.getUint32(at + 24, little);
      const t = this.clocks[id]!.at(view.getUint32(at + 12, little), view.getUint32(at + 16, little), epochNs, this, base + at, last);
      if (t < last || cap > orig) this.unusual(cap, orig, t, last, base + at);
      last = t;
      const info = this.interfaces[id]!;
      info.packets++;
      offset[n] = at + EPB_DATA;
      capLen[n] = cap;
      origLen[n] = orig;
      tsNs[n] = t;
      iface[n] = id;
      linkType[n] = info.linkType;
      fileOffset[n] = base + at;
      n++;
      at += total;
    }
    batch.count = n;
    w.start = at;
    this.lastNs = last;
  }

  /** Any packet block, with everything it can have. Returns bytes needed, or 0 when it has been dealt with. */
  private packet(batch: RecordBatch, type: number): number {
    const need = this.frame(MAX_BLOCK_BYTES);
    if (need !== 0) return need;
    if (this.done) return 0;
    const w = this.window;
    const at = w.start;
    const total = this.totalLength();
    const end = at + w.view.getUint32(at + 4, this.little) - 4;
    const record = this.foreign ? undefined : packetFields(type, this.place(at, end), this);
    if (record !== undefined) this.deliver(batch, type, record, at, end);
    else if (this.foreign) this.findings.count('unsupported-version');
    w.start = at + total;
    return 0;
  }

  private deliver(batch: RecordBatch, type: number, r: PacketFields, at: number, end: number): void {
    const w = this.window;
    const fileOffset = w.baseOffset + at;
    const info = this.interfaces[r.id]!;
    const t = type === BLOCK.simplePacket ? this.untimed(fileOffset) : this.timed(r, fileOffset);
    this.unusual(r.cap, r.orig, t, this.lastNs, fileOffset);
    this.lastNs = type === BLOCK.simplePacket ? this.lastNs : t;
    info.packets++;
    if (r.drops > 0) info.noted.drops += r.drops;
    const n = batch.count++;
    batch.offset[n] = r.data;
    batch.capLen[n] = r.cap;
    batch.origLen[n] = r.orig;
    batch.tsNs[n] = t;
    batch.iface[n] = r.id;
    batch.linkType[n] = info.linkType;
    batch.fileOffset[n] = fileOffset;
    const options = r.data + ((r.cap + 3) & ~3);
    if (type !== BLOCK.simplePacket && options + 4 <= end) this.packetOptions(info, this.packets + batch.count, options, end, fileOffset);
  }

  private packetOptions(info: InterfaceInfo, packetNumber: number, at: number, end: number, fileOffset: number): void {
    const { bytes, view } = this.window;
    for (const option of blockOptions(view, at, end, this.little, this.findings, fileOffset)) {
      if (option.code === 1) this.keeper.comment(packetNumber, text(bytes, option.at, option.length), fileOffset);
      else if (option.code === 4 && option.length === 8) info.noted.drops += Number(view.getBigUint64(option.at, this.little));
    }
  }

  private timed(r: PacketFields, fileOffset: number): number {
    const clock = this.clocks[r.id]!;
    if (!this.hasEpoch) {
      this.hasEpoch = true;
      this.epochNs = clock.epochNs(r.high, r.low);
    }
    return clock.at(r.high, r.low, this.epochNs, this, fileOffset, this.lastNs);
  }

  private untimed(fileOffset: number): number {
    this.findings.add('no-timestamp', fileOffset);
    return this.lastNs === Number.NEGATIVE_INFINITY ? 0 : this.lastNs;
  }

  /** One block that is no packet. Returns bytes needed, or 0 when it has been dealt with. */
  private step(): number {
    const w = this.window;
    const type = w.view.getUint32(w.start, this.little);
    if (type === BLOCK.section) return this.sectionHeader();
    if (this.section < 0) {
      this.stop('bad-block', `The file does not begin with a section header.`);
      return 0;
    }
    const total = this.totalLength();
    if (total > MAX_SIDE_BLOCK_BYTES && total <= w.remaining) {
      this.findings.add('side-data-limit', w.offset, `The block at offset ${String(w.offset)} of ${String(total)} bytes was passed over.`);
      this.toSkip = w.skip(total);
      return this.toSkip > 0 ? 1 : 0;
    }
    const need = this.frame(MAX_SIDE_BLOCK_BYTES);
    if (need !== 0) return need;
    if (this.done) return 0;
    if (!this.foreign) this.sideBlock(type, w.start, w.start + w.view.getUint32(w.start + 4, this.little) - 4);
    w.start += total;
    return 0;
  }

  /** Length of the block at the window's start, with the padding that some writers leave out of it. */
  private totalLength(): number {
    return (this.window.view.getUint32(this.window.start + 4, this.little) + 3) & ~3;
  }

  /**
   * Checks the frame of the block at the window's start: length sound, whole block in the window, both lengths equal.
   * Returns bytes needed, 0 if it is all there; stops the reader where the next block cannot be found.
   */
  private frame(limitBytes: number): number {
    const w = this.window;
    const at = w.offset;
    const stated = w.view.getUint32(w.start + 4, this.little);
    if (stated < 12 || stated > limitBytes) {
      this.stop(
        stated < 12 ? 'bad-block' : 'absurd-length',
        `The block at offset ${String(at)} claims to be ${String(stated)} bytes long.`,
      );
      return 0;
    }
    const total = (stated + 3) & ~3;
    if (total > w.remaining) {
      this.stop('truncated-tail', `The block at offset ${String(at)} needs ${String(total)} bytes; the file ends before.`);
      return 0;
    }
    if (w.available < total) return total;
    const again = w.view.getUint32(w.start + total - 4, this.little);
    if (again !== stated && w.view.getUint32(w.start + stated - 4, this.little) !== stated) {
      this.stop(
        'bad-block',
        `The block at offset ${String(at)} says it has ${String(stated)} bytes at its start and ${String(again)} at its end.`,
      );
    }
    return 0;
  }

  private sectionHeader(): number {
    const w = this.window;
    if (w.available < 28) {
      if (w.remaining < 28) this.stop('truncated-tail', `The section header at offset ${String(w.offset)} is cut.`);
      return this.done ? 0 : 28;
    }
    const at = w.start;
    const fileOffset = w.offset;
    const little = w.view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
    if (!little && w.view.getUint32(at + 8, false) !== BYTE_ORDER_MAGIC) {
      this.stop('bad-block', `The section header at offset ${String(fileOffset)} has no byte-order magic.`);
      return 0;
    }
    const before = this.little;
    this.little = little;
    const need = this.frame(MAX_SIDE_BLOCK_BYTES);
    if (need !== 0 || this.done) {
      this.little = need !== 0 ? before : little;
      return need;
    }
    const major = w.view.getUint16(at + 12, little);
    const minor = w.view.getUint16(at + 14, little);
    this.foreign = major !== 1;
    if (this.foreign) {
      this.findings.add(
        'unsupported-version',
        fileOffset,
        `The section at offset ${String(fileOffset)} has version ${String(major)}.${String(minor)}; only 1.x is defined. Its packets are skipped.`,
      );
    } else if (minor !== 0 && minor !== 2) {
      this.findings.add(
        'bad-header',
        fileOffset,
        `The section at offset ${String(fileOffset)} has version 1.${String(minor)}; read as 1.0.`,
      );
    }
    this.section++;
    this.sectionFirst = this.interfaces.length;
    this.sectionInterfaces = 0;
    if (this.side.sections.length < MAX_SECTIONS) {
      this.side.sections.push(sectionOf(this.place(at, at + w.view.getUint32(at + 4, little) - 4)));
    } else this.findings.add('side-data-limit', fileOffset);
    w.start = at + this.totalLength();
    return 0;
  }

  private sideBlock(type: number, at: number, end: number): void {
    const fileOffset = this.window.baseOffset + at;
    if (type === BLOCK.interfaceDescription) this.interfaceBlock(at, end, fileOffset);
    else if (type === BLOCK.interfaceStatistics) this.statisticsBlock(at, end, fileOffset);
    else if (type === BLOCK.nameResolution) {
      this.keeper.block('name resolution');
      nameRecords(this.window.bytes, this.window.view, at + 8, end, this.little, (address, names) => {
        this.keeper.name(address, names, fileOffset);
      });
    } else if (type === BLOCK.decryptionSecrets && at + 16 <= end) {
      this.keeper.block('decryption secrets');
      const { view } = this.window;
      this.keeper.secret(secretsKind(view.getUint32(at + 8, this.little)), view.getUint32(at + 12, this.little), fileOffset);
    } else if (type === BLOCK.custom || type === BLOCK.customNoCopy) this.keeper.block('custom');
    else {
      const known = passedOverName(type);
      this.keeper.block(known ?? `0x${type.toString(16).padStart(8, '0')}`);
      if (known === undefined)
        this.findings.add(
          'unknown-block',
          fileOffset,
          `The block at offset ${String(fileOffset)} is of the unknown kind 0x${type.toString(16)}.`,
        );
    }
  }

  /** Where a block lies, for the functions that take it apart. */
  private place(at: number, end: number): BlockPlace {
    const { bytes, view, baseOffset } = this.window;
    return { bytes, view, at, end, little: this.little, findings: this.findings, fileOffset: baseOffset + at };
  }

  private interfaceBlock(at: number, end: number, fileOffset: number): void {
    if (at + 16 > end) {
      this.findings.add('bad-block', fileOffset, `The interface description at offset ${String(fileOffset)} is too short.`);
      return;
    }
    if (this.interfaces.length >= MAX_INTERFACES) {
      this.findings.add('too-many-interfaces', fileOffset);
      return;
    }
    const info = interfaceOf(this.place(at, end), this.interfaces.length, this.section);
    this.interfaces.push(info);
    this.clocks.push(new InterfaceClock(info));
    this.maxCaptured.push(maxCapturedBytes(info.linkType, info.snapLenBytes));
    this.sectionInterfaces++;
    this.checkLinkType(info.linkType, fileOffset);
  }

  private statisticsBlock(at: number, end: number, fileOffset: number): void {
    this.keeper.block('interface statistics');
    const number = at + 20 <= end ? this.window.view.getUint32(at + 8, this.little) : Number.MAX_SAFE_INTEGER;
    if (number < this.sectionInterfaces) {
      addStatistics(this.interfaces[this.sectionFirst + number]!, this.place(at, end));
      return;
    }
    this.findings.add(
      'bad-block',
      fileOffset,
      `The interface statistics at offset ${String(fileOffset)} are of no interface that is described.`,
    );
  }

  /** Notes what is odd about a packet that is kept. */
  private unusual(cap: number, orig: number, tNs: number, lastNs: number, fileOffset: number): void {
    if (cap > orig)
      this.findings.add(
        'caplen-beyond-orig',
        fileOffset,
        `The packet at offset ${String(fileOffset)} has ${String(cap)} bytes of a packet of ${String(orig)}.`,
      );
    if (tNs < lastNs) this.findings.add('time-backwards', fileOffset);
  }
}
