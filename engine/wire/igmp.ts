import { putU16, u16 } from '../base/index.ts';
import { checksum, sum16, sumIsGood, type ChecksumVerdict } from './checksum.ts';
import { expandCode, MULTICAST_RECORD_TYPES, recordSummary } from './mld.ts';
import { DVMRP_CODES, dvmrpBody, mtraceBody } from './dvmrp.ts';
import { checksumFields, FieldReader, flagBit, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

export const IGMP_HEADER_BYTES = 8;

/** RFC 2236 section 2, the start of every version's messages. */
export const igmpView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + IGMP_HEADER_BYTES <= end,
  type: (b: Uint8Array, o: number): number => b[o]!,
  maxResponse: (b: Uint8Array, o: number): number => b[o + 1]!,
  checksum: (b: Uint8Array, o: number): number => u16(b, o + 2),
  /** Offset of the group address, in all messages but the version 3 report. */
  group: (_b: Uint8Array, o: number): number => o + 4,
};

export interface IgmpFields {
  readonly type: number;
  readonly maxResponse: number;
  /** Four bytes. */
  readonly group: Uint8Array;
}

/** Writes a version 1 or 2 message with its checksum and returns its length. */
export function emitIgmp(b: Uint8Array, o: number, fields: IgmpFields): number {
  b[o] = fields.type;
  b[o + 1] = fields.maxResponse;
  putU16(b, o + 2, 0);
  b.set(fields.group, o + 4);
  putU16(b, o + 2, checksum(b, o, o + IGMP_HEADER_BYTES));
  return IGMP_HEADER_BYTES;
}

export const IGMP_TYPE = { query: 0x11, reportV1: 0x12, reportV2: 0x16, leave: 0x17, reportV3: 0x22 } as const;

const TYPES: Readonly<Record<number, string>> = {
  0x11: 'Membership Query',
  0x12: 'Membership Report',
  0x13: 'DVMRP',
  0x14: 'PIM version 1',
  0x16: 'Membership Report',
  0x17: 'Leave Group',
  0x1e: 'Multicast Traceroute Response',
  0x1f: 'Multicast Traceroute Request',
  0x22: 'Membership Report',
};

function versionOf(type: number, maxResponse: number, lengthBytes: number): number {
  if (type === IGMP_TYPE.query) return lengthBytes >= 12 ? 3 : maxResponse === 0 ? 1 : 2;
  return type === IGMP_TYPE.reportV1 ? 1 : type === IGMP_TYPE.reportV3 ? 3 : 2;
}

function dissectIgmp(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('igmp', 'Internet Group Management Protocol', start, end - start);
  const type = start < end ? bytes[start]! : 0;
  const version = versionOf(type, start + 1 < end ? bytes[start + 1]! : 0, wireEnd - start);
  tree.protocol = type === DVMRP ? 'DVMRP' : type === PIM_V1 ? 'PIMv1' : `IGMPv${version}`;
  tree.info = TYPES[type] ?? `Unknown type 0x${type.toString(16)}`;
  if (type !== DVMRP && type !== PIM_V1) {
    tree.field('igmp.version', 'IGMP Version', String(version), start, 0, { raw: version, generated: true });
  }
  const r = new FieldReader(context, start, end);
  if (type !== PIM_V1) r.u8('igmp.type', 'Type', (v) => `${TYPES[v] ?? 'Unknown'} (0x${v.toString(16)})`);
  let code = 0;
  const scale = (v: number): string => `${(version === 3 ? expandCode(v, 8) : v) / 10} sec (0x${v.toString(16).padStart(2, '0')})`;
  if (type === IGMP_TYPE.query || type === IGMP_TYPE.reportV2 || type === IGMP_TYPE.leave) r.u8('igmp.max_resp', 'Max Resp Time', scale);
  else if (type === DVMRP) code = r.u8('dvmrp.v3.code', 'Code', DVMRP_CODES);
  else if (MTRACE.includes(type)) r.u8('igmp.mtrace.max_hops', '# hops');
  else if (type !== PIM_V1) r.u8('igmp.reserved', 'Reserved', 'hex');
  if (r.short || start + 4 > end) {
    markShort(context, 'IGMP', end);
    tree.close();
    return;
  }
  const whole = wireEnd <= end && !context.fragmented;
  if (type === PIM_V1) {
    tree.close();
    pimVersion1(context, start, end, wireEnd);
    return;
  }
  const verdict: ChecksumVerdict = !whole ? 'unverified' : sumIsGood(sum16(bytes, start, end)) ? 'good' : 'bad';
  checksumFields(tree, 'igmp', igmpView.checksum(bytes, start), start + 2, 2, verdict);
  r.skip(2);
  if (type === IGMP_TYPE.reportV3) reportV3(context, r);
  else if (type === DVMRP) dvmrpBody(context, r, code);
  else if (MTRACE.includes(type)) mtraceBody(context, r);
  else if (TYPES[type] === undefined) r.hexBytes('igmp.data', 'Data', r.left);
  else message(context, r, type, version);
  r.finish('IGMP');
  tree.close();
}

