import { NS_PER_MS, NS_PER_US, Random } from '../../base/index.ts';
import type { Capability, MeterSpec, NetworkSpec, SocketsSpec } from '../../contract/index.ts';
import {
  DROP_METER_HEAD,
  DROP_METER_RING_FULL,
  DROP_MBUF_NOMEM,
  DROP_PURGED,
  DROP_SOCK_CLOSED,
  DROP_SOCK_FULL,
  DROP_SOCK_OVERSIZE,
} from '../drop-reasons.ts';
import { Cells } from './cells.ts';
import { channelTrace, type ChannelTrace } from './conditions.ts';
import { DEFAULT_METER } from './defaults.ts';
import { DrainLaw } from './drain-law.ts';
import { ReleaseInterval } from './interval.ts';
import { MeterRings } from './meter-rings.ts';
import { capabilityChanges, type CapabilityChange } from './profiles.ts';
import { RingSizer } from './sizing.ts';
import { SocketQueue } from './socket-queue.ts';
import {
  SF_BLOCKED_SINCE,
  SF_LONGEST,
  SOCKET_ACTIVE,
  SOCKET_BLOCKED,
  SOCKET_CLOSED,
  SOCKET_FLOATS,
  SOCKET_WORDS,
  S_BUF_HEAD,
  S_BUF_PACKETS,
  S_BUF_TAIL,
  S_DEFICIT,
  S_DROPS,
  S_FILL,
  S_FLAGS,
  S_GIVEN,
  S_RING_HEAD,
  S_RING_PACKETS,
  S_RING_TAIL,
  S_STALLS,
  S_TICK,
  SF_FINISH,
  SocketTable,
} from './socket-table.ts';

/** Why a packet was released, for the trace and the cards. */
export const RELEASE_PORTION = 0;
export const RELEASE_FLUSH = 1;
export const RELEASE_BYPASS = 2;

/** Bytes of a link header beside the MTU, for the quantum of round robin. */
const LINK_HEADER_BYTES = 18;
/** Packets of blocked sockets that a flush steps over at one release. */
const MAX_FLUSH_SKIPS = 64;
/** An early wake never comes sooner after a release than this. */
const EARLY_GAP_NS = 100 * NS_PER_US;
/** Held for longer than this, a reader counts as stopped (1.3, edge cases). */
export const STALLED_NS = 10_000 * NS_PER_MS;
const NEVER = Number.POSITIVE_INFINITY;

/** Who is told what the meter does. Times stand in `now`, reads in `sockets.readNs`: a float64 argument would cost an allocation. */
export interface MeterHooks {
  /** A packet has left pool and ring for its socket; `cells.buflets` of it go back to the first pool. */
  released(meter: Meter, cell: number, rule: number): void;
  /** An application has read a packet. */
  read(meter: Meter, cell: number): void;
  /** A packet ends here. `held` says whether its buflets were still those of the first pool. */
  dropped(meter: Meter, cell: number, code: number, held: boolean): void;
  /** Data is held for a socket whose buffer is full. */
  stalled(meter: Meter, socket: number): void;
  /** A release is over. */
  ticked(meter: Meter, portions: number): void;
}

export interface MeterOptions {
  /** Null: no meter, packets go straight to the sockets. */
  readonly meter: MeterSpec | null;
  readonly sockets: SocketsSpec;
  readonly network: NetworkSpec | undefined;
  /** Packets that the first pool can hold. */
  readonly poolPackets: number;
  readonly seed: number;
  readonly hooks: MeterHooks;
}

/** B-10: what is counted. */
export class MeterCounters {
  rxPkts = 0;
  rxBytes = 0;
  ringFullDrop = 0;
  headDrop = 0;
  heldInPool = 0;
  sockFullDrop = 0;
  oversizeDrop = 0;
  closedDrop = 0;
  mbufDrop = 0;
  purge = 0;
  stall = 0;
  flushed = 0;
  wakeups = 0;
  idleWakeups = 0;
  portions = 0;
  releasedBytes = 0;
}

