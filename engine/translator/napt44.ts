import { putU32 } from '../base/index.ts';
import type { Napt44Spec } from '../contract/index.ts';
import { BindingTable } from './bindings.ts';
import { finishHash, mixHash } from './hash-slots.ts';
import type { BindingListener } from './nat64-mapper.ts';
import type { PortSet } from './map-rules.ts';
import { PROTOCOL } from './packet-view.ts';
import { REASON } from './reasons.ts';
import { lifetimesNs, SessionTable, TIMER } from './sessions.ts';
import { KEEP_TIMER, nextTcpState, stateOf, TCP_FLAG, TCP_STATE, timerOf } from './tcp-state.ts';

/** First two words of an IPv4-mapped address, ::ffff:0:0/96: the tables know hosts inside by it. */
const MAPPED = 0xffff;
const FIRST_USER_PORT = 1_024;

/** A packet as the tables see it: this end, which is the host inside or the edge itself, and its peer. Ports are identifiers for ICMP, 0 for the peer. */
export interface Ends {
  protocol: number;
  address4: number;
  port: number;
  peer: number;
  peerPort: number;
  /** Of TCP. */
  flags: number;
}

/**
 * NAPT44 of a MAP customer edge (RFC 7599 sections 8.1 and 11): hosts inside get the address of the edge and a port, or identifier of ICMP queries,
 * of its port set. Mapping does not depend on the peer (RFC 4787 REQ-1); a host's own port is kept where it is in the set and free, else one of the
 * same parity is taken (REQ-4), else any. TCP states and lifetimes are those of NAT64 (RFC 6146 section 3.5.2.2, the times of RFC 5382 REQ-5 and
 * RFC 5508 REQ-1 among them). The tables are those of NAT64 too, with IPv4-mapped addresses for the inside.
 */
export class Napt44 {
  readonly bindings: BindingTable;
  readonly sessions: SessionTable;
  /** Result of the last call: the outside of a host inside, or the host inside. */
  address4 = 0;
  port = 0;
  /** Session of the last packet, -1 for none. */
  session = -1;
  expired = 0;
  onBinding: BindingListener | undefined;
  private readonly ports: PortSet;
  private readonly dependent: boolean;
  private readonly timers: number;
  private nowNs = 0;
  private readonly key = new Uint8Array(16);

  constructor(spec: Napt44Spec, ports: PortSet) {
    const lifetimes = lifetimesNs({ ...spec.timers, tcpIncomingSynS: spec.timers.tcpTransitoryS, fragmentS: 0 });
    this.bindings = new BindingTable(spec.maxBindings);
    this.sessions = new SessionTable(spec.maxSessions, this.bindings, lifetimes);
    this.timers = lifetimes.length;
    this.ports = ports;
    this.dependent = spec.filtering === 'address-dependent';
    putU32(this.key, 8, MAPPED);
  }

  /**
   * A packet from a host inside; `own4` is the address of the edge. `opens`: it may begin a conversation that is not there. Leaves its outside in
   * `address4` and `port`. Returns a reason, 0 for fine.
   */
  outgoing(ends: Ends, opens: boolean, own4: number): number {
    const { sessions, bindings } = this;
    const { protocol, address4, port } = ends;
    this.session = -1;
    const e = this.findInside(ends);
    if (e >= 0) {
      this.outside(e);
      this.use(e, ends, true);
      return 0;
    }
    putU32(this.key, 12, address4);
    let binding = bindings.find6(protocol, this.key, 0, port);
    if (binding < 0) {
      if (!opens) return REASON.naptNoState;
      if (sessions.count >= sessions.capacity) return REASON.sessionsFull;
      if (bindings.count >= bindings.capacity) return REASON.bindingsFull;
      const chosen = this.choose(ends, own4);
      if (chosen < 0) return REASON.naptPortsUsed;
      binding = bindings.add(protocol, this.key, 0, port, own4, chosen, false);
      this.onBinding?.('created', binding, this.nowNs);
    }
    this.address4 = bindings.address4(binding);
    this.port = bindings.port4(binding);
    return this.open(binding, ends, true);
  }

  /** A packet to a port of the edge; as `outgoing`, but leaves the host inside. */
  incoming(ends: Ends): number {
    const { sessions, bindings } = this;
    const { protocol, address4, port, peer } = ends;
    this.session = -1;
    const e = this.findOutside(ends);
    if (e >= 0) {
      this.inside(e);
      this.use(e, ends, false);
      return 0;
    }
    const binding = bindings.find4(protocol, address4, port);
    if (binding < 0) return REASON.naptNoBinding;
    if (this.dependent && !sessions.knows(binding, peer)) return REASON.naptFiltered;
    this.address4 = bindings.word6(binding, 3) >>> 0;
    this.port = bindings.port6(binding);
    return this.open(binding, ends, false);
  }

