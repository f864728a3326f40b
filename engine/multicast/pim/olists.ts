import { isSsm } from '../addresses.ts';
import { isRunning } from '../clock.ts';
import { betterAssert } from './asserts.ts';
import type { PimRouter } from './router.ts';
import { bit, hasBit, type Tree } from './tree.ts';

/** The macros of RFC 7761 section 4.1.5 over masks of interfaces. */
export class Olists {
  private readonly pim: PimRouter;

  constructor(pim: PimRouter) {
    this.pim = pim;
  }

  /**
   * Interfaces on which this router answers for local receivers: where it is the designated router and is not in `lost`, or has won an assert.
   * One who takes the data from a link is not in `lost` there, whoever forwards to it: without its join nobody would.
   */
  private forwards(mask: number, tree: Tree | undefined, lost: number): number {
    let result = 0;
    for (let iface = 0, rest = mask; rest !== 0; iface++, rest >>>= 1) {
      if ((rest & 1) === 0) continue;
      const dr = this.pim.neighbours[iface]!.isDr && !hasBit(lost, iface);
      if (dr || tree?.assertOn(iface)?.state === 'winner') result |= bit(iface);
    }
    return result;
  }

  /** pim_include(*,G). */
  includeAny(group: string): number {
    if (isSsm(group)) return 0;
    const mask = this.pim.host.includeAny(group);
    if (mask === 0) return 0;
    const star = this.pim.find('', group);
    return this.forwards(mask, star, this.lostStar(star));
  }

  /** pim_include(S,G). */
  includeSource(source: string, group: string): number {
    const mask = this.pim.host.includeSource(source, group);
    if (mask === 0) return 0;
    const tree = this.pim.find(source, group);
    return this.forwards(mask, tree, tree === undefined ? 0 : this.lostSource(tree));
  }

  /** lost_assert(*,G). */
  private lostStar(star: Tree | undefined): number {
    if (star?.asserts === undefined) return 0;
    const incoming = this.pim.incoming(star);
    let mask = 0;
    for (const { iface, state } of star.asserts) if (state === 'loser' && iface !== incoming) mask |= bit(iface);
    return mask;
  }

  /** lost_assert(S,G): only to a winner that is better than what this router could say itself. */
  private lostSource(tree: Tree): number {
    if (tree.asserts === undefined) return 0;
    const incoming = this.pim.incoming(tree);
    let mask = 0;
    for (const { iface, state, winner } of tree.asserts) {
      if (state === 'loser' && iface !== incoming && betterAssert(winner, this.pim.asserts.sptMetric(tree, iface))) mask |= bit(iface);
    }
    return mask;
  }

  /** lost_assert(S,G,rpt). */
  private lostRpt(tree: Tree | undefined, group: string): number {
    if (tree?.asserts === undefined) return 0;
    const star = this.pim.find('', group);
    const fromRp = star === undefined ? -1 : this.pim.incoming(star);
    const fromSource = tree.spt ? this.pim.incoming(tree) : -1;
    let mask = 0;
    for (const { iface, state } of tree.asserts) if (state === 'loser' && iface !== fromRp && iface !== fromSource) mask |= bit(iface);
    return mask;
  }

  /** immediate_olist(*,G) or immediate_olist(S,G). */
  immediate(tree: Tree): number {
    if (tree.source === '') return (tree.joins | this.includeAny(tree.group)) & ~this.lostStar(tree);
    return (tree.joins | this.includeSource(tree.source, tree.group)) & ~this.lostSource(tree);
  }

  /** inherited_olist(S,G,rpt): what the shared tree would get of this source. */
  inheritedRpt(source: string, group: string): number {
    if (isSsm(group)) return 0;
    const star = this.pim.find('', group);
    const tree = this.pim.find(source, group);
    const joins = (star?.joins ?? 0) & ~(tree?.rptPrunes ?? 0);
    const include = this.includeAny(group);
    const members = include === 0 ? 0 : include & ~this.pim.host.excludes(source, group);
    return (joins | members) & ~(this.lostStar(star) | this.lostRpt(tree, group));
  }

  /** inherited_olist(S,G). */
  inherited(tree: Tree): number {
    const rpt = this.inheritedRpt(tree.source, tree.group);
    return (rpt | tree.joins | this.includeSource(tree.source, tree.group)) & ~this.lostSource(tree);
  }

  /** JoinDesired as this family alone would have it. */
  wants(tree: Tree): boolean {
    if (this.immediate(tree) !== 0) return true;
    return tree.source !== '' && isRunning(tree.keepalive) && this.inherited(tree) !== 0;
  }

  /** Interfaces that data of a source goes out of, by the joins and receivers of both trees: the common part of the macros of section 4.6. */
  private forwarding(tree: Tree): number {
    const star = this.pim.find('', tree.group);
    const shared =
      ((star?.joins ?? 0) & ~tree.rptPrunes) | (this.includeAny(tree.group) & ~this.pim.host.excludes(tree.source, tree.group));
    return (shared & ~this.lostStar(star)) | tree.joins;
  }

  /** CouldAssert(S,G,I) of section 4.6.1 or CouldAssert(*,G,I) of section 4.6.2. */
  couldAssert(tree: Tree, iface: number): boolean {
    if (this.pim.incoming(tree) === iface) return false;
    if (tree.source === '') return hasBit(tree.joins | this.includeAny(tree.group), iface);
    return tree.spt && hasBit(this.forwarding(tree) | this.includeSource(tree.source, tree.group), iface);
  }

  /** Local receivers of a tree for which this router is responsible: the designated router, or the winner of an assert. */
  private answersFor(tree: Tree, iface: number): boolean {
    const { host, neighbours } = this.pim;
    const mask = tree.source === '' ? host.includeAny(tree.group) : host.includeSource(tree.source, tree.group);
    return hasBit(mask, iface) && (neighbours[iface]!.isDr || tree.assertOn(iface)?.state === 'winner');
  }

  /** AssertTrackingDesired(S,G,I) of section 4.6.1 or AssertTrackingDesired(*,G,I) of section 4.6.2. */
  assertTracked(tree: Tree, iface: number): boolean {
    const { pim } = this;
    if (this.answersFor(tree, iface)) return true;
    if (tree.source === '') return this.couldAssert(tree, iface) || (pim.incoming(tree) === iface && this.wanted(tree));
    if (hasBit(this.forwarding(tree), iface)) return true;
    if (pim.incoming(tree) === iface && this.wanted(tree)) return true;
    const star = pim.find('', tree.group);
    return star !== undefined && !tree.spt && pim.incoming(star) === iface && this.wanted(star);
  }

  /** JoinDesired of a tree: what this family wants, or what the other one of a translation router wants of it. */
  private wanted(tree: Tree): boolean {
    return tree.joined || this.wants(tree);
  }
}