/**
 * The meter toward the legacy sockets of one queue (B-08 to B-21): rings of references to packets of the first pool, drained in
 * portions on an interval at a rate that follows the network, fair between sockets by deficit round robin.
 *
 *     take: first pool -> meter ring (or the waiting line, or a drop) -> tick: portion -> receive buffer -> read
 *
 * The owner calls `take` for each packet and `run` when `nextDueNs` comes.
 */
export class Meter {
  readonly enabled: boolean;
  readonly spec: MeterSpec;
  readonly cells: Cells;
  readonly sockets: SocketTable;
  readonly rings: MeterRings;
  readonly sizer: RingSizer;
  readonly law: DrainLaw;
  readonly interval: ReleaseInterval;
  readonly channel: ChannelTrace;
  readonly active = new SocketQueue();
  readonly counters = new MeterCounters();
  /** The instant that it is now. */
  readonly now = new Float64Array(1);
  lastReleaseNs = -NEVER;
  nextReleaseNs = NEVER;
  nextDueNs = NEVER;
  tickNumber = 0;
  blocked = 0;
  /** Socket whose turn was interrupted by the end of the last release; -1 if none. */
  resumed = -1;
  readonly perSocket: boolean;
  earlyNs = NEVER;
  /** Sockets that have had their portion in the release going on; they get no second turn in it. */
  private readonly finished = new SocketQueue();
  private ticking = false;
  private quantum = 0;
  /** Records of the network, and closes, that have come so far. */
  place = 1;
  closePlace = 0;
  private readonly hooks: MeterHooks;
  readonly changes: readonly CapabilityChange[];
  private readonly closes: readonly { readonly atNs: number; readonly socket: number }[];
  readonly random: Random;
  private readonly maxAddedNs: number;

  constructor(options: MeterOptions) {
    this.enabled = options.meter?.enable === true;
    this.spec = options.meter ?? DEFAULT_METER;
    this.hooks = options.hooks;
    this.cells = new Cells(options.poolPackets + options.sockets.mbufs + 1);
    this.sockets = new SocketTable(options.sockets, this.cells, {
      read: (cell) => {
        this.hooks.read(this, cell);
      },
      drained: (socket) => {
        this.unblock(socket);
      },
    });
    this.rings = new MeterRings(this.cells);
    this.changes = capabilityChanges(options.network);
    const { capability } = this.changes[0]!;
    this.sizer = new RingSizer(this.spec, capability);
    this.law = new DrainLaw(this.spec, capability);
    this.interval = new ReleaseInterval(this.spec, capability);
    this.channel = channelTrace(options.network?.conditions, options.seed);
    this.law.setChannel(this.channel.effectiveQuality, this.channel.currentBps);
    this.setQuantum(capability);
    this.perSocket = this.spec.grouping === 'socket';
    this.maxAddedNs = Math.round(this.spec.maxAddedDelayMs * NS_PER_MS);
    this.random = new Random(options.seed).fork('meter');
    this.closes = options.sockets.closes
      .map((close) => ({ atNs: Math.round(close.atMs * NS_PER_MS), socket: close.socket ?? -1 }))
      .sort((a, b) => a.atNs - b.atNs);
    this.rings.tokens[0] = this.depth(this.law.maxBps);
    this.schedule();
  }

  /** Packets inside: in rings, in the waiting line, in receive buffers. */
  get inside(): number {
    return this.cells.used;
  }

  /** The socket of a flow; packets without a flow record share the first. */
  socketOf(flow: number): number {
    return flow < 0 ? 0 : flow < this.sockets.limit ? flow : flow % this.sockets.limit;
  }

  setQuantum(capability: Capability): void {
    this.quantum = capability.mtu + LINK_HEADER_BYTES;
  }

  // Taking packets in.

