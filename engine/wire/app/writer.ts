import { putU16, putU24 } from '../../base/index.ts';

/** Grows a byte string, with lengths filled in afterwards. For builders; nothing here reads packets. */
export class ByteWriter {
  private buffer = new Uint8Array(256);
  length = 0;

  private room(count: number): number {
    const o = this.length;
    if (o + count > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.buffer.length * 2, o + count));
      grown.set(this.buffer.subarray(0, o));
      this.buffer = grown;
    }
    this.length = o + count;
    return o;
  }

  u8(value: number): this {
    const o = this.room(1);
    this.buffer[o] = value;
    return this;
  }

  u16(value: number): this {
    const o = this.room(2);
    putU16(this.buffer, o, value);
    return this;
  }

  u24(value: number): this {
    const o = this.room(3);
    putU24(this.buffer, o, value);
    return this;
  }

  u32(value: number): this {
    return this.u16((value >>> 16) & 0xffff).u16(value & 0xffff);
  }

  bytes(value: Uint8Array): this {
    const o = this.room(value.length);
    this.buffer.set(value, o);
    return this;
  }

  /** UTF-8 text. */
  text(value: string): this {
    return this.bytes(new TextEncoder().encode(value));
  }

  zeros(count: number): this {
    const o = this.room(count);
    this.buffer.fill(0, o, o + count);
    return this;
  }

  /** Writes a length of `size` bytes, then what `body` writes, then fills the length in. */
  sized(size: 1 | 2 | 3, body: () => void): this {
    const o = this.room(size);
    body();
    const length = this.length - o - size;
    if (size === 1) this.buffer[o] = length;
    else if (size === 2) putU16(this.buffer, o, length);
    else putU24(this.buffer, o, length);
    return this;
  }

  /** Overwrites two bytes written before. */
  patchU16(offset: number, value: number): void {
    putU16(this.buffer, offset, value);
  }

  done(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }
}
