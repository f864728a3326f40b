import type { MulticastScenario } from '../../contract/index.ts';
import { parseIpv4U32 } from '../../wire/index.ts';
import { canonicalAddress, familyOf, isMulticast } from '../addresses.ts';
import { PrefixTable } from '../mapping/index.ts';
import { drawNetwork } from '../topology/index.ts';
import { MAX_INTERFACES } from '../pim/index.ts';

/** Something in a scenario that cannot be used, with its path in the text. */
export interface NetworkIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A scenario with the routers and links that `random` stands for. */
export function drawn(scenario: MulticastScenario): MulticastScenario {
  return scenario.random === undefined ? scenario : { ...scenario, ...drawNetwork(scenario.random, scenario.seed) };
}

/** Everything in a scenario that cannot be used, beyond the schema; empty where it is good. */
export function checkNetwork(scenario: MulticastScenario): NetworkIssue[] {
  const prefixes = PrefixTable.create(scenario.prefixes);
  if (!prefixes.ok) return [{ path: ['prefixes', ...prefixes.error.field.split('.')], message: prefixes.error.message }];
  const { random, routers, links } = scenario;
  if (random !== undefined && routers.length + links.length > 0)
    return [{ path: ['random'], message: 'a network is either drawn or written down: take routers and links away, or random' }];
  if (random !== undefined && random.links < random.routers - 1) {
    return [{ path: ['random', 'links'], message: `${random.routers} routers need at least ${random.routers - 1} links` }];
  }
  return networkIssues(drawn(scenario), prefixes.value);
}

/** What the schema cannot say about a network: names that are nobody's, names used twice, addresses of the wrong kind. */
export function networkIssues(scenario: MulticastScenario, prefixes: PrefixTable): NetworkIssue[] {
  const issues: NetworkIssue[] = [];
  const say = (path: readonly (string | number)[], message: string): void => {
    issues.push({ path, message });
  };
  const kinds = new Map(scenario.routers.map(({ id, kind }) => [id, kind]));
  const names = new Set<string>();
  const interfaces = new Map<string, number>();
  const claim = (name: string, path: readonly (string | number)[]): void => {
    if (names.has(name)) say(path, `the name ${name} is already taken`);
    names.add(name);
  };
  if (scenario.routers.length === 0) say(['routers'], 'a network needs at least one router, or `random`');
  for (const [i, { id }] of scenario.routers.entries()) claim(id, ['routers', i, 'id']);
  const linkIds = new Set<string>();
  for (const [i, link] of scenario.links.entries()) {
    const id = link.id ?? link.ends.join('-');
    claim(id, link.id === undefined ? ['links', i] : ['links', i, 'id']);
    linkIds.add(id);
    for (const [e, end] of link.ends.entries()) {
      if (!kinds.has(end)) say(['links', i, 'ends', e], `there is no router ${end}`);
      if (link.ends.indexOf(end) < e) say(['links', i, 'ends', e], `${end} is on this link twice`);
      interfaces.set(end, (interfaces.get(end) ?? 0) + 1);
    }
  }
  for (const [list, hosts] of [
    ['sources', scenario.sources],
    ['receivers', scenario.receivers],
  ] as const) {
    for (const [i, host] of hosts.entries()) {
      claim(host.id, [list, i, 'id']);
      if (!kinds.has(host.at) && !linkIds.has(host.at)) say([list, i, 'at'], `there is no router or link ${host.at}`);
      if (kinds.has(host.at)) interfaces.set(host.at, (interfaces.get(host.at) ?? 0) + 1);
    }
  }
  for (const [i, { id }] of scenario.routers.entries()) {
    const count = interfaces.get(id) ?? 0;
    if (count > MAX_INTERFACES)
      say(['routers', i], `${id} has ${count} interfaces; a router has at most ${MAX_INTERFACES}. Put hosts on a link of their own`);
  }
  sourceIssues(scenario, prefixes, say);
  receiverIssues(scenario, prefixes, say);
  eventIssues(scenario, kinds, linkIds, say);
  return issues;
}

type Say = (path: readonly (string | number)[], message: string) => void;

