import { NS_PER_S } from '../../base/index.ts';
import { cancel, type EventClock, type Timer } from '../clock.ts';
import type { BootstrapGroup, BootstrapRp, PimBootstrap } from '../messages/index.ts';
import type { RpMapping } from './rendezvous.ts';

/** Mappings of a domain at once; RFC 5059 section 3.3 asks for few. */
export const MAX_MAPPINGS = 1_024;

interface Learned extends RpMapping {
  readonly untilNs: number;
}

/** The RPs of a range that have come so far, in fragments of one message. */
interface Part {
  readonly tag: number;
  readonly rps: BootstrapRp[];
}

const rangeOf = ({ group, maskLength }: BootstrapGroup): string => `${group}/${maskLength}`;

/** The RP-Set that bootstrap messages tell: mappings with their expiry timers (RFC 5059 sections 3.1.5 and 4.1.1). */
export class RpSet {
  hashMaskBits: number;
  /** Mappings for which there was no room. */
  refused = 0;
  private readonly clock: EventClock;
  private readonly changed: () => void;
  private readonly first: number;
  private learned: Learned[] = [];
  private readonly parts = new Map<string, Part>();
  private timer: Timer | undefined;

  constructor(clock: EventClock, hashMaskBits: number, changed: () => void) {
    this.clock = clock;
    this.first = hashMaskBits;
    this.hashMaskBits = hashMaskBits;
    this.changed = changed;
  }

  get mappings(): readonly RpMapping[] {
    return this.learned.filter(({ untilNs }) => untilNs > this.clock.nowNs);
  }

  clear(): void {
    this.timer = cancel(this.timer);
    this.learned = [];
    this.parts.clear();
    this.hashMaskBits = this.first;
  }

  /** Store RP-Set. Ranges that the message does not name stay as they are; one without a range changes nothing. */
  store({ groups, fragmentTag, hashMaskLength }: PimBootstrap): void {
    if (groups.length === 0) return;
    this.hashMaskBits = hashMaskLength;
    for (const group of groups) {
      const rps = this.whole(group, fragmentTag);
      if (rps !== undefined) this.replace(group, rps);
    }
    this.watch();
    this.changed();
  }

  /** All RPs of a range, once as many have come as its RP count says. */
  private whole(group: BootstrapGroup, tag: number): readonly BootstrapRp[] | undefined {
    const { rps, count } = group;
    if (rps.length >= count) return rps;
    const range = rangeOf(group);
    let part = this.parts.get(range);
    if (part?.tag !== tag) {
      if (part === undefined && this.parts.size >= MAX_MAPPINGS) {
        this.refused += rps.length;
        return undefined;
      }
      this.parts.set(range, (part = { tag, rps: [] }));
    }
    part.rps.push(...rps);
    if (part.rps.length < count) return undefined;
    this.parts.delete(range);
    return part.rps;
  }

  private replace({ group, maskLength, bidirectional }: BootstrapGroup, rps: readonly BootstrapRp[]): void {
    const { nowNs } = this.clock;
    const kept = this.learned.filter(({ prefix, bits, untilNs }) => (prefix !== group || bits !== maskLength) && untilNs > nowNs);
    for (const { address, holdtimeS, priority } of rps) {
      if (holdtimeS === 0) continue;
      if (kept.length >= MAX_MAPPINGS) this.refused++;
      else {
        // A range of bidirectional PIM is none of sparse mode, nor may a shorter one stand for it (section 3.6).
        const rp = bidirectional ? '' : address;
        kept.push({ prefix: group, bits: maskLength, rp, priority, untilNs: nowNs + holdtimeS * NS_PER_S });
      }
    }
    this.learned = kept;
  }

  /** A mapping that is not told again ends with its hold time: its groups have another rendezvous point then, or none. */
  private watch(): void {
    cancel(this.timer);
    const { nowNs } = this.clock;
    const nextNs = this.learned.reduce((least, { untilNs }) => (untilNs > nowNs ? Math.min(least, untilNs) : least), Infinity);
    if (nextNs === Infinity) return;
    this.timer = this.clock.at(nextNs, () => {
      this.watch();
      this.changed();
    });
  }
}
