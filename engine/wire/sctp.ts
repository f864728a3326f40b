import { putU16, putU32, u16, u32, u32le } from '../base/index.ts';
import { sctpChecksum, type ChecksumVerdict } from './checksum.ts';
import { passOn } from './payload.ts';
import { bitField, checksumFields, FieldReader, hexNumber, markShort, showNumber } from './reader.ts';
import { lookup, register, type DissectContext } from './registry.ts';

export const SCTP_HEADER_BYTES = 12;

/** RFC 9260 section 3.1. */
export const sctpView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + SCTP_HEADER_BYTES <= end,
  sourcePort: (b: Uint8Array, o: number): number => u16(b, o),
  destinationPort: (b: Uint8Array, o: number): number => u16(b, o + 2),
  verificationTag: (b: Uint8Array, o: number): number => u32(b, o + 4),
  /** As its bytes stand; the CRC itself is sent with its low byte first. */
  checksum: (b: Uint8Array, o: number): number => u32(b, o + 8),
};

export interface SctpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
}

/** Writes the common header with a checksum of zero and returns its length; `sealSctp` sets the checksum once the chunks are there. */
export function emitSctp(b: Uint8Array, o: number, fields: SctpFields): number {
  putU16(b, o, fields.sourcePort);
  putU16(b, o + 2, fields.destinationPort);
  putU32(b, o + 4, fields.verificationTag);
  putU32(b, o + 8, 0);
  return SCTP_HEADER_BYTES;
}

export function sealSctp(b: Uint8Array, o: number, lengthBytes: number): void {
  const crc = sctpChecksum(b, o, o + lengthBytes);
  b[o + 8] = crc;
  b[o + 9] = crc >>> 8;
  b[o + 10] = crc >>> 16;
  b[o + 11] = crc >>> 24;
}

export const SCTP_CHUNK_NAMES: Readonly<Record<number, string>> = {
  0: 'DATA',
  1: 'INIT',
  2: 'INIT_ACK',
  3: 'SACK',
  4: 'HEARTBEAT',
  5: 'HEARTBEAT_ACK',
  6: 'ABORT',
  7: 'SHUTDOWN',
  8: 'SHUTDOWN_ACK',
  9: 'ERROR',
  10: 'COOKIE_ECHO',
  11: 'COOKIE_ACK',
  12: 'ECNE',
  13: 'CWR',
  14: 'SHUTDOWN_COMPLETE',
  15: 'AUTH',
  16: 'NR_SACK',
  64: 'I_DATA',
  128: 'ASCONF_ACK',
  130: 'RE_CONFIG',
  132: 'PAD',
  192: 'FORWARD_TSN',
  193: 'ASCONF',
  194: 'I_FORWARD_TSN',
};

const DATA = 0;
const I_DATA = 64;

function dissectSctp(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer('sctp', 'Stream Control Transmission Protocol', start, end - start);
  tree.protocol = 'SCTP';
  if (!sctpView.check(bytes, start, end)) {
    if (start + 2 <= end) bitField(tree, 'sctp.srcport', 'Source port', u16(bytes, start), start, 2);
    if (start + 4 <= end) bitField(tree, 'sctp.dstport', 'Destination port', u16(bytes, start + 2), start + 2, 2);
    markShort(context, 'SCTP', end);
    tree.close();
    return;
  }
  const source = sctpView.sourcePort(bytes, start);
  const destination = sctpView.destinationPort(bytes, start);
  node.value = `Src Port: ${source}, Dst Port: ${destination}`;
  bitField(tree, 'sctp.srcport', 'Source port', source, start, 2);
  bitField(tree, 'sctp.dstport', 'Destination port', destination, start + 2, 2);
  bitField(tree, 'sctp.verification_tag', 'Verification tag', sctpView.verificationTag(bytes, start), start + 4, 4, 'hex');
  if (!tree.columnsOnly) {
    const whole = wireEnd <= end && !context.fragmented;
    const verdict: ChecksumVerdict = !whole ? 'unverified' : sctpChecksum(bytes, start, end) === u32le(bytes, start + 8) ? 'good' : 'bad';
    checksumFields(tree, 'sctp', sctpView.checksum(bytes, start), start + 8, 4, verdict);
  }
  context.sourcePort = source;
  context.destinationPort = destination;
  const payloads: Payload[] = [];
  tree.info = chunks(context, start + SCTP_HEADER_BYTES, end, payloads);
  tree.close();
  for (const payload of payloads) passOn(context, lookup('sctp.ppi', payload.protocol), payload.start, payload.end, payload.wireEnd);
}

interface Payload {
  readonly protocol: number;
  readonly start: number;
  readonly end: number;
  readonly wireEnd: number;
}

/** Most data chunks of one packet whose content gets a layer of its own. */
const MAX_PAYLOADS = 16;

