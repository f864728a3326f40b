import { err, ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { AddressMapping, AddressPart } from '../contract/index.ts';
import { formatIpv4U32, formatIpv6, parseIpv4U32, parseIpv6 } from '../wire/index.ts';
import type { EamEntry } from './eam-table.ts';
import {
  isMapAddress,
  isOwnAddress,
  mapped4,
  mappedPsid,
  portRanges,
  ruleOf4,
  ruleOf6,
  writeMapAddress,
  type MapDomain,
  type MapRule,
  type Own,
} from './map-rules.ts';
import { BAD_OCTET, embed4, extract4, formatPrefix4, formatPrefix6, isGlobal4, NOT_EMBEDDED, type Prefix6 } from './prefix64.ts';
import { mapBlock } from './map-block.ts';
import { inPrefixes4, type TranslatorSettings } from './settings.ts';

/**
 * Every way in which a configuration maps an address, the one that is used first, with the parts of the IPv6 address: for people who
 * ask why. Allocates. Error: what is wrong with the text.
 */
export function mapAddress(settings: TranslatorSettings, text: string): Result<AddressMapping[], string> {
  const v4 = parseIpv4U32(text);
  const v6 = v4 >= 0 ? undefined : parseIpv6(text);
  if (settings.mapDomain !== null && (v4 >= 0 || v6 !== undefined)) return ok(mapByDomain(settings.mapDomain, v4, v6));
  if (v4 >= 0) return ok(from4(settings, v4));
  const block = mapBlock(settings, text, v6);
  if (!block.ok) return block;
  if (block.value !== undefined) return ok([block.value, ...(v6 === undefined ? [] : from6(settings, v6))]);
  return v6 === undefined ? err(`${text} is neither an IPv4 nor an IPv6 address`) : ok(from6(settings, v6));
}

/** Place of entry `i` in the configuration: maps come first, then those that the CLAT block made. */
function mapField(settings: TranslatorSettings, i: number): string {
  return i < settings.spec.maps.length ? `maps.${i}` : `clat.networks.${i - settings.spec.maps.length}`;
}

function from4(settings: TranslatorSettings, v4: number): AddressMapping[] {
  const from = formatIpv4U32(v4);
  const out: AddressMapping[] = [];
  if (settings.spec.mode === 'nat64' && inPrefixes4(settings.poolPrefixes4, v4)) {
    const note = 'an address of pool4: which host is meant depends on protocol and port, see the bindings';
    out.push({ from, to: '', rule: 'pool4', field: 'nat64.pool4', rfc: 'RFC 6146 section 3.5', used: true, parts: [], note });
  }
  const stateless = settings.spec.mode !== 'nat64';
  if (stateless) {
    const { maps } = settings;
    for (const [place, i] of maps.holding4(v4).entries()) {
      const entry = maps.entries[i]!;
      const bytes = new Uint8Array(16);
      maps.to6(i, v4, bytes, 0);
      out.push(byMap(settings, i, entry, from, formatIpv6(bytes, 0), place === 0, mapParts(entry, bytes)));
    }
  }
  for (const [i, prefix] of settings.pool6.entries()) {
    const bytes = new Uint8Array(16);
    embed4(prefix, v4, bytes, 0);
    const note = refusal4(settings, i, v4);
    const used = note === '' && !out.some((each) => each.used);
    out.push(byPool6(i, prefix, from, formatIpv6(bytes, 0), used, bytes, note));
  }
  return out.sort((a, b) => Number(b.used) - Number(a.used));
}

/** Why pool6 may not stand for an IPv4 address, empty where it may. */
function refusal4(settings: TranslatorSettings, index: number, v4: number): string {
  if (settings.globalOnly[index] === true && !isGlobal4(v4)) {
    return 'refused: the well-known prefix must not stand for an address that is not global (RFC 6052 section 3.1)';
  }
  return settings.deny4.length > 0 && inPrefixes4(settings.deny4, v4) ? 'refused: on the list deny4' : '';
}

function from6(settings: TranslatorSettings, b: Uint8Array): AddressMapping[] {
  const from = formatIpv6(b, 0);
  const out: AddressMapping[] = [];
  if (settings.spec.mode !== 'nat64') {
    const { maps } = settings;
    for (const [place, i] of maps.holding6(b, 0).entries()) {
      const entry = maps.entries[i]!;
      out.push(byMap(settings, i, entry, from, formatIpv4U32(maps.to4(i, b, 0)), place === 0, mapParts(entry, b)));
    }
  }
  const pools = [...settings.pool6.entries()].sort(([, x], [, y]) => y.length - x.length);
  for (const [i, prefix] of pools) {
    const v4 = extract4(prefix, b, 0);
    if (v4 === NOT_EMBEDDED) continue;
    const note = v4 === BAD_OCTET ? 'refused: bits 64 to 71 are not zero (RFC 6052 section 2.2)' : refusal4(settings, i, v4);
    const used = note === '' && !out.some((each) => each.used);
    out.push(byPool6(i, prefix, from, v4 < 0 ? '' : formatIpv4U32(v4), used, b, note));
  }
  return out;
}

function byMap(
  settings: TranslatorSettings,
  i: number,
  entry: EamEntry,
  from: string,
  to: string,
  used: boolean,
  parts: AddressPart[],
): AddressMapping {
  const rule = `map ${formatPrefix4(entry.v4)} to ${formatPrefix6(entry.v6)}`;
  const bound = entry.domain < 0 ? '' : `only beside peers under ${formatPrefix6(settings.pool6[entry.domain]!)}`;
  const note = used ? bound : [bound, 'a longer prefix goes first'].filter((text) => text !== '').join('; ');
  return { from, to, rule, field: mapField(settings, i), rfc: 'RFC 7757 section 3.3', used, parts, note };
}

function byPool6(i: number, prefix: Prefix6, from: string, to: string, used: boolean, bytes: Uint8Array, refused: string): AddressMapping {
  const rule = `prefix ${formatPrefix6(prefix)}`;
  const note = used || refused !== '' ? refused : 'another rule goes first';
  return { from, to, rule, field: `pool6.${i}`, rfc: 'RFC 6052 section 2.3', used, parts: poolParts(prefix, bytes), note };
}

/** `0x2001db8`: bits [from, to) of an address as a number, without the digits of whole zero bytes before. */
export function bitsText(b: Uint8Array, from: number, to: number): string {
  let value = 0n;
  for (let bit = from; bit < to; bit++) value = (value << 1n) | BigInt((b[bit >>> 3]! >>> (7 - (bit & 7))) & 1);
  return `0x${value.toString(16)}`;
}

function part(
  kind: AddressPart['kind'],
  name: string,
  b: Uint8Array,
  from: number,
  to: number,
  value = bitsText(b, from, to),
): AddressPart {
  return { from, to, kind, name, value };
}

/** Parts of an IPv4-embedded address (RFC 6052 section 2.2): the IPv4 address steps over bits 64 to 71. */
export function poolParts(prefix: Prefix6, b: Uint8Array): AddressPart[] {
  const { length } = prefix;
  const v4 = extract4(prefix, b, 0);
  const dotted = v4 < 0 ? undefined : formatIpv4U32(v4);
  const parts = [part('prefix', 'prefix', b, 0, length, formatPrefix6(prefix))];
  if (length === 96) return [...parts, part('ipv4', 'IPv4 address', b, 96, 128, dotted)];
  const before = Math.min(32, 64 - length);
  if (before > 0) parts.push(part('ipv4', 'IPv4 address', b, length, length + before, before === 32 ? dotted : undefined));
  parts.push(part('filler', 'zero octet', b, 64, 72));
  const end = 72 + 32 - before;
  if (before < 32) parts.push(part('ipv4', 'IPv4 address', b, 72, end, before === 0 ? dotted : undefined));
  if (end < 128) parts.push(part('filler', 'suffix', b, end, 128));
  return parts;
}

function mapParts(entry: EamEntry, b: Uint8Array): AddressPart[] {
  const { length } = entry.v6;
  const bits = 32 - entry.v4.length;
  const parts = [part('prefix', 'prefix', b, 0, length, formatPrefix6(entry.v6))];
  if (bits > 0) parts.push(part('ipv4', 'IPv4 suffix', b, length, length + bits));
  if (length + bits < 128) parts.push(part('filler', 'suffix', b, length + bits, 128));
  return parts;
}

/** MAP-T: the address of the customer edge itself, the rule that holds the address (at an edge a forwarding one), or the default mapping rule. */
function mapByDomain({ rules, dmr, own }: MapDomain, v4: number, v6: Uint8Array | undefined): AddressMapping[] {
  const scratch = new Uint8Array(16);
  if (own !== null && (v6 === undefined ? (v4 & own.mask) >>> 0 === own.v4 : isOwnAddress(own, v6, 0, scratch))) {
    return [byRule(own.rule, own.at, v4, v6, own)];
  }
  const at = v6 === undefined ? ruleOf4(rules, v4, -1, own !== null) : ruleOf6(rules, v6, 0, own !== null);
  const rule = rules[at];
  if (rule !== undefined)
    return [v6 === undefined || isMapAddress(rule, v6, 0, scratch) ? byRule(rule, at, v4, v6, null) : notOfRule(rule, at, v6)];
  return byDefaultRule(dmr, v4, v6);
}

function byDefaultRule(dmr: Prefix6, v4: number, v6: Uint8Array | undefined): AddressMapping[] {
  const bytes = v6 ?? new Uint8Array(16);
  if (v6 === undefined) embed4(dmr, v4, bytes, 0);
  const inside = extract4(dmr, bytes, 0);
  if (inside < 0) return [];
  const [from, to] = v6 === undefined ? [formatIpv4U32(v4), formatIpv6(bytes, 0)] : [formatIpv6(v6, 0), formatIpv4U32(inside)];
  const text = `default mapping rule ${formatPrefix6(dmr)}`;
  return [{ from, to, rule: text, field: 'mapt.dmr', rfc: 'RFC 7599 section 5.1', used: true, parts: poolParts(dmr, bytes), note: '' }];
}

const ruleText = (rule: MapRule): string => `rule ${formatPrefix4(rule.v4)} to ${formatPrefix6(rule.v6)}, ${rule.eaBits} EA bits`;

/** Under the prefix of a rule, but of no customer edge. */
function notOfRule(rule: MapRule, at: number, v6: Uint8Array): AddressMapping {
  const note = 'refused: not the address that the rule gives to any IPv4 address and PSID';
  const rfc = 'RFC 7599 section 8.2, 8.3';
  return { from: formatIpv6(v6, 0), to: '', rule: ruleText(rule), field: `mapt.rules.${at}`, rfc, used: false, parts: [], note };
}

/** The PSID with its ports; empty where addresses are not shared. */
function portSetText(rule: MapRule, psid: number): string {
  if (rule.psidBits === 0) return '';
  const ranges = portRanges(rule, psid);
  const shown = ranges.slice(0, 2).map(([low, high]) => `${low}-${high}`);
  return `PSID ${psid} of ${2 ** rule.psidBits}, ports ${shown.join(', ')}${ranges.length > 2 ? ', …' : ''}`;
}

/** `own`: the address is that of this customer edge, which has one port set of it. */
function byRule(rule: MapRule, at: number, v4: number, v6: Uint8Array | undefined, own: Own | null): AddressMapping {
  const bytes = v6 ?? new Uint8Array(16);
  const psid = v6 !== undefined ? mappedPsid(rule, bytes, 0) : (own?.psid ?? Math.max(0, rule.fixedPsid));
  if (v6 === undefined) writeMapAddress(rule, v4, psid, bytes, 0);
  const set = portSetText(rule, psid);
  const guessed = v6 === undefined && own === null && set !== '';
  const note = guessed
    ? `shown for ${set}: the port of a packet says which PSID`
    : own !== null && set !== ''
      ? `of this edge: ${set}`
      : set;
  const [from, to] =
    v6 === undefined ? [formatIpv4U32(v4), formatIpv6(bytes, 0)] : [formatIpv6(v6, 0), formatIpv4U32(mapped4(rule, v6, 0))];
  const parts = ruleParts(rule, bytes);
  return { from, to, rule: ruleText(rule), field: `mapt.rules.${at}`, rfc: 'RFC 7597 section 5.2, 6', used: true, parts, note };
}

/** Parts of a MAP address (RFC 7597 sections 5.2 and 6). */
function ruleParts(rule: MapRule, b: Uint8Array): AddressPart[] {
  const ea = rule.v6.length + rule.suffixBits;
  const parts = [part('prefix', 'rule prefix', b, 0, rule.v6.length, formatPrefix6(rule.v6))];
  if (rule.suffixBits > 0) parts.push(part('ipv4', 'EA bits: IPv4 suffix', b, rule.v6.length, ea));
  const end = ea + (rule.fixedPsid < 0 ? rule.psidBits : 0);
  if (end > ea) parts.push(part('psid', 'EA bits: PSID', b, ea, end));
  if (end < 80) parts.push(part('filler', 'subnet and zero', b, end, 80));
  if (end < 112) parts.push(part('ipv4', 'IPv4 address', b, Math.max(80, end), 112, formatIpv4U32(mapped4(rule, b, 0))));
  if (end < 128) parts.push(part('psid', 'PSID', b, Math.max(112, end), 128));
  return parts;
}
