import { u16, u32 } from '../base/index.ts';
import { ErrorPool } from './error-pool.ts';
import { FragmentTable, fragmentKey } from './fragment-table.ts';
import {
  isMapAddress,
  isOwnAddress,
  mapped4,
  mappedPsid,
  psidOf,
  ruleOf4,
  ruleOf6,
  writeMapAddress,
  type MapDomain,
  type MapRule,
  type Own,
} from './map-rules.ts';
import { KEEP_PORT, type AddressMapper } from './mapper.ts';
import { PacketView, PROTOCOL } from './packet-view.ts';
import { embed4, extract4, isIllegalSource4, type Prefix6 } from './prefix64.ts';
import { REASON } from './reasons.ts';
import type { TranslatorSettings } from './settings.ts';

/** In place of a port: the packet has none, or it is not there. */
export const NO_PORT = -1;

const NS = 1e9;

/**
 * MAP-T (RFC 7599) as a stateless mapping: hosts of the MAP domain have an IPv6 address that follows from their IPv4 address and port set by a
 * rule (RFC 7597); everybody else is under the prefix of the default mapping rule. A border relay maps any rule; a customer edge maps its own address,
 * and peers by the forwarding rules. Its hosts have its address and ports of its set here; NaptEdgeMapper gives them those.
 */
export class MapMapper implements AddressMapper {
  source4 = 0;
  destination4 = 0;
  readonly addresses6 = new Uint8Array(32);
  readonly sourcePort = KEEP_PORT;
  readonly destinationPort = KEEP_PORT;
  hairpin = false;
  poolSource = false;
  readonly rules: readonly MapRule[];
  private readonly dmr: Prefix6;
  /** Of a customer edge; null for a border relay. */
  readonly own: Own | null;
  /** First fragments, for the later ones. */
  readonly fragments: FragmentTable;
  private readonly errorPool: ErrorPool;
  private readonly quote = new PacketView();
  private readonly expected = new Uint8Array(16);
  /** Where a packet has no port its address alone decides: ICMP without an identifier, at a border relay (RFC 7599 section 9). */
  private byAddress = false;
  /** IPv4 address that the last inside4 or outside4 found. */
  value = 0;

  constructor({ rules, dmr, own }: MapDomain, { spec: { mapt }, errorPool4 }: TranslatorSettings) {
    this.rules = rules;
    this.dmr = dmr;
    this.errorPool = new ErrorPool(errorPool4);
    this.own = own;
    this.fragments = new FragmentTable(mapt.maxFragments, mapt.fragmentS * NS);
  }

