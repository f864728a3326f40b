/** Bytes of capture files for tests, written field by field, so that the readers are not only tested against our own writers. */
import { memoryByteSource, openSource, RecordBatch, type ByteSource, type PacketSource } from './index.ts';
import { unwrap } from '../base/index.ts';

/** A packet as a test sees it. */
export interface Seen {
  tsNs: number;
  capLen: number;
  origLen: number;
  iface: number;
  linkType: number;
  fileOffset: number;
  data: number[];
}

/** Little builder of binary files: numbers with a width in the file's byte order, bytes and padding. */
export class Bytes {
  private readonly out: number[] = [];
  private readonly little: boolean;

  constructor(little = true) {
    this.little = little;
  }

  get length(): number {
    return this.out.length;
  }

  num(value: number | bigint, width: 1 | 2 | 4 | 8): this {
    const v = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < width; i++) this.out.push(Number((v >> BigInt(8 * (this.little ? i : width - 1 - i))) & 0xffn));
    return this;
  }

  u8(...values: number[]): this {
    for (const v of values) this.num(v, 1);
    return this;
  }

  u16(...values: number[]): this {
    for (const v of values) this.num(v, 2);
    return this;
  }

  u32(...values: number[]): this {
    for (const v of values) this.num(v, 4);
    return this;
  }

  u64(value: number | bigint): this {
    return this.num(value, 8);
  }

  raw(bytes: Iterable<number>): this {
    for (const b of bytes) this.out.push(b);
    return this;
  }

  pad4(): this {
    while (this.out.length % 4 !== 0) this.out.push(0);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.out);
  }
}

export function pcapHeader(
  little: boolean,
  magic: number,
  linkType: number,
  snapLen = 65535,
  version: [number, number] = [2, 4],
): Uint8Array {
  return new Bytes(little)
    .u32(magic)
    .u16(...version)
    .u32(0, 0, snapLen, linkType)
    .done();
}

/** A pcapng block with its two lengths. */
export function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
  const total = 12 + ((body.length + 3) & ~3);
  return new Bytes(little).u32(type, total).raw(body).pad4().u32(total).done();
}

export function option(little: boolean, code: number, value: Iterable<number>): Uint8Array {
  const bytes = [...value];
  return new Bytes(little).u16(code, bytes.length).raw(bytes).pad4().done();
}

export function section(little: boolean, options: Uint8Array = new Uint8Array(0), version: [number, number] = [1, 0]): Uint8Array {
  return block(
    little,
    0x0a0d0d0a,
    new Bytes(little)
      .u32(0x1a2b3c4d)
      .u16(...version)
      .u64(-1n)
      .raw(options)
      .done(),
  );
}

export function iface(little: boolean, linkType: number, snapLen = 0, options: Uint8Array = new Uint8Array(0)): Uint8Array {
  return block(little, 1, new Bytes(little).u16(linkType, 0).u32(snapLen).raw(options).done());
}

export function epb(
  little: boolean,
  number: number,
  units: bigint,
  data: Iterable<number>,
  origLen?: number,
  options: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const bytes = [...data];
  const body = new Bytes(little)
    .u32(number, Number((units >> 32n) & 0xffff_ffffn), Number(units & 0xffff_ffffn), bytes.length, origLen ?? bytes.length)
    .raw(bytes)
    .pad4()
    .raw(options);
  return block(little, 6, body.done());
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Bytes().raw(parts.flatMap((part) => [...part])).done();
}

export function openBytes(bytes: Uint8Array, buffer?: Uint8Array): PacketSource {
  return unwrap(openSource(memoryByteSource(bytes), 'memory', buffer === undefined ? {} : { buffer }));
}

/** Reads everything, copying each packet. `limit` ends a source that never stops: a test then fails instead of hanging. */
export function readAll(source: PacketSource, batch = new RecordBatch(64), limit = 1_000_000): Seen[] {
  const out: Seen[] = [];
  for (let calls = 0; source.nextBatch(batch); calls++) {
    if (calls > limit) throw new Error('the source does not end');
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i]!;
      out.push({
        tsNs: batch.tsNs[i]!,
        capLen: batch.capLen[i]!,
        origLen: batch.origLen[i]!,
        iface: batch.iface[i]!,
        linkType: batch.linkType[i]!,
        fileOffset: batch.fileOffset[i]!,
        data: [...batch.bytes.subarray(at, at + batch.capLen[i]!)],
      });
    }
  }
  return out;
}

/** A pipe: the bytes come in pieces of the given size, with pauses. */
export function pipeOf(bytes: Uint8Array, piece: number): ByteSource {
  let at = 0;
  let pause = false;
  return {
    sizeBytes: Number.POSITIVE_INFINITY,
    seekable: false,
    read(into, offset, length, position) {
      if (position !== at) throw new Error('a pipe was read out of order');
      pause = !pause;
      if (pause) return -1;
      const n = Math.min(piece, length, bytes.length - at);
      into.set(bytes.subarray(at, at + n), offset);
      at += n;
      return n;
    },
    close() {
      at = bytes.length;
    },
  };
}
