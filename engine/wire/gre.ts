import { putU16, putU32, u16, u32 } from '../base/index.ts';
import { checksum, sum16, sumIsGood } from './checksum.ts';
import { dissectEthernet } from './ethernet.ts';
import { dissectIpv4 } from './ipv4.ts';
import { ETHERTYPE_NAMES } from './names.ts';
import { passOn } from './payload.ts';
import { checksumFields, FieldReader, flagBit, hexNumber, markShort } from './reader.ts';
import { lookup, MAX_TUNNELS, register, type DissectContext } from './registry.ts';

const FLAG = { checksum: 0x8000, routing: 0x4000, key: 0x2000, sequence: 0x1000, acknowledgment: 0x0080 } as const;
const ERSPAN_2 = 0x88be;
const ERSPAN_3 = 0x22eb;
const WCCP = 0x883e;

/** RFC 2784 with the key and sequence of RFC 2890, and version 1 as PPTP uses it (RFC 2637). `check` covers the optional parts. */
export const greView = {
  check: (b: Uint8Array, o: number, end: number): boolean => o + 4 <= end && o + greView.headerLength(b, o) <= end,
  flags: (b: Uint8Array, o: number): number => u16(b, o),
  version: (b: Uint8Array, o: number): number => b[o + 1]! & 7,
  protocol: (b: Uint8Array, o: number): number => u16(b, o + 2),
  /** In bytes, source routing entries not counted. */
  headerLength: (b: Uint8Array, o: number): number => {
    const flags = u16(b, o);
    let length = 4;
    if ((flags & (FLAG.checksum | FLAG.routing)) !== 0) length += 4;
    if ((flags & FLAG.key) !== 0) length += 4;
    if ((flags & FLAG.sequence) !== 0) length += 4;
    if ((flags & FLAG.acknowledgment) !== 0 && (flags & 7) === 1) length += 4;
    return length;
  },
};

export interface GreFields {
  readonly protocol: number;
  readonly key?: number;
  readonly sequence?: number;
  /** Makes room for a checksum, which `sealGre` sets. */
  readonly checksum?: boolean;
}

/** Writes a version 0 header and returns its length. */
export function emitGre(b: Uint8Array, o: number, fields: GreFields): number {
  const flags =
    (fields.checksum === true ? FLAG.checksum : 0) |
    (fields.key !== undefined ? FLAG.key : 0) |
    (fields.sequence !== undefined ? FLAG.sequence : 0);
  putU16(b, o, flags);
  putU16(b, o + 2, fields.protocol);
  let at = o + 4;
  if (fields.checksum === true) {
    putU32(b, at, 0);
    at += 4;
  }
  if (fields.key !== undefined) {
    putU32(b, at, fields.key);
    at += 4;
  }
  if (fields.sequence !== undefined) {
    putU32(b, at, fields.sequence);
    at += 4;
  }
  return at - o;
}

/** Sets the checksum over header and payload, `lengthBytes` in all. */
export function sealGre(b: Uint8Array, o: number, lengthBytes: number): void {
  putU16(b, o + 4, 0);
  putU16(b, o + 4, checksum(b, o, o + lengthBytes));
}

function flagFields(context: DissectContext, start: number, flags: number): void {
  const { tree } = context;
  const node = tree.open('gre.flags_and_version', 'Flags and Version', start, 2, { raw: flags });
  node.value = hexNumber(flags, 4);
  flagBit(tree, 'gre.flags.checksum', 'Checksum Bit', flags, FLAG.checksum, start, 2);
  flagBit(tree, 'gre.flags.routing', 'Routing Bit', flags, FLAG.routing, start, 2);
  flagBit(tree, 'gre.flags.key', 'Key Bit', flags, FLAG.key, start, 2);
  flagBit(tree, 'gre.flags.sequence_number', 'Sequence Number Bit', flags, FLAG.sequence, start, 2);
  if ((flags & 7) === 1) flagBit(tree, 'gre.flags.ack', 'Acknowledgment', flags, FLAG.acknowledgment, start, 2);
  tree.field('gre.flags.version', 'Version', (flags & 7) === 1 ? 'Enhanced GRE (1)' : `GRE (${flags & 7})`, start, 2, { raw: flags & 7 });
  tree.close();
}

