import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform, Writable, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { EngineError } from '../contract/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import type { Finding } from './findings.ts';

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

const live = new Set<string>();

/** Folders of temporary files that a normal exit removes, should nobody have closed their capture. */
function removeAtExit(folder: string): void {
  if (live.size === 0) {
    process.once('exit', () => {
      for (const left of live) rmSync(left, { recursive: true, force: true });
    });
  }
  live.add(folder);
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
  const folder = mkdtempSync(join(tmpdir(), 'ringside-'));
  removeAtExit(folder);
  const remove = (): void => {
    live.delete(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  const target = join(folder, 'capture');
  const outcome = await run(path, target, decompressor, options);
  if (!outcome.ok) {
    remove();
    return outcome;
  }
  return ok({ path: target, findings: outcome.value, remove });
}

/** Marks the end that the limit makes, so that it is told from a failure. */
class LimitReached extends Error {}

async function run(path: string, target: string, decompressor: Transform, options: UnpackOptions): Promise<Result<Finding[], EngineError>> {
  const limit = options.maxUnpackedBytes ?? MAX_UNPACKED_BYTES;
  const input = createReadStream(path, { highWaterMark: PACKED_CHUNK_BYTES });
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
