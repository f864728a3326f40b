import { NS_PER_MS, NS_PER_US, Random } from '../../base/index.ts';
import type { Capability } from '../../contract/index.ts';
import { RELEASE_FLUSH, RELEASE_PORTION } from './hooks.ts';
import type { MeterParts } from './meter-base.ts';
import { SocketQueue } from './socket-queue.ts';
import {
  SF_BLOCKED_SINCE,
  SF_LONGEST,
  SOCKET_ACTIVE,
  SOCKET_BLOCKED,
  SOCKET_FLOATS,
  SOCKET_WORDS,
  S_DEFICIT,
  S_FILL,
  S_FLAGS,
  S_GIVEN,
  S_RING_HEAD,
  S_STALLS,
  S_TICK,
} from './socket-words.ts';

/** Bytes of a link header beside the MTU, for the quantum of round robin. */
const LINK_HEADER_BYTES = 18;
/** Packets of blocked sockets that a flush steps over at one release. */
const MAX_FLUSH_SKIPS = 64;
/** An early wake never comes sooner after a release than this. */
const EARLY_GAP_NS = 100 * NS_PER_US;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * When data leaves the rings, and whose: releases on the interval (B-14, B-17), one portion a socket in the order of deficit round
 * robin (B-20), sockets without room held until their readers make some (B-15), and the bound on added delay.
 */
export class PortionScheduler {
  /** Sockets with data and room, in the order of their turns. */
  readonly active = new SocketQueue();
  lastReleaseNs = -NEVER;
  /** Infinity while no socket is active. */
  nextReleaseNs = NEVER;
  /** A reader will have made room by then (`earlyWake`). */
  earlyNs = NEVER;
  tickNumber = 0;
  /** Sockets for which data is held. */
  blocked = 0;
  /** Socket whose turn was interrupted by the end of the last release; -1 if none. */
  resumed = -1;
  readonly random: Random;
  private readonly meter: MeterParts;
  /** Sockets that have had their portion in the release going on; they get no second turn in it. */
  private readonly finished = new SocketQueue();
  private readonly maxAddedNs: number;
  private ticking = false;
  private quantum = 0;

  constructor(meter: MeterParts, seed: number) {
    this.meter = meter;
    this.maxAddedNs = Math.round(meter.spec.maxAddedDelayMs * NS_PER_MS);
    this.random = new Random(seed).fork('meter');
    this.setQuantum(meter.changes[0]!.capability);
  }

  /** A turn of round robin is worth one packet of the largest size. */
  setQuantum(capability: Capability): void {
    this.quantum = capability.mtu + LINK_HEADER_BYTES;
  }

  /** A socket takes part from now on; if nothing was going on, the clock starts. */
  activate(socket: number): void {
    this.meter.sockets.words[socket * SOCKET_WORDS + S_FLAGS]! |= SOCKET_ACTIVE;
    this.active.pushBack(socket);
    if (this.ticking || this.nextReleaseNs !== NEVER) return;
    const tNs = this.meter.now[0]!;
    this.nextReleaseNs = this.bounded(tNs, Math.max(tNs, this.lastReleaseNs + this.meter.interval.ns)) + this.lateness();
  }

  private lateness(): number {
    const { jitterUs } = this.meter.spec;
    return jitterUs === 0 ? 0 : Math.floor(this.random.float() * jitterUs * NS_PER_US);
  }

  /** A release at `dueNs`, or earlier if the oldest packet of the interface's ring may not wait so long. */
  private bounded(tNs: number, dueNs: number): number {
    const { perSocket, rings, cells } = this.meter;
    const oldest = perSocket ? 0 : rings.oldest[0]!;
    const boundNs = oldest === 0 ? NEVER : cells.switchedNs[oldest - 1]! + this.maxAddedNs;
    return boundNs > tNs && boundNs < dueNs ? boundNs : dueNs;
  }

