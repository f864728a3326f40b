import { putU16, u16 } from '../base/index.ts';
import { copyAddress, formatHardware, formatIpv4, formatMac } from './address.ts';
import { ETHERTYPE_NAMES } from './names.ts';
import { bitField, hexNumber, markShort } from './reader.ts';
import { register, type DissectContext } from './registry.ts';

/** Fixed part; the addresses follow with the lengths it gives. */
export const ARP_FIXED_BYTES = 8;
/** Whole packet for Ethernet and IPv4. */
export const ARP_ETHERNET_BYTES = 28;

/** RFC 826. `check` holds the addresses too. */
export const arpView = {
  check: (b: Uint8Array, o: number, end: number): boolean => o + ARP_FIXED_BYTES <= end && o + arpView.length(b, o) <= end,
  hardwareType: (b: Uint8Array, o: number): number => u16(b, o),
  protocolType: (b: Uint8Array, o: number): number => u16(b, o + 2),
  hardwareLength: (b: Uint8Array, o: number): number => b[o + 4]!,
  protocolLength: (b: Uint8Array, o: number): number => b[o + 5]!,
  opcode: (b: Uint8Array, o: number): number => u16(b, o + 6),
  length: (b: Uint8Array, o: number): number => ARP_FIXED_BYTES + 2 * (b[o + 4]! + b[o + 5]!),
  /** Offsets of the four addresses. */
  senderHardware: (_b: Uint8Array, o: number): number => o + ARP_FIXED_BYTES,
  senderProtocol: (b: Uint8Array, o: number): number => o + ARP_FIXED_BYTES + b[o + 4]!,
  targetHardware: (b: Uint8Array, o: number): number => o + ARP_FIXED_BYTES + b[o + 4]! + b[o + 5]!,
  targetProtocol: (b: Uint8Array, o: number): number => o + ARP_FIXED_BYTES + 2 * b[o + 4]! + b[o + 5]!,
};

export interface ArpFields {
  readonly opcode: number;
  /** MAC addresses of six bytes, IPv4 addresses of four. */
  readonly senderMac: Uint8Array;
  readonly senderIp: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetIp: Uint8Array;
}

/** Writes an Ethernet and IPv4 ARP packet and returns its length. */
export function emitArp(b: Uint8Array, o: number, fields: ArpFields): number {
  putU16(b, o, 1);
  putU16(b, o + 2, 0x0800);
  b[o + 4] = 6;
  b[o + 5] = 4;
  putU16(b, o + 6, fields.opcode);
  copyAddress(b, o + 8, fields.senderMac, 0, 6);
  copyAddress(b, o + 14, fields.senderIp, 0, 4);
  copyAddress(b, o + 18, fields.targetMac, 0, 6);
  copyAddress(b, o + 24, fields.targetIp, 0, 4);
  return ARP_ETHERNET_BYTES;
}

const OPCODES: Readonly<Record<number, string>> = {
  1: 'request',
  2: 'reply',
  3: 'reverse request',
  4: 'reverse reply',
  5: 'DRARP request',
  6: 'DRARP reply',
  7: 'DRARP error',
  8: 'Inverse request',
  9: 'Inverse reply',
  10: 'ATMARP-NAK',
};

const HARDWARE: Readonly<Record<number, string>> = {
  1: 'Ethernet',
  6: 'IEEE 802',
  7: 'ARCNET',
  15: 'Frame Relay DLCI',
  18: 'Fibre Channel',
  20: 'Serial Line',
  24: 'IEEE 1394',
  27: 'EUI-64',
  32: 'InfiniBand',
};
/** Hardware type of ATM, whose address lengths are coded in another way (RFC 2225). */
const ATM = 19;

/** `special`: the address is of the kind (Ethernet, IPv4) that has a field of its own. */
function addressField(
  context: DissectContext,
  name: string,
  label: string,
  offset: number,
  length: number,
  hardware: boolean,
  special: boolean,
): void {
  const { tree, bytes } = context;
  if (length === 0 || tree.columnsOnly) return;
  const text = special && !hardware ? formatIpv4(bytes, offset) : formatHardware(bytes, offset, length);
  const suffix = hardware ? (special ? 'hw_mac' : 'hw') : special ? 'proto_ipv4' : 'proto';
  tree.field(`arp.${name}.${suffix}`, label, text, offset, length, { raw: text });
}

