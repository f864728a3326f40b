import { putU16, u16 } from '../base/index.ts';
import { checksum, pseudoSum4, pseudoSum6, sum16, sumIsGood, type ChecksumVerdict } from './checksum.ts';
import { passOn } from './payload.ts';
import { bitField, checksumFields, markShort } from './reader.ts';
import { lookupPayload, register, type DissectContext } from './registry.ts';

export const UDP_HEADER_BYTES = 8;

/** RFC 768. UDP-Lite (RFC 3828) has its coverage where UDP has its length. */
export const udpView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + UDP_HEADER_BYTES <= end,
  sourcePort: (b: Uint8Array, o: number): number => u16(b, o),
  destinationPort: (b: Uint8Array, o: number): number => u16(b, o + 2),
  /** In bytes, header included. */
  length: (b: Uint8Array, o: number): number => u16(b, o + 4),
  checksum: (b: Uint8Array, o: number): number => u16(b, o + 6),
};

export interface UdpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payloadLength: number;
}

/** Writes the header with a checksum of zero and returns its length; `sealUdp` sets the checksum once the payload is there. */
export function emitUdp(b: Uint8Array, o: number, fields: UdpFields): number {
  putU16(b, o, fields.sourcePort);
  putU16(b, o + 2, fields.destinationPort);
  putU16(b, o + 4, UDP_HEADER_BYTES + fields.payloadLength);
  putU16(b, o + 6, 0);
  return UDP_HEADER_BYTES;
}

/** Pseudo header sum of a transport segment, from the IP header's addresses. */
export function pseudoSum(b: Uint8Array, version: 4 | 6, source: number, destination: number, protocol: number, length: number): number {
  return version === 4 ? pseudoSum4(b, source, destination, protocol, length) : pseudoSum6(b, source, destination, protocol, length);
}

/**
 * Sets the checksum of the datagram at [o, o + length) from its bytes and the addresses at the given offsets. A sum of zero
 * is sent as all ones (RFC 768).
 */
export function sealUdp(b: Uint8Array, o: number, version: 4 | 6, source: number, destination: number): void {
  const length = udpView.length(b, o);
  putU16(b, o + 6, 0);
  const value = checksum(b, o, o + length, pseudoSum(b, version, source, destination, 17, length));
  putU16(b, o + 6, value === 0 ? 0xffff : value);
}

/**
 * Verdict on a checksum over [start, stop) with a pseudo header, for a layer captured up to `end`: unverified where bytes
 * are missing, in a fragment, or where there is no IP around.
 */
export function transportVerdict(context: DissectContext, protocol: number, start: number, stop: number, end: number): ChecksumVerdict {
  if (context.fragmented || stop > end || context.ipVersion === 0) return 'unverified';
  const pseudo = pseudoSum(context.bytes, context.ipVersion, context.ipSource, context.ipDestination, protocol, stop - start);
  return sumIsGood(sum16(context.bytes, start, stop, pseudo)) ? 'good' : 'bad';
}

function portFields(context: DissectContext, prefix: string, start: number): void {
  const { tree, bytes } = context;
  bitField(tree, `${prefix}.srcport`, 'Source Port', udpView.sourcePort(bytes, start), start, 2);
  bitField(tree, `${prefix}.dstport`, 'Destination Port', udpView.destinationPort(bytes, start), start + 2, 2);
}

function dissectUdp(context: DissectContext, start: number, end: number): void {
  udpLike(context, start, end, false);
}

function dissectUdpLite(context: DissectContext, start: number, end: number): void {
  udpLike(context, start, end, true);
}

function udpVerdict(context: DissectContext, start: number, end: number, stop: number, value: number): ChecksumVerdict {
  if (value === 0) return context.ipVersion === 6 ? 'illegal' : 'absent';
  return transportVerdict(context, 17, start, stop, end);
}

