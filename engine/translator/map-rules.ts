import { err, ok, u16, u32 } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { MaptSpec } from '../contract/index.ts';
import { parsePrefix4, parsePrefix6, parsePrefix64, mask4, sameBits, type Prefix4, type Prefix6 } from './prefix64.ts';
import type { SettingsError } from './settings.ts';

/** First bit of the IPv4 address and of the PSID in the interface identifier of a MAP address (RFC 7597 section 6). */
const IID_IPV4_BIT = 80;
const IID_PSID_BIT = 112;

/** A mapping rule (RFC 7597 section 5) with what follows from its lengths. */
export interface MapRule {
  readonly v6: Prefix6;
  readonly v4: Prefix4;
  readonly eaBits: number;
  /** Bits of the IPv4 address in the EA bits, and bits of the PSID; the latter are 0 where an address is not shared. */
  readonly suffixBits: number;
  readonly psidBits: number;
  /** The PSID where it is provisioned apart and not among the EA bits (RFC 7599 section 12.1), else -1. */
  readonly fixedPsid: number;
  readonly psidOffset: number;
  readonly forward: boolean;
}

/** The rules of a configuration. Error: the field that cannot be used. */
export function compileMapRules(spec: MaptSpec): Result<MapRule[], SettingsError> {
  const rules: MapRule[] = [];
  for (const [i, rule] of spec.rules.entries()) {
    const { v6, v4, eaBits, psidOffset, forward } = rule;
    const field = `mapt.rules.${i}`;
    const six = parsePrefix6(v6);
    if (!six.ok) return err({ field: `${field}.v6`, message: six.error });
    const four = parsePrefix4(v4);
    if (!four.ok) return err({ field: `${field}.v4`, message: four.error });
    const suffixBits = Math.min(eaBits, 32 - four.value.length);
    const apart = rule.psid !== undefined;
    if (apart && eaBits > 0) return err({ field: `${field}.psid`, message: 'a PSID is provisioned apart where there are no EA bits only' });
    if (apart && rule.psid! >= 2 ** rule.psidBits) {
      return err({ field: `${field}.psid`, message: `${rule.psid!} does not fit into ${rule.psidBits} psidBits` });
    }
    const psidBits = apart ? rule.psidBits : eaBits - suffixBits;
    const bits = six.value.length + eaBits;
    if (bits > 128) return err({ field: `${field}.eaBits`, message: `${v6} and ${eaBits} EA bits are longer than an address` });
    if (psidBits > 16) return err({ field: `${field}.eaBits`, message: `${eaBits} EA bits are more than the rest of ${v4} and a port` });
    if (bits > IID_IPV4_BIT + four.value.length + suffixBits && four.value.length + suffixBits < 32) {
      return err({
        field: `${field}.eaBits`,
        message: `${v6} and ${eaBits} EA bits overwrite the part of ${v4} that the edge gives itself`,
      });
    }
    if (psidBits > 0 && psidOffset + psidBits > 16) {
      return err({ field: `${field}.psidOffset`, message: `offset and ${psidBits} bits of PSID are longer than a port` });
    }
    const fixedPsid = apart ? rule.psid! : -1;
    rules.push({ v6: six.value, v4: four.value, eaBits, suffixBits, psidBits, fixedPsid, psidOffset, forward });
  }
  return ok(rules);
}

/** What a customer edge was given. */
export interface Own {
  /** Index of its rule. */
  readonly at: number;
  readonly rule: MapRule;
  /** One address, or the first of the prefix that the edge was given. */
  readonly v4: number;
  readonly mask: number;
  readonly psid: number;
}

/** A MAP domain as one node of it knows it. */
export interface MapDomain {
  readonly rules: readonly MapRule[];
  /** Prefix of the default mapping rule. */
  readonly dmr: Prefix6;
  /** Of a customer edge; null for a border relay. */
  readonly own: Own | null;
}

/** The domain of a configuration. Error: the field that cannot be used. */
export function compileMapDomain(mapt: MaptSpec): Result<MapDomain, SettingsError> {
  if (mapt.rules.length === 0) return err({ field: 'mapt.rules', message: 'MAP-T needs a mapping rule' });
  const dmr = parsePrefix64(mapt.dmr);
  if (!dmr.ok) return err({ field: 'mapt.dmr', message: dmr.error });
  const rules = compileMapRules(mapt);
  if (!rules.ok) return rules;
  if (mapt.role === 'br') return ok({ rules: rules.value, dmr: dmr.value, own: null });
  const own = compileOwn(rules.value, mapt.endUserPrefix ?? '');
  return own.ok ? ok({ rules: rules.value, dmr: dmr.value, own: own.value }) : err({ field: 'mapt.endUserPrefix', message: own.error });
}

