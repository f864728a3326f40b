import { err, ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { AddressMapSpec } from '../contract/index.ts';
import { formatIpv6 } from '../wire/index.ts';
import { embed4, parsePrefix4, parsePrefix64 } from './prefix64.ts';

/**
 * Maps that make stateless translation the customer side of 464XLAT (RFC 6877 section 6.3): the IPv4 networks behind it stand in a prefix of its
 * own, `clatPrefix`, of 96 bits or of 64 (a /64 for translation alone); all else is under the provider's prefix. A CLAT for one host has one
 * network of 32 bits (192.0.0.1, RFC 7335). Error: which text is wrong.
 */
export function clatMaps(clatPrefix: string, networks: readonly string[]): Result<AddressMapSpec[], string> {
  const prefix = parsePrefix64(clatPrefix);
  if (!prefix.ok) return prefix;
  const { length } = prefix.value;
  if (length !== 96 && length !== 64) return err(`${clatPrefix}: the prefix of a CLAT has 96 or 64 bits (RFC 6877 section 6.3)`);
  // Behind 64 bits comes the octet that stays zero (RFC 6052 section 2.2).
  const bits = length === 64 ? 72 : length;
  const maps: AddressMapSpec[] = [];
  for (const network of networks) {
    const v4 = parsePrefix4(network);
    if (!v4.ok) return v4;
    const address = new Uint8Array(16);
    embed4(prefix.value, v4.value.value, address, 0);
    maps.push({ v4: network, v6: `${formatIpv6(address, 0)}/${bits + v4.value.length}` });
  }
  return ok(maps);
}
