import { err, ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { Dns64Spec } from '../contract/index.ts';
import { DNS_TYPE, formatIpv4U32, type DnsMessage, type DnsRecord } from '../wire/index.ts';
import { answerOfZone } from './dns64-special.ts';
import { IPV4ONLY_NAME, WELL_KNOWN_ADDRESSES } from './pref64.ts';
import {
  embed4,
  extract4,
  formatPrefix6,
  isGlobal4,
  mask4,
  parsePrefix4,
  parsePrefix6,
  parsePrefix64,
  sameBits,
  WELL_KNOWN_PREFIX,
  type Prefix4,
  type Prefix6,
} from './prefix64.ts';
import { REASON } from './reasons.ts';
import { inPrefixes4, type SettingsError } from './settings.ts';

const CLASS_IN = 1;
const RCODE_OK = 0;
const RCODE_SERVFAIL = 2;
const RCODE_NXDOMAIN = 3;

/** DNSSEC OK in the TTL of an OPT record (RFC 3225 section 3). */
const DO_BIT = 0x8000;

const IP6_ARPA = '.ip6.arpa';

/** Prefixes for a range of IPv4 addresses. */
interface Range {
  readonly v4: Prefix4;
  readonly prefixes: readonly Prefix6[];
}

interface Lists {
  readonly prefixes: readonly Prefix6[];
  readonly exclude6: readonly Prefix6[];
  readonly exclude4: readonly Prefix4[];
  readonly ranges: readonly Range[];
}

/** What a DNS64 does with a question or an answer, and the rule it follows from. */
export interface Dns64Step {
  /** pass: hand on as it is; ask-aaaa, ask-a: the question to ask next; answer: `message` goes to the client. */
  readonly action: 'pass' | 'ask-aaaa' | 'ask-a' | 'answer';
  readonly rule: string;
  readonly text: string;
  readonly message?: DnsMessage;
  /** What is said of a query that is answered so. */
  readonly reason?: number;
}

/**
 * DNS64 (RFC 6147) as decisions on messages: `onQuery`, then `onAaaa` with what the AAAA question brought, then `onA`. Asking is the
 * caller's business, so the same code serves a capture and a resolver.
 */
export class Dns64 {
  private readonly lists: Lists;
  private readonly spec: Dns64Spec;
  private readonly allowPrivate: boolean;

  private constructor(spec: Dns64Spec, lists: Lists, allowPrivate: boolean) {
    this.spec = spec;
    this.lists = lists;
    this.allowPrivate = allowPrivate;
  }

  /**
   * With `allowPrivate` the well-known prefix may stand for addresses that are not global, against RFC 6052 section 3.1. Error: the
   * configuration field that cannot be used.
   */
  static create(spec: Dns64Spec, allowPrivate = false): Result<Dns64, SettingsError> {
    const list = <T>(field: string, texts: readonly string[], parse: (text: string) => Result<T, string>): Result<T[], SettingsError> => {
      const out: T[] = [];
      for (const [i, text] of texts.entries()) {
        const value = parse(text);
        if (!value.ok) return err({ field: `dns64.${field}.${i}`, message: value.error });
        out.push(value.value);
      }
      return ok(out);
    };
    const prefixes = list('prefixes', spec.prefixes, parsePrefix64);
    if (!prefixes.ok) return prefixes;
    const exclude6 = list('exclude6', spec.exclude6, parsePrefix6);
    if (!exclude6.ok) return exclude6;
    const exclude4 = list('exclude4', spec.exclude4, parsePrefix4);
    if (!exclude4.ok) return exclude4;
    const ranges: Range[] = [];
    for (const [i, range] of spec.ranges.entries()) {
      const v4 = parsePrefix4(range.v4);
      if (!v4.ok) return err({ field: `dns64.ranges.${i}.v4`, message: v4.error });
      const own = list(`ranges.${i}.prefixes`, range.prefixes, parsePrefix64);
      if (!own.ok) return own;
      ranges.push({ v4: v4.value, prefixes: own.value });
    }
    // The narrowest range that holds an address decides.
    ranges.sort((a, b) => b.v4.length - a.v4.length);
    const lists = { prefixes: prefixes.value, exclude6: exclude6.value, exclude4: exclude4.value, ranges };
    return ok(new Dns64(spec, lists, allowPrivate));
  }

  /** `reverse` looks up what is known of a name of in-addr.arpa: the answer to a question for PTR, or undefined. */
  onQuery(query: DnsMessage, reverse: (name: string) => DnsMessage | undefined = () => undefined): Dns64Step {
    const question = query.questions[0];
    if (query.response || query.opcode !== 0 || query.questions.length !== 1 || question === undefined || question.class !== CLASS_IN) {
      return pass('RFC 6147 section 5.1', 'not one question of class IN');
    }
    const special = answerOfZone(query, this.spec.ttlS, (v4) => this.addressesOf(v4));
    if (special !== undefined) {
      const text = `${IPV4ONLY_NAME} and names below it are answered here, and looked up nowhere`;
      return { action: 'answer', rule: 'RFC 8880 section 7.1', text, message: special, reason: REASON.dnsSpecial };
    }
    if (question.type === DNS_TYPE.PTR) return this.onPtr(query, question.name, reverse);
    if (question.type !== DNS_TYPE.AAAA) return pass('RFC 6147 section 5.3.3', 'only AAAA and PTR questions are changed');
    if (wantsDnssec(query) && query.checkingDisabled) {
      return pass('RFC 6147 section 5.5', 'the client validates itself (DO and CD set): a synthetic record would fail its check');
    }
    return { action: 'ask-aaaa', rule: 'RFC 6147 section 5.1', text: 'ask for AAAA first' };
  }

  /** `answer` is undefined where none came in time. */
  onAaaa(answer: DnsMessage | undefined): Dns64Step {
    if (answer === undefined) return askA('RFC 6147 section 5.1.3', 'no answer in time counts as an empty one');
    if (answer.truncated) return pass('RFC 6147 section 5.4', 'the answer was cut: the client asks again over TCP');
    if (answer.rcode === RCODE_NXDOMAIN) return pass('RFC 6147 section 5.1.2', 'the name does not exist, for any type');
    if (answer.rcode === RCODE_SERVFAIL && this.spec.validates) {
      return pass('RFC 6147 section 5.5', 'the answer did not validate');
    }
    if (answer.rcode !== RCODE_OK) return askA('RFC 6147 section 5.1.2', 'an error other than "no such name" counts as an empty answer');
    const addresses = answer.answers.filter(({ type }) => type === DNS_TYPE.AAAA);
    if (addresses.length === 0) return askA('RFC 6147 section 5.1.6', 'no AAAA record');
    const kept = answer.answers.filter((record) => !this.excluded6(record));
    if (kept.length === answer.answers.length) return pass('RFC 6147 section 5.1.1', 'the name has AAAA records');
    if (!kept.some(({ type }) => type === DNS_TYPE.AAAA)) return askA('RFC 6147 section 5.1.4', 'all AAAA records are excluded');
    // A signature over the whole set does not fit a part of it.
    const answers = kept.filter((record) => !(record.data.kind === 'rrsig' && record.data.typeCovered === DNS_TYPE.AAAA));
    return {
      action: 'answer',
      rule: 'RFC 6147 section 5.1.4',
      text: 'AAAA records that are excluded are left out',
      message: { ...answer, authenticData: false, answers },
    };
  }

  private excluded6({ data, type }: DnsRecord): boolean {
    if (type !== DNS_TYPE.AAAA || data.kind !== 'address') return false;
    return this.lists.exclude6.some((prefix) => sameBits(prefix.bytes, 0, data.address, 0, prefix.length));
  }

  /** Builds the answer to `query` from `aaaa` (empty, undefined where none came) and the answer to the A question. */
  onA(query: DnsMessage, aaaa: DnsMessage | undefined, a: DnsMessage | undefined): Dns64Step {
    const usable = a?.rcode === RCODE_OK ? a.answers.filter((record) => this.usableA(record)) : [];
    if (a === undefined || usable.length === 0) {
      // The result of the last question is the answer; an empty one is the same for both types.
      if (a !== undefined && a.rcode !== RCODE_OK) {
        const message = { ...forClient(query, aaaa, a), authenticData: false };
        return { action: 'answer', rule: 'RFC 6147 section 5.1.6', text: 'the A question brought an error, which is the answer', message };
      }
      if (a?.truncated === true) {
        const message = { ...forClient(query, aaaa, a), authenticData: false, answers: [] };
        return { action: 'answer', rule: 'RFC 6147 section 5.4', text: 'the A answer was cut: so is this one', message };
      }
      if (aaaa !== undefined) return pass('RFC 6147 section 5.1.6', 'no A record either: the empty AAAA answer stands');
      const failed: DnsMessage = {
        ...query,
        response: true,
        recursionAvailable: true,
        rcode: RCODE_SERVFAIL,
        answers: [],
        authorities: [],
        additionals: [],
      };
      return { action: 'answer', rule: 'RFC 6147 section 5.1.3', text: 'neither question was answered', message: failed };
    }
    const limit = this.ttlLimit(aaaa);
    const answers: DnsRecord[] = [];
    for (const record of a.answers) {
      if (record.type === DNS_TYPE.A) {
        if (this.usableA(record)) answers.push(...this.synthetic(record, limit));
      } else if (!(record.data.kind === 'rrsig' && record.data.typeCovered === DNS_TYPE.A)) answers.push(record);
    }
    return {
      action: 'answer',
      rule: 'RFC 6147 section 5.1.7',
      text: `${usable.length} A record${usable.length === 1 ? '' : 's'} became AAAA`,
      message: {
        ...forClient(query, aaaa, a),
        authenticData: this.authentic(query, aaaa, a),
        authoritative: false,
        answers,
      },
    };
  }

  /** Section 5.5: AD where the client asked for it (DO), the resolver validates itself, and it found both answers good. */
  private authentic(query: DnsMessage, aaaa: DnsMessage | undefined, a: DnsMessage): boolean {
    return this.spec.validates && wantsDnssec(query) && aaaa?.authenticData === true && a.authenticData;
  }

  private usableA({ type, data }: DnsRecord): boolean {
    return (
      type === DNS_TYPE.A &&
      data.kind === 'address' &&
      data.address.length === 4 &&
      !inPrefixes4(this.lists.exclude4, addressOf(data.address)) &&
      this.prefixesFor(addressOf(data.address)).length > 0
    );
  }

  /** The TTL of the SOA that came with the empty answer, or the configured limit where none did. */
  private ttlLimit(aaaa: DnsMessage | undefined): number {
    return aaaa?.authorities.find(({ type }) => type === DNS_TYPE.SOA)?.ttl ?? this.spec.ttlS;
  }

  private synthetic(record: DnsRecord, limit: number): DnsRecord[] {
    if (record.data.kind !== 'address') return [];
    return this.addressesOf(addressOf(record.data.address)).map((address) => ({
      name: record.name,
      type: DNS_TYPE.AAAA,
      class: CLASS_IN,
      ttl: Math.min(record.ttl, limit),
      data: { kind: 'address', address },
    }));
  }

  private addressesOf(v4: number): Uint8Array[] {
    return this.prefixesFor(v4).map((prefix) => {
      const address = new Uint8Array(16);
      embed4(prefix, v4, address, 0);
      return address;
    });
  }

  /** Prefixes for the address (section 5.1.7): those of its range, without the well-known one where RFC 6052 section 3.1 forbids it. */
  private prefixesFor(v4: number): readonly Prefix6[] {
    const { prefixes, ranges } = this.lists;
    const own = ranges.find((range) => (v4 & mask4(range.v4.length)) >>> 0 === range.v4.value)?.prefixes ?? prefixes;
    if (this.allowPrivate || isGlobal4(v4)) return own;
    return own.filter((prefix) => formatPrefix6(prefix) !== WELL_KNOWN_PREFIX);
  }

  /** Every prefix that a synthetic address may be under, the well-known one among them. */
  private *allPrefixes(): Generator<Prefix6> {
    yield* this.lists.prefixes;
    for (const { prefixes } of this.lists.ranges) yield* prefixes;
    const known = parsePrefix64(WELL_KNOWN_PREFIX);
    if (known.ok) yield known.value;
  }

  /** Section 5.3.1: the reverse name of a synthetic address is an alias of the reverse name of the IPv4 address in it. */
  private onPtr(query: DnsMessage, name: string, reverse: (name: string) => DnsMessage | undefined): Dns64Step {
    const address = addressOfReverse(name);
    if (address === undefined) return pass('RFC 6147 section 5.3.1', 'not the reverse name of an IPv6 address');
    for (const prefix of this.allPrefixes()) {
      const v4 = extract4(prefix, address, 0);
      if (v4 < 0) continue;
      if (WELL_KNOWN_ADDRESSES.includes(v4))
        return this.answerPtr(query, 'RFC 8880 section 7.2.1', [this.naming(name, DNS_TYPE.PTR, IPV4ONLY_NAME)], IPV4ONLY_NAME);
      const target = `${formatIpv4U32(v4).split('.').reverse().join('.')}.in-addr.arpa`;
      const known = reverse(target);
      const names = known?.answers.filter((record) => record.type === DNS_TYPE.PTR && sameName(record.name, target)) ?? [];
      if (known !== undefined && names.length === 0) {
        return pass(
          'RFC 6147 section 5.3.1',
          `${target} is known to have no PTR record of its own: an alias would lead nowhere, or to another alias`,
        );
      }
      const text = names.length === 0 ? `alias of ${target}` : `alias of ${target}, and its name`;
      return this.answerPtr(query, 'RFC 6147 section 5.3.1', [this.naming(name, DNS_TYPE.CNAME, target), ...names], text);
    }
    return pass('RFC 6147 section 5.3.1', 'the address is under none of the prefixes');
  }

  private naming(name: string, type: number, to: string): DnsRecord {
    return { name, type, class: CLASS_IN, ttl: this.spec.ttlS, data: { kind: 'name', name: to } };
  }

  private answerPtr(query: DnsMessage, rule: string, answers: readonly DnsRecord[], text: string): Dns64Step {
    const message: DnsMessage = {
      ...query,
      response: true,
      recursionAvailable: true,
      authoritative: false,
      authenticData: false,
      rcode: RCODE_OK,
      answers,
      authorities: [],
      additionals: [],
    };
    return { action: 'answer', rule, text, message, reason: REASON.dnsReverse };
  }
}

const pass = (rule: string, text: string): Dns64Step => ({ action: 'pass', rule, text });
const askA = (rule: string, text: string): Dns64Step => ({ action: 'ask-a', rule, text });

function addressOf(b: Uint8Array): number {
  return ((b[0]! << 24) | (b[1]! << 16) | (b[2]! << 8) | b[3]!) >>> 0;
}

/** The A answer as one to the client's question. OPT speaks of one hop (RFC 6891 section 6.1.1): that of the client's own exchange. */
function forClient(query: DnsMessage, aaaa: DnsMessage | undefined, a: DnsMessage): DnsMessage {
  const isOpt = ({ type }: DnsRecord): boolean => type === DNS_TYPE.OPT;
  const additionals = [...a.additionals.filter((record) => !isOpt(record)), ...(aaaa ?? query).additionals.filter(isOpt)];
  return { ...a, id: query.id, questions: query.questions, additionals };
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase().replace(/\.$/, '') === b.toLowerCase();
}

function wantsDnssec(query: DnsMessage): boolean {
  return query.additionals.some(({ type, ttl }) => type === DNS_TYPE.OPT && (ttl & DO_BIT) !== 0);
}

/** Address of a full `ip6.arpa` name of 32 nibbles (RFC 3596 section 2.5). */
export function addressOfReverse(name: string): Uint8Array | undefined {
  const lower = name.toLowerCase();
  if (!lower.endsWith(IP6_ARPA)) return undefined;
  const nibbles = lower.slice(0, -IP6_ARPA.length).split('.');
  if (nibbles.length !== 32 || nibbles.some((nibble) => !/^[0-9a-f]$/.test(nibble))) return undefined;
  const digits = nibbles.reverse().join('');
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}
