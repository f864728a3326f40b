import { bitField, type FieldReader, flagBit } from './reader.ts';
import type { DissectContext } from './registry.ts';

const HELLO_OPTIONS: Readonly<Record<number, string>> = {
  1: 'Hold Time',
  2: 'LAN Prune Delay',
  18: 'Deprecated and should not be used',
  19: 'DR Priority',
  20: 'Generation ID',
  21: 'State Refresh Capable',
  22: 'Bidir Capable',
  23: 'Neighbor List',
  24: 'Address List',
  26: 'Join Attribute',
  65001: 'Address List',
};

const FOREVER = 0xffff;
const ENCODED_FAMILY = { ipv4: 1, ipv6: 2 } as const;

function seconds(v: number): string {
  return v === FOREVER ? `${v}s (infinity)` : `${v}s`;
}

/** Family and encoding, then an address of that family (RFC 7761 section 4.9.1). Returns the address as text. */
function unicast(r: FieldReader, name: string, label: string): string {
  const family = r.u8('pim.addr_address_family', 'Address Family');
  r.u8('pim.addr_encoding_type', 'Encoding Type');
  return address(r, family, name, label);
}

function address(r: FieldReader, family: number, name: string, label: string): string {
  if (family === ENCODED_FAMILY.ipv4) return r.ipv4(name, label);
  if (family === ENCODED_FAMILY.ipv6) return r.ipv6(`${name}_ip6`, label);
  r.short = true;
  return '';
}

function group(r: FieldReader): string {
  const family = r.u8('pim.addr_address_family', 'Address Family');
  r.u8('pim.addr_encoding_type', 'Encoding Type');
  const at = r.pos;
  const flags = r.u8('pim.group_addr.flags', 'Flags', 'hex');
  flagBit(r.tree, 'pim.group_addr.flags.b', 'Bidirectional PIM', flags, 0x80, at, 1);
  flagBit(r.tree, 'pim.group_addr.flags.z', 'Admin Scope Zone', flags, 0x01, at, 1);
  const masklen = r.u8('pim.mask_len', 'Masklen');
  return `${address(r, family, 'pim.group', 'Group')}/${masklen}`;
}

function source(r: FieldReader, name: string): string {
  const family = r.u8('pim.addr_address_family', 'Address Family');
  const encoding = r.u8('pim.addr_encoding_type', 'Encoding Type');
  const at = r.pos;
  const flags = r.u8('pim.source_addr.flags', 'Flags', 'hex');
  flagBit(r.tree, 'pim.source_addr.flags.s', 'Sparse', flags, 4, at, 1);
  flagBit(r.tree, 'pim.source_addr.flags.w', 'WildCard', flags, 2, at, 1);
  flagBit(r.tree, 'pim.source_addr.flags.r', 'Rendezvous Point Tree', flags, 1, at, 1);
  const masklen = r.u8('pim.mask_len', 'Masklen');
  const text = address(r, family, name, 'IP address');
  if (encoding === 1) joinAttributes(r);
  return `${text}/${masklen}${(flags & 4) !== 0 ? 'S' : ''}${(flags & 2) !== 0 ? 'W' : ''}${(flags & 1) !== 0 ? 'R' : ''}`;
}

/** RFC 5384: attributes until one has the end bit. */
function joinAttributes(r: FieldReader): void {
  let last = false;
  while (!last && r.more) {
    const flags = r.u8('pim.source_ja.flags', 'Flags', 'hex');
    last = (flags & 0x40) !== 0;
    const length = r.u8('pim.source_ja.length', 'Length');
    r.hexBytes('pim.source_ja.value', 'Value', length);
  }
}

function hello(r: FieldReader): void {
  while (r.more) {
    r.group('pim.option', 'PIM Option', () => {
      const type = r.u16('pim.optiontype', 'Type', HELLO_OPTIONS);
      const length = r.u16('pim.optionlength', 'Length');
      const option = r.sub(length);
      helloOption(option, type);
      if (option.short) r.short = true;
      return HELLO_OPTIONS[type] ?? `Unknown (${type})`;
    });
  }
}

function helloOption(r: FieldReader, type: number): void {
  if (type === 1) r.u16('pim.holdtime', 'Holdtime', seconds);
  else if (type === 2) {
    const at = r.pos;
    const word = r.u16('pim.propagation_delay', 'Propagation Delay', (v) => `${v & 0x7fff}ms`);
    flagBit(r.tree, 'pim.t', 'T', word, 0x8000, at, 1);
    r.u16('pim.override_interval', 'Override Interval', (v) => `${v}ms`);
  } else if (type === 19) r.u32('pim.dr_priority', 'DR Priority');
  else if (type === 20) r.u32('pim.generation_id', 'Generation ID');
  else if (type === 21) {
    r.u8('pim.state_refresh_version', 'Version');
    r.u8('pim.state_refresh_interval', 'Interval');
    r.u16('pim.state_refresh_reserved', 'Reserved', 'hex');
  } else if (type === 24 || type === 65001) {
    while (r.more) unicast(r, 'pim.address_list', 'Address');
  } else r.hexBytes('pim.optionvalue', 'Unknown', r.left);
}

