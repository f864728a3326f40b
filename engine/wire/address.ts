/**
 * Addresses as text and back. Formatting is exact: dotted decimal for IPv4, RFC 5952 for IPv6, colon-separated lower-case
 * hex for MAC. Parsing is strict and returns undefined for anything else.
 */

const DECIMAL = Array.from({ length: 256 }, (_, i) => String(i));
const HEX2 = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

export function formatIpv4(b: Uint8Array, o: number): string {
  return `${DECIMAL[b[o]!]!}.${DECIMAL[b[o + 1]!]!}.${DECIMAL[b[o + 2]!]!}.${DECIMAL[b[o + 3]!]!}`;
}

/** IPv4 address held as an unsigned 32-bit number. */
export function formatIpv4U32(value: number): string {
  return `${DECIMAL[value >>> 24]!}.${DECIMAL[(value >>> 16) & 255]!}.${DECIMAL[(value >>> 8) & 255]!}.${DECIMAL[value & 255]!}`;
}

/** RFC 5952: longest run of zero groups (two or more, the first on a tie) as `::`; IPv4-mapped in mixed notation (section 5). */
export function formatIpv6(b: Uint8Array, o: number): string {
  let bestStart = -1;
  let bestLength = 1;
  let start = -1;
  for (let i = 0; i <= 8; i++) {
    if (i < 8 && b[o + 2 * i] === 0 && b[o + 2 * i + 1] === 0) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      if (i - start > bestLength) {
        bestStart = start;
        bestLength = i - start;
      }
      start = -1;
    }
  }
  if (bestStart === 0 && bestLength === 5 && b[o + 10] === 0xff && b[o + 11] === 0xff) return `::ffff:${formatIpv4(b, o + 12)}`;
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === bestStart) {
      text += '::';
      i += bestLength - 1;
      continue;
    }
    if (i > 0 && i !== bestStart + bestLength) text += ':';
    text += ((b[o + 2 * i]! << 8) | b[o + 2 * i + 1]!).toString(16);
  }
  return text;
}

export function formatMac(b: Uint8Array, o: number): string {
  return `${HEX2[b[o]!]!}:${HEX2[b[o + 1]!]!}:${HEX2[b[o + 2]!]!}:${HEX2[b[o + 3]!]!}:${HEX2[b[o + 4]!]!}:${HEX2[b[o + 5]!]!}`;
}

/** Hardware address of any length, in the form of a MAC address. */
export function formatHardware(b: Uint8Array, o: number, length: number): string {
  const parts: string[] = [];
  for (let i = 0; i < length; i++) parts.push(HEX2[b[o + i]!]!);
  return parts.join(':');
}

/** Strict dotted decimal (four parts, no leading zeros) as an unsigned 32-bit number, or -1. */
export function parseIpv4U32(text: string): number {
  let value = 0;
  let parts = 0;
  let digits = 0;
  let part = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 46;
    if (c === 46) {
      if (digits === 0 || ++parts > 4) return -1;
      value = value * 256 + part;
      part = 0;
      digits = 0;
    } else if (c >= 48 && c <= 57) {
      if (digits > 0 && part === 0) return -1;
      part = part * 10 + c - 48;
      if (part > 255) return -1;
      digits++;
    } else return -1;
  }
  return parts === 4 ? value : -1;
}

export function parseIpv4(text: string): Uint8Array | undefined {
  const value = parseIpv4U32(text);
  return value < 0 ? undefined : new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}

/** RFC 4291 section 2.2 in all three forms, without zone and without prefix length. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const out = new Uint8Array(16);
  const double = text.indexOf('::');
  if (double >= 0 && text.indexOf('::', double + 1) >= 0) return undefined;
  if (double < 0) return readGroups(text, out, 0) === 16 ? out : undefined;
  const head = readGroups(text.slice(0, double), out, 0);
  const tailBytes = new Uint8Array(16);
  const tail = readGroups(text.slice(double + 2), tailBytes, 0);
  if (head < 0 || tail < 0 || head + tail > 14) return undefined;
  if (text.slice(0, double).includes('.')) return undefined;
  out.set(tailBytes.subarray(0, tail), 16 - tail);
  return out;
}

/** Writes colon-separated groups (the last may be dotted decimal) and returns the bytes written, or -1. */
function readGroups(text: string, out: Uint8Array, at: number): number {
  if (text === '') return 0;
  const groups = text.split(':');
  let o = at;
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!;
    if (group.includes('.')) {
      const v4 = i === groups.length - 1 ? parseIpv4(group) : undefined;
      if (v4 === undefined || o > 12) return -1;
      out.set(v4, o);
      return o + 4 - at;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group) || o > 14) return -1;
    const value = Number.parseInt(group, 16);
    out[o++] = value >>> 8;
    out[o++] = value;
  }
  return o - at;
}

/** `00:11:22:33:44:55` or with dashes. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (part) => Number.parseInt(part, 16));
}

/** Copies `length` address bytes inside or between packets. */
export function copyAddress(to: Uint8Array, toOffset: number, from: Uint8Array, fromOffset: number, length: number): void {
  for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i]!;
}

export function sameAddress(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aOffset + i] !== b[bOffset + i]) return false;
  return true;
}
