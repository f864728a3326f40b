import { putU16 } from '../base/index.ts';
import { checksum } from './checksum.ts';
import { extendedEcho, icmpView, quoted } from './icmp.ts';
import { dissectIpv6 } from './ipv6.ts';
import { dissectMldQuery, dissectMldv1, dissectMldv2Report } from './mld.ts';
import { dissectNdOptions } from './nd-options.ts';
import { checksumFields, FieldReader, flagBit, markShort, showNumber } from './reader.ts';
import { register, type DissectContext } from './registry.ts';
import { pseudoSum, transportVerdict } from './udp.ts';

/** RFC 4443 section 2.1: the header of ICMP, but for where the length of a quoted datagram stands. `emitIcmp` writes it. */
export const icmpv6View = {
  ...icmpView,
  /** RFC 4884: length of the quoted datagram in 8-byte units, 0 where the sender does not say. */
  quotedLength: (b: Uint8Array, o: number): number => b[o + 4]! * 8,
};

/** Checksum with the pseudo header of the addresses at the given offsets. */
export function sealIcmpv6(b: Uint8Array, o: number, lengthBytes: number, source: number, destination: number): void {
  putU16(b, o + 2, 0);
  putU16(b, o + 2, checksum(b, o, o + lengthBytes, pseudoSum(b, 6, source, destination, 58, lengthBytes)));
}

const TYPES: Readonly<Record<number, string>> = {
  1: 'Destination Unreachable',
  2: 'Packet Too Big',
  3: 'Time Exceeded',
  4: 'Parameter Problem',
  128: 'Echo (ping) request',
  129: 'Echo (ping) reply',
  130: 'Multicast Listener Query',
  131: 'Multicast Listener Report',
  132: 'Multicast Listener Done',
  133: 'Router Solicitation',
  134: 'Router Advertisement',
  135: 'Neighbor Solicitation',
  136: 'Neighbor Advertisement',
  137: 'Redirect',
  138: 'Router Renumbering',
  139: 'Node Information Query',
  140: 'Node Information Reply',
  141: 'Inverse Neighbor Discovery Solicitation',
  142: 'Inverse Neighbor Discovery Advertisement',
  143: 'Multicast Listener Report Message v2',
  144: 'Home Agent Address Discovery Request',
  145: 'Home Agent Address Discovery Reply',
  146: 'Mobile Prefix Solicitation',
  147: 'Mobile Prefix Advertisement',
  148: 'Certification Path Solicitation',
  149: 'Certification Path Advertisement',
  151: 'Multicast Router Advertisement',
  152: 'Multicast Router Solicitation',
  153: 'Multicast Router Termination',
  155: 'RPL Control',
  157: 'Duplicate Address Request',
  158: 'Duplicate Address Confirmation',
  160: 'Extended Echo request',
  161: 'Extended Echo reply',
};

const CODES: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  1: {
    0: 'no route to destination',
    1: 'Administratively prohibited',
    2: 'Beyond scope of source address',
    3: 'Address unreachable',
    4: 'Port unreachable',
    5: 'Source address failed ingress/egress policy',
    6: 'Reject route to destination',
    7: 'Error in Source Routing Header',
  },
  3: { 0: 'hop limit exceeded in transit', 1: 'fragment reassembly time exceeded' },
  4: {
    0: 'erroneous header field encountered',
    1: 'unrecognized Next Header type encountered',
    2: 'unrecognized IPv6 option encountered',
    3: 'IPv6 First Fragment has incomplete IPv6 Header Chain',
  },
  138: { 0: 'Router Renumbering Command', 1: 'Router Renumbering Result', 255: 'Sequence Number Reset' },
};

function dissectIcmpv6(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('icmpv6', 'Internet Control Message Protocol v6', start, end - start);
  tree.protocol = 'ICMPv6';
  const r = new FieldReader(context, start, end);
  const type = r.u8('icmpv6.type', 'Type', TYPES);
  const codes = CODES[type];
  const code = r.u8('icmpv6.code', 'Code', codes === undefined ? undefined : (v) => showNumber(v, codes, 2));
  const codeText = codes?.[code];
  if (!r.short) tree.info = `${TYPES[type] ?? `Unknown (${type})`}${codeText === undefined ? '' : ` (${codeText})`}`;
  if (r.short || start + 4 > end) {
    markShort(context, 'ICMPv6', end);
    tree.close();
    return;
  }
  checksumFields(
    tree,
    'icmpv6',
    icmpv6View.checksum(bytes, start),
    start + 2,
    2,
    context.inError ? 'unverified' : transportVerdict(context, 58, start, wireEnd, end),
  );
  r.skip(2);
  body(context, r, type, start, end, wireEnd);
  r.finish('ICMPv6');
  tree.close();
}