function compileOwn(rules: readonly MapRule[], prefix: string): Result<Own, string> {
  const endUser = parsePrefix6(prefix);
  if (!endUser.ok) return err(`a customer edge has an IPv6 prefix: ${endUser.error}`);
  const at = ruleOf6(rules, endUser.value.bytes, 0, false);
  const rule = rules[at];
  if (rule === undefined) return err('no rule has an IPv6 prefix that holds it');
  const needed = rule.v6.length + rule.eaBits;
  if (endUser.value.length < needed) return err(`rule ${at} needs ${needed} bits of prefix`);
  if (readBits(endUser.value.bytes, 0, needed, endUser.value.length - needed) !== 0) {
    return err(`no other node can know what is behind the ${needed} bits of rule ${at} and its EA bits: zeros belong there`);
  }
  return ok({ at, rule, mask: mask4(rule.v4.length + rule.suffixBits), ...ownOf(rule, endUser.value) });
}

/** PSID of a port (RFC 7597 section 5.1), or -1 where the port is in no port set. Zero bits of PSID: the one set of all ports. */
export function psidOf({ psidBits, psidOffset }: MapRule, port: number): number {
  if (psidBits === 0) return 0;
  if (psidOffset > 0 && port >>> (16 - psidOffset) === 0) return -1;
  return (port >>> (16 - psidOffset - psidBits)) & ((1 << psidBits) - 1);
}

/**
 * Index of the rule whose IPv4 prefix is the longest that holds `v4`, and whose PSID, where it is provisioned apart, has the port (below zero: not
 * known, any will do); with `forwardOnly` among the forwarding rules. -1 for none.
 */
export function ruleOf4(rules: readonly MapRule[], v4: number, port: number, forwardOnly: boolean): number {
  let best = -1;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!;
    if (forwardOnly && !rule.forward) continue;
    if ((v4 & mask4(rule.v4.length)) >>> 0 !== rule.v4.value) continue;
    if (rule.fixedPsid >= 0 && port >= 0 && psidOf(rule, port) !== rule.fixedPsid) continue;
    if (best < 0 || rule.v4.length > rules[best]!.v4.length) best = i;
  }
  return best;
}

/** Index of the rule whose IPv6 prefix is the longest that holds the address at `o`, or -1. */
export function ruleOf6(rules: readonly MapRule[], b: Uint8Array, o: number, forwardOnly: boolean): number {
  let best = -1;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!;
    if (forwardOnly && !rule.forward) continue;
    if (!sameBits(rule.v6.bytes, 0, b, o, rule.v6.length)) continue;
    if (best < 0 || rule.v6.length > rules[best]!.v6.length) best = i;
  }
  return best;
}

/** Bits of the prefix that an edge has by its rule. */
const prefixBits = (rule: MapRule): number => rule.v6.length + rule.eaBits;

/**
 * Writes the MAP address of an IPv4 address and PSID under a rule (RFC 7597 sections 5.2 and 6). A prefix of more than 64 bits overwrites the start of the
 * interface identifier.
 */
export function writeMapAddress(rule: MapRule, v4: number, psid: number, out: Uint8Array, o: number): void {
  out.fill(0, o, o + 16);
  putBits(out, o, IID_IPV4_BIT, 32, v4);
  putBits(out, o, IID_PSID_BIT, 16, psid);
  const bits = prefixBits(rule);
  for (let bit = IID_IPV4_BIT; bit < bits; bit++) out[o + (bit >>> 3)] = out[o + (bit >>> 3)]! & ~(0x80 >>> (bit & 7));
  for (let i = 0; i < 16; i++) out[o + i] = out[o + i]! | rule.v6.bytes[i]!;
  // Of an IPv4 prefix that is longer in addresses than in EA bits, the first bits of the suffix are the EA bits.
  const suffix = rule.v4.length === 0 ? v4 : v4 & ~mask4(rule.v4.length);
  putBits(out, o, rule.v6.length, rule.suffixBits, suffix >>> (32 - rule.v4.length - rule.suffixBits));
  if (rule.fixedPsid < 0) putBits(out, o, rule.v6.length + rule.suffixBits, rule.psidBits, psid);
}

/** Sets bits that are zero. */
function putBits(out: Uint8Array, o: number, at: number, bits: number, value: number): void {
  for (let i = 0; i < bits; i++) {
    if (((value >>> (bits - 1 - i)) & 1) === 0) continue;
    const bit = at + i;
    out[o + (bit >>> 3)] = out[o + (bit >>> 3)]! | (0x80 >>> (bit & 7));
  }
}

