import { EngineError } from '../contract/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import type { ByteSource } from './byte-source.ts';
import { DETECT_BYTES, detectFormat, type CaptureFormat } from './detect.ts';
import { fileByteSource } from './file-source.ts';
import { PcapReader } from './pcap.ts';
import { PcapngReader } from './pcapng.ts';
import type { ReaderBase, ReaderOptions } from './reader-base.ts';
import { SnoopReader } from './snoop.ts';
import type { PacketSource } from './types.ts';
import { unpack, type UnpackOptions } from './unpack.ts';

/** Reads the first bytes of a seekable source. */
function headOf(source: ByteSource): Result<Uint8Array, string> {
  const head = new Uint8Array(Math.min(DETECT_BYTES, source.sizeBytes));
  let length = 0;
  try {
    while (length < head.length) {
      const n = source.read(head, length, head.length - length, length);
      if (n <= 0) break;
      length += n;
    }
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
  return ok(head.subarray(0, length));
}

/** The sentence for a file that is no capture. */
function notACapture(file: string, looksLike: string): EngineError {
  const none = looksLike.startsWith('no ');
  return new EngineError({
    code: 'unsupported',
    message: none
      ? 'The first bytes of this file are those of no capture format that is known.'
      : `This is no capture that can be read: it looks like ${looksLike}.`,
    where: { file, offset: 0 },
    fix: 'Ringside reads pcap, pcapng and snoop, also inside gzip or zstd. Other captures: editcap -F pcapng IN OUT.pcapng',
  });
}

/**
 * Opens a packet source on bytes whose format is known or told by their first bytes. A pipe cannot be looked at first, so its
 * format must be given.
 */
export function openSource(
  source: ByteSource,
  file: string,
  options: ReaderOptions & { format?: 'pcap' | 'pcapng' | 'snoop' } = {},
): Result<PacketSource & ReaderBase, EngineError> {
  let format: CaptureFormat | undefined = options.format;
  if (source.seekable) {
    const head = headOf(source);
    if (!head.ok) return err(new EngineError({ code: 'bad-input', message: `The file cannot be read: ${head.error}.`, where: { file } }));
    const detected = detectFormat(head.value);
    if ('looksLike' in detected) return err(notACapture(file, detected.looksLike));
    const archaic = detected.format === 'pcap' ? archaicVersion(head.value) : undefined;
    if (archaic !== undefined) return err(archaicError(file, archaic));
    format = detected.format;
  }
  if (format === 'pcap') return ok(new PcapReader(source, options));
  if (format === 'pcapng') return ok(new PcapngReader(source, options));
  if (format === 'snoop') return ok(new SnoopReader(source, options));
  if (format === undefined) {
    return err(new EngineError({ code: 'unsupported', message: 'A pipe is read only when its format is given.', where: { file } }));
  }
  return err(
    new EngineError({ code: 'unsupported', message: `A compressed capture (${format}) must be unpacked first.`, where: { file } }),
  );
}

/** pcap files before version 2 have records of another kind; nobody's reader knows them any more. */
function archaicVersion(head: Uint8Array): number | undefined {
  if (head.length < 6) return undefined;
  const little = head[0] === 0xd4 || head[0] === 0x4d || head[0] === 0x34 || head[0] === 0xac || head[0] === 0xab;
  const major = little ? head[4]! | (head[5]! << 8) : (head[4]! << 8) | head[5]!;
  return major < 2 ? major : undefined;
}

function archaicError(file: string, major: number): EngineError {
  return new EngineError({
    code: 'unsupported',
    message: `This pcap file has major version ${String(major)}; versions before 2 were never documented and cannot be read.`,
    where: { file, offset: 4 },
  });
}

export interface OpenOptions extends UnpackOptions {
  readonly buffer?: Uint8Array;
}

/** An opened capture file. `source` starts at its first packet; `reopen` gives another that starts over. */
export interface CaptureFile {
  /** The file as it was named. */
  readonly path: string;
  /** Where its (unpacked) bytes are: for workers and for reading at random. */
  readonly dataPath: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly source: PacketSource;
  reopen(buffer?: Uint8Array): Result<PacketSource, EngineError>;
  /** Closes the source and removes the temporary file of a compressed capture. */
  close(): void;
}

/** Opens a capture file of any supported format, unpacking it first where it is compressed. */
export async function openCapture(path: string, options: OpenOptions = {}): Promise<Result<CaptureFile, EngineError>> {
  const compression = compressionOf(path);
  if (!compression.ok) return compression;
  if (compression.value === 'none') return openPlain(path, path, 'none', options.buffer);
  const unpacked = await unpack(path, compression.value, options);
  if (!unpacked.ok) return unpacked;
  const opened = openPlain(path, unpacked.value.path, compression.value, options.buffer, () => {
    unpacked.value.remove();
  });
  if (!opened.ok) {
    unpacked.value.remove();
    return opened;
  }
  for (const finding of unpacked.value.findings) opened.value.source.findings.add(finding.reason, finding.fileOffset, finding.message);
  return opened;
}

/** Opens an uncompressed capture without waiting. Fails on a compressed one. */
export function openCaptureSync(path: string, buffer?: Uint8Array): Result<CaptureFile, EngineError> {
  return openPlain(path, path, 'none', buffer);
}

function compressionOf(path: string): Result<'none' | 'gzip' | 'zstd', EngineError> {
  const source = fileByteSource(path);
  if (!source.ok) return source;
  if (!source.value.seekable) {
    source.value.close();
    return ok('none');
  }
  const head = headOf(source.value);
  source.value.close();
  const detected = head.ok ? detectFormat(head.value) : undefined;
  return ok(
    detected !== undefined && 'format' in detected && (detected.format === 'gzip' || detected.format === 'zstd') ? detected.format : 'none',
  );
}

function openPlain(
  path: string,
  dataPath: string,
  compression: CaptureFile['compression'],
  buffer?: Uint8Array,
  after?: () => void,
): Result<CaptureFile, EngineError> {
  const open = (into?: Uint8Array): Result<PacketSource, EngineError> => {
    const bytes = fileByteSource(dataPath);
    if (!bytes.ok) return bytes;
    const source = openSource(bytes.value, path, into === undefined ? {} : { buffer: into });
    if (!source.ok) bytes.value.close();
    return source;
  };
  const source = open(buffer);
  if (!source.ok) return source;
  return ok({
    path,
    dataPath,
    compression,
    source: source.value,
    reopen: open,
    close() {
      source.value.close();
      after?.();
    },
  });
}
