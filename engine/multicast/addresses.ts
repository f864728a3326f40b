import { assertDefined } from '../base/index.ts';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../wire/index.ts';

/**
 * Addresses of the control plane are canonical text: they are keys of maps, stand in logs, and compare by `===`. The forwarding path has its
 * own numbers. This file turns text into bytes and back and knows what multicast addresses mean.
 */
export type Family = 4 | 6;

export const ADDRESS_BYTES: Readonly<Record<Family, number>> = { 4: 4, 6: 16 };
export const ANY: Readonly<Record<Family, string>> = { 4: '0.0.0.0', 6: '::' };

export const ALL_HOSTS: Readonly<Record<Family, string>> = { 4: '224.0.0.1', 6: 'ff02::1' };
export const ALL_ROUTERS: Readonly<Record<Family, string>> = { 4: '224.0.0.2', 6: 'ff02::2' };
export const ALL_PIM_ROUTERS: Readonly<Record<Family, string>> = { 4: '224.0.0.13', 6: 'ff02::d' };
/** Where IGMPv3 and MLDv2 reports go. */
export const ALL_REPORT_ROUTERS: Readonly<Record<Family, string>> = { 4: '224.0.0.22', 6: 'ff02::16' };

export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

/** Bytes of an address that is known to be good. Kept: the same few addresses are written again and again. */
const known = new Map<string, Uint8Array>();
/** A network has some hundred addresses; 100,000 entries of a benchmark must not fill the memory with them. */
const MAX_KNOWN = 4_096;

export function addressBytes(address: string): Uint8Array {
  let bytes = known.get(address);
  if (bytes !== undefined) return bytes;
  bytes = assertDefined(parseAddress(address), `${address} is no address`);
  if (known.size < MAX_KNOWN) known.set(address, bytes);
  return bytes;
}

export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Canonical text of an address, or undefined where it is none. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = parseAddress(text);
  return bytes === undefined ? undefined : addressText(bytes, 0, bytes.length === 4 ? 4 : 6);
}

export function addressText(b: Uint8Array, o: number, family: Family): string {
  return family === 4 ? formatIpv4(b, o) : formatIpv6(b, o);
}

/** Whether an address is at `o`: as its text would say, without making one. */
export function isAddressAt(b: Uint8Array, o: number, address: Uint8Array): boolean {
  for (let i = 0; i < address.length; i++) if (b[o + i] !== address[i]) return false;
  return true;
}

/** -1, 0 or 1 as numbers in network order. Families do not mix. */
export function compareAddresses(a: string, b: string): number {
  if (a === b) return 0;
  const x = addressBytes(a);
  const y = addressBytes(b);
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i]! < y[i]! ? -1 : 1;
  return 0;
}

/** From the canonical text alone, as what follows: these are asked for every join and every packet. */
export function isMulticast(address: string): boolean {
  return familyOf(address) === 6 ? address.startsWith('ff') : Math.floor(firstOctet(address) / 16) === 14;
}

function firstOctet(address: string): number {
  return Number(address.slice(0, address.indexOf('.')));
}

/** fe80::/10 (RFC 4291 section 2.5.6). */
export function isLinkLocal6(address: string): boolean {
  return /^fe[89ab]/.test(address);
}

/** RFC 4607: 232/8 and ff3x::/32. */
export function isSsm(group: string): boolean {
  if (group.startsWith('232.')) return true;
  return group.startsWith('ff3') && (group.startsWith('::', 4) || group.startsWith(':0:', 4));
}

/**
 * Scope of a group in the numbers of RFC 7346, those of IPv4 by RFC 2365 and RFC 5771: 224.0.0/24 is link-local (2), 239.255/16 realm (3),
 * 239.192/14 organization (8), the rest of 239/8 site (5), everything else global (14).
 */
export function scopeOf(group: string): number {
  if (familyOf(group) === 6) return Number.parseInt(group[3]!, 16);
  if (group.startsWith('224.0.0.')) return 2;
  if (!group.startsWith('239.')) return 14;
  const second = Number(group.slice(4, group.indexOf('.', 4)));
  if (second === 255) return 3;
  return second >= 192 && second <= 195 ? 8 : 5;
}

/** Ethernet address of a group (RFC 1112 section 6.4, RFC 2464 section 7). */
export function groupMac(group: Uint8Array): Uint8Array {
  return group.length === 4
    ? Uint8Array.of(1, 0, 0x5e, group[1]! & 127, group[2]!, group[3]!)
    : Uint8Array.of(0x33, 0x33, group[12]!, group[13]!, group[14]!, group[15]!);
}

/** True if `group` lies in `prefix` of `bits` bits; families must agree. */
export function inPrefix(address: string, prefix: Uint8Array, bits: number): boolean {
  const b = addressBytes(address);
  if (b.length !== prefix.length) return false;
  const whole = bits >>> 3;
  for (let i = 0; i < whole; i++) if (b[i] !== prefix[i]) return false;
  const rest = bits & 7;
  return rest === 0 || ((b[whole]! ^ prefix[whole]!) & (0xff00 >> rest) & 0xff) === 0;
}