/** Value of at most 48 bits from bit `at` of the address at `o`. */
function readBits(b: Uint8Array, o: number, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) value = value * 2 + ((b[o + (i >>> 3)]! >>> (7 - (i & 7))) & 1);
  return value;
}

/** IPv4 address in the MAP address at `o`: that of the interface identifier, or of rule and EA bits where a long prefix has overwritten it. */
export function mapped4(rule: MapRule, b: Uint8Array, o: number): number {
  const all = u32(b, o + IID_IPV4_BIT / 8);
  if (prefixBits(rule) <= IID_IPV4_BIT) return all;
  const host = 32 - rule.v4.length - rule.suffixBits;
  return rule.v4.value + readBits(b, o, rule.v6.length, rule.suffixBits) * 2 ** host + (all % 2 ** host);
}

/** PSID in the MAP address at `o`, as mapped4. */
export function mappedPsid(rule: MapRule, b: Uint8Array, o: number): number {
  if (prefixBits(rule) <= IID_PSID_BIT) return u16(b, o + IID_PSID_BIT / 8);
  return rule.fixedPsid >= 0 ? rule.fixedPsid : readBits(b, o, rule.v6.length + rule.suffixBits, rule.psidBits);
}

/** Whether the address at `o` is a MAP address of the rule. `scratch` has 16 bytes. */
export function isMapAddress(rule: MapRule, b: Uint8Array, o: number, scratch: Uint8Array): boolean {
  const v4 = mapped4(rule, b, o);
  const psid = mappedPsid(rule, b, o);
  if (rule.fixedPsid >= 0 ? psid !== rule.fixedPsid : psid >>> rule.psidBits !== 0) return false;
  writeMapAddress(rule, v4, psid, scratch, 0);
  return (v4 & mask4(rule.v4.length)) >>> 0 === rule.v4.value && sameBits(scratch, 0, b, o, 128);
}

/** Whether the address at `o` is the MAP address of a customer edge. `scratch` has 16 bytes. */
export function isOwnAddress({ rule, v4, mask, psid }: Own, b: Uint8Array, o: number, scratch: Uint8Array): boolean {
  return mappedPsid(rule, b, o) === psid && (mapped4(rule, b, o) & mask) >>> 0 === v4 && isMapAddress(rule, b, o, scratch);
}

/** IPv4 address and PSID that a CE has of its end-user prefix under a rule (RFC 7597 section 5.2). */
export function ownOf(rule: MapRule, endUser: Prefix6): { readonly v4: number; readonly psid: number } {
  const bits = (at: number, count: number): number => readBits(endUser.bytes, 0, at, count);
  const suffix = bits(rule.v6.length, rule.suffixBits) * 2 ** (32 - rule.v4.length - rule.suffixBits);
  const psid = rule.fixedPsid >= 0 ? rule.fixedPsid : bits(rule.v6.length + rule.suffixBits, rule.psidBits);
  return { v4: rule.v4.value + suffix, psid };
}

/** Port ranges of a PSID, first and last port of each (RFC 7597 appendix B). */
export function portRanges({ psidBits, psidOffset }: MapRule, psid: number): (readonly [number, number])[] {
  if (psidBits === 0) return [[0, 65_535]];
  const low = 16 - psidOffset - psidBits;
  const out: (readonly [number, number])[] = [];
  for (let a = psidOffset === 0 ? 0 : 1; a < 2 ** psidOffset; a++) {
    const first = (a << (16 - psidOffset)) | (psid << low);
    out.push([first, first + 2 ** low - 1]);
  }
  return out;
}

/** The ports of a PSID, numbered from 0 in rising order, without a list of them. */
export class PortSet {
  readonly count: number;
  private readonly low: number;
  private readonly psid: number;
  private readonly offsetBits: number;
  private readonly firstRange: number;

  constructor({ psidBits, psidOffset }: MapRule, psid: number) {
    const shared = psidBits > 0;
    this.low = shared ? 16 - psidOffset - psidBits : 16;
    this.psid = shared ? psid : 0;
    this.offsetBits = shared ? 16 - psidOffset : 16;
    this.firstRange = shared && psidOffset > 0 ? 1 : 0;
    this.count = ((shared ? 2 ** psidOffset : 1) - this.firstRange) * 2 ** this.low;
  }

  /** Port number `i` of the set. */
  at(i: number): number {
    const range = (i >>> this.low) + this.firstRange;
    return (range << this.offsetBits) | (this.psid << this.low) | (i & (2 ** this.low - 1));
  }

  holds(port: number): boolean {
    if (port >>> this.offsetBits < this.firstRange) return false;
    return ((port >>> this.low) & (2 ** (this.offsetBits - this.low) - 1)) === this.psid;
  }
}
