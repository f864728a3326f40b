import { createHash } from 'node:crypto';
import { EngineError, type EngineErrorData } from '../contract/index.ts';
import { MAX_CLOCK_NS, err, ok, type Result } from '../base/index.ts';
import { fileByteSource } from './file-source.ts';
import type { Finding } from './findings.ts';
import { linkTypeName } from './link-types.ts';
import { openCapture, type OpenOptions } from './open.ts';
import { CHUNK_BYTES, RecordBatch, type InterfaceInfo, type PacketSource, type SectionInfo } from './types.ts';

/** One interface in the summary. */
export interface InterfaceSummary {
  readonly id: number;
  readonly linkType: number;
  readonly linkTypeName: string;
  readonly snapLenBytes: number;
  /** Ticks a second, as a decimal string. */
  readonly ticksPerSecond: string;
  readonly packets: number;
  readonly name?: string;
  readonly description?: string;
  readonly filter?: string;
  readonly os?: string;
  readonly statistics?: InterfaceInfo['statistics'];
  readonly notedDrops?: number;
}

/** What a capture file holds, as `ringside info` prints it. Plain data, ready for JSON. */
export interface CaptureInfo {
  readonly file: string;
  /** Length of the file as it lies on the disk. */
  readonly fileBytes: number;
  readonly format: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly packets: number;
  /** Bytes on the wire. */
  readonly bytes: number;
  readonly capturedBytes: number;
  readonly interfaces: readonly InterfaceSummary[];
  /** Earliest and latest time, ns since 1970 as decimal strings; null without a packet that has a time. */
  readonly firstNs: string | null;
  readonly lastNs: string | null;
  /** Reasons for which packets are missing, and how often. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Reasons worth noting for which nothing is missing. */
  readonly notes: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  readonly comments: number;
  readonly sections: readonly SectionInfo[];
  readonly blocks: Readonly<Record<string, number>>;
  readonly names: number;
  readonly secrets: number;
  readonly error: EngineErrorData | null;
  readonly sha256?: string;
}

export interface InfoOptions extends OpenOptions {
  readonly sha256?: boolean;
  readonly shouldCancel?: () => boolean;
}

/** Reads a whole file and summarises it. Never rejects: a file that cannot be opened gives a summary with `error`. */
export async function captureInfo(path: string, options: InfoOptions = {}): Promise<CaptureInfo> {
  const hash = options.sha256 === true ? sha256File(path, options) : undefined;
  const extra = hash?.ok === true ? { sha256: hash.value } : {};
  const opened = await openCapture(path, options);
  if (!opened.ok) return { ...emptyInfo(path, opened.error.data), ...extra };
  try {
    const { source, compression } = opened.value;
    const totals = readThrough(source, options);
    return { ...summary(path, source, totals, compression), ...extra };
  } finally {
    opened.value.close();
  }
}

interface Totals {
  packets: number;
  bytes: number;
  capturedBytes: number;
  minNs: number;
  maxNs: number;
  cancelled: boolean;
}

function readThrough(source: PacketSource, options: InfoOptions): Totals {
  const batch = new RecordBatch();
  const totals: Totals = {
    packets: 0,
    bytes: 0,
    capturedBytes: 0,
    minNs: Number.POSITIVE_INFINITY,
    maxNs: Number.NEGATIVE_INFINITY,
    cancelled: false,
  };
  while (source.nextBatch(batch)) {
    addBatch(totals, batch);
    if (options.shouldCancel?.() === true) {
      totals.cancelled = true;
      break;
    }
  }
  return totals;
}

function addBatch(totals: Totals, batch: RecordBatch): void {
  const { count, tsNs, origLen, capLen } = batch;
  totals.packets += count;
  for (let i = 0; i < count; i++) {
    totals.bytes += origLen[i]!;
    totals.capturedBytes += capLen[i]!;
    if (tsNs[i]! < totals.minNs) totals.minNs = tsNs[i]!;
    if (tsNs[i]! > totals.maxNs) totals.maxNs = tsNs[i]!;
  }
}

