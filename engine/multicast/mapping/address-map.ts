import { hex } from '../../base/index.ts';
import type { AddressMapAnswer } from '../../contract/index.ts';
import { formatPrefix6, type Prefix6 } from '../../translator/index.ts';
import { formatIpv4U32, parseIpv4U32, parseIpv6 } from '../../wire/index.ts';
import { addressText, canonicalAddress, familyOf, isMulticast } from '../addresses.ts';
import type { PrefixTable } from './prefix-set.ts';

const GROUP_FLAGS = ['reserved', 'R: embedded RP', 'P: prefix-based', 'T: transient'] as const;

interface Part {
  readonly from: number;
  readonly to: number;
  readonly name: string;
  readonly value: string;
}

/** What an address is in the other family, with every bit and what it belongs to (M-01, M-02). Undefined where the text is no address. */
export function mapAddress(table: PrefixTable, text: string): AddressMapAnswer | undefined {
  const input = canonicalAddress(text.trim());
  if (input === undefined) return undefined;
  const group = isMulticast(input);
  const six = familyOf(input) === 6;
  let v4: string | null = six ? null : input;
  let v6: string | null = six ? input : null;
  let refused = '';
  if (six) {
    const mapped = group ? table.group4(input) : table.source4(input);
    if (mapped.ok) v4 = formatIpv4U32(mapped.value);
    else refused = mapped.error;
  } else {
    const number = parseIpv4U32(input);
    const mapped = group ? table.group6(number) : table.source6(number);
    if (mapped.ok) v6 = mapped.value;
    else refused = mapped.error;
  }
  const bytes = v6 === null ? undefined : parseIpv6(v6);
  const prefix = bytes === undefined || v4 === null ? undefined : prefixOf(table, bytes, group);
  return {
    input,
    kind: group ? 'group' : 'source',
    v4,
    v6,
    prefix: prefix === undefined ? '' : formatPrefix6(prefix),
    refused,
    bits: bytes === undefined ? '' : [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join(''),
    parts: bytes === undefined ? [] : group ? groupParts(bytes, v4) : sourceParts(bytes, v4, prefix),
  };
}

function prefixOf(table: PrefixTable, bytes: Uint8Array, group: boolean): Prefix6 | undefined {
  for (const set of table.sets) {
    for (const prefix of group ? [set.ssm, set.asm] : [set.source]) {
      const whole = prefix.length >> 3;
      let same = true;
      // The scope of a group may be that of 239/8.
      for (let i = 0; i < whole && same; i++)
        same = bytes[i] === prefix.bytes[i] || (group && i === 1 && bytes[1]! >>> 4 === prefix.bytes[1]! >>> 4);
      if (same) return prefix;
    }
  }
  return undefined;
}

function groupParts(b: Uint8Array, v4: string | null): Part[] {
  const flags = b[1]! >>> 4;
  const set = GROUP_FLAGS.filter((_, i) => (flags & (8 >> i)) !== 0);
  return [
    { from: 0, to: 8, name: 'multicast', value: 'ff' },
    { from: 8, to: 12, name: 'flags', value: set.length === 0 ? 'none' : set.join(', ') },
    { from: 12, to: 16, name: 'scope', value: String(b[1]! & 15) },
    { from: 16, to: 96, name: v4 === null ? 'prefix and group' : 'rest of mPrefix64', value: hex(b, 2, 12) },
    { from: 96, to: 128, name: v4 === null ? 'group id' : 'IPv4 group', value: v4 ?? hex(b, 12, 16) },
  ];
}

function sourceParts(b: Uint8Array, v4: string | null, prefix: Prefix6 | undefined): Part[] {
  if (v4 === null || prefix === undefined) return [{ from: 0, to: 128, name: 'IPv6 address', value: addressText(b, 0, 6) }];
  const { length } = prefix;
  const parts: Part[] = [{ from: 0, to: length, name: 'uPrefix64', value: formatPrefix6(prefix) }];
  if (length === 96) return [...parts, { from: 96, to: 128, name: 'IPv4 source', value: v4 }];
  // Bits 64 to 71 stand between (RFC 6052 section 2.2).
  const before = Math.max(0, 64 - length);
  if (before > 0) parts.push({ from: length, to: 64, name: 'IPv4 source, first part', value: `${before} bits of ${v4}` });
  parts.push({ from: 64, to: 72, name: 'u', value: '0' });
  const end = 72 + 32 - before;
  if (before < 32)
    parts.push({
      from: 72,
      to: end,
      name: before > 0 ? 'IPv4 source, rest' : 'IPv4 source',
      value: before > 0 ? `${32 - before} bits` : v4,
    });
  parts.push({ from: end, to: 128, name: 'suffix', value: '0' });
  return parts;
}
