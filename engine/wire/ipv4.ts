import { assert, putU16, u16 } from '../base/index.ts';
import { copyAddress, formatIpv4 } from './address.ts';
import { checksum, sum16, sumIsGood, type ChecksumVerdict } from './checksum.ts';
import { dissectIpv4Options } from './ipv4-options.ts';
import { DSCP_NAMES, ECN_NAMES, IP_PROTOCOL_NAMES } from './names.ts';
import { dissectData, passOn } from './payload.ts';
import { bitField, checksumFields, flagBit, hexNumber, markShort } from './reader.ts';
import { dissectIpv6 } from './ipv6.ts';
import { lookup, MAX_TUNNELS, register, type DissectContext } from './registry.ts';

export const IPV4_HEADER_BYTES = 20;

/**
 * RFC 791 section 3.1. `check` covers the fixed header and, by `headerLength`, its options; the total length may still be
 * more than what was captured.
 */
export const ipv4View = {
  check: (b: Uint8Array, o: number, end: number): boolean =>
    o + IPV4_HEADER_BYTES <= end && b[o]! >> 4 === 4 && (b[o]! & 15) >= 5 && o + (b[o]! & 15) * 4 <= end,
  version: (b: Uint8Array, o: number): number => b[o]! >> 4,
  /** In bytes. */
  headerLength: (b: Uint8Array, o: number): number => (b[o]! & 15) * 4,
  dscp: (b: Uint8Array, o: number): number => b[o + 1]! >> 2,
  ecn: (b: Uint8Array, o: number): number => b[o + 1]! & 3,
  trafficClass: (b: Uint8Array, o: number): number => b[o + 1]!,
  totalLength: (b: Uint8Array, o: number): number => u16(b, o + 2),
  identification: (b: Uint8Array, o: number): number => u16(b, o + 4),
  dontFragment: (b: Uint8Array, o: number): boolean => (b[o + 6]! & 0x40) !== 0,
  moreFragments: (b: Uint8Array, o: number): boolean => (b[o + 6]! & 0x20) !== 0,
  /** In bytes. */
  fragmentOffset: (b: Uint8Array, o: number): number => (u16(b, o + 6) & 0x1fff) * 8,
  ttl: (b: Uint8Array, o: number): number => b[o + 8]!,
  protocol: (b: Uint8Array, o: number): number => b[o + 9]!,
  checksum: (b: Uint8Array, o: number): number => u16(b, o + 10),
  source: (b: Uint8Array, o: number): string => formatIpv4(b, o + 12),
  destination: (b: Uint8Array, o: number): string => formatIpv4(b, o + 16),
};

export interface Ipv4Fields {
  /** Four bytes each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** Bytes that follow the header. */
  readonly payloadLength: number;
  readonly ttl?: number;
  readonly trafficClass?: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  /** Padded with end-of-list to a multiple of four; at most 40 bytes. */
  readonly options?: Uint8Array;
}

/** Writes the header with its checksum and returns its length in bytes. */
export function emitIpv4(b: Uint8Array, o: number, fields: Ipv4Fields): number {
  const options = fields.options ?? new Uint8Array(0);
  assert(options.length <= 40, 'IPv4 options over 40 bytes');
  const headerBytes = IPV4_HEADER_BYTES + ((options.length + 3) & ~3);
  b.fill(0, o, o + headerBytes);
  b[o] = 0x40 | (headerBytes / 4);
  b[o + 1] = fields.trafficClass ?? 0;
  putU16(b, o + 2, headerBytes + fields.payloadLength);
  putU16(b, o + 4, fields.identification ?? 0);
  const flags = (fields.dontFragment === true ? 0x4000 : 0) | (fields.moreFragments === true ? 0x2000 : 0);
  putU16(b, o + 6, flags | ((fields.fragmentOffset ?? 0) >>> 3));
  b[o + 8] = fields.ttl ?? 64;
  b[o + 9] = fields.protocol;
  copyAddress(b, o + 12, fields.source, 0, 4);
  copyAddress(b, o + 16, fields.destination, 0, 4);
  b.set(options, o + IPV4_HEADER_BYTES);
  putU16(b, o + 10, checksum(b, o, o + headerBytes));
  return headerBytes;
}

const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;

/**
 * Offset of the address the packet ends up at: the last of a source route that is not used up, the header's own otherwise.
 * Transport checksums are over this one (RFC 791 section 3.1).
 */
export function ipv4FinalDestination(b: Uint8Array, o: number, headerEnd: number): number {
  let at = o + IPV4_HEADER_BYTES;
  while (at + 2 < headerEnd && b[at] !== 0) {
    const type = b[at]!;
    const length = type === 1 ? 1 : b[at + 1]!;
    if (length === 0 || at + length > headerEnd || (type !== 1 && length < 2)) break;
    if ((type === LOOSE_SOURCE_ROUTE || type === STRICT_SOURCE_ROUTE) && length >= 7) {
      return b[at + 2]! <= length ? at + length - 4 : o + 16;
    }
    at += length;
  }
  return o + 16;
}

