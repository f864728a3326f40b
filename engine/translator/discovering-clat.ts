import { err, ok, u16 } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { TranslatorSpec } from '../contract/index.ts';
import { DNS_TYPE, finishSum, parseDns, pseudoSum6, sum16 } from '../wire/index.ts';
import { IPV6_BYTES, PROTOCOL } from './packet-view.ts';
import type { PacketSink } from './packet-sink.ts';
import { discoverPrefixes, IPV4ONLY_NAME, pref64OfAdvertisement } from './pref64.ts';
import { formatPrefix6, type Prefix6 } from './prefix64.ts';
import { REASON } from './reasons.ts';
import { compileSettings, type SettingsError } from './settings.ts';
import { SiitMapper } from './siit-mapper.ts';
import { PacketTranslator } from './translator.ts';

/** Prefixes remembered at once: as many as pool6 of a small network could have. */
export const MAX_PROVIDER_PREFIXES = 16;

const ROUTER_ADVERTISEMENT = 134;
const ADVERTISEMENT_BYTES = 16;
const DNS_PORT = 53;
const UDP_BYTES = 8;
const NS = 1e9;

interface Known {
  readonly text: string;
  readonly advertised: boolean;
  endNs: number;
}

/**
 * A CLAT that learns the prefix of its provider from the packets of its IPv6 side (RFC 6877 section 6.3): from PREF64 options in router
 * advertisements (RFC 8781), which go first, and from AAAA answers for ipv4only.arpa (RFC 7050). Until it knows one, and after the last one has
 * ended, nothing is translated. What it learns is rare, so learning allocates; packets of known prefixes take the way of any CLAT.
 */
export class DiscoveringClat {
  /** Prefixes that found as many known ones as are kept. */
  ignoredPrefixes = 0;
  private readonly spec: TranslatorSpec;
  private known: Known[] = [];
  /** Prefixes in use, as text; empty with no translator. */
  private inUse = '';
  private inner: PacketTranslator | null = null;
  private nextEndNs = Number.POSITIVE_INFINITY;

  private constructor(spec: TranslatorSpec) {
    this.spec = spec;
  }

  /** Error: the configuration field that cannot be used. */
  static create(spec: TranslatorSpec): Result<DiscoveringClat, SettingsError> {
    const settings = compileSettings(spec);
    return settings.ok ? ok(new DiscoveringClat(spec)) : err(settings.error);
  }

  /** As PacketTranslator.translate. */
  translate(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink, nowNs: number): number {
    if (nowNs >= this.nextEndNs) this.expire(nowNs);
    if (side === 6) this.hear(b, o, Math.max(0, Math.min(length, b.length - o)), nowNs);
    if (this.inner === null) return REASON.noProviderPrefix;
    return this.inner.translate(side, b, o, length, wireLength, sink, nowNs);
  }

  /** As PacketTranslator.lookAhead. */
  lookAhead(bytes: Uint8Array, offsets: Uint32Array, from: number, to: number): void {
    this.inner?.lookAhead(bytes, offsets, from, to);
  }

  private hear(b: Uint8Array, o: number, length: number, nowNs: number): void {
    if (length < IPV6_BYTES + UDP_BYTES || b[o]! >>> 4 !== 6) return;
    const t = o + IPV6_BYTES;
    const end = t + u16(b, o + 4);
    if (end > o + length) return;
    if (b[o + 6] === PROTOCOL.icmpv6 && b[t] === ROUTER_ADVERTISEMENT) this.hearRouter(b, o, t, end, nowNs);
    else if (b[o + 6] === PROTOCOL.udp && u16(b, t) === DNS_PORT) this.hearResolver(b, t, end, nowNs);
  }

  /** RFC 4861 section 6.1.2 says which advertisements are believed: sent on this link, by a link-local address, whole. */
  private hearRouter(b: Uint8Array, o: number, t: number, end: number, nowNs: number): void {
    const linkLocal = b[o + 8] === 0xfe && (b[o + 9]! & 0xc0) === 0x80;
    if (b[o + 7] !== 255 || !linkLocal || b[t + 1] !== 0 || end - t < ADVERTISEMENT_BYTES) return;
    if (finishSum(sum16(b, t, end, pseudoSum6(b, o + 8, o + 24, PROTOCOL.icmpv6, end - t))) !== 0) return;
    for (const { prefix, lifetimeS } of pref64OfAdvertisement(b, t, end)) this.learn(prefix, true, nowNs + lifetimeS * NS, nowNs);
    this.use();
  }

  private hearResolver(b: Uint8Array, t: number, end: number, nowNs: number): void {
    const parsed = parseDns(b, t + UDP_BYTES, end);
    if (!parsed.ok || !parsed.value.response) return;
    const question = parsed.value.questions[0];
    if (question?.type !== DNS_TYPE.AAAA || question.name.toLowerCase().replace(/\.$/, '') !== IPV4ONLY_NAME) return;
    const { answers } = parsed.value;
    const ttl = Math.min(...answers.filter(({ type }) => type === DNS_TYPE.AAAA).map((record) => record.ttl));
    for (const prefix of discoverPrefixes(parsed.value)) this.learn(prefix, false, nowNs + ttl * NS, nowNs);
    this.use();
  }

  private learn(prefix: Prefix6, advertised: boolean, endNs: number, nowNs: number): void {
    // A prefix of 96 bits with something in the reserved octet is none of RFC 6052.
    if (prefix.bytes[8] !== 0 && this.spec.reservedOctet !== 'any') return;
    const text = formatPrefix6(prefix);
    const known = this.known.find((each) => each.text === text && each.advertised === advertised);
    if (known !== undefined) known.endNs = endNs;
    else if (endNs > nowNs) {
      if (this.known.length >= MAX_PROVIDER_PREFIXES) this.ignoredPrefixes++;
      else this.known.push({ text, advertised, endNs });
    }
    this.known = this.known.filter((each) => each.endNs > nowNs);
  }

  private expire(nowNs: number): void {
    this.known = this.known.filter(({ endNs }) => endNs > nowNs);
    this.use();
  }

  /** Translates by the advertised prefixes, else by those that the resolver revealed. */
  private use(): void {
    this.nextEndNs = Math.min(...this.known.map(({ endNs }) => endNs));
    const advertised = this.known.filter((each) => each.advertised);
    const pool6 = (advertised.length > 0 ? advertised : this.known).map(({ text }) => text);
    const inUse = pool6.join(' ');
    if (inUse === this.inUse) return;
    this.inUse = inUse;
    const { spec } = this;
    const settings = compileSettings({ ...spec, pool6, clat: { ...spec.clat, provider: 'pool6' } });
    this.inner = settings.ok && pool6.length > 0 ? new PacketTranslator(settings.value, new SiitMapper(settings.value)) : null;
  }
}
