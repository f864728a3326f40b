import { u32 } from '../base/index.ts';
import type { Nat64Mapper } from './nat64-mapper.ts';
import { PacketView, PROTOCOL } from './packet-view.ts';
import { halves, type PlainMapper, type PlainRule } from './plain-path.ts';
import { isGlobal4, isIllegalSource4 } from './prefix64.ts';
import type { SessionTable } from './sessions.ts';
import { SessionsAhead } from './sessions-ahead.ts';
import type { SiitMapper } from './siit-mapper.ts';
import type { TranslatorSettings } from './settings.ts';

/** The first three words of the only prefix of pool6, if it is one of 96 bits as most are. */
function onlyPrefix(settings: TranslatorSettings): readonly [number, number, number] | undefined {
  const prefix = settings.pool6[0];
  if (settings.pool6.length !== 1 || prefix?.length !== 96) return undefined;
  return [u32(prefix.bytes, 0) | 0, u32(prefix.bytes, 4) | 0, u32(prefix.bytes, 8) | 0];
}

/** What both have: the results, and the prefix. */
class PlainResult {
  source4 = 0;
  destination4 = 0;
  readonly words6 = new Int32Array(8);
  sum6 = 0;
  ports = 0;
  protected readonly p0: number;
  protected readonly p1: number;
  protected readonly p2: number;
  protected readonly prefixSum: number;

  constructor(prefix: readonly [number, number, number]) {
    [this.p0, this.p1, this.p2] = prefix;
    this.prefixSum = halves(this.p0) + halves(this.p1) + halves(this.p2);
    this.words6.set(prefix, 0);
  }

  protected byPrefix(sessions: SessionTable | null, globalOnly: boolean): PlainRule {
    return { words: [this.p0, this.p1, this.p2], sum: this.prefixSum, sessions, globalOnly };
  }

  /** The address at `o` is under the prefix. */
  protected inPrefix(d: DataView, o: number): boolean {
    return d.getInt32(o) === this.p0 && d.getInt32(o + 4) === this.p1 && d.getInt32(o + 8) === this.p2;
  }
}

/** Plain packets of NAT64 sessions that are there, and whose peer is an ordinary host (SessionTable.plain). */
export class Nat64Plain extends PlainResult implements PlainMapper {
  private readonly mapper: Nat64Mapper;
  private readonly sessions: SessionTable;
  private readonly ahead: SessionsAhead;

  private constructor(mapper: Nat64Mapper, prefix: readonly [number, number, number]) {
    super(prefix);
    this.mapper = mapper;
    this.sessions = mapper.sessions;
    this.ahead = new SessionsAhead(mapper.sessions);
  }

  static create(mapper: Nat64Mapper, settings: TranslatorSettings): Nat64Plain | null {
    const prefix = onlyPrefix(settings);
    return prefix === undefined ? null : new Nat64Plain(mapper, prefix);
  }

  get rule(): PlainRule {
    // Sessions know whether their peer is one (SessionTable.plain).
    return this.byPrefix(this.sessions, false);
  }

  lookAhead(d: DataView, offsets: Uint32Array, from: number, to: number): void {
    this.ahead.look(d, offsets, from, to);
  }

  plain64(d: DataView, _b: Uint8Array, o: number, protocol: number, ports: number, nowNs: number): boolean {
    if (!this.inPrefix(d, o + 24) || this.inPrefix(d, o + 8)) return false;
    const { mapper, sessions } = this;
    const w0 = d.getInt32(o + 8);
    const w1 = d.getInt32(o + 12);
    const w2 = d.getInt32(o + 16);
    const w3 = d.getInt32(o + 20);
    const peer = d.getInt32(o + 36);
    let e = this.ahead.six.take(o);
    if (e < 0 || !sessions.is6(e, protocol, w0, w1, w2, w3, ports, peer)) e = sessions.find6(protocol, w0, w1, w2, w3, ports, peer);
    if (e < 0 || !sessions.plain(e) || w0 >>> 24 === 0xff) return false;
    mapper.usePlain(e, protocol, true, protocol === PROTOCOL.tcp ? d.getUint8(o + 53) : 0, nowNs);
    this.source4 = sessions.address4(e) | 0;
    this.destination4 = peer;
    this.ports = (sessions.port4(e) << 16) | (ports & 0xffff);
    this.sum6 = halves(w0) + halves(w1) + halves(w2) + halves(w3) + this.prefixSum + halves(peer);
    return true;
  }

