import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { EngineError } from '../contract/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import type { ByteSource } from './byte-source.ts';

/** Opens a file for reading. A pipe or a device is refused before it is opened: opening a pipe waits for its other end, perhaps for ever. */
export function fileByteSource(path: string): Result<ByteSource, EngineError> {
  let fd: number;
  try {
    const kind = statSync(path);
    if (!kind.isFile() && !kind.isDirectory()) {
      return err(
        new EngineError({
          code: 'unsupported',
          message: 'This is a pipe or a device, not a capture file.',
          where: { file: path },
          fix: 'Save it to a file first: cat PIPE > capture.pcap',
        }),
      );
    }
    fd = openSync(path, 'r');
  } catch (error) {
    return err(openError(path, error));
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) {
      closeSync(fd);
      return err(new EngineError({ code: 'bad-input', message: 'This is a folder, not a capture file.', where: { file: path } }));
    }
    return ok(descriptorByteSource(fd, stat.isFile() ? stat.size : Number.POSITIVE_INFINITY));
  } catch (error) {
    closeSync(fd);
    return err(openError(path, error));
  }
}

/** Bytes of an open file descriptor, which `close` closes. A length of Infinity means a pipe, which is read in order. */
export function descriptorByteSource(fd: number, sizeBytes: number): ByteSource {
  const seekable = Number.isFinite(sizeBytes);
  let open = true;
  return {
    sizeBytes,
    seekable,
    read: (into, offset, length, position) => (open ? readSync(fd, into, offset, length, seekable ? position : null) : 0),
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** What the operating system said about opening a file, with what to do about it. */
export function openError(path: string, error: unknown): EngineError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const where = { file: path };
  if (code === 'ENOENT') return new EngineError({ code: 'not-found', message: 'There is no such file.', where });
  if (code === 'EACCES' || code === 'EPERM') {
    return new EngineError({
      code: 'permission',
      message: 'This file may not be read by the current user.',
      where,
      fix: `sudo chmod a+r -- '${path.replaceAll("'", "'\\''")}'`,
    });
  }
  if (code === 'EMFILE' || code === 'ENFILE')
    return new EngineError({ code: 'limit', message: 'Too many files are open.', where, fix: 'ulimit -n 4096' });
  return new EngineError({
    code: 'bad-input',
    message: `The file cannot be opened: ${error instanceof Error ? error.message : String(error)}.`,
    where,
  });
}