  /** The host inside of a packet that went out from a port of the edge and is quoted in an error; changes no table. */
  insideOf(ends: Ends): number {
    const e = this.findOutside(ends);
    if (e < 0) return REASON.naptNoBinding;
    this.inside(e);
    return 0;
  }

  /** The outside of a packet that came in to a host inside and is quoted in an error. */
  outsideOf(ends: Ends): number {
    const e = this.findInside(ends);
    if (e < 0) return REASON.naptNoBinding;
    this.outside(e);
    return 0;
  }

  private findInside({ protocol, address4, port, peer, peerPort }: Ends): number {
    return this.sessions.find6(protocol, 0, 0, MAPPED, address4 | 0, (port << 16) | peerPort, peer | 0);
  }

  private findOutside({ protocol, address4, port, peer, peerPort }: Ends): number {
    return this.sessions.find4(protocol, address4, port, peer, peerPort);
  }

  private inside(e: number): void {
    this.address4 = this.sessions.word6(e, 3) >>> 0;
    this.port = this.sessions.port6(e);
  }

  private outside(e: number): void {
    this.address4 = this.sessions.address4(e);
    this.port = this.sessions.port4(e);
  }

  /** A free port of the set, -1 where there is none. */
  private choose({ protocol, address4, port }: Ends, own4: number): number {
    const { ports, bindings } = this;
    if (ports.holds(port) && bindings.find4(protocol, own4, port) < 0) return port;
    const first = finishHash(mixHash(mixHash(0, address4), port));
    for (let strict = 1; strict >= 0; strict--) {
      for (let i = 0; i < ports.count; i++) {
        const candidate = ports.at((first + i) % ports.count);
        const low = candidate < FIRST_USER_PORT && protocol !== PROTOCOL.icmp;
        if (low || (strict === 1 && ((candidate ^ port) & 1) !== 0)) continue;
        if (bindings.find4(protocol, own4, candidate) < 0) return candidate;
      }
    }
    return -1;
  }

  private open(binding: number, { protocol, peer, peerPort, flags }: Ends, out: boolean): number {
    // Other segments pass by the binding and make no session, as in NAT64.
    if (protocol === PROTOCOL.tcp && (flags & TCP_FLAG.syn) === 0) return 0;
    const state = protocol !== PROTOCOL.tcp ? TCP_STATE.closed : out ? TCP_STATE.v6Init : TCP_STATE.v4Init;
    const timer = protocol === PROTOCOL.udp ? TIMER.udp : protocol === PROTOCOL.icmp ? TIMER.icmp : TIMER.transitory;
    const e = this.sessions.add(binding, peer, peerPort, 0, state, timer, this.nowNs);
    if (e < 0) return REASON.sessionsFull;
    this.session = e;
    this.sessions.countPacket(e);
    return 0;
  }

  private use(e: number, { protocol, flags }: Ends, out: boolean): void {
    const { sessions, nowNs } = this;
    this.session = e;
    sessions.countPacket(e);
    if (protocol !== PROTOCOL.tcp) {
      // RFC 4787 REQ-6: what goes out keeps a UDP mapping alive, and so does what comes in.
      sessions.touch(e, sessions.timer(e), nowNs);
      return;
    }
    const next = nextTcpState(sessions.state(e), out, flags);
    if (stateOf(next) !== sessions.state(e)) sessions.setState(e, stateOf(next));
    if (timerOf(next) !== KEEP_TIMER) sessions.touch(e, timerOf(next), nowNs);
  }

  /** Moves the clock on: sessions that have ended by `nowNs` go, and bindings with their last one. */
  advance(nowNs: number): void {
    const { sessions } = this;
    this.nowNs = nowNs;
    if (nowNs < sessions.nextEndNs) return;
    for (let timer = 0; timer < this.timers; timer++) {
      for (let e = sessions.takeEnded(timer, nowNs); e >= 0; e = sessions.takeEnded(timer, nowNs)) this.end(e);
    }
    sessions.rearm();
  }

  private end(e: number): void {
    const { sessions, bindings } = this;
    if (sessions.state(e) === TCP_STATE.established) {
      sessions.setState(e, TCP_STATE.transitory);
      sessions.touch(e, TIMER.transitory, sessions.endNs(e));
      return;
    }
    const binding = sessions.binding(e);
    sessions.remove(e);
    this.expired++;
    if (bindings.sessions(binding) > 0) return;
    this.onBinding?.('removed', binding, this.nowNs);
    bindings.remove(binding);
  }
}
