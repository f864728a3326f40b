import { putU16, u16 } from '../base/index.ts';
import { checksum, sum16, sumIsGood, type ChecksumVerdict } from './checksum.ts';
import { dissectIcmpExtensions, extensionsAt } from './icmp-extensions.ts';
import { dissectIpv4 } from './ipv4.ts';
import { passOn } from './payload.ts';
import { bitField, checksumFields, FieldReader, flagBit, markShort, showNumber } from './reader.ts';
import { register, type DissectContext, type Dissector } from './registry.ts';

const ICMP_HEADER_BYTES = 8;

/** RFC 792: type, code, checksum, then four bytes whose meaning depends on the type. */
export const icmpView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + ICMP_HEADER_BYTES <= end,
  type: (b: Uint8Array, o: number): number => b[o]!,
  code: (b: Uint8Array, o: number): number => b[o + 1]!,
  checksum: (b: Uint8Array, o: number): number => u16(b, o + 2),
  identifier: (b: Uint8Array, o: number): number => u16(b, o + 4),
  sequence: (b: Uint8Array, o: number): number => u16(b, o + 6),
  /** RFC 4884: length of the quoted datagram in 4-byte units, 0 where the sender does not say. */
  quotedLength: (b: Uint8Array, o: number): number => b[o + 5]! * 4,
};

export interface IcmpFields {
  readonly type: number;
  readonly code: number;
  /** The second four bytes: identifier and sequence, pointer, gateway or MTU. */
  readonly rest: number;
}

/** Writes the header of ICMP or ICMPv6 and returns its length; `sealIcmp` or `sealIcmpv6` sets the checksum once the payload is there. */
export function emitIcmp(b: Uint8Array, o: number, fields: IcmpFields): number {
  b[o] = fields.type;
  b[o + 1] = fields.code;
  putU16(b, o + 2, 0);
  putU16(b, o + 4, fields.rest >>> 16);
  putU16(b, o + 6, fields.rest & 0xffff);
  return ICMP_HEADER_BYTES;
}

export function sealIcmp(b: Uint8Array, o: number, lengthBytes: number): void {
  putU16(b, o + 2, 0);
  putU16(b, o + 2, checksum(b, o, o + lengthBytes));
}

const TYPES: Readonly<Record<number, string>> = {
  0: 'Echo (ping) reply',
  3: 'Destination unreachable',
  4: 'Source quench (flow control)',
  5: 'Redirect',
  6: 'Alternate host address',
  8: 'Echo (ping) request',
  9: 'Router advertisement',
  10: 'Router solicitation',
  11: 'Time-to-live exceeded',
  12: 'Parameter problem',
  13: 'Timestamp request',
  14: 'Timestamp reply',
  15: 'Information request',
  16: 'Information reply',
  17: 'Address mask request',
  18: 'Address mask reply',
  30: 'Traceroute',
  40: 'Photuris',
  42: 'Extended Echo request',
  43: 'Extended Echo reply',
};

const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'Network unreachable',
  1: 'Host unreachable',
  2: 'Protocol unreachable',
  3: 'Port unreachable',
  4: 'Fragmentation needed',
  5: 'Source route failed',
  6: 'Network unknown',
  7: 'Host unknown',
  8: 'Source host isolated',
  9: 'Network administratively prohibited',
  10: 'Host administratively prohibited',
  11: 'Network unreachable for TOS',
  12: 'Host unreachable for TOS',
  13: 'Communication administratively filtered',
  14: 'Host precedence violation',
  15: 'Precedence cutoff in effect',
};
const REDIRECT: Readonly<Record<number, string>> = {
  0: 'Redirect for network',
  1: 'Redirect for host',
  2: 'Redirect for TOS and network',
  3: 'Redirect for TOS and host',
};
const EXCEEDED: Readonly<Record<number, string>> = { 0: 'Time to live exceeded in transit', 1: 'Fragment reassembly time exceeded' };
const PROBLEM: Readonly<Record<number, string>> = { 0: 'Pointer indicates the error', 1: 'Required option missing', 2: 'Bad length' };
const EXTENDED_REPLY: Readonly<Record<number, string>> = {
  0: 'No error',
  1: 'Malformed query',
  2: 'No such interface',
  3: 'No such table entry',
  4: 'Multiple interfaces satisfy query',
};
const EXTENDED_STATE: Readonly<Record<number, string>> = {
  0: 'Reserved',
  1: 'Incomplete',
  2: 'Reachable',
  3: 'Stale',
  4: 'Delay',
  5: 'Probe',
  6: 'Failed',
};

