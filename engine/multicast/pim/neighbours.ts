import { NS_PER_MS, NS_PER_S, type Random } from '../../base/index.ts';
import { compareAddresses, type Family } from '../addresses.ts';
import { cancel, isRunning, type EventClock, type Timer } from '../clock.ts';
import type { PimHello } from '../messages/index.ts';
import { FOREVER_S, type PimSettings } from './settings.ts';

export interface Neighbour {
  readonly address: string;
  hello: PimHello;
  /** End of its hold time. */
  untilNs: number;
  timer: Timer | undefined;
}

export interface NeighbourEvents {
  sendHello(hello: PimHello): void;
  /** A neighbour came, went, or started anew (its generation id changed). */
  appeared(address: string): void;
  vanished(address: string): void;
  restarted(address: string): void;
  drChanged(): void;
  /** Neighbours tell the same secondary address: it is of the one that told it last. */
  conflict(address: string, before: string, now: string): void;
}

/** PIM neighbours of one interface, and the election of its designated router (RFC 7761 section 4.3). */
export class Neighbours {
  readonly family: Family;
  readonly address: string;
  dr: string;
  readonly drPriority: number;
  /** Hellos of neighbours for whom there was no room (M-24). */
  refused = 0;
  /** Secondary addresses that another neighbour had told before. */
  conflicts = 0;
  private readonly clock: EventClock;
  private readonly random: Random;
  private readonly settings: PimSettings;
  private readonly events: NeighbourEvents;
  private readonly translationRouter: number | null;
  private readonly known = new Map<string, Neighbour>();
  private readonly silent: boolean;
  private readonly most: number;
  private generationId = 0;
  private helloTimer: Timer | undefined;
  /** A Hello that answers a new neighbour: it does not move the periodic one. */
  private answerTimer: Timer | undefined;
  /** Somebody waits for a Hello: for the first one, or for an answer. */
  private awaited: '' | 'first' | 'answer' = '';

  constructor(
    ends: {
      readonly family: Family;
      readonly address: string;
      readonly drPriority: number;
      readonly translationRouter: number | null;
      /** The router only listens here: it says no Hello. */
      readonly silent: boolean;
      /** Neighbours at once. */
      readonly most: number;
    },
    clock: EventClock,
    random: Random,
    settings: PimSettings,
    events: NeighbourEvents,
  ) {
    this.family = ends.family;
    this.address = ends.address;
    this.dr = ends.address;
    this.drPriority = ends.drPriority;
    this.silent = ends.silent;
    this.most = ends.most;
    this.translationRouter = ends.translationRouter;
    this.clock = clock;
    this.random = random;
    this.settings = settings;
    this.events = events;
  }

  get isDr(): boolean {
    return this.dr === this.address;
  }

  /** This router would be the designated one without that neighbour. */
  isDrWithout(address: string): boolean {
    return this.best(address) === this.address;
  }

  get size(): number {
    return this.known.size;
  }

  has(address: string): boolean {
    return this.known.has(address);
  }

  /** NBR(I, A): the neighbour that has this address, as its own or as a secondary one that its Hello tells (section 4.3.4); empty for none. */
  nameOf(address: string): string {
    if (this.known.has(address)) return address;
    for (const each of this.known.values()) if (each.hello.addresses.includes(address)) return each.address;
    return '';
  }

  /** Router id of a neighbour that translates, or -1 (M-17). */
  translationRouterOf(address: string): number {
    return this.known.get(this.nameOf(address))?.hello.translationRouter ?? -1;
  }

  list(): Neighbour[] {
    return [...this.known.values()];
  }

  /** A new generation begins with every start (section 4.3.1). */
  start(): void {
    this.generationId = this.random.u32();
    this.helloSoon();
  }

  stop(): void {
    this.helloTimer = cancel(this.helloTimer);
    this.answerTimer = cancel(this.answerTimer);
    this.awaited = '';
    for (const { timer } of this.known.values()) cancel(timer);
    this.known.clear();
    this.dr = this.address;
  }

  /** Before a Join/Prune or an Assert, a Hello that waits to be sent goes out (section 4.3.1): without it the message would not be taken. */
  helloBefore(): void {
    if (this.awaited === 'first') this.periodic();
    else if (this.awaited === 'answer') this.hello();
  }

  hear(from: string, hello: PimHello): void {
    if (from === this.address) return;
    const before = this.known.get(from);
    if (hello.holdtimeS === 0) {
      if (before !== undefined) this.forget(before);
      return;
    }
    if (before === undefined && this.known.size >= this.most) {
      this.refused++;
      return;
    }
    const neighbour: Neighbour = before ?? { address: from, hello, untilNs: 0, timer: undefined };
    const restarted = before !== undefined && before.hello.generationId !== hello.generationId;
    neighbour.hello = { ...hello, addresses: this.secondary(from, hello.addresses) };
    neighbour.untilNs = hello.holdtimeS === FOREVER_S ? Infinity : this.clock.nowNs + hello.holdtimeS * NS_PER_S;
    this.watch(neighbour);
    this.known.set(from, neighbour);
    this.elect();
    if (before === undefined) {
      this.helloSoon();
      this.events.appeared(from);
    } else if (restarted) {
      this.helloSoon();
      this.events.restarted(from);
    }
  }

