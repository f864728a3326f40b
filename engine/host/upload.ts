import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EngineError, type InputRef } from '../contract/index.ts';
import { TempFolder } from '../files/index.ts';
import type { Inputs } from './inputs.ts';

/** Largest file a browser may hand over. Larger ones are opened by name: `ringside serve FILE`. */
export const MAX_UPLOAD_BYTES = 8 * 1024 ** 3;
/** Uploads at the same time. */
const MAX_UPLOADS = 4;
const MAX_NAME_CHARS = 200;

/** Takes files from a browser, streamed into a private folder that goes with the process. */
export class Uploads {
  private readonly inputs: Inputs;
  private readonly maxBytes: number;
  private folder: TempFolder | undefined;
  private running = 0;

  constructor(inputs: Inputs, maxBytes = MAX_UPLOAD_BYTES) {
    this.inputs = inputs;
    this.maxBytes = maxBytes;
  }

  /** Reads the body of a request into a file. Rejects with EngineError `limit` where it is too large; nothing is left behind then. */
  async receive(request: IncomingMessage, name: string): Promise<InputRef> {
    if (Number(request.headers['content-length'] ?? 0) > this.maxBytes) throw tooLarge(this.maxBytes);
    if (this.running >= MAX_UPLOADS) throw new EngineError({ code: 'busy', message: `${MAX_UPLOADS} files are being sent already.` });
    this.folder ??= new TempFolder('upload');
    const path = join(this.folder.path, randomBytes(9).toString('hex'));
    this.running++;
    try {
      await pipeline(request, limiter(this.maxBytes), createWriteStream(path, { flags: 'wx', mode: 0o600 }));
      return this.inputs.add(path, { name: cleanName(name), folder: 'from the browser', temporary: true });
    } catch (error) {
      await rm(path, { force: true });
      if (error instanceof EngineError) throw error;
      throw new EngineError({
        code: 'unavailable',
        message: `The file did not arrive: ${error instanceof Error ? error.message : String(error)}.`,
      });
    } finally {
      this.running--;
    }
  }

  dispose(): void {
    this.folder?.dispose();
    this.folder = undefined;
  }
}

const tooLarge = (maxBytes: number): EngineError =>
  new EngineError({
    code: 'limit',
    message: `A browser may hand over ${maxBytes} bytes at most.`,
    fix: 'Open large files by name: ringside serve FILE',
  });

function limiter(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
}

/** A file name for display: no folders, no control characters. */
function cleanName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const printable = [...last].filter((c) => c >= ' ' && c !== '\u007f').join('');
  return printable.slice(0, MAX_NAME_CHARS) || 'capture';
}