function body(context: DissectContext, r: FieldReader, type: number, start: number, end: number, wireEnd: number): void {
  const { tree } = context;
  switch (type) {
    case 1:
    case 2:
    case 3:
    case 4:
      return error(context, r, type, start, end, wireEnd);
    case 128:
    case 129:
      return echo(context, r, type === 128, end, wireEnd);
    case 130:
      return dissectMldQuery(context, r, wireEnd - start);
    case 131:
    case 132:
      return dissectMldv1(r);
    case 143:
      return dissectMldv2Report(context, r);
    case 133:
      r.u32('icmpv6.reserved', 'Reserved', 'hex');
      return dissectNdOptions(context, r);
    case 134:
      return routerAdvertisement(context, r);
    case 135:
    case 136:
      return neighbor(context, r, type === 136);
    case 137: {
      r.u32('icmpv6.reserved', 'Reserved', 'hex');
      const target = r.ipv6('icmpv6.rd.na.target_address', 'Target Address');
      tree.info = `Redirect to ${target}`;
      r.ipv6('icmpv6.rd.na.destination_address', 'Destination Address');
      return dissectNdOptions(context, r);
    }
    case 139:
    case 140:
      r.u16('icmpv6.ni.qtype', 'Qtype');
      r.u16('icmpv6.ni.flag', 'Flags', 'hex');
      r.u64('icmpv6.ni.nonce', 'Nonce', 'hex');
      r.hexBytes('icmpv6.ni.data', 'Data', r.left);
      return;
    case 141:
    case 142:
      r.u32('icmpv6.reserved', 'Reserved', 'hex');
      return dissectNdOptions(context, r);
    case 160:
    case 161:
      return extendedEcho(context, r, type === 160, end);
    default:
      r.hexBytes('icmpv6.data', 'Data', r.left);
  }
}

function error(context: DissectContext, r: FieldReader, type: number, start: number, end: number, wireEnd: number): void {
  if (type === 2) r.u32('icmpv6.mtu', 'MTU');
  else if (type === 4) r.u32('icmpv6.pointer', 'Pointer');
  else {
    r.u8('icmpv6.length', 'Length', (v) => `${v} (${v * 8} bytes)`);
    r.u24('icmpv6.reserved', 'Reserved', 'hex');
  }
  if (r.short) return;
  const extensible = type === 1 || type === 3;
  quoted(context, r.pos, end, wireEnd, extensible ? icmpv6View.quotedLength(context.bytes, start) : -1, dissectIpv6);
}

function echo(context: DissectContext, r: FieldReader, request: boolean, end: number, wireEnd: number): void {
  const { tree } = context;
  const ident = r.u16('icmpv6.echo.identifier', 'Identifier', 'hex');
  const sequence = r.u16('icmpv6.echo.sequence_number', 'Sequence');
  if (r.short) return;
  if (tree.columnsOpen) {
    const hops = context.ipVersion === 6 ? `, hop limit=${context.bytes[context.ipSource - 1]!}` : '';
    tree.info = `Echo (ping) ${request ? 'request' : 'reply'} id=0x${ident.toString(16).padStart(4, '0')}, seq=${sequence}${hops}`;
  }
  if (wireEnd > r.pos) tree.field('data.data', 'Data', `(${wireEnd - r.pos} bytes)`, r.pos, Math.max(0, end - r.pos));
}

const PREFERENCE: Readonly<Record<number, string>> = { 0: 'Medium', 1: 'High', 2: 'Reserved', 3: 'Low' };

function routerAdvertisement(context: DissectContext, r: FieldReader): void {
  const { tree } = context;
  r.u8('icmpv6.nd.ra.cur_hop_limit', 'Cur hop limit');
  const at = r.pos;
  const flags = r.peek8();
  r.group('icmpv6.nd.ra.flag', 'Flags', () => {
    r.skip(1);
    if (r.short) return '';
    flagBit(tree, 'icmpv6.nd.ra.flag.m', 'Managed address configuration', flags, 0x80, at, 1);
    flagBit(tree, 'icmpv6.nd.ra.flag.o', 'Other configuration', flags, 0x40, at, 1);
    flagBit(tree, 'icmpv6.nd.ra.flag.h', 'Home Agent', flags, 0x20, at, 1);
    tree.field('icmpv6.nd.ra.flag.prf', 'Prf (Default Router Preference)', showNumber((flags >> 3) & 3, PREFERENCE, 2), at, 1, {
      raw: (flags >> 3) & 3,
    });
    flagBit(tree, 'icmpv6.nd.ra.flag.p', 'ND Proxy', flags, 0x04, at, 1);
    return `0x${flags.toString(16).padStart(2, '0')}`;
  });
  r.u16('icmpv6.nd.ra.router_lifetime', 'Router lifetime (s)');
  r.u32('icmpv6.nd.ra.reachable_time', 'Reachable time (ms)');
  r.u32('icmpv6.nd.ra.retrans_timer', 'Retrans timer (ms)');
  dissectNdOptions(context, r);
}

function neighbor(context: DissectContext, r: FieldReader, advertisement: boolean): void {
  const { tree } = context;
  const at = r.pos;
  const flags = r.peek8();
  if (advertisement) {
    r.group('icmpv6.nd.na.flag', 'Flags', () => {
      r.skip(4);
      if (r.short) return '';
      flagBit(tree, 'icmpv6.nd.na.flag.r', 'Router', flags, 0x80, at, 4);
      flagBit(tree, 'icmpv6.nd.na.flag.s', 'Solicited', flags, 0x40, at, 4);
      flagBit(tree, 'icmpv6.nd.na.flag.o', 'Override', flags, 0x20, at, 4);
      return '';
    });
    const target = r.ipv6('icmpv6.nd.na.target_address', 'Target Address');
    const set = [(flags & 0x80) !== 0 ? 'rtr' : '', (flags & 0x40) !== 0 ? 'sol' : '', (flags & 0x20) !== 0 ? 'ovr' : ''];
    tree.info = `Neighbor Advertisement ${target} (${set.filter((x) => x !== '').join(', ')})`;
  } else {
    r.u32('icmpv6.reserved', 'Reserved', 'hex');
    tree.info = `Neighbor Solicitation for ${r.ipv6('icmpv6.nd.ns.target_address', 'Target Address')}`;
  }
  dissectNdOptions(context, r);
}

export function registerIcmpv6(): void {
  register('ip.proto', [58], dissectIcmpv6);
}
