import { putU16, putU32, u16, u32 } from '../base/index.ts';
import { formatIpv6 } from './address.ts';
import { IP_PROTOCOL_NAMES } from './names.ts';
import { passOn } from './payload.ts';
import { bitField, FieldReader, flagBit, hexNumber } from './reader.ts';
import { lookup, register, type DissectContext } from './registry.ts';

/** Next header numbers of the extension headers (RFC 8200 section 4, and the registry it started). */
export const NEXT_HEADER = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  none: 59,
  destinationOptions: 60,
  mobility: 135,
  hip: 139,
  shim6: 140,
} as const;

export const FRAGMENT_HEADER_BYTES = 8;

/** RFC 8200 section 4.5. */
export const fragmentView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + FRAGMENT_HEADER_BYTES <= end,
  nextHeader: (b: Uint8Array, o: number): number => b[o]!,
  /** In bytes. */
  offset: (b: Uint8Array, o: number): number => u16(b, o + 2) & 0xfff8,
  more: (b: Uint8Array, o: number): boolean => (b[o + 3]! & 1) !== 0,
  identification: (b: Uint8Array, o: number): number => u32(b, o + 4),
};

export interface FragmentFields {
  readonly nextHeader: number;
  /** In bytes, a multiple of 8. */
  readonly offset: number;
  readonly more: boolean;
  readonly identification: number;
}

export function emitFragment(b: Uint8Array, o: number, fields: FragmentFields): number {
  b[o] = fields.nextHeader;
  b[o + 1] = 0;
  putU16(b, o + 2, (fields.offset & 0xfff8) | (fields.more ? 1 : 0));
  putU32(b, o + 4, fields.identification);
  return FRAGMENT_HEADER_BYTES;
}

/** Options headers (hop-by-hop, destination), routing and mobility: next header, length in 8-byte units without the first. */
export const extensionView = {
  check: (b: Uint8Array, o: number, end: number): boolean => o + 8 <= end && o + extensionView.length(b, o) <= end,
  nextHeader: (b: Uint8Array, o: number): number => b[o]!,
  /** In bytes, all of it. */
  length: (b: Uint8Array, o: number): number => (b[o + 1]! + 1) * 8,
};

/** Writes an options header around ready-made options, padded with PadN to 8 bytes; returns its length. */
export function emitOptionsHeader(b: Uint8Array, o: number, nextHeader: number, options: Uint8Array): number {
  const length = (2 + options.length + 7) & ~7;
  const pad = length - 2 - options.length;
  b[o] = nextHeader;
  b[o + 1] = length / 8 - 1;
  b.set(options, o + 2);
  const at = o + 2 + options.length;
  b.fill(0, at, o + length);
  if (pad > 1) {
    b[at] = 1;
    b[at + 1] = pad - 2;
  }
  return length;
}

const JUMBO_OPTION = 0xc2;

/** Payload length of a jumbogram (RFC 2675) whose hop-by-hop header starts at `o`, or 0. */
export function hopByHopJumbo(b: Uint8Array, o: number, end: number): number {
  if (!extensionView.check(b, o, end)) return 0;
  const stop = o + extensionView.length(b, o);
  let at = o + 2;
  while (at + 1 < stop) {
    if (b[at] === 0) at++;
    else {
      const length = b[at + 1]!;
      if (b[at] === JUMBO_OPTION && length === 4 && at + 6 <= stop) return u32(b, at + 2);
      at += 2 + length;
    }
  }
  return 0;
}

/** What follows an IPv6 header or extension header. */
export function dissectNextHeader(context: DissectContext, next: number, start: number, end: number, wireEnd: number): void {
  if (next === NEXT_HEADER.none) {
    context.tree.info = 'IPv6 no next header';
    passOn(context, undefined, start, end, wireEnd);
    return;
  }
  passOn(context, lookup('ip.proto', next), start, end, wireEnd);
}

