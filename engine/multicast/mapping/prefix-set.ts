import { err, ok, type Result } from '../../base/index.ts';
import type { MulticastPrefixesSpec } from '../../contract/index.ts';
import {
  embed4,
  extract4,
  formatPrefix6,
  mask4,
  parsePrefix4,
  parsePrefix6,
  parsePrefix64,
  type Prefix4,
  type Prefix6,
} from '../../translator/index.ts';
import { formatIpv4U32, formatIpv6, parseIpv4U32, parseIpv6 } from '../../wire/index.ts';

/** One set of prefixes: groups of any source, source-specific groups, sources (M-01, M-02). */
export interface PrefixSet {
  readonly asm: Prefix6;
  readonly ssm: Prefix6;
  readonly source: Prefix6;
}

/** A field of the prefixes that cannot be used. */
export interface PrefixError {
  readonly field: string;
  readonly message: string;
}

/** Why an address has no form in the other family. */
export const MAP_REFUSALS = {
  notGroup: 'not a multicast group',
  notSource: 'not a unicast address a packet can come from',
  linkLocal: '224.0.0.0/24 stays on its link (RFC 5771) and is never mapped',
  localScope: 'interface-local and link-local scopes are never mapped',
  adminScope: '239.0.0.0/8 is not mapped here (prefixes.mapLocal)',
  refused: 'the group is in prefixes.refuse',
  outside: 'outside every prefix: ordinary IPv6',
  scopeMismatch: 'the group has a scope that its IPv4 group does not have',
  ssmMismatch: 'a source-specific group under the any-source prefix, or the other way round',
} as const;

function groupPrefix(text: string, field: string, ssm: boolean): Result<Prefix6, PrefixError> {
  const prefix = parsePrefix6(text);
  if (!prefix.ok) return err({ field, message: prefix.error });
  const { bytes, length } = prefix.value;
  if (length !== 96) return err({ field, message: `${text}: a group prefix has 96 bits, the group the other 32` });
  if (bytes[0] !== 0xff) return err({ field, message: `${text} is no multicast prefix` });
  if ((bytes[1]! & 15) <= 2) return err({ field, message: `${text}: the scope must be larger than link-local` });
  const inSsmRange = bytes[1]! >>> 4 === 3 && bytes[2] === 0 && bytes[3] === 0;
  if (ssm && !inSsmRange) return err({ field, message: `${text} is not in the source-specific range ff3x::/32` });
  if (!ssm && inSsmRange) return err({ field, message: `${text} is in the source-specific range ff3x::/32` });
  return ok(prefix.value);
}

/** One set of prefixes from text; `path` goes before the name of the field in an error. */
function readSet(
  each: { readonly asm: string; readonly ssm: string; readonly source: string },
  path: string,
): Result<PrefixSet, PrefixError> {
  const asm = groupPrefix(each.asm, `${path}asm`, false);
  if (!asm.ok) return asm;
  const ssm = groupPrefix(each.ssm, `${path}ssm`, true);
  if (!ssm.ok) return ssm;
  const source = parsePrefix64(each.source);
  if (!source.ok) return err({ field: `${path}source`, message: source.error });
  return ok({ asm: asm.value, ssm: ssm.value, source: source.value });
}

/** RFC 2365 scopes of 239/8 as RFC 7346 numbers. */
export function adminScope4(g4: number): number {
  const second = (g4 >>> 16) & 255;
  if (second === 255) return 3;
  return second >= 192 && second <= 195 ? 8 : 5;
}

const is239 = (g4: number): boolean => g4 >>> 24 === 239;
const isSsm4 = (g4: number): boolean => g4 >>> 24 === 232;

/** A mapped address, or the reason there is none. Numbers are IPv4 addresses, unsigned. */
export type Mapped6 = Result<string, string>;
export type Mapped4 = Result<number, string>;

