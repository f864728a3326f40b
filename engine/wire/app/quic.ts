import { hex, u32 } from '../../base/index.ts';
import { register, registerHeuristic } from '../registry.ts';
import type { DissectContext } from '../registry.ts';
import { Cursor, bits, columns, expertShort, showData } from './common.ts';
import { dissectStun, isStun } from './stun.ts';
import { hexNumber, hexText } from './text.ts';

/** RFC 9000 section 17.2: connection ids of these versions have at most 20 bytes. */
const MAX_CID = 20;
const V1 = 0x00000001;
const V2 = 0x6b3343cf;

/** Versions whose long header is laid out as in RFC 9000; others are not guessed at. */
function isKnownVersion(version: number): boolean {
  if (version === V1 || version === V2 || version === 0x709a50c4) return true;
  // Drafts from 19 on have the header of RFC 9000 but for reserved bits.
  return version >>> 8 === 0xff0000 && (version & 255) >= 22 && (version & 255) <= 34;
}

function isGreasedVersion(version: number): boolean {
  return (version & 0x0f0f0f0f) === 0x0a0a0a0a;
}

export function quicVersionName(version: number): string {
  if (version === 0) return 'Version Negotiation';
  if (version === V1) return '1';
  if (version === V2) return 'v2';
  if (version === 0x709a50c4) return 'draft-v2-01';
  if (version >>> 8 === 0xff0000) return `draft-${version & 255}`;
  return isGreasedVersion(version) ? 'Forcing Version Negotiation' : 'Unknown';
}

const TYPE_NAMES = ['Initial', '0-RTT', 'Handshake', 'Retry'] as const;

/** RFC 9369 section 3.2: version 2 turns the packet types by one. */
function longType(first: number, version: number): number {
  const type = (first >>> 4) & 3;
  return version === V2 || version === 0x709a50c4 ? (type + 3) & 3 : type;
}

/** A variable-length integer (RFC 9000 section 16): value and size, or undefined at the end. */
function varint(bytes: Uint8Array, at: number, end: number): { readonly value: number; readonly size: number } | undefined {
  if (at >= end) return undefined;
  const size = 1 << (bytes[at]! >>> 6);
  if (at + size > end) return undefined;
  let value = bytes[at]! & 0x3f;
  for (let i = 1; i < size; i++) value = value * 256 + bytes[at + i]!;
  return { value, size };
}

/** True if a long header with a known version fits here, with lengths that stay inside the datagram. */
export function isQuicLong(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 7 || (bytes[start]! & 0x80) === 0) return false;
  const version = u32(bytes, start + 1);
  const dcil = bytes[start + 5]!;
  const scilAt = start + 6 + dcil;
  if (scilAt >= end) return false;
  const scil = bytes[scilAt]!;
  const after = scilAt + 1 + scil;
  if (after > end) return false;
  if (version === 0) return isNegotiation(bytes, after, end);
  // RFC 9287 lets the fixed bit be anything once both sides agree, so a known version is what counts.
  return isKnownVersion(version) && dcil <= MAX_CID && scil <= MAX_CID;
}

/** Version negotiation has no number of its own: a list of whole versions with one that is known. */
function isNegotiation(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 4 || (end - at) % 4 !== 0) return false;
  for (let o = at; o < end; o += 4) if (isKnownVersion(u32(bytes, o))) return true;
  return false;
}

const versionText = (version: number): string => `${quicVersionName(version)} (${hexNumber(version, 8)})`;

function showVarint(c: Cursor, name: string, label: string): number {
  const read = varint(c.bytes, c.at, c.end);
  if (read === undefined) {
    c.short = true;
    return 0;
  }
  c.tree.field(name, label, String(read.value), c.at, read.size, { raw: read.value });
  c.at += read.size;
  return read.value;
}

function showIds(c: Cursor): { dcid: string; scid: string } {
  const dcil = c.uint(1, 'quic.dcil', 'Destination Connection ID Length');
  const d = c.data(dcil, 'quic.dcid', 'Destination Connection ID');
  const scil = c.uint(1, 'quic.scil', 'Source Connection ID Length');
  const s = c.data(scil, 'quic.scid', 'Source Connection ID');
  return { dcid: d < 0 ? '' : hex(c.bytes, d, d + dcil), scid: s < 0 ? '' : hex(c.bytes, s, s + scil) };
}

function idText({ dcid, scid }: { dcid: string; scid: string }): string {
  return `${dcid === '' ? '' : `, DCID=${dcid}`}${scid === '' ? '' : `, SCID=${scid}`}`;
}

