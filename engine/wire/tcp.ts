import { assert, putU16, putU32, u16, u32 } from '../base/index.ts';
import { checksum } from './checksum.ts';
import { passOn } from './payload.ts';
import { bitField, checksumFields, flagBit, hexNumber, markShort } from './reader.ts';
import { lookupPayload, register, type DissectContext } from './registry.ts';
import { dissectTcpOptions } from './tcp-options.ts';
import { pseudoSum, transportVerdict } from './udp.ts';

export const TCP_HEADER_BYTES = 20;

export const TCP_FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20, ece: 0x40, cwr: 0x80, ae: 0x100 } as const;

/** RFC 9293 section 3.1. `check` covers the options too. */
export const tcpView = {
  check: (b: Uint8Array, o: number, end: number): boolean =>
    o + TCP_HEADER_BYTES <= end && b[o + 12]! >> 4 >= 5 && o + (b[o + 12]! >> 4) * 4 <= end,
  sourcePort: (b: Uint8Array, o: number): number => u16(b, o),
  destinationPort: (b: Uint8Array, o: number): number => u16(b, o + 2),
  sequence: (b: Uint8Array, o: number): number => u32(b, o + 4),
  acknowledgment: (b: Uint8Array, o: number): number => u32(b, o + 8),
  /** In bytes. */
  headerLength: (b: Uint8Array, o: number): number => (b[o + 12]! >> 4) * 4,
  /** The 12 bits from reserved to FIN. */
  flags: (b: Uint8Array, o: number): number => u16(b, o + 12) & 0xfff,
  window: (b: Uint8Array, o: number): number => u16(b, o + 14),
  checksum: (b: Uint8Array, o: number): number => u16(b, o + 16),
  urgentPointer: (b: Uint8Array, o: number): number => u16(b, o + 18),
};

export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** Bits of TCP_FLAG. */
  readonly flags: number;
  readonly window: number;
  readonly urgentPointer?: number;
  /** Ready-made options; padded with end-of-list to four bytes, at most 40. */
  readonly options?: Uint8Array;
}

/** Writes the header with a checksum of zero and returns its length; `sealTcp` sets the checksum once the payload is there. */
export function emitTcp(b: Uint8Array, o: number, fields: TcpFields): number {
  const options = fields.options ?? new Uint8Array(0);
  assert(options.length <= 40, 'TCP options over 40 bytes');
  const headerBytes = TCP_HEADER_BYTES + ((options.length + 3) & ~3);
  b.fill(0, o, o + headerBytes);
  putU16(b, o, fields.sourcePort);
  putU16(b, o + 2, fields.destinationPort);
  putU32(b, o + 4, fields.sequence);
  putU32(b, o + 8, fields.acknowledgment);
  putU16(b, o + 12, ((headerBytes / 4) << 12) | (fields.flags & 0xfff));
  putU16(b, o + 14, fields.window);
  putU16(b, o + 18, fields.urgentPointer ?? 0);
  b.set(options, o + TCP_HEADER_BYTES);
  return headerBytes;
}

/** Sets the checksum of the segment of `lengthBytes` bytes at `o`, from the addresses at the given offsets. */
export function sealTcp(b: Uint8Array, o: number, lengthBytes: number, version: 4 | 6, source: number, destination: number): void {
  putU16(b, o + 16, 0);
  putU16(b, o + 16, checksum(b, o, o + lengthBytes, pseudoSum(b, version, source, destination, 6, lengthBytes)));
}

const FLAGS: readonly (readonly [mask: number, name: string, label: string, short: string])[] = [
  [0x800, 'tcp.flags.res', 'Reserved', 'Reserved'],
  [TCP_FLAG.ae, 'tcp.flags.ae', 'Accurate ECN', 'AE'],
  [TCP_FLAG.cwr, 'tcp.flags.cwr', 'Congestion Window Reduced', 'CWR'],
  [TCP_FLAG.ece, 'tcp.flags.ece', 'ECN-Echo', 'ECE'],
  [TCP_FLAG.urg, 'tcp.flags.urg', 'Urgent', 'URG'],
  [TCP_FLAG.ack, 'tcp.flags.ack', 'Acknowledgment', 'ACK'],
  [TCP_FLAG.psh, 'tcp.flags.push', 'Push', 'PSH'],
  [TCP_FLAG.rst, 'tcp.flags.reset', 'Reset', 'RST'],
  [TCP_FLAG.syn, 'tcp.flags.syn', 'Syn', 'SYN'],
  [TCP_FLAG.fin, 'tcp.flags.fin', 'Fin', 'FIN'],
];

