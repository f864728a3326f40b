import { NS_PER_S } from '../../base/index.ts';
import { compareAddresses } from '../addresses.ts';
import { cancel, type Timer } from '../clock.ts';
import type { PimBootstrap, PimCandidateRp } from '../messages/index.ts';
import type { RpMapping } from './rendezvous.ts';
import type { PimRouter } from './router.ts';

/** BS_Period and C_RP_Adv_Period (RFC 5059 section 5). */
const PERIOD_NS = 60 * NS_PER_S;
const RP_HOLDTIME_S = 150;
const BSR_TIMEOUT_NS = 130 * NS_PER_S;
/** A candidate waits this long and a random part of it for neighbours and for better candidates, before it elects itself. */
const FIRST_NS = NS_PER_S / 2;
const BSR_PRIORITY = 64;

export interface BootstrapCandidate {
  readonly address: string;
  readonly priority: number;
  readonly ranges: readonly { readonly prefix: string; readonly bits: number }[];
}

interface Learned extends RpMapping {
  readonly untilNs: number;
}

/**
 * Bootstrap mechanism (RFC 5059), without scope zones and semantic fragmentation: every candidate rendezvous point is a candidate bootstrap
 * router; the one with the best priority, then the highest address, floods the list.
 */
export class Bootstrap {
  readonly hashMaskBits: number;
  private readonly pim: PimRouter;
  private readonly candidate: BootstrapCandidate | null;
  private bsr = '';
  private bsrPriority = -1;
  private learned: Learned[] = [];
  /** At the bootstrap router: what candidates advertised. */
  private readonly offers = new Map<string, { readonly message: PimCandidateRp; readonly untilNs: number }>();
  private last: PimBootstrap | undefined;
  private timers: Timer[] = [];
  private bsrTimer: Timer | undefined;
  private originTimer: Timer | undefined;
  /** When the next learned mapping ends. */
  private expiryTimer: Timer | undefined;
  private startedNs = 0;

  constructor(pim: PimRouter, candidate: BootstrapCandidate | null) {
    this.pim = pim;
    this.candidate = candidate;
    this.hashMaskBits = pim.family === 4 ? 30 : 126;
  }

  get mappings(): readonly RpMapping[] {
    return this.learned.filter(({ untilNs }) => untilNs > this.pim.clock.nowNs);
  }

  start(): void {
    this.startedNs = this.pim.clock.nowNs;
    if (this.candidate === null) return;
    const ns = FIRST_NS * (1 + this.pim.random.float());
    this.timers.push(
      this.pim.clock.after(ns, () => {
        if (this.bsr === '') this.elect();
      }),
    );
  }

  stop(): void {
    for (const timer of this.timers) cancel(timer);
    this.timers = [];
    cancel(this.bsrTimer);
    cancel(this.originTimer);
    cancel(this.expiryTimer);
    this.bsr = '';
    this.bsrPriority = -1;
    this.learned = [];
    this.offers.clear();
    this.last = undefined;
  }

  private elect(): void {
    const { candidate } = this;
    if (candidate === null) return;
    this.bsr = candidate.address;
    this.bsrPriority = BSR_PRIORITY;
    this.pim.host.note({ kind: 'bootstrap', iface: -1, source: candidate.address, group: '', text: 'this router is the bootstrap router' });
    this.candidateHeard(this.advertisement(candidate));
  }

  private advertisement(candidate: BootstrapCandidate): PimCandidateRp {
    return {
      kind: 'candidate-rp',
      priority: candidate.priority,
      holdtimeS: RP_HOLDTIME_S,
      rp: candidate.address,
      groups: candidate.ranges.map(({ prefix, bits }) => ({ group: prefix, maskLength: bits })),
    };
  }

  /** At the bootstrap router: an offer, whose arrival makes a new list go out. */
  candidateHeard(message: PimCandidateRp): void {
    if (this.candidate === null || this.bsr !== this.candidate.address) return;
    this.offers.set(message.rp, { message, untilNs: this.pim.clock.nowNs + message.holdtimeS * NS_PER_S });
    this.originate();
  }

