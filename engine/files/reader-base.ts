import { MAX_CLOCK_NS } from '../base/index.ts';
import type { ByteSource } from './byte-source.ts';
import { FindingLog } from './findings.ts';
import { linkTypeName } from './link-types.ts';
import { SideDataKeeper } from './side-data.ts';
import { CHUNK_BYTES, MAX_CAPTURED_BYTES, MAX_RECORD_BYTES, type InterfaceInfo, type RecordBatch, type SideData } from './types.ts';
import { Window } from './window.ts';

/** Largest number of ns from the first packet's time at which every nanosecond is still exact. */
export const CLOCK_LIMIT_NS = MAX_CLOCK_NS;
const LIMIT = BigInt(CLOCK_LIMIT_NS);

/**
 * Farthest time from the first packet that the clock goes, 146 years: more than 32-bit seconds reach, and near enough that adding a microsecond
 * still moves the clock. Farther times, which only a damaged file has, stand at this end.
 */
export const CLOCK_END_NS = 2 ** 62;

export interface ReaderOptions {
  /** Where chunks are read into; may be a view on shared memory. 256 KiB when left out. */
  readonly buffer?: Uint8Array;
  /** Where the format itself begins, for pipes whose first bytes have been looked at already. */
  readonly head?: Uint8Array;
}

/** The smallest buffer a reader takes: one jumbo frame and every header. */
export const MIN_BUFFER_BYTES = 16 * 1024;

/** What pcap, pcapng and snoop readers have in common. */
export abstract class ReaderBase {
  readonly findings = new FindingLog();
  readonly interfaces: InterfaceInfo[] = [];
  epochNs = 0n;
  hasEpoch = false;
  roundedRange: { minNs: bigint; maxNs: bigint } | undefined = undefined;
  private lastRoundedNs = 0n;
  protected readonly window: Window;
  protected readonly keeper: SideDataKeeper;
  protected readonly source: ByteSource;
  /** Packets delivered so far. */
  protected packets = 0;
  protected done = false;

  constructor(source: ByteSource, options: ReaderOptions) {
    this.source = source;
    this.keeper = new SideDataKeeper(this.findings);
    const given = options.buffer;
    const buffer = given !== undefined && given.length >= MIN_BUFFER_BYTES ? given : new Uint8Array(CHUNK_BYTES);
    this.window = new Window(source, buffer, this.findings);
  }

  /**
   * A time (ns since 1970) as clock time: the distance to the epoch. Beyond 104 days a double no longer holds every nanosecond: the
   * distance is rounded (by less than 1 us), which is counted, and the true value widens `roundedRange`. `lastNs` is the clock time
   * of the packet before. For the rare packet only: it works on bigints.
   */
  round(timeNs: bigint, fileOffset: number, lastNs: number): number {
    const distance = timeNs - this.epochNs;
    if (distance <= LIMIT && distance >= -LIMIT) return Number(distance);
    this.findings.add('time-rounded', fileOffset);
    const range = this.roundedRange;
    if (range === undefined) this.roundedRange = { minNs: timeNs, maxNs: timeNs };
    else if (timeNs < range.minNs) range.minNs = timeNs;
    else if (timeNs > range.maxNs) range.maxNs = timeNs;
    const rounded = Math.min(Math.max(Number(distance), -CLOCK_END_NS), CLOCK_END_NS);
    // Two packets that round to the same instant look equally old; their true times tell.
    if (lastNs === rounded && timeNs < this.lastRoundedNs) this.findings.add('time-backwards', fileOffset);
    this.lastRoundedNs = timeNs;
    return rounded;
  }

  get skipped(): Record<string, number> {
    return this.findings.skipped();
  }

  get side(): SideData {
    return this.keeper.data;
  }

  progress(): { bytesRead: number; bytesTotal: number } {
    return { bytesRead: this.window.offset, bytesTotal: this.source.sizeBytes };
  }

  close(): void {
    this.done = true;
    this.source.close();
  }

  /** Reads one batch. See PacketSource.nextBatch. */
  nextBatch(batch: RecordBatch): boolean {
    batch.count = 0;
    while (!this.done) {
      batch.bytes = this.window.bytes;
      const needBytes = this.walk(batch);
      if (batch.count > 0) {
        this.packets += batch.count;
        return true;
      }
      if (this.done) break;
      if (needBytes === 0) continue;
      if (!this.window.more(needBytes)) {
        if (!this.window.atEnd) return true;
        if (this.window.available > 0) this.tail(needBytes);
        this.done = true;
      }
    }
    return false;
  }

  /**
   * Takes what whole records the window holds into the batch and returns how many bytes, from the first unused one, the next
   * step needs in the window; 0 if it went on without delivering. Must not move bytes once the batch has a record.
   */
  protected abstract walk(batch: RecordBatch): number;

  /** The file ends inside a record. */
  protected tail(needBytes: number): void {
    const at = this.window.offset;
    this.findings.add(
      'truncated-tail',
      at,
      `The file ends inside a record at offset ${String(at)}: ${String(this.window.available)} bytes are there, ${String(needBytes)} are needed at least.`,
    );
  }

  /** Gives up at this offset: nothing after it can be found. */
  protected stop(reason: 'absurd-length' | 'bad-block' | 'truncated-tail', message: string): void {
    const left = this.window.remaining;
    const rest = Number.isFinite(left) ? ` The last ${String(left)} bytes of the file were not read.` : '';
    this.findings.add(reason, this.window.offset, message + rest);
    this.done = true;
  }

  protected checkLinkType(linkType: number, fileOffset: number): void {
    if (linkTypeName(linkType) !== undefined) return;
    this.findings.add('unknown-linktype', fileOffset, `Link type ${String(linkType)} has no known name; its packets are shown as bytes.`);
  }
}

/** Link types whose records may be as large as their protocol allows, not as a network frame: D-Bus, USB, EBHSCR. */
const LARGE_LINK_TYPES: readonly number[] = [186, 189, 220, 231, 249, 266, 279];

/** Captured bytes a record of this interface may claim before it is taken for a lie. */
export function maxCapturedBytes(linkType: number, snapLenBytes: number): number {
  if (LARGE_LINK_TYPES.includes(linkType)) return MAX_RECORD_BYTES;
  return Math.max(MAX_CAPTURED_BYTES, Math.min(snapLenBytes, MAX_RECORD_BYTES));
}