  plain46(d: DataView, _b: Uint8Array, o: number, protocol: number, ports: number, nowNs: number): boolean {
    const { mapper, sessions, words6 } = this;
    const peer = d.getInt32(o + 12);
    const address = d.getInt32(o + 16);
    let e = this.ahead.four.take(o);
    if (e < 0 || !sessions.is4(e, (ports << 16) | protocol, address, peer, ports >>> 16)) {
      e = sessions.find4(protocol, address, ports & 0xffff, peer, ports >>> 16);
    }
    if (e < 0 || !sessions.plain(e)) return false;
    mapper.usePlain(e, protocol, false, protocol === PROTOCOL.tcp ? d.getUint8(o + 33) : 0, nowNs);
    words6[3] = peer;
    let sum = this.prefixSum + halves(peer);
    for (let i = 0; i < 4; i++) {
      const word = sessions.word6(e, i);
      words6[4 + i] = word;
      sum += halves(word);
    }
    this.sum6 = sum;
    this.ports = (ports & 0xffff0000) | sessions.port6(e);
    return true;
  }
}

/** Plain packets of stateless translation: by one prefix alone, or by maps as the general way does. */
export class SiitPlain extends PlainResult implements PlainMapper {
  private readonly mapper: SiitMapper;
  private readonly prefixOnly: boolean;
  private readonly globalOnly: boolean;
  private readonly view = new PacketView();

  constructor(mapper: SiitMapper) {
    const { settings } = mapper;
    const prefix = onlyPrefix(settings);
    super(prefix ?? [0, 0, 0]);
    this.mapper = mapper;
    this.prefixOnly = prefix !== undefined && settings.maps.entries.length === 0 && settings.deny4.length === 0;
    this.globalOnly = settings.globalOnly[0] === true;
  }

  /** Null where something else decides about an address that is neither illegal nor multicast. */
  get rule(): PlainRule | null {
    return this.prefixOnly ? this.byPrefix(null, this.globalOnly) : null;
  }

  /** Neither address is one that a rule speaks of; signed. */
  private ordinary(source: number, destination: number): boolean {
    if (isIllegalSource4(source >>> 0) || destination >>> 28 === 0xe) return false;
    return !this.globalOnly || (isGlobal4(source >>> 0) && isGlobal4(destination >>> 0));
  }

  plain64(d: DataView, b: Uint8Array, o: number, _protocol: number, ports: number): boolean {
    this.ports = ports;
    if (!this.prefixOnly) return this.mapped64(d, b, o);
    if (!this.inPrefix(d, o + 24) || !this.inPrefix(d, o + 8)) return false;
    this.source4 = d.getInt32(o + 20);
    this.destination4 = d.getInt32(o + 36);
    this.sum6 = 2 * this.prefixSum + halves(this.source4) + halves(this.destination4);
    return this.ordinary(this.source4, this.destination4);
  }

  plain46(d: DataView, b: Uint8Array, o: number, _protocol: number, ports: number): boolean {
    this.ports = ports;
    if (!this.prefixOnly) return this.mapped46(b, o);
    const source = d.getInt32(o + 12);
    const destination = d.getInt32(o + 16);
    if (!this.ordinary(source, destination)) return false;
    const { words6 } = this;
    words6[3] = source;
    words6[4] = this.p0;
    words6[5] = this.p1;
    words6[6] = this.p2;
    words6[7] = destination;
    this.sum6 = 2 * this.prefixSum + halves(source) + halves(destination);
    return true;
  }

  private mapped64(d: DataView, b: Uint8Array, o: number): boolean {
    const { mapper } = this;
    this.look(b, o);
    if (mapper.map64(this.view, false) !== 0 || mapper.hairpin) return false;
    this.source4 = mapper.source4 | 0;
    this.destination4 = mapper.destination4 | 0;
    let sum = 0;
    for (let i = 8; i < 40; i += 4) sum += halves(d.getInt32(o + i));
    this.sum6 = sum;
    return true;
  }

  private mapped46(b: Uint8Array, o: number): boolean {
    const { mapper, words6 } = this;
    this.look(b, o);
    if (mapper.map46(this.view, false, 0, false) !== 0) return false;
    let sum = 0;
    for (let i = 0; i < 8; i++) {
      const word = u32(mapper.addresses6, 4 * i) | 0;
      words6[i] = word;
      sum += halves(word);
    }
    this.sum6 = sum;
    return true;
  }

  /** Stateless mapping looks at the addresses of a view, and whether it is an ICMP error. */
  private look(b: Uint8Array, o: number): void {
    this.view.b = b;
    this.view.o = o;
  }
}