/**
 * Groups and sources between the families: the group's IPv4 address is the last 32 bits of the IPv6 group (M-01, RFC 8114), the source's is
 * embedded by RFC 6052 (M-02). The first set is used to build; all of them are recognised.
 */
export class PrefixTable {
  private readonly known: PrefixSet[];
  private readonly refuse: readonly Prefix4[];
  private readonly spec: MulticastPrefixesSpec;
  private readonly lastGroup4 = new Last();
  private readonly lastGroup6 = new Last();
  private readonly lastSource4 = new Last();
  private readonly lastSource6 = new Last();

  private constructor(sets: PrefixSet[], refuse: readonly Prefix4[], spec: MulticastPrefixesSpec) {
    this.known = sets;
    this.refuse = refuse;
    this.spec = spec;
  }

  static create(spec: MulticastPrefixesSpec): Result<PrefixTable, PrefixError> {
    const sets: PrefixSet[] = [];
    const all = [{ asm: spec.asm, ssm: spec.ssm, source: spec.source }, ...spec.more];
    for (const [i, each] of all.entries()) {
      const path = i === 0 ? '' : `more.${i - 1}.`;
      const set = readSet(each, path);
      if (!set.ok) return set;
      sets.push(set.value);
    }
    const refuse: Prefix4[] = [];
    for (const [i, text] of spec.refuse.entries()) {
      const prefix = parsePrefix4(text);
      if (!prefix.ok) return err({ field: `refuse.${i}`, message: prefix.error });
      refuse.push(prefix.value);
    }
    return ok(new PrefixTable(sets, refuse, spec));
  }

  get sets(): readonly PrefixSet[] {
    return this.known;
  }

  /** The first set as text. */
  texts(): { readonly asm: string; readonly ssm: string; readonly source: string } {
    const { asm, ssm, source } = this.known[0]!;
    return { asm: formatPrefix6(asm), ssm: formatPrefix6(ssm), source: formatPrefix6(source) };
  }

  /** Puts provisioned prefixes in the place of the first set (M-05); an empty one leaves what was there. False where nothing changed. */
  provision(given: { readonly asm: string; readonly ssm: string; readonly source: string }): Result<boolean, PrefixError> {
    const now = this.texts();
    const wanted = { asm: given.asm || now.asm, ssm: given.ssm || now.ssm, source: given.source || now.source };
    const set = readSet(wanted, '');
    if (!set.ok) return set;
    if (wanted.asm === now.asm && wanted.ssm === now.ssm && wanted.source === now.source) return ok(false);
    this.known[0] = set.value;
    for (const last of [this.lastGroup4, this.lastGroup6, this.lastSource4, this.lastSource6]) last.forget();
    return ok(true);
  }

  /** Why this IPv4 group has no IPv6 form, or empty. */
  refusal(g4: number): string {
    if (g4 >>> 28 !== 14) return MAP_REFUSALS.notGroup;
    if (g4 >>> 8 === 0xe00000) return MAP_REFUSALS.linkLocal;
    if (is239(g4) && !this.spec.mapLocal) return MAP_REFUSALS.adminScope;
    for (const prefix of this.refuse) if ((g4 & mask4(prefix.length)) >>> 0 === prefix.value) return MAP_REFUSALS.refused;
    return '';
  }

  /** M-01. Groups of 239/8 get the scope of their range. */
  group6(g4: number, set = 0): Mapped6 {
    const why = this.refusal(g4);
    if (why !== '') return err(why);
    const { asm, ssm } = this.sets[set]!;
    const out = new Uint8Array(16);
    embed4(isSsm4(g4) ? ssm : asm, g4, out, 0);
    if (is239(g4)) out[1] = (out[1]! & 0xf0) | adminScope4(g4);
    return ok(formatIpv6(out, 0));
  }

