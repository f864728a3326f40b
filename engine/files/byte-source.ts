/**
 * Where bytes come from. The format readers know nothing else, so that they run in a worker, in a browser and in a test alike.
 */
export interface ByteSource {
  /** Length in bytes; Infinity for a pipe. */
  readonly sizeBytes: number;
  /** False for a pipe: bytes come once and in order, and `position` must follow on. */
  readonly seekable: boolean;
  /**
   * Reads up to `length` bytes at `position` into `into` at `offset`. Returns how many, 0 at the end, NOTHING_YET if a live
   * source has none at the moment. Throws only what the operating system reports.
   */
  read(into: Uint8Array, offset: number, length: number, position: number): number;
  close(): void;
}

export const NOTHING_YET = -1;

/** Bytes in memory, for tests and for a browser. */
export function memoryByteSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    seekable: true,
    read(into, offset, length, position) {
      const n = Math.max(0, Math.min(length, bytes.length - position));
      if (n > 0) into.set(bytes.subarray(position, position + n), offset);
      return n;
    },
    close() {
      // nothing is held
    },
  };
}

/** Bytes held for a live source before `push` refuses more: about ten seconds of a saturated 50 Mbit/s link. */
export const MAX_PUSHED_BYTES = 64 * 1024 * 1024;

/** A live source that another part of the program feeds, such as the output of dumpcap. */
export class PushByteSource implements ByteSource {
  readonly sizeBytes = Number.POSITIVE_INFINITY;
  readonly seekable = false;
  private readonly queue: Uint8Array[] = [];
  private head = 0;
  private ended = false;
  private held = 0;

  /** Bytes pushed and not read yet. */
  get heldBytes(): number {
    return this.held;
  }

  /** Takes the bytes over (the caller must not change them). False, and nothing taken, if the queue is full. */
  push(bytes: Uint8Array): boolean {
    if (this.held + bytes.length > MAX_PUSHED_BYTES) return false;
    if (bytes.length > 0) this.queue.push(bytes);
    this.held += bytes.length;
    return true;
  }

  end(): void {
    this.ended = true;
  }

  read(into: Uint8Array, offset: number, length: number): number {
    let done = 0;
    while (done < length) {
      const first = this.queue[0];
      if (first === undefined) break;
      const n = Math.min(length - done, first.length - this.head);
      into.set(first.subarray(this.head, this.head + n), offset + done);
      done += n;
      this.head += n;
      if (this.head === first.length) {
        this.queue.shift();
        this.head = 0;
      }
    }
    this.held -= done;
    return done > 0 || this.ended ? done : NOTHING_YET;
  }

  close(): void {
    this.queue.length = 0;
    this.ended = true;
  }
}