const OPTION_NAMES: Readonly<Record<number, string>> = {
  0x00: 'Pad1',
  0x01: 'PadN',
  0x04: 'Tunnel Encapsulation Limit',
  0x05: 'Router Alert',
  0x07: 'Common Architecture Label IPv6 Security Option',
  0x08: 'Simplified Multicast Forwarding',
  0x0f: 'Performance and Diagnostic Metrics (PDM)',
  0x26: 'Quick-Start',
  0x30: 'Path MTU Record',
  0x49: 'Improved LAN Identification',
  0x63: 'RPL Option',
  0x6d: 'MPL Option',
  0x8a: 'Endpoint Identification',
  0x8b: 'ILNP Nonce',
  0x8c: 'Line-Identification Option',
  0xc2: 'Jumbo Payload',
  0xc9: 'Home Address',
  0xee: 'IP_DFF',
};

const ROUTER_ALERT: Readonly<Record<number, string>> = { 0: 'MLD', 1: 'RSVP', 2: 'Active Network' };

function optionBody(context: DissectContext, type: number, r: FieldReader): void {
  switch (type) {
    case 0x04:
      r.u8('ipv6.opt.tel', 'Tunnel Encapsulation Limit');
      return;
    case 0x05:
      r.u16('ipv6.opt.router_alert', 'Router Alert', ROUTER_ALERT);
      return;
    case 0x0f:
      r.u8('ipv6.opt.pdm.scale_dtlr', 'Scale DTLR');
      r.u8('ipv6.opt.pdm.scale_dtls', 'Scale DTLS');
      r.u16('ipv6.opt.pdm.psn_this_pkt', 'PSN This Packet');
      r.u16('ipv6.opt.pdm.psn_last_recv', 'PSN Last Received');
      r.u16('ipv6.opt.pdm.delta_last_recv', 'Delta Time Last Received');
      r.u16('ipv6.opt.pdm.delta_last_sent', 'Delta Time Last Sent');
      return;
    case 0x63:
      r.u8('ipv6.opt.rpl.flag', 'RPL Option flags', 'hex');
      r.u8('ipv6.opt.rpl.instance_id', 'RPLInstanceID', 'hex');
      r.u16('ipv6.opt.rpl.sender_rank', 'Sender Rank', 'hex');
      return;
    case 0xc2:
      r.u32('ipv6.opt.jumbo', 'Payload Length');
      return;
    case 0xc9:
      // The checksum above is over the home address (RFC 6275 section 11.3.1).
      if (r.left >= 16) {
        context.ipSource = r.pos;
        if (r.tree.columnsOpen) r.tree.source = formatIpv6(r.bytes, r.pos);
      }
      r.ipv6('ipv6.opt.mipv6.home_address', 'MIPv6 Home Address');
      return;
    default:
      r.hexBytes(type === 1 ? 'ipv6.opt.padn' : 'ipv6.opt.unknown', type === 1 ? 'PadN' : 'Data', r.left);
  }
}

function options(context: DissectContext, r: FieldReader): void {
  const { tree } = context;
  while (r.more) {
    const type = r.peek8();
    const at = r.pos;
    const length = type === 0 ? 1 : 2 + r.peek8(1);
    const name = OPTION_NAMES[type] ?? 'Unknown IPv6 Option';
    tree.open('ipv6.opt', name, at, Math.min(length, r.end - at));
    tree.field('ipv6.opt.type', 'Type', `${name} (${hexNumber(type, 2)})`, at, 1, { raw: type });
    if (type === 0) r.skip(1);
    else {
      const sub = r.sub(length);
      sub.skip(1);
      sub.u8('ipv6.opt.length', 'Length');
      optionBody(context, type, sub);
      if (sub.short || sub.cut) tree.expert('warn', 'Option goes past its end');
    }
    tree.close();
  }
}

/** Common start of an extension header; returns its bytes as a reader, or undefined after saying that it does not fit. */
function beginExtension(context: DissectContext, name: string, prefix: string, start: number, end: number): FieldReader | undefined {
  const { tree, bytes } = context;
  tree.layer(name, name === 'ipv6.hopopts' ? 'IPv6 Hop-by-Hop Option' : labelOf(name), start, end - start).length = Math.min(
    end - start,
    start + 2 <= end ? extensionView.length(bytes, start) : 0,
  );
  const r = new FieldReader(context, start, end);
  r.u8(`${prefix}.nxt`, 'Next Header', IP_PROTOCOL_NAMES);
  r.u8(`${prefix}.len`, 'Length', (v) => `${v} [Length: ${(v + 1) * 8} bytes]`);
  if (r.short) {
    r.finish('IPv6');
    tree.close();
    return undefined;
  }
  const body = r.sub(extensionView.length(bytes, start) - 2);
  body.short = false;
  return body;
}

