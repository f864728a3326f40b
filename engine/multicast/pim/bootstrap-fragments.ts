import { ADDRESS_BYTES, type Family } from '../addresses.ts';
import type { BootstrapGroup } from '../messages/index.ts';

/** Bytes of a bootstrap message: what Ethernet takes in IPv4, and every link in IPv6. */
const MAX_MESSAGE_BYTES: Readonly<Record<Family, number>> = { 4: 1_480, 6: 1_240 };
/** The field that counts the RPs of a range has 8 bits. */
export const MAX_RPS_OF_RANGE = 255;

/**
 * Semantic fragments (RFC 5059 section 4.1.1): ranges that fit go whole, the RPs of a range that is larger than a message go in several, each with
 * the number of all. At least one fragment, which says nothing where there is no range.
 */
export function bootstrapFragments(groups: readonly BootstrapGroup[], family: Family): BootstrapGroup[][] {
  // PIM header, tag, mask, priority, bootstrap router.
  const headBytes = 10 + ADDRESS_BYTES[family];
  const rangeBytes = 8 + ADDRESS_BYTES[family];
  const rpBytes = 6 + ADDRESS_BYTES[family];
  const fragments: BootstrapGroup[][] = [[]];
  let left = MAX_MESSAGE_BYTES[family] - headBytes;
  const begin = (): void => {
    if (fragments.at(-1)!.length > 0) fragments.push([]);
    left = MAX_MESSAGE_BYTES[family] - headBytes;
  };
  for (const { rps: all, ...range } of groups) {
    const rps = all.slice(0, MAX_RPS_OF_RANGE);
    const count = rps.length;
    if (rangeBytes + count * rpBytes > left) begin();
    for (let at = 0; at === 0 || at < count;) {
      const room = Math.floor((left - rangeBytes) / rpBytes);
      const here = rps.slice(at, at + room);
      fragments.at(-1)!.push({ ...range, count, rps: here });
      left -= rangeBytes + here.length * rpBytes;
      at += Math.max(1, here.length);
      if (at < count) begin();
    }
  }
  return fragments;
}