const CODES: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  3: UNREACHABLE,
  5: REDIRECT,
  11: EXCEEDED,
  12: PROBLEM,
  43: EXTENDED_REPLY,
};

/** Error types, which quote a datagram. */
const ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
/** Errors that may carry the extensions of RFC 4884. */
const EXTENSIBLE: ReadonlySet<number> = new Set([3, 11, 12]);

function dissectIcmp(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('icmp', 'Internet Control Message Protocol', start, end - start);
  tree.protocol = 'ICMP';
  const r = new FieldReader(context, start, end);
  const type = r.u8('icmp.type', 'Type', (v) => showNumber(v, TYPES, 2));
  const codes = CODES[type];
  const code = r.u8('icmp.code', 'Code', codes === undefined ? undefined : (v) => showNumber(v, codes, 2));
  if (r.short || start + 4 > end) {
    markShort(context, 'ICMP', end);
    tree.close();
    return;
  }
  const codeText = codes?.[code];
  tree.info = `${TYPES[type] ?? `Unknown ICMP type ${type}`}${codeText === undefined ? '' : ` (${codeText})`}`;
  const whole = wireEnd <= end && !context.fragmented && !context.inError;
  const verdict: ChecksumVerdict = !whole ? 'unverified' : sumIsGood(sum16(bytes, start, end)) ? 'good' : 'bad';
  checksumFields(tree, 'icmp', icmpView.checksum(bytes, start), start + 2, 2, verdict);
  r.skip(2);
  body(context, r, type, start, end, wireEnd);
  r.finish('ICMP');
  tree.close();
}

function body(context: DissectContext, r: FieldReader, type: number, start: number, end: number, wireEnd: number): void {
  const { tree, bytes } = context;
  switch (type) {
    case 0:
    case 8:
      echo(context, r, type === 8, end, wireEnd);
      return;
    case 9:
      advertisement(r);
      return;
    case 13:
    case 14:
      identified(r);
      r.u32('icmp.originate_timestamp', 'Originate Timestamp');
      r.u32('icmp.receive_timestamp', 'Receive Timestamp');
      r.u32('icmp.transmit_timestamp', 'Transmit Timestamp');
      return;
    case 15:
    case 16:
      identified(r);
      return;
    case 17:
    case 18:
      identified(r);
      r.ipv4('icmp.address_mask', 'Address Mask');
      return;
    case 42:
    case 43:
      extendedEcho(context, r, type === 42, end);
      return;
    default:
      break;
  }
  if (type === 5) r.ipv4('icmp.redir_gw', 'Gateway Address');
  else if (type === 12) {
    r.u8('icmp.pointer', 'Pointer');
    r.u8('icmp.length', 'Length', (v) => `${v} (${v * 4} bytes)`);
    r.u16('icmp.unused', 'Unused', 'hex');
  } else if (type === 3 || type === 11) {
    r.u8('icmp.unused', 'Unused', 'hex');
    r.u8('icmp.length', 'Length', (v) => `${v} (${v * 4} bytes)`);
    if (type === 3 && icmpView.code(bytes, start) === 4) r.u16('icmp.mtu', 'MTU of next hop');
    else r.u16('icmp.unused', 'Unused', 'hex');
  } else r.u32('icmp.rest', 'Rest of header', 'hex');
  if (r.short) return;
  if (ERRORS.has(type)) quoted(context, r.pos, end, wireEnd, EXTENSIBLE.has(type) ? icmpView.quotedLength(bytes, start) : -1, dissectIpv4);
  else if (r.more) tree.field('data.data', 'Data', `(${wireEnd - r.pos} bytes)`, r.pos, end - r.pos);
}