  /**
   * Takes a packet that the switch hands over at `now[0]`, for its socket. Returns how many of its `buflets` stay in use in the first
   * pool. The packet came to the device at `arrivalNs[at]`.
   */
  take(number: number, flow: number, lenBytes: number, buflets: number, arrivalNs: Float64Array, at: number): number {
    const { cells, sockets, counters } = this;
    const tNs = this.now[0]!;
    if (tNs >= this.channel.nextNs) this.advanceChannel(tNs);
    const socket = this.socketOf(flow);
    sockets.make(socket);
    counters.rxPkts++;
    counters.rxBytes += lenBytes;
    this.law.arrived(arrivalNs[at]!, lenBytes);
    this.interval.arrived(tNs, lenBytes);
    const cell = cells.alloc();
    cells.number[cell] = number;
    cells.flow[cell] = flow;
    cells.lenBytes[cell] = lenBytes;
    cells.socket[cell] = socket;
    cells.buflets[cell] = buflets;
    cells.arrivalNs[cell] = arrivalNs[at]!;
    cells.switchedNs[cell] = tNs;
    if ((sockets.words[socket * SOCKET_WORDS + S_FLAGS]! & SOCKET_CLOSED) !== 0) {
      counters.closedDrop++;
      return this.refuse(cell, DROP_SOCK_CLOSED);
    }
    if (lenBytes > sockets.maxUnitBytes) {
      counters.oversizeDrop++;
      return this.refuse(cell, DROP_SOCK_OVERSIZE);
    }
    return this.enabled ? this.takeMetered(cell, socket) : this.takeDirect(cell, socket);
  }

  /** B-21: the meter is off. */
  private takeDirect(cell: number, socket: number): number {
    const { cells, sockets, counters } = this;
    const tNs = this.now[0]!;
    sockets.catchUp(socket, tNs);
    if (sockets.rcvbufBytes - sockets.words[socket * SOCKET_WORDS + S_FILL]! < cells.lenBytes[cell]!) {
      counters.sockFullDrop++;
      sockets.wake(socket, tNs);
      const left = this.refuse(cell, DROP_SOCK_FULL);
      this.schedule();
      return left;
    }
    if (!this.haveMbuf(tNs)) {
      counters.mbufDrop++;
      return this.refuse(cell, DROP_MBUF_NOMEM);
    }
    cells.ringNs[cell] = tNs;
    cells.releasedNs[cell] = tNs;
    counters.releasedBytes += cells.lenBytes[cell]!;
    this.hooks.released(this, cell, RELEASE_BYPASS);
    sockets.append(socket, cell, tNs);
    this.schedule();
    return 0;
  }

  private haveMbuf(tNs: number): boolean {
    const { sockets } = this;
    if (sockets.mbufsUsed < sockets.mbufs) return true;
    sockets.catchUpAll(tNs);
    return sockets.mbufsUsed < sockets.mbufs;
  }

  private takeMetered(cell: number, socket: number): number {
    const { cells, rings, counters, spec } = this;
    const ring = this.perSocket ? socket : 0;
    if (ring >= rings.count) rings.make(ring, this.depth(this.law.maxBps));
    const size = this.sizer.slots;
    const slots = Math.min(size, Math.ceil(cells.lenBytes[cell]! / spec.slotBytes));
    cells.slots[cell] = slots;
    if (rings.used[ring]! + slots > size || rings.waiting[ring]! > 0) {
      if (spec.overflow === 'hold_in_pool') {
        counters.heldInPool++;
        rings.wait(ring, cell);
        return cells.buflets[cell]!;
      }
      if (spec.overflow === 'head_drop') this.dropOldest(ring, size - slots);
      if (rings.used[ring]! + slots > size) {
        counters.ringFullDrop++;
        return this.refuse(cell, DROP_METER_RING_FULL);
      }
    }
    const kept = cells.buflets[cell]!;
    this.enqueue(ring, socket, cell);
    return kept;
  }

