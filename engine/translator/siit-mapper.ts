import { u32 } from '../base/index.ts';
import type { EamTable } from './eam-table.ts';
import { ErrorPool } from './error-pool.ts';
import { KEEP_PORT, type AddressMapper } from './mapper.ts';
import type { PacketView } from './packet-view.ts';
import { SiitPlain } from './plain-mappers.ts';
import type { PlainMapper } from './plain-path.ts';
import { BAD_OCTET, embed4, extract4, isGlobal4, isIllegalSource4, NOT_EMBEDDED } from './prefix64.ts';
import { REASON } from './reasons.ts';
import { inPrefixes4, type TranslatorSettings } from './settings.ts';

/** How an address was mapped. */
export const MAPPED_BY = { none: 0, map: 1, pool6: 2, errorPool: 3 } as const;

/**
 * Stateless mapping: explicit maps first (RFC 7757 section 3.3), then the prefixes of pool6 (RFC 6052), then for the source of
 * an ICMPv6 error the pool of RFC 6791.
 */
export class SiitMapper implements AddressMapper {
  source4 = 0;
  destination4 = 0;
  readonly addresses6 = new Uint8Array(32);
  readonly sourcePort = KEEP_PORT;
  readonly destinationPort = KEEP_PORT;
  hairpin = false;
  /** How the last packet's source and destination were mapped. */
  sourceBy: number = MAPPED_BY.none;
  destinationBy: number = MAPPED_BY.none;
  /** Index in pool6 or in the maps, by which the last addresses were mapped. */
  sourceIndex = -1;
  destinationIndex = -1;

  readonly settings: TranslatorSettings;
  readonly plain: PlainMapper;
  readonly maps: EamTable;
  private readonly errorPool: ErrorPool;
  private readonly boundMaps: boolean;
  private value = 0;
  private by: number = MAPPED_BY.none;
  private index = -1;

  constructor(settings: TranslatorSettings) {
    this.settings = settings;
    this.errorPool = new ErrorPool(settings.errorPool4);
    this.maps = settings.maps;
    this.boundMaps = settings.maps.entries.some((map) => map.domain >= 0);
    this.plain = new SiitPlain(this);
  }

  /** IPv4 address of the IPv6 address at `o` goes to `value`. `domain`: pool6 index of the peer, or -1. */
  private to4(b: Uint8Array, o: number, domain: number, missing: number): number {
    let index = domain >= 0 && this.boundMaps ? this.maps.find6(b, o, domain) : -1;
    if (index < 0) index = this.maps.find6(b, o, -1);
    if (index >= 0) {
      this.value = this.maps.to4(index, b, o);
      this.by = MAPPED_BY.map;
      this.index = index;
      return 0;
    }
    return this.byPool6(b, o, missing);
  }

  private byPool6(b: Uint8Array, o: number, missing: number): number {
    const at = this.poolOf(b, o);
    if (at < 0) return at === BAD_OCTET ? REASON.reservedOctet : missing;
    const { pool6, globalOnly, deny4 } = this.settings;
    const v4 = extract4(pool6[at]!, b, o);
    if (v4 < 0) return REASON.reservedOctet;
    if (globalOnly[at] === true && !isGlobal4(v4)) return REASON.wellKnownPrivate;
    if (deny4.length > 0 && inPrefixes4(deny4, v4)) return REASON.denied;
    this.value = v4;
    this.by = MAPPED_BY.pool6;
    this.index = at;
    return 0;
  }

  /** Index of the longest pool6 prefix that holds the address at `o`; NOT_EMBEDDED or BAD_OCTET where there is none. */
  poolOf(b: Uint8Array, o: number): number {
    const { pool6 } = this.settings;
    let best = NOT_EMBEDDED;
    let bestLength = -1;
    for (let i = 0; i < pool6.length; i++) {
      const prefix = pool6[i]!;
      if (prefix.length <= bestLength) continue;
      const v4 = extract4(prefix, b, o);
      if (v4 >= 0) {
        best = i;
        bestLength = prefix.length;
      } else if (v4 === BAD_OCTET && best < 0) best = BAD_OCTET;
    }
    return best;
  }

