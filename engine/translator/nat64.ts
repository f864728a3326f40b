import { err, ok, putU16, putU32, u16, u32 } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { Nat64Spec } from '../contract/index.ts';
import { checksum, parseIpv4U32, parseIpv6, pseudoSum6 } from '../wire/index.ts';
import { answer } from './answer.ts';
import { fragmentKey } from './fragment-table.ts';
import { FtpGateway, type Forward } from './ftp-gateway.ts';
import type { TableMemory } from './hash-slots.ts';
import { connectionKey, HeldSyns, type HeldSyn } from './held-syns.ts';
import { Nat64Mapper } from './nat64-mapper.ts';
import { IPV6_BYTES, PacketView, PROTOCOL } from './packet-view.ts';
import { SINK_KIND, type PacketSink } from './packet-sink.ts';
import { PortBlocks } from './port-blocks.ts';
import { PortPools } from './port-pools.ts';
import { embed4 } from './prefix64.ts';
import { isTranslated, REASON } from './reasons.ts';
import { LOOK_AHEAD_FROM } from './sessions-ahead.ts';
import { lifetimesNs, TIMER } from './sessions.ts';
import type { SettingsError, TranslatorSettings } from './settings.ts';
import { sessionRows, type SessionRow } from './state-rows.ts';
import { TCP_STATE } from './tcp-state.ts';
import { PacketTranslator } from './translator.ts';
import { Nat64Work, type PlainWork } from './plain-work.ts';
import { ASSEMBLY, UdpReassembly } from './udp-reassembly.ts';

const NS = 1e9;
const PROTOCOL_OF = { tcp: PROTOCOL.tcp, udp: PROTOCOL.udp, icmp: PROTOCOL.icmp } as const;
/**
 * Stateful NAT64 (RFC 6146): the packet translator over binding and session tables, with what needs memory of packets: fragments that
 * come before the first one, and SYNs from outside that wait for one from inside. Time is the lab's, handed in with each packet;
 * a time before the last one counts as the last one.
 */
export class Nat64 {
  readonly settings: TranslatorSettings;
  readonly mapper: Nat64Mapper;
  readonly packets: PacketTranslator;
  /** Fragments and SYNs that were held and then given up. */
  lostFragments = 0;
  lostSyns = 0;
  expiredSessions = 0;
  /** Fragments of UDP packets from IPv4 that have no checksum. */
  readonly zeroUdp: UdpReassembly;
  /** Null where the FTP gateway is off. */
  readonly ftp: FtpGateway | null;
  private nowNs = 0;
  private readonly syns: HeldSyns;
  private readonly lifetimesNs: readonly number[];
  private readonly view = new PacketView();

  private constructor(settings: TranslatorSettings, pools: PortPools, blocks: PortBlocks | undefined, memory?: TableMemory) {
    this.settings = settings;
    this.mapper = new Nat64Mapper(settings, pools, blocks, memory);
    this.packets = new PacketTranslator(settings, this.mapper);
    const { timers, maxFragments } = settings.spec.nat64;
    this.zeroUdp = new UdpReassembly(maxFragments, timers.fragmentS * NS);
    this.lifetimesNs = lifetimesNs(timers);
    this.syns = new HeldSyns(settings.spec.nat64.maxHeldSyns, this.lifetimesNs[TIMER.incomingSyn]!);
    const { ftpAlg } = settings.spec.nat64;
    const forward: Forward = (side, bytes, offset, length, wireLength, sink) => this.forward(side, bytes, offset, length, wireLength, sink);
    this.ftp = ftpAlg.enabled ? new FtpGateway(ftpAlg, this.mapper, forward) : null;
  }

  /** Error: the configuration field that cannot be used. */
  static create(settings: TranslatorSettings, memory?: TableMemory): Result<Nat64, SettingsError> {
    const { nat64 } = settings.spec;
    const pools = PortPools.compile(nat64);
    if (!pools.ok) return pools;
    const blocks = PortBlocks.compile(nat64, pools.value);
    if (!blocks.ok) return blocks;
    const made = new Nat64(settings, pools.value, blocks.value, memory);
    const bad = made.addBindings(nat64, pools.value);
    return bad === undefined ? ok(made) : err(bad);
  }