  private enqueue(ring: number, socket: number, cell: number): void {
    const { cells, rings, sockets } = this;
    const tNs = this.now[0]!;
    const { words } = sockets;
    const w = socket * SOCKET_WORDS;
    if (rings.used[ring] === 0) rings.rateBps[ring] = 0;
    rings.add(ring, cell, tNs);
    const rate = this.law.rateFor(rings.bytes[ring]!);
    if (rate > rings.rateBps[ring]!) rings.rateBps[ring] = rate;
    const tail = words[w + S_RING_TAIL]!;
    cells.next[cell] = 0;
    if (tail === 0) words[w + S_RING_HEAD] = cell + 1;
    else cells.next[tail - 1] = cell + 1;
    words[w + S_RING_TAIL] = cell + 1;
    words[w + S_RING_PACKETS]!++;
    if ((words[w + S_FLAGS]! & (SOCKET_ACTIVE | SOCKET_BLOCKED)) === 0) this.activate(socket);
  }

  private activate(socket: number): void {
    this.sockets.words[socket * SOCKET_WORDS + S_FLAGS]! |= SOCKET_ACTIVE;
    this.active.pushBack(socket);
    if (!this.ticking && this.nextReleaseNs === NEVER) {
      const tNs = this.now[0]!;
      this.nextReleaseNs = this.bounded(tNs, Math.max(tNs, this.lastReleaseNs + this.interval.ns)) + this.lateness();
      this.schedule();
    }
  }

  private lateness(): number {
    return this.spec.jitterUs === 0 ? 0 : Math.floor(this.random.float() * this.spec.jitterUs * NS_PER_US);
  }

  /** Ends a packet that never came into ring or buffer. */
  private refuse(cell: number, code: number): number {
    this.sockets.words[this.cells.socket[cell]! * SOCKET_WORDS + S_DROPS]!++;
    this.hooks.dropped(this, cell, code, false);
    this.cells.release(cell);
    return 0;
  }

  /** Drops from the head of a ring until at most `room` slots are in use. */
  private dropOldest(ring: number, room: number): void {
    const { rings, cells } = this;
    while (rings.used[ring]! > room && rings.oldest[ring] !== 0) {
      const cell = rings.oldest[ring]! - 1;
      this.counters.headDrop++;
      this.unlinkHead(ring, cells.socket[cell]!, cell);
      this.end(cell, DROP_METER_HEAD);
    }
  }

  /** Takes the first packet of a socket out of its ring. The oldest of a ring is always the first of its socket. */
  private unlinkHead(ring: number, socket: number, cell: number): void {
    const { words } = this.sockets;
    const w = socket * SOCKET_WORDS;
    const next = this.cells.next[cell]!;
    words[w + S_RING_HEAD] = next;
    if (next === 0) words[w + S_RING_TAIL] = 0;
    words[w + S_RING_PACKETS]!--;
    this.rings.remove(ring, cell);
  }

  /** Drops a packet that holds buflets of the first pool. */
  private end(cell: number, code: number): void {
    this.sockets.words[this.cells.socket[cell]! * SOCKET_WORDS + S_DROPS]!++;
    this.hooks.dropped(this, cell, code, true);
    this.cells.release(cell);
  }

  // The clock.

  /** Does everything that is due at or before `tNs`; to be called when `nextDueNs` comes. */
  run(tNs: number): void {
    this.now[0] = tNs;
    while (this.place < this.changes.length && this.changes[this.place]!.atNs <= tNs) this.change(this.changes[this.place++]!);
    if (tNs >= this.sizer.shrinkNs) this.shrink(tNs);
    while (this.closePlace < this.closes.length && this.closes[this.closePlace]!.atNs <= tNs)
      this.close(this.closes[this.closePlace++]!.socket);
    if (tNs >= this.channel.nextNs) this.advanceChannel(tNs);
    if (this.blocked > 0) this.sockets.advanceWithin(tNs);
    else this.sockets.advance(tNs);
    if (tNs >= this.earlyNs) {
      this.earlyNs = NEVER;
      if (this.active.length > 0) this.nextReleaseNs = Math.max(tNs, this.lastReleaseNs + EARLY_GAP_NS);
    }
    if (tNs >= this.nextReleaseNs) this.tick(tNs);
    this.schedule();
  }