function labelOf(name: string): string {
  return name === 'ipv6.dstopts' ? 'Destination Options for IPv6' : name === 'ipv6.routing' ? 'Routing Header for IPv6' : 'Mobile IPv6';
}

/** Closes an extension header and goes on with the next, if all of it was there. */
function endExtension(context: DissectContext, body: FieldReader, start: number, end: number, wireEnd: number): void {
  const { tree, bytes } = context;
  const whole = extensionView.check(bytes, start, end);
  if (!whole || body.short) {
    body.short = true;
    body.finish('IPv6');
  }
  tree.close();
  if (whole) dissectNextHeader(context, extensionView.nextHeader(bytes, start), start + extensionView.length(bytes, start), end, wireEnd);
}

function dissectHopByHop(context: DissectContext, start: number, end: number): void {
  const wireEnd = context.wireEnd;
  const body = beginExtension(context, 'ipv6.hopopts', 'ipv6.hopopts', start, end);
  if (body === undefined) return;
  options(context, body);
  endExtension(context, body, start, end, wireEnd);
}

function dissectDestinationOptions(context: DissectContext, start: number, end: number): void {
  const wireEnd = context.wireEnd;
  const body = beginExtension(context, 'ipv6.dstopts', 'ipv6.dstopts', start, end);
  if (body === undefined) return;
  options(context, body);
  endExtension(context, body, start, end, wireEnd);
}

/**
 * The checksum of what follows is over the address the packet ends up at (RFC 8200 section 8.1): the last of the list for
 * types 0 and 2, the first, which is visited last, for segment routing (RFC 8754 section 2).
 */
function finalDestination(context: DissectContext, type: number, start: number, end: number): void {
  if (!extensionView.check(context.bytes, start, end)) return;
  const length = extensionView.length(context.bytes, start);
  if (length < 24) return;
  if (type === 0 || type === 2) context.ipDestination = start + length - 16;
  else if (type === 4) context.ipDestination = start + 8;
  if (context.tree.columnsOpen) context.tree.destination = formatIpv6(context.bytes, context.ipDestination);
}

const ROUTING_TYPES: Readonly<Record<number, string>> = {
  0: 'Source Route',
  1: 'Nimrod',
  2: 'Type 2',
  3: 'RPL Source Route',
  4: 'Segment Routing',
};

function dissectRouting(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  const wireEnd = context.wireEnd;
  const r = beginExtension(context, 'ipv6.routing', 'ipv6.routing', start, end);
  if (r === undefined) return;
  const type = r.u8('ipv6.routing.type', 'Type', ROUTING_TYPES);
  const left = r.u8('ipv6.routing.segleft', 'Segments Left');
  if (left > 0) finalDestination(context, type, start, end);
  if (type === 0) {
    r.u32('ipv6.routing.src.reserved', 'Reserved', 'hex');
    while (r.more) r.ipv6('ipv6.routing.src.addr', 'Address');
  } else if (type === 2) {
    r.u32('ipv6.routing.mipv6.reserved', 'Reserved', 'hex');
    r.ipv6('ipv6.routing.mipv6.home_address', 'Home Address');
  } else if (type === 4) {
    const last = r.u8('ipv6.routing.srh.last_entry', 'Last Entry');
    r.u8('ipv6.routing.srh.flags', 'Flags', 'hex');
    r.u16('ipv6.routing.srh.tag', 'Tag', 'hex');
    for (let i = 0; i <= last && r.left >= 16; i++) r.ipv6('ipv6.routing.srh.addr', `Address[${i}]`);
    r.hexBytes('ipv6.routing.srh.tlvs', 'TLVs', r.left);
  } else r.hexBytes('ipv6.routing.unknown.data', 'Type-Specific Data', r.left);
  if (type === 0) tree.expert('warn', 'Type 0 routing headers are deprecated (RFC 5095)');
  endExtension(context, r, start, end, wireEnd);
}