  map64(view: PacketView, inner: boolean): number {
    const { b, o } = view;
    if (!inner && b[o + 24] === 0xff) return REASON.multicast;
    let domain = -1;
    if (this.boundMaps) {
      // A bound map applies beside a peer under its prefix; the peer is the destination outside and the source inside errors.
      domain = this.poolOf(b, o + (inner ? 8 : 24));
      if (domain < 0) domain = this.poolOf(b, o + (inner ? 24 : 8));
    }
    let code = this.to4(b, o + 24, domain, REASON.noDestination4);
    if (code !== 0) return code;
    this.destination4 = this.value;
    this.destinationBy = this.by;
    this.destinationIndex = this.index;
    code = this.to4(b, o + 8, domain, REASON.noSource4);
    if (code !== 0) {
      if (inner || !view.icmpError || code !== REASON.noSource4) return code;
      code = this.fromErrorPool(view);
      if (code !== 0) return code;
    }
    this.source4 = this.value;
    this.sourceBy = this.by;
    this.sourceIndex = this.index;
    if (!inner) {
      if (this.sourceBy === MAPPED_BY.pool6 && isIllegalSource4(this.source4)) return REASON.illegalSource;
      if (this.destination4 >>> 28 === 0xe) return REASON.multicast;
    }
    this.hairpin = this.mustHairpin(view, inner);
    return 0;
  }

  /** RFC 7757 section 4.2.2: which translated packets turn back. */
  private mustHairpin(view: PacketView, inner: boolean): boolean {
    if (this.settings.spec.hairpin !== 'intrinsic') return false;
    if (inner) return this.sourceBy === MAPPED_BY.pool6 && this.maps.find4(this.source4) >= 0;
    return !view.icmpError && this.destinationBy === MAPPED_BY.pool6 && this.maps.find4(this.destination4) >= 0;
  }

  get poolSource(): boolean {
    return this.sourceBy === MAPPED_BY.errorPool;
  }

  private fromErrorPool(view: PacketView): number {
    const code = this.errorPool.choose(view);
    if (code !== 0) return code;
    this.value = this.errorPool.address4;
    this.by = MAPPED_BY.errorPool;
    this.index = this.errorPool.index;
    return 0;
  }

  private to6(v4: number, domain: number, useMaps: boolean, o: number, missing: number): number {
    const index = useMaps ? this.maps.find4(v4) : -1;
    if (index >= 0) {
      this.maps.to6(index, v4, this.addresses6, o);
      this.by = MAPPED_BY.map;
      this.index = index;
      return 0;
    }
    const { pool6, globalOnly, deny4 } = this.settings;
    const at = domain < 0 ? 0 : domain;
    if (pool6.length === 0) return missing;
    if (globalOnly[at] === true && !isGlobal4(v4)) return REASON.wellKnownPrivate;
    if (deny4.length > 0 && inPrefixes4(deny4, v4)) return REASON.denied;
    embed4(pool6[at]!, v4, this.addresses6, o);
    this.by = MAPPED_BY.pool6;
    this.index = at;
    return 0;
  }

  map46(view: PacketView, inner: boolean, _nowNs: number, hairpinned: boolean): number {
    const { b, o } = view;
    const source = u32(b, o + 12);
    const destination = u32(b, o + 16);
    this.hairpin = false;
    if (!inner && destination >>> 28 === 0xe) return REASON.multicast;
    const sourceMap = this.maps.find4(source);
    const destinationMap = this.maps.find4(destination);
    // Section 4.1 of RFC 7915: of an error even an illegal source is translated, it may tell where the trouble is.
    if (!inner && !view.icmpError && sourceMap < 0 && isIllegalSource4(source)) return REASON.illegalSource;
    // The node with a map tells which prefix of pool6 its peer is under.
    const domain = this.boundMaps ? Math.max(this.domainOf(destinationMap), this.domainOf(sourceMap)) : -1;
    // RFC 7757 section 4.2.1, which the second pass of intrinsic hairpinning follows too (section 4.2.2).
    const simple = hairpinned || this.settings.spec.hairpin === 'simple';
    const plainSource = !inner && simple && (!view.icmpError || isQuotedDestination(view, source));
    const plainDestination = inner && simple;
    let code = this.to6(destination, domain, !plainDestination, 16, REASON.noDestination6);
    if (code !== 0) return code;
    this.destinationBy = this.by;
    this.destinationIndex = this.index;
    code = this.to6(source, domain, !plainSource, 0, REASON.noSource6);
    if (code !== 0) return code;
    this.sourceBy = this.by;
    this.sourceIndex = this.index;
    return 0;
  }

  private domainOf(index: number): number {
    return index < 0 ? -1 : this.maps.entries[index]!.domain;
  }
}

/** Section 4.2.1: the host that sends the error is the one the packet in error went to. */
function isQuotedDestination({ b, transport, available }: PacketView, source: number): boolean {
  const at = transport + 8 + 16;
  return at + 4 <= available && u32(b, at) === source;
}
