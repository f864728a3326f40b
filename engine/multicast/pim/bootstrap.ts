import { NS_PER_S } from '../../base/index.ts';
import { cancel, type Timer } from '../clock.ts';
import type { PimBootstrap, PimCandidateRp } from '../messages/index.ts';
import { bootstrapFragments } from './bootstrap-fragments.ts';
import { outweighs, randOverrideNs, type Weight } from './bootstrap-weight.ts';
import { OfferList } from './offer-list.ts';
import type { RpMapping } from './rendezvous.ts';
import type { PimRouter } from './router.ts';
import { RpSet } from './rp-set.ts';

/** BS_Period and C_RP_Adv_Period (RFC 5059 section 5). */
const PERIOD_NS = 60 * NS_PER_S;
const RP_HOLDTIME_S = 150;
const BSR_TIMEOUT_NS = 130 * NS_PER_S;
/** BS_Min_Interval. */
const LEAST_INTERVAL_NS = 10 * NS_PER_S;
/** C_RP_Adv_Backoff, and how many advertisements a new bootstrap router gets within it. */
const BACKOFF_NS = 3 * NS_PER_S;
const TRIGGERED_OFFERS = 3;
/**
 * A candidate waits this long and a random part of it before it elects itself, where it is not told to wait by its weight: BS_Rand_Override is
 * meant for domains with many candidates on links that lose packets.
 */
const PENDING_NS = NS_PER_S / 2;
const BSR_PRIORITY = 64;
/** Fragments of one message that are kept for new neighbours. */
const MAX_FRAGMENTS = 64;

export interface BootstrapCandidate {
  readonly address: string;
  readonly priority: number;
  readonly ranges: readonly { readonly prefix: string; readonly bits: number }[];
}

/** What a message is to the state machines of sections 3.1.1 and 3.1.2. */
type Judgement = 'preferred' | 'lesser' | 'lesser-from-elected';

/**
 * Bootstrap mechanism (RFC 5059), without scope zones: every candidate rendezvous point is a candidate bootstrap router; the one with the best
 * priority, then the highest address, floods the list.
 */
export class Bootstrap {
  /** Mappings that messages have told. */
  readonly rpSet: RpSet;
  /** At the bootstrap router: what candidates advertised. */
  readonly offers: OfferList;
  private readonly pim: PimRouter;
  private readonly candidate: BootstrapCandidate | null;
  /** A candidate that has not yet elected itself: it weighs messages against its own weight. */
  private pending = false;
  private bsr = '';
  private bsrPriority = -1;
  /** Fragments of the last message. */
  private last: PimBootstrap[] = [];
  private heard = false;
  private bootstrapTimer: Timer | undefined;
  private offerTimer: Timer | undefined;
  private startedNs = 0;
  private sentNs = -Infinity;

  constructor(pim: PimRouter, candidate: BootstrapCandidate | null) {
    this.pim = pim;
    this.candidate = candidate;
    this.rpSet = new RpSet(pim.clock, pim.family === 4 ? 30 : 126, () => {
      pim.rpsChanged();
    });
    this.offers = new OfferList(pim.clock, pim.family);
  }

  get mappings(): readonly RpMapping[] {
    return this.rpSet.mappings;
  }

  /** State of sections 3.1.1 and 3.1.2. */
  get state(): 'accept-any' | 'accept-preferred' | 'candidate' | 'pending' | 'elected' {
    if (this.candidate === null) return this.bsr === '' ? 'accept-any' : 'accept-preferred';
    return this.pending ? 'pending' : this.elected ? 'elected' : 'candidate';
  }

  private get elected(): boolean {
    return this.candidate !== null && this.bsr === this.candidate.address;
  }

  private get weight(): Weight {
    return { bsr: this.bsr, priority: this.bsrPriority };
  }

  start(): void {
    this.startedNs = this.pim.clock.nowNs;
    this.becomePending(this.weight);
  }

