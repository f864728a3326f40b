import { err, ok, putU16, type Result } from '../../base/index.ts';
import { parsePrefix6, formatPrefix6, type Prefix6 } from '../../translator/index.ts';

/** Code of OPTION_V6_PREFIX64 in DHCPv6 (RFC 8115 section 3). */
export const OPTION_V6_PREFIX64 = 113;

export interface ProvisionedPrefixes {
  /** `ff3e::/96`; empty where the option gives none (length 0). */
  readonly asm: string;
  readonly ssm: string;
  readonly source: string;
}

/** RFC 8115: three times a length in bits and as many whole bytes as it needs. Error: what is wrong with the bytes. */
export function parseOption113(b: Uint8Array, start: number, end: number): Result<ProvisionedPrefixes, string> {
  const values: string[] = [];
  let at = start;
  for (const part of ['ASM', 'SSM', 'unicast']) {
    if (at >= end) return err(`the ${part} prefix is missing`);
    const length = b[at++]!;
    const bytes = (length + 7) >> 3;
    if (length > 128 || at + bytes > end) return err(`the ${part} prefix of ${length} bits does not fit`);
    const address = new Uint8Array(16);
    address.set(b.subarray(at, at + bytes));
    if ((length & 7) !== 0) address[bytes - 1] = address[bytes - 1]! & (0xff00 >> (length & 7));
    at += bytes;
    if (length > 0 && part !== 'unicast' && (length !== 96 || address[0] !== 0xff))
      return err(`the ${part} prefix must be a /96 inside ff00::/8`);
    values.push(length === 0 ? '' : formatPrefix6({ bytes: address, length }));
  }
  if (at !== end) return err(`${end - at} bytes are left over`);
  return ok({ asm: values[0]!, ssm: values[1]!, source: values[2]! });
}

/** The option with its four-byte header. Error: which prefix does not parse. */
export function buildOption113(prefixes: ProvisionedPrefixes): Result<Uint8Array, string> {
  const parts: Prefix6[] = [];
  for (const text of [prefixes.asm, prefixes.ssm, prefixes.source]) {
    if (text === '') {
      parts.push({ bytes: new Uint8Array(16), length: 0 });
      continue;
    }
    const prefix = parsePrefix6(text);
    if (!prefix.ok) return err(prefix.error);
    parts.push(prefix.value);
  }
  const out = new Uint8Array(4 + parts.reduce((sum, { length }) => sum + 1 + ((length + 7) >> 3), 0));
  putU16(out, 0, OPTION_V6_PREFIX64);
  putU16(out, 2, out.length - 4);
  let at = 4;
  for (const { bytes, length } of parts) {
    out[at++] = length;
    out.set(bytes.subarray(0, (length + 7) >> 3), at);
    at += (length + 7) >> 3;
  }
  return ok(out);
}
