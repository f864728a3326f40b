import { err, ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { AddressMapSpec } from '../contract/index.ts';
import { formatIpv6 } from '../wire/index.ts';
import { embed4, parsePrefix4, parsePrefix64 } from './prefix64.ts';

/**
 * Maps that make stateless translation the customer side of 464XLAT (RFC 6877 section 6.3): the IPv4 networks behind it stand in
 * a /96 of its own, `clatPrefix`; all else is under the provider's prefix, which is pool6. A CLAT for one host has one network of 32 bits
 * (192.0.0.1, RFC 7335). Error: which text is wrong.
 */
export function clatMaps(clatPrefix: string, networks: readonly string[]): Result<AddressMapSpec[], string> {
  const prefix = parsePrefix64(clatPrefix);
  if (!prefix.ok) return prefix;
  if (prefix.value.length !== 96) return err(`${clatPrefix}: the prefix of a CLAT has 96 bits (RFC 6877 section 6.3)`);
  const maps: AddressMapSpec[] = [];
  for (const network of networks) {
    const v4 = parsePrefix4(network);
    if (!v4.ok) return v4;
    const address = new Uint8Array(16);
    embed4(prefix.value, v4.value.value, address, 0);
    maps.push({ v4: network, v6: `${formatIpv6(address, 0)}/${96 + v4.value.length}` });
  }
  return ok(maps);
}
