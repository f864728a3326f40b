import { putU16, u16 } from '../../base/index.ts';
import { checksum, expandCode, IGMP_TYPE, pseudoSum6, sum16, sumIsGood } from '../../wire/index.ts';
import { ADDRESS_BYTES, addressBytes, addressText, type Family } from '../addresses.ts';

/**
 * IGMP versions 1 to 3 and MLD versions 1 and 2 as values, read and written. MLDv1 is IGMPv2 and MLDv2 is IGMPv3 in other numbers, so one set of
 * values serves both: `version` is the one of IGMP (2 for MLDv1, 3 for MLDv2).
 */
export const RECORD = { isInclude: 1, isExclude: 2, toInclude: 3, toExclude: 4, allow: 5, block: 6 } as const;
export type RecordType = (typeof RECORD)[keyof typeof RECORD];

export interface GroupRecord {
  readonly type: RecordType;
  readonly group: string;
  readonly sources: readonly string[];
}

export interface QueryMessage {
  readonly kind: 'query';
  readonly version: 1 | 2 | 3;
  /** Empty for a general query. */
  readonly group: string;
  readonly sources: readonly string[];
  readonly maxResponseMs: number;
  /** Suppress router-side processing. */
  readonly suppress: boolean;
  /** Querier's robustness variable, 0 where it is above 7 or not told. */
  readonly robustness: number;
  /** Querier's query interval in seconds, 0 where not told. */
  readonly intervalS: number;
}

export interface ReportMessage {
  readonly kind: 'report';
  readonly version: 1 | 2 | 3;
  readonly records: readonly GroupRecord[];
}

/** IGMPv2 leave, MLDv1 done. */
export interface LeaveMessage {
  readonly kind: 'leave';
  readonly version: 2;
  readonly group: string;
}

export type GroupMessage = QueryMessage | ReportMessage | LeaveMessage;

const MLD = { query: 130, report: 131, done: 132, reportV2: 143 } as const;

/** Largest value of a code: mantissa 1.1111 times 2^10. */
function codeOf(value: number, bits: 8 | 16): number {
  const mantissaBits = bits === 8 ? 4 : 12;
  const limit = 1 << (bits - 1);
  if (value < limit) return value;
  for (let exponent = 0; exponent < 8; exponent++) {
    const mantissa = value >> (exponent + 3);
    if (mantissa < 2 << mantissaBits) return limit | (exponent << mantissaBits) | (mantissa & ((1 << mantissaBits) - 1));
  }
  return bits === 8 ? 0xff : 0xffff;
}

const U8_SOURCES = 0xffff;

function writeAddresses(b: Uint8Array, at: number, addresses: readonly string[]): number {
  let o = at;
  for (const address of addresses) {
    const bytes = addressBytes(address);
    b.set(bytes, o);
    o += bytes.length;
  }
  return o;
}

/** The message without its IP header; IPv6 ones need their pseudo header: see sealIcmpv6 in packets.ts. IPv4 ones carry their checksum. */
export function buildGroupMessage(message: GroupMessage, family: Family): Uint8Array {
  const bytes = family === 4 ? buildIgmp(message) : buildMld(message);
  if (family === 4) putU16(bytes, 2, checksum(bytes, 0, bytes.length));
  return bytes;
}

function buildIgmp(message: GroupMessage): Uint8Array {
  if (message.kind === 'report' && message.version === 3) return reportV3(message.records, 4, 0x22);
  const long = message.kind === 'query' && message.version === 3;
  const sources = message.kind === 'query' ? message.sources : [];
  const b = new Uint8Array(long ? 12 + 4 * sources.length : 8);
  const group = message.kind === 'report' ? (message.records[0]?.group ?? '') : message.group;
  if (group !== '') b.set(addressBytes(group), 4);
  if (message.kind === 'leave') b[0] = IGMP_TYPE.leave;
  else if (message.kind === 'report') b[0] = message.version === 1 ? IGMP_TYPE.reportV1 : IGMP_TYPE.reportV2;
  else {
    b[0] = IGMP_TYPE.query;
    const tenths = Math.round(message.maxResponseMs / 100);
    b[1] = message.version === 1 ? 0 : long ? codeOf(tenths, 8) : Math.max(1, Math.min(255, tenths));
    if (long) queryTail(b, 8, message);
  }
  return b;
}

function queryTail(b: Uint8Array, at: number, message: QueryMessage): void {
  b[at] = (message.suppress ? 8 : 0) | (message.robustness > 7 ? 0 : message.robustness);
  b[at + 1] = codeOf(message.intervalS, 8);
  putU16(b, at + 2, message.sources.length);
  writeAddresses(b, at + 4, message.sources);
}

function buildMld(message: GroupMessage): Uint8Array {
  if (message.kind === 'report' && message.version === 3) return reportV3(message.records, 16, MLD.reportV2);
  const long = message.kind === 'query' && message.version === 3;
  const sources = message.kind === 'query' ? message.sources : [];
  const b = new Uint8Array(long ? 28 + 16 * sources.length : 24);
  const group = message.kind === 'report' ? (message.records[0]?.group ?? '') : message.group;
  if (group !== '') b.set(addressBytes(group), 8);
  b[0] = message.kind === 'leave' ? MLD.done : message.kind === 'report' ? MLD.report : MLD.query;
  if (message.kind === 'query') {
    const ms = Math.round(message.maxResponseMs);
    putU16(b, 4, long ? codeOf(ms, 16) : Math.min(0xffff, ms));
    if (long) queryTail(b, 24, message);
  }
  return b;
}

