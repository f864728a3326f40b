import { ANY, compareAddresses } from '../addresses.ts';
import { cancel } from '../clock.ts';
import type { PimAssert } from '../messages/index.ts';
import type { PimRouter } from './router.ts';
import { ASSERT_OVERRIDE_NS } from './settings.ts';
import type { AssertMetric, AssertState, Tree } from './tree.ts';

const INFINITE = 0xffffffff;
const INFINITE_PREFERENCE = 0x7fffffff;
/** What an AssertCancel says of its sender, and what a router that could not assert thinks of itself. */
const INFINITE_METRIC: AssertMetric = { rpt: true, preference: INFINITE_PREFERENCE, metric: INFINITE, address: '' };

const isInfinite = ({ preference, metric }: AssertMetric): boolean => preference === INFINITE_PREFERENCE && metric === INFINITE;

/** RFC 7761 section 4.6.3: source tree before shared tree, then preference, metric, and the higher address. */
export function betterAssert(a: AssertMetric, b: AssertMetric): boolean {
  if (a.rpt !== b.rpt) return !a.rpt;
  if (a.preference !== b.preference) return a.preference < b.preference;
  if (a.metric !== b.metric) return a.metric < b.metric;
  if (a.address === '' || b.address === '') return b.address === '' && a.address !== '';
  return compareAddresses(a.address, b.address) > 0;
}

/** Assert state machines of (S,G) and (*,G) (section 4.6): who forwards on a link where more than one router could. */
export class Asserts {
  private readonly pim: PimRouter;

  constructor(pim: PimRouter) {
    this.pim = pim;
  }

  /** spt_assert_metric(S,I), or rpt_assert_metric(G,I) for a shared tree, of which this router may be the root. */
  sptMetric(tree: Tree, iface: number): AssertMetric {
    const { pim } = this;
    const { address } = pim.neighbours[iface]!;
    const rpt = tree.source === '';
    const rp = rpt ? pim.rp(tree.group) : '';
    if (rp !== '' && pim.host.isOwn(rp)) return { rpt, preference: 0, metric: 0, address };
    const route = pim.routeOf(tree);
    return { rpt, preference: route?.preference ?? INFINITE_PREFERENCE, metric: route?.metric ?? INFINITE, address };
  }

  /** my_assert_metric: what this router may say of itself here. */
  private own(tree: Tree, iface: number): AssertMetric {
    if (this.pim.olists.couldAssert(tree, iface)) return this.sptMetric(tree, iface);
    const star = tree.source === '' ? undefined : this.pim.find('', tree.group);
    if (star !== undefined && this.pim.olists.couldAssert(star, iface)) return this.sptMetric(star, iface);
    return INFINITE_METRIC;
  }

  /** Data came in on an interface it should go out of: somebody else forwards here too. A winner has said so already. */
  dataOn(tree: Tree, iface: number): void {
    if (tree.assertOn(iface) === undefined && this.pim.olists.couldAssert(tree, iface)) this.win(tree, iface);
  }

  private send(tree: Tree, iface: number, metric: AssertMetric): void {
    this.pim.neighbours[iface]!.helloBefore();
    this.pim.host.send(iface, {
      kind: 'assert',
      group: tree.group,
      source: tree.source === '' ? ANY[this.pim.family] : tree.source,
      rpt: metric.rpt,
      preference: metric.preference,
      metric: metric.metric,
    });
  }

  private set(tree: Tree, iface: number, state: 'winner' | 'loser', winner: AssertMetric, ns: number, expired: () => void): void {
    tree.asserts ??= [];
    let assert = tree.asserts.find((each) => each.iface === iface);
    if (assert === undefined) tree.asserts.push((assert = { iface, state, winner, upstream: false, timer: undefined }));
    const changed = assert.timer === undefined || assert.state !== state || assert.winner.address !== winner.address;
    assert.state = state;
    assert.winner = winner;
    assert.upstream = this.pim.incoming(tree) === iface;
    cancel(assert.timer);
    assert.timer = this.pim.clock.after(ns, expired);
    if (changed) {
      const text = state === 'winner' ? 'this router forwards here' : `${winner.address} forwards here, this router does not`;
      this.pim.host.note({ kind: 'assert', iface, source: tree.source, group: tree.group, text });
      this.pim.refresh(tree);
    }
  }

  /** A1 and A3: say so, and again before the losers forget. */
  private win(tree: Tree, iface: number): void {
    const metric = this.sptMetric(tree, iface);
    this.send(tree, iface, metric);
    this.set(tree, iface, 'winner', metric, this.pim.settings.assertNs - ASSERT_OVERRIDE_NS, () => {
      this.win(tree, iface);
    });
  }