  /** Port, or identifier of an echo, of one end of a packet; NO_PORT where it has none or it is not there. */
  private portOf(view: PacketView, destination: boolean): number {
    const { b, transport: t, protocol, capturedBytes } = view;
    if (view.fragmentOffset !== 0) return NO_PORT;
    if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
      const type = capturedBytes >= 6 ? b[t]! : 255;
      const echo = protocol === PROTOCOL.icmp ? type === 0 || type === 8 : type === 128 || type === 129;
      return echo ? u16(b, t + 4) : NO_PORT;
    }
    const ported = protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp || protocol === PROTOCOL.udpLite || protocol === PROTOCOL.dccp;
    return ported && capturedBytes >= 4 ? u16(b, t + (destination ? 2 : 0)) : NO_PORT;
  }

  /** The same for the outer addresses of an ICMP error, which stand for the other end of the packet inside. */
  private endPort(view: PacketView, destination: boolean): number {
    if (!view.icmpError) return this.portOf(view, destination);
    const { quote } = this;
    const at = view.transport + 8;
    const room = view.available - at;
    const code = view.family === 6 ? quote.parse6(view.b, at, room, room, true) : quote.parse4(view.b, at, room, room, true, false);
    return code === 0 ? this.portOf(quote, !destination) : NO_PORT;
  }

  /** MAP address of an IPv4 address and port by a rule to `addresses6` at `o`. */
  private toMap(rule: MapRule, v4: number, port: number, o: number): number {
    if (rule.psidBits > 0 && port < 0 && !this.byAddress) return REASON.mapNoPort;
    const psid = port < 0 ? Math.max(0, rule.fixedPsid) : psidOf(rule, port);
    if (psid < 0) return REASON.mapPortSet;
    writeMapAddress(rule, v4, psid, this.addresses6, o);
    return 0;
  }

  /** IPv4 address of a host of the domain, checked against its IPv6 address and port (RFC 7599 sections 8.2 and 8.3), to `value`. */
  private fromMap(rule: MapRule, b: Uint8Array, o: number, port: number): number {
    if (!isMapAddress(rule, b, o, this.expected)) return REASON.mapSpoofed;
    if (port >= 0 && psidOf(rule, port) !== mappedPsid(rule, b, o)) return REASON.mapSpoofed;
    this.value = mapped4(rule, b, o);
    return 0;
  }

  /** An end inside the domain: by any rule at a border relay, the own address at a customer edge. */
  inside6(v4: number, port: number, o: number): number {
    const { own } = this;
    if (own === null) {
      const at = ruleOf4(this.rules, v4, port, false);
      return at < 0 ? REASON.mapNoRule : this.toMap(this.rules[at]!, v4, port, o);
    }
    if ((v4 & own.mask) >>> 0 !== own.v4) return REASON.mapNotOwn;
    if (own.rule.psidBits > 0 && port >= 0 && psidOf(own.rule, port) !== own.psid) return REASON.mapPortSet;
    writeMapAddress(own.rule, v4, own.psid, this.addresses6, o);
    return 0;
  }

  inside4(b: Uint8Array, o: number, port: number): number {
    if (this.own !== null) return this.fromOwn(this.own, b, o, port);
    const rule = this.rules[ruleOf6(this.rules, b, o, false)];
    return rule === undefined ? REASON.mapNoRule : this.fromMap(rule, b, o, port);
  }

  /** IPv4 address of a customer edge by its MAP address and port (RFC 7599 section 8.2), to `value`. */
  private fromOwn(own: Own, b: Uint8Array, o: number, port: number): number {
    if (!isOwnAddress(own, b, o, this.expected)) return REASON.mapNotOwn;
    if (port >= 0 && psidOf(own.rule, port) !== own.psid) return REASON.mapPortSet;
    this.value = mapped4(own.rule, b, o);
    return 0;
  }

  /** The other end: a customer edge knows peers by forwarding rules; all else is under the default mapping rule. */
  outside6(v4: number, port: number, o: number): number {
    const at = this.own === null ? -1 : ruleOf4(this.rules, v4, port, true);
    if (at >= 0) return this.toMap(this.rules[at]!, v4, port, o);
    embed4(this.dmr, v4, this.addresses6, o);
    return 0;
  }

  outside4(b: Uint8Array, o: number, port: number): number {
    const at = this.own === null ? -1 : ruleOf6(this.rules, b, o, true);
    if (at >= 0) return this.fromMap(this.rules[at]!, b, o, port);
    const v4 = extract4(this.dmr, b, o);
    if (v4 < 0) return REASON.mapNotDmr;
    this.value = v4;
    return 0;
  }

  /** An address for a router of the domain, which has none under a rule, as source of an error (RFC 7599 section 9 with RFC 6791), to `value`. */
  routerSource(view: PacketView): number {
    const code = this.errorPool.choose(view);
    this.value = this.errorPool.address4;
    this.poolSource = code === 0;
    return code;
  }

  map64(view: PacketView, inner: boolean): number {
    const { b, o } = view;
    this.hairpin = false;
    if (!inner) this.poolSource = false;
    if (!inner && b[o + 24] === 0xff) return REASON.multicast;
    // At a border relay packets come from the domain, at a customer edge they go to it; quoted ones went the other way.
    const insideSource = (this.own === null) !== inner;
    const sourcePort = this.endPort(view, false);
    const destinationPort = this.endPort(view, true);
    let code = insideSource ? this.outside4(b, o + 24, destinationPort) : this.inside4(b, o + 24, destinationPort);
    if (code !== 0) return code;
    this.destination4 = this.value;
    code = insideSource ? this.inside4(b, o + 8, sourcePort) : this.outside4(b, o + 8, sourcePort);
    if (code === REASON.mapNoRule && !inner && view.icmpError) {
      code = this.routerSource(view);
    }
    if (code !== 0) return code;
    this.source4 = this.value;
    if (inner) return 0;
    if (isIllegalSource4(this.source4)) return REASON.illegalSource;
    this.hairpin = this.own === null && ruleOf4(this.rules, this.destination4, destinationPort, false) >= 0;
    return 0;
  }

  map46(view: PacketView, inner: boolean, nowNs: number): number {
    const { b, o } = view;
    const source = u32(b, o + 12);
    const destination = u32(b, o + 16);
    if (!inner && destination >>> 28 === 0xe) return REASON.multicast;
    if (!inner && isIllegalSource4(source)) return REASON.illegalSource;
    if (!inner && view.fragmentOffset !== 0 && this.followFirst(view)) return 0;
    const insideSource = (this.own === null) === inner;
    this.byAddress = this.own === null && (inner || view.icmpError);
    const sourcePort = this.endPort(view, false);
    const destinationPort = this.endPort(view, true);
    let code = insideSource ? this.outside6(destination, destinationPort, 16) : this.inside6(destination, destinationPort, 16);
    if (code === 0) code = insideSource ? this.inside6(source, sourcePort, 0) : this.outside6(source, sourcePort, 0);
    if (inner || !view.fragmented) return code;
    // A later fragment of a shared address has no port: it waits for the first one (RFC 7599 section 10.2).
    if (code === REASON.mapNoPort && view.fragmentOffset !== 0) return REASON.mapFragmentHeld;
    if (code === 0 && view.fragmentOffset === 0) {
      this.fragments.learn({ key: fragmentKey(view), sinceNs: nowNs, source4: 0, destination4: 0, addresses6: this.addresses6.slice() });
    }
    return code;
  }

  /** A later fragment goes where the first one of its packet went, if that has come. */
  private followFirst(view: PacketView): boolean {
    const known = this.fragments.find(fragmentKey(view));
    if (known !== undefined) this.addresses6.set(known.addresses6);
    return known !== undefined;
  }
}
