import {
  MULTICAST_DROPS,
  type MulticastBranch,
  type MulticastCounters,
  type MulticastEntryInfo,
  type MulticastInterfaceState,
  type MulticastLinkInfo,
  type MulticastMembership,
  type MulticastNode,
  type MulticastReceiverInfo,
  type MulticastRefusal,
  type MulticastState,
} from '../../contract/index.ts';
import { parseIpv4U32 } from '../../wire/index.ts';
import type { Family } from '../addresses.ts';
import { keyInfo, pathInfo, type Entry } from '../choice/index.ts';
import { interfacesOf, type Tree } from '../pim/index.ts';
import type { ReceiverNode, SourceNode } from './hosts.ts';
import type { Link } from './link.ts';
import type { EventClock } from '../clock.ts';
import type { Recorder } from './recorder.ts';
import type { RouterNode } from './router-node.ts';

/** Decisions in one state: the newest. */
const MAX_SHOWN_DECISIONS = 200;

/** What a state is read from: a whole network, or the one router of a port with what is beyond its links. */
export interface Observed {
  readonly clock: EventClock;
  readonly recorder: Recorder;
  readonly routers: readonly RouterNode[];
  readonly links: readonly Link[];
  readonly sources: readonly SourceNode[];
  readonly receivers: readonly ReceiverNode[];
  /** Nodes that are known by what comes from them alone. */
  readonly beyond?: readonly MulticastNode[];
  linkCost(link: number): { readonly cost4: number; readonly cost6: number };
}

/** The network as it is now, for a person. `revision` is the caller's. */
export function networkState(network: Observed, revision: number): MulticastState {
  const { recorder, routers, receivers } = network;
  const duplicateBytes = routers.reduce((sum, router) => sum + router.counters.bytesSaved, 0);
  const sum = (values: Uint32Array): number => values.reduce((total, value) => total + value, 0);
  return {
    tNs: network.clock.nowNs,
    revision,
    nodes: nodesOf(network),
    links: network.links.map((link) => linkOf(network, link.index)),
    entries: routers.flatMap((router) => [...(router.coupling?.entries() ?? [])].map((entry) => entryOf(router, entry))),
    branches: routers.flatMap(branchesOf),
    receivers: receivers.map(receiverOf),
    memberships: routers.flatMap(membershipsOf),
    interfaces: routers.flatMap(interfacesState),
    switches: recorder.switches.map((each) => ({ ...each })),
    decisions: latestDecisions(network),
    counters: Object.fromEntries(routers.map((router) => [router.id, countersOf(router)])),
    drops: routers.flatMap(({ dataPath }) => dataPath.drops.rows()),
    dropsUnlisted: routers.reduce((total, { dataPath }) => total + dataPath.drops.unlisted, 0),
    totals: {
      joins: sum(recorder.series.joins),
      prunes: sum(recorder.series.prunes),
      duplicatesDropped: routers.reduce((total, router) => total + router.forwarder.dropped('rpf_other_family'), 0),
      duplicateBytesDropped: duplicateBytes,
      bytesSaved: duplicateBytes,
      delivered: receivers.reduce((total, { figures }) => total + figures.received, 0),
      duplicatesDelivered: receivers.reduce((total, { figures }) => total + figures.duplicates, 0),
    },
    conservation: conservationOf(network),
  };
}

function nodesOf({ routers, sources, receivers, beyond = [] }: Observed): MulticastNode[] {
  return [
    ...routers.map(({ id, spec, loopback, up }) => ({
      id,
      role: 'router' as const,
      kind: spec.kind,
      at: '',
      addresses: [...(spec.kind === 'v6' ? [] : [loopback[4]]), ...(spec.kind === 'v4' ? [] : [loopback[6]])],
      up,
    })),
    ...sources.map(({ id, spec, addresses }) => ({
      id,
      role: 'source' as const,
      kind: null,
      at: spec.at,
      addresses: [addresses.v4, addresses.v6].filter((address) => address !== ''),
      up: true,
    })),
    ...receivers.map(({ id, spec, address }) => ({
      id,
      role: 'receiver' as const,
      kind: null,
      at: spec.at,
      addresses: [address],
      up: true,
    })),
    ...beyond,
  ];
}

function linkOf(network: Observed, index: number): MulticastLinkInfo {
  const link = network.links[index]!;
  const { cost4, cost6 } = network.linkCost(index);
  const { packets4, packets6, bytes4, bytes6, control, lost } = link.counters;
  return {
    id: link.id,
    ends: link.ends.map(({ node }) => node.id),
    v4: link.v4,
    v6: link.v6,
    cost4,
    cost6,
    delayMs: link.delayMs,
    up: link.up,
    packets4,
    packets6,
    bytes4,
    bytes6,
    control,
    lost,
  };
}

