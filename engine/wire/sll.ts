import { u16, u32 } from '../base/index.ts';
import { formatHardware } from './address.ts';
import { dissectEthertype } from './ethernet.ts';
import { dissectLlc } from './llc.ts';
import { ETHERTYPE_NAMES } from './names.ts';
import { passOn, passTo } from './payload.ts';
import { hexNumber, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

export const SLL_HEADER_BYTES = 16;
export const SLL2_HEADER_BYTES = 20;

const PACKET_TYPES: Readonly<Record<number, string>> = {
  0: 'Unicast to us',
  1: 'Broadcast',
  2: 'Multicast',
  3: 'Unicast to another host',
  4: 'Sent by us',
};

/** Linux cooked capture, version 1 (LINKTYPE_LINUX_SLL, 113). */
export const sllView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + SLL_HEADER_BYTES <= end,
  packetType: (b: Uint8Array, o: number): number => u16(b, o),
  hardwareType: (b: Uint8Array, o: number): number => u16(b, o + 2),
  addressLength: (b: Uint8Array, o: number): number => u16(b, o + 4),
  protocol: (b: Uint8Array, o: number): number => u16(b, o + 14),
};

/** Linux cooked capture, version 2 (LINKTYPE_LINUX_SLL2, 276). */
export const sll2View = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + SLL2_HEADER_BYTES <= end,
  protocol: (b: Uint8Array, o: number): number => u16(b, o),
  interfaceIndex: (b: Uint8Array, o: number): number => u32(b, o + 4),
  hardwareType: (b: Uint8Array, o: number): number => u16(b, o + 8),
  packetType: (b: Uint8Array, o: number): number => b[o + 10]!,
  addressLength: (b: Uint8Array, o: number): number => b[o + 11]!,
};

/** ARPHRD_NETLINK, ARPHRD_IPGRE and ARPHRD_FRAD give the protocol field another meaning. */
const ARPHRD_NETLINK = 824;
const ARPHRD_IPGRE = 778;
/** Values of the protocol field that are no EtherType (linux/if_ether.h). */
const LINUX_802_2 = 0x0004;
const LINUX_802_3 = 0x0001;

function addressField(context: DissectContext, offset: number, length: number): void {
  const { tree, bytes } = context;
  const shown = Math.min(length, 8);
  if (shown === 0) return;
  const text = formatHardware(bytes, offset, shown);
  tree.field(shown === 6 ? 'sll.src.eth' : 'sll.src.other', 'Source', text, offset, shown, { raw: text });
  tree.source = text;
}

function sllPayload(context: DissectContext, protocol: number, hardware: number, start: number, end: number, wireEnd: number): void {
  if (hardware === ARPHRD_NETLINK) passOn(context, undefined, start, end, wireEnd);
  else if (hardware === ARPHRD_IPGRE) passTo(context, 'gre.proto', protocol, start, end, wireEnd);
  else if (protocol === LINUX_802_2) passOn(context, dissectLlc, start, end, wireEnd);
  else if (protocol === LINUX_802_3) passOn(context, undefined, start, end, wireEnd);
  else {
    context.tree.layers.push('ethertype');
    dissectEthertype(context, protocol, start, end, wireEnd);
  }
}

function protocolField(context: DissectContext, protocol: number, offset: number): void {
  const name = ETHERTYPE_NAMES[protocol] ?? 'Unknown';
  const field = protocol < 1536 ? 'sll.ltype' : 'sll.etype';
  context.tree.field(field, 'Protocol', `${name} (${hexNumber(protocol, 4)})`, offset, 2, { raw: protocol });
}

function dissectSll(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('sll', 'Linux cooked capture v1', start, Math.min(end - start, SLL_HEADER_BYTES));
  tree.protocol = 'Linux cooked';
  if (!sllView.check(bytes, start, end)) {
    markShort(context, 'SLL', end);
    tree.close();
    return;
  }
  const packetType = sllView.packetType(bytes, start);
  const hardware = sllView.hardwareType(bytes, start);
  const length = sllView.addressLength(bytes, start);
  tree.field('sll.pkttype', 'Packet type', `${PACKET_TYPES[packetType] ?? 'Unknown'} (${packetType})`, start, 2, { raw: packetType });
  tree.field('sll.hatype', 'Link-layer address type', String(hardware), start + 2, 2, { raw: hardware });
  tree.field('sll.halen', 'Link-layer address length', String(length), start + 4, 2, { raw: length });
  addressField(context, start + 6, length);
  const protocol = sllView.protocol(bytes, start);
  protocolField(context, protocol, start + 14);
  tree.close();
  sllPayload(context, protocol, hardware, start + SLL_HEADER_BYTES, end, wireEnd);
}

function dissectSll2(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('sll', 'Linux cooked capture v2', start, Math.min(end - start, SLL2_HEADER_BYTES));
  tree.protocol = 'Linux cooked';
  if (!sll2View.check(bytes, start, end)) {
    markShort(context, 'SLL', end);
    tree.close();
    return;
  }
  const protocol = sll2View.protocol(bytes, start);
  const hardware = sll2View.hardwareType(bytes, start);
  const packetType = sll2View.packetType(bytes, start);
  const length = sll2View.addressLength(bytes, start);
  const index = sll2View.interfaceIndex(bytes, start);
  protocolField(context, protocol, start);
  tree.field('sll.ifindex', 'Interface index', String(index), start + 4, 4, { raw: index });
  tree.field('sll.hatype', 'Link-layer address type', String(hardware), start + 8, 2, { raw: hardware });
  tree.field('sll.pkttype', 'Packet type', `${PACKET_TYPES[packetType] ?? 'Unknown'} (${packetType})`, start + 10, 1, { raw: packetType });
  tree.field('sll.halen', 'Link-layer address length', String(length), start + 11, 1, { raw: length });
  addressField(context, start + 12, length);
  tree.close();
  sllPayload(context, protocol, hardware, start + SLL2_HEADER_BYTES, end, wireEnd);
}

export function registerSll(): void {
  register('linktype', [113], dissectSll);
  register('linktype', [276], dissectSll2);
}
