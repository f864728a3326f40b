import { formatIpv4 } from './address.ts';
import { dissectOptionList, type OptionNames } from './option-list.ts';
import { showNumber, type FieldReader } from './reader.ts';
import type { DissectContext } from './registry.ts';

/** Options of RFC 791 and later ones, by their number (the low five bits and the copied and class bits together). */
const NAMES: Readonly<Record<number, string>> = {
  0: 'End of Options List (EOL)',
  1: 'No Operation (NOP)',
  7: 'Record Route',
  10: 'Experimental Measurement',
  11: 'MTU Probe',
  12: 'MTU Reply',
  25: 'Quick-Start',
  30: 'RFC 3692 experiment',
  68: 'Time Stamp',
  82: 'Traceroute',
  94: 'RFC 3692 experiment',
  130: 'Security',
  131: 'Loose Source Route',
  133: 'Extended Security',
  134: 'Commercial Security',
  136: 'Stream ID',
  137: 'Strict Source Route',
  142: 'Experimental Access Control',
  144: 'IMI Traffic Descriptor',
  145: 'Extended Internet Protocol',
  147: 'Address Extension',
  148: 'Router Alert',
  149: 'Selective Directed Broadcast',
  151: 'Dynamic Packet State',
  152: 'Upstream Multicast Packet',
  158: 'RFC 3692 experiment',
  205: 'Experimental Flow Control',
  222: 'RFC 3692 experiment',
};

const OPTIONS: OptionNames = {
  list: 'ip.options',
  option: ['ip.opt', 'IP Option'],
  kind: ['ip.opt.type', 'Type'],
  length: 'ip.opt.len',
  names: NAMES,
};

const ROUTER_ALERT: Readonly<Record<number, string>> = { 0: 'Router shall examine packet' };
const TIMESTAMP_FLAGS: Readonly<Record<number, string>> = {
  0: 'Time stamps only',
  1: 'Time stamp and address',
  3: 'Time stamps for prespecified addresses',
};

/** Route data: a pointer (1-based from the option's start) and a list of addresses. */
function route(r: FieldReader): void {
  r.u8('ip.opt.ptr', 'Pointer');
  while (r.more) r.ipv4('ip.rec_rt', 'Address');
}

function timestamp(r: FieldReader): void {
  r.u8('ip.opt.ptr', 'Pointer');
  const byte = r.peek8();
  const at = r.pos;
  r.skip(1);
  if (r.short) return;
  r.tree.field('ip.opt.overflow', 'Overflow', String(byte >> 4), at, 1, { raw: byte >> 4 });
  r.tree.field('ip.opt.flag', 'Flag', showNumber(byte & 15, TIMESTAMP_FLAGS, 1), at, 1, { raw: byte & 15 });
  while (r.more) {
    if ((byte & 15) !== 0) r.ipv4('ip.opt.time_stamp_addr', 'Address');
    r.u32('ip.opt.time_stamp', 'Time stamp');
  }
}

function body(type: number, r: FieldReader): void {
  switch (type) {
    case 7:
    case 131:
    case 137:
      return route(r);
    case 68:
      return timestamp(r);
    case 11:
    case 12:
      r.u16('ip.opt.mtu', 'MTU');
      return;
    case 25:
      r.u8('ip.opt.qs_rate', 'Rate', 'hex');
      r.u8('ip.opt.qs_ttl', 'QS TTL');
      r.u32('ip.opt.qs_nonce', 'QS Nonce', 'hex');
      return;
    case 82:
      r.u16('ip.opt.id_number', 'ID Number');
      r.u16('ip.opt.ohc', 'Outbound Hop Count');
      r.u16('ip.opt.rhc', 'Return Hop Count');
      r.ipv4('ip.opt.originator', 'Originator IP Address');
      return;
    case 130:
      r.u8('ip.opt.sec_cl', 'Classification Level', 'hex');
      r.hexBytes('ip.opt.sec_prot_auth_flags', 'Protection Authority Flags', r.left);
      return;
    case 136:
      r.u16('ip.opt.sid', 'Stream Identifier');
      return;
    case 148:
      r.u16('ip.opt.ra', 'Router Alert', (v) => `${ROUTER_ALERT[v] ?? 'Unknown'} (${v})`);
      return;
    default:
      r.hexBytes('ip.opt.data', 'Data', r.left);
  }
}

export function dissectIpv4Options(context: DissectContext, start: number, end: number): void {
  if (context.tree.columnsOnly) return;
  dissectOptionList(context, start, end, OPTIONS, (type, r) => {
    // The last address of a source route is where the datagram goes.
    const routed = (type === 131 || type === 137) && !r.cut && r.left >= 5;
    body(type, r);
    if (routed) r.tree.expert('note', `Source route to ${formatIpv4(r.bytes, r.end - 4)}`);
    return '';
  });
}
