import { u16, u24 } from '../base/index.ts';
import { pseudoSum } from './udp.ts';
import { sum16, sumIsGood, type ChecksumVerdict } from './checksum.ts';
import { passOn } from './payload.ts';
import { bitField, checksumFields, FieldReader, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

export const DCCP_SHORT_HEADER_BYTES = 12;

/** RFC 4340 section 5.1. `check` covers what the data offset says. */
export const dccpView = {
  check: (b: Uint8Array, o: number, end: number): boolean =>
    o + DCCP_SHORT_HEADER_BYTES <= end && dccpView.headerLength(b, o) >= DCCP_SHORT_HEADER_BYTES && o + dccpView.headerLength(b, o) <= end,
  sourcePort: (b: Uint8Array, o: number): number => u16(b, o),
  destinationPort: (b: Uint8Array, o: number): number => u16(b, o + 2),
  /** In bytes. */
  headerLength: (b: Uint8Array, o: number): number => b[o + 4]! * 4,
  coverage: (b: Uint8Array, o: number): number => b[o + 5]! & 15,
  checksum: (b: Uint8Array, o: number): number => u16(b, o + 6),
  type: (b: Uint8Array, o: number): number => (b[o + 8]! >> 1) & 15,
  extended: (b: Uint8Array, o: number): boolean => (b[o + 8]! & 1) !== 0,
};

const TYPES: Readonly<Record<number, string>> = {
  0: 'Request',
  1: 'Response',
  2: 'Data',
  3: 'Ack',
  4: 'DataAck',
  5: 'CloseReq',
  6: 'Close',
  7: 'Reset',
  8: 'Sync',
  9: 'SyncAck',
};

/** Bytes that the checksum covers: all, or the header and (coverage - 1) words of data (section 9.2). */
function verdictOf(context: DissectContext, start: number, end: number, wireEnd: number): ChecksumVerdict {
  const { bytes } = context;
  const coverage = dccpView.coverage(bytes, start);
  const stop = coverage === 0 ? wireEnd : Math.min(wireEnd, start + dccpView.headerLength(bytes, start) + (coverage - 1) * 4);
  if (context.fragmented || wireEnd > end || context.ipVersion === 0) return 'unverified';
  const pseudo = pseudoSum(bytes, context.ipVersion, context.ipSource, context.ipDestination, 33, wireEnd - start);
  return sumIsGood(sum16(bytes, start, stop, pseudo)) ? 'good' : 'bad';
}

function dissectDccp(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('dccp', 'Datagram Congestion Control Protocol', start, Math.min(end - start, DCCP_SHORT_HEADER_BYTES));
  tree.protocol = 'DCCP';
  const r = new FieldReader(context, start, end);
  const source = r.u16('dccp.srcport', 'Source Port');
  const destination = r.u16('dccp.dstport', 'Destination Port');
  if (start + DCCP_SHORT_HEADER_BYTES > end) {
    markShort(context, 'DCCP', end);
    tree.close();
    return;
  }
  const headerBytes = r.u8('dccp.data_offset', 'Data Offset') * 4;
  bitField(tree, 'dccp.ccval', 'CCVal', bytes[start + 5]! >> 4, start + 5, 1);
  bitField(tree, 'dccp.cscov', 'Checksum Coverage', bytes[start + 5]! & 15, start + 5, 1);
  checksumFields(tree, 'dccp', dccpView.checksum(bytes, start), start + 6, 2, verdictOf(context, start, end, wireEnd));
  const type = bitField(tree, 'dccp.type', 'Type', dccpView.type(bytes, start), start + 8, 1, TYPES);
  const extended = dccpView.extended(bytes, start);
  bitField(tree, 'dccp.x', 'Extended Sequence Numbers', extended ? 1 : 0, start + 8, 1);
  if (!extended) bitField(tree, 'dccp.seq_raw', 'Sequence Number (raw)', u24(bytes, start + 9), start + 9, 3);
  r.skip(7);
  if (extended) r.hexBytes('dccp.seq_raw_long', 'Sequence Number (raw)', 4);
  const typeName = TYPES[type] ?? 'Reserved';
  tree.info = `${source} → ${destination} [${typeName}]`;
  node.value = `Src Port: ${source}, Dst Port: ${destination}`;
  if (!dccpView.check(bytes, start, end)) {
    if (headerBytes < DCCP_SHORT_HEADER_BYTES) tree.expert('error', `Advertised header length ${headerBytes} is smaller than the minimum`);
    else markShort(context, 'DCCP', end);
    tree.close();
    return;
  }
  node.length = headerBytes;
  r.hexBytes('dccp.rest', 'Acknowledgement, service code and options', start + headerBytes - r.pos);
  tree.close();
  context.sourcePort = source;
  context.destinationPort = destination;
  passOn(context, undefined, start + headerBytes, end, wireEnd);
}

export function registerDccp(): void {
  register('ip.proto', [33], dissectDccp);
}