/** One packet with a long header; returns its words for the info column. */
function showLong(c: Cursor): string {
  const first = c.bytes[c.at]!;
  const version = u32(c.bytes, c.at + 1);
  const type = longType(first, version);
  const o = c.at;
  bits(c, 'quic.header_form', 'Header Form', first, 0x80, o, 1, () => 'Long Header (1)');
  if (version === 0) {
    bits(c, 'quic.vn.unused', 'Unused', first, 0x7f, o, 1, (value) => hexNumber(value, 2));
    c.skip(1);
    c.uint(4, 'quic.version', 'Version', versionText);
    const ids = showIds(c);
    while (c.left >= 4) c.uint(4, 'quic.supported_version', 'Supported Version', versionText);
    return `Version Negotiation${idText(ids)}`;
  }
  bits(c, 'quic.fixed_bit', 'Fixed Bit', first, 0x40, o, 1);
  const typeName = version === V2 || version === 0x709a50c4 ? 'quic.long.packet_type_v2' : 'quic.long.packet_type';
  bits(c, typeName, 'Packet Type', first, 0x30, o, 1, (value) => `${TYPE_NAMES[type]!} (${value})`);
  c.skip(1);
  c.uint(4, 'quic.version', 'Version', versionText);
  const ids = showIds(c);
  if (type === 3) {
    const token = Math.max(0, c.left - 16);
    c.data(token, 'quic.retry_token', 'Retry Token');
    c.data(16, 'quic.retry_integrity_tag', 'Retry Integrity Tag');
    return `Retry${idText(ids)}`;
  }
  if (type === 0) c.data(showVarint(c, 'quic.token_length', 'Token Length'), 'quic.token', 'Token');
  const length = c.short ? 0 : showVarint(c, 'quic.length', 'Length');
  const rest = Math.min(length, c.left);
  if (rest > 0) c.data(rest, 'quic.remaining_payload', 'Protected packet number and payload');
  if (length > rest) c.short = true;
  return `${TYPE_NAMES[type]!}${idText(ids)}`;
}

/** A short header says little without the connection: the id's length is known to its owner alone. */
function showShort(c: Cursor): string {
  const first = c.bytes[c.at]!;
  const o = c.at;
  c.group('quic.short', 'QUIC Short Header', () => {
    bits(c, 'quic.header_form', 'Header Form', first, 0x80, o, 1, () => 'Short Header (0)');
    bits(c, 'quic.fixed_bit', 'Fixed Bit', first, 0x40, o, 1);
    bits(c, 'quic.spin_bit', 'Spin Bit', first, 0x20, o, 1);
    c.skip(1);
  });
  c.data(c.left, 'quic.remaining_payload', 'Connection ID and protected payload');
  return 'Protected Payload';
}

function isQuicShort(bytes: Uint8Array, start: number, end: number): boolean {
  // RFC 9000 section 5.1.1 and 17.3: a type byte, packet number and 16 bytes of tag at least.
  return end - start >= 21 && (bytes[start]! & 0xc0) === 0x40;
}

/** QUIC packets of a datagram (RFC 9000 section 12.2 lets several share one). Nothing is decrypted. */
function dissectPackets(context: DissectContext, start: number, end: number): void {
  const { bytes, tree } = context;
  const words: string[] = [];
  const c = new Cursor(context, start, end);
  tree.layer('quic', 'QUIC IETF', start, end - start);
  while (c.left > 0 && !c.short) {
    const from = c.at;
    if (isQuicLong(bytes, from, c.end)) c.group('', 'QUIC Long Header Packet', () => words.push(showLong(c)));
    else if (isQuicShort(bytes, from, c.end)) words.push(showShort(c));
    else {
      const zero = bytes.subarray(from, end).every((byte) => byte === 0);
      tree.field('data.data', zero ? 'Padding' : 'Data', hexText(bytes, from, end), from, end - from);
      break;
    }
  }
  if (c.short) expertShort(context, 'QUIC', end);
  tree.close();
  columns(context, 'QUIC', words.join(' | '));
}

/** Payload of a port that QUIC uses; STUN and TURN use some of them too, and are told by their cookie. */
export function dissectQuic(context: DissectContext, start: number, end: number): void {
  const { bytes } = context;
  if (isStun(bytes, start, end)) dissectStun(context, start, end);
  else if (isQuicLong(bytes, start, end) || isQuicShort(bytes, start, end)) dissectPackets(context, start, end);
  else showData(context, start, end);
}

export function registerQuic(): void {
  register('udp.port', [443, 853, 4433], dissectQuic);
  registerHeuristic('udp', (context, start, end) => isQuicLong(context.bytes, start, end), dissectPackets);
}

/** For builders of test traffic: a long header packet of version 1 with an opaque protected part. */
export function quicLongHeader(type: 0 | 1 | 2, dcid: Uint8Array, scid: Uint8Array, protectedPart: Uint8Array): Uint8Array {
  const token = type === 0 ? 1 : 0;
  const out = new Uint8Array(7 + dcid.length + scid.length + token + 2 + protectedPart.length);
  out[0] = 0xc0 | (type << 4);
  out[4] = 1;
  out[5] = dcid.length;
  out.set(dcid, 6);
  out[6 + dcid.length] = scid.length;
  out.set(scid, 7 + dcid.length);
  const at = 7 + dcid.length + scid.length + token;
  out[at] = 0x40 | (protectedPart.length >>> 8);
  out[at + 1] = protectedPart.length;
  out.set(protectedPart, at + 2);
  return out;
}
