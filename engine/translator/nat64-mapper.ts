import { putU32, u16, u32 } from '../base/index.ts';
import { Alarms } from './alarms.ts';
import { BindingTable } from './bindings.ts';
import { FragmentTable, fragmentKey } from './fragment-table.ts';
import type { TableMemory } from './hash-slots.ts';
import { KEEP_PORT, type AddressMapper } from './mapper.ts';
import { OutsidePorts } from './outside-ports.ts';
import { PacketView, PROTOCOL } from './packet-view.ts';
import { Nat64Plain } from './plain-mappers.ts';
import type { PlainMapper } from './plain-path.ts';
import type { PortBlocks } from './port-blocks.ts';
import type { PortPools } from './port-pools.ts';
import { embed4, extract4, isGlobal4, isIllegalSource4 } from './prefix64.ts';
import { REASON } from './reasons.ts';
import { lifetimesNs, SessionTable, TIMER } from './sessions.ts';
import { inPrefixes4, type TranslatorSettings } from './settings.ts';
import { SubscriberCounts } from './subscriber-counts.ts';
import { SubscriberLimits, type AddressWord } from './subscriber-limits.ts';
import { KEEP_TIMER, nextTcpState, stateOf, TCP_FLAG, TCP_STATE, timerOf } from './tcp-state.ts';

/** What happened to a binding. `binding` may be read during the call only. */
export type BindingListener = (event: 'created' | 'removed', binding: number, nowNs: number) => void;

/** Stateful mapping (RFC 6146 sections 3.4 to 3.6) over the binding and session tables. */
export class Nat64Mapper implements AddressMapper {
  source4 = 0;
  destination4 = 0;
  readonly addresses6 = new Uint8Array(32);
  sourcePort = KEEP_PORT;
  destinationPort = KEEP_PORT;
  hairpin = false;
  /** Session of the last packet, -1 for none. */
  session = -1;
  onBinding: BindingListener | undefined;

  readonly bindings: BindingTable;
  readonly sessions: SessionTable;
  readonly fragments: FragmentTable;
  readonly subscribers: SubscriberCounts;
  /** Null where the configuration limits neither sessions nor their rate for one subscriber. */
  readonly limits: SubscriberLimits | null;
  readonly ports: OutsidePorts;
  readonly alarms: Alarms;
  /** The short way for packets of sessions that are there; null where the configuration has more than one prefix of 96 bits. */
  readonly plain: PlainMapper | null;
  private readonly settings: TranslatorSettings;
  private readonly maxSessionsPerBinding: number;
  private readonly pools: PortPools;
  private readonly quote = new PacketView();
  /** Bindings made for FTP transfers, each with the sessions it had opened when the last transfer was announced. */
  private readonly expected = new Map<number, number>();
  private prefix = 0;

  constructor(settings: TranslatorSettings, pools: PortPools, blocks: PortBlocks | undefined, memory?: TableMemory) {
    const { nat64 } = settings.spec;
    this.settings = settings;
    this.pools = pools;
    this.bindings = new BindingTable(nat64.maxBindings);
    this.sessions = new SessionTable(nat64.maxSessions, this.bindings, lifetimesNs(nat64.timers), memory);
    this.fragments = new FragmentTable(nat64.maxFragments, nat64.timers.fragmentS * 1e9);
    this.subscribers = new SubscriberCounts(nat64.maxBindings, nat64.subscriberPrefix);
    this.ports = new OutsidePorts(nat64, pools, blocks);
    if (blocks === undefined) this.bindings.rest(this.ports.resting);
    this.limits = SubscriberLimits.create(nat64, (word) => this.ports.resting.subscriber(word));
    this.maxSessionsPerBinding = nat64.maxSessionsPerBinding ?? Number.POSITIVE_INFINITY;
    this.alarms = new Alarms(nat64, blocks?.deterministic === true ? blocks.layout.total - blocks.layout.dynamic : 0);
    this.plain = Nat64Plain.create(this, settings);
  }

  /** Where ports are given by the block. */
  get blocks(): PortBlocks | undefined {
    return this.ports.blocks;
  }

  poolAddresses(): Generator<{ readonly address: number; readonly ports: number }> {
    return this.pools.addresses();
  }

