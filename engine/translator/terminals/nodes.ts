import type { Random } from '../../base/index.ts';
import type { ConvertersSpec } from '../../contract/index.ts';
import { AccessLink } from './access-link.ts';
import type { RoleSpec } from './converter-role.ts';
import { Node } from './node.ts';

/** All nodes of a scenario: terminals in the order of the file, then the gateway, then the switches. */
export interface Nodes {
  readonly all: readonly Node[];
  readonly terminals: readonly Node[];
  readonly gateway: Node | null;
  readonly switches: readonly Node[];
}

/** Limit of the network: what the addresses have room for. */
export const MAX_TERMINALS = 20_000;

export function makeNodes(spec: ConvertersSpec, random: Random): Nodes {
  const all: Node[] = [];
  for (const group of spec.terminals) {
    for (let i = 1; i <= group.count; i++) {
      const id = group.count === 1 ? group.id : `${group.id}-${String(i)}`;
      const spread = 1 + ((random.float() * 2 - 1) * group.rttSpreadPercent) / 100;
      const fork = random.fork(id);
      const link4 = group.family === 'v6' ? null : new AccessLink(group.link4, spread, fork.fork('4'));
      const link6 = group.family === 'v4' ? null : new AccessLink(group.link6, spread, fork.fork('6'));
      all.push(new Node(all.length, id, group.family, link4, link6, group.converter ?? null, spec));
    }
  }
  const terminals = [...all];
  let gateway: Node | null = null;
  if (spec.gateway !== null) {
    const { capacity, relayUs, link } = spec.gateway;
    const role: RoleSpec = {
      enabled: true,
      capacity,
      relayUs,
      queuePackets: 1_024,
      ownCallShare: 0,
      ownPriority: false,
      ratePps: 1e7,
      nat: 'none',
    };
    const fork = random.fork('gateway');
    gateway = new Node(all.length, 'gateway', 'gateway', new AccessLink(link, 1, fork.fork('4')), new AccessLink(link, 1, fork.fork('6')), role, spec); // prettier-ignore
    all.push(gateway);
  }
  const switches: Node[] = [];
  for (let i = 1; i <= spec.switch.count; i++) {
    const access = { kind: 'ethernet', rttMs: spec.switch.rttMs, jitterMs: 0, lossPercent: 0, bandwidthBps: 1e12, queueMs: 100 } as const;
    const fork = random.fork(`switch${String(i)}`);
    const id = spec.switch.count === 1 ? 'switch' : `switch-${String(i)}`;
    switches.push(new Node(all.length, id, 'switch', new AccessLink(access, 1, fork), new AccessLink(access, 1, fork), null, spec));
    all.push(switches.at(-1)!);
  }
  return { all, terminals, gateway, switches };
}