  /** Secondary addresses of a neighbour: each is of the one that told it last (section 4.3.4). */
  private secondary(from: string, addresses: readonly string[]): readonly string[] {
    if (addresses.length === 0) return addresses;
    const told = addresses.filter((address) => address !== from);
    for (const each of this.known.values()) {
      const kept = each.address === from ? each.hello.addresses : each.hello.addresses.filter((address) => !told.includes(address));
      if (kept.length === each.hello.addresses.length) continue;
      const lost = each.hello.addresses.filter((address) => !kept.includes(address));
      this.conflicts += lost.length;
      this.events.conflict(lost[0]!, each.address, from);
      each.hello = { ...each.hello, addresses: kept };
    }
    return told;
  }

  /** The liveness timer. One that ends too early is left alone and looked at then. */
  private watch(neighbour: Neighbour): void {
    const { untilNs, timer } = neighbour;
    if (isRunning(timer) && timer.atNs <= untilNs) return;
    neighbour.timer = cancel(timer);
    if (untilNs === Infinity) return;
    neighbour.timer = this.clock.at(untilNs, () => {
      if (neighbour.untilNs <= this.clock.nowNs) this.forget(neighbour);
      else this.watch(neighbour);
    });
  }

  private forget(neighbour: Neighbour): void {
    cancel(neighbour.timer);
    this.known.delete(neighbour.address);
    this.elect();
    this.events.vanished(neighbour.address);
  }

  /** Section 4.3.2: by priority, unless one neighbour tells none; then by address. */
  private best(without: string): string {
    const priorities = [...this.known.values()].every(({ address, hello }) => address === without || hello.drPriority !== null);
    let dr = this.address;
    let best = this.drPriority;
    for (const { address, hello } of this.known.values()) {
      if (address === without) continue;
      const priority = hello.drPriority ?? 0;
      if ((priorities && priority > best) || ((!priorities || priority === best) && compareAddresses(address, dr) > 0)) {
        dr = address;
        best = priority;
      }
    }
    return dr;
  }

  private elect(): void {
    const dr = this.best('');
    if (dr === this.dr) return;
    this.dr = dr;
    this.events.drChanged();
  }

  /** LAN prune delay is in use where all neighbours tell it (section 4.3.3). */
  private delay(part: 'propagationMs' | 'overrideMs'): number {
    let most = this.settings[part];
    for (const { hello } of this.known.values()) {
      if (hello.lanPruneDelay === null) return part === 'propagationMs' ? 500 : 2_500;
      most = Math.max(most, hello.lanPruneDelay[part]);
    }
    return most;
  }

  /** Effective_Override_Interval in nanoseconds. */
  get overrideNs(): number {
    return this.delay('overrideMs') * NS_PER_MS;
  }

  /** J/P_Override_Interval: zero where one neighbour is all there is, since nobody could object (section 4.5.2). */
  get prunePendingNs(): number {
    return this.known.size <= 1 ? 0 : (this.delay('overrideMs') + this.delay('propagationMs')) * NS_PER_MS;
  }

  /** Joins of others may stand for ours unless every neighbour tracks joins (section 4.3.3). */
  get suppression(): boolean {
    return ![...this.known.values()].every(({ hello }) => hello.lanPruneDelay?.tracking === true);
  }

  /** The first Hello, or an answer, within Triggered_Hello_Delay. */
  private helloSoon(): void {
    if (this.silent) return;
    this.awaited = this.helloTimer === undefined || this.awaited === 'first' ? 'first' : 'answer';
    const atNs = this.clock.nowNs + Math.floor(this.random.float() * this.settings.triggeredHelloNs);
    if (this.helloTimer === undefined) {
      this.helloTimer = this.clock.at(atNs, () => {
        this.periodic();
      });
      return;
    }
    for (const timer of [this.helloTimer, this.answerTimer]) if (isRunning(timer) && timer.atNs <= atNs) return;
    cancel(this.answerTimer);
    this.answerTimer = this.clock.at(atNs, () => {
      this.hello();
    });
  }

  private periodic(): void {
    cancel(this.helloTimer);
    this.hello();
    this.helloTimer = this.clock.after(this.settings.helloNs, () => {
      this.periodic();
    });
  }

  private hello(): void {
    this.awaited = '';
    this.answerTimer = cancel(this.answerTimer);
    const { propagationMs, overrideMs, helloHoldtimeS } = this.settings;
    this.events.sendHello({
      kind: 'hello',
      holdtimeS: helloHoldtimeS,
      lanPruneDelay: { propagationMs, overrideMs, tracking: false },
      drPriority: this.drPriority,
      generationId: this.generationId,
      addresses: [],
      translationRouter: this.translationRouter,
    });
  }
}