  stop(): void {
    this.bootstrapTimer = cancel(this.bootstrapTimer);
    this.offerTimer = cancel(this.offerTimer);
    this.pending = false;
    this.bsr = '';
    this.bsrPriority = -1;
    this.last = [];
    this.heard = false;
    this.sentNs = -Infinity;
    this.rpSet.clear();
    this.offers.clear();
  }

  /** `stored` is the bootstrap router that was known last. */
  private becomePending(stored: Weight): void {
    if (this.candidate === null) return;
    this.pending = true;
    const own = { bsr: this.candidate.address, priority: BSR_PRIORITY };
    const { settings, random } = this.pim;
    this.bootstrapIn(settings.bsrByWeight ? randOverrideNs(own, stored) : PENDING_NS * (1 + random.float()));
  }

  /** The bootstrap timer. */
  private bootstrapIn(ns: number): void {
    cancel(this.bootstrapTimer);
    this.bootstrapTimer = this.pim.clock.after(ns, () => {
      if (this.pending) this.elect();
      else if (this.elected) this.originate();
      else this.lost();
    });
  }

  /** The bootstrap router has been silent: its list is kept a while longer, for an election takes time. */
  private lost(): void {
    for (const each of this.last) this.rpSet.store(each);
    this.last = [];
    const stored = this.weight;
    this.bsr = '';
    this.bsrPriority = -1;
    this.becomePending(stored);
  }

  private elect(): void {
    const { candidate, pim } = this;
    if (candidate === null) return;
    this.pending = false;
    this.bsr = candidate.address;
    this.bsrPriority = BSR_PRIORITY;
    this.offerTimer = cancel(this.offerTimer);
    pim.host.note({ kind: 'bootstrap', iface: -1, source: candidate.address, group: '', text: 'this router is the bootstrap router' });
    this.originate();
  }

  private advertisement(candidate: BootstrapCandidate): PimCandidateRp {
    return {
      kind: 'candidate-rp',
      priority: candidate.priority,
      holdtimeS: RP_HOLDTIME_S,
      rp: candidate.address,
      groups: candidate.ranges.map(({ prefix, bits }) => ({ group: prefix, maskLength: bits, bidirectional: false })),
    };
  }

  /** At the bootstrap router: an offer. Where it says something new a new list goes out, though not at once after another (section 3.3). */
  candidateHeard(message: PimCandidateRp): void {
    if (!this.elected || !this.offers.put(message)) return;
    const { nowNs } = this.pim.clock;
    this.bootstrapIn(Math.max(0, this.sentNs + LEAST_INTERVAL_NS - nowNs));
  }

  private originate(): void {
    const { pim, candidate } = this;
    if (candidate === null) return;
    this.offers.put(this.advertisement(candidate));
    const head = {
      kind: 'bootstrap' as const,
      noForward: false,
      fragmentTag: pim.random.u32() & 0xffff,
      hashMaskLength: pim.family === 4 ? 30 : 126,
      priority: BSR_PRIORITY,
      bsr: candidate.address,
    };
    this.sentNs = pim.clock.nowNs;
    for (const groups of bootstrapFragments(this.offers.ranges(PERIOD_NS / NS_PER_S, BSR_TIMEOUT_NS), pim.family)) {
      this.accept({ ...head, groups });
      this.flood({ ...head, groups }, -1);
    }
    this.bootstrapIn(PERIOD_NS);
  }

  /** Out of every interface that has neighbours; out of the one it came in on too, where there is another neighbour (section 3.4). */
  private flood(message: PimBootstrap, from: number): void {
    const { host, neighbours } = this.pim;
    for (let iface = 0; iface < neighbours.length; iface++) {
      if (neighbours[iface]!.size > (iface === from ? 1 : 0)) host.send(iface, message);
    }
  }