/** `SYN, ACK`, in Wireshark's order: from the low bit up. */
export function tcpFlagNames(flags: number): string {
  const names: string[] = [];
  for (let i = FLAGS.length - 1; i >= 0; i--) {
    const [mask, , , short] = FLAGS[i]!;
    if (mask !== 0x800 && (flags & mask) !== 0) names.push(short);
  }
  if ((flags & 0xe00) !== 0) names.push('Reserved');
  return names.length === 0 ? '<None>' : names.join(', ');
}

function flagFields(context: DissectContext, o: number): void {
  const { tree, bytes } = context;
  const flags = tcpView.flags(bytes, o);
  const node = tree.open('tcp.flags', 'Flags', o + 12, 2, { raw: flags });
  node.value = `${hexNumber(flags, 3)} (${tcpFlagNames(flags)})`;
  flagBit(tree, 'tcp.flags.res', 'Reserved', flags, 0xe00, o + 12, 1);
  for (const [mask, name, label] of FLAGS) {
    if (mask === 0x800) continue;
    flagBit(tree, name, label, flags, mask, mask > 0xff ? o + 12 : o + 13, 1);
  }
  tree.close();
}

function partial(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  if (start + 2 <= end) bitField(tree, 'tcp.srcport', 'Source Port', u16(bytes, start), start, 2);
  if (start + 4 <= end) {
    bitField(tree, 'tcp.dstport', 'Destination Port', u16(bytes, start + 2), start + 2, 2);
    tree.info = `${u16(bytes, start)} → ${u16(bytes, start + 2)}`;
  }
  if (start + 8 <= end) bitField(tree, 'tcp.seq_raw', 'Sequence Number (raw)', u32(bytes, start + 4), start + 4, 4);
  const bogus = start + 16 <= end && tcpView.headerLength(bytes, start) < TCP_HEADER_BYTES;
  if (bogus) {
    bogusHeader(context, start, tcpView.headerLength(bytes, start));
    return;
  }
  if (start + 12 <= end) bitField(tree, 'tcp.ack_raw', 'Acknowledgment number (raw)', u32(bytes, start + 8), start + 8, 4);
  if (start + 16 <= end) {
    bitField(tree, 'tcp.hdr_len', 'Header Length', tcpView.headerLength(bytes, start), start + 12, 1);
    flagFields(context, start);
    bitField(tree, 'tcp.window_size_value', 'Window', tcpView.window(bytes, start), start + 14, 2);
  }
  if (start + 18 <= end) {
    checksumFields(tree, 'tcp', tcpView.checksum(bytes, start), start + 16, 2, transportVerdict(context, 6, start, context.wireEnd, end));
  }
  markShort(context, 'TCP', end);
}

