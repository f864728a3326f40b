import { ANY, compareAddresses } from '../addresses.ts';
import { cancel } from '../clock.ts';
import type { PimAssert } from '../messages/index.ts';
import type { PimRouter } from './router.ts';
import { ASSERT_OVERRIDE_NS } from './settings.ts';
import type { AssertMetric, AssertState, Tree } from './tree.ts';

const INFINITE = 0xffffffff;
const INFINITE_PREFERENCE = 0x7fffffff;

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

  /** spt_assert_metric(S,I), or rpt_assert_metric(G,I) for a shared tree. */
  sptMetric(tree: Tree, iface: number): AssertMetric {
    const route = this.pim.routeOf(tree);
    const { address } = this.pim.neighbours[iface]!;
    return { rpt: tree.source === '', preference: route?.preference ?? INFINITE_PREFERENCE, metric: route?.metric ?? INFINITE, address };
  }

  /** my_assert_metric: what this router may say of itself here. */
  private own(tree: Tree, iface: number): AssertMetric {
    if (this.pim.olists.couldAssert(tree, iface)) return this.sptMetric(tree, iface);
    const star = tree.source === '' ? undefined : this.pim.find('', tree.group);
    if (star !== undefined && this.pim.olists.couldAssert(star, iface)) return this.sptMetric(star, iface);
    return { rpt: true, preference: INFINITE_PREFERENCE, metric: INFINITE, address: '' };
  }

  /** Data came in on an interface it should go out of: somebody else forwards here too. */
  dataOn(tree: Tree, iface: number): void {
    const state = tree.assertOn(iface);
    if (state?.state === 'loser') return;
    if (this.pim.olists.couldAssert(tree, iface)) this.win(tree, iface);
  }

  private send(tree: Tree, iface: number, metric: AssertMetric): void {
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
    if (assert === undefined) tree.asserts.push((assert = { iface, state, winner, timer: undefined }));
    const changed = assert.state !== state || assert.winner.address !== winner.address || assert.timer === undefined;
    assert.state = state;
    assert.winner = winner;
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
      if (this.pim.olists.couldAssert(tree, iface)) this.win(tree, iface);
      else this.forget(tree, iface);
    });
  }

  /** A2 and A6. */
  private lose(tree: Tree, iface: number, winner: AssertMetric): void {
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
    this.pim.refresh(tree);
  }

  receive(message: PimAssert, iface: number, from: string): void {
    const source = message.source === ANY[this.pim.family] ? '' : message.source;
    const heard: AssertMetric = { rpt: message.rpt, preference: message.preference, metric: message.metric, address: from };
    const tree = this.pim.find(source, message.group) ?? this.pim.find('', message.group);
    if (tree === undefined) return;
    const state = tree.assertOn(iface);
    const mine = this.own(tree, iface);
    const preferred = betterAssert(heard, mine);
    const cancels = heard.preference === INFINITE_PREFERENCE && heard.metric === INFINITE;
    if (state === undefined) {
      if (!preferred) {
        if (this.pim.olists.couldAssert(tree, iface)) this.win(tree, iface);
      } else if (!cancels && this.tracked(tree, iface)) this.lose(tree, iface, heard);
      return;
    }
    if (state.state === 'winner') {
      if (preferred) this.lose(tree, iface, heard);
      else this.win(tree, iface);
      return;
    }
    this.asLoser(tree, state, heard, preferred, cancels);
  }

  private asLoser(tree: Tree, state: AssertState, heard: AssertMetric, preferred: boolean, cancels: boolean): void {
    const fromWinner = heard.address === state.winner.address;
    if (fromWinner && (cancels || !preferred)) this.forget(tree, state.iface);
    else if (fromWinner || betterAssert(heard, state.winner)) this.lose(tree, state.iface, heard);
  }

  /** AssertTrackingDesired: this router would forward here, or takes its own data from here. */
  private tracked(tree: Tree, iface: number): boolean {
    return this.pim.olists.couldAssert(tree, iface) || this.pim.incoming(tree) === iface || (tree.joins & (1 << iface)) !== 0;
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