  private addBindings(spec: Nat64Spec, pools: PortPools): SettingsError | undefined {
    const { bindings } = this.mapper;
    for (const [i, { protocol, v6, port6, v4, port4 }] of spec.bindings.entries()) {
      const b = parseIpv6(v6);
      const address = parseIpv4U32(v4);
      const field = `nat64.bindings.${i}`;
      if (b === undefined) return { field: `${field}.v6`, message: `${v6} is not an IPv6 address` };
      if (address < 0) return { field: `${field}.v4`, message: `${v4} is not an IPv4 address` };
      const number = PROTOCOL_OF[protocol];
      if (bindings.find6(number, b, 0, port6) >= 0 || bindings.find4(number, address, port4) >= 0) {
        return { field, message: 'another binding has one of these addresses and ports' };
      }
      if (bindings.add(number, b, 0, port6, address, port4, true) < 0) return { field, message: 'more static bindings than maxBindings' };
      pools.pin(b, 0, address);
    }
    return undefined;
  }

  /** As PacketTranslator.translate. Output may hold packets released by this one. Sessions that have ended by `nowNs` end first. */
  translate(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, wireLength: number, sink: PacketSink, nowNs: number): number {
    this.advance(nowNs, sink);
    if (this.ftp !== null && this.ftp.wants(side, bytes, offset, length)) {
      return this.ftp.translate(side, bytes, offset, length, wireLength, sink, this.nowNs);
    }
    return this.forward(side, bytes, offset, length, wireLength, sink);
  }

  private forward(side: 4 | 6, bytes: Uint8Array, offset: number, length: number, wireLength: number, sink: PacketSink): number {
    const code = this.packets.translate(side, bytes, offset, length, wireLength, sink, this.nowNs);
    if (code === REASON.fragmentHeld) return this.hold(side, bytes, offset, length, wireLength, sink);
    if (code === REASON.udpZeroFragment) return this.assemble(bytes, offset, length, wireLength, sink);
    if (code === REASON.synHeld) return this.holdSyn(side, bytes, offset, length, wireLength, sink);
    if (isTranslated(code)) this.afterFirst(side, bytes, offset, length, wireLength, sink);
    return code;
  }

  /** True where the tables are so large that `lookAhead` pays. */
  get looksAhead(): boolean {
    return this.mapper.sessions.count >= LOOK_AHEAD_FROM;
  }

  /** As PacketTranslator.lookAhead. */
  lookAhead(bytes: Uint8Array, offsets: Uint32Array, from: number, to: number): void {
    this.packets.lookAhead(bytes, offsets, from, to);
  }

  /** As PacketTranslator.plainWork. */
  get plainWork(): PlainWork | null {
    const work = this.packets.plainWork;
    return work === null ? null : new Nat64Work(this, work);
  }

  /** From this time on a packet may find that something has ended. */
  untilNs(): number {
    if (this.syns.count > 0) return Number.NEGATIVE_INFINITY;
    return Math.min(this.mapper.sessions.nextEndNs, this.mapper.fragments.nextEndNs, this.zeroUdp.nextEndNs);
  }

  /** Plain packets have been translated by a kernel: see PlainWork. */
  tookPlain(nowNs: number, session: number): void {
    this.nowNs = Math.max(this.nowNs, nowNs);
    this.mapper.session = session;
    this.mapper.hairpin = false;
  }

  private parse(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number): boolean {
    const code = side === 6 ? this.view.parse6(b, o, length, wireLength, false) : this.view.parse4(b, o, length, wireLength, false, false);
    return code === 0;
  }

  private hold(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink): number {
    if (!this.parse(side, b, o, length, wireLength)) return REASON.fragmentHeld;
    const key = fragmentKey(this.view);
    if (this.zeroUdp.has(key)) return this.addPart(key, sink);
    const fragment = { key, sinceNs: this.nowNs, side, bytes: b.slice(o, o + length), wireLength };
    return this.mapper.fragments.hold(fragment) ? REASON.fragmentHeld : this.noRoomForFragment();
  }

  /** The first fragment of UDP without checksum: it waits for the others, and those that came before it join it (RFC 6146 section 3.4). */
  private assemble(b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink): number {
    if (!this.parse(4, b, o, length, wireLength)) return REASON.udpZeroFragment;
    const key = fragmentKey(this.view);
    let code = this.addPart(key, sink);
    for (const { bytes, wireLength: wire } of this.mapper.fragments.release(key)) {
      if (this.parse(4, bytes, 0, bytes.length, wire)) code = this.addPart(key, sink);
    }
    return code;
  }