/** Line of the packet list, where the addresses are Ethernet and IPv4. */
function arpInfo(b: Uint8Array, o: number, opcode: number): string {
  const sender = formatIpv4(b, arpView.senderProtocol(b, o));
  const target = formatIpv4(b, arpView.targetProtocol(b, o));
  const senderMac = formatMac(b, arpView.senderHardware(b, o));
  const targetMac = formatMac(b, arpView.targetHardware(b, o));
  if (opcode === 1) {
    if (sender === '0.0.0.0') return `Who has ${target}? (ARP Probe)`;
    return sender === target ? `ARP Announcement for ${sender}` : `Who has ${target}? Tell ${sender}`;
  }
  if (opcode === 2) return sender === target ? `Gratuitous ARP for ${sender} (Reply)` : `${sender} is at ${senderMac}`;
  if (opcode === 3) return `Who is ${targetMac}? Tell ${senderMac}`;
  if (opcode === 4) return `${targetMac} is at ${target}`;
  return `${OPCODES[opcode] ?? `Unknown ARP opcode ${hexNumber(opcode, 4)}`}`;
}

function dissectArp(context: DissectContext, start: number, end: number): void {
  const { tree, bytes } = context;
  const node = tree.layer('arp', 'Address Resolution Protocol', start, Math.min(end - start, ARP_ETHERNET_BYTES));
  tree.protocol = 'ARP';
  if (start + ARP_FIXED_BYTES > end) {
    markShort(context, 'ARP', end);
    tree.close();
    return;
  }
  const opcode = arpView.opcode(bytes, start);
  const hardware = arpView.hardwareType(bytes, start);
  const protocol = arpView.protocolType(bytes, start);
  if (opcode === 3 || opcode === 4) tree.protocol = 'RARP';
  bitField(tree, 'arp.hw.type', 'Hardware type', hardware, start, 2, HARDWARE);
  bitField(
    tree,
    'arp.proto.type',
    'Protocol type',
    protocol,
    start + 2,
    2,
    (v) => `${ETHERTYPE_NAMES[v] ?? 'Unknown'} (${hexNumber(v, 4)})`,
  );
  bitField(tree, 'arp.hw.size', 'Hardware size', arpView.hardwareLength(bytes, start), start + 4, 1);
  bitField(tree, 'arp.proto.size', 'Protocol size', arpView.protocolLength(bytes, start), start + 5, 1);
  bitField(tree, 'arp.opcode', 'Opcode', opcode, start + 6, 2, OPCODES);
  node.value = OPCODES[opcode] ?? `opcode ${opcode}`;
  const hw = arpView.hardwareLength(bytes, start);
  const pr = arpView.protocolLength(bytes, start);
  const length = arpView.length(bytes, start);
  if (context.networkEnd < 0) context.networkEnd = Math.min(context.wireEnd, start + length);
  tree.info = OPCODES[opcode] ?? `Unknown ARP opcode ${hexNumber(opcode, 4)}`;
  if (hardware === ATM || !arpView.check(bytes, start, end)) {
    if (hardware !== ATM) markShort(context, 'ARP', end);
    tree.close();
    return;
  }
  node.length = length;
  const mac = (hardware === 1 || hardware === 6) && hw === 6;
  const ip = protocol === 0x0800 && pr === 4;
  addressField(context, 'src', 'Sender MAC address', arpView.senderHardware(bytes, start), hw, true, mac);
  addressField(context, 'src', 'Sender IP address', arpView.senderProtocol(bytes, start), pr, false, ip);
  addressField(context, 'dst', 'Target MAC address', arpView.targetHardware(bytes, start), hw, true, mac);
  addressField(context, 'dst', 'Target IP address', arpView.targetProtocol(bytes, start), pr, false, ip);
  if (mac && ip && tree.columnsOpen) tree.info = arpInfo(bytes, start, opcode);
  tree.close();
}

export function registerArp(): void {
  register('ethertype', [0x0806, 0x8035], dissectArp);
  register('gre.proto', [0x0806], dissectArp);
}