/** RFC 9776 section 4.2, RFC 9777 section 5.2: the same but for the length of addresses. */
function reportV3(records: readonly GroupRecord[], addressBytesEach: number, type: number): Uint8Array {
  const size = records.reduce((sum, { sources }) => sum + 4 + addressBytesEach * (1 + Math.min(sources.length, U8_SOURCES)), 8);
  const b = new Uint8Array(size);
  b[0] = type;
  putU16(b, 6, records.length);
  let at = 8;
  for (const { type: recordType, group, sources } of records) {
    b[at] = recordType;
    putU16(b, at + 2, sources.length);
    at = writeAddresses(b, at + 4, [group, ...sources]);
  }
  return b;
}

/** Why bytes are no message, for a counter. */
export type BadMessage = 'short' | 'checksum' | 'type';

/**
 * Reads an IGMP message, or an ICMPv6 one that is MLD. For IPv6 the addresses stand at `source6` and `destination6` in `b`; 'type' is also
 * ICMPv6 that is not MLD. Checksums are verified.
 */
export function parseGroupMessage(
  b: Uint8Array,
  start: number,
  end: number,
  family: Family,
  source6 = 0,
  destination6 = 0,
): GroupMessage | BadMessage {
  if (end - start < 8) return 'short';
  const type = b[start]!;
  if (family === 6 && type !== MLD.query && type !== MLD.report && type !== MLD.done && type !== MLD.reportV2) return 'type';
  const pseudo = family === 6 ? pseudoSum6(b, source6, destination6, 58, end - start) : 0;
  if (!sumIsGood(sum16(b, start, end, pseudo))) return 'checksum';
  return family === 4 ? parseIgmp(b, start, end) : parseMld(b, start, end);
}

function parseIgmp(b: Uint8Array, start: number, end: number): GroupMessage | BadMessage {
  const type = b[start]!;
  const group = addressText(b, start + 4, 4);
  if (type === IGMP_TYPE.leave) return { kind: 'leave', version: 2, group };
  if (type === IGMP_TYPE.reportV1 || type === IGMP_TYPE.reportV2) {
    return { kind: 'report', version: type === IGMP_TYPE.reportV1 ? 1 : 2, records: [{ type: RECORD.isExclude, group, sources: [] }] };
  }
  if (type === IGMP_TYPE.reportV3) return parseReportV3(b, start, end, 4);
  if (type !== IGMP_TYPE.query) return 'type';
  // A query has 8 bytes, or those of version 3 (RFC 3376 section 7.1).
  if (end - start > 8 && end - start < 12) return 'short';
  const code = b[start + 1]!;
  const version = end - start >= 12 ? 3 : code === 0 ? 1 : 2;
  const tenths = version === 3 ? expandCode(code, 8) : version === 1 ? 100 : code;
  return parseQuery(b, start + 8, end, 4, { version, group: group === '0.0.0.0' ? '' : group, maxResponseMs: tenths * 100 });
}

function parseMld(b: Uint8Array, start: number, end: number): GroupMessage | BadMessage {
  const type = b[start]!;
  if (type === MLD.reportV2) return parseReportV3(b, start, end, 6);
  if (end - start < 24) return 'short';
  const group = addressText(b, start + 8, 6);
  if (type === MLD.done) return { kind: 'leave', version: 2, group };
  if (type === MLD.report) return { kind: 'report', version: 2, records: [{ type: RECORD.isExclude, group, sources: [] }] };
  // A query has 24 bytes, or those of version 2 (RFC 3810 section 8.1).
  if (end - start > 24 && end - start < 28) return 'short';
  const version = end - start >= 28 ? 3 : 2;
  const code = u16(b, start + 4);
  const maxResponseMs = version === 3 ? expandCode(code, 16) : code;
  return parseQuery(b, start + 24, end, 6, { version, group: group === '::' ? '' : group, maxResponseMs });
}

function parseQuery(
  b: Uint8Array,
  at: number,
  end: number,
  family: Family,
  head: Pick<QueryMessage, 'version' | 'group' | 'maxResponseMs'>,
): QueryMessage | BadMessage {
  if (head.version !== 3) return { kind: 'query', ...head, sources: [], suppress: false, robustness: 0, intervalS: 0 };
  const bytes = ADDRESS_BYTES[family];
  const count = u16(b, at + 2);
  if (at + 4 + count * bytes > end) return 'short';
  const sources: string[] = [];
  for (let i = 0; i < count; i++) sources.push(addressText(b, at + 4 + i * bytes, family));
  return {
    kind: 'query',
    ...head,
    sources,
    suppress: (b[at]! & 8) !== 0,
    robustness: b[at]! & 7,
    intervalS: expandCode(b[at + 1]!, 8),
  };
}

function parseReportV3(b: Uint8Array, start: number, end: number, family: Family): ReportMessage | BadMessage {
  const bytes = ADDRESS_BYTES[family];
  const count = u16(b, start + 6);
  const records: GroupRecord[] = [];
  let at = start + 8;
  for (let i = 0; i < count; i++) {
    if (at + 4 + bytes > end) return 'short';
    const type = b[at]!;
    const auxiliary = b[at + 1]! * 4;
    const sourceCount = u16(b, at + 2);
    const next = at + 4 + bytes * (1 + sourceCount) + auxiliary;
    if (next > end) return 'short';
    const group = addressText(b, at + 4, family);
    const sources: string[] = [];
    for (let s = 0; s < sourceCount; s++) sources.push(addressText(b, at + 4 + bytes * (1 + s), family));
    // Unknown types are silently ignored (RFC 9776 section 4.2.12).
    if (type >= 1 && type <= 6) records.push({ type: type as RecordType, group, sources });
    at = next;
  }
  return { kind: 'report', version: 3, records };
}
