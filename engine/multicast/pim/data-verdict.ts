import type { PimRouter } from './router.ts';
import { bit, hasBit, type Tree } from './tree.ts';

/** What a router does with a packet of a group that came in on an interface. */
export interface DataVerdict {
  /** It passed the reverse path check. */
  readonly accepted: boolean;
  /** Interfaces it goes out of, the incoming one left out. */
  readonly olist: number;
  /** There is any state for it. */
  readonly known: boolean;
  /** The next packet will get the same verdict, as long as nothing changes, and needs no more than what follows. */
  readonly steady: boolean;
  /** The tree whose keepalive timer each packet sets. */
  readonly keeps: Tree | undefined;
  /** A source on a link of this router: while its register state is Join, each packet is registered. */
  readonly registers: Tree | undefined;
}

const UNKNOWN: DataVerdict = { accepted: false, olist: 0, known: false, steady: false, keeps: undefined, registers: undefined };
const UNWANTED: DataVerdict = { ...UNKNOWN, steady: true };

/** Data came in on an interface (RFC 7761 section 4.2): where it goes, and the events that it is. */
export function dataVerdict(pim: PimRouter, source: string, group: string, iface: number, packet: Uint8Array): DataVerdict {
  const route = pim.host.rpf(source);
  const direct = route?.neighbour === '' && route.iface === iface;
  let tree = pim.find(source, group);
  const star = pim.find('', group);
  if (direct) {
    tree ??= pim.unknown.admit(source, group);
    if (tree === undefined) return UNKNOWN;
    pim.keepAlive(tree);
    pim.registering.data(tree, packet);
  }
  if (tree === undefined && star === undefined) return UNWANTED;
  const onSource = route?.iface === iface;
  if (tree !== undefined && onSource) {
    if (tree.joined) pim.keepAlive(tree);
    pim.upstream.updateSpt(tree, iface, direct);
  }
  const olist = dataOlist(pim, source, group, iface, tree, star, onSource);
  const keeps = direct || (onSource && tree?.joined === true) ? tree : undefined;
  const steady = isSteady(pim, source, group, tree, star, onSource);
  const kept = { known: true, steady, keeps, registers: direct ? tree : undefined };
  if (olist >= 0) return { accepted: true, olist: olist & ~bit(iface), ...kept };
  const lists = pim.olists;
  if (tree?.spt === true) {
    if (hasBit(lists.inherited(tree), iface)) pim.asserts.dataOn(tree, iface);
  } else if (hasBit(lists.inheritedRpt(source, group), iface) && star !== undefined) pim.asserts.dataOn(star, iface);
  return { accepted: false, olist: 0, ...kept };
}

/** Whether one more packet could change a state: the SPT bit, the change to the source's tree, or an assert. */
function isSteady(
  pim: PimRouter,
  source: string,
  group: string,
  tree: Tree | undefined,
  star: Tree | undefined,
  onSource: boolean,
): boolean {
  if (tree?.spt === true) return onSource;
  return star === undefined
    ? tree === undefined || !(onSource && tree.joined)
    : tree?.joined !== true && !pim.upstream.wantsSpt(source, group);
}

/** Outgoing interfaces, or -1 where the packet fails the reverse path check. */
function dataOlist(
  pim: PimRouter,
  source: string,
  group: string,
  iface: number,
  tree: Tree | undefined,
  star: Tree | undefined,
  onSource: boolean,
): number {
  if (tree?.spt === true && onSource) return pim.olists.inherited(tree);
  if (star !== undefined && tree?.spt !== true && pim.incoming(star) === iface) {
    const olist = pim.olists.inheritedRpt(source, group);
    pim.upstream.checkSwitchToSpt(source, group);
    return olist;
  }
  // A source on a link of this router that nobody has joined is known, and goes nowhere but to the rendezvous point.
  return tree !== undefined && onSource && !tree.joined ? 0 : -1;
}
