import { u16 } from '../base/index.ts';
import { sum16, sumIsGood, type ChecksumVerdict } from './checksum.ts';
import { bitField, checksumFields, FieldReader } from './reader.ts';
import { register, type DissectContext } from './registry.ts';
import { pseudoSum } from './udp.ts';

/** Version 2 (RFC 3768) has no pseudo header; version 3 (RFC 5798) has one, though over IPv4 senders differ. */
function verdictOf(context: DissectContext, version: number, start: number, end: number, wireEnd: number): ChecksumVerdict {
  const { bytes } = context;
  if (context.fragmented || wireEnd > end || context.ipVersion === 0) return 'unverified';
  const plain = sumIsGood(sum16(bytes, start, end));
  if (version < 3) return plain ? 'good' : 'bad';
  const pseudo = pseudoSum(bytes, context.ipVersion, context.ipSource, context.ipDestination, 112, end - start);
  return sumIsGood(sum16(bytes, start, end, pseudo)) || (context.ipVersion === 4 && plain) ? 'good' : 'bad';
}

function dissectVrrp(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('vrrp', 'Virtual Router Redundancy Protocol', start, end - start);
  tree.protocol = 'VRRP';
  const r = new FieldReader(context, start, end);
  const first = r.u8('vrrp.typever', 'VRRP message version and type', 'hex');
  const version = first >> 4;
  if (!r.short) {
    bitField(tree, 'vrrp.version', 'VRRP protocol version', version, start, 1);
    bitField(tree, 'vrrp.type', 'VRRP packet type', first & 15, start, 1, { 1: 'Advertisement' });
  }
  r.u8('vrrp.virt_rtr_id', 'Virtual Rtr ID');
  r.u8('vrrp.prio', 'Priority');
  const count = r.u8('vrrp.addr_count', 'Addr Count');
  if (version === 3) r.u16('vrrp.short_adver_int', 'Adver Int', (v) => `${v & 0xfff}`);
  else {
    r.u8('vrrp.auth_type', 'Auth Type');
    r.u8('vrrp.adver_int', 'Adver Int');
  }
  if (r.left >= 2) checksumFields(tree, 'vrrp', u16(bytes, r.pos), r.pos, 2, verdictOf(context, version, start, end, wireEnd));
  r.skip(2);
  for (let i = 0; i < count && r.more; i++) {
    if (context.ipVersion === 6) r.ipv6('vrrp.ipv6_addr', 'IPv6 Address');
    else r.ipv4('vrrp.ip_addr', 'IP Address');
  }
  if (version === 2 && r.left > 0) r.textBytes('vrrp.auth_string', 'Authentication String', r.left);
  tree.info = `Announcement (v${version})`;
  r.finish('VRRP');
  tree.close();
}

export function registerVrrp(): void {
  register('ip.proto', [112], dissectVrrp);
}
