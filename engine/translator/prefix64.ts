import { err, ok, u32 } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import { formatIpv4U32, formatIpv6, parseIpv4U32, parseIpv6 } from '../wire/index.ts';

/** IPv6 prefix with its 16 bytes, the bits after `length` zero. */
export interface Prefix6 {
  readonly bytes: Uint8Array;
  /** Bits. */
  readonly length: number;
}

/** IPv4 prefix, the bits after `length` zero. */
export interface Prefix4 {
  readonly value: number;
  /** Bits. */
  readonly length: number;
}

/** RFC 6052 section 2.2: the lengths an IPv6 prefix that holds IPv4 addresses may have. */
export const PREFIX64_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96];

/** 64:ff9b::/96, RFC 6052 section 2.1. */
export const WELL_KNOWN_PREFIX = '64:ff9b::/96';

/** 64:ff9b:1::/48, RFC 8215: for translators of one's own network; any of the six lengths may be cut from it. */
export const LOCAL_USE_PREFIX = '64:ff9b:1::/48';

/** Network mask of `length` bits as an unsigned number. */
export function mask4(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

function splitPrefix(text: string, full: number): { readonly address: string; readonly length: number } | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return { address: text, length: full };
  const digits = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > full) return undefined;
  return { address: text.slice(0, slash), length: Number(digits) };
}

/** `192.0.2.0/24`, or an address alone as a prefix of 32 bits. Error: what is wrong with the text. */
export function parsePrefix4(text: string): Result<Prefix4, string> {
  const parts = splitPrefix(text, 32);
  const value = parts === undefined ? -1 : parseIpv4U32(parts.address);
  if (parts === undefined || value < 0) return err(`${text} is not an IPv4 address or prefix`);
  if ((value & ~mask4(parts.length)) !== 0) return err(`${text} has bits set after its prefix length`);
  return ok({ value, length: parts.length });
}

/** `2001:db8::/32`, or an address alone as a prefix of 128 bits. Error: what is wrong with the text. */
export function parsePrefix6(text: string): Result<Prefix6, string> {
  const parts = splitPrefix(text, 128);
  const bytes = parts === undefined ? undefined : parseIpv6(parts.address);
  if (parts === undefined || bytes === undefined) return err(`${text} is not an IPv6 address or prefix`);
  if (!sameBits(bytes, 0, maskedCopy(bytes, parts.length), 0, 128)) return err(`${text} has bits set after its prefix length`);
  return ok({ bytes, length: parts.length });
}

/**
 * As parsePrefix6, for prefixes that hold IPv4 addresses: the six lengths only, and bits 64 to 71 zero (RFC 6052 section 2.2). `anyOctet`
 * lets a /96 break the second rule, for networks that do.
 */
export function parsePrefix64(text: string, anyOctet = false): Result<Prefix6, string> {
  const prefix = parsePrefix6(text);
  if (!prefix.ok) return prefix;
  if (!PREFIX64_LENGTHS.includes(prefix.value.length)) return err(`${text}: the length must be one of ${PREFIX64_LENGTHS.join(', ')}`);
  if (prefix.value.bytes[8] !== 0 && !anyOctet) return err(`${text}: bits 64 to 71 must be zero`);
  return prefix;
}

export function formatPrefix4(prefix: Prefix4): string {
  return `${formatIpv4U32(prefix.value)}/${prefix.length}`;
}

export function formatPrefix6(prefix: Prefix6): string {
  return `${formatIpv6(prefix.bytes, 0)}/${prefix.length}`;
}

function maskedCopy(bytes: Uint8Array, length: number): Uint8Array {
  const out = bytes.slice(0, 16);
  for (let i = 0; i < 16; i++) {
    const keep = Math.max(0, Math.min(8, length - 8 * i));
    out[i] = out[i]! & (0xff00 >> keep);
  }
  return out;
}

/** True if the first `bits` bits are the same. */
export function sameBits(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number, bits: number): boolean {
  const whole = bits >>> 3;
  for (let i = 0; i < whole; i++) if (a[aOffset + i] !== b[bOffset + i]) return false;
  const rest = bits & 7;
  return rest === 0 || ((a[aOffset + whole]! ^ b[bOffset + whole]!) & (0xff00 >> rest) & 0xff) === 0;
}

/** Writes the IPv4-embedded IPv6 address of `v4` (RFC 6052 section 2.2; suffix zero) to `out`. */
export function embed4(prefix: Prefix6, v4: number, out: Uint8Array, o: number): void {
  const p = prefix.bytes;
  for (let i = 0; i < 16; i++) out[o + i] = p[i]!;
  let at = o + (prefix.length >>> 3);
  for (let shift = 24; shift >= 0; shift -= 8) {
    if (at === o + 8) at++;
    out[at++] = v4 >>> shift;
  }
}

/** The address is not under the prefix. */
export const NOT_EMBEDDED = -1;
/** It is, but bits 64 to 71 are not zero. */
export const BAD_OCTET = -2;

/** IPv4 address inside the IPv6 address at `o`, unsigned, or NOT_EMBEDDED or BAD_OCTET. The suffix is not looked at (section 2.2). */
export function extract4(prefix: Prefix6, b: Uint8Array, o: number): number {
  if (!sameBits(prefix.bytes, 0, b, o, prefix.length)) return NOT_EMBEDDED;
  // Bits 64 to 71 belong to the prefix and have been compared.
  if (prefix.length === 96) return u32(b, o + 12);
  if (b[o + 8] !== 0) return BAD_OCTET;
  let at = o + (prefix.length >>> 3);
  let v4 = 0;
  for (let i = 0; i < 4; i++) {
    if (at === o + 8) at++;
    v4 = (v4 << 8) | b[at++]!;
  }
  return v4 >>> 0;
}

/**
 * False for addresses with a meaning on one network only. Documentation prefixes count as global: the RFCs' own examples put them under
 * the well-known prefix.
 */
export function isGlobal4(v4: number): boolean {
  switch (v4 >>> 24) {
    case 0:
    case 10:
    case 127:
      return false;
    case 100: // 100.64.0.0/10
      return v4 >>> 22 !== 0x191;
    case 169: // 169.254.0.0/16
      return v4 >>> 16 !== 0xa9fe;
    case 172: // 172.16.0.0/12
      return v4 >>> 20 !== 0xac1;
    case 192: // 192.168.0.0/16
      return v4 >>> 16 !== 0xc0a8;
    default:
      return v4 >>> 29 !== 7;
  }
}

/** Unspecified, loopback, link-local, multicast and broadcast addresses: no packet comes from them (RFC 1812 section 5.3.7). */
export function isIllegalSource4(v4: number): boolean {
  const first = v4 >>> 24;
  return first === 0 || first === 127 || first >= 224 || v4 >>> 16 === 0xa9fe;
}

/** As isIllegalSource4: unspecified, loopback, link-local and multicast (RFC 4291 sections 2.5.2, 2.5.3, 2.5.6 and 2.7). */
export function isIllegalSource6(b: Uint8Array, o: number): boolean {
  if (b[o] === 0xff || (b[o] === 0xfe && (b[o + 1]! & 0xc0) === 0x80)) return true;
  let any = b[o + 15]! >> 1;
  for (let i = 0; i < 15; i++) any |= b[o + i]!;
  return any === 0;
}