const namesOf = (router: RouterNode, mask: number): string[] =>
  interfacesOf(mask).flatMap((iface) => router.interfaces[iface]?.link.id ?? []);

function treeOf(router: RouterNode, entry: Entry, family: Family): Tree | undefined {
  const pim = router.side(family)?.pim;
  return family === 4 ? pim?.find(entry.source4, entry.group4) : pim?.find(entry.source6, entry.group6);
}

function entryOf(router: RouterNode, entry: Entry): MulticastEntryInfo {
  const coupling = router.coupling!;
  const tree4 = treeOf(router, entry, 4);
  const tree6 = treeOf(router, entry, 6);
  const { table } = router.forwarder;
  const row = entry.source4 === '' ? -1 : table.find2(parseIpv4U32(entry.source4), parseIpv4U32(entry.group4));
  const incoming = (family: Family, tree: Tree | undefined): string =>
    tree?.joined === true && tree.upIface >= 0
      ? router.interfaces[tree.upIface]!.link.id
      : coupling.includes(entry, family) && tree !== undefined
        ? linkName(router, family, tree)
        : '';
  const { result } = entry;
  return {
    router: router.id,
    key: keyInfo(entry),
    choice: entry.choice,
    reason: entry.removal === undefined ? entry.reason : 'nobody wants it any more',
    lastChangeNs: entry.lastChangeNs,
    createdNs: entry.createdNs,
    path4: pathInfo(4, entry.path4, result.cost4, router.bias[4], result.translate4),
    path6: pathInfo(6, entry.path6, result.cost6, router.bias[6], result.translate6),
    incoming4: incoming(4, tree4),
    incoming6: incoming(6, tree6),
    upstream4: tree4?.joined === true ? 'joined' : 'not-joined',
    upstream6: tree6?.joined === true ? 'joined' : 'not-joined',
    outgoing4: namesOf(router, coupling.wantedBy(entry, 4)),
    outgoing6: namesOf(router, coupling.wantedBy(entry, 6)),
    switching: entry.switching === undefined ? null : { from: `v${entry.switching.from}`, untilNs: entry.switching.untilNs },
    counters: {
      packets: row < 0 ? 0 : table.packets[row]!,
      bytes: row < 0 ? 0 : table.bytes[row]!,
      otherFamilyDrops: row < 0 ? 0 : table.otherFamily[row]!,
      otherInterfaceDrops: row < 0 ? 0 : table.otherInterface[row]!,
    },
  };
}

function linkName(router: RouterNode, family: Family, tree: Tree): string {
  const iface = router.side(family)!.pim.incoming(tree);
  return iface < 0 ? '' : router.interfaces[iface]!.link.id;
}

/** Where data of every joined tree leaves a router. */
function branchesOf(router: RouterNode): MulticastBranch[] {
  const branches: MulticastBranch[] = [];
  for (const [family, side] of router.sides) {
    for (const tree of side.pim.trees()) {
      const { olists } = side.pim;
      const mask = tree.source === '' ? olists.immediate(tree) : tree.joins | olists.includeSource(tree.source, tree.group);
      const key = `(${tree.source === '' ? '*' : tree.source}, ${tree.group})`;
      const joined = new Set(namesOf(router, tree.joins));
      for (const link of namesOf(router, mask))
        branches.push({ key, family: `v${family}`, link, from: router.id, routers: joined.has(link) });
    }
  }
  return branches;
}

function receiverOf(node: ReceiverNode): MulticastReceiverInfo {
  const { figures } = node;
  const known = (tNs: number): number | null => (tNs < 0 ? null : tNs);
  return {
    id: node.id,
    family: `v${node.family}`,
    group: node.group,
    source: node.source === '' ? null : node.source,
    joined: node.joined,
    received: figures.received,
    duplicates: figures.duplicates,
    missing: node.missing,
    joinNs: known(figures.joinNs),
    firstPacketNs: known(figures.firstPacketNs),
    longestGapNs: figures.longestGapNs,
    meanDelayNs: figures.received === 0 ? 0 : figures.delaySumNs / figures.received,
  };
}