  /** The IPv4 group in an IPv6 group (M-07): only under one of the prefixes, with a scope that fits. */
  group4(group6: string): Mapped4 {
    const b = parseIpv6(group6);
    if (b?.[0] !== 0xff) return err(MAP_REFUSALS.notGroup);
    if ((b[1]! & 15) <= 2) return err(MAP_REFUSALS.localScope);
    for (const { asm, ssm } of this.sets) {
      for (const prefix of [asm, ssm]) {
        const scoped = b[1];
        const plain = b.slice();
        plain[1] = (b[1]! & 0xf0) | (prefix.bytes[1]! & 15);
        const g4 = extract4(prefix, plain, 0);
        if (g4 < 0 || g4 >>> 28 !== 14) continue;
        const wanted = is239(g4) ? adminScope4(g4) : prefix.bytes[1]! & 15;
        if ((scoped! & 15) !== wanted) return err(MAP_REFUSALS.scopeMismatch);
        if (isSsm4(g4) !== (prefix === ssm)) return err(MAP_REFUSALS.ssmMismatch);
        const why = this.refusal(g4);
        return why === '' ? ok(g4) : err(why);
      }
    }
    return this.spec.olderDraft ? this.olderGroup4(b) : err(MAP_REFUSALS.outside);
  }

  /** M-04: bit 16 set marks an embedded group in ffxx:8000::/17, bit 32 in ff3x:0:8000::/33; the group is the last 32 bits. */
  private olderGroup4(b: Uint8Array): Mapped4 {
    const asm = (b[2]! & 0x80) !== 0;
    const ssm = b[1]! >>> 4 === 3 && b[2] === 0 && b[3] === 0 && (b[4]! & 0x80) !== 0;
    const g4 = ((b[12]! << 24) | (b[13]! << 16) | (b[14]! << 8) | b[15]!) >>> 0;
    if ((!asm && !ssm) || g4 >>> 28 !== 14) return err(MAP_REFUSALS.outside);
    if (isSsm4(g4) !== ssm) return err(MAP_REFUSALS.ssmMismatch);
    const why = this.refusal(g4);
    return why === '' ? ok(g4) : err(why);
  }

  source6(s4: number, set = 0): Mapped6 {
    if (s4 >>> 28 === 14 || s4 === 0 || s4 >>> 24 === 127 || s4 === 0xffffffff) return err(MAP_REFUSALS.notSource);
    const out = new Uint8Array(16);
    embed4(this.sets[set]!.source, s4, out, 0);
    return ok(formatIpv6(out, 0));
  }

  source4(source6: string): Mapped4 {
    const b = parseIpv6(source6);
    if (b === undefined) return err(MAP_REFUSALS.notSource);
    for (const { source } of this.sets) {
      const s4 = extract4(source, b, 0);
      if (s4 >= 0) return s4 === 0 || s4 >>> 28 === 14 ? err(MAP_REFUSALS.notSource) : ok(s4);
    }
    return err(MAP_REFUSALS.outside);
  }

  /** Text forms, for the control plane: undefined where there is none. The last answer is kept, for a join asks several times in a row. */
  groupText6(group4: string): string | undefined {
    return this.lastGroup6.of(group4, () => this.group6(parseIpv4U32(group4)));
  }
  groupText4(group6: string): string | undefined {
    return this.lastGroup4.of(group6, () => text4(this.group4(group6)));
  }
  sourceText6(source4: string): string | undefined {
    return this.lastSource6.of(source4, () => this.source6(parseIpv4U32(source4)));
  }
  sourceText4(source6: string): string | undefined {
    return this.lastSource4.of(source6, () => text4(this.source4(source6)));
  }
}

function text4(mapped: Mapped4): Mapped6 {
  return mapped.ok ? ok(formatIpv4U32(mapped.value)) : mapped;
}

/** The last question and its answer. */
class Last {
  private question: string | undefined;
  private answer: string | undefined;

  forget(): void {
    this.question = undefined;
  }

  of(question: string, ask: () => Mapped6): string | undefined {
    if (question === this.question) return this.answer;
    const mapped = ask();
    this.question = question;
    this.answer = mapped.ok ? mapped.value : undefined;
    return this.answer;
  }
}
