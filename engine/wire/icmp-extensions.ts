import { u16, u32 } from '../base/index.ts';
import { sum16, sumIsGood } from './checksum.ts';
import { bitField, checksumFields, FieldReader, flagBit, showNumber } from './reader.ts';
import type { DissectContext } from './registry.ts';

/** RFC 4884 section 5.5: an old sender that does not say how much it quotes quotes 128 bytes before its extensions. */
const UNSAID_QUOTE_BYTES = 128;
const EXTENSION_HEADER_BYTES = 4;

/**
 * Where the extension structure starts in an error whose quoted datagram is at [at, end), or -1. Where the length is not
 * said, extensions are taken to be there only with version 2 and a good checksum.
 */
export function extensionsAt(b: Uint8Array, at: number, end: number, quotedBytes: number): number {
  const start = at + (quotedBytes > 0 ? quotedBytes : UNSAID_QUOTE_BYTES);
  if (start + EXTENSION_HEADER_BYTES > end || b[start]! >> 4 !== 2) return -1;
  if (quotedBytes > 0) return start;
  return u16(b, start + 2) !== 0 && sumIsGood(sum16(b, start, end)) ? start : -1;
}

const CLASSES: Readonly<Record<number, string>> = {
  1: 'MPLS Label Stack',
  2: 'Interface Information',
  3: 'Interface Identification',
  4: 'Extended Information',
};
const ROLES: Readonly<Record<number, string>> = {
  0: 'Incoming interface',
  1: 'Incoming sub-interface',
  2: 'Outgoing interface',
  3: 'Next hop',
};
const IDENTIFIED_BY: Readonly<Record<number, string>> = { 1: 'By name', 2: 'By index', 3: 'By address' };

/** Extension structure and its objects (RFC 4884 section 7). */
export function dissectIcmpExtensions(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const node = tree.open('icmp.ext', 'ICMP Multi-Part Extensions', start, end - start);
  if (start + EXTENSION_HEADER_BYTES > end) {
    tree.expert('warn', 'Extension header does not fit');
    tree.close();
    return;
  }
  node.value = `version ${bytes[start]! >> 4}`;
  bitField(tree, 'icmp.ext.version', 'Version', bytes[start]! >> 4, start, 1);
  const value = u16(bytes, start + 2);
  checksumFields(tree, 'icmp.ext', value, start + 2, 2, value === 0 ? 'absent' : sumIsGood(sum16(bytes, start, end)) ? 'good' : 'bad');
  const r = new FieldReader(context, start + EXTENSION_HEADER_BYTES, end);
  while (r.more) {
    r.group('icmp.ext.object', 'Object', () => {
      const length = r.u16('icmp.ext.length', 'Object length');
      const kind = r.u8('icmp.ext.class', 'Class', CLASSES);
      const type = r.u8('icmp.ext.ctype', 'C-Type');
      if (length < 4) r.short = true;
      const object = r.sub(length - 4);
      if (kind === 1) labelStack(object);
      else if (kind === 2) interfaceInformation(object, type);
      else if (kind === 3) interfaceIdentification(object, type);
      else object.hexBytes('icmp.ext.data', 'Data', object.left);
      return CLASSES[kind] ?? `class ${kind}`;
    });
  }
  if (r.short) tree.expert('warn', 'Extension object goes past its end');
  tree.close();
}

/** RFC 4950. */
function labelStack(r: FieldReader): void {
  const { tree, bytes } = r;
  while (r.left >= 4) {
    const entry = u32(bytes, r.pos);
    bitField(tree, 'icmp.mpls.label', 'Label', entry >>> 12, r.pos, 3);
    bitField(tree, 'icmp.mpls.exp', 'Experimental', (entry >>> 9) & 7, r.pos + 2, 1);
    flagBit(tree, 'icmp.mpls.s', 'Stack bit', entry, 0x100, r.pos + 2, 1);
    bitField(tree, 'icmp.mpls.ttl', 'Time to live', entry & 255, r.pos + 3, 1);
    r.skip(4);
  }
}

/** RFC 5837: role and which parts follow, in the C-Type. */
function interfaceInformation(r: FieldReader, type: number): void {
  const { tree } = r;
  bitField(tree, 'icmp.int_info.role', 'Interface Role', type >> 6, r.pos - 1, 1, (v) => showNumber(v, ROLES, 2));
  if ((type & 8) !== 0) r.u32('icmp.int_info.index', 'Interface Index');
  if ((type & 4) !== 0) {
    const family = r.u16('icmp.int_info.afi', 'Address Family Identifier');
    r.u16('icmp.int_info.reserved', 'Reserved', 'hex');
    if (family === 1) r.ipv4('icmp.int_info.ipv4', 'Source');
    else if (family === 2) r.ipv6('icmp.int_info.ipv6', 'Source');
  }
  if ((type & 2) !== 0) {
    const length = r.u8('icmp.int_info.name_length', 'Name Length');
    r.textBytes('icmp.int_info.name', 'Interface Name', length - 1);
  }
  if ((type & 1) !== 0) r.u32('icmp.int_info.mtu', 'MTU');
}

/** RFC 8335 section 2.1. */
function interfaceIdentification(r: FieldReader, type: number): void {
  const { tree } = r;
  bitField(tree, 'icmp.int_ident.type', 'Interface identified', type, r.pos - 1, 1, IDENTIFIED_BY);
  if (type === 1) r.textBytes('icmp.int_ident.name', 'Interface Name', r.left);
  else if (type === 2) r.u32('icmp.int_ident.index', 'Interface Index');
  else if (type === 3) {
    const family = r.u16('icmp.int_ident.afi', 'Address Family Identifier');
    r.u8('icmp.int_ident.addr_length', 'Address Length');
    r.skip(1);
    if (family === 1) r.ipv4('icmp.int_ident.ipv4', 'IPv4 Address');
    else if (family === 2) r.ipv6('icmp.int_ident.ipv6', 'IPv6 Address');
    else r.hexBytes('icmp.int_ident.address', 'Address', r.left);
  }
}