const DVMRP = 0x13;
const MTRACE: readonly number[] = [0x1e, 0x1f];
const PIM_V1 = 0x14;
const PIM_V1_CODES: Readonly<Record<number, string>> = {
  0: 'Query',
  1: 'Register',
  2: 'Register-stop',
  3: 'Join/Prune',
  4: 'RP-Reachable',
  5: 'Assert',
  6: 'Graft',
  7: 'Graft-Ack',
  8: 'Mode',
};

/** PIM version 1 went inside IGMP: code, checksum and version; the rest is shown as bytes. */
function pimVersion1(context: DissectContext, start: number, end: number, wireEnd: number): void {
  const { tree, bytes } = context;
  tree.layer('pim', 'Protocol Independent Multicast', start, end - start);
  tree.protocol = 'PIMv1';
  const r = new FieldReader(context, start, end);
  r.u8('pim.igmp_type', 'Type', 'hex');
  const code = r.u8('pim.code', 'Code', PIM_V1_CODES);
  const whole = wireEnd <= end && !context.fragmented;
  // The checksum of a register covers its first eight bytes only.
  const stop = code === 1 ? Math.min(end, start + 8) : end;
  const verdict: ChecksumVerdict = !whole && code !== 1 ? 'unverified' : sumIsGood(sum16(bytes, start, stop)) ? 'good' : 'bad';
  if (r.left >= 2) checksumFields(tree, 'pim', u16(bytes, r.pos), r.pos, 2, verdict, 'cksum');
  r.skip(2);
  const version = r.peek8() >> 4;
  if (r.more) tree.field('pim.version', 'Version', String(version), r.pos, 1, { raw: version });
  r.hexBytes('pim.data', 'Data', r.left);
  r.finish('PIM');
  tree.info = PIM_V1_CODES[code] ?? `Unknown code ${code}`;
  tree.close();
}

function message(context: DissectContext, r: FieldReader, type: number, version: number): void {
  const { tree } = context;
  const group = r.ipv4('igmp.maddr', 'Multicast Address');
  if (r.short) return;
  if (type === IGMP_TYPE.query) {
    tree.info = group === '0.0.0.0' ? 'Membership Query, general' : `Membership Query, specific for group ${group}`;
  } else if (type === IGMP_TYPE.leave) tree.info = `Leave Group ${group}`;
  else tree.info = `Membership Report group ${group}`;
  if (version === 3 && type === IGMP_TYPE.query) {
    const at = r.pos;
    const flags = r.peek8();
    r.skip(1);
    if (r.short) return;
    flagBit(tree, 'igmp.s', 'S', flags, 8, at, 1);
    tree.field('igmp.qrv', 'QRV', String(flags & 7), at, 1, { raw: flags & 7 });
    r.u8('igmp.qqic', 'QQIC', (v) => `${expandCode(v, 8)} seconds (${v})`);
    const sources = r.u16('igmp.num_src', 'Num Src');
    for (let i = 0; i < sources && r.more; i++) r.ipv4('igmp.saddr', 'Source Address');
  }
}

/** RFC 3376 section 4.2. */
function reportV3(context: DissectContext, r: FieldReader): void {
  const { tree } = context;
  r.u16('igmp.reserved', 'Reserved', 'hex');
  const count = r.u16('igmp.num_grp_recs', 'Num Group Records');
  const summary: string[] = [];
  for (let i = 0; i < count && r.more; i++) {
    r.group('igmp.group_record', 'Group Record', () => {
      const type = r.u8('igmp.record_type', 'Record Type', MULTICAST_RECORD_TYPES);
      const aux = r.u8('igmp.aux_data_len', 'Aux Data Len');
      const sources = r.u16('igmp.num_src', 'Num Src');
      const group = r.ipv4('igmp.maddr', 'Multicast Address');
      for (let s = 0; s < sources && r.more; s++) r.ipv4('igmp.saddr', 'Source Address');
      r.hexBytes('igmp.aux_data', 'Aux Data', aux * 4);
      if (summary.length < 8 && !r.short) summary.push(recordSummary(type, group, sources));
      return `${group}  ${MULTICAST_RECORD_TYPES[type] ?? 'Unknown'}`;
    });
  }
  tree.info = summary.length > 0 ? `Membership Report / ${summary.join(' / ')}` : 'Membership Report';
}

export function registerIgmp(): void {
  register('ip.proto', [2], dissectIgmp);
}
