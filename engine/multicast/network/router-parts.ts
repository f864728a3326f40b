import { NS_PER_S, type Random } from '../../base/index.ts';
import type { Family } from '../addresses.ts';
import { Coupling, type Entry } from '../choice/index.ts';
import { Forwarder, ForwardingTable } from '../forward/index.ts';
import { MembershipPort, membershipSettings } from '../membership/index.ts';
import { groupPacket } from '../messages/index.ts';
import { pimSettings, PimRouter } from '../pim/index.ts';
import { FamilySide } from './family-side.ts';
import type { RouterNode } from './router-node.ts';

/** The parts of a router, made of its configuration. */

export function makeForwarder(router: RouterNode): Forwarder {
  const { scenario, prefixes } = router.world;
  const translates = router.spec.kind === 'translation';
  const limit = scenario.limits.entries + scenario.limits.unknownSources;
  const encapsulates = (link: string): boolean => router.spec.mode === 'encapsulate' || router.spec.encapsulateTo.includes(link);
  return new Forwarder({
    table: new ForwardingTable(2, limit),
    native: new ForwardingTable(8, limit),
    sets: prefixes.sets,
    mtu: router.interfaces.map(({ link }) => link.spec.mtu),
    encapsulate: router.interfaces.reduce((mask, { link }, iface) => (encapsulates(link.id) ? mask | (1 << iface) : mask), 0),
    threshold: router.spec.threshold,
    translates,
  });
}

/** One family of a router. */
export function makeSide(router: RouterNode, family: Family, random: Random): FamilySide {
  const { clock, scenario, recorder } = router.world;
  const settings = membershipSettings(scenario.timers, scenario.limits);
  const side = new FamilySide(router, family, random);
  side.ports = router.interfaces.map(({ address, link, silent }, iface) =>
    link.carries(family)
      ? new MembershipPort(family, address[family], settings, {
          clock,
          mtuBytes: link.spec.mtu,
          silent: silent?.[family] === true,
          query: (message, destination) => {
            router.sendOn(iface, groupPacket(message, family, address[family], destination), family);
          },
          warn: (text) => {
            const row = { router: router.id, link: link.id, direction: 'internal' as const, kind: 'warning', source: '', group: '', text };
            recorder.add({ ...row, protocol: family === 4 ? 'IGMP' : 'MLD' });
          },
          changed: (group) => {
            side.pim.membershipChanged(group, side.ports[iface]?.namedSources(group) ?? []);
          },
        })
      : undefined,
  );
  const candidates = scenario.rps.filter((rp) => rp.router === router.id && rp.bootstrap && rp.family === `v${family}`);
  side.pim = new PimRouter({
    host: side,
    settings: pimSettings(scenario.timers),
    interfaces: router.interfaces.map(({ address, silent }) => ({
      address: address[family],
      drPriority: router.spec.drPriority,
      silent: silent?.[family] === true,
    })),
    rps: router.world.rps(family),
    translationRouter: router.spec.kind === 'translation' ? router.index + 1 : null,
    spt: router.spec.spt === 'first-packet',
    maxUnknownSources: scenario.limits.unknownSources,
    maxTrees: scenario.limits.entries + scenario.limits.unknownSources,
    maxNeighbours: scenario.limits.neighbours,
    joinsPerSecond: scenario.limits.joinsPerSecond,
    trusting: router.world.trusting,
    trustsAsserts: router.world.trustsAsserts,
    candidate:
      candidates.length === 0
        ? null
        : {
            address: router.loopback[family],
            priority: candidates[0]!.priority,
            ranges: candidates.map(({ groups }) => {
              const [prefix, bits] = (groups ?? (family === 4 ? '224.0.0.0/4' : 'ff00::/8')).split('/');
              return { prefix: prefix!, bits: Number(bits) };
            }),
          },
  });
  return side;
}

/** What couples both families of a translation router. */
export function makeCoupling(router: RouterNode): Coupling {
  const { clock, prefixes, scenario, recorder } = router.world;
  return new Coupling({
    router: router.id,
    routerId: router.index + 1,
    clock,
    prefixes,
    spec: scenario.choice,
    maxEntries: scenario.limits.entries,
    holdNs: scenario.timers.joinPruneS * 3.5 * NS_PER_S,
    bias: (family) => router.bias[family],
    pim: (family) => router.side(family)!.pim,
    path: (family, source, group) => router.routes.path(family, source, group),
    install: (entry: Entry) => {
      router.dataPath.changed();
      router.installer.group(entry.group4, entry.group6);
    },
    wantsDecisions: () => recorder.logging,
    decided: (decision) => {
      recorder.decided(decision);
    },
    switched: (change) => {
      recorder.switched(change);
    },
  });
}