/** Total length as it counts: zero stands for the rest of the frame, as segmentation offload leaves it. */
function presumedLength(b: Uint8Array, o: number, wireEnd: number): number {
  const total = ipv4View.totalLength(b, o);
  return total === 0 ? wireEnd - o : total;
}

function headerFields(context: DissectContext, o: number, headerBytes: number, headerWhole: boolean): void {
  const { tree, bytes } = context;
  bitField(tree, 'ip.version', 'Version', ipv4View.version(bytes, o), o, 1);
  bitField(tree, 'ip.hdr_len', 'Header Length', headerBytes, o, 1, (v) => `${v} bytes (${v / 4})`);
  const ds = tree.open('ip.dsfield', 'Differentiated Services Field', o + 1, 1, { raw: bytes[o + 1]! });
  ds.value = hexNumber(bytes[o + 1]!, 2);
  bitField(tree, 'ip.dsfield.dscp', 'Differentiated Services Codepoint', ipv4View.dscp(bytes, o), o + 1, 1, DSCP_NAMES);
  bitField(tree, 'ip.dsfield.ecn', 'Explicit Congestion Notification', ipv4View.ecn(bytes, o), o + 1, 1, ECN_NAMES);
  tree.close();
  const total = presumedLength(bytes, o, context.wireEnd);
  const reported = ipv4View.totalLength(bytes, o);
  bitField(tree, 'ip.len', 'Total Length', total, o + 2, 2, (v) =>
    v === reported ? String(v) : `${v} (reported as 0, presumed from segmentation offload)`,
  );
  if (reported > 0 && reported < headerBytes) return;
  bitField(tree, 'ip.id', 'Identification', ipv4View.identification(bytes, o), o + 4, 2, (v) => `${hexNumber(v, 4)} (${v})`);
  const flags = tree.open('ip.flags', 'Flags', o + 6, 1, { raw: bytes[o + 6]! >> 5 });
  flags.value = hexNumber(bytes[o + 6]! >> 5, 1);
  flagBit(tree, 'ip.flags.rb', 'Reserved bit', bytes[o + 6]!, 0x80, o + 6, 1);
  flagBit(tree, 'ip.flags.df', "Don't fragment", bytes[o + 6]!, 0x40, o + 6, 1);
  flagBit(tree, 'ip.flags.mf', 'More fragments', bytes[o + 6]!, 0x20, o + 6, 1);
  tree.close();
  // Wireshark's raw value of this field is in units of 8 bytes.
  bitField(tree, 'ip.frag_offset', 'Fragment Offset', ipv4View.fragmentOffset(bytes, o) / 8, o + 6, 2, (v) => `${v * 8} bytes`);
  bitField(tree, 'ip.ttl', 'Time to Live', ipv4View.ttl(bytes, o), o + 8, 1);
  bitField(tree, 'ip.proto', 'Protocol', ipv4View.protocol(bytes, o), o + 9, 1, IP_PROTOCOL_NAMES);
  const verdict: ChecksumVerdict = !headerWhole ? 'unverified' : sumIsGood(sum16(bytes, o, o + headerBytes)) ? 'good' : 'bad';
  checksumFields(tree, 'ip', ipv4View.checksum(bytes, o), o + 10, 2, verdict);
  const source = formatIpv4(bytes, o + 12);
  const final = headerWhole ? ipv4FinalDestination(bytes, o, o + headerBytes) : o + 16;
  const destination = formatIpv4(bytes, final);
  tree.field('ip.src', 'Source Address', source, o + 12, 4, { raw: source });
  tree.field('ip.dst', 'Destination Address', destination, final, 4, { raw: destination });
  if (final !== o + 16) {
    const current = formatIpv4(bytes, o + 16);
    tree.field('ip.cur_rt', 'Current Route', current, o + 16, 4, { raw: current });
  }
}

