import { NS_PER_MS } from '../../base/index.ts';
import { DROP_MBUF_NOMEM, DROP_PURGED, DROP_SOCK_CLOSED, DROP_SOCK_FULL, DROP_SOCK_OVERSIZE } from '../drop-reasons.ts';
import { RELEASE_BYPASS } from './hooks.ts';
import { MeterParts, type MeterOptions } from './meter-base.ts';
import { PortionScheduler } from './portion-scheduler.ts';
import type { CapabilityChange } from './profiles.ts';
import { RingIntake } from './ring-intake.ts';
import { SOCKET_BLOCKED, SOCKET_CLOSED, SOCKET_WORDS, S_FILL, S_FLAGS, S_RING_HEAD } from './socket-words.ts';

/** Held for longer than this, a reader counts as stopped (1.3, edge cases). */
export const STALLED_NS = 10_000 * NS_PER_MS;

/**
 * The meter toward the legacy sockets of one queue (B-08 to B-21): rings of references to packets of the first pool, drained in
 * portions on an interval at a rate that follows the network, fair between sockets by deficit round robin.
 *
 *     take: first pool -> meter ring (or the waiting line, or a drop) -> release: portion -> receive buffer -> read
 *
 * The owner calls `take` for each packet and `run` when `nextDueNs` comes.
 */
export class Meter extends MeterParts {
  readonly scheduler: PortionScheduler;
  nextDueNs = Number.POSITIVE_INFINITY;
  /** Records of the network, and closes, that have come so far. */
  place = 1;
  closePlace = 0;
  private readonly intake: RingIntake;
  private readonly closes: readonly { readonly atNs: number; readonly socket: number }[];

  constructor(options: MeterOptions) {
    super(options);
    this.scheduler = new PortionScheduler(this, options.seed);
    this.intake = new RingIntake(this, this.scheduler);
    this.closes = options.sockets.closes
      .map((close) => ({ atNs: Math.round(close.atMs * NS_PER_MS), socket: close.socket ?? -1 }))
      .sort((a, b) => a.atNs - b.atNs);
    this.schedule();
  }

  protected override drained(socket: number): void {
    this.scheduler.unblock(socket);
  }

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
    if (!this.enabled) return this.takeDirect(cell, socket);
    const releaseNs = this.scheduler.nextReleaseNs;
    const kept = this.intake.take(cell, socket);
    if (this.scheduler.nextReleaseNs !== releaseNs) this.schedule();
    return kept;
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
    if (!sockets.haveMbuf(tNs)) {
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

  /** Ends a packet that never came into ring or buffer: no buflet of it stays in use. */
  private refuse(cell: number, code: number): number {
    this.drop(cell, code, false);
    return 0;
  }

  /** Does everything that is due at or before `tNs`; to be called when `nextDueNs` comes. */
  run(tNs: number): void {
    const { sockets, scheduler } = this;
    this.now[0] = tNs;
    while (this.place < this.changes.length && this.changes[this.place]!.atNs <= tNs) this.change(this.changes[this.place++]!);
    if (tNs >= this.sizer.shrinkNs) this.shrink(tNs);
    while (this.closePlace < this.closes.length && this.closes[this.closePlace]!.atNs <= tNs)
      this.close(this.closes[this.closePlace++]!.socket);
    if (tNs >= this.channel.nextNs) this.advanceChannel(tNs);
    if (scheduler.blocked > 0) sockets.advanceWithin(tNs);
    else sockets.advance(tNs);
    scheduler.wakeEarly(tNs);
    if (tNs >= scheduler.nextReleaseNs) this.release(tNs);
    this.schedule();
  }

  private schedule(): void {
    const { scheduler, sockets, changes, closes, sizer } = this;
    let due = scheduler.nextReleaseNs;
    if (sockets.nextNs < due) due = sockets.nextNs;
    if (scheduler.earlyNs < due) due = scheduler.earlyNs;
    if (this.place < changes.length && changes[this.place]!.atNs < due) due = changes[this.place]!.atNs;
    if (this.closePlace < closes.length && closes[this.closePlace]!.atNs < due) due = closes[this.closePlace]!.atNs;
    // Where more than the smaller size is inside at that instant, every release asks again.
    if (sizer.shrinkNs < due && sizer.shrinkNs > this.now[0]!) due = sizer.shrinkNs;
    this.nextDueNs = due;
  }

  private release(tNs: number): void {
    const { counters, scheduler } = this;
    counters.wakeups++;
    const { releasedBytes, portions } = counters;
    scheduler.release(tNs);
    this.intake.admitWaiting();
    if (tNs >= this.sizer.shrinkNs) this.shrink(tNs);
    if (counters.releasedBytes === releasedBytes) counters.idleWakeups++;
    scheduler.planNext(tNs);
    this.hooks.ticked(this, counters.portions - portions);
  }

  // What the network says.

  private change(to: CapabilityChange): void {
    this.sizer.change(to.atNs, to.capability);
    this.law.setCapability(to.capability);
    this.interval.setCapability(to.capability);
    this.scheduler.setQuantum(to.capability);
    this.adaptRates();
    this.intake.admitWaiting();
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

  // Closing.

  /** A socket is closed, or all of them (-1): what waits for it is purged (1.3, edge cases). */
  private close(socket: number): void {
    const from = socket < 0 ? 0 : socket;
    const to = socket < 0 ? this.sockets.last : socket + 1;
    for (let s = from; s < to; s++) this.closeOne(s);
    this.intake.admitWaiting();
  }

  private closeOne(socket: number): void {
    const { sockets, counters } = this;
    sockets.make(socket);
    sockets.catchUp(socket, this.now[0]!);
    const w = socket * SOCKET_WORDS;
    const { words } = sockets;
    for (let head = words[w + S_RING_HEAD]!; head !== 0; head = words[w + S_RING_HEAD]!) {
      counters.purge++;
      this.unlinkHead(this.perSocket ? socket : 0, socket, head - 1);
      this.drop(head - 1, DROP_PURGED, true);
    }
    for (let cell = sockets.unread(socket); cell >= 0; cell = sockets.unread(socket)) {
      counters.purge++;
      this.drop(cell, DROP_PURGED, false);
    }
    if ((words[w + S_FLAGS]! & SOCKET_BLOCKED) !== 0) this.scheduler.blocked--;
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