  /** A2, and A6: where the data of a joined source comes in, the winner brings it on the source's own tree. */
  private lose(tree: Tree, iface: number, winner: AssertMetric): void {
    if (tree.source !== '' && tree.joined && this.pim.incoming(tree) === iface) tree.spt = true;
    this.set(tree, iface, 'loser', winner, this.pim.settings.assertNs, () => {
      this.forget(tree, iface);
    });
  }

  /** A5. */
  private forget(tree: Tree, iface: number): void {
    const at = tree.asserts?.findIndex((each) => each.iface === iface) ?? -1;
    if (at < 0) return;
    cancel(tree.asserts![at]!.timer);
    tree.asserts!.splice(at, 1);
    if (tree.source !== '') this.pim.upstream.rptNextIsShared(tree, iface);
    this.pim.refresh(tree);
  }

  /**
   * An assert concerns the machine of its source first. One of the shared tree goes on to that machine, unless the first made something of it
   * or has a state here (section 4.6.2).
   */
  receive(message: PimAssert, iface: number, from: string): void {
    const { pim } = this;
    const { group, rpt } = message;
    const source = message.source === ANY[pim.family] ? '' : message.source;
    const heard: AssertMetric = { rpt, preference: message.preference, metric: message.metric, address: from };
    if (source !== '') {
      // Of a source that comes on the shared tree alone nothing is known yet.
      const tree = pim.find(source, group) ?? (!rpt && pim.find('', group) !== undefined ? pim.admit(source, group) : undefined);
      const moved = tree !== undefined && this.hear(tree, iface, heard);
      if (tree !== undefined && !moved) pim.refresh(tree);
      if (moved || !rpt || tree?.assertOn(iface) !== undefined) return;
    }
    const star = pim.find('', group);
    if (star !== undefined && rpt) this.hear(star, iface, heard);
  }

  /** The tables of sections 4.6.1 and 4.6.2. True where the assert made a difference. */
  private hear(tree: Tree, iface: number, heard: AssertMetric): boolean {
    const state = tree.assertOn(iface);
    const mine = this.own(tree, iface);
    const acceptable = !isInfinite(heard) && betterAssert(heard, mine);
    const inferior = !isInfinite(mine) && betterAssert(mine, heard);
    const shared = tree.source === '';
    if (state === undefined) {
      const could = this.pim.olists.couldAssert(tree, iface);
      if (could && (inferior || (heard.rpt && !shared))) this.win(tree, iface);
      else if (acceptable && heard.rpt === shared && this.pim.olists.assertTracked(tree, iface)) this.lose(tree, iface, heard);
      else return false;
      return true;
    }
    if (state.state === 'winner') {
      if (inferior) this.win(tree, iface);
      else if (acceptable) this.lose(tree, iface, heard);
      else return false;
      return true;
    }
    const fromWinner = heard.address === state.winner.address;
    if (fromWinner && (isInfinite(heard) || inferior)) this.forget(tree, iface);
    else if (heard.rpt === shared && (betterAssert(heard, state.winner) || (fromWinner && acceptable))) this.lose(tree, iface, heard);
    else return false;
    return true;
  }

  /** What ends a state without a message: CouldAssert or AssertTrackingDesired are false now, a better metric, another incoming interface. */
  check(tree: Tree): void {
    for (const state of [...(tree.asserts ?? [])]) {
      if (tree.assertOn(state.iface) !== state) continue;
      if (state.state === 'winner') {
        if (!this.pim.olists.couldAssert(tree, state.iface)) this.giveUp(tree, state.iface);
      } else if (this.outdated(tree, state)) this.forget(tree, state.iface);
    }
  }

  private outdated(tree: Tree, { iface, winner, upstream }: AssertState): boolean {
    if (upstream && this.pim.incoming(tree) !== iface) return true;
    if (!this.pim.olists.assertTracked(tree, iface)) return true;
    return betterAssert(this.own(tree, iface), winner);
  }

  /** A4: an AssertCancel, so that another forwards at once. */
  private giveUp(tree: Tree, iface: number): void {
    this.send(tree, iface, INFINITE_METRIC);
    this.forget(tree, iface);
  }

  /** A Join for this router on a link where it lost: the others see it otherwise (section 4.6.1). */
  heardJoin(tree: Tree, iface: number): void {
    if (tree.assertOn(iface)?.state === 'loser') this.forget(tree, iface);
  }

  /** The winner is gone, or started anew. */
  winnerLost(iface: number, address: string): void {
    for (const tree of [...this.pim.trees()]) {
      const state = tree.assertOn(iface);
      if (state?.state === 'loser' && state.winner.address === address) this.forget(tree, iface);
    }
  }
}