  map64(view: PacketView, inner: boolean, nowNs: number): number {
    const { b, o } = view;
    this.hairpin = false;
    this.sourcePort = KEEP_PORT;
    this.destinationPort = KEEP_PORT;
    this.session = -1;
    if (inner) return this.quoted64(view);
    if (b[o + 24] === 0xff) return REASON.multicast;
    if (b[o + 8] === 0xff) return REASON.illegalSource;
    if (this.poolOf(b, o + 8) >= 0) return REASON.loop;
    const code = this.peer64(b, o + 24);
    if (code !== 0) return code;
    const turn = this.pools.holds(this.destination4);
    if (turn && !this.settings.spec.nat64.hairpin) return REASON.hairpinOff;
    this.hairpin = turn;
    if (view.icmpError) return this.error64(view);
    const protocol = view.protocol === PROTOCOL.icmpv6 ? PROTOCOL.icmp : view.protocol;
    if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp && protocol !== PROTOCOL.icmp) return REASON.unsupportedProtocol;
    if (view.fragmentOffset !== 0) return this.laterFragment(view);
    if (view.capturedBytes < (protocol === PROTOCOL.tcp ? 14 : 8)) return REASON.tooShort;
    return this.outgoing(view, protocol, nowNs);
  }

  /** First pool6 prefix that holds the address at `o`, or -1. */
  private poolOf(b: Uint8Array, o: number): number {
    const { pool6 } = this.settings;
    for (let i = 0; i < pool6.length; i++) if (extract4(pool6[i]!, b, o) >= 0) return i;
    return -1;
  }

  /** IPv4 peer of the IPv6 address at `o` to `destination4`. */
  private peer64(b: Uint8Array, o: number): number {
    const { pool6, globalOnly, deny4 } = this.settings;
    this.prefix = this.poolOf(b, o);
    if (this.prefix < 0) return REASON.notPool6;
    const v4 = extract4(pool6[this.prefix]!, b, o);
    if (globalOnly[this.prefix] === true && !isGlobal4(v4) && !this.pools.holds(v4)) return REASON.wellKnownPrivate;
    if (v4 >>> 28 === 0xe) return REASON.multicast;
    if (deny4.length > 0 && inPrefixes4(deny4, v4)) return REASON.denied;
    this.destination4 = v4;
    return 0;
  }

  private outgoing(view: PacketView, protocol: number, nowNs: number): number {
    const { b, o, transport: t } = view;
    const icmp = protocol === PROTOCOL.icmp;
    const port = u16(b, icmp ? t + 4 : t);
    const peerPort = icmp ? 0 : u16(b, t + 2);
    const flags = protocol === PROTOCOL.tcp ? b[t + 13]! : 0;
    const e = this.sessions.find6(
      protocol,
      u32(b, o + 8) | 0,
      u32(b, o + 12) | 0,
      u32(b, o + 16) | 0,
      u32(b, o + 20) | 0,
      (port << 16) | peerPort,
      this.destination4 | 0,
    );
    if (e >= 0) {
      this.source4 = this.sessions.address4(e);
      this.sourcePort = this.sessions.port4(e);
      this.use(e, protocol, true, flags, nowNs);
      return 0;
    }
    let binding = this.bindings.find6(protocol, b, o + 8, port);
    if (binding < 0) {
      // Without state only what opens a conversation makes it: a SYN, an echo request, any UDP.
      if (protocol === PROTOCOL.tcp && (flags & TCP_FLAG.syn) === 0) return REASON.tcpNoState;
      if (icmp && b[t] !== 128) return REASON.noBinding;
      binding = this.bind(protocol, b, o + 8, port, nowNs);
      if (binding < 0) return -binding;
    } else if (protocol !== PROTOCOL.tcp || (flags & TCP_FLAG.syn) !== 0) {
      const code = this.limited(binding, true, nowNs);
      if (code !== 0) return code;
    }
    this.source4 = this.bindings.address4(binding);
    this.sourcePort = this.bindings.port4(binding);
    return this.open(binding, this.destination4, peerPort, protocol, true, flags, nowNs);
  }

  /** New binding, or minus a reason. */
  private bind(protocol: number, b: Uint8Array, o: number, port: number, nowNs: number): number {
    const word = (i: number): number => u32(b, o + 4 * i);
    const binding = this.makeBinding(protocol, b, o, port, word, nowNs);
    if (binding < 0) this.alarms.refused(-binding, word, protocol, this.ports.full4, nowNs);
    return binding;
  }

  private makeBinding(protocol: number, b: Uint8Array, o: number, port: number, word: AddressWord, nowNs: number): number {
    const { nat64 } = this.settings.spec;
    if (this.subscribers.of(word) >= nat64.maxBindingsPerSubscriber) return -REASON.subscriberLimit;
    if (this.bindings.count >= this.bindings.capacity) return -REASON.bindingsFull;
    if (this.sessions.count >= this.sessions.capacity) return -REASON.sessionsFull;
    const refused = this.limits?.refusal(word, true, nowNs) ?? 0;
    if (refused !== 0) return -refused;
    const code = this.ports.choose(this.bindings, protocol, b, o, port, nowNs);
    if (code !== 0) return -code;
    const { address4, port4 } = this.ports;
    const binding = this.bindings.add(protocol, b, o, port, address4, port4, false);
    this.subscribers.add(word);
    this.onBinding?.('created', binding, nowNs);
    if (this.alarms.listener !== undefined) this.alarms.bound(this.bindings.count, this.subscribers.of(word), word, nowNs);
    return binding;
  }

  /** Why the host of the binding may not have another session, 0 if it may. */
  private limited(binding: number, fromInside: boolean, nowNs: number): number {
    const word = (i: number): number => this.bindings.word6(binding, i);
    const many = this.bindings.sessions(binding) >= this.maxSessionsPerBinding;
    const code = many ? REASON.bindingSessions : (this.limits?.refusal(word, fromInside, nowNs) ?? 0);
    if (code !== 0) this.alarms.refused(code, word, this.bindings.protocol(binding), -1, nowNs);
    return code;
  }

  private noRoom(binding: number, nowNs: number): number {
    this.alarms.refused(REASON.sessionsFull, (i) => this.bindings.word6(binding, i), this.bindings.protocol(binding), -1, nowNs);
    return REASON.sessionsFull;
  }

  /** IPv4 peer of the IPv6 address at `o`, -1 for none. */
  peerOf(b: Uint8Array, o: number): number {
    return this.peer64(b, o) === 0 ? this.destination4 : -1;
  }

  /**
   * Lets `peer4` connect to a TCP port of the host whose address is at `o`, as if it had sent a SYN there (RFC 6384 section 7.2); the peer is the one that
   * peerOf was asked for last. Returns the binding, or minus a reason.
   */
  expectTcp(b: Uint8Array, o: number, port: number, peer4: number, peerPort: number, nowNs: number): number {
    const { bindings, sessions } = this;
    const known = bindings.find6(PROTOCOL.tcp, b, o, port);
    const binding = known >= 0 ? known : this.bind(PROTOCOL.tcp, b, o, port, nowNs);
    if (binding >= 0 && (known < 0 || this.expected.has(binding))) this.expected.set(binding, sessions.countOpened(binding));
    if (binding < 0 || sessions.find(binding, peer4, peerPort) >= 0) return binding;
    const refused = known >= 0 ? this.limited(known, true, nowNs) : 0;
    if (refused !== 0) return -refused;
    const e = sessions.add(binding, peer4, peerPort, this.prefix, TCP_STATE.v6Init, TIMER.transitory, nowNs);
    if (e < 0) return -this.noRoom(binding, nowNs);
    this.limits?.opened((i) => bindings.word6(binding, i));
    return binding;
  }

  /** First packet between a binding and a peer: makes the session where it may. */
  private open(binding: number, peer4: number, peerPort: number, protocol: number, from6: boolean, flags: number, nowNs: number): number {
    const syn = (flags & TCP_FLAG.syn) !== 0;
    // RFC 6146 section 3.5.2.2, CLOSED: other segments pass by the binding and make no session.
    if (protocol === PROTOCOL.tcp && !syn) return 0;
    // One from inside has been asked for before its binding was made.
    const refused = from6 ? 0 : this.limited(binding, false, nowNs);
    if (refused !== 0) return refused;
    const state = protocol !== PROTOCOL.tcp ? TCP_STATE.closed : from6 ? TCP_STATE.v6Init : TCP_STATE.v4Init;
    const timer = protocol === PROTOCOL.udp ? TIMER.udp : protocol === PROTOCOL.icmp ? TIMER.icmp : TIMER.transitory;
    const e = this.sessions.add(binding, peer4, peerPort, from6 ? this.prefix : 0, state, timer, nowNs);
    if (e < 0) return this.noRoom(binding, nowNs);
    this.limits?.opened((i) => this.bindings.word6(binding, i));
    if (this.isPlainPeer(peer4)) this.sessions.setPlain(e);
    this.session = e;
    this.sessions.countPacket(e);
    return 0;
  }

  /** A host outside that no rule but the session's own speaks of. */
  private isPlainPeer(v4: number): boolean {
    const { globalOnly, deny4 } = this.settings;
    if (this.pools.holds(v4) || isIllegalSource4(v4) || v4 >>> 28 === 0xe) return false;
    return !(globalOnly.includes(true) && !isGlobal4(v4)) && !inPrefixes4(deny4, v4);
  }

  /** A plain packet of a session that is there, with its TCP flags: as `use`, and as if map64 or map46 had said so. */
  usePlain(e: number, protocol: number, from6: boolean, flags: number, nowNs: number): void {
    this.hairpin = false;
    this.session = e;
    if (!this.sessions.goesOn(e, flags, nowNs)) this.use(e, protocol, from6, flags, nowNs);
  }

  /** A packet of a session that is there: restarts its lifetime, or moves its TCP state on. */
  private use(e: number, protocol: number, from6: boolean, flags: number, nowNs: number): void {
    const { sessions } = this;
    this.session = e;
    sessions.countPacket(e);
    if (protocol !== PROTOCOL.tcp) {
      sessions.touch(e, sessions.timer(e), nowNs);
      return;
    }
    const before = sessions.state(e);
    const next = nextTcpState(before, from6, flags);
    if (stateOf(next) !== before) sessions.setState(e, stateOf(next));
    const timer = timerOf(next);
    if (timer !== KEEP_TIMER) sessions.touch(e, timer, nowNs);
  }

  /** Removes a session, and its binding with the last one (RFC 6146 section 3.1). */
  drop(e: number, nowNs: number): void {
    const binding = this.sessions.binding(e);
    const endNs = this.sessions.endNs(e);
    this.sessions.remove(e);
    const { bindings } = this;
    this.limits?.ended((i) => bindings.word6(binding, i));
    if (bindings.sessions(binding) !== 0 || bindings.fixed(binding)) return;
    this.onBinding?.('removed', binding, nowNs);
    this.expected.delete(binding);
    this.subscribers.remove((i) => bindings.word6(binding, i));
    this.ports.release(bindings, binding, endNs, nowNs);
    bindings.remove(binding);
  }

  private laterFragment(view: PacketView): number {
    const known = this.fragments.find(fragmentKey(view));
    if (known === undefined) return REASON.fragmentHeld;
    this.source4 = known.source4;
    this.destination4 = known.destination4;
    this.addresses6.set(known.addresses6);
    return 0;
  }

  /** An error passes for a session that is there and changes nothing of it (RFC 6146 section 3.5). Its source is what the session's host is outside. */
  private error64(view: PacketView): number {
    const { quote } = this;
    const at = view.transport + 8;
    const room = view.available - at;
    const { destination4 } = this;
    if (!view.icmpChecksumGood()) return REASON.icmpChecksum;
    if (quote.parse6(view.b, at, room, room, true) !== 0) return REASON.icmpInner;
    const code = this.quoted64(quote);
    if (code !== 0) return code;
    this.source4 = this.destination4;
    this.destination4 = destination4;
    return 0;
  }

  /** The packet quoted in an ICMPv6 error went from a peer to a host inside. */
  private quoted64(view: PacketView): number {
    const { b, o, transport: t } = view;
    const code = this.peer64(b, o + 8);
    if (code !== 0) return code;
    this.source4 = this.destination4;
    const icmp = view.protocol === PROTOCOL.icmpv6;
    if (view.fragmentOffset !== 0 || view.capturedBytes < (icmp ? 6 : 4)) return REASON.icmpInner;
    const binding = this.bindings.find6(icmp ? PROTOCOL.icmp : view.protocol, b, o + 24, u16(b, icmp ? t + 4 : t + 2));
    if (binding < 0 || this.sessions.find(binding, this.source4, icmp ? 0 : u16(b, t)) < 0) return REASON.noBinding;
    this.destination4 = this.bindings.address4(binding);
    this.sourcePort = KEEP_PORT;
    this.destinationPort = this.bindings.port4(binding);
    return 0;
  }

  map46(view: PacketView, inner: boolean, nowNs: number): number {
    const { b, o } = view;
    this.sourcePort = KEEP_PORT;
    this.destinationPort = KEEP_PORT;
    this.session = -1;
    if (inner) return this.quoted46(view);
    const source = u32(b, o + 12);
    const destination = u32(b, o + 16);
    if (destination >>> 28 === 0xe) return REASON.multicast;
    if (view.icmpError) return this.error46(view, source);
    if (isIllegalSource4(source)) return REASON.illegalSource;
    const { protocol, transport: t } = view;
    if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp && protocol !== PROTOCOL.icmp) return REASON.unsupportedProtocol;
    if (view.fragmentOffset !== 0) return this.laterFragment(view);
    if (view.capturedBytes < (protocol === PROTOCOL.tcp ? 14 : 8)) return REASON.tooShort;
    const icmp = protocol === PROTOCOL.icmp;
    const flags = protocol === PROTOCOL.tcp ? b[t + 13]! : 0;
    const opens = protocol === PROTOCOL.tcp && (flags & TCP_FLAG.syn) !== 0;
    const port = u16(b, icmp ? t + 4 : t + 2);
    const peerPort = icmp ? 0 : u16(b, t);
    const e = this.sessions.find4(protocol, destination, port, source, peerPort);
    if (e >= 0) {
      this.use(e, protocol, false, flags, nowNs);
      this.destinationPort = this.sessions.port6(e);
      for (let i = 0; i < 4; i++) putU32(this.addresses6, 16 + 4 * i, this.sessions.word6(e, i));
      return this.peer46(source, this.sessions.prefix(e));
    }
    const binding = this.bindings.find4(protocol, destination, port);
    if (binding < 0) return opens && this.pools.holds(destination) ? REASON.synHeld : REASON.noBinding;
    if (!this.admits(binding, source)) return opens ? REASON.synHeld : REASON.filtered;
    const code = this.open(binding, source, peerPort, protocol, false, flags, nowNs);
    if (code !== 0) return code;
    this.destinationPort = this.bindings.port6(binding);
    this.bindings.write6(binding, this.addresses6, 16);
    return this.peer46(source, 0);
  }

  /** A host that has no session with the binding may use it. One made for an FTP transfer is for that alone once it has begun (RFC 6384 section 7.2). */
  private admits(binding: number, source: number): boolean {
    const before = this.expected.get(binding);
    if (before !== undefined && this.sessions.countOpened(binding) > before) return false;
    return this.settings.spec.nat64.filtering === 'endpoint-independent' || this.sessions.knows(binding, source);
  }

  /** IPv6 address of the IPv4 peer, to the source. */
  private peer46(v4: number, prefix: number): number {
    const { pool6, globalOnly } = this.settings;
    if (pool6.length === 0) return REASON.noSource6;
    if (globalOnly[prefix] === true && !isGlobal4(v4) && !this.pools.holds(v4)) return REASON.wellKnownPrivate;
    embed4(pool6[prefix]!, v4, this.addresses6, 0);
    return 0;
  }

  private error46(view: PacketView, source: number): number {
    const { quote } = this;
    const at = view.transport + 8;
    const room = view.available - at;
    if (!view.icmpChecksumGood()) return REASON.icmpChecksum;
    if (quote.parse4(view.b, at, room, room, true, this.settings.spec.badHeaderChecksum === 'drop') !== 0) return REASON.icmpInner;
    const code = this.quoted46(quote);
    if (code !== 0) return code;
    this.addresses6.copyWithin(16, 0, 16);
    return this.peer46(source, this.prefix);
  }

  /** The packet quoted in an ICMP error went from a pool address to a peer. */
  private quoted46(view: PacketView): number {
    const { b, o, transport: t, protocol } = view;
    const icmp = protocol === PROTOCOL.icmp;
    if (view.fragmentOffset !== 0 || view.capturedBytes < (icmp ? 6 : 4)) return REASON.icmpInner;
    const binding = this.bindings.find4(protocol, u32(b, o + 12), u16(b, icmp ? t + 4 : t));
    const peer = u32(b, o + 16);
    const e = binding < 0 ? -1 : this.sessions.find(binding, peer, icmp ? 0 : u16(b, t + 2));
    if (e < 0) return REASON.noBinding;
    this.prefix = this.sessions.prefix(e);
    this.bindings.write6(binding, this.addresses6, 0);
    embed4(this.settings.pool6[this.prefix]!, peer, this.addresses6, 16);
    this.sourcePort = this.bindings.port6(binding);
    this.destinationPort = KEEP_PORT;
    return 0;
  }
}