  private originate(): void {
    const { pim, candidate } = this;
    if (candidate === null || this.bsr !== candidate.address) return;
    const byRange = new Map<
      string,
      { group: string; maskLength: number; rps: { address: string; holdtimeS: number; priority: number }[] }
    >();
    for (const { message, untilNs } of this.offers.values()) {
      if (untilNs <= pim.clock.nowNs) continue;
      for (const { group, maskLength } of message.groups) {
        const key = `${group}/${maskLength}`;
        const range = byRange.get(key) ?? { group, maskLength, rps: [] };
        range.rps.push({ address: message.rp, holdtimeS: message.holdtimeS, priority: message.priority });
        byRange.set(key, range);
      }
    }
    const message: PimBootstrap = {
      kind: 'bootstrap',
      noForward: false,
      fragmentTag: pim.random.u32() & 0xffff,
      hashMaskLength: this.hashMaskBits,
      priority: BSR_PRIORITY,
      bsr: candidate.address,
      groups: [...byRange.values()],
    };
    this.accept(message);
    for (let iface = 0; iface < pim.neighbours.length; iface++) pim.host.send(iface, message);
    cancel(this.originTimer);
    this.originTimer = pim.clock.after(PERIOD_NS, () => {
      this.candidateHeard(this.advertisement(candidate));
    });
  }

  /** A new neighbour, or one that started anew, learns the list at once and keeps it to itself (RFC 5059 section 3.5.1). */
  neighbourAppeared(iface: number): void {
    const { last } = this;
    const neighbours = this.pim.neighbours[iface]!;
    if (last === undefined || !neighbours.isDr) return;
    neighbours.helloBefore();
    this.pim.host.send(iface, { ...last, noForward: true });
  }

  receive(message: PimBootstrap, iface: number, from: string): void {
    const { pim } = this;
    if (pim.host.isOwn(message.bsr) || !this.comesRight(message, iface, from)) return;
    if (message.bsr !== this.bsr) {
      if (!this.preferred(message)) {
        // The bootstrap router tells a lesser one who it is.
        if (!message.noForward && this.candidate !== null && this.bsr === this.candidate.address) this.originate();
        return;
      }
    } else if (this.last?.fragmentTag === message.fragmentTag) return;
    const fresh = message.bsr !== this.bsr;
    this.bsr = message.bsr;
    this.bsrPriority = message.priority;
    this.accept(message);
    if (!message.noForward) for (let other = 0; other < pim.neighbours.length; other++) if (other !== iface) pim.host.send(other, message);
    cancel(this.bsrTimer);
    this.bsrTimer = pim.clock.after(BSR_TIMEOUT_NS, () => {
      this.bsr = '';
      this.bsrPriority = -1;
      this.elect();
    });
    if (fresh && this.candidate !== null) this.advertise(this.candidate);
  }

  /**
   * It must come from the direction of its origin (section 3.1.3); a neighbour's own address may be the origin's. One for a router that has just
   * started may come from anywhere, but counts only there.
   */
  private comesRight(message: PimBootstrap, iface: number, from: string): boolean {
    const { pim } = this;
    if (message.noForward) return this.last === undefined && pim.clock.nowNs - this.startedNs <= PERIOD_NS;
    const route = pim.host.rpf(message.bsr);
    return route?.iface === iface && (route.neighbour === '' || pim.neighbours[iface]!.nameOf(route.neighbour) === from || pim.trusting);
  }

  private preferred({ bsr, priority }: PimBootstrap): boolean {
    if (priority !== this.bsrPriority) return priority > this.bsrPriority;
    return this.bsr === '' || compareAddresses(bsr, this.bsr) > 0;
  }

  /** A candidate offers itself to the elected one, again and again. */
  private advertise(candidate: BootstrapCandidate): void {
    cancel(this.originTimer);
    if (this.bsr === '' || this.bsr === candidate.address) return;
    this.pim.host.unicast(this.advertisement(candidate), this.bsr);
    this.originTimer = this.pim.clock.after(PERIOD_NS, () => {
      this.advertise(candidate);
    });
  }

  private accept(message: PimBootstrap): void {
    this.last = message;
    const nowNs = this.pim.clock.nowNs;
    this.learned = message.groups.flatMap(({ group, maskLength, rps }) =>
      rps.map(({ address, holdtimeS, priority }) => ({
        prefix: group,
        bits: maskLength,
        rp: address,
        priority,
        untilNs: nowNs + holdtimeS * NS_PER_S,
      })),
    );
    this.watchExpiry();
    this.pim.rpsChanged();
  }

  /** A mapping that is not told again ends with its hold time: its groups have another rendezvous point then, or none. */
  private watchExpiry(): void {
    cancel(this.expiryTimer);
    const { nowNs } = this.pim.clock;
    const nextNs = this.learned.reduce((least, { untilNs }) => (untilNs > nowNs ? Math.min(least, untilNs) : least), Infinity);
    if (nextNs === Infinity) return;
    this.expiryTimer = this.pim.clock.at(nextNs, () => {
      this.watchExpiry();
      this.pim.rpsChanged();
    });
  }
}
