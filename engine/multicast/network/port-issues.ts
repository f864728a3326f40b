import type { MulticastPortSpec } from '../../contract/index.ts';
import { canonicalAddress, familyOf } from '../addresses.ts';
import { parsePrefix } from './port-routes.ts';

/** A field of a port's configuration that cannot be used. */
export interface PortIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What the schema cannot say of a port: addresses, prefixes and names that are none. */
export function portIssues(spec: MulticastPortSpec): PortIssue[] {
  const issues: PortIssue[] = [];
  const say = (path: PortIssue['path'], message: string): void => {
    issues.push({ path, message });
  };
  const names = spec.interfaces.map(({ id }) => id);
  for (const [i, { id, networks, addresses, mac }] of spec.interfaces.entries()) {
    if (names.indexOf(id) < i) say(['interfaces', i, 'id'], `there is an interface ${id} already`);
    for (const [n, text] of networks.entries()) {
      if (parsePrefix(text) === undefined) say(['interfaces', i, 'networks', n], `${text} is no prefix, such as 192.0.2.0/24`);
    }
    for (const [n, text] of addresses.entries()) {
      if (canonicalAddress(text) === undefined) say(['interfaces', i, 'addresses', n], `${text} is no address`);
      else if (addresses.findIndex((each) => familyOf(each) === familyOf(text)) < n)
        say(['interfaces', i, 'addresses', n], `a second IPv${familyOf(text)} address; an interface has one a family`);
    }
    if (mac !== undefined && !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac))
      say(['interfaces', i, 'mac'], `${mac} is no Ethernet address, such as 02:00:00:00:00:01`);
  }
  for (const [i, { to, interface: iface, via }] of spec.routes.entries()) {
    const prefix = parsePrefix(to);
    if (prefix === undefined) say(['routes', i, 'to'], `${to} is no prefix, such as 198.51.100.0/24`);
    if (!names.includes(iface)) say(['routes', i, 'interface'], `there is no interface ${iface}`);
    if (via === undefined) continue;
    if (canonicalAddress(via) === undefined) say(['routes', i, 'via'], `${via} is no address`);
    else if (prefix !== undefined && familyOf(via) !== prefix.family) say(['routes', i, 'via'], `${via} is of the other family than ${to}`);
  }
  for (const [i, { address, groups }] of spec.rps.entries()) {
    if (canonicalAddress(address) === undefined) say(['rps', i, 'address'], `${address} is no address`);
    else if (groups !== undefined && parsePrefix(groups)?.family !== familyOf(address))
      say(['rps', i, 'groups'], `${groups} is no group prefix of the family of ${address}`);
  }
  for (const [i, to] of spec.encapsulateTo.entries()) if (!names.includes(to)) say(['encapsulateTo', i], `there is no interface ${to}`);
  return issues;
}

/** Bytes of an Ethernet address that `portIssues` has found good. */
export function macBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}