/**
 * The datagram an error quotes, dissected inside the error, then the extensions of RFC 4884 where there are any.
 * `quotedBytes`: what the length field says, 0 where it says nothing, -1 where extensions cannot be.
 */
export function quoted(context: DissectContext, at: number, end: number, wireEnd: number, quotedBytes: number, dissect: Dissector): void {
  const { tree, bytes } = context;
  const extensions = quotedBytes < 0 ? -1 : extensionsAt(bytes, at, end, quotedBytes);
  const stop = extensions >= 0 ? extensions : end;
  const saved = { inError: context.inError, fragment: context.fragment, source: context.sourcePort, destination: context.destinationPort };
  context.inError = true;
  context.fragment = true;
  tree.quote(() => passOn(context, dissect, at, stop, extensions >= 0 ? stop : wireEnd));
  context.inError = saved.inError;
  context.fragment = saved.fragment;
  context.sourcePort = saved.source;
  context.destinationPort = saved.destination;
  if (extensions >= 0) dissectIcmpExtensions(context, extensions, end);
}

function identified(r: FieldReader): void {
  r.u16('icmp.ident', 'Identifier', (v) => `${v} (0x${v.toString(16).padStart(4, '0')})`);
  r.u16('icmp.seq', 'Sequence Number', (v) => `${v} (0x${v.toString(16).padStart(4, '0')})`);
}

function echo(context: DissectContext, r: FieldReader, request: boolean, end: number, wireEnd: number): void {
  const { tree } = context;
  const ident = r.peek16(0);
  const sequence = r.peek16(2);
  identified(r);
  if (r.short) return;
  if (tree.columnsOpen) {
    const id = `id=0x${ident.toString(16).padStart(4, '0')}, seq=${sequence}/${((sequence & 255) << 8) | (sequence >> 8)}`;
    const ttl = context.ipVersion === 4 ? `, ttl=${context.bytes[context.ipSource - 4]!}` : '';
    tree.info = `Echo (ping) ${request ? 'request' : 'reply'}  ${id}${ttl}`;
  }
  if (wireEnd > r.pos) tree.field('data.data', 'Data', `(${wireEnd - r.pos} bytes)`, r.pos, Math.max(0, end - r.pos));
}

function advertisement(r: FieldReader): void {
  const count = r.u8('icmp.num_addrs', 'Number of addresses');
  const words = r.u8('icmp.addr_entry_size', 'Address entry size');
  r.u16('icmp.lifetime', 'Lifetime', (v) => `${v} seconds`);
  for (let i = 0; i < count && r.more && words >= 2; i++) {
    r.ipv4('icmp.router_address', 'Router address');
    r.u32('icmp.pref_level', 'Preference level');
    r.skip((words - 2) * 4);
  }
}

/** RFC 8335: identifier, one byte of sequence, then a local bit (request) or state bits (reply). */
export function extendedEcho(context: DissectContext, r: FieldReader, request: boolean, end: number): void {
  const { tree, bytes } = context;
  r.u16('icmp.ident', 'Identifier');
  const sequence = r.u8('icmp.ext.echo.seq', 'Sequence Number');
  const at = r.pos;
  r.skip(1);
  if (r.short) return;
  const bits = bytes[at]!;
  if (request) {
    flagBit(tree, 'icmp.ext.echo.req.local', 'Local bit', bits, 1, at, 1);
    tree.info = `Extended Echo request  seq=${sequence}`;
    if (r.more) dissectIcmpExtensions(context, r.pos, end);
    return;
  }
  bitField(tree, 'icmp.ext.echo.rsp.state', 'State', bits >> 5, at, 1, EXTENDED_STATE);
  flagBit(tree, 'icmp.ext.echo.rsp.active', 'Active bit', bits, 4, at, 1);
  flagBit(tree, 'icmp.ext.echo.rsp.ipv4', 'IPv4 bit', bits, 2, at, 1);
  flagBit(tree, 'icmp.ext.echo.rsp.ipv6', 'IPv6 bit', bits, 1, at, 1);
  tree.info = `Extended Echo reply  seq=${sequence}`;
}

export function registerIcmp(): void {
  register('ip.proto', [1], dissectIcmp);
}
