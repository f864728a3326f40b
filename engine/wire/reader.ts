import { hex, u16, u24, u32, u64 } from '../base/index.ts';
import { CHECKSUM_STATUS, type ChecksumVerdict } from './checksum.ts';
import { formatIpv4, formatIpv6, formatMac } from './address.ts';
import type { DissectContext } from './registry.ts';
import type { TreeBuilder } from './tree.ts';

/** How a number is shown: in hex, with a name from a table (`Echo request (8)`), or by a function. Plain decimal by default. */
export type Show = 'hex' | Readonly<Record<number, string>> | ((value: number) => string);

/** Longest run of bytes shown as text in one field; the rest is in the byte view anyway. */
const MAX_SHOWN_BYTES = 64;

export function hexNumber(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

export function showNumber(value: number, show: Show | undefined, digits: number): string {
  if (show === undefined) return String(value);
  if (show === 'hex') return hexNumber(value, digits);
  if (typeof show === 'function') return show(value);
  return `${show[value] ?? 'Unknown'} (${value})`;
}

export function showBytes(b: Uint8Array, start: number, end: number): string {
  return end - start > MAX_SHOWN_BYTES ? `${hex(b, start, start + MAX_SHOWN_BYTES)}…` : hex(b, start, end);
}

/** Bytes as text: printable ASCII kept, others as a middle dot. */
export function showText(b: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) {
    const c = b[i]!;
    text += c >= 0x20 && c < 0x7f ? String.fromCharCode(c) : '·';
  }
  return text;
}

/**
 * Reads fields one after the other and puts each into the tree. A read that does not fit sets `short`, adds nothing and
 * returns zero, and so does every read after it; the dissector ends with `finish`, which says what happened. So a
 * dissector reads straight on without a check per field, and a loop checks `more`.
 */
export class FieldReader {
  pos: number;
  short = false;
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly tree: TreeBuilder;
  private readonly context: DissectContext;

  constructor(context: DissectContext, start: number, end: number) {
    this.context = context;
    this.bytes = context.bytes;
    this.tree = context.tree;
    this.pos = start;
    this.end = end;
  }

  /** Bytes left. */
  get left(): number {
    return this.short ? 0 : this.end - this.pos;
  }

  /** True while there is something to read. */
  get more(): boolean {
    return !this.short && this.pos < this.end;
  }

  private take(n: number): boolean {
    if (this.short || n < 0 || this.pos + n > this.end) {
      this.short = true;
      return false;
    }
    return true;
  }

  private number(name: string, label: string, value: number, length: number, show: Show | undefined): number {
    if (!this.tree.columnsOnly) this.tree.field(name, label, showNumber(value, show, length * 2), this.pos, length, { raw: value });
    this.pos += length;
    return value;
  }

  u8(name: string, label: string, show?: Show): number {
    return this.take(1) ? this.number(name, label, this.bytes[this.pos]!, 1, show) : 0;
  }

  u16(name: string, label: string, show?: Show): number {
    return this.take(2) ? this.number(name, label, u16(this.bytes, this.pos), 2, show) : 0;
  }

  u24(name: string, label: string, show?: Show): number {
    return this.take(3) ? this.number(name, label, u24(this.bytes, this.pos), 3, show) : 0;
  }

  u32(name: string, label: string, show?: Show): number {
    return this.take(4) ? this.number(name, label, u32(this.bytes, this.pos), 4, show) : 0;
  }

  /** 64 bits, shown in decimal or hex; raw is the text, as a number would lose digits. */
  u64(name: string, label: string, show?: 'hex'): void {
    if (!this.take(8)) return;
    if (!this.tree.columnsOnly) {
      const text = show === 'hex' ? `0x${hex(this.bytes, this.pos, this.pos + 8)}` : u64(this.bytes, this.pos).toString();
      this.tree.field(name, label, text, this.pos, 8, { raw: text });
    }
    this.pos += 8;
  }

  ipv4(name: string, label: string): string {
    return this.take(4) ? this.text(name, label, formatIpv4(this.bytes, this.pos), 4) : '';
  }

  ipv6(name: string, label: string): string {
    return this.take(16) ? this.text(name, label, formatIpv6(this.bytes, this.pos), 16) : '';
  }

  mac(name: string, label: string): string {
    return this.take(6) ? this.text(name, label, formatMac(this.bytes, this.pos), 6) : '';
  }

  /** `length` bytes shown in hex. */
  hexBytes(name: string, label: string, length: number): void {
    if (length <= 0 || !this.take(length)) return;
    const shown = this.tree.columnsOnly ? '' : showBytes(this.bytes, this.pos, this.pos + length);
    this.text(name, label, shown, length);
  }

  /** `length` bytes shown as text. */
  textBytes(name: string, label: string, length: number): string {
    if (length <= 0 || !this.take(length)) return '';
    return this.text(name, label, showText(this.bytes, this.pos, this.pos + Math.min(length, 256)), length);
  }