  /** Brings the release forward where a reader has made room by `tNs`. */
  wakeEarly(tNs: number): void {
    if (tNs < this.earlyNs) return;
    this.earlyNs = NEVER;
    if (this.active.length > 0) this.nextReleaseNs = Math.max(tNs, this.lastReleaseNs + EARLY_GAP_NS);
  }

  /** One release (B-14): each socket with data gets at most one portion, in the order of deficit round robin. */
  release(tNs: number): void {
    const { active, meter } = this;
    this.lastReleaseNs = tNs;
    this.nextReleaseNs = NEVER;
    this.tickNumber++;
    this.ticking = true;
    if (!meter.perSocket) {
      this.refill(0, tNs);
      this.flush(0, tNs);
    }
    while (active.length > 0) if (!this.serve(active.shift(), tNs)) break;
    while (this.finished.length > 0) active.pushBack(this.finished.shift());
    this.ticking = false;
  }

  /** When the next release is, after one at `tNs` and what it has made room for. */
  planNext(tNs: number): void {
    if (this.active.length > 0) this.nextReleaseNs = this.bounded(tNs, tNs + this.meter.interval.ns) + this.lateness();
  }

  private refill(ring: number, tNs: number): void {
    const { rings } = this.meter;
    const rate = rings.rateBps[ring]!;
    const tokens = rings.tokens[ring]! + ((tNs - rings.refillNs[ring]!) * rate) / 8e9;
    const depth = this.meter.depthBytes(rate);
    rings.tokens[ring] = tokens < depth ? tokens : depth;
    rings.refillNs[ring] = tNs;
  }

  /** Gives one turn to a socket. False if the ring has no tokens left, which ends the release. */
  private serve(socket: number, tNs: number): boolean {
    const { sockets, rings, cells, spec, perSocket, counters } = this.meter;
    const { words } = sockets;
    const w = socket * SOCKET_WORDS;
    const ring = perSocket ? socket : 0;
    if (words[w + S_TICK] !== this.tickNumber) {
      words[w + S_TICK] = this.tickNumber;
      words[w + S_GIVEN] = 0;
      if (perSocket) this.refill(ring, tNs);
      sockets.catchUp(socket, tNs);
    }
    const given = words[w + S_GIVEN]!;
    if (socket !== this.resumed) words[w + S_DEFICIT]! += this.quantum;
    this.resumed = -1;
    let turn = 0;
    for (;;) {
      const head = words[w + S_RING_HEAD]!;
      if (head === 0) return this.leave(socket, 0);
      const cell = head - 1;
      const lenBytes = cells.lenBytes[cell]!;
      const overdue = perSocket && tNs - cells.switchedNs[cell]! >= this.maxAddedNs;
      if (lenBytes > words[w + S_DEFICIT]!) {
        this.active.pushBack(socket);
        return true;
      }
      if (!overdue && given + turn > 0 && given + turn + lenBytes > spec.portionCapBytes) return this.finish(socket, turn);
      if (!overdue && rings.tokens[ring]! <= 0) return perSocket ? this.finish(socket, turn) : this.interrupt(socket);
      if (sockets.rcvbufBytes - words[w + S_FILL]! < lenBytes) return this.leave(socket, lenBytes);
      if (!sockets.haveMbuf(tNs)) return this.interrupt(socket);
      if (given + turn === 0) counters.portions++;
      turn += lenBytes;
      words[w + S_DEFICIT]! -= lenBytes;
      words[w + S_GIVEN] = given + turn;
      this.give(ring, socket, cell, overdue ? RELEASE_FLUSH : RELEASE_PORTION);
    }
  }

  /** Tokens or mbufs are used up: the release ends, and the next goes on with the turn of this socket. */
  private interrupt(socket: number): boolean {
    this.active.pushFront(socket);
    this.resumed = socket;
    return false;
  }

  /** The socket has had its portion: it is finished until the next release. */
  private finish(socket: number, turn: number): boolean {
    const { words } = this.meter.sockets;
    const w = socket * SOCKET_WORDS;
    if (turn === 0) words[w + S_DEFICIT] = Math.min(words[w + S_DEFICIT]!, this.quantum);
    this.finished.pushBack(socket);
    return true;
  }

