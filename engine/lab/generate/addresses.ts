import { assertDefined, type Random } from '../../base/index.ts';
import { parseIpv4, parseIpv6 } from '../../wire/index.ts';

/** An address or a prefix that the spec's check has accepted. */
export interface Prefix {
  readonly base: Uint8Array;
  readonly version: 4 | 6;
  /** Host numbers that may be used, at most 2^24: the network itself and the IPv4 broadcast address are left out. */
  readonly hosts: number;
}

const MAX_HOSTS = 1 << 24;

export function parseAddress(text: string): Uint8Array {
  return assertDefined(parseIpv4(text) ?? parseIpv6(text), `address ${text} was checked before`);
}

export function parsePrefix(text: string): Prefix {
  const [addressText = '', lengthText] = text.split('/');
  const base = parseAddress(addressText);
  const bits = base.length * 8;
  const hostBits = bits - (lengthText === undefined ? bits : Number(lengthText));
  const hosts = hostBits === 0 ? 1 : Math.min(MAX_HOSTS, hostBits >= 24 ? MAX_HOSTS : Math.max(1, 2 ** hostBits - 2));
  return { base, version: bits === 32 ? 4 : 6, hosts };
}

/** Host `index` of a prefix, counted from 0; wraps around at the end of the prefix. */
export function hostOf(prefix: Prefix, index: number): Uint8Array {
  const address = prefix.base.slice();
  let carry = prefix.hosts === 1 ? 0 : 1 + (index % prefix.hosts);
  for (let i = address.length - 1; i >= 0 && carry > 0; i--) {
    const sum = address[i]! + carry;
    address[i] = sum & 255;
    carry = Math.floor(sum / 256);
  }
  return address;
}

export function anyHost(prefix: Prefix, random: Random): Uint8Array {
  return hostOf(prefix, random.int(0, prefix.hosts - 1));
}

/** A locally administered MAC address that follows from an IP address, so that one host always has the same. */
export function macOf(address: Uint8Array): Uint8Array {
  let h = 0x811c9dc5;
  for (const byte of address) h = Math.imul(h ^ byte, 0x01000193);
  return Uint8Array.of(0x02, 0x52, (h >>> 24) & 255, (h >>> 16) & 255, (h >>> 8) & 255, h & 255);
}

export const ROUTER_MAC = Uint8Array.of(0x02, 0x52, 0, 0, 0, 1);
export const BROADCAST_MAC = new Uint8Array(6).fill(255);

/** Ethernet address of a multicast group (RFC 1112 section 6.4, RFC 2464 section 7). */
export function groupMac(group: Uint8Array): Uint8Array {
  if (group.length === 4) return Uint8Array.of(0x01, 0x00, 0x5e, group[1]! & 0x7f, group[2]!, group[3]!);
  return Uint8Array.of(0x33, 0x33, group[12]!, group[13]!, group[14]!, group[15]!);
}

/** fe80::/64 with the modified EUI-64 of a MAC address (RFC 4291 appendix A). */
export function linkLocal(mac: Uint8Array): Uint8Array {
  const a = new Uint8Array(16);
  a.set([0xfe, 0x80], 0);
  a.set([mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!], 8);
  return a;
}

/** Solicited-node multicast address (RFC 4291 section 2.7.1). */
export function solicitedNode(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, address[13]!, address[14]!, address[15]!);
}