function sourceIssues({ sources }: MulticastScenario, prefixes: PrefixTable, say: Say): void {
  for (const [i, source] of sources.entries()) {
    const at = (field: string): (string | number)[] => ['sources', i, field];
    const group = canonicalAddress(source.group);
    if (group === undefined || !isMulticast(group)) say(at('group'), `"${source.group}" is not a multicast group`);
    const v4 = source.v4 === undefined ? undefined : canonicalAddress(source.v4);
    if (source.v4 !== undefined && (v4 === undefined || familyOf(v4) !== 4)) say(at('v4'), `"${source.v4}" is not an IPv4 address`);
    if (source.v6 !== undefined && source.v6 !== 'mapped') {
      const v6 = canonicalAddress(source.v6);
      if (v6 === undefined || familyOf(v6) !== 6) say(at('v6'), `"${source.v6}" is not an IPv6 address; write one, or mapped`);
    }
    if (source.v6 === 'mapped' && source.v4 === undefined) say(at('v6'), 'mapped needs v4: it is the IPv4 address under uPrefix64');
    if (source.v4 === undefined && source.v6 === undefined) say(['sources', i], 'a source needs v4, v6 or both');
    if (group !== undefined && isMulticast(group) && familyOf(group) === 4 && source.v6 !== undefined) {
      const why = prefixes.group6(parseIpv4U32(group));
      if (!why.ok) say(at('group'), `${source.group} has no IPv6 form: ${why.error}`);
    }
  }
}

function receiverIssues({ receivers }: MulticastScenario, prefixes: PrefixTable, say: Say): void {
  for (const [i, receiver] of receivers.entries()) {
    const at = (field: string): (string | number)[] => ['receivers', i, field];
    const six = receiver.protocol.startsWith('mld');
    const group = canonicalAddress(receiver.group);
    if (group === undefined || !isMulticast(group)) {
      say(at('group'), `"${receiver.group}" is not a multicast group`);
      continue;
    }
    if (!six && familyOf(group) === 6) say(at('group'), `${receiver.protocol} joins IPv4 groups; write one, or use mldv2`);
    if (six && familyOf(group) === 4) {
      const mapped = prefixes.group6(parseIpv4U32(group));
      if (!mapped.ok) say(at('group'), `${receiver.group} has no IPv6 form: ${mapped.error}`);
    }
    if (receiver.source !== undefined) {
      const source = canonicalAddress(receiver.source);
      if (source === undefined || isMulticast(source)) say(at('source'), `"${receiver.source}" is not the address of a source`);
      else if (!six && familyOf(source) === 6) say(at('source'), `${receiver.protocol} joins IPv4 sources`);
      if (receiver.protocol !== 'igmpv3' && receiver.protocol !== 'mldv2')
        say(at('source'), `${receiver.protocol} cannot name a source; use ${six ? 'mldv2' : 'igmpv3'}`);
    }
    if (receiver.leaveS !== undefined && receiver.leaveS <= receiver.joinS) say(at('leaveS'), 'a receiver leaves after it has joined');
  }
}

function eventIssues(scenario: MulticastScenario, kinds: ReadonlyMap<string, string>, links: ReadonlySet<string>, say: Say): void {
  for (const [i, event] of scenario.events.entries()) {
    if (event.link !== undefined && !links.has(event.link)) say(['events', i, 'link'], `there is no link ${event.link}`);
    if (event.router !== undefined && !kinds.has(event.router)) say(['events', i, 'router'], `there is no router ${event.router}`);
    const { atS: _atS, link: _link, router: _router, ...changes } = event;
    if (Object.keys(changes).length === 0) say(['events', i], 'nothing happens: give up, cost4, cost6, delayMs, bias4 or bias6');
    const onLink = event.cost4 ?? event.cost6 ?? event.delayMs;
    if (onLink !== undefined && event.link === undefined) say(['events', i], 'costs and delays are those of a link: say which');
    if (event.up !== undefined && event.link === undefined && event.router === undefined)
      say(['events', i, 'up'], 'say which link or router');
  }
  for (const [i, rp] of scenario.rps.entries()) {
    const kind = kinds.get(rp.router);
    if (kind === undefined) say(['rps', i, 'router'], `there is no router ${rp.router}`);
    else if ((rp.family === 'v4' && kind === 'v6') || (rp.family === 'v6' && kind === 'v4'))
      say(['rps', i, 'family'], `${rp.router} does not speak ${rp.family}`);
    if (rp.groups === undefined) continue;
    const [prefix = '', bits = ''] = rp.groups.split('/');
    const address = canonicalAddress(prefix);
    const good =
      address !== undefined && isMulticast(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= (familyOf(address) === 4 ? 32 : 128);
    if (!good || familyOf(address) !== (rp.family === 'v4' ? 4 : 6))
      say(
        ['rps', i, 'groups'],
        `"${rp.groups}" is not a range of ${rp.family} groups, such as ${rp.family === 'v4' ? '233.252.0.0/24' : 'ff0e::/16'}`,
      );
  }
}