function membershipsOf(router: RouterNode): MulticastMembership[] {
  const rows: MulticastMembership[] = [];
  for (const [family, side] of router.sides) {
    for (const [iface, port] of side.ports.entries()) {
      for (const view of port?.view() ?? []) {
        rows.push({
          router: router.id,
          link: router.interfaces[iface]!.link.id,
          family: `v${family}`,
          group: view.group,
          mode: view.mode,
          sources: [...view.sources],
          protocol: family === 4 ? `IGMPv${view.compatibility}` : `MLDv${Math.max(1, view.compatibility - 1)}`,
          querier: told(router, iface, family, port!.querier),
        });
      }
    }
  }
  return rows;
}

/** An address on an interface; empty for that of a router that only listens there, which it has made up. */
function told(router: RouterNode, iface: number, family: Family, text: string): string {
  const { silent, address } = router.interfaces[iface]!;
  return silent?.[family] === true && text === address[family] ? '' : text;
}

function interfacesState(router: RouterNode): MulticastInterfaceState[] {
  const rows: MulticastInterfaceState[] = [];
  for (const [family, side] of router.sides) {
    for (const [iface, { link, address }] of router.interfaces.entries()) {
      const pim = side.pim.neighbours[iface];
      if (pim === undefined || !link.carries(family)) continue;
      rows.push({
        router: router.id,
        link: link.id,
        family: `v${family}`,
        address: told(router, iface, family, address[family]),
        designated: told(router, iface, family, pim.dr),
        querier: told(router, iface, family, side.ports[iface]?.querier ?? ''),
        neighbours: pim.list().map((each) => each.address),
      });
    }
  }
  return rows;
}

function latestDecisions({ recorder }: Observed): MulticastState['decisions'] {
  const seen = new Set<string>();
  const latest: MulticastState['decisions'] = [];
  for (let i = recorder.decisions.length - 1; i >= 0 && latest.length < MAX_SHOWN_DECISIONS; i--) {
    const decision = recorder.decisions[i]!;
    const key = `${decision.router} ${decision.key.text}`;
    if (seen.has(key)) continue;
    seen.add(key);
    latest.push(decision);
  }
  return latest;
}

function countersOf(router: RouterNode): MulticastCounters {
  const { forwarder } = router;
  const drops: Record<string, number> = {};
  for (const [i, name] of MULTICAST_DROPS.entries()) if (forwarder.drops[i]! > 0) drops[name] = forwarder.drops[i]!;
  const { packetsIn, packetsOut, translated, encapsulated, decapsulated, fragments } = forwarder;
  return {
    packetsIn,
    packetsOut,
    translated,
    encapsulated,
    decapsulated,
    fragments,
    drops,
    bytesSaved: router.counters.bytesSaved,
    tooBigSent: router.dataPath.tooBig.sent,
    unknownSources: [...router.sides.values()].reduce((sum, { pim }) => sum + pim.unknown.size, 0),
    refused: refusedOf(router),
  };
}

/** What a router's limits have refused (M-24). */
function refusedOf(router: RouterNode): Record<string, number> {
  const { table, native } = router.forwarder;
  const refused: Record<MulticastRefusal, number> = {
    entries: (router.coupling?.counters.refused ?? 0) + table.refused + native.refused,
    joinsPerSecond: 0,
    neighbours: 0,
    rpMappings: 0,
    groupsPerInterface: 0,
    sourcesPerGroup: 0,
    unknownSources: 0,
    icmpErrorsPerSecond: router.dataPath.tooBig.limited,
  };
  for (const { ports, pim } of router.sides.values()) {
    refused.unknownSources += pim.unknown.refused;
    refused.entries += pim.counters.refusedTrees;
    refused.joinsPerSecond += pim.counters.refusedJoins;
    refused.rpMappings += pim.bootstrap.rpSet.refused + pim.bootstrap.offers.refused;
    for (const each of pim.neighbours) refused.neighbours += each.refused;
    for (const port of ports) {
      refused.joinsPerSecond += port?.counters.refusedJoins ?? 0;
      refused.groupsPerInterface += port?.counters.refusedGroups ?? 0;
      refused.sourcesPerGroup += port?.counters.refusedSources ?? 0;
    }
  }
  return Object.fromEntries(Object.entries(refused).filter(([, n]) => n > 0));
}

/** Copies put on links are taken, lost, or on their way (W-06). */
function conservationOf({ links }: Observed): MulticastState['conservation'] {
  for (const { id, counters } of links) {
    const { sent, taken, lost, inFlight } = counters;
    if (sent !== taken + lost + inFlight)
      return { ok: false, message: `link ${id}: ${sent} sent, but ${taken} taken, ${lost} lost and ${inFlight} on their way` };
  }
  return { ok: true, message: 'every copy put on a link was taken, lost there, or is on its way' };
}
