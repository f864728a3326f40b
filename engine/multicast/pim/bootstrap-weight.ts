import { NS_PER_S } from '../../base/index.ts';
import { addressBytes, compareAddresses } from '../addresses.ts';

/** The weight of a bootstrap router is its priority, then its address (RFC 5059 section 3.1). The address is empty for none. */
export interface Weight {
  readonly bsr: string;
  readonly priority: number;
}

export function outweighs(a: Weight, b: Weight): boolean {
  return a.priority === b.priority ? compareAddresses(a.bsr, b.bsr) > 0 : a.priority > b.priority;
}

const valueOf = (address: string): bigint => addressBytes(address).reduce((value, byte) => value * 256n + BigInt(byte), 0n);

/** BS_Rand_Override in nanoseconds (RFC 5059 section 5): the lighter a candidate is beside the one that was known last, the longer it waits. */
export function randOverrideNs(own: Weight, stored: Weight): number {
  const bits = addressBytes(own.bsr).length * 8;
  const address = valueOf(own.bsr);
  const bestPriority = Math.max(stored.priority, own.priority);
  const known = stored.bsr === '' ? 0n : valueOf(stored.bsr);
  const behind = known > address ? Number(known - address) : 0;
  const addressDelay = bestPriority === own.priority ? Math.log2(1 + behind) / (bits / 2) : 2 - Number(address) / 2 ** (bits - 1);
  return Math.round((5 + 2 * Math.log2(1 + bestPriority - own.priority) + addressDelay) * NS_PER_S);
}
