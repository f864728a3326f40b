import { putU16, putU32, u16, u32 } from '../base/index.ts';
import { copyAddress, formatIpv6 } from './address.ts';
import { dissectNextHeader, hopByHopJumbo } from './ipv6-extensions.ts';
import { DSCP_NAMES, ECN_NAMES, IP_PROTOCOL_NAMES } from './names.ts';
import { dissectData } from './payload.ts';
import { bitField, hexNumber, markShort } from './reader.ts';
import { MAX_TUNNELS, register, type DissectContext } from './registry.ts';

export const IPV6_HEADER_BYTES = 40;

/** RFC 8200 section 3. */
export const ipv6View = {
  check: (b: Uint8Array, o: number, end: number): boolean => o + IPV6_HEADER_BYTES <= end && b[o]! >> 4 === 6,
  version: (b: Uint8Array, o: number): number => b[o]! >> 4,
  trafficClass: (b: Uint8Array, o: number): number => (u16(b, o) >> 4) & 0xff,
  flowLabel: (b: Uint8Array, o: number): number => u32(b, o) & 0xfffff,
  payloadLength: (b: Uint8Array, o: number): number => u16(b, o + 4),
  nextHeader: (b: Uint8Array, o: number): number => b[o + 6]!,
  hopLimit: (b: Uint8Array, o: number): number => b[o + 7]!,
  source: (b: Uint8Array, o: number): string => formatIpv6(b, o + 8),
  destination: (b: Uint8Array, o: number): string => formatIpv6(b, o + 24),
};

export interface Ipv6Fields {
  /** Sixteen bytes each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly nextHeader: number;
  /** Bytes that follow the fixed header, extension headers included. */
  readonly payloadLength: number;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
}

/** Writes the fixed header and returns its length in bytes. */
export function emitIpv6(b: Uint8Array, o: number, fields: Ipv6Fields): number {
  putU32(b, o, (0x60000000 | ((fields.trafficClass ?? 0) << 20) | ((fields.flowLabel ?? 0) & 0xfffff)) >>> 0);
  putU16(b, o + 4, fields.payloadLength);
  b[o + 6] = fields.nextHeader;
  b[o + 7] = fields.hopLimit ?? 64;
  copyAddress(b, o + 8, fields.source, 0, 16);
  copyAddress(b, o + 24, fields.destination, 0, 16);
  return IPV6_HEADER_BYTES;
}

/** As many of the header's fields as there are. */
function headerFields(context: DissectContext, o: number, end: number): void {
  const { tree, bytes } = context;
  if (tree.columnsOnly || o + 8 > end) return;
  const trafficClass = ipv6View.trafficClass(bytes, o);
  bitField(tree, 'ipv6.version', 'Version', ipv6View.version(bytes, o), o, 1);
  const node = tree.open('ipv6.tclass', 'Traffic Class', o, 4, { raw: trafficClass });
  node.value = hexNumber(trafficClass, 2);
  bitField(tree, 'ipv6.tclass.dscp', 'Differentiated Services Codepoint', trafficClass >> 2, o, 4, DSCP_NAMES);
  bitField(tree, 'ipv6.tclass.ecn', 'Explicit Congestion Notification', trafficClass & 3, o, 4, ECN_NAMES);
  tree.close();
  bitField(tree, 'ipv6.flow', 'Flow Label', ipv6View.flowLabel(bytes, o), o, 4, (v) => hexNumber(v, 5));
  bitField(tree, 'ipv6.plen', 'Payload Length', ipv6View.payloadLength(bytes, o), o + 4, 2);
  bitField(tree, 'ipv6.nxt', 'Next Header', ipv6View.nextHeader(bytes, o), o + 6, 1, IP_PROTOCOL_NAMES);
  bitField(tree, 'ipv6.hlim', 'Hop Limit', ipv6View.hopLimit(bytes, o), o + 7, 1);
  if (o + 24 > end) return;
  const source = formatIpv6(bytes, o + 8);
  tree.field('ipv6.src', 'Source Address', source, o + 8, 16, { raw: source });
  if (o + 40 > end) return;
  const destination = formatIpv6(bytes, o + 24);
  tree.field('ipv6.dst', 'Destination Address', destination, o + 24, 16, { raw: destination });
}

export function dissectIpv6(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('ipv6', 'Internet Protocol Version 6', start, Math.min(IPV6_HEADER_BYTES, end - start));
  tree.protocol = 'IPv6';
  if (start < end && bytes[start]! >> 4 !== 6) {
    const version = bytes[start]! >> 4;
    tree.field('ipv6.version', 'Version', String(version), start, 1, { raw: version });
    tree.expert('error', `Bogus IPv6 version (${version})`);
    tree.info = `Bogus IPv6 version (${version}, must be 6)`;
    tree.close();
    return;
  }
  headerFields(context, start, end);
  if (!ipv6View.check(bytes, start, end)) {
    if (start + 24 <= end) tree.source = formatIpv6(bytes, start + 8);
    markShort(context, 'IPv6', end);
    tree.close();
    return;
  }
  if (tree.columnsOpen) {
    tree.source = ipv6View.source(bytes, start);
    tree.destination = ipv6View.destination(bytes, start);
    node.value = `Src: ${tree.source}, Dst: ${tree.destination}`;
    tree.info = IP_PROTOCOL_NAMES[ipv6View.nextHeader(bytes, start)] ?? 'Unknown';
  }
  const at = start + IPV6_HEADER_BYTES;
  const next = ipv6View.nextHeader(bytes, start);
  let length = ipv6View.payloadLength(bytes, start);
  if (length === 0) {
    // A jumbogram says its length in a hop-by-hop option; segmentation offload says it nowhere.
    const jumbo = next === 0 ? hopByHopJumbo(bytes, at, end) : 0;
    length = jumbo > 0 ? jumbo : wireEnd - at;
  } else if (at + length > wireEnd && !context.inError) {
    tree.expert('warn', `IPv6 payload length exceeds framing length (${wireEnd - at} bytes)`);
  }
  const stop = Math.min(wireEnd, at + length);
  if (context.networkEnd < 0) context.networkEnd = stop;
  tree.close();
  ipv6Payload(context, start, at, next, Math.min(end, stop), stop);
}

function ipv6Payload(context: DissectContext, o: number, at: number, next: number, end: number, wireEnd: number): void {
  const saved = { version: context.ipVersion, source: context.ipSource, destination: context.ipDestination };
  const savedFragmented = context.fragmented;
  const savedWireEnd = context.wireEnd;
  context.ipVersion = 6;
  context.ipSource = o + 8;
  context.ipDestination = o + 24;
  context.fragmented = false;
  context.tunnels++;
  if (context.tunnels > MAX_TUNNELS) {
    context.wireEnd = wireEnd;
    dissectData(context, at, end);
  } else dissectNextHeader(context, next, at, end, wireEnd);
  context.tunnels--;
  context.wireEnd = savedWireEnd;
  context.ipVersion = saved.version;
  context.ipSource = saved.source;
  context.ipDestination = saved.destination;
  context.fragmented = savedFragmented;
}

export function registerIpv6(): void {
  register('ethertype', [0x86dd], dissectIpv6);
  register('gre.proto', [0x86dd], dissectIpv6);
  register('ppp.protocol', [0x0057], dissectIpv6);
  register('ip.proto', [41], dissectIpv6);
}