function dissectTcp(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('tcp', 'Transmission Control Protocol', start, Math.min(TCP_HEADER_BYTES, end - start));
  tree.protocol = 'TCP';
  if (start + TCP_HEADER_BYTES > end) {
    partial(context, start, end);
    tree.close();
    return;
  }
  const headerBytes = tcpView.headerLength(bytes, start);
  const source = tcpView.sourcePort(bytes, start);
  const destination = tcpView.destinationPort(bytes, start);
  const segment = Math.max(0, wireEnd - start - headerBytes);
  node.length = Math.min(Math.max(headerBytes, TCP_HEADER_BYTES), end - start);
  if (!tree.columnsOnly) {
    node.value = `Src Port: ${source}, Dst Port: ${destination}, Seq: ${tcpView.sequence(bytes, start)}, Len: ${segment}`;
    bitField(tree, 'tcp.srcport', 'Source Port', source, start, 2);
    bitField(tree, 'tcp.dstport', 'Destination Port', destination, start + 2, 2);
  }
  if (tree.columnsOpen) tree.info = tcpInfo(context, start, segment);
  if (headerBytes < TCP_HEADER_BYTES) {
    lengthField(context, start, segment);
    bitField(tree, 'tcp.seq_raw', 'Sequence Number (raw)', tcpView.sequence(bytes, start), start + 4, 4);
    bogusHeader(context, start, headerBytes);
    tree.close();
    return;
  }
  if (!tree.columnsOnly) headerFields(context, start, end, headerBytes, segment);
  const at = start + headerBytes;
  if (segment > 0 && at <= end) tree.field('tcp.payload', 'TCP payload', `(${segment} bytes)`, at, Math.max(0, end - at));
  tree.close();
  context.sourcePort = source;
  context.destinationPort = destination;
  if (at >= end && wireEnd <= end) return;
  const dissector = at < end ? lookupPayload('tcp', context, at, end) : undefined;
  passOn(context, dissector, at, end, wireEnd);
}

function bogusHeader(context: DissectContext, start: number, headerBytes: number): void {
  const { tree } = context;
  bitField(tree, 'tcp.hdr_len', 'Header Length', headerBytes, start + 12, 1);
  tree.expert('error', `Bogus TCP header length (${headerBytes}, must be at least ${TCP_HEADER_BYTES})`);
  tree.info += ` [bogus header length ${headerBytes}]`;
}

/** Data bytes of the segment; not known in a fragment, nor in a packet quoted by an error. */
function lengthField(context: DissectContext, start: number, segment: number): void {
  if (context.fragmented || context.inError || context.wireEnd - start < tcpView.headerLength(context.bytes, start)) return;
  context.tree.field('tcp.len', 'TCP Segment Len', String(segment), start + 12, 1, { raw: segment, generated: true });
}

function headerFields(context: DissectContext, start: number, end: number, headerBytes: number, segment: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  lengthField(context, start, segment);
  bitField(tree, 'tcp.seq_raw', 'Sequence Number (raw)', tcpView.sequence(bytes, start), start + 4, 4);
  bitField(tree, 'tcp.ack_raw', 'Acknowledgment number (raw)', tcpView.acknowledgment(bytes, start), start + 8, 4);
  bitField(tree, 'tcp.hdr_len', 'Header Length', headerBytes, start + 12, 1, (v) => `${v} bytes (${v / 4})`);
  flagFields(context, start);
  bitField(tree, 'tcp.window_size_value', 'Window', tcpView.window(bytes, start), start + 14, 2);
  checksumFields(tree, 'tcp', tcpView.checksum(bytes, start), start + 16, 2, transportVerdict(context, 6, start, wireEnd, end));
  bitField(tree, 'tcp.urgent_pointer', 'Urgent Pointer', tcpView.urgentPointer(bytes, start), start + 18, 2);
  if (headerBytes > TCP_HEADER_BYTES) {
    dissectTcpOptions(context, start + TCP_HEADER_BYTES, Math.min(end, start + headerBytes));
    if (start + headerBytes > end) markShort(context, 'TCP', end);
  }
}

function tcpInfo(context: DissectContext, o: number, segment: number): string {
  const { bytes } = context;
  const flags = tcpView.flags(bytes, o);
  const ports = `${tcpView.sourcePort(bytes, o)} → ${tcpView.destinationPort(bytes, o)}`;
  const ack = (flags & TCP_FLAG.ack) !== 0 ? ` Ack=${tcpView.acknowledgment(bytes, o)}` : '';
  return `${ports} [${tcpFlagNames(flags)}] Seq=${tcpView.sequence(bytes, o)}${ack} Win=${tcpView.window(bytes, o)} Len=${segment}`;
}

export function registerTcp(): void {
  register('ip.proto', [6], dissectTcp);
}