function summary(path: string, source: PacketSource, totals: Totals, compression: CaptureInfo['compression']): CaptureInfo {
  const [first, last] = timeRange(source, totals);
  let comments = 0;
  for (const list of source.side.packetComments.values()) comments += list.length;
  return {
    file: path,
    fileBytes: sizeOf(path),
    format: source.format,
    compression,
    packets: totals.packets,
    bytes: totals.bytes,
    capturedBytes: totals.capturedBytes,
    interfaces: source.interfaces.map(interfaceSummary),
    firstNs: first,
    lastNs: last,
    skipped: source.skipped,
    notes: source.findings.notes(),
    findings: source.findings.list,
    comments,
    sections: source.side.sections,
    blocks: source.side.blocks,
    names: source.side.names.length,
    secrets: source.side.secrets.length,
    error: totals.cancelled ? { code: 'cancelled', message: 'Reading was cancelled.', where: { file: path } } : null,
  };
}

/** Earliest and latest time with the true values of those that the clock cannot show. */
function timeRange(source: PacketSource, totals: Totals): [string | null, string | null] {
  if (!source.hasEpoch || totals.packets === 0) return [null, null];
  let first = source.epochNs + BigInt(totals.minNs);
  let last = source.epochNs + BigInt(totals.maxNs);
  const rounded = source.roundedRange;
  if (rounded !== undefined) {
    // A rounded value is off by up to a microsecond; the true one is known.
    if (totals.minNs < -MAX_CLOCK_NS) first = rounded.minNs;
    if (totals.maxNs > MAX_CLOCK_NS) last = rounded.maxNs;
  }
  return [first.toString(), last.toString()];
}

function interfaceSummary(info: InterfaceInfo): InterfaceSummary {
  return {
    id: info.id,
    linkType: info.linkType,
    linkTypeName: linkTypeName(info.linkType) ?? 'unknown',
    snapLenBytes: info.snapLenBytes,
    ticksPerSecond: info.ticksPerSecond.toString(),
    packets: info.packets,
    ...(info.name === undefined ? {} : { name: info.name }),
    ...(info.description === undefined ? {} : { description: info.description }),
    ...(info.filter === undefined ? {} : { filter: info.filter }),
    ...(info.os === undefined ? {} : { os: info.os }),
    ...(info.statistics === undefined ? {} : { statistics: info.statistics }),
    ...(info.noted.drops === 0 ? {} : { notedDrops: info.noted.drops }),
  };
}

function emptyInfo(path: string, error: EngineErrorData): CaptureInfo {
  return {
    file: path,
    fileBytes: sizeOf(path),
    format: 'unknown',
    compression: 'none',
    packets: 0,
    bytes: 0,
    capturedBytes: 0,
    interfaces: [],
    firstNs: null,
    lastNs: null,
    skipped: {},
    notes: {},
    findings: [],
    comments: 0,
    sections: [],
    blocks: {},
    names: 0,
    secrets: 0,
    error,
  };
}

function sizeOf(path: string): number {
  const source = fileByteSource(path);
  if (!source.ok) return 0;
  const size = source.value.sizeBytes;
  source.value.close();
  return Number.isFinite(size) ? size : 0;
}

/** SHA-256 of a file as it lies on the disk, in hex, read in chunks. */
export function sha256File(
  path: string,
  options: { readonly onProgress?: (bytesRead: number) => void; readonly shouldCancel?: () => boolean } = {},
): Result<string, EngineError> {
  const source = fileByteSource(path);
  if (!source.ok) return source;
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  let at = 0;
  try {
    for (;;) {
      const n = source.value.read(chunk, 0, chunk.length, at);
      if (n <= 0) return ok(hash.digest('hex'));
      hash.update(chunk.subarray(0, n));
      at += n;
      options.onProgress?.(at);
      if (options.shouldCancel?.() === true)
        return err(new EngineError({ code: 'cancelled', message: 'Hashing was cancelled.', where: { file: path } }));
    }
  } catch (error) {
    return err(
      new EngineError({
        code: 'bad-input',
        message: `The file cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
        where: { file: path },
      }),
    );
  } finally {
    source.value.close();
  }
}
