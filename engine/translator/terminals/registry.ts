import type { LinkFacts } from './access-link.ts';

/** What a converter says of itself (T-01). Not all of it is true any more when it is read. It is capable, or it would not say anything. */
export interface Announcement {
  readonly node: number;
  readonly id: string;
  readonly enabled: boolean;
  /** Sessions it takes now, less while it is in a call of its own; and when it is not. */
  readonly capacity: number;
  readonly fullCapacity: number;
  readonly inUse: number;
  readonly ownCall: boolean;
  /** Percent; undefined on mains. */
  readonly charge: number | undefined;
  readonly addr4: number;
  readonly addr6: Uint8Array;
  /** Null where the terminal has lost that family. */
  readonly link4: LinkFacts | null;
  readonly link6: LinkFacts | null;
  /** Counts the announcements of this terminal: a newer one replaces an older one, whatever the order of arrival, and no clocks are compared. */
  readonly sequence: number;
  /** How long it holds from its arrival on, by the clock of the reader. */
  readonly lifetimeNs: number;
}

/** Converters known to the switches: soft state that goes by itself when it is not refreshed (T-01). */
export class Registry {
  /** Announcements that were older than what was known (duplicates, or overtaken). */
  stale = 0;
  /** Converters that `current` left out the last time because they are not configured to convert now (T-03). */
  notEnabled = 0;
  private readonly entries = new Map<number, { announcement: Announcement; expiresNs: number }>();

  announce(announcement: Announcement, nowNs: number): void {
    const known = this.entries.get(announcement.node);
    if (known !== undefined && known.announcement.sequence >= announcement.sequence) {
      this.stale++;
      return;
    }
    this.entries.set(announcement.node, { announcement, expiresNs: nowNs + announcement.lifetimeNs });
  }

  /** What the switch learns while it reserves and releases, until the next announcement says it better. */
  learn(node: number, inUse: (known: Announcement) => number): void {
    const entry = this.entries.get(node);
    if (entry === undefined) return;
    const { announcement } = entry;
    entry.announcement = { ...announcement, inUse: Math.max(0, inUse(announcement)) };
  }

  /** It said good-bye, or did not answer. */
  forget(node: number): void {
    this.entries.delete(node);
  }

  /** Announcements that hold now, of enabled converters, in the order of their nodes. */
  current(nowNs: number): Announcement[] {
    const current: Announcement[] = [];
    this.notEnabled = 0;
    for (const [node, { announcement, expiresNs }] of this.entries) {
      if (expiresNs <= nowNs) this.entries.delete(node);
      else if (announcement.enabled) current.push(announcement);
      else this.notEnabled++;
    }
    return current.sort((a, b) => a.node - b.node);
  }
}
