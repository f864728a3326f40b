import { putU16, u16 } from '../base/index.ts';
import { dissectEthertype } from './ethernet.ts';
import { dissectLlc } from './llc.ts';
import { ETHERTYPE_NAMES } from './names.ts';
import { passOn } from './payload.ts';
import { bitField, flagBit, hexNumber, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

export const VLAN_TAG_BYTES = 4;

/** Tag after its TPID: priority, drop eligible, VLAN identifier, then the next type (IEEE 802.1Q clause 9.6). */
export const vlanView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + VLAN_TAG_BYTES <= end,
  priority: (b: Uint8Array, o: number): number => b[o]! >> 5,
  dropEligible: (b: Uint8Array, o: number): boolean => (b[o]! & 0x10) !== 0,
  id: (b: Uint8Array, o: number): number => u16(b, o) & 0xfff,
  type: (b: Uint8Array, o: number): number => u16(b, o + 2),
};

export interface VlanFields {
  readonly priority: number;
  readonly dropEligible: boolean;
  readonly id: number;
  /** EtherType of what follows. */
  readonly type: number;
}

/** Writes the tag's four bytes that follow its TPID and returns their number. */
export function emitVlan(b: Uint8Array, o: number, fields: VlanFields): number {
  putU16(b, o, (fields.priority << 13) | (fields.dropEligible ? 0x1000 : 0) | (fields.id & 0xfff));
  putU16(b, o + 2, fields.type);
  return VLAN_TAG_BYTES;
}

function dissectTag(context: DissectContext, start: number, end: number, prefix: 'vlan' | 'ieee8021ad', label: string): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  const node = tree.layer(prefix, label, start, Math.min(VLAN_TAG_BYTES, end - start));
  if (start + 2 > end) {
    markShort(context, label, end);
    tree.close();
    return;
  }
  const id = vlanView.id(bytes, start);
  node.value = `ID: ${id}`;
  bitField(tree, `${prefix}.priority`, 'Priority', vlanView.priority(bytes, start), start, 2);
  flagBit(tree, `${prefix}.dei`, 'DEI', bytes[start]!, 0x10, start, 2);
  bitField(tree, `${prefix}.id`, 'ID', id, start, 2);
  if (!vlanView.check(bytes, start, end)) {
    markShort(context, label, end);
    tree.close();
    return;
  }
  const type = vlanView.type(bytes, start);
  const next = start + VLAN_TAG_BYTES;
  if (type <= 1500) {
    tree.field(`${prefix}.len`, 'Length', String(type), start + 2, 2, { raw: type });
    tree.close();
    const networkEnd = Math.min(wireEnd, next + type);
    if (context.networkEnd < 0) context.networkEnd = networkEnd;
    passOn(context, dissectLlc, next, Math.min(end, networkEnd), networkEnd);
    return;
  }
  tree.field(`${prefix}.etype`, 'Type', `${ETHERTYPE_NAMES[type] ?? 'Unknown'} (${hexNumber(type, 4)})`, start + 2, 2, { raw: type });
  tree.layers.push('ethertype');
  tree.close();
  dissectEthertype(context, type, next, end, wireEnd);
}

function dissectVlan(context: DissectContext, start: number, end: number): void {
  dissectTag(context, start, end, 'vlan', '802.1Q Virtual LAN');
}

function dissectProviderBridge(context: DissectContext, start: number, end: number): void {
  dissectTag(context, start, end, 'ieee8021ad', 'IEEE 802.1ad');
}

export function registerVlan(): void {
  register('ethertype', [0x8100, 0x9100, 0x9200], dissectVlan);
  register('ethertype', [0x88a8], dissectProviderBridge);
}