/** Join/Prune, Graft and Graft-Ack have one format (RFC 7761 section 4.9.5, RFC 3973 section 4.7.5). */
function joinPrune(context: DissectContext, r: FieldReader): void {
  unicast(r, 'pim.upstream_neighbor', 'Upstream-neighbor');
  r.u8('pim.res_bytes', 'Reserved byte(s)', 'hex');
  const groups = r.u8('pim.numgroups', 'Num Groups');
  r.u16('pim.holdtime', 'Holdtime', seconds);
  let joinsInAll = 0;
  let prunesInAll = 0;
  for (let g = 0; g < groups && r.more; g++) {
    r.group('pim.group_set', 'Group', () => {
      const text = group(r);
      const joins = r.u16('pim.numjoins', 'Num Joins');
      const prunes = r.u16('pim.numprunes', 'Num Prunes');
      for (let i = 0; i < joins && r.more; i++) source(r, 'pim.join_ip');
      for (let i = 0; i < prunes && r.more; i++) source(r, 'pim.prune_ip');
      joinsInAll += joins;
      prunesInAll += prunes;
      return text;
    });
  }
  if (!r.short) context.tree.info += `, ${groups} group${groups === 1 ? '' : 's'}, ${joinsInAll} joins, ${prunesInAll} prunes`;
}

function metrics(r: FieldReader): void {
  const at = r.pos;
  const preference = r.u32('pim.metric_pref', 'Metric Preference', (v) => String(v & 0x7fffffff));
  flagBit(r.tree, 'pim.rpt', 'RP Tree', preference >>> 24, 0x80, at, 1);
  r.u32('pim.metric', 'Metric');
}

function bootstrap(r: FieldReader): void {
  r.u16('pim.fragment_tag', 'Fragment tag', 'hex');
  r.u8('pim.hash_mask_len', 'Hash mask len');
  r.u8('pim.bsr_priority', 'BSR priority');
  unicast(r, 'pim.bsr', 'BSR');
  while (r.more) {
    r.group('pim.group_set', 'Group', () => {
      const text = group(r);
      r.u8('pim.rp_count', 'RP count');
      const here = r.u8('pim.frp_count', 'FRP count');
      r.u16('pim.res_bytes', 'Reserved byte(s)', 'hex');
      for (let i = 0; i < here && r.more; i++) {
        unicast(r, 'pim.rp', 'RP');
        r.u16('pim.holdtime', 'Holdtime', seconds);
        r.u8('pim.priority', 'Priority');
        r.u8('pim.res_bytes', 'Reserved byte(s)', 'hex');
      }
      return text;
    });
  }
}

function candidate(r: FieldReader): void {
  const prefixes = r.u8('pim.prefix_count', 'Prefix-count');
  r.u8('pim.priority', 'Priority');
  r.u16('pim.holdtime', 'Holdtime', seconds);
  unicast(r, 'pim.rp', 'RP');
  for (let i = 0; i < prefixes && r.more; i++) group(r);
}

function stateRefresh(r: FieldReader): void {
  group(r);
  unicast(r, 'pim.source', 'Source');
  unicast(r, 'pim.originator', 'Originator');
  metrics(r);
  r.u8('pim.mask_len', 'Masklen');
  r.u8('pim.ttl', 'TTL');
  const at = r.pos;
  const flags = r.peek8();
  r.skip(1);
  if (!r.short) {
    flagBit(r.tree, 'pim.prune_indicator', 'Prune indicator', flags, 0x80, at, 1);
    flagBit(r.tree, 'pim.prune_now', 'Prune now', flags, 0x40, at, 1);
    flagBit(r.tree, 'pim.assert_override', 'Assert override', flags, 0x20, at, 1);
  }
  r.u8('pim.interval', 'Interval');
}

const DF_SUBTYPES: Readonly<Record<number, string>> = { 1: 'Offer', 2: 'Winner', 3: 'Backoff', 4: 'Pass' };

/** Designated forwarder election of bidirectional PIM (RFC 5015 section 3.7). The subtype is in the header's second byte. */
function election(r: FieldReader): void {
  const subtype = r.bytes[r.pos - 3]! >> 4;
  bitField(r.tree, 'pim.df_elect.subtype', 'DF Subtype', subtype, r.pos - 3, 1, DF_SUBTYPES);
  unicast(r, 'pim.rp', 'RP');
  metrics(r);
  if (subtype === 3 || subtype === 4) {
    unicast(r, subtype === 3 ? 'pim.bidir_offering' : 'pim.bidir_winner', subtype === 3 ? 'Offering IP' : 'New Winner IP');
    r.u32('pim.bidir_off_metric_pref', 'Metric Preference');
    r.u32('pim.bidir_off_metric', 'Metric');
    if (subtype === 3) r.u16('pim.bidir_offering_interval', 'Offering interval (ms)');
  }
}

/** Message of any type but Register, after the four-byte header. */
export function dissectPimBody(context: DissectContext, r: FieldReader, type: number): void {
  switch (type) {
    case 0:
      return hello(r);
    case 2:
      group(r);
      unicast(r, 'pim.source', 'Source');
      return;
    case 3:
    case 6:
    case 7:
      return joinPrune(context, r);
    case 4:
      return bootstrap(r);
    case 5:
      group(r);
      unicast(r, 'pim.source', 'Source');
      return metrics(r);
    case 8:
      return candidate(r);
    case 9:
      return stateRefresh(r);
    case 10:
      return election(r);
    default:
      r.hexBytes('pim.data', 'Data', r.left);
  }
}
