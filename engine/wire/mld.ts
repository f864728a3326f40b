import { type FieldReader, flagBit, showNumber } from './reader.ts';
import type { DissectContext } from './registry.ts';

/** A query at least this long is version 2 (RFC 3810 section 8.1). */
const MLDV2_QUERY_BYTES = 28;

export const MULTICAST_RECORD_TYPES: Readonly<Record<number, string>> = {
  1: 'Mode Is Include',
  2: 'Mode Is Exclude',
  3: 'Change To Include Mode',
  4: 'Change To Exclude Mode',
  5: 'Allow New Sources',
  6: 'Block Old Sources',
};

/** Short form for the packet list, of the record types above. */
export function recordSummary(type: number, group: string, sources: number): string {
  if (type === 1 || type === 3) return sources === 0 ? `Leave group ${group}` : `Join group ${group} for sources`;
  if (type === 2 || type === 4) return `Join group ${group} for any sources`;
  return type === 5 ? `Group ${group}, new sources` : `Group ${group}, block sources`;
}

/** Floating point codes of the second version of both protocols (RFC 3810 section 5.1.3, RFC 3376 section 4.1.1). */
export function expandCode(code: number, bits: 8 | 16): number {
  if (bits === 8) return code < 128 ? code : ((code & 15) | 16) << (((code >> 4) & 7) + 3);
  return code < 32768 ? code : ((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
}

/** Query, after the checksum. `lengthBytes` is that of the whole ICMPv6 message on the wire. */
export function dissectMldQuery(context: DissectContext, r: FieldReader, lengthBytes: number): void {
  const { tree } = context;
  const second = lengthBytes >= MLDV2_QUERY_BYTES;
  r.u16('icmpv6.mld.maximum_response_delay', 'Maximum Response Code', (v) => `${v} (${expandCode(v, 16)} ms)`);
  r.u16('icmpv6.reserved', 'Reserved', 'hex');
  const group = r.ipv6('icmpv6.mld.multicast_address', 'Multicast Address');
  if (!r.short) tree.info = group === '::' ? 'Multicast Listener Query' : `Multicast Listener Query for ${group}`;
  if (!second) return;
  const at = r.pos;
  const flags = r.u8('icmpv6.mld.flag', 'Flags', 'hex');
  flagBit(tree, 'icmpv6.mld.flag.s', 'Suppress Router-Side Processing', flags, 8, at, 1);
  tree.field('icmpv6.mld.flag.qrv', 'QRV (Querier Robustness Variable)', String(flags & 7), at, 1, { raw: flags & 7 });
  r.u8('icmpv6.mld.qqi', "QQIC (Querier's Query Interval Code)", (v) => `${expandCode(v, 8)} seconds (${v})`);
  const sources = r.u16('icmpv6.mld.nb_sources', 'Number of Sources');
  for (let i = 0; i < sources && r.more; i++) r.ipv6('icmpv6.mld.source_address', 'Source Address');
}

/** Report and Done of version 1, after the checksum. */
export function dissectMldv1(r: FieldReader): void {
  r.u16('icmpv6.mld.maximum_response_delay', 'Maximum Response Delay [ms]');
  r.u16('icmpv6.reserved', 'Reserved', 'hex');
  r.ipv6('icmpv6.mld.multicast_address', 'Multicast Address');
}

/** Report of version 2 (RFC 3810 section 5.2), after the checksum. */
export function dissectMldv2Report(context: DissectContext, r: FieldReader): void {
  const { tree } = context;
  r.u16('icmpv6.reserved', 'Reserved', 'hex');
  const count = r.u16('icmpv6.mldr.nb_mcast_records', 'Number of Multicast Address Records');
  tree.protocol = 'ICMPv6';
  const summary: string[] = [];
  for (let i = 0; i < count && r.more; i++) {
    r.group('icmpv6.mldr.mar', 'Multicast Address Record', () => {
      const type = r.u8('icmpv6.mldr.mar.record_type', 'Record Type', (v) => showNumber(v, MULTICAST_RECORD_TYPES, 2));
      const aux = r.u8('icmpv6.mldr.mar.aux_data_len', 'Aux Data Len');
      const sources = r.u16('icmpv6.mldr.mar.nb_sources', 'Number of Sources');
      const group = r.ipv6('icmpv6.mldr.mar.multicast_address', 'Multicast Address');
      for (let s = 0; s < sources && r.more; s++) r.ipv6('icmpv6.mldr.mar.source_address', 'Source Address');
      r.hexBytes('icmpv6.mldr.mar.auxiliary_data', 'Auxiliary Data', aux * 4);
      if (summary.length < 8 && !r.short) summary.push(recordSummary(type, group, sources));
      return `${MULTICAST_RECORD_TYPES[type] ?? 'Unknown'}: ${group}`;
    });
  }
  if (summary.length > 0) tree.info = `Multicast Listener Report Message v2 (${summary.join('; ')})`;
}
