import { putU32, u24 } from '../base/index.ts';
import { dissectEthernet } from './ethernet.ts';
import { passOn } from './payload.ts';
import { FieldReader, flagBit, hexNumber } from './reader.ts';
import { MAX_TUNNELS, register, type DissectContext } from './registry.ts';

export const VXLAN_HEADER_BYTES = 8;
export const VXLAN_PORT = 4789;

/** RFC 7348 section 5. */
export const vxlanView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + VXLAN_HEADER_BYTES <= end,
  hasVni: (b: Uint8Array, o: number): boolean => (b[o]! & 8) !== 0,
  vni: (b: Uint8Array, o: number): number => u24(b, o + 4),
};

export function emitVxlan(b: Uint8Array, o: number, vni: number): number {
  putU32(b, o, 0x08000000);
  putU32(b, o + 4, (vni << 8) >>> 0);
  return VXLAN_HEADER_BYTES;
}

function dissectVxlan(context: DissectContext, start: number, end: number): void {
  const { tree } = context;
  const wireEnd = context.wireEnd;
  tree.layer('vxlan', 'Virtual eXtensible Local Area Network', start, Math.min(end - start, VXLAN_HEADER_BYTES));
  tree.protocol = 'VxLAN';
  const r = new FieldReader(context, start, end);
  const flags = r.u16('vxlan.flags', 'Flags', 'hex');
  if (!r.short) {
    flagBit(tree, 'vxlan.flag_g', 'GBP Extension', flags, 0x8000, start, 2);
    flagBit(tree, 'vxlan.flag_i', 'VXLAN Network ID (VNI)', flags, 0x0800, start, 2);
  }
  r.u16('vxlan.gbp', 'Group Policy ID');
  const vni = r.u24('vxlan.vni', 'VXLAN Network Identifier (VNI)');
  r.u8('vxlan.reserved8', 'Reserved', 'hex');
  r.finish('VXLAN');
  tree.info = `VNI ${vni} (${hexNumber(vni, 6)})`;
  tree.close();
  if (r.short) return;
  context.tunnels++;
  passOn(context, context.tunnels > MAX_TUNNELS ? undefined : dissectEthernet, r.pos, end, wireEnd);
  context.tunnels--;
}

export function registerVxlan(): void {
  register('udp.port', [VXLAN_PORT], dissectVxlan);
}