export function dissectIpv4(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('ip', 'Internet Protocol Version 4', start, Math.min(IPV4_HEADER_BYTES, end - start));
  tree.protocol = 'IPv4';
  if (start < end && bytes[start]! >> 4 === 6) {
    tree.expert('error', 'Bogus IPv4 version (6): dissected as IPv6');
    tree.close();
    dissectIpv6(context, start, end);
    return;
  }
  if (!wellFormed(context, start, end)) {
    tree.close();
    return;
  }
  const headerBytes = ipv4View.headerLength(bytes, start);
  const headerWhole = start + headerBytes <= end;
  node.length = Math.min(headerBytes, end - start);
  if (!tree.columnsOnly) headerFields(context, start, headerBytes, headerWhole);
  const protocol = ipv4View.protocol(bytes, start);
  if (tree.columnsOpen) tree.info = IP_PROTOCOL_NAMES[protocol] ?? `Unknown (${protocol})`;
  const wireLength = wireEnd - start;
  const total = presumedLength(bytes, start, wireEnd);
  if (total > wireLength && !context.inError) {
    tree.expert('error', `IPv4 total length exceeds packet length (${wireLength} bytes)`);
  }
  if (total < headerBytes && ipv4View.totalLength(bytes, start) > 0) {
    tree.expert('error', `Bogus IP length (${total}, less than header length ${headerBytes})`);
    tree.info = `Bogus IP length (${total}, less than header length ${headerBytes})`;
    tree.close();
    return;
  }
  if (tree.columnsOpen) {
    tree.source = ipv4View.source(bytes, start);
    tree.destination = formatIpv4(bytes, headerWhole ? ipv4FinalDestination(bytes, start, start + headerBytes) : start + 16);
    node.value = `Src: ${tree.source}, Dst: ${tree.destination}`;
  }
  const stop = Math.min(wireEnd, start + total);
  if (context.networkEnd < 0) context.networkEnd = stop;
  if (headerBytes > IPV4_HEADER_BYTES) {
    dissectIpv4Options(context, start + IPV4_HEADER_BYTES, Math.min(end, start + headerBytes));
    if (!headerWhole) markShort(context, 'IPv4', end);
  }
  tree.close();
  if (headerWhole) ipv4Payload(context, start, headerBytes, Math.min(end, stop), stop);
}

/** Version and header length make sense; otherwise says what does not. */
function wellFormed(context: DissectContext, start: number, end: number): boolean {
  const { tree, bytes } = context;
  if (start >= end) {
    markShort(context, 'IPv4', end);
    return false;
  }
  const version = bytes[start]! >> 4;
  const headerBytes = ipv4View.headerLength(bytes, start);
  if (version !== 4) {
    tree.field('ip.version', 'Version', String(version), start, 1, { raw: version });
    tree.expert('error', `Bogus IPv4 version (${version})`);
    tree.info = `Bogus IPv4 version (${version}, must be 4)`;
    return false;
  }
  if (headerBytes < IPV4_HEADER_BYTES) {
    tree.field('ip.version', 'Version', String(version), start, 1, { raw: version });
    tree.field('ip.hdr_len', 'Header Length', `${headerBytes} bytes`, start, 1, { raw: headerBytes });
    tree.expert('error', `Bogus IP header length (${headerBytes}, must be at least ${IPV4_HEADER_BYTES})`);
    tree.info = `Bogus IP header length (${headerBytes}, must be at least ${IPV4_HEADER_BYTES})`;
    return false;
  }
  if (start + IPV4_HEADER_BYTES > end) {
    if (start + 4 <= end) {
      bitField(tree, 'ip.hdr_len', 'Header Length', headerBytes, start, 1);
      bitField(tree, 'ip.len', 'Total Length', ipv4View.totalLength(bytes, start), start + 2, 2);
    }
    markShort(context, 'IPv4', end);
    return false;
  }
  return true;
}

function ipv4Payload(context: DissectContext, o: number, headerBytes: number, end: number, wireEnd: number): void {
  const { tree, bytes } = context;
  const protocol = ipv4View.protocol(bytes, o);
  const at = o + headerBytes;
  const saved = { version: context.ipVersion, source: context.ipSource, destination: context.ipDestination };
  const savedFragmented = context.fragmented;
  context.ipVersion = 4;
  context.ipSource = o + 12;
  context.ipDestination = ipv4FinalDestination(bytes, o, at);
  context.tunnels++;
  const offset = ipv4View.fragmentOffset(bytes, o);
  const fragmented = offset > 0 || ipv4View.moreFragments(bytes, o);
  context.fragmented = fragmented;
  if (offset > 0) {
    if (tree.columnsOpen) {
      const name = IP_PROTOCOL_NAMES[protocol] ?? 'Unknown';
      const id = hexNumber(ipv4View.identification(bytes, o), 4).slice(2);
      tree.info = `Fragmented IP protocol (proto=${name} ${protocol}, off=${offset}, ID=${id})`;
    }
    const savedFragment = context.fragment;
    context.fragment = true;
    passOn(context, undefined, at, end, wireEnd);
    context.fragment = savedFragment;
  } else if (context.tunnels > MAX_TUNNELS) {
    context.wireEnd = wireEnd;
    dissectData(context, at, end);
  } else passOn(context, lookup('ip.proto', protocol), at, end, wireEnd);
  context.tunnels--;
  context.ipVersion = saved.version;
  context.ipSource = saved.source;
  context.ipDestination = saved.destination;
  context.fragmented = savedFragmented;
}

export function registerIpv4(): void {
  register('ethertype', [0x0800], dissectIpv4);
  register('gre.proto', [0x0800], dissectIpv4);
  register('ppp.protocol', [0x0021], dissectIpv4);
  register('ip.proto', [4, 94], dissectIpv4);
  register('llc.dsap', [0x06], dissectIpv4);
}
