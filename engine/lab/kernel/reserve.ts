import { assert } from '../../base/index.ts';

const LINE = 128;
const PAGE = 4_096;

/** Tables put one after the other into a part of a memory. Nothing is given back: it lasts for one run. */
export class Reserve {
  readonly buffer: ArrayBufferLike;
  private top: number;
  private readonly end: number;

  /** `from` and `end` are bytes of the buffer. */
  constructor(buffer: ArrayBufferLike, from: number, end: number) {
    this.buffer = buffer;
    this.top = Math.ceil(from / LINE) * LINE;
    this.end = end;
  }

  /** Where `lenBytes` zeroed bytes begin, on a line. */
  take(lenBytes: number): number {
    const at = this.top;
    this.top += Math.ceil(lenBytes / LINE) * LINE;
    assert(this.top <= this.end, 'a reserve is sized for all that is put into it');
    return at;
  }

  int32(words: number): Int32Array {
    return new Int32Array(this.buffer, this.take(words * 4), words);
  }

  uint32(words: number): Uint32Array {
    return new Uint32Array(this.buffer, this.take(words * 4), words);
  }

  float64(places: number): Float64Array {
    return new Float64Array(this.buffer, this.take(places * 8), places);
  }

  /** On a page of 4 KiB: what a file is read into. */
  pages(lenBytes: number): Uint8Array {
    this.top = Math.ceil(this.top / PAGE) * PAGE;
    return this.uint8(lenBytes);
  }

  uint8(lenBytes: number): Uint8Array {
    return new Uint8Array(this.buffer, this.take(lenBytes), lenBytes);
  }
}
