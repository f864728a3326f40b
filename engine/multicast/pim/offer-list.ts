import { NS_PER_S } from '../../base/index.ts';
import type { Family } from '../addresses.ts';
import type { EventClock } from '../clock.ts';
import type { BootstrapGroup, PimCandidateRp } from '../messages/index.ts';
import { MAX_RPS_OF_RANGE } from './bootstrap-fragments.ts';

/** Candidates and ranges that a bootstrap router remembers. */
export const MAX_OFFERS = 1_024;

interface Range {
  readonly group: string;
  readonly maskLength: number;
  readonly bidirectional: boolean;
}

interface Offer extends Range {
  readonly rp: string;
  readonly priority: number;
  /** 0: withdrawn. */
  readonly holdtimeS: number;
  readonly untilNs: number;
}

/** An advertisement without a range is for all groups (RFC 5059 section 3.3). */
const ALL_GROUPS: Readonly<Record<Family, Range>> = {
  4: { group: '224.0.0.0', maskLength: 4, bidirectional: false },
  6: { group: 'ff00::', maskLength: 8, bidirectional: false },
};

/** The C-RP-Set of a bootstrap router: what candidates advertised, and ranges that had some until lately. */
export class OfferList {
  /** Offers for which there was no room. */
  refused = 0;
  private readonly clock: EventClock;
  private readonly family: Family;
  private readonly offers = new Map<string, Offer>();
  /** Ranges that a list has named, and when it last had an RP for them. */
  private readonly named = new Map<string, { readonly range: Range; readonly atNs: number }>();

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
    for (const range of groups.length === 0 ? [ALL_GROUPS[this.family]] : groups) {
      const key = `${keyOf(range)} ${rp}`;
      const before = this.offers.get(key);
      if (before === undefined && (holdtimeS === 0 || this.offers.size >= MAX_OFFERS)) {
        if (holdtimeS !== 0) this.refused++;
        continue;
      }
      changed ||= before?.priority !== priority || (before.holdtimeS === 0) !== (holdtimeS === 0);
      changed ||= before?.bidirectional !== range.bidirectional;
      this.offers.set(key, { ...range, rp, priority, holdtimeS, untilNs: nowNs + holdtimeS * NS_PER_S });
    }
    return changed;
  }

  /**
   * Ranges for a bootstrap message. A hold time is made larger than `periodS`; one that was withdrawn is told once, with 0; a range that has
   * lost its RPs is named without any for `emptyNs`, so that routers forget it (section 4.1.1). Of a range that candidates offer for bidirectional
   * PIM and for sparse mode, the former are told (section 3.3).
   */
  ranges(periodS: number, emptyNs: number): BootstrapGroup[] {
    const { nowNs } = this.clock;
    const byRange = new Map<string, { range: Range; rps: BootstrapGroup['rps'][number][] }>();
    for (const offer of this.current()) {
      const { rp, priority, holdtimeS, group, maskLength, bidirectional } = offer;
      let entry = byRange.get(keyOf(offer));
      if (entry !== undefined && entry.range.bidirectional && !bidirectional) continue;
      if (entry?.range.bidirectional !== bidirectional) entry = { range: { group, maskLength, bidirectional }, rps: [] };
      byRange.set(keyOf(offer), entry);
      entry.rps.push({ address: rp, holdtimeS: holdtimeS === 0 ? 0 : Math.max(holdtimeS, Math.ceil(2.5 * periodS)), priority });
    }
    for (const [key, { range }] of byRange) this.named.set(key, { range, atNs: nowNs });
    for (const [key, { range, atNs }] of this.named) {
      if (nowNs - atNs > emptyNs) this.named.delete(key);
      else if (!byRange.has(key)) byRange.set(key, { range, rps: [] });
    }
    return [...byRange.values()].map(({ range, rps }) => ({ ...range, rps: best(rps), count: Math.min(rps.length, MAX_RPS_OF_RANGE) }));
  }

  /** Offers that count now, and those withdrawn, which are told for the last time. */
  private current(): Offer[] {
    const list: Offer[] = [];
    for (const [key, offer] of this.offers) {
      const over = offer.untilNs <= this.clock.nowNs;
      if (offer.holdtimeS === 0 || over) this.offers.delete(key);
      if (offer.holdtimeS === 0 || !over) list.push(offer);
    }
    return list;
  }
}

const keyOf = ({ group, maskLength }: Range): string => `${group}/${maskLength}`;

/** As many RPs as a message can count, those of the best priority. */
function best(rps: BootstrapGroup['rps']): BootstrapGroup['rps'] {
  if (rps.length <= MAX_RPS_OF_RANGE) return rps;
  return [...rps].sort((a, b) => a.priority - b.priority).slice(0, MAX_RPS_OF_RANGE);
}
