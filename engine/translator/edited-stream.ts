/** A piece of a stream, such as a line or a message, that left as another one. */
interface Edit {
  /** Where it began, in bytes of the stream as it came. */
  readonly at: number;
  readonly lengthIn: number;
  readonly out: Uint8Array;
}

/** Edits kept for repeated segments; a handful are not yet acknowledged. Older ones only shift what follows. */
const MAX_EDITS = 256;

const EMPTY = new Uint8Array(0);

/**
 * One direction of a TCP connection whose lines or messages may change their length, of an FTP gateway (RFC 6384 section 5) or of DNS64: which sequence
 * number became which, the bytes that wait for the rest of their piece, and what each changed piece became, so that a repeated segment leaves as it did the
 * first time. Positions are bytes from the first one of the stream, as it came or as it left; 32 bits, as such connections are short.
 */
export class EditedStream {
  /** First byte that has not been handed on. */
  next = 0;
  /** Bytes from `next` on that have come and wait. */
  pending: Uint8Array = EMPTY;
  /** What the gateway itself says before the next byte: sent, and sent again with that byte, as nobody else repeats it. */
  prefix: Uint8Array = EMPTY;
  /** What has been acknowledged, in bytes as they left; window and timestamp as its sender told them last. */
  acknowledged = 0;
  window = 0;
  timestamp: number | undefined;
  /** Inside a line that is handed on as it comes. */
  inLine = false;
  /** Sequence number of the first byte. */
  readonly origin: number;
  private edits: Edit[] = [];
  /** Bytes that left more than came, before the first edit kept. */
  private base = 0;

  constructor(origin: number) {
    this.origin = origin;
  }

  positionOf(sequence: number): number {
    return (sequence - this.origin) | 0;
  }

  sequenceOf(position: number): number {
    return (position + this.origin) >>> 0;
  }

  get changesLength(): boolean {
    return this.base !== 0 || this.edits.length > 0 || this.prefix.length > 0;
  }

  /** Position after translation of a byte as it came. Inside a changed line the first bytes count one by one, the last takes the rest. */
  toOut(position: number): number {
    let shift = this.base;
    for (const { at, lengthIn, out } of this.edits) {
      if (position <= at) break;
      if (position < at + lengthIn) return at + shift + Math.min(position - at, out.length);
      shift += out.length - lengthIn;
    }
    return position + shift;
  }

  /** The reverse, for acknowledgements: a changed line is acknowledged when all of what it became is. */
  toIn(position: number): number {
    let shift = this.base;
    for (const { at, lengthIn, out } of this.edits) {
      const start = at + shift;
      if (position <= start && out.length > 0) break;
      if (position < start + out.length) return at + Math.min(position - start, lengthIn - 1);
      shift += out.length - lengthIn;
    }
    const before = position - shift;
    // Of the prefix nothing came from the other side: who acknowledges it acknowledges what stood before it.
    return before > this.next ? Math.max(this.next, before - this.prefix.length) : before;
  }

  /** Bytes that leave for those from `position` on, which came before: changed lines as they were changed. */
  again(position: number, bytes: Uint8Array): Uint8Array {
    const first = this.toOut(position);
    const out = new Uint8Array(this.toOut(position + bytes.length) - first);
    for (let i = 0; i < bytes.length; i++) {
      const to = this.toOut(position + i) - first;
      if (to < out.length) out[to] = bytes[i]!;
    }
    let shift = this.base;
    for (const edit of this.edits) {
      const start = edit.at + shift - first;
      for (let i = Math.max(0, -start); i < edit.out.length && start + i < out.length; i++) out[start + i] = edit.out[i]!;
      shift += edit.out.length - edit.lengthIn;
    }
    return out;
  }

  /** The gateway says this before the next byte. */
  say(bytes: Uint8Array): void {
    this.prefix = joined(this.prefix, bytes);
  }

  /** Takes new bytes at the end of what is pending. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.pending = joined(this.pending, bytes);
  }

  /** Hands on the first `length` pending bytes, as `out` where that is given, behind the prefix. Returns what leaves. */
  handOn(length: number, out?: Uint8Array): Uint8Array {
    const bytes = out ?? this.pending.slice(0, length);
    const leaves = this.prefix.length === 0 ? bytes : joined(this.prefix, bytes);
    if (out !== undefined || this.prefix.length > 0) {
      this.edits.push({ at: this.next, lengthIn: length, out: leaves });
      if (this.edits.length > MAX_EDITS) {
        const oldest = this.edits.shift()!;
        this.base += oldest.out.length - oldest.lengthIn;
      }
    }
    this.prefix = EMPTY;
    this.next += length;
    this.pending = this.pending.length === length ? EMPTY : this.pending.slice(length);
    return leaves;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
