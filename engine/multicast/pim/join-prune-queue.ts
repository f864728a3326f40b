import type { PimGroupSet, PimSource } from '../messages/index.ts';
import type { PimRouter } from './router.ts';
import { ADDRESS_BYTES } from '../addresses.ts';
import { MAX_GROUPS_A_MESSAGE } from './settings.ts';

interface Waiting {
  readonly joins: PimSource[];
  readonly prunes: PimSource[];
}

/** Sources in one message at most, of all groups together: 50 of IPv6 take 1,000 bytes. */
const MAX_SOURCES_A_MESSAGE = 50;

/**
 * Joins and prunes of one instant for one neighbour go out together (RFC 7761 section 4.9.5). A later word about the same source replaces the
 * earlier one.
 */
export class JoinPruneQueue {
  private readonly pim: PimRouter;
  /** By interface and neighbour, then by group. */
  private readonly waiting = new Map<string, { iface: number; neighbour: string; groups: Map<string, Waiting> }>();
  private scheduled = false;

  constructor(pim: PimRouter) {
    this.pim = pim;
  }

  clear(): void {
    this.waiting.clear();
  }

  add(iface: number, neighbour: string, group: string, source: PimSource, join: boolean): void {
    const key = `${iface} ${neighbour}`;
    let target = this.waiting.get(key);
    if (target === undefined) this.waiting.set(key, (target = { iface, neighbour, groups: new Map<string, Waiting>() }));
    let sets = target.groups.get(group);
    if (sets === undefined) target.groups.set(group, (sets = { joins: [], prunes: [] }));
    for (const list of [sets.joins, sets.prunes]) {
      const at = list.findIndex((each) => each.source === source.source && each.wildcard === source.wildcard && each.rpt === source.rpt);
      if (at >= 0) list.splice(at, 1);
    }
    (join ? sets.joins : sets.prunes).push(source);
    if (join) this.pim.counters.joins++;
    else this.pim.counters.prunes++;
    if (this.scheduled) return;
    this.scheduled = true;
    this.pim.clock.after(0, () => {
      this.flush();
    });
  }

  private flush(): void {
    this.scheduled = false;
    for (const { iface, neighbour, groups } of this.waiting.values()) {
      let sets: PimGroupSet[] = [];
      let sources = 0;
      for (const [group, { joins, prunes }] of groups) {
        const count = joins.length + prunes.length;
        if (sets.length > 0 && (sets.length === MAX_GROUPS_A_MESSAGE || sources + count > MAX_SOURCES_A_MESSAGE)) {
          this.send(iface, neighbour, sets);
          sets = [];
          sources = 0;
        }
        sets.push({ group, maskLength: ADDRESS_BYTES[this.pim.family] * 8, joins, prunes });
        sources += count;
      }
      if (sets.length > 0) this.send(iface, neighbour, sets);
    }
    this.waiting.clear();
  }

  private send(iface: number, upstream: string, groups: PimGroupSet[]): void {
    this.pim.neighbours[iface]!.helloBefore();
    this.pim.host.send(iface, { kind: 'join-prune', upstream, holdtimeS: this.pim.settings.joinPruneHoldtimeS, groups });
  }
}