  private text(name: string, label: string, text: string, length: number): string {
    this.tree.field(name, label, text, this.pos, length, { raw: text });
    this.pos += length;
    return text;
  }

  /** Looks at a number without moving; 0 beyond the end. */
  peek8(ahead = 0): number {
    return this.short || this.pos + ahead >= this.end ? 0 : this.bytes[this.pos + ahead]!;
  }

  peek16(ahead = 0): number {
    return this.short || this.pos + ahead + 2 > this.end ? 0 : u16(this.bytes, this.pos + ahead);
  }

  skip(length: number): void {
    if (this.take(length)) this.pos += length;
  }

  /** Reads all in a subtree and gives it its length; the body's return value is the subtree's text. */
  group(name: string, label: string, body: () => string): void {
    const start = this.pos;
    const node = this.tree.open(name, label, start, 0);
    node.value = body();
    node.length = this.pos - start;
    this.tree.close();
  }

  /** A reader over the next `length` bytes (fewer if cut), which are skipped here. */
  sub(length: number): FieldReader {
    const end = Math.min(this.end, this.pos + Math.max(0, length));
    const reader = new FieldReader(this.context, this.pos, this.short ? this.pos : end);
    if (this.short || this.pos + length > this.end) {
      this.short = true;
      reader.cut = true;
    }
    this.pos = end;
    return reader;
  }

  /** Set where the bytes this reader was given are fewer than their length field said. */
  cut = false;

  /** Says so in the tree if a read did not fit: cut by the capture, or the packet's own lengths are wrong. */
  finish(layerLabel: string): void {
    if (this.short) markShort(this.context, layerLabel, this.end);
  }
}

/** A finding for a layer that does not fit: cut by a snap length if the wire had more, malformed otherwise. */
export function markShort(context: DissectContext, layerLabel: string, end: number): void {
  const { tree } = context;
  const cut = context.wireEnd > end && end === context.bytes.length && context.cutBytes > 0;
  if (cut) {
    tree.expert('note', `[Packet size limited during capture: ${layerLabel} truncated]`);
    tree.field('_ws.short', '[Packet size limited during capture]', `${layerLabel} truncated`, end, 0, { generated: true });
  } else {
    tree.expert('error', `[Malformed Packet: ${layerLabel}]`);
    tree.field('_ws.malformed', '[Malformed Packet]', layerLabel, end, 0, { generated: true });
    if (tree.info === '' || !tree.info.endsWith('[Malformed Packet]')) {
      tree.info = tree.info === '' ? '[Malformed Packet]' : `${tree.info}[Malformed Packet]`;
    }
  }
}

/** One bit of a flags word, in a field that spans the whole word. */
export function flagBit(
  tree: TreeBuilder,
  name: string,
  label: string,
  word: number,
  mask: number,
  offset: number,
  length: number,
): boolean {
  const set = (word & mask) !== 0;
  if (!tree.columnsOnly) tree.field(name, label, set ? 'Set' : 'Not set', offset, length, { raw: set });
  return set;
}

/** A number that is part of a word, already shifted down. */
export function bitField(
  tree: TreeBuilder,
  name: string,
  label: string,
  value: number,
  offset: number,
  length: number,
  show?: Show,
): number {
  if (!tree.columnsOnly) tree.field(name, label, showNumber(value, show, length * 2), offset, length, { raw: value });
  return value;
}

const VERDICT_TEXT: Readonly<Record<ChecksumVerdict, string>> = {
  good: 'correct',
  bad: 'incorrect',
  unverified: 'unverified',
  absent: 'missing',
  illegal: 'zero, which is not allowed here',
};

const STATUS_TEXT: Readonly<Record<ChecksumVerdict, string>> = {
  good: 'Good',
  bad: 'Bad',
  unverified: 'Unverified',
  absent: 'Not present',
  illegal: 'Illegal',
};

/** `PREFIX.checksum` with its verdict, and `PREFIX.checksum.status`. A bad one is a finding on the layer. */
export function checksumFields(
  tree: TreeBuilder,
  prefix: string,
  value: number,
  offset: number,
  length: number,
  verdict: ChecksumVerdict,
  word: 'checksum' | 'cksum' = 'checksum',
): void {
  if (tree.columnsOnly) return;
  const text = `${hexNumber(value, length * 2)} [${VERDICT_TEXT[verdict]}]`;
  tree.field(`${prefix}.${word}`, 'Checksum', text, offset, length, { raw: value });
  tree.field(`${prefix}.${word}.status`, 'Checksum Status', STATUS_TEXT[verdict], offset, length, {
    raw: CHECKSUM_STATUS[verdict],
    generated: true,
  });
  if (verdict === 'bad') tree.expert('error', 'Bad checksum');
  if (verdict === 'illegal') tree.expert('error', 'Illegal checksum value (0)');
}
