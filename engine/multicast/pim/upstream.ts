import { ANY } from '../addresses.ts';
import { cancel, isRunning } from '../clock.ts';
import type { PimSource } from '../messages/index.ts';
import type { PimRouter } from './router.ts';
import type { Tree } from './tree.ts';

/** Upstream state machines of (*,G), (S,G) and (S,G,rpt) (RFC 7761 sections 4.5.4 to 4.5.7). */
export class Upstream {
  private readonly pim: PimRouter;

  constructor(pim: PimRouter) {
    this.pim = pim;
  }

  /** RPF'(*,G) and RPF'(S,G): the next hop, or the winner of an assert that this router lost on that interface. */
  private next(tree: Tree): { iface: number; neighbour: string; asserted: boolean } {
    const route = this.pim.routeOf(tree);
    if (route === undefined) return { iface: -1, neighbour: '', asserted: false };
    const assert = tree.assertOn(route.iface);
    const asserted = assert?.state === 'loser';
    const neighbour = asserted ? assert.winner.address : route.neighbour;
    return { iface: route.iface, neighbour: this.nameOf(route.iface, neighbour), asserted };
  }

  /** A neighbour by an address of it; empty where there is none. */
  private nameOf(iface: number, address: string): string {
    if (address === '') return '';
    const name = this.pim.neighbours[iface]!.nameOf(address);
    return name === '' && this.pim.trusting ? address : name;
  }

  /** RPF'(S,G,rpt): as that of the shared tree, unless an assert of the source was lost there. */
  private rptNext(tree: Tree, star: Tree): string {
    const assert = star.upIface < 0 ? undefined : tree.assertOn(star.upIface);
    return assert?.state === 'loser' ? assert.winner.address : star.upNeighbour;
  }

  /** What a Join or Prune names. Where the rendezvous point is not known any more, a Prune(*,G) names no address (section 4.5.4). */
  private asSource(tree: Tree): PimSource {
    const { family } = this.pim;
    return tree.source === ''
      ? { source: this.pim.rp(tree.group) || ANY[family], wildcard: true, rpt: true }
      : { source: tree.source, wildcard: false, rpt: false };
  }

  private send(tree: Tree, iface: number, neighbour: string, join: boolean): void {
    const { pim } = this;
    if (iface < 0 || neighbour === '' || (join && tree.source === '' && pim.rp(tree.group) === '')) return;
    pim.queue.add(iface, neighbour, tree.group, this.asSource(tree), join);
    if (tree.source !== '' || !join) return;
    for (const each of pim.groups.get(tree.group)?.sources.values() ?? []) {
      if (this.leftOut(each, tree, iface, neighbour))
        pim.queue.add(iface, neighbour, tree.group, { source: each.source, wildcard: false, rpt: true }, false);
    }
  }

  /**
   * A Join(*,G) carries a Prune(S,G,rpt) for a source that comes from another neighbour on its own tree, that nobody wants, or that the winner
   * of an assert brings (section 4.5.6).
   */
  private leftOut(tree: Tree, star: Tree, iface: number, neighbour: string): boolean {
    if (tree.spt) return tree.upIface !== iface || tree.upNeighbour !== neighbour;
    return this.nobodyOnShared(tree) || this.rptNext(tree, star) !== neighbour;
  }

  private periodic(tree: Tree, ns = this.pim.settings.joinPruneNs): void {
    cancel(tree.joinTimer);
    tree.joinTimer = this.pim.clock.after(ns, () => {
      this.send(tree, tree.upIface, tree.upNeighbour, true);
      this.periodic(tree);
    });
  }

  /** Brings the upstream state in line with what is wanted and where it is to be had. */
  refresh(tree: Tree): void {
    const { pim } = this;
    const desired = pim.host.joinDesired(tree.source, tree.group, pim.olists.wants(tree));
    const { iface, neighbour, asserted } = this.next(tree);
    if (!desired) {
      if (tree.joined) {
        tree.joined = false;
        tree.spt = false;
        tree.joinTimer = cancel(tree.joinTimer);
        this.send(tree, tree.upIface, tree.upNeighbour, false);
        tree.upIface = -1;
        tree.upNeighbour = '';
      }
    } else if (!tree.joined || tree.upIface !== iface || tree.upNeighbour !== neighbour) this.turn(tree, iface, neighbour, asserted);
    if (tree.joined) tree.upAssert = asserted;
    if (tree.source !== '') this.refreshRpt(tree);
  }

