import { readSync } from 'node:fs';
import { newCapDevice } from './cap-module.ts';
import { FRAME_HEADER_BYTES, MAX_FRAME_BYTES, type SendEnd } from './injector.ts';

/** `cap` opens an interface for both ways and must be given a buffer: this small one is never used, because the filter takes no packet. */
const UNUSED_BUFFER_BYTES = 65_536;
/** No packet is that short; a filter that says so plainly is refused. */
const NOTHING = 'less 1';
/** Read at a time. */
const READ_BYTES = 256 * 1024;
const STANDARD_INPUT = 0;

/**
 * Sends the frames that come on standard input, each behind its length, until that ends; then tells on standard output what became of them. It never
 * goes back to the event loop: there `cap` would end the process as soon as the interface goes away. Throws where the interface cannot be opened.
 */
export function sendFrames(device: string): void {
  const unused = Buffer.alloc(UNUSED_BUFFER_BYTES);
  const cap = newCapDevice();
  cap.open(device, NOTHING, UNUSED_BUFFER_BYTES, unused);
  process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
  const end: SendEnd = { sent: 0, refused: 0, why: '' };
  const input = Buffer.alloc(READ_BYTES + MAX_FRAME_BYTES + FRAME_HEADER_BYTES);
  let filled = 0;
  for (let got = read(input, filled); got > 0; got = read(input, filled)) {
    filled += got;
    let at = 0;
    while (filled - at >= FRAME_HEADER_BYTES) {
      const bytes = input.readUInt32LE(at);
      if (filled - at < FRAME_HEADER_BYTES + bytes) break;
      try {
        cap.send(input.subarray(at + FRAME_HEADER_BYTES), bytes);
        end.sent++;
      } catch (error) {
        end.refused++;
        end.why = error instanceof Error ? error.message : String(error);
      }
      at += FRAME_HEADER_BYTES + bytes;
    }
    input.copyWithin(0, at, filled);
    filled -= at;
  }
  process.stdout.write(`${JSON.stringify(end)}\n`);
  process.exit(0);
}

/** Bytes read, 0 at the end. */
function read(input: Buffer, at: number): number {
  for (;;) {
    try {
      return readSync(STANDARD_INPUT, input, at, Math.min(READ_BYTES, input.length - at), null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EINTR' && code !== 'EAGAIN') throw error;
    }
  }
}
