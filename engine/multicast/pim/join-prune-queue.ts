import { NS_PER_S } from '../../base/index.ts';
import type { PimGroupSet, PimSource } from '../messages/index.ts';
import { joinPruneMessages } from './join-prune-sets.ts';
import type { PimRouter } from './router.ts';

interface Waiting {
  readonly group: string;
  readonly joins: PimSource[];
  readonly prunes: PimSource[];
}

/**
 * Joins and prunes of one instant for one neighbour go out together (RFC 7761 section 4.9.5). A later word about the same source replaces the
 * earlier one.
 */
export class JoinPruneQueue {
  private readonly pim: PimRouter;
  /** By interface and neighbour, then by group. */
  private readonly waiting = new Map<string, { iface: number; neighbour: string; groups: Map<string, Waiting> }>();
  private scheduled = false;
  /** Prunes of sources that no message of their Join(*,G) had room for. */
  leftOut = 0;

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
    if (sets === undefined) target.groups.set(group, (sets = { group, joins: [], prunes: [] }));
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
    const { family } = this.pim;
    for (const { iface, neighbour, groups } of this.waiting.values()) {
      const { messages, leftOut } = joinPruneMessages(groups.values(), family);
      this.leftOut += leftOut;
      for (const sets of messages) this.send(iface, neighbour, sets);
    }
    this.waiting.clear();
  }

  /** The hold time is larger than J/P_Override_Interval, whatever the neighbours ask for (section 4.9.5). */
  private send(iface: number, upstream: string, groups: PimGroupSet[]): void {
    const { host, neighbours, settings } = this.pim;
    const neighbour = neighbours[iface]!;
    neighbour.helloBefore();
    const holdtimeS = Math.max(settings.joinPruneHoldtimeS, Math.floor(neighbour.prunePendingNs / NS_PER_S) + 1);
    host.send(iface, { kind: 'join-prune', upstream, holdtimeS, groups });
  }
}