  /** A first Join, or RPF' has changed: Prune to the old one and Join to the new one, but after an assert only the latter, within t_override. */
  private turn(tree: Tree, iface: number, neighbour: string, asserted: boolean): void {
    const { joined, upIface, upNeighbour } = tree;
    const byAssert = joined && upIface === iface && upNeighbour !== '' && neighbour !== '' && (asserted || tree.upAssert);
    if (joined && !byAssert && upIface >= 0 && this.nameOf(upIface, upNeighbour) !== '') this.send(tree, upIface, upNeighbour, false);
    if (joined && upIface !== iface) tree.spt = false;
    tree.joined = true;
    tree.upIface = iface;
    tree.upNeighbour = neighbour;
    if (byAssert) {
      this.sooner(tree, iface);
      return;
    }
    this.send(tree, iface, neighbour, true);
    this.periodic(tree);
  }

  /** PruneDesired(S,G,rpt) (section 4.5.7): the shared tree need not bring what comes on the source's own tree, or what nobody wants. */
  private refreshRpt(tree: Tree): void {
    const { pim } = this;
    const star = pim.find('', tree.group);
    const shared = star?.joined === true;
    const elsewhere = tree.spt && star !== undefined && (star.upIface !== tree.upIface || star.upNeighbour !== tree.upNeighbour);
    const desired = shared && (elsewhere || this.nobodyOnShared(tree));
    if (desired || !shared) tree.override = cancel(tree.override);
    if (desired === tree.rptPruned) return;
    tree.rptPruned = desired;
    if (!shared) return;
    const neighbour = this.rptNext(tree, star);
    if (neighbour === '') return;
    const source = { source: tree.source, wildcard: false, rpt: true };
    pim.queue.add(star.upIface, neighbour, tree.group, source, !desired);
  }

  /** inherited_olist(S,G,rpt) is empty, in the other family of a translation router too. */
  private nobodyOnShared(tree: Tree): boolean {
    const { pim } = this;
    return pim.olists.inheritedRpt(tree.source, tree.group) === 0 && !pim.host.wantedElsewhere('', tree.group);
  }

  /** The neighbour has lost its memory (section 4.5.4: its GenID changed): it is told again soon. */
  neighbourRestarted(iface: number, neighbour: string): void {
    for (const tree of this.pim.trees()) {
      if (!tree.joined || tree.upIface !== iface || tree.upNeighbour !== neighbour) continue;
      this.sooner(tree, iface);
    }
  }

  /** Join timer to at most t_override. */
  private sooner(tree: Tree, iface: number): void {
    const ns = this.pim.random.float() * this.pim.neighbours[iface]!.overrideNs;
    if (isRunning(tree.joinTimer) && tree.joinTimer.atNs - this.pim.clock.nowNs <= ns) return;
    this.periodic(tree, ns);
  }

  /** Another router on the link sent a Join to our upstream neighbour: ours can wait (suppression). */
  heardJoin(tree: Tree, iface: number, upstream: string, holdtimeS: number): void {
    if (!tree.joined || tree.upIface !== iface || tree.upNeighbour !== upstream) return;
    if (!this.pim.neighbours[iface]!.suppression) return;
    const factor = 1.1 + 0.3 * this.pim.random.float();
    const ns = Math.min(factor * this.pim.settings.joinPruneNs, holdtimeS * 1e9);
    if (isRunning(tree.joinTimer) && tree.joinTimer.atNs - this.pim.clock.nowNs >= ns) return;
    this.periodic(tree, ns);
  }

  /** Another router sent a Prune to our upstream neighbour: object in time. */
  heardPrune(tree: Tree, iface: number, upstream: string): void {
    if (tree.joined && tree.upIface === iface && tree.upNeighbour === upstream) this.sooner(tree, iface);
  }