  private schedule(): void {
    let due = this.nextReleaseNs;
    if (this.sockets.nextNs < due) due = this.sockets.nextNs;
    if (this.earlyNs < due) due = this.earlyNs;
    if (this.place < this.changes.length && this.changes[this.place]!.atNs < due) due = this.changes[this.place]!.atNs;
    if (this.closePlace < this.closes.length && this.closes[this.closePlace]!.atNs < due) due = this.closes[this.closePlace]!.atNs;
    // Where more than the smaller size is inside at that instant, every release asks again.
    if (this.sizer.shrinkNs < due && this.sizer.shrinkNs > this.now[0]!) due = this.sizer.shrinkNs;
    this.nextDueNs = due;
  }

  private change(to: CapabilityChange): void {
    this.sizer.change(to.atNs, to.capability);
    this.law.setCapability(to.capability);
    this.interval.setCapability(to.capability);
    this.setQuantum(to.capability);
    this.adaptRates();
    for (let ring = 0; ring < this.rings.count; ring++) this.admit(ring);
  }

  private shrink(tNs: number): void {
    let most = 0;
    for (let ring = 0; ring < this.rings.count; ring++) most = Math.max(most, this.rings.used[ring]!);
    this.sizer.tryShrink(tNs, most);
  }

  private advanceChannel(tNs: number): void {
    if (this.channel.advance(tNs)) this.law.forget();
    this.law.setChannel(this.channel.effectiveQuality, this.channel.currentBps);
    this.adaptRates();
  }

  /** Rates anew for rings that hold something: channel or record have changed. */
  private adaptRates(): void {
    const { rings } = this;
    for (let ring = 0; ring < rings.count; ring++) if (rings.used[ring]! > 0) rings.rateBps[ring] = this.law.rateFor(rings.bytes[ring]!);
  }

  // Releasing.

  /** Bytes that a bucket can hold: what two intervals bring at this rate, and at least a portion. */
  private depth(rateBps: number): number {
    return Math.max(this.spec.portionCapBytes, (rateBps / 8e9) * 2 * this.interval.ns);
  }

  private refill(ring: number, tNs: number): void {
    const { rings } = this;
    const rate = rings.rateBps[ring]!;
    const tokens = rings.tokens[ring]! + ((tNs - rings.refillNs[ring]!) * rate) / 8e9;
    const depth = this.depth(rate);
    rings.tokens[ring] = tokens < depth ? tokens : depth;
    rings.refillNs[ring] = tNs;
  }

  /** One release (B-14): each socket with data gets at most one portion, in the order of deficit round robin. */
  private tick(tNs: number): void {
    const { counters, active } = this;
    this.lastReleaseNs = tNs;
    this.nextReleaseNs = NEVER;
    this.tickNumber++;
    this.ticking = true;
    counters.wakeups++;
    const before = counters.releasedBytes;
    const portions = counters.portions;
    if (!this.perSocket) {
      this.refill(0, tNs);
      this.flush(0, tNs);
    }
    while (active.length > 0) if (!this.serve(active.shift(), tNs)) break;
    while (this.finished.length > 0) active.pushBack(this.finished.shift());
    this.ticking = false;
    for (let ring = 0; this.rings.totalWaiting > 0 && ring < this.rings.count; ring++) this.admit(ring);
    if (tNs >= this.sizer.shrinkNs) this.shrink(tNs);
    if (counters.releasedBytes === before) counters.idleWakeups++;
    if (active.length > 0) this.nextReleaseNs = this.bounded(tNs, tNs + this.interval.ns) + this.lateness();
    this.hooks.ticked(this, counters.portions - portions);
  }

  /** A release at `dueNs`, or earlier if the oldest packet of the interface's ring may not wait so long. */
  private bounded(tNs: number, dueNs: number): number {
    const oldest = this.perSocket ? 0 : this.rings.oldest[0]!;
    const boundNs = oldest === 0 ? NEVER : this.cells.switchedNs[oldest - 1]! + this.maxAddedNs;
    return boundNs > tNs && boundNs < dueNs ? boundNs : dueNs;
  }