/** UDP-Lite's checksum covers only its coverage, but its pseudo header has the whole length (RFC 3828 section 3.2). */
function liteVerdict(context: DissectContext, start: number, end: number, wireLength: number, coverage: number): ChecksumVerdict {
  const covered = coverage === 0 ? wireLength : coverage;
  if (udpView.checksum(context.bytes, start) === 0) return 'illegal';
  if (context.fragmented || start + covered > end || context.ipVersion === 0) return 'unverified';
  const pseudo = pseudoSum(context.bytes, context.ipVersion, context.ipSource, context.ipDestination, 136, wireLength);
  return sumIsGood(sum16(context.bytes, start, start + covered, pseudo)) ? 'good' : 'bad';
}

function udpLike(context: DissectContext, start: number, end: number, lite: boolean): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer(
    lite ? 'udplite' : 'udp',
    lite ? 'Lightweight User Datagram Protocol' : 'User Datagram Protocol',
    start,
    Math.min(8, end - start),
  );
  tree.protocol = lite ? 'UDP-Lite' : 'UDP';
  const prefix = 'udp';
  if (start + 4 <= end) portFields(context, prefix, start);
  if (!udpView.check(bytes, start, end)) {
    markShort(context, 'UDP', end);
    tree.close();
    return;
  }
  const source = udpView.sourcePort(bytes, start);
  const destination = udpView.destinationPort(bytes, start);
  const wireLength = wireEnd - start;
  let length = udpView.length(bytes, start);
  if (tree.columnsOpen) node.value = `Src Port: ${source}, Dst Port: ${destination}`;
  if (lite) {
    bitField(tree, 'udp.checksum_coverage', 'Checksum coverage', length, start + 4, 2);
    if (length !== 0 && (length < UDP_HEADER_BYTES || length > wireLength)) tree.expert('warn', `Bad checksum coverage value ${length}`);
    if (!tree.columnsOnly) {
      checksumFields(tree, prefix, udpView.checksum(bytes, start), start + 6, 2, liteVerdict(context, start, end, wireLength, length));
    }
    length = wireLength;
  } else {
    bitField(tree, 'udp.length', 'Length', length, start + 4, 2);
    if (length === 0 && context.ipVersion === 6) {
      // A jumbogram's datagram has a length of zero (RFC 2675 section 4).
      if (wireLength <= 0xffff) tree.expert('error', 'Length is zero but payload < 65536');
      length = wireLength;
    }
    if (length < UDP_HEADER_BYTES) {
      tree.expert('error', `Bad length value ${length} < 8`);
      tree.info = `BAD UDP LENGTH ${length} < 8`;
      tree.close();
      return;
    }
    if (length > wireLength && !context.fragmented && !context.inError) {
      tree.expert('error', `Bad length value ${length} > IP payload length`);
      tree.info = `BAD UDP LENGTH ${length} > IP PAYLOAD LENGTH`;
    }
    const stop = Math.min(wireEnd, start + length);
    if (!tree.columnsOnly) {
      const verdict = udpVerdict(context, start, end, start + length <= wireEnd ? stop : start + length, udpView.checksum(bytes, start));
      checksumFields(tree, prefix, udpView.checksum(bytes, start), start + 6, 2, verdict);
    }
  }
  const stop = Math.min(wireEnd, start + length);
  if (!tree.info.startsWith('BAD UDP') && tree.columnsOpen) {
    tree.info = `${source} → ${destination} Len=${length - UDP_HEADER_BYTES}`;
  }
  udpPayload(context, start + UDP_HEADER_BYTES, Math.min(end, stop), stop, source, destination);
}

function udpPayload(context: DissectContext, at: number, end: number, stop: number, source: number, destination: number): void {
  const { tree } = context;
  if (stop > at) {
    tree.field('udp.payload', 'UDP payload', `(${stop - at} bytes)`, at, Math.max(0, end - at));
  }
  tree.close();
  context.sourcePort = source;
  context.destinationPort = destination;
  const dissector = at < end ? lookupPayload('udp', context, at, end) : undefined;
  passOn(context, dissector, at, end, stop);
}

export function registerUdp(): void {
  register('ip.proto', [17], dissectUdp);
  register('ip.proto', [136], dissectUdpLite);
}