  /**
   * Another router sent a Prune(S,G,rpt), or a Prune(S,G), to the upstream neighbour of the shared tree: who wants the source from there objects
   * with a Join(S,G,rpt) (section 4.5.7). One who comes by the source's own tree objects as to a Prune(S,G).
   */
  heardRptPrune(source: string, group: string, iface: number, upstream: string): void {
    const { pim } = this;
    const own = pim.find(source, group);
    if (own !== undefined) this.heardPrune(own, iface, upstream);
    const star = pim.find('', group);
    if (star?.joined !== true || star.upIface !== iface || own?.rptPruned === true) return;
    if (pim.olists.inheritedRpt(source, group) === 0 && !pim.host.wantedElsewhere('', group)) return;
    if ((own === undefined ? star.upNeighbour : this.rptNext(own, star)) !== upstream) return;
    const tree = own ?? pim.admit(source, group);
    if (tree !== undefined) this.override(tree, iface);
  }

  /**
   * The override timer of (S,G,rpt) goes to at most t_override; when it ends a Join(S,G,rpt) is sent. Not to the winner of an assert: it need not
   * have joined the shared tree.
   */
  private override(tree: Tree, iface: number): void {
    const { pim } = this;
    const ns = pim.random.float() * pim.neighbours[iface]!.overrideNs;
    if (isRunning(tree.override) && tree.override.atNs - pim.clock.nowNs <= ns) return;
    cancel(tree.override);
    tree.override = pim.clock.after(ns, () => {
      tree.override = undefined;
      const star = pim.find('', tree.group);
      const shared = star?.upNeighbour ?? '';
      if (shared !== '' && this.rptNext(tree, star!) === shared)
        pim.queue.add(star!.upIface, shared, tree.group, { source: tree.source, wildcard: false, rpt: true }, true);
      pim.refresh(tree);
    });
  }

  /**
   * An assert about a source is over: where RPF'(S,G,rpt) was its winner, it is that of the shared tree again, which is asked for the source
   * (section 4.5.7).
   */
  rptNextIsShared(tree: Tree, iface: number): void {
    const star = this.pim.find('', tree.group);
    if (star?.joined !== true || star.upIface !== iface || star.upNeighbour === '' || tree.spt || tree.rptPruned) return;
    if (!this.nobodyOnShared(tree)) this.override(tree, iface);
  }

  /** Another router has objected already. */
  heardRptJoin(source: string, group: string, iface: number, upstream: string): void {
    const tree = this.pim.find(source, group);
    const star = this.pim.find('', group);
    if (tree?.override === undefined || star?.upIface !== iface || this.rptNext(tree, star) !== upstream) return;
    tree.override = cancel(tree.override);
    this.pim.refresh(tree);
  }

  /** Update_SPTbit(S,G,iif) of section 4.2.2. */
  updateSpt(tree: Tree, iface: number, direct: boolean): void {
    const { pim } = this;
    if (tree.spt || !tree.joined) return;
    const star = pim.find('', tree.group);
    const starIface = star === undefined ? -1 : pim.incoming(star);
    const sameNext = star?.joined === true && star.upNeighbour !== '' && star.upNeighbour === tree.upNeighbour;
    const lost = tree.assertOn(iface)?.state === 'loser';
    if (direct || starIface !== iface || pim.olists.inheritedRpt(tree.source, tree.group) === 0 || sameNext || lost) {
      tree.spt = true;
      if (star !== undefined)
        pim.host.note({ kind: 'spt', iface, source: tree.source, group: tree.group, text: 'data comes on the source tree' });
      pim.refresh(tree);
    }
  }

  /** SwitchToSptDesired(S,G) of section 4.2.1, with the first packet as threshold, where there is somebody here to switch for. */
  wantsSpt(source: string, group: string): boolean {
    const { pim } = this;
    if (!pim.sptWanted) return false;
    return ((pim.olists.includeAny(group) & ~pim.host.excludes(source, group)) | pim.olists.includeSource(source, group)) !== 0;
  }

  /** CheckSwitchToSpt(S,G) of section 4.2.1. */
  checkSwitchToSpt(source: string, group: string): void {
    const { pim } = this;
    if (!this.wantsSpt(source, group)) return;
    const tree = pim.admit(source, group);
    if (tree !== undefined && !isRunning(tree.keepalive)) pim.keepAlive(tree);
  }
}
