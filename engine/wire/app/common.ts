import type { FieldNode } from '../../contract/index.ts';
import { u16, u24, u32 } from '../../base/index.ts';
import { dissectData } from '../payload.ts';
import { markShort } from '../reader.ts';
import type { DissectContext } from '../registry.ts';
import type { FieldOptions, TreeBuilder } from '../tree.ts';
import { hexNumber, hexText, formatIpv4, formatIpv6, named } from './text.ts';

/** Sets the list columns. The tree itself leaves them alone inside a packet quoted in an error. */
export function columns(context: DissectContext, protocol: string, info: string): void {
  context.tree.protocol = protocol;
  context.tree.info = info;
}

/** Shows [start, end) as bytes at the top level: nothing is known about them. */
export function showData(context: DissectContext, start: number, end: number): void {
  dissectData(context, start, end);
}

/** Says that a layer ends early: cut by a snap length, or broken by its sender. */
export function expertShort(context: DissectContext, what: string, end: number): void {
  markShort(context, what, end);
}

/**
 * Reads fields one after the other and puts each into the tree. Every read checks the end first: past it, the cursor
 * becomes `short` and reads give zero and add nothing, so a dissector can be written straight down and ask once.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly tree: TreeBuilder;
  at: number;
  end: number;
  short = false;

  constructor(context: { readonly bytes: Uint8Array; readonly tree: TreeBuilder }, start: number, end: number) {
    this.bytes = context.bytes;
    this.tree = context.tree;
    this.at = start;
    this.end = Math.min(end, context.bytes.length);
  }

  /** Bytes left; none once a read did not fit, so that loops over them end. */
  get left(): number {
    return this.short ? 0 : this.end - this.at;
  }

  /** True if `length` bytes can be taken; otherwise the cursor is short from here on. */
  has(length: number): boolean {
    if (this.short || length < 0 || this.end - this.at < length) {
      this.short = true;
      return false;
    }
    return true;
  }

  /** Takes `length` bytes without showing them; their offset, or -1. */
  skip(length: number): number {
    if (!this.has(length)) return -1;
    const o = this.at;
    this.at += length;
    return o;
  }

  private number(size: 1 | 2 | 3 | 4, o: number): number {
    if (size === 1) return this.bytes[o]!;
    if (size === 2) return u16(this.bytes, o);
    return size === 3 ? u24(this.bytes, o) : u32(this.bytes, o);
  }

  /** A number of 1 to 4 bytes; `show` says how it reads, decimal where absent. */
  uint(size: 1 | 2 | 3 | 4, name: string, label: string, show?: (value: number) => string, options?: FieldOptions): number {
    const o = this.skip(size);
    if (o < 0) return 0;
    const value = this.number(size, o);
    if (!this.tree.columnsOnly) this.tree.field(name, label, show?.(value) ?? String(value), o, size, { raw: value, ...options });
    return value;
  }

  /** A number shown in hex. */
  hex(size: 1 | 2 | 3 | 4, name: string, label: string): number {
    return this.uint(size, name, label, (value) => hexNumber(value, size * 2));
  }

  /** A number with names for its values. */
  named(size: 1 | 2 | 3 | 4, name: string, label: string, names: Readonly<Record<number, string>>): number {
    return this.uint(size, name, label, (value) => named(names, value));
  }

  ipv4(name: string, label: string): string {
    const o = this.skip(4);
    if (o < 0) return '';
    const text = formatIpv4(this.bytes, o);
    this.tree.field(name, label, text, o, 4, { raw: text });
    return text;
  }

  ipv6(name: string, label: string): string {
    const o = this.skip(16);
    if (o < 0) return '';
    const text = formatIpv6(this.bytes, o);
    this.tree.field(name, label, text, o, 16, { raw: text });
    return text;
  }

  /** Bytes shown as hex; nothing is added for an empty run. */
  data(length: number, name: string, label: string): number {
    const o = this.skip(length);
    if (o >= 0 && length > 0 && !this.tree.columnsOnly) this.tree.field(name, label, hexText(this.bytes, o, o + length), o, length);
    return o;
  }

  /** Runs `body` on a cursor bounded to the next `length` bytes (or what is left of them) and moves past them. */
  within(length: number, body: (inner: Cursor) => void): void {
    const stop = Math.min(this.end, this.at + Math.max(0, length));
    if (this.at + length > this.end) this.short = true;
    const inner = new Cursor(this, this.at, stop);
    body(inner);
    this.at = stop;
  }

  /** Opens a subtree, runs `body`, closes it and sets its length to what was read. */
  group(name: string, label: string, body: (node: FieldNode) => void, options?: FieldOptions): FieldNode {
    const start = this.at;
    const node = this.tree.open(name, label, start, 0, options);
    body(node);
    node.length = this.at - start;
    this.tree.close();
    return node;
  }
}

/** One bit field inside a number already read: `mask` picks it, and the value is shifted down. */
export function bits(
  cursor: Cursor,
  name: string,
  label: string,
  word: number,
  mask: number,
  offset: number,
  size: number,
  show?: (value: number) => string,
): number {
  const shift = 31 - Math.clz32(mask & -mask);
  const value = (word & mask) >>> shift;
  cursor.tree.field(name, label, show?.(value) ?? String(value), offset, size, { raw: value });
  return value;
}

/** One flag bit. */
export function flag(cursor: Cursor, name: string, label: string, word: number, mask: number, offset: number, size: number): boolean {
  const on = (word & mask) !== 0;
  cursor.tree.field(name, label, on ? 'Set' : 'Not set', offset, size, { raw: on });
  return on;
}
