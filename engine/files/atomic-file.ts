import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EngineError } from '../contract/index.ts';
import { err, ok, type Result } from '../base/index.ts';

/** Bytes collected before a write. */
const BUFFER_BYTES = 256 * 1024;
/** Pieces from this length on are written from where they are. */
const LARGE_BYTES = 64 * 1024;

export interface AtomicFileOptions {
  /** False for what can be made again: the disk need not have all of it before the file gets its name. */
  readonly sync?: boolean;
}

/** Where a capture writer puts its bytes. Failures are kept and told by `finish`, so that writing stays a plain call. */
export interface ByteSink {
  /** Copies bytes [start, end). */
  write(bytes: Uint8Array, start?: number, end?: number): void;
  readonly bytesWritten: number;
  finish(): Result<{ bytesWritten: number }, EngineError>;
  /** Gives up: nothing stays behind. */
  abort(): void;
}

let counter = 0;

/**
 * A file that appears under its name only when it is complete: bytes go to a temporary file in the same folder, which is
 * synced (unless told otherwise) and renamed at the end, and removed when given up.
 */
export function atomicFile(path: string, { sync = true }: AtomicFileOptions = {}): Result<ByteSink, EngineError> {
  const temporary = join(dirname(path), `.${basename(path)}.${String(process.pid)}.${String(++counter)}.part`);
  try {
    return ok(new AtomicFile(path, temporary, openSync(temporary, 'wx', 0o644), sync));
  } catch (error) {
    return err(writeError(path, error));
  }
}

class AtomicFile implements ByteSink {
  bytesWritten = 0;
  private readonly path: string;
  private readonly temporary: string;
  private fd: number | undefined;
  private readonly sync: boolean;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private used = 0;
  private failure: EngineError | undefined;

  constructor(path: string, temporary: string, fd: number, sync: boolean) {
    this.sync = sync;
    this.path = path;
    this.temporary = temporary;
    this.fd = fd;
  }

  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const length = end - start;
    if (this.used + length > BUFFER_BYTES || length >= LARGE_BYTES) this.flush();
    if (length >= LARGE_BYTES) this.put(bytes, start, end);
    else {
      if (length <= 64) for (let i = 0; i < length; i++) this.buffer[this.used + i] = bytes[start + i]!;
      else this.buffer.set(bytes.subarray(start, end), this.used);
      this.used += length;
    }
    this.bytesWritten += length;
  }

  finish(): Result<{ bytesWritten: number }, EngineError> {
    this.flush();
    try {
      if (this.fd !== undefined && this.failure === undefined) {
        if (this.sync) fsyncSync(this.fd);
        this.closeFile();
        renameSync(this.temporary, this.path);
        return ok({ bytesWritten: this.bytesWritten });
      }
    } catch (error) {
      this.failure = writeError(this.path, error);
    }
    const failure =
      this.failure ??
      new EngineError({ code: 'internal', message: 'The file has been finished or given up already.', where: { file: this.path } });
    this.abort();
    return err(failure);
  }

  abort(): void {
    if (this.fd === undefined) {
      if (this.failure !== undefined) rmSync(this.temporary, { force: true });
      return;
    }
    this.closeFile();
    rmSync(this.temporary, { force: true });
  }

  private closeFile(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private flush(): void {
    this.put(this.buffer, 0, this.used);
    this.used = 0;
  }

  private put(bytes: Uint8Array, start: number, end: number): void {
    if (this.fd === undefined || this.failure !== undefined) return;
    try {
      for (let at = start; at < end;) at += writeSync(this.fd, bytes, at, end - at);
    } catch (error) {
      this.failure = writeError(this.path, error);
    }
  }
}

/** Collects bytes in memory, for tests, downloads and pipes. */
export class MemorySink implements ByteSink {
  private parts: Uint8Array[] = [];
  bytesWritten = 0;

  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.parts.push(bytes.slice(start, end));
    this.bytesWritten += end - start;
  }

  finish(): Result<{ bytesWritten: number }, EngineError> {
    return ok({ bytesWritten: this.bytesWritten });
  }

  abort(): void {
    this.parts = [];
  }

  /** Everything written so far. */
  bytes(): Uint8Array {
    const out = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

function writeError(path: string, error: unknown): EngineError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = error instanceof Error ? error.message : String(error);
  const where = { file: path };
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new EngineError({
      code: 'permission',
      message: 'The file may not be written there.',
      where,
      fix: 'Choose a folder that you may write to.',
    });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new EngineError({ code: 'limit', message: 'The disk is full.', where, fix: 'Free space, or choose another disk.' });
  if (code === 'ENOENT')
    return new EngineError({ code: 'not-found', message: 'The folder does not exist.', where, fix: 'Create the folder first.' });
  return new EngineError({ code: 'bad-input', message: `The file cannot be written: ${text}.`, where });
}