  /** The socket leaves the round: it has no data, or (`needBytes` > 0) no room for its next packet, which is held (B-15). */
  private leave(socket: number, needBytes: number): boolean {
    const { words } = this.meter.sockets;
    const w = socket * SOCKET_WORDS;
    words[w + S_DEFICIT] = 0;
    words[w + S_FLAGS]! &= ~SOCKET_ACTIVE;
    if (needBytes > 0) this.block(socket, needBytes);
    return true;
  }

  private block(socket: number, needBytes: number): void {
    const { sockets, counters, spec, hooks } = this.meter;
    const tNs = this.meter.now[0]!;
    const w = socket * SOCKET_WORDS;
    sockets.words[w + S_FLAGS]! |= SOCKET_BLOCKED;
    sockets.words[w + S_STALLS]!++;
    sockets.floats[socket * SOCKET_FLOATS + SF_BLOCKED_SINCE] = tNs;
    this.blocked++;
    counters.stall++;
    // A full buffer wakes its application, whatever its low-water mark says: otherwise both would wait for ever.
    sockets.wake(socket, tNs);
    if (spec.earlyWake) this.earlyNs = Math.min(this.earlyNs, sockets.spaceAt(socket, needBytes));
    hooks.stalled(this.meter, socket);
  }

  /** A blocked socket was brought up to date: it takes part again if its next packet fits now. */
  unblock(socket: number): void {
    const { sockets, cells, now } = this.meter;
    const { words, floats } = sockets;
    const w = socket * SOCKET_WORDS;
    const head = words[w + S_RING_HEAD]!;
    if (head !== 0 && sockets.rcvbufBytes - words[w + S_FILL]! < cells.lenBytes[head - 1]!) return;
    words[w + S_FLAGS]! &= ~SOCKET_BLOCKED;
    this.blocked--;
    const f = socket * SOCKET_FLOATS;
    const heldNs = now[0]! - floats[f + SF_BLOCKED_SINCE]!;
    if (heldNs > floats[f + SF_LONGEST]!) floats[f + SF_LONGEST] = heldNs;
    if (head !== 0) this.activate(socket);
  }

  /** A packet goes from its ring to its socket. */
  private give(ring: number, socket: number, cell: number, rule: number): void {
    const { meter } = this;
    const { cells, rings, sockets } = meter;
    const tNs = meter.now[0]!;
    const lenBytes = cells.lenBytes[cell]!;
    meter.unlinkHead(ring, socket, cell);
    rings.tokens[ring]! -= lenBytes;
    meter.counters.releasedBytes += lenBytes;
    cells.releasedNs[cell] = tNs;
    meter.hooks.released(meter, cell, rule);
    sockets.append(socket, cell, tNs);
  }

  /** Packets that have waited for the bound go to their sockets whatever rate and portion say; those of full sockets are held. */
  private flush(ring: number, tNs: number): void {
    const { rings, cells, sockets, counters } = this.meter;
    let skips = 0;
    for (let at = rings.oldest[ring]!; at !== 0;) {
      const cell = at - 1;
      if (tNs - cells.switchedNs[cell]! < this.maxAddedNs) return;
      at = cells.newer[cell]!;
      const socket = cells.socket[cell]!;
      const w = socket * SOCKET_WORDS;
      sockets.catchUp(socket, tNs);
      const blocked = (sockets.words[w + S_FLAGS]! & SOCKET_BLOCKED) !== 0;
      const first = sockets.words[w + S_RING_HEAD] === cell + 1;
      const fits = sockets.rcvbufBytes - sockets.words[w + S_FILL]! >= cells.lenBytes[cell]!;
      if (blocked || !first || !fits || !sockets.haveMbuf(tNs)) {
        if (++skips > MAX_FLUSH_SKIPS) return;
        continue;
      }
      counters.flushed++;
      this.give(ring, socket, cell, RELEASE_FLUSH);
    }
  }
}