/** All chunks; returns the line for the packet list and collects user data to go on with. */
function chunks(context: DissectContext, start: number, end: number, payloads: Payload[]): string {
  const { tree } = context;
  const names: string[] = [];
  const r = new FieldReader(context, start, end);
  while (r.more) {
    const type = r.peek8();
    const name = SCTP_CHUNK_NAMES[type] ?? 'Unknown';
    const length = r.peek16(2);
    if (names.length < 16) names.push(name);
    tree.open('sctp.chunk', `${name} chunk`, r.pos, Math.min(r.left, Math.max(4, length)));
    if (r.left < 4 || length < 4) {
      r.u8('sctp.chunk_type', 'Chunk type', SCTP_CHUNK_NAMES);
      r.u8('sctp.chunk_flags', 'Chunk flags', 'hex');
      r.u16('sctp.chunk_length', 'Chunk length');
      if (length < 4) tree.expert('error', `Bad chunk length ${length}`);
      r.finish('SCTP');
      tree.close();
      break;
    }
    const at = r.pos;
    const chunk = r.sub(length);
    chunk.u8('sctp.chunk_type', 'Chunk type', (v) => showNumber(v, SCTP_CHUNK_NAMES, 2));
    const flags = chunk.u8('sctp.chunk_flags', 'Chunk flags', 'hex');
    chunk.u16('sctp.chunk_length', 'Chunk length');
    const protocol = chunkBody(chunk, type);
    // Only a whole message (first and last piece in one) can be handed on.
    const complete = (flags & 3) === 3 && !chunk.short;
    if ((type === DATA || type === I_DATA) && complete && payloads.length < MAX_PAYLOADS) {
      payloads.push({ protocol, start: chunk.pos, end: chunk.end, wireEnd: Math.max(chunk.end, Math.min(at + length, context.wireEnd)) });
    } else chunk.hexBytes('sctp.chunk_value', 'Chunk value', chunk.left);
    if (chunk.cut || chunk.short) markShort(context, 'SCTP', end);
    tree.close();
    const padding = (4 - (length & 3)) & 3;
    if (padding > 0 && r.more) r.skip(Math.min(padding, r.left));
  }
  return names.join(' ');
}

/** Fixed part of a chunk; returns the payload protocol identifier of a data chunk. */
function chunkBody(r: FieldReader, type: number): number {
  switch (type) {
    case DATA:
      r.u32('sctp.data_tsn_raw', 'Transmission sequence number (absolute)');
      r.u16('sctp.data_sid', 'Stream identifier', 'hex');
      r.u16('sctp.data_ssn', 'Stream sequence number');
      return r.u32('sctp.data_payload_proto_id', 'Payload protocol identifier');
    case I_DATA:
      r.u32('sctp.data_tsn_raw', 'Transmission sequence number (absolute)');
      r.u16('sctp.data_sid', 'Stream identifier', 'hex');
      r.skip(2);
      r.u32('sctp.data_mid', 'Message identifier');
      return r.u32('sctp.data_payload_proto_id', 'Payload protocol identifier');
    case 1:
    case 2: {
      const prefix = type === 1 ? 'sctp.init' : 'sctp.initack';
      r.u32(`${prefix}_initiate_tag`, 'Initiate tag', 'hex');
      r.u32(`${prefix}_credit`, 'Advertised receiver window credit (a_rwnd)');
      r.u16(`${prefix}_nr_out_streams`, 'Number of outbound streams');
      r.u16(`${prefix}_nr_in_streams`, 'Number of inbound streams');
      r.u32(`${prefix}_initial_tsn`, 'Initial TSN');
      parameters(r);
      return 0;
    }
    case 3: {
      r.u32('sctp.sack_cumulative_tsn_ack_raw', 'Cumulative TSN ACK (absolute)');
      r.u32('sctp.sack_a_rwnd', 'Advertised receiver window credit (a_rwnd)');
      const gaps = r.u16('sctp.sack_number_of_gap_blocks', 'Number of gap acknowledgement blocks');
      r.u16('sctp.sack_number_of_duplicated_tsns', 'Number of duplicated TSNs');
      for (let i = 0; i < gaps && r.left >= 4; i++) {
        r.u16('sctp.sack_gap_block_start', 'Gap block start');
        r.u16('sctp.sack_gap_block_end', 'Gap block end');
      }
      while (r.left >= 4) r.u32('sctp.sack_duplicate_tsn', 'Duplicate TSN');
      return 0;
    }
    case 4:
    case 5:
      parameters(r);
      return 0;
    case 7:
      r.u32('sctp.shutdown_cumulative_tsn_ack', 'Cumulative TSN ACK');
      return 0;
    case 10:
      r.hexBytes('sctp.cookie', 'Cookie', r.left);
      return 0;
    default:
      return 0;
  }
}

/** Type, length and value, padded to four bytes. */
function parameters(r: FieldReader): void {
  while (r.left >= 4) {
    r.group('sctp.parameter', 'Parameter', () => {
      const type = r.u16('sctp.parameter_type', 'Parameter type', 'hex');
      const length = r.u16('sctp.parameter_length', 'Parameter length');
      const value = Math.min(Math.max(0, length - 4), r.left);
      if (type === 5 && value === 4) r.ipv4('sctp.parameter_ipv4_address', 'IP Version 4 address');
      else if (type === 6 && value === 16) r.ipv6('sctp.parameter_ipv6_address', 'IP Version 6 address');
      else r.hexBytes('sctp.parameter_value', 'Parameter value', value);
      r.skip(Math.min((4 - (length & 3)) & 3, r.left));
      return hexNumber(type, 4);
    });
  }
}

export function registerSctp(): void {
  register('ip.proto', [132], dissectSctp);
  // RFC 6951
  register('udp.port', [9899], dissectSctp);
}
