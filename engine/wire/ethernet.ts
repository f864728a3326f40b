import { putU16, u16, u32le } from '../base/index.ts';
import { copyAddress, formatMac } from './address.ts';
import { crc32 } from './checksum.ts';
import { dissectLlc } from './llc.ts';
import { ETHERTYPE_NAMES } from './names.ts';
import { dissectData, passOn, passTo } from './payload.ts';
import { hexNumber, markShort, showBytes, flagBit } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

export const ETHERNET_HEADER_BYTES = 14;
/** Largest value of the type field that is a length (IEEE 802.3 clause 3.2.6). */
const LARGEST_LENGTH = 1500;
/** Smallest value that is a type. What is between the two is neither. */
const SMALLEST_TYPE = 1536;
/** Smallest frame on the wire, without its FCS: shorter payload is padded to this. */
const SMALLEST_FRAME_BYTES = 60;

/** Ethernet II header: destination, source, type. Accessors hold once `check` said yes. */
export const ethernetView = {
  check: (_b: Uint8Array, o: number, end: number): boolean => o + ETHERNET_HEADER_BYTES <= end,
  type: (b: Uint8Array, o: number): number => u16(b, o + 12),
  destination: (b: Uint8Array, o: number): string => formatMac(b, o),
  source: (b: Uint8Array, o: number): string => formatMac(b, o + 6),
  isMulticast: (b: Uint8Array, o: number): boolean => (b[o]! & 1) !== 0,
};

export interface EthernetFields {
  /** Six bytes each. */
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  /** EtherType, or length in bytes for 802.3. */
  readonly type: number;
}

/** Writes the header at `o` and returns its length in bytes. */
export function emitEthernet(b: Uint8Array, o: number, fields: EthernetFields): number {
  copyAddress(b, o, fields.destination, 0, 6);
  copyAddress(b, o + 6, fields.source, 0, 6);
  putU16(b, o + 12, fields.type);
  return ETHERNET_HEADER_BYTES;
}

/** Ethernet addresses, each with its group and local bits. */
function macField(context: DissectContext, name: string, label: string, o: number): void {
  const { tree, bytes } = context;
  const text = formatMac(bytes, o);
  const node = tree.open(name, label, o, 6, { raw: text });
  node.value = text;
  flagBit(tree, `${name}.lg`, 'Locally administered', bytes[o]!, 2, o, 3);
  flagBit(tree, `${name}.ig`, 'Group address', bytes[o]!, 1, o, 3);
  tree.close();
}

export function dissectEthernet(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  if (isIsl(bytes, start, end)) {
    dissectIsl(context, start, end);
    return;
  }
  const whole = ethernetView.check(bytes, start, end);
  const node = tree.layer('eth', 'Ethernet II', start, Math.min(ETHERNET_HEADER_BYTES, end - start));
  tree.protocol = 'Ethernet';
  if (start + 6 <= end) {
    macField(context, 'eth.dst', 'Destination', start);
    tree.destination = formatMac(bytes, start);
  }
  if (start + 12 <= end) {
    macField(context, 'eth.src', 'Source', start + 6);
    tree.source = formatMac(bytes, start + 6);
  }
  if (!whole) {
    markShort(context, 'Ethernet', end);
    tree.close();
    return;
  }
  const type = ethernetView.type(bytes, start);
  if (tree.columnsOpen) node.value = `Src: ${formatMac(bytes, start + 6)}, Dst: ${formatMac(bytes, start)}`;
  const outerNetworkEnd = context.networkEnd;
  context.networkEnd = -1;
  const payload = start + ETHERNET_HEADER_BYTES;
  if (type <= LARGEST_LENGTH && type > 0) {
    node.label = 'IEEE 802.3 Ethernet';
    tree.field('eth.len', 'Length', String(type), start + 12, 2, { raw: type });
    if (payload + type > wireEnd) tree.expert('error', 'Length field value goes past the end of the payload');
    tree.close();
    const stop = Math.min(end, payload + type);
    context.networkEnd = Math.min(wireEnd, payload + type);
    if (bytes[payload] === 0xff && bytes[payload + 1] === 0xff && payload + 1 < stop) {
      passOn(context, undefined, payload, stop, context.networkEnd);
    } else passOn(context, dissectLlc, payload, stop, context.networkEnd);
  } else {
    tree.layers.push('ethertype');
    tree.field('eth.type', 'Type', `${ETHERTYPE_NAMES[type] ?? 'Unknown'} (${hexNumber(type, 4)})`, start + 12, 2, { raw: type });
    if (type < SMALLEST_TYPE) tree.expert('warn', `Invalid length/type: ${hexNumber(type, 4)}`);
    tree.close();
    dissectEthertype(context, type, payload, end, wireEnd);
  }
  ethernetTrailer(context, start, end, wireEnd);
  context.networkEnd = outerNetworkEnd;
}