  /** Adds the fragment in the view to its packet, and translates the packet when it is whole. */
  private addPart(key: Uint8Array, sink: PacketSink): number {
    const { zeroUdp } = this;
    switch (zeroUdp.add(this.view, key, this.nowNs)) {
      case ASSEMBLY.waits:
        return REASON.fragmentHeld;
      case ASSEMBLY.whole:
        return this.packets.translate(4, zeroUdp.whole, 0, zeroUdp.whole.length, zeroUdp.whole.length, sink, this.nowNs);
      case ASSEMBLY.overlap:
        return REASON.fragmentOverlap;
      case ASSEMBLY.truncated:
        return REASON.udpZeroTruncated;
      case ASSEMBLY.tooLong:
        return REASON.tooLong;
      default:
        return this.noRoomForFragment();
    }
  }

  /** For the fragment in the view. */
  private noRoomForFragment(): number {
    this.lostFragments++;
    const { family, b, o } = this.view;
    this.mapper.alarms.fragment(family === 6 ? { v6: b.slice(o + 8, o + 24) } : { address4: u32(b, o + 12) }, this.nowNs);
    return REASON.fragmentsFull;
  }

  /** After a first fragment: what it was mapped to is good for the others, and those that waited go. A SYN from inside ends the wait of one from outside. */
  private afterFirst(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink): void {
    const { mapper } = this;
    if (this.syns.count > 0 && side === 6) this.forgetSyn(b, o, length, wireLength);
    // Almost no packet is a fragment: look at the two bytes that say so before parsing again.
    if (side === 4 ? (b[o + 6]! & 0x3f) === 0 : b[o + 6]! === PROTOCOL.tcp || b[o + 6]! === PROTOCOL.udp) return;
    if (!this.parse(side, b, o, length, wireLength)) return;
    if (!this.view.moreFragments || this.view.fragmentOffset !== 0) return;
    const key = fragmentKey(this.view);
    const { source4, destination4 } = mapper;
    mapper.fragments.learn({ key, sinceNs: this.nowNs, source4, destination4, addresses6: mapper.addresses6.slice() });
    for (const held of mapper.fragments.release(key)) {
      this.packets.translate(held.side, held.bytes, 0, held.bytes.length, held.wireLength, sink, this.nowNs);
    }
  }

  /** A SYN from inside for the connection of one that is held: both ends opened at once, and the held one goes (RFC 6146 section 3.5.2.2, V4 INIT). */
  private forgetSyn(b: Uint8Array, o: number, length: number, wireLength: number): void {
    if (!this.parse(6, b, o, length, wireLength) || this.view.protocol !== PROTOCOL.tcp) return;
    const { bindings, sessions } = this.mapper;
    const t = this.view.transport;
    const binding = bindings.find6(PROTOCOL.tcp, b, o + 8, u16(b, t));
    if (binding < 0) return;
    const peer4 = this.mapper.peerOf(b, o + 24);
    const e = sessions.find(binding, peer4, u16(b, t + 2));
    if (e < 0 || sessions.state(e) !== TCP_STATE.v6Init) return;
    if (!this.syns.take(connectionKey(bindings.address4(binding), bindings.port4(binding), peer4, u16(b, t + 2)))) return;
    sessions.setState(e, TCP_STATE.established);
    sessions.touch(e, TIMER.established, this.nowNs);
  }

  private holdSyn(side: 4 | 6, b: Uint8Array, o: number, length: number, wireLength: number, sink: PacketSink): number {
    if (!this.parse(side, b, o, length, wireLength)) return REASON.answerSuppressed;
    const syn = { side, bytes: b.slice(o, o + length), wireLength, sinceNs: this.nowNs };
    if (this.syns.hold(this.connectionOf(this.view), syn)) return REASON.synHeld;
    this.lostSyns++;
    return this.refuse(syn, sink);
  }

  /** The connection of a SYN to a pool address; one that turns back inside has the source that its binding gives it. */
  private connectionOf({ family, b, o, transport: t }: PacketView): string {
    const { mapper } = this;
    if (family === 4) return connectionKey(u32(b, o + 16), u16(b, t + 2), u32(b, o + 12), u16(b, t));
    const binding = mapper.bindings.find6(PROTOCOL.tcp, b, o + 8, u16(b, t));
    return connectionKey(mapper.peerOf(b, o + 24), u16(b, t + 2), mapper.bindings.address4(binding), mapper.bindings.port4(binding));
  }

