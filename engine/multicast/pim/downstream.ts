import { NS_PER_S } from '../../base/index.ts';
import { ADDRESS_BYTES, ANY, isMulticast, isSsm, scopeOf } from '../addresses.ts';
import { cancel, isRunning } from '../clock.ts';
import type { PimGroupSet, PimJoinPrune, PimSource } from '../messages/index.ts';
import type { PimRouter } from './router.ts';
import { FOREVER_S } from './settings.ts';
import type { Downstream, RptDownstream, Tree } from './tree.ts';

/** Downstream state machines: Join/Prune messages from an interface (RFC 7761 sections 4.5.1 to 4.5.3). */
export function receiveJoinPrune(pim: PimRouter, message: PimJoinPrune, iface: number): void {
  const { address, size } = pim.neighbours[iface]!;
  // Where one neighbour is all there is, no address is ours too (section 4.5.1, for older routers on point-to-point links).
  const forUs = pim.trusting || message.upstream === address || (message.upstream === ANY[pim.family] && size <= 1);
  for (const set of message.groups) {
    // A group range of (*,*,RP) has gone with RFC 7761; groups of the link itself are not forwarded.
    const { group, maskLength } = set;
    if (maskLength !== ADDRESS_BYTES[pim.family] * 8 || !isMulticast(group) || scopeOf(group) <= 2) pim.counters.ignored++;
    else if (forUs) receiveSet(pim, set, iface, message.holdtimeS);
    else overhear(pim, set, iface, message);
  }
}

function receiveSet(pim: PimRouter, { group, joins, prunes }: PimGroupSet, iface: number, holdtimeS: number): void {
  const ssm = isSsm(group);
  // Another rendezvous point than this router knows: the routers of the link disagree (section 4.5.1).
  const rp = pim.rp(group);
  const refused = ssm || (rp === '' && pim.refuses(group));
  const takes = ({ source }: PimSource): boolean => !refused && (rp === '' || rp === source || pim.trusting);
  const starJoined = joins.some((each) => each.wildcard && takes(each));
  // A Join(*,G) puts every pruned source in doubt until the prune comes again in the same message (section 4.5.3).
  if (starJoined) for (const each of rptOn(pim, group, iface)) each.doubtful = true;
  for (const each of joins) {
    const { source, wildcard, rpt } = each;
    if (wildcard) {
      if (takes(each)) join(pim, '', group, iface, holdtimeS);
      else pim.counters.ignored++;
    } else if (rpt) unpruneRpt(pim, source, group, iface);
    else join(pim, source, group, iface, holdtimeS);
  }
  for (const { source, wildcard, rpt } of prunes) {
    if (ssm && rpt) pim.counters.ignored++;
    else if (rpt && !wildcard) pruneRpt(pim, source, group, iface, holdtimeS);
    else prune(pim, pim.find(wildcard ? '' : source, group), iface);
  }
  if (!starJoined) return;
  for (const tree of pim.groups.get(group)?.sources.values() ?? []) {
    const each = tree.rptDown?.find((r) => r.iface === iface);
    if (each?.doubtful === true) endRpt(pim, tree, each);
  }
}

/** Messages to another router of the link: suppression of joins, objection to prunes. */
function overhear(pim: PimRouter, { group, joins, prunes }: PimGroupSet, iface: number, message: PimJoinPrune): void {
  for (const { source, wildcard, rpt } of joins) {
    if (rpt && !wildcard) pim.upstream.heardRptJoin(source, group, iface, message.upstream);
    const tree = rpt && !wildcard ? undefined : pim.find(wildcard ? '' : source, group);
    if (tree !== undefined) pim.upstream.heardJoin(tree, iface, message.upstream, message.holdtimeS);
  }
  for (const { source, wildcard } of prunes) {
    if (!wildcard) pim.upstream.heardRptPrune(source, group, iface, message.upstream);
    else {
      const star = pim.find('', group);
      if (star !== undefined) pim.upstream.heardPrune(star, iface, message.upstream);
      // A prune of the shared tree takes its sources along.
      for (const each of pim.groups.get(group)?.sources.values() ?? []) pim.upstream.heardPrune(each, iface, message.upstream);
    }
  }
}

function join(pim: PimRouter, source: string, group: string, iface: number, holdtimeS: number): void {
  let down = pim.find(source, group)?.down.find((each) => each.iface === iface);
  const fresh = down === undefined;
  if (fresh && !pim.mayJoin(iface)) return;
  const tree = pim.admit(source, group);
  if (tree === undefined) return;
  if (down === undefined) {
    down = { iface, state: 'join', untilNs: 0, expiry: undefined, pending: undefined };
    // Not by spreading: an array that grows has room for 17.
    tree.down = tree.down.concat(down);
    pim.host.note({ kind: 'joined', iface, source, group, text: 'a router behind this interface joined' });
  }
  down.state = 'join';
  down.pending = cancel(down.pending);
  hold(pim, tree, down, holdtimeS, end);
  // A loser of an assert that hears a Join for itself forgets the assert (section 4.6.1).
  pim.asserts.heardJoin(tree, iface);
  if (fresh) pim.refresh(tree);
}

