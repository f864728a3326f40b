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

  constructor(pim: PimRouter, candidate: BootstrapCandidate | null) {
    this.pim = pim;
    this.candidate = candidate;
    this.hashMaskBits = pim.family === 4 ? 30 : 126;
  }

  get mappings(): readonly RpMapping[] {
    return this.learned.filter(({ untilNs }) => untilNs > this.pim.clock.nowNs);
  }

  start(): void {
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

  /** A new neighbour learns the list at once (section 3.1.2). */
  neighbourAppeared(iface: number): void {
    if (this.last !== undefined && this.pim.neighbours[iface]!.isDr) this.pim.host.send(iface, this.last);
  }

  receive(message: PimBootstrap, iface: number, from: string): void {
    const { pim } = this;
    if (pim.host.isOwn(message.bsr)) return;
    // It must come from the direction of its origin (section 3.1.3). A neighbour's own address may be the origin's.
    const route = pim.host.rpf(message.bsr);
    if (route === undefined || route.iface !== iface || (route.neighbour !== '' && route.neighbour !== from)) return;
    if (message.bsr !== this.bsr) {
      if (message.priority < this.bsrPriority) return;
      if (message.priority === this.bsrPriority && compareAddresses(message.bsr, this.bsr) < 0) return;
    } else if (this.last?.fragmentTag === message.fragmentTag) return;
    const fresh = message.bsr !== this.bsr;
    this.bsr = message.bsr;
    this.bsrPriority = message.priority;
    this.accept(message);
    for (let other = 0; other < pim.neighbours.length; other++) if (other !== iface) pim.host.send(other, message);
    cancel(this.bsrTimer);
    this.bsrTimer = pim.clock.after(BSR_TIMEOUT_NS, () => {
      this.bsr = '';
      this.bsrPriority = -1;
      this.elect();
    });
    if (fresh && this.candidate !== null) this.advertise(this.candidate);
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
    this.pim.rpsChanged();
  }
}
