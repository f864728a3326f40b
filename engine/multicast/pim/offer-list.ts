import { NS_PER_S } from '../../base/index.ts';
import type { Family } from '../addresses.ts';
import type { EventClock } from '../clock.ts';
import type { BootstrapGroup, PimCandidateRp } from '../messages/index.ts';

/** Candidates and ranges that a bootstrap router remembers. */
export const MAX_OFFERS = 1_024;

interface Offer {
  readonly group: string;
  readonly maskLength: number;
  readonly rp: string;
  readonly priority: number;
  /** 0: withdrawn. */
  readonly holdtimeS: number;
  readonly untilNs: number;
}

/** An advertisement without a range is for all groups (RFC 5059 section 3.3). */
const ALL_GROUPS = { 4: { group: '224.0.0.0', maskLength: 4 }, 6: { group: 'ff00::', maskLength: 8 } } as const;

/** The C-RP-Set of a bootstrap router: what candidates advertised, and ranges that had some until lately. */
export class OfferList {
  /** Offers for which there was no room. */
  refused = 0;
  private readonly clock: EventClock;
  private readonly family: Family;
  private readonly offers = new Map<string, Offer>();
  /** Ranges that a list has named, and when it last had an RP for them. */
  private readonly named = new Map<string, { readonly group: string; readonly maskLength: number; readonly atNs: number }>();

  constructor(clock: EventClock, family: Family) {
    this.clock = clock;
    this.family = family;
  }

  clear(): void {
    this.offers.clear();
    this.named.clear();
  }

  /** True where the list is another one now: a new range or candidate, another priority, or one withdrawn. */
  put({ rp, priority, holdtimeS, groups }: PimCandidateRp): boolean {
    const { nowNs } = this.clock;
    let changed = false;
    for (const { group, maskLength } of groups.length === 0 ? [ALL_GROUPS[this.family]] : groups) {
      const key = `${group}/${maskLength} ${rp}`;
      const before = this.offers.get(key);
      if (before === undefined && (holdtimeS === 0 || this.offers.size >= MAX_OFFERS)) {
        if (holdtimeS !== 0) this.refused++;
        continue;
      }
      changed ||= before?.priority !== priority || (before.holdtimeS === 0) !== (holdtimeS === 0);
      this.offers.set(key, { group, maskLength, rp, priority, holdtimeS, untilNs: nowNs + holdtimeS * NS_PER_S });
    }
    return changed;
  }

  /**
   * Ranges for a bootstrap message. A hold time is made larger than `periodS`; one that was withdrawn is told once, with 0; a range that has
   * lost its RPs is named without any for `emptyNs`, so that routers forget it (section 4.1.1).
   */
  ranges(periodS: number, emptyNs: number): BootstrapGroup[] {
    const { nowNs } = this.clock;
    const byRange = new Map<string, { group: string; maskLength: number; rps: BootstrapGroup['rps'][number][] }>();
    for (const [key, { group, maskLength, rp, priority, holdtimeS, untilNs }] of this.offers) {
      const withdrawn = holdtimeS === 0;
      if (withdrawn || untilNs <= nowNs) this.offers.delete(key);
      if (!withdrawn && untilNs <= nowNs) continue;
      const range = byRange.get(`${group}/${maskLength}`) ?? { group, maskLength, rps: [] };
      byRange.set(`${group}/${maskLength}`, range);
      range.rps.push({ address: rp, holdtimeS: withdrawn ? 0 : Math.max(holdtimeS, Math.ceil(2.5 * periodS)), priority });
    }
    for (const [key, { group, maskLength }] of byRange) this.named.set(key, { group, maskLength, atNs: nowNs });
    for (const [key, { group, maskLength, atNs }] of this.named) {
      if (nowNs - atNs > emptyNs) this.named.delete(key);
      else if (!byRange.has(key)) byRange.set(key, { group, maskLength, rps: [] });
    }
    return [...byRange.values()].map((each) => ({ ...each, count: each.rps.length, bidirectional: false }));
  }
}