  /** A new neighbour, or one that started anew, learns the list at once and keeps it to itself (section 3.5). */
  neighbourAppeared(iface: number, from: string): void {
    const neighbours = this.pim.neighbours[iface]!;
    if (this.last.length === 0 || !neighbours.isDrWithout(from)) return;
    neighbours.helloBefore();
    for (const each of this.last) this.pim.host.send(iface, { ...each, noForward: true });
  }

  receive(message: PimBootstrap, iface: number, from: string): void {
    if (this.pim.host.isOwn(message.bsr) || !this.comesRight(message, iface, from) || this.known(message)) return;
    const judgement = this.judge(message);
    if (judgement !== 'preferred') {
      if (this.elected) this.originate();
      else if (this.candidate !== null && (this.pending || judgement === 'lesser-from-elected')) {
        if (!message.noForward) this.flood(message, iface);
        if (!this.pending) this.becomePending(this.weight);
      }
      return;
    }
    const fresh = message.bsr !== this.bsr;
    this.pending = false;
    this.bsr = message.bsr;
    this.bsrPriority = message.priority;
    this.accept(message);
    if (!message.noForward) this.flood(message, iface);
    this.bootstrapIn(BSR_TIMEOUT_NS);
    if (fresh && this.candidate !== null) this.advertise(this.candidate, TRIGGERED_OFFERS);
  }

  /**
   * It must come from the direction of its origin (section 3.1.3); a neighbour's own address may be the origin's. One for a router that has just
   * started may come from anywhere, but counts only there.
   */
  private comesRight(message: PimBootstrap, iface: number, from: string): boolean {
    const { pim } = this;
    if (message.noForward) return !this.heard && pim.clock.nowNs - this.startedNs <= PERIOD_NS;
    const route = pim.host.rpf(message.bsr);
    return route?.iface === iface && (route.neighbour === '' || pim.neighbours[iface]!.nameOf(route.neighbour) === from || pim.trusting);
  }

  /** A fragment that has come before: on a link with several routers each of them passes it on. */
  private known({ bsr, fragmentTag, groups }: PimBootstrap): boolean {
    const first = groups[0];
    return this.last.some((each) => {
      const same = each.bsr === bsr && each.fragmentTag === fragmentTag && each.groups.length === groups.length;
      return same && each.groups[0]?.group === first?.group && each.groups[0]?.rps[0]?.address === first?.rps[0]?.address;
    });
  }

  private judge({ bsr, priority }: PimBootstrap): Judgement {
    const { candidate, pending } = this;
    const current = bsr === this.bsr && !pending;
    const own = candidate === null ? undefined : { bsr: candidate.address, priority: BSR_PRIORITY };
    // The current one may lower its priority, down to that of a candidate here (section 3.1.4).
    if (current) return own !== undefined && outweighs(own, { bsr, priority }) ? 'lesser-from-elected' : 'preferred';
    const against = pending ? own : { bsr: this.bsr, priority: this.bsrPriority };
    return against !== undefined && against.bsr !== '' && outweighs(against, { bsr, priority }) ? 'lesser' : 'preferred';
  }

  /** A candidate offers itself to the elected one: some times soon, then again and again (section 3.2). */
  private advertise(candidate: BootstrapCandidate, soon: number): void {
    const { pim } = this;
    cancel(this.offerTimer);
    this.offerTimer = pim.clock.after(soon > 0 ? pim.random.float() * BACKOFF_NS : PERIOD_NS, () => {
      if (this.pending || this.elected || this.bsr === '') return;
      pim.host.unicast(this.advertisement(candidate), this.bsr);
      this.advertise(candidate, soon - 1);
    });
  }

  private accept(message: PimBootstrap): void {
    this.heard = true;
    const { bsr, fragmentTag } = this.last[0] ?? {};
    if (bsr !== message.bsr || fragmentTag !== message.fragmentTag) this.last = [];
    if (this.last.length < MAX_FRAGMENTS) this.last.push(message);
    this.rpSet.store(message);
  }
}