/** Payload of an EtherType, wherever it is found: Ethernet, VLAN tag, SNAP, GRE, cooked capture. */
export function dissectEthertype(context: DissectContext, type: number, start: number, end: number, wireEnd: number): void {
  const { tree } = context;
  if (tree.protocol === 'Ethernet' || tree.protocol === 'Linux cooked') tree.protocol = hexNumber(type, 4);
  if (tree.info === '') tree.info = ETHERTYPE_NAMES[type] ?? 'Ethernet II';
  passTo(context, 'ethertype', type, start, end, wireEnd);
}

/** What follows the network layer's own length: padding to the smallest frame, or a trailer. */
function ethernetTrailer(context: DissectContext, start: number, end: number, wireEnd: number): void {
  const from = context.networkEnd;
  const { tree, bytes } = context;
  if (from < 0 || from >= wireEnd || from >= end || tree.columnsOnly) return;
  let zeros = true;
  for (let i = from; i < end && zeros; i++) zeros = bytes[i] === 0;
  const padding = zeros && end - start <= SMALLEST_FRAME_BYTES + 4;
  const name = padding ? 'eth.padding' : 'eth.trailer';
  // A layer of its own, after the payload: Wireshark puts it into the Ethernet node, whose range it is not next to.
  tree.open(name, padding ? 'Ethernet padding' : 'Ethernet trailer', from, end - from, { raw: showBytes(bytes, from, end) }).value =
    showBytes(bytes, from, end);
  if (!padding && end === wireEnd && end - from >= 4 && crc32(bytes, start, end - 4) === u32le(bytes, end - 4)) {
    tree.field('eth.fcs', 'Frame check sequence', `${hexNumber(u32le(bytes, end - 4), 8)} [correct]`, end - 4, 4, {
      raw: u32le(bytes, end - 4),
    });
  }
  tree.close();
}

const ISL_HEADER_BYTES = 26;

/** Cisco Inter-Switch Link: one of two group addresses of which only 40 bits are fixed. */
function isIsl(b: Uint8Array, o: number, end: number): boolean {
  return (
    o + ISL_HEADER_BYTES <= end &&
    (b[o] === 0x01 || b[o] === 0x0c) &&
    b[o + 1] === 0 &&
    b[o + 2] === 0x0c &&
    b[o + 3] === 0 &&
    b[o + 4] === 0
  );
}

/** The header names the VLAN; the frame inside keeps its own FCS, and ISL adds another. */
function dissectIsl(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const wireEnd = context.wireEnd;
  tree.layer('isl', 'Inter-Switch Link', start, ISL_HEADER_BYTES);
  tree.protocol = 'ISL';
  const vlan = u16(bytes, start + 20) >> 1;
  tree.field('isl.src', 'Source', formatMac(bytes, start + 6), start + 6, 6, { raw: formatMac(bytes, start + 6) });
  tree.field('isl.len', 'Length', String(u16(bytes, start + 12)), start + 12, 2, { raw: u16(bytes, start + 12) });
  tree.field('isl.vlan_id', 'VLAN ID', String(vlan), start + 20, 2, { raw: vlan });
  tree.info = `VLAN ID: ${vlan}`;
  tree.close();
  passOn(context, dissectEthernet, start + ISL_HEADER_BYTES, end, wireEnd);
}

function dissectMacControl(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  tree.protocol = 'MAC CTRL';
  if (start + 4 > end) {
    dissectData(context, start, end);
    return;
  }
  const opcode = u16(bytes, start);
  tree.layer('macc', 'MAC Control', start, Math.min(end - start, 4));
  tree.field('macc.opcode', 'Opcode', opcode === 1 ? 'Pause (0x0001)' : hexNumber(opcode, 4), start, 2, { raw: opcode });
  if (opcode === 1) {
    tree.field('macc.pause_time', 'Pause Time', String(u16(bytes, start + 2)), start + 2, 2, { raw: u16(bytes, start + 2) });
    tree.info = `Pause: pause_time: ${u16(bytes, start + 2)} quanta`;
  }
  tree.close();
}

export function registerEthernet(): void {
  register('linktype', [1], dissectEthernet);
  register('ethertype', [0x6558], dissectEthernet);
  register('gre.proto', [0x6558], dissectEthernet);
  register('ip.proto', [143], dissectEthernet);
  register('ethertype', [0x8808], dissectMacControl);
}