  private refuse({ side, bytes, wireLength }: HeldSyn, sink: PacketSink): number {
    if (!this.parse(side, bytes, 0, bytes.length, wireLength)) return REASON.answerSuppressed;
    return answer(this.packets.context, this.view, side === 4 ? 0x0303 : 0x0104, 0, REASON.portUnreachable, sink);
  }

  /** Moves the clock on: sessions, held fragments and held SYNs that have ended by `nowNs` go. Answers and probes go to `sink`. */
  advance(nowNs: number, sink: PacketSink): void {
    this.nowNs = Math.max(this.nowNs, nowNs);
    const { sessions, fragments } = this.mapper;
    if (this.nowNs >= sessions.nextEndNs) this.expireSessions(sink);
    this.lostFragments += fragments.expire(this.nowNs) + this.zeroUdp.expire(this.nowNs);
    if (this.syns.count > 0) this.expireSyns(sink);
  }

  /** Gives up what is held: fragments and SYNs whose partners never came. */
  finish(sink: PacketSink): number {
    const { timers } = this.settings.spec.nat64;
    if (this.syns.count > 0 || this.mapper.fragments.heldCount > 0 || this.zeroUdp.heldCount > 0) {
      this.advance(this.nowNs + Math.max(timers.tcpIncomingSynS, timers.fragmentS) * NS, sink);
    }
    return this.nowNs;
  }

  private expireSessions(sink: PacketSink): void {
    const { sessions } = this.mapper;
    // An established session goes on as a transitory one: its lifetime comes after.
    for (let timer = 0; timer < this.lifetimesNs.length; timer++) {
      for (let e = sessions.takeEnded(timer, this.nowNs); e >= 0; e = sessions.takeEnded(timer, this.nowNs)) this.expire(e, sink);
    }
    sessions.rearm();
  }

  private expire(e: number, sink: PacketSink): void {
    const { sessions } = this.mapper;
    if (sessions.state(e) === TCP_STATE.established) {
      // RFC 6146 section 3.5.2.2: the session gets another four minutes, and the host inside a probe to answer.
      this.probe(e, sink);
      sessions.setState(e, TCP_STATE.transitory);
      sessions.touch(e, TIMER.transitory, sessions.endNs(e));
      return;
    }
    if (this.ftp?.keeps(e) === true) {
      sessions.setState(e, TCP_STATE.established);
      sessions.touch(e, TIMER.established, sessions.endNs(e));
      return;
    }
    this.mapper.drop(e, this.nowNs);
    this.expiredSessions++;
  }

  /** An empty segment with ACK and both numbers zero, to the host inside. */
  private probe(e: number, sink: PacketSink): void {
    const { bindings, sessions } = this.mapper;
    const binding = sessions.binding(e);
    const bytes = IPV6_BYTES + 20;
    const at = sink.reserve(bytes);
    const prefix = this.settings.pool6[sessions.prefix(e)];
    if (at < 0 || prefix === undefined) return;
    const out = sink.bytes;
    out.fill(0, at, at + bytes);
    putU32(out, at, 0x60000000);
    putU16(out, at + 4, 20);
    out[at + 6] = PROTOCOL.tcp;
    out[at + 7] = this.settings.spec.routeHopLimit;
    embed4(prefix, sessions.peer4(e), out, at + 8);
    bindings.write6(binding, out, at + 24);
    const t = at + IPV6_BYTES;
    putU16(out, t, sessions.peerPort(e));
    putU16(out, t + 2, bindings.port6(binding));
    out[t + 12] = 0x50;
    out[t + 13] = 0x10;
    putU16(out, t + 16, checksum(out, t, t + 20, pseudoSum6(out, at + 8, at + 24, PROTOCOL.tcp, 20)));
    sink.push(bytes, bytes, 6, SINK_KIND.error);
  }

  private expireSyns(sink: PacketSink): void {
    for (const syn of this.syns.ended(this.nowNs)) {
      this.refuse(syn, sink);
      this.lostSyns++;
    }
  }

  /** All sessions, oldest entry first; for tests. */
  rows(): SessionRow[] {
    return sessionRows(this.mapper);
  }
}
