import { u32 } from '../base/index.ts';
import { mask4, type Prefix4, type Prefix6 } from './prefix64.ts';

/** One explicit address map. */
export interface EamEntry {
  readonly v4: Prefix4;
  readonly v6: Prefix6;
  /** Index of the pool6 prefix the map is bound to, or -1 for all. */
  readonly domain: number;
}

/**
 * Explicit address maps (RFC 7757 section 3). Prefixes may overlap in either family; the longest wins (sections 3.3.1 and 3.3.2).
 * Each family has its entries in an open-addressing hash table keyed by prefix length and masked address; a lookup probes the lengths in use,
 * longest first. Hosts' tables have one or two lengths, so a lookup is one or two probes, whatever the number of maps.
 */
export class EamTable {
  readonly entries: readonly EamEntry[];
  private readonly slots4: Int32Array;
  private readonly slots6: Int32Array;
  /** Prefix lengths in use, longest first. */
  private readonly lengths4: readonly number[];
  private readonly lengths6: readonly number[];
  private readonly domains: readonly number[];
  private readonly words = new Uint32Array(4);

  constructor(entries: readonly EamEntry[]) {
    this.entries = entries;
    let size = 16;
    while (size < entries.length * 2) size *= 2;
    this.slots4 = new Int32Array(size).fill(-1);
    this.slots6 = new Int32Array(size).fill(-1);
    this.lengths4 = [...new Set(entries.map((entry) => entry.v4.length))].sort((a, b) => b - a);
    this.lengths6 = [...new Set(entries.map((entry) => entry.v6.length))].sort((a, b) => b - a);
    this.domains = [...new Set(entries.map((entry) => entry.domain))];
    entries.forEach((_, index) => this.insert(index));
  }

  private insert(index: number): void {
    const entry = this.entries[index]!;
    let at = hash4(entry.v4.value, entry.v4.length) & (this.slots4.length - 1);
    while (this.slots4[at]! >= 0) at = (at + 1) & (this.slots4.length - 1);
    this.slots4[at] = index;
    this.load(entry.v6.bytes, 0, entry.v6.length);
    at = this.hash6(entry.v6.length, entry.domain) & (this.slots6.length - 1);
    while (this.slots6[at]! >= 0) at = (at + 1) & (this.slots6.length - 1);
    this.slots6[at] = index;
  }

  private load(b: Uint8Array, o: number, length: number): void {
    for (let w = 0; w < 4; w++) {
      const bits = length - 32 * w;
      this.words[w] = bits >= 32 ? u32(b, o + 4 * w) : bits <= 0 ? 0 : u32(b, o + 4 * w) & mask4(bits);
    }
  }

  private hash6(length: number, domain: number): number {
    let h = Math.imul(length + 1 + (domain + 1) * 131, 0x9e3779b1);
    for (let w = 0; w < 4; w++) h = Math.imul(h ^ this.words[w]!, 0x85ebca6b) ^ (h >>> 15);
    return (h ^ (h >>> 13)) >>> 0;
  }

  /** Index of the entry whose IPv4 prefix is the longest that holds `v4`, or -1. Of equal prefixes the first one given wins. */
  find4(v4: number): number {
    for (let i = 0; i < this.lengths4.length; i++) {
      const length = this.lengths4[i]!;
      const key = (v4 & mask4(length)) >>> 0;
      let at = hash4(key, length) & (this.slots4.length - 1);
      for (let index = this.slots4[at]!; index >= 0; index = this.slots4[at]!) {
        const prefix = this.entries[index]!.v4;
        if (prefix.length === length && prefix.value === key) return index;
        at = (at + 1) & (this.slots4.length - 1);
      }
    }
    return -1;
  }

  /** Index of the entry of `domain` whose IPv6 prefix is the longest that holds the address at `o`, or -1. */
  find6(b: Uint8Array, o: number, domain: number): number {
    for (let i = 0; i < this.lengths6.length; i++) {
      const length = this.lengths6[i]!;
      this.load(b, o, length);
      let at = this.hash6(length, domain) & (this.slots6.length - 1);
      for (let index = this.slots6[at]!; index >= 0; index = this.slots6[at]!) {
        const entry = this.entries[index]!;
        if (entry.domain === domain && entry.v6.length === length && this.equals(entry.v6.bytes)) return index;
        at = (at + 1) & (this.slots6.length - 1);
      }
    }
    return -1;
  }

  /** Indexes of all entries whose IPv4 prefix holds `v4`: longest first, equal ones as they were given. Allocates. */
  holding4(v4: number): number[] {
    const out: number[] = [];
    for (const length of this.lengths4) {
      const key = (v4 & mask4(length)) >>> 0;
      let at = hash4(key, length) & (this.slots4.length - 1);
      for (let index = this.slots4[at]!; index >= 0; index = this.slots4[at]!) {
        const prefix = this.entries[index]!.v4;
        if (prefix.length === length && prefix.value === key) out.push(index);
        at = (at + 1) & (this.slots4.length - 1);
      }
    }
    return out;
  }

  /** The same for the IPv6 address at `o`, whatever the domains of the entries. */
  holding6(b: Uint8Array, o: number): number[] {
    const out: number[] = [];
    for (const length of this.lengths6) for (const domain of this.domains) this.collect6(b, o, length, domain, out);
    const { entries } = this;
    return out.sort((x, y) => entries[y]!.v6.length - entries[x]!.v6.length || x - y);
  }

  private collect6(b: Uint8Array, o: number, length: number, domain: number, out: number[]): void {
    this.load(b, o, length);
    let at = this.hash6(length, domain) & (this.slots6.length - 1);
    for (let index = this.slots6[at]!; index >= 0; index = this.slots6[at]!) {
      const entry = this.entries[index]!;
      if (entry.domain === domain && entry.v6.length === length && this.equals(entry.v6.bytes)) out.push(index);
      at = (at + 1) & (this.slots6.length - 1);
    }
  }

  private equals(bytes: Uint8Array): boolean {
    for (let w = 0; w < 4; w++) if (this.words[w] !== u32(bytes, 4 * w)) return false;
    return true;
  }

  /** IPv6 address of `v4` by entry `index`: the IPv4 suffix follows the IPv6 prefix, the rest is zero (RFC 7757 section 3.3.1). */
  to6(index: number, v4: number, out: Uint8Array, o: number): void {
    const { v4: from, v6: to } = this.entries[index]!;
    for (let i = 0; i < 16; i++) out[o + i] = to.bytes[i]!;
    const bits = 32 - from.length;
    for (let i = 0; i < bits; i++) {
      if (((v4 >>> (bits - 1 - i)) & 1) === 0) continue;
      const bit = to.length + i;
      out[o + (bit >>> 3)] = out[o + (bit >>> 3)]! | (0x80 >>> (bit & 7));
    }
  }

  /** IPv4 address of the IPv6 address at `o` by entry `index`; bits past the suffix are dropped (RFC 7757 section 3.3.2). */
  to4(index: number, b: Uint8Array, o: number): number {
    const { v4: to, v6: from } = this.entries[index]!;
    const bits = 32 - to.length;
    let suffix = 0;
    for (let i = 0; i < bits; i++) {
      const bit = from.length + i;
      suffix = (suffix << 1) | ((b[o + (bit >>> 3)]! >>> (7 - (bit & 7))) & 1);
    }
    return ((to.value >>> 0) + (suffix >>> 0)) >>> 0;
  }
}

function hash4(key: number, length: number): number {
  const h = Math.imul(key ^ Math.imul(length + 1, 0x9e3779b1), 0x85ebca6b);
  return (h ^ (h >>> 15)) >>> 0;
}
