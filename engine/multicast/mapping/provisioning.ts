import { err, ok, u16, type Result } from '../../base/index.ts';
import type { Family } from '../addresses.ts';
import { inDiameter } from './diameter.ts';
import { prefixAt, type Found, type Provisioning } from './provisioned.ts';
import { OPTION_V6_PREFIX64, parseOption113, type ProvisionedPrefixes } from './option-113.ts';

/**
 * Prefixes in messages that come by (M-05): DHCPv6 (RFC 8115), RADIUS (RFC 8658 section 3.3) and Diameter (RFC 7678). A message counts where it is
 * whole in one packet, a TCP segment or an SCTP chunk.
 */
export type ProvisionKind = 'dhcpv6' | 'radius' | 'diameter';

const UDP = 17;
const DHCP_CLIENT_PORT = 546;
const DHCP_SERVER_PORT = 547;
const DHCP_REPLY = 7;
const RADIUS_PORTS: readonly number[] = [1812, 1645, 3799];
const RADIUS_ACCEPT = 2;
const RADIUS_COA = 43;
/** Extended-Type 11 of attribute 241, and the types inside it. */
const RADIUS_EXTENDED = 241;
const RADIUS_MULTICAST = 11;
const RADIUS_TLVS: Readonly<Record<number, keyof ProvisionedPrefixes>> = { 19: 'asm', 20: 'ssm', 21: 'source' };

/** What a packet (from its IP header on) says of prefixes; undefined where it is no such message or has no such part. */
export function provisionedIn(b: Uint8Array, family: Family, kind: ProvisionKind): Provisioning | undefined {
  const at = family === 4 ? (b[0]! & 15) * 4 : 40;
  const protocol = family === 4 ? b[9]! : b[6]!;
  const end = Math.min(b.length, family === 4 ? u16(b, 2) : 40 + u16(b, 4));
  if (at + 8 > end || (family === 4 && (u16(b, 6) & 0x1fff) !== 0)) return undefined;
  const [from, to] = [u16(b, at), u16(b, at + 2)];
  switch (kind) {
    case 'dhcpv6':
      return protocol === UDP && from === DHCP_SERVER_PORT && to === DHCP_CLIENT_PORT ? inDhcp(b, at + 8, end) : undefined;
    case 'radius':
      return protocol === UDP && (RADIUS_PORTS.includes(from) || RADIUS_PORTS.includes(to)) ? inRadius(b, at + 8, end) : undefined;
    case 'diameter':
      return inDiameter(b, protocol, at, end);
  }
}

function inDhcp(b: Uint8Array, at: number, end: number): Provisioning | undefined {
  if (at + 4 > end || b[at] !== DHCP_REPLY) return undefined;
  const found: Result<ProvisionedPrefixes, string>[] = [];
  for (let o = at + 4; o + 4 <= end;) {
    const length = u16(b, o + 2);
    if (o + 4 + length > end) break;
    if (u16(b, o) === OPTION_V6_PREFIX64) found.push(parseOption113(b, o + 4, o + 4 + length));
    o += 4 + length;
  }
  return found.length === 0 ? undefined : { from: 'DHCPv6', prefixes: ofSeveral(found) };
}

/** Scopes of the group prefixes of an option, as hexadecimal digits. */
const scopesOf = ({ asm, ssm }: ProvisionedPrefixes): string[] => [...new Set([asm, ssm].filter(Boolean).map((prefix) => prefix[3]!))];

/**
 * Of several options each is for its scope; where two share one, all are discarded (RFC 8115 section 4). This router has one set of prefixes from a
 * message: that of the widest scope, which IPv4 groups outside 239/8 have.
 */
function ofSeveral(found: readonly Result<ProvisionedPrefixes, string>[]): Result<ProvisionedPrefixes, string> {
  const good: ProvisionedPrefixes[] = [];
  for (const each of found) {
    if (!each.ok) return each;
    good.push(each.value);
  }
  const scopes = good.flatMap(scopesOf);
  if (new Set(scopes).size < scopes.length) return err(`two of ${good.length} options have prefixes of the same scope`);
  const widest = (each: ProvisionedPrefixes): string => scopesOf(each).sort().at(-1) ?? '';
  return ok(good.reduce((best, each) => (widest(each) > widest(best) ? each : best)));
}

function inRadius(b: Uint8Array, at: number, end: number): Provisioning | undefined {
  if (at + 20 > end || (b[at] !== RADIUS_ACCEPT && b[at] !== RADIUS_COA)) return undefined;
  const last = Math.min(end, at + u16(b, at + 2));
  for (let o = at + 20; o + 2 <= last;) {
    const length = b[o + 1]!;
    if (length < 2 || o + length > last) return undefined;
    if (b[o] === RADIUS_EXTENDED && length >= 3 && b[o + 2] === RADIUS_MULTICAST)
      return { from: 'RADIUS', prefixes: radiusPrefixes(b, o + 3, o + length) };
    o += length;
  }
  return undefined;
}

function radiusPrefixes(b: Uint8Array, start: number, end: number): Result<ProvisionedPrefixes, string> {
  const found: Found = { asm: '', ssm: '', source: '' };
  for (let o = start; o + 2 <= end;) {
    const length = b[o + 1]!;
    if (length < 2 || o + length > end) return err(`the prefix of type ${b[o]} does not fit its attribute`);
    const field = RADIUS_TLVS[b[o]!];
    if (field !== undefined) {
      const prefix = prefixAt(b, o + 2, o + length);
      if (prefix === undefined) return err(`the prefix of type ${b[o]} is no IPv6 prefix`);
      found[field] = prefix;
    }
    o += length;
  }
  return ok(found);
}