  /** Gives one turn to a socket. False if the ring has no tokens left, which ends the release. */
  private serve(socket: number, tNs: number): boolean {
    const { sockets, rings, cells, spec } = this;
    const { words } = sockets;
    const w = socket * SOCKET_WORDS;
    const ring = this.perSocket ? socket : 0;
    if (words[w + S_TICK] !== this.tickNumber) {
      words[w + S_TICK] = this.tickNumber;
      words[w + S_GIVEN] = 0;
      if (this.perSocket) this.refill(ring, tNs);
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
      const overdue = this.perSocket && tNs - cells.switchedNs[cell]! >= this.maxAddedNs;
      if (lenBytes > words[w + S_DEFICIT]!) {
        this.active.pushBack(socket);
        return true;
      }
      if (!overdue && given + turn > 0 && given + turn + lenBytes > spec.portionCapBytes) return this.finish(socket, turn);
      if (!overdue && rings.tokens[ring]! <= 0) {
        if (this.perSocket) return this.finish(socket, turn);
        return this.interrupt(socket);
      }
      if (sockets.rcvbufBytes - words[w + S_FILL]! < lenBytes) return this.leave(socket, lenBytes);
      if (!this.haveMbuf(tNs)) return this.interrupt(socket);
      if (given + turn === 0) this.counters.portions++;
      turn += lenBytes;
      words[w + S_DEFICIT]! -= lenBytes;
      words[w + S_GIVEN] = given + turn;
      this.release(ring, socket, cell, overdue ? RELEASE_FLUSH : RELEASE_PORTION);
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
    const w = socket * SOCKET_WORDS;
    if (turn === 0) this.sockets.words[w + S_DEFICIT] = Math.min(this.sockets.words[w + S_DEFICIT]!, this.quantum);
    this.finished.pushBack(socket);
    return true;
  }

  /** The socket leaves the round: it has no data, or (`needBytes` > 0) no room for its next packet, which is held (B-15). */
  private leave(socket: number, needBytes: number): boolean {
    const { sockets } = this;
    const { words } = sockets;
    const w = socket * SOCKET_WORDS;
    const tNs = this.now[0]!;
    words[w + S_DEFICIT] = 0;
    words[w + S_FLAGS]! &= ~SOCKET_ACTIVE;
    if (needBytes > 0) this.block(socket, needBytes, tNs);
    return true;
  }

  private block(socket: number, needBytes: number, tNs: number): void {
    const { sockets } = this;
    const w = socket * SOCKET_WORDS;
    sockets.words[w + S_FLAGS]! |= SOCKET_BLOCKED;
    sockets.words[w + S_STALLS]!++;
    sockets.floats[socket * SOCKET_FLOATS + SF_BLOCKED_SINCE] = tNs;
    this.blocked++;
    this.counters.stall++;
    // A full buffer wakes its application, whatever its low-water mark says: otherwise both would wait for ever.
    sockets.wake(socket, tNs);
    if (this.spec.earlyWake) this.earlyNs = Math.min(this.earlyNs, sockets.spaceAt(socket, needBytes));
    this.hooks.stalled(this, socket);
  }

  /** A blocked socket was brought up to date: it takes part again if its next packet fits now. */
  private unblock(socket: number): void {
    const { words, floats } = this.sockets;
    const w = socket * SOCKET_WORDS;
    const head = words[w + S_RING_HEAD]!;
    if (head !== 0 && this.sockets.rcvbufBytes - words[w + S_FILL]! < this.cells.lenBytes[head - 1]!) return;
    words[w + S_FLAGS]! &= ~SOCKET_BLOCKED;
    this.blocked--;
    const f = socket * SOCKET_FLOATS;
    const heldNs = this.now[0]! - floats[f + SF_BLOCKED_SINCE]!;
    if (heldNs > floats[f + SF_LONGEST]!) floats[f + SF_LONGEST] = heldNs;
    if (head !== 0) this.activate(socket);
  }

  private release(ring: number, socket: number, cell: number, rule: number): void {
    const { cells, rings, counters } = this;
    const tNs = this.now[0]!;
    const lenBytes = cells.lenBytes[cell]!;
    this.unlinkHead(ring, socket, cell);
    rings.tokens[ring]! -= lenBytes;
    counters.releasedBytes += lenBytes;
    cells.releasedNs[cell] = tNs;
    this.hooks.released(this, cell, rule);
    this.sockets.append(socket, cell, tNs);
  }

  /** Packets that have waited for the bound go to their sockets whatever rate and portion say; those of full sockets are held. */
  private flush(ring: number, tNs: number): void {
    const { rings, cells, sockets } = this;
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
      if (blocked || !first || !fits || !this.haveMbuf(tNs)) {
        if (++skips > MAX_FLUSH_SKIPS) return;
        continue;
      }
      this.counters.flushed++;
      this.release(ring, socket, cell, RELEASE_FLUSH);
    }
  }