/**
 * The expiry timer goes to the hold time of the message if that is later. One that runs already is left alone and looked at when it ends: each
 * message would leave a cancelled one behind otherwise.
 */
function hold<T extends Downstream | RptDownstream>(
  pim: PimRouter,
  tree: Tree,
  down: T,
  holdtimeS: number,
  ended: (pim: PimRouter, tree: Tree, down: T) => void,
): void {
  down.untilNs = Math.max(down.untilNs, holdtimeS === FOREVER_S ? Infinity : pim.clock.nowNs + holdtimeS * NS_PER_S);
  if (isRunning(down.expiry) || down.untilNs === Infinity) return;
  const watch = (): void => {
    if (down.untilNs <= pim.clock.nowNs) ended(pim, tree, down);
    else if (down.untilNs < Infinity) down.expiry = pim.clock.at(down.untilNs, watch);
  };
  down.expiry = pim.clock.at(down.untilNs, watch);
}

function prune(pim: PimRouter, tree: Tree | undefined, iface: number): void {
  const down = tree?.down.find((each) => each.iface === iface);
  if (tree === undefined || down?.state !== 'join') return;
  const waitNs = pim.neighbours[iface]!.prunePendingNs;
  if (waitNs === 0) {
    end(pim, tree, down);
    return;
  }
  down.state = 'prune-pending';
  down.pending = pim.clock.after(waitNs, () => {
    end(pim, tree, down);
    echo(pim, tree, iface);
  });
}

/** PruneEcho (section 4.5.1): the prune is repeated with ourselves as upstream neighbour, lest an objection was lost. */
function echo(pim: PimRouter, tree: Tree, iface: number): void {
  if (pim.neighbours[iface]!.size <= 1) return;
  const source =
    tree.source === '' ? { source: pim.rp(tree.group), wildcard: true, rpt: true } : { source: tree.source, wildcard: false, rpt: false };
  if (source.source === '') return;
  pim.queue.add(iface, pim.neighbours[iface]!.address, tree.group, source, false);
}

function end(pim: PimRouter, tree: Tree, down: Downstream): void {
  cancel(down.expiry);
  cancel(down.pending);
  if (!tree.down.includes(down)) return;
  tree.down = tree.down.filter((each) => each !== down);
  pim.host.note({ kind: 'left', iface: down.iface, source: tree.source, group: tree.group, text: 'nobody behind this interface wants it' });
  pim.refresh(tree);
}

function rptOn(pim: PimRouter, group: string, iface: number): RptDownstream[] {
  const list: RptDownstream[] = [];
  for (const tree of pim.groups.get(group)?.sources.values() ?? [])
    list.push(...(tree.rptDown?.filter((each) => each.iface === iface) ?? []));
  return list;
}

function pruneRpt(pim: PimRouter, source: string, group: string, iface: number, holdtimeS: number): void {
  const tree = pim.admit(source, group);
  if (tree === undefined) return;
  tree.rptDown ??= [];
  let down = tree.rptDown.find((each) => each.iface === iface);
  const waitNs = pim.neighbours[iface]!.prunePendingNs;
  if (down === undefined) {
    const made: RptDownstream = {
      iface,
      state: waitNs === 0 ? 'prune' : 'prune-pending',
      doubtful: false,
      untilNs: 0,
      expiry: undefined,
      pending: undefined,
    };
    down = made;
    tree.rptDown.push(made);
    if (waitNs > 0) {
      made.pending = pim.clock.after(waitNs, () => {
        made.state = 'prune';
        if (made.untilNs <= pim.clock.nowNs) endRpt(pim, tree, made);
        else pim.refresh(tree);
      });
    }
    hold(pim, tree, made, holdtimeS, rptExpired);
  } else if (down.state === 'prune' || down.doubtful) hold(pim, tree, down, holdtimeS, rptExpired);
  down.doubtful = false;
  pim.refresh(tree);
}

/** While a prune waits for objections its expiry timer ends nothing, nor does a further prune set it (figure 4). */
function rptExpired(pim: PimRouter, tree: Tree, down: RptDownstream): void {
  if (down.state === 'prune') endRpt(pim, tree, down);
}

function unpruneRpt(pim: PimRouter, source: string, group: string, iface: number): void {
  const tree = pim.find(source, group);
  const down = tree?.rptDown?.find((each) => each.iface === iface);
  if (tree !== undefined && down !== undefined) endRpt(pim, tree, down);
}

function endRpt(pim: PimRouter, tree: Tree, down: RptDownstream): void {
  cancel(down.expiry);
  cancel(down.pending);
  const at = tree.rptDown?.indexOf(down) ?? -1;
  if (at < 0) return;
  tree.rptDown!.splice(at, 1);
  pim.refresh(tree);
}

/**
 * Local membership of a group changed: its trees may begin or end. `sources` are those that are asked for, or refused, by name now: what nobody
 * wants of the shared tree is pruned from it.
 */
export function receiverChanged(pim: PimRouter, group: string, sources: readonly string[]): void {
  if (!isSsm(group) && pim.host.includeAny(group) !== 0) pim.admit('', group);
  const shared = pim.find('', group) !== undefined;
  for (const source of sources) if (shared || pim.host.includeSource(source, group) !== 0) pim.admit(source, group);
  pim.refreshGroup(group);
}
