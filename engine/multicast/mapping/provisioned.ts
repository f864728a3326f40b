import type { Result } from '../../base/index.ts';
import { formatPrefix6 } from '../../translator/index.ts';
import type { ProvisionedPrefixes } from './option-113.ts';

/** What a message says of prefixes (M-05). */
export interface Provisioning {
  /** For the log: `DHCPv6`, `RADIUS`, `Diameter`. */
  readonly from: string;
  /** Error: what is wrong with the attribute. */
  readonly prefixes: Result<ProvisionedPrefixes, string>;
}

/** Prefixes while they are read, empty where none was said. */
export type Found = { -readonly [field in keyof ProvisionedPrefixes]: string };

/** A reserved byte, a length in bits, and as many bytes of the address as are needed (RFC 3162 section 2.3, RFC 4818 section 3). */
export function prefixAt(b: Uint8Array, start: number, end: number): string | undefined {
  const length = b[start + 1]!;
  if (end - start < 2 || length > 128 || end - start - 2 < (length + 7) >> 3 || end - start > 18) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(b.subarray(start + 2, end));
  return formatPrefix6({ bytes, length });
}