  /** B-13: moves packets that wait in the pool into free slots, in the order in which they came. */
  private admit(ring: number): void {
    const { rings, cells } = this;
    while (rings.waiting[ring]! > 0) {
      const cell = rings.waitHead[ring]! - 1;
      const slots = Math.min(cells.slots[cell]!, this.sizer.slots);
      if (rings.used[ring]! + slots > this.sizer.slots) return;
      rings.unwait(ring);
      cells.slots[cell] = slots;
      const socket = cells.socket[cell]!;
      if ((this.sockets.words[socket * SOCKET_WORDS + S_FLAGS]! & SOCKET_CLOSED) !== 0) {
        this.counters.purge++;
        this.end(cell, DROP_PURGED);
      } else this.enqueue(ring, socket, cell);
    }
  }

  // Closing.

  /** A socket is closed, or all of them (-1): what waits for it is purged (1.3, edge cases). */
  private close(socket: number): void {
    const from = socket < 0 ? 0 : socket;
    const to = socket < 0 ? this.sockets.last : socket + 1;
    for (let s = from; s < to; s++) this.closeOne(s);
    for (let ring = 0; this.rings.totalWaiting > 0 && ring < this.rings.count; ring++) this.admit(ring);
  }

  private closeOne(socket: number): void {
    const { sockets, cells } = this;
    const tNs = this.now[0]!;
    sockets.make(socket);
    sockets.catchUp(socket, tNs);
    const w = socket * SOCKET_WORDS;
    const ring = this.perSocket ? socket : 0;
    const { words } = sockets;
    for (let head = words[w + S_RING_HEAD]!; head !== 0; head = words[w + S_RING_HEAD]!) {
      this.counters.purge++;
      this.unlinkHead(ring, socket, head - 1);
      this.end(head - 1, DROP_PURGED);
    }
    for (let head = words[w + S_BUF_HEAD]!; head !== 0;) {
      const cell = head - 1;
      head = cells.next[cell]!;
      this.counters.purge++;
      sockets.mbufsUsed--;
      sockets.memoryBytes -= cells.lenBytes[cell]!;
      words[w + S_DROPS]!++;
      this.hooks.dropped(this, cell, DROP_PURGED, false);
      cells.release(cell);
    }
    words[w + S_BUF_HEAD] = 0;
    words[w + S_BUF_TAIL] = 0;
    words[w + S_BUF_PACKETS] = 0;
    words[w + S_FILL] = 0;
    sockets.floats[socket * SOCKET_FLOATS + SF_FINISH] = NEVER;
    if ((words[w + S_FLAGS]! & SOCKET_BLOCKED) !== 0) this.blocked--;
    words[w + S_FLAGS] = (words[w + S_FLAGS]! & ~SOCKET_BLOCKED) | SOCKET_CLOSED;
  }

  /** The input has ended: applications that wait for more read what there is. */
  endOfInput(tNs: number): void {
    if (tNs > this.now[0]!) this.now[0] = tNs;
    this.sockets.endOfInput(this.now[0]!);
    this.schedule();
  }

  /** Brings every socket to `tNs`, so that what is shown of them holds for that instant. */
  catchUp(tNs: number): void {
    this.sockets.catchUpAll(tNs);
  }
}