function dissectGre(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('gre', 'Generic Routing Encapsulation', start, Math.min(4, end - start));
  tree.protocol = 'GRE';
  if (start + 4 > end) {
    markShort(context, 'GRE', end);
    tree.close();
    return;
  }
  const flags = greView.flags(bytes, start);
  const protocol = greView.protocol(bytes, start);
  flagFields(context, start, flags);
  tree.field('gre.proto', 'Protocol Type', `${ETHERTYPE_NAMES[protocol] ?? 'Unknown'} (${hexNumber(protocol, 4)})`, start + 2, 2, {
    raw: protocol,
  });
  tree.info = `Encapsulated ${ETHERTYPE_NAMES[protocol] ?? hexNumber(protocol, 4)}`;
  const r = new FieldReader(context, start + 4, end);
  optional(context, r, start, end, wireEnd, flags);
  if (protocol === WCCP && r.left >= 4 && r.peek8() >> 4 !== 4) r.u32('gre.wccp.redirect_header', 'Redirect Header', 'hex');
  node.length = r.pos - start;
  r.finish('GRE');
  tree.close();
  if (r.short) return;
  context.tunnels++;
  if (context.tunnels > MAX_TUNNELS) passOn(context, undefined, r.pos, end, wireEnd);
  else if (protocol === WCCP) passOn(context, dissectIpv4, r.pos, end, wireEnd);
  else if (protocol === ERSPAN_2 || protocol === ERSPAN_3)
    dissectErspan(context, protocol, (flags & FLAG.sequence) !== 0, r.pos, end, wireEnd);
  else passOn(context, lookup('gre.proto', protocol) ?? lookup('ethertype', protocol), r.pos, end, wireEnd);
  context.tunnels--;
}

function optional(context: DissectContext, r: FieldReader, start: number, end: number, wireEnd: number, flags: number): void {
  const { tree, bytes } = context;
  if ((flags & (FLAG.checksum | FLAG.routing)) !== 0) {
    if (r.left >= 4) {
      const verdict = wireEnd > end ? 'unverified' : sumIsGood(sum16(bytes, start, end)) ? 'good' : 'bad';
      if ((flags & FLAG.checksum) !== 0) checksumFields(tree, 'gre', u16(bytes, r.pos), r.pos, 2, verdict);
    }
    r.skip(2);
    r.u16('gre.offset', 'Offset');
  }
  if ((flags & FLAG.key) !== 0) {
    if ((flags & 7) === 1) {
      r.u16('gre.key.payload_length', 'Payload Length');
      r.u16('gre.key.call_id', 'Call ID');
    } else r.u32('gre.key', 'Key', 'hex');
  }
  if ((flags & FLAG.sequence) !== 0) r.u32('gre.sequence_number', 'Sequence Number');
  if ((flags & 7) === 1 && (flags & FLAG.acknowledgment) !== 0) r.u32('gre.ack_number', 'Acknowledgment Number');
  if ((flags & FLAG.routing) !== 0) {
    while (r.more) {
      const family = r.u16('gre.routing.address_family', 'Address Family');
      r.u8('gre.routing.sre_offset', 'SRE Offset');
      const length = r.u8('gre.routing.src_length', 'SRE Length');
      if (family === 0 && length === 0) break;
      r.hexBytes('gre.routing.information', 'Routing Information', length);
    }
  }
}

/** ERSPAN: a header of 8 (type II) or 12 and more bytes (type III), then the mirrored frame; type I has no header. */
function dissectErspan(context: DissectContext, protocol: number, hasSequence: boolean, start: number, end: number, wireEnd: number): void {
  const { tree, bytes } = context;
  tree.protocol = 'ERSPAN';
  if (protocol === ERSPAN_2 && !hasSequence) {
    tree.layer('erspan', 'Encapsulated Remote Switch Packet ANalysis Type I', start, 0);
    tree.close();
    passOn(context, dissectEthernet, start, end, wireEnd);
    return;
  }
  let length = protocol === ERSPAN_2 ? 8 : 12;
  if (protocol === ERSPAN_3 && start + 12 <= end && (bytes[start + 11]! & 1) !== 0) length = 20;
  tree.layer(
    'erspan',
    `Encapsulated Remote Switch Packet ANalysis Type ${protocol === ERSPAN_2 ? 'II' : 'III'}`,
    start,
    Math.min(length, end - start),
  );
  if (start + length > end) {
    markShort(context, 'ERSPAN', end);
    tree.close();
    return;
  }
  const word = u16(bytes, start);
  const session = u16(bytes, start + 2);
  tree.field('erspan.version', 'Version', String(word >> 12), start, 2, { raw: word >> 12 });
  tree.field('erspan.vlan', 'Vlan', String(word & 0xfff), start, 2, { raw: word & 0xfff });
  tree.field('erspan.spanid', 'SpanID', String(session & 0x3ff), start + 2, 2, { raw: session & 0x3ff });
  if (protocol === ERSPAN_3)
    tree.field('erspan.timestamp', 'Timestamp', String(u32(bytes, start + 4)), start + 4, 4, { raw: u32(bytes, start + 4) });
  // Type III says what it mirrors; 0 is an Ethernet frame.
  const frameType = protocol === ERSPAN_3 ? (u16(bytes, start + 10) >> 10) & 31 : 0;
  tree.close();
  passOn(context, frameType === 0 ? dissectEthernet : undefined, start + length, end, wireEnd);
}

export function registerGre(): void {
  register('ip.proto', [47], dissectGre);
  // LINKTYPE of captures on GRE devices and GRE in UDP (RFC 8086).
  register('udp.port', [4754], dissectGre);
}
