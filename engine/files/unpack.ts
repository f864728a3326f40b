import { closeSync, createReadStream, createWriteStream, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Transform, Writable, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { EngineError } from '../contract/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import type { Finding } from './findings.ts';
import { TempFolder } from './temp-folder.ts';

/** Bytes a compressed capture may unpack to. Larger than any capture people compress, small enough not to fill a disk unseen. */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024 * 1024;

/** Compressed bytes handed to the decompressor at a time. What a damaged stream loses is at most what this unpacks to. */
const PACKED_CHUNK_BYTES = 16 * 1024;

export interface UnpackOptions {
  readonly maxUnpackedBytes?: number;
  readonly onProgress?: (bytesRead: number) => void;
  readonly signal?: AbortSignal;
}

export interface Unpacked {
  readonly path: string;
  readonly findings: readonly Finding[];
  /** Removes the temporary file. */
  remove(): void;
}

type ZlibWithZstd = typeof zlib & { createZstdDecompress?: () => Transform };

/** True where this runtime can unpack zstd (Node 22.15, 23.8 and later). */
export function haveZstd(): boolean {
  return (zlib as ZlibWithZstd).createZstdDecompress !== undefined;
}

/**
 * Unpacks a gzip or zstd file into a private temporary file (folder 0700). A damaged or cut stream keeps what came before the
 * damage, with a finding. Fails when cancelled, when the disk is full, or when the runtime has no zstd.
 */
export async function unpack(path: string, format: 'gzip' | 'zstd', options: UnpackOptions = {}): Promise<Result<Unpacked, EngineError>> {
  const decompressor = format === 'gzip' ? zlib.createGunzip({ chunkSize: 64 * 1024 }) : (zlib as ZlibWithZstd).createZstdDecompress?.();
  if (decompressor === undefined) {
    return err(
      new EngineError({
        code: 'unsupported',
        message: `This capture is compressed with zstd, which Node ${process.versions.node} cannot unpack.`,
        where: { file: path },
        fix: 'Unpack it first (zstd -d FILE), or run Ringside on Node 22.15 or later.',
      }),
    );
  }
  const folder = new TempFolder('unpack');
  const remove = (): void => {
    folder.dispose();
  };
  const target = join(folder.path, 'capture');
  const outcome = await run(path, target, decompressor, options);
  if (!outcome.ok) {
    remove();
    return outcome;
  }
  const damaged = outcome.value.some(({ reason }) => reason === 'damaged-compression');
  const salvaged = damaged && format === 'gzip' ? await salvage(path, folder.path, statSync(target).size, options) : undefined;
  return ok(salvaged === undefined ? { path: target, findings: outcome.value, remove } : { ...salvaged, remove });
}

/**
 * A gzip file that failed, once more without its frame: a wrong check value, or something behind the end, does not concern the data before it,
 * but makes the decompressor throw its last output away. Undefined where that gives no more than there was.
 */
async function salvage(
  path: string,
  folder: string,
  hadBytes: number,
  options: UnpackOptions,
): Promise<{ path: string; findings: Finding[] } | undefined> {
  const start = gzipHeaderBytes(path);
  if (start === undefined) return undefined;
  const target = join(folder, 'salvaged');
  const outcome = await run(path, target, zlib.createInflateRaw({ chunkSize: 64 * 1024 }), options, start);
  const bytes = statSync(target, { throwIfNoEntry: false })?.size ?? 0;
  if (!outcome.ok || bytes <= hadBytes) return undefined;
  const whole: Finding = {
    reason: 'damaged-compression',
    fileOffset: bytes,
    message: `The end of the compressed stream is damaged or followed by something else; the ${String(bytes)} bytes before it are kept.`,
  };
  return { path: target, findings: outcome.value.length === 0 ? [whole] : outcome.value };
}

/** Longest gzip header that is looked for: names and comments in it are short. */
const MAX_GZIP_HEADER_BYTES = 64 * 1024;

/** Length of a gzip member's header (RFC 1952, section 2.3); undefined if it does not end in time. */
function gzipHeaderBytes(path: string): number | undefined {
  const head = Buffer.alloc(MAX_GZIP_HEADER_BYTES);
  const fd = openSync(path, 'r');
  const length = readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
  const flags = head[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + head.readUInt16LE(at);
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = head.indexOf(0, at);
    if (end < 0) return undefined;
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  return at < length ? at : undefined;
}

/** Marks the end that the limit makes, so that it is told from a failure. */
class LimitReached extends Error {}

async function run(
  path: string,
  target: string,
  decompressor: Transform,
  options: UnpackOptions,
  start = 0,
): Promise<Result<Finding[], EngineError>> {
  const limit = options.maxUnpackedBytes ?? MAX_UNPACKED_BYTES;
  const input = createReadStream(path, { highWaterMark: PACKED_CHUNK_BYTES, start });
  const output = createWriteStream(target, { mode: 0o600, flags: 'wx' });
  let unpackedBytes = 0;
  let damage: Error | undefined;
  // The output is fed by hand: a pipeline would destroy it, and what it has not written, when the decompressor fails.
  const sink = new Writable({
    highWaterMark: 256 * 1024,
    write(chunk: Buffer, _encoding, done) {
      const room = Math.max(0, limit - unpackedBytes);
      const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
      unpackedBytes += part.length;
      output.write(part, (error) => {
        done(error ?? (part.length < chunk.length ? new LimitReached() : null));
      });
    },
  });
  const report = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      options.onProgress?.(input.bytesRead);
      done(null, chunk);
    },
  });
  const outputFailed = new Promise<Error>((resolve) => output.once('error', resolve));
  try {
    await Promise.race([
      pipeline(input, report, decompressor, sink, { signal: options.signal }),
      outputFailed.then((e) => Promise.reject(e)),
    ]);
  } catch (error) {
    damage = error instanceof Error ? error : new Error(String(error));
  }
  const flushed = await new Promise<Error | null>((resolve) => {
    output.once('error', resolve);
    output.end(() => {
      resolve(null);
    });
    if (output.errored) resolve(output.errored);
  });
  return verdict(path, damage ?? flushed ?? undefined, unpackedBytes, limit);
}

function verdict(path: string, error: Error | undefined, unpackedBytes: number, limit: number): Result<Finding[], EngineError> {
  if (error === undefined) return ok([]);
  const where = { file: path };
  if (error.name === 'AbortError') return err(new EngineError({ code: 'cancelled', message: 'Unpacking was cancelled.', where }));
  if (error instanceof LimitReached) {
    return ok([
      {
        reason: 'decompression-limit',
        fileOffset: unpackedBytes,
        message: `Unpacking stopped at the limit of ${String(limit)} bytes; the rest of the capture was not read.`,
      },
    ]);
  }
  const code = 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_') || code.startsWith('ZSTD') || code.startsWith('ERR_ZSTD') || code.startsWith('ERR_ZLIB')) {
    return ok([
      {
        reason: 'damaged-compression',
        fileOffset: unpackedBytes,
        message: `The compressed stream is damaged or cut (${error.message}); the ${String(unpackedBytes)} bytes before that are kept.`,
      },
    ]);
  }
  return err(
    new EngineError({
      code: code === 'ENOSPC' ? 'limit' : 'bad-input',
      message: `Unpacking failed: ${error.message}.`,
      where,
      ...(code === 'ENOSPC' ? { fix: 'Free space in the folder for temporary files, or set TMPDIR to one with more.' } : {}),
    }),
  );
}
