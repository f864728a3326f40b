import { putU16, putU32, u16, u32 } from '../../base/index.ts';
import { ADDRESS_BYTES, addressBytes, addressText, type Family } from '../addresses.ts';
import type { PimSource } from './pim-messages.ts';

/** Fields of PIM messages: numbers, and the encoded addresses of RFC 7761 section 4.9.1. */

/** Grows by doubling; a Join/Prune of a router with many groups is cut into messages by the sender long before this matters. */
export class PimWriter {
  bytes = new Uint8Array(256);
  length = 0;
  private readonly family: Family;

  constructor(family: Family) {
    this.family = family;
  }

  room(bytes: number): number {
    if (this.length + bytes > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + bytes));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    const at = this.length;
    this.length += bytes;
    return at;
  }
  u8(v: number): void {
    const at = this.room(1);
    this.bytes[at] = v;
  }
  u16(v: number): void {
    const at = this.room(2);
    putU16(this.bytes, at, v);
  }
  u32(v: number): void {
    const at = this.room(4);
    putU32(this.bytes, at, v >>> 0);
  }
  raw(b: Uint8Array): void {
    const at = this.room(b.length);
    this.bytes.set(b, at);
  }
  unicast(address: string): void {
    this.u8(this.family === 4 ? 1 : 2);
    this.u8(0);
    this.raw(addressBytes(address));
  }
  group(address: string, maskLength: number, bidirectional = false): void {
    this.u8(this.family === 4 ? 1 : 2);
    this.u8(0);
    this.u8(bidirectional ? 0x80 : 0);
    this.u8(maskLength);
    this.raw(addressBytes(address));
  }
  source({ source, wildcard, rpt }: PimSource): void {
    this.u8(this.family === 4 ? 1 : 2);
    this.u8(0);
    this.u8(4 | (wildcard ? 2 : 0) | (rpt ? 1 : 0));
    this.u8(ADDRESS_BYTES[this.family] * 8);
    this.raw(addressBytes(source));
  }
}

/** Bytes of an address by its PIM address family, 0 for what is neither IPv4 nor IPv6. */
function familyBytes(family: number): number {
  return family === 1 ? 4 : family === 2 ? 16 : 0;
}

/** Reads with a mark for bytes that are not there: after one, everything reads as zero. */
export class PimReader {
  short = false;
  /** An address of the other family was there. */
  foreign = false;
  at: number;
  readonly end: number;
  readonly b: Uint8Array;
  private readonly family: Family;

  constructor(b: Uint8Array, at: number, end: number, family: Family) {
    this.b = b;
    this.at = at;
    this.end = end;
    this.family = family;
  }
  private take(bytes: number): number {
    if (this.at + bytes > this.end) {
      this.short = true;
      this.at = this.end;
      return -1;
    }
    const at = this.at;
    this.at += bytes;
    return at;
  }
  get more(): boolean {
    return !this.short && this.at < this.end;
  }
  u8(): number {
    const at = this.take(1);
    return at < 0 ? 0 : this.b[at]!;
  }
  u16(): number {
    const at = this.take(2);
    return at < 0 ? 0 : u16(this.b, at);
  }
  u32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : u32(this.b, at);
  }
  sub(bytes: number): PimReader {
    const at = this.take(bytes);
    return at < 0 ? new PimReader(this.b, this.end, this.end, this.family) : new PimReader(this.b, at, at + bytes, this.family);
  }
  skip(bytes: number): void {
    this.take(bytes);
  }
  /**
   * Native encoding of IPv4 or IPv6 (RFC 7761 section 4.9.1). One of the other family than the packet's is passed over and empty, and `foreign`
   * tells it.
   */
  private address(family: number): string {
    const bytes = familyBytes(family);
    if (bytes === 0) this.short = true;
    const at = this.take(bytes);
    if (bytes !== ADDRESS_BYTES[this.family]) {
      this.foreign = true;
      return '';
    }
    return at < 0 || this.short ? '' : addressText(this.b, at, this.family);
  }
  unicast(): string {
    const family = this.u8();
    this.u8();
    return this.address(family);
  }
  group(): { group: string; maskLength: number; bidirectional: boolean } {
    const family = this.u8();
    this.skip(1);
    const bidirectional = (this.u8() & 0x80) !== 0;
    const maskLength = this.u8();
    // A mask cannot be longer than the address.
    if (maskLength > familyBytes(family) * 8) this.short = true;
    return { group: this.address(family), maskLength, bidirectional };
  }
  source(): PimSource {
    const family = this.u8();
    const encoding = this.u8();
    const flags = this.u8();
    // One host, never a network: what is told otherwise is not taken.
    if (this.u8() !== familyBytes(family) * 8) this.short = true;
    const source = this.address(family);
    // RFC 5384: attributes until one has the end bit.
    for (let last = encoding !== 1; !last && this.more;) {
      last = (this.u8() & 0x40) !== 0;
      this.skip(this.u8());
    }
    return { source, wildcard: (flags & 2) !== 0, rpt: (flags & 1) !== 0 };
  }
}