function dissectFragment(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('ipv6.fraghdr', 'Fragment Header for IPv6', start, Math.min(FRAGMENT_HEADER_BYTES, end - start));
  const r = new FieldReader(context, start, end);
  const next = r.u8('ipv6.fraghdr.nxt', 'Next header', IP_PROTOCOL_NAMES);
  r.u8('ipv6.fraghdr.reserved_octet', 'Reserved octet', 'hex');
  if (!fragmentView.check(bytes, start, end)) {
    r.short = true;
    r.finish('IPv6 fragment');
    tree.close();
    return;
  }
  const offset = fragmentView.offset(bytes, start);
  const more = fragmentView.more(bytes, start);
  const id = fragmentView.identification(bytes, start);
  // Wireshark's raw value of this field is in units of 8 bytes.
  tree.field('ipv6.fraghdr.offset', 'Offset', `${offset / 8} (${offset} bytes)`, start + 2, 2, { raw: offset / 8 });
  bitField(tree, 'ipv6.fraghdr.reserved_bits', 'Reserved bits', (bytes[start + 3]! >> 1) & 3, start + 3, 1);
  flagBit(tree, 'ipv6.fraghdr.more', 'More Fragments', bytes[start + 3]!, 1, start + 3, 1);
  tree.field('ipv6.fraghdr.ident', 'Identification', hexNumber(id, 8), start + 4, 4, { raw: id });
  tree.info = `IPv6 fragment (off=${offset} more=${more ? 'y' : 'n'} ident=${hexNumber(id, 8)} nxt=${next})`;
  tree.close();
  const at = start + FRAGMENT_HEADER_BYTES;
  // An atomic fragment (RFC 6946) is whole.
  if (offset > 0 || more) context.fragmented = true;
  if (offset > 0) {
    const saved = context.fragment;
    context.fragment = true;
    passOn(context, undefined, at, end, wireEnd);
    context.fragment = saved;
  } else dissectNextHeader(context, next, at, end, wireEnd);
}

const MOBILITY_TYPES: Readonly<Record<number, string>> = {
  0: 'Binding Refresh Request',
  1: 'Home Test Init',
  2: 'Care-of Test Init',
  3: 'Home Test',
  4: 'Care-of Test',
  5: 'Binding Update',
  6: 'Binding Acknowledgement',
  7: 'Binding Error',
};

function dissectMobility(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  const wireEnd = context.wireEnd;
  tree.protocol = 'MIPv6';
  const r = beginExtension(context, 'mipv6', 'mip6', start, end);
  if (r === undefined) return;
  const type = r.u8('mip6.mhtype', 'Mobility Header Type', MOBILITY_TYPES);
  r.u8('mip6.reserved', 'Reserved', 'hex');
  r.u16('mip6.csum', 'Checksum', 'hex');
  r.hexBytes('mip6.message', 'Message Data', r.left);
  tree.info = MOBILITY_TYPES[type] ?? 'Unknown';
  endExtension(context, r, start, end, wireEnd);
}

/** HIP and Shim6: their length is coded as in other extension headers; the content is shown as bytes. */
function opaque(name: string, label: string) {
  return (context: DissectContext, start: number, end: number): void => {
    const { tree, bytes } = context;
    const wireEnd = context.wireEnd;
    tree.protocol = label;
    tree.info = label;
    const length = start + 2 <= end ? Math.min(extensionView.length(bytes, start), end - start) : end - start;
    tree.layer(name, label, start, length);
    const r = new FieldReader(context, start, start + length);
    const next = r.u8(`${name}.next_header`, 'Next Header', IP_PROTOCOL_NAMES);
    r.u8(`${name}.len`, 'Header Length');
    r.hexBytes(`${name}.data`, 'Data', r.left);
    r.finish(label);
    tree.close();
    if (!r.short && extensionView.check(bytes, start, end)) dissectNextHeader(context, next, start + length, end, wireEnd);
  };
}

export function registerIpv6Extensions(): void {
  register('ip.proto', [NEXT_HEADER.hopByHop], dissectHopByHop);
  register('ip.proto', [NEXT_HEADER.routing], dissectRouting);
  register('ip.proto', [NEXT_HEADER.fragment], dissectFragment);
  register('ip.proto', [NEXT_HEADER.destinationOptions], dissectDestinationOptions);
  register('ip.proto', [NEXT_HEADER.mobility], dissectMobility);
  register('ip.proto', [NEXT_HEADER.hip], opaque('hip', 'Host Identity Protocol'));
  register('ip.proto', [NEXT_HEADER.shim6], opaque('shim6', 'Shim6'));
}
