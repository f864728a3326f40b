import { err, ok, putU16, u16, u32 } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import { DNS_TYPE, type DnsMessage } from '../wire/index.ts';
import { extract4, PREFIX64_LENGTHS, type Prefix6 } from './prefix64.ts';

/** Name that has only these two addresses (RFC 7050 section 8; special by RFC 8880). */
export const IPV4ONLY_NAME = 'ipv4only.arpa';
export const WELL_KNOWN_ADDRESSES: readonly number[] = [0xc00000aa, 0xc00000ab];

/**
 * Prefixes a DNS64 reveals in its AAAA answer for ipv4only.arpa (RFC 7050 section 3). An address in which a well-known address stands at more
 * than one place counts only where another answer has the other one at the same place; without such help the longest prefix wins.
 */
export function discoverPrefixes(answer: DnsMessage): Prefix6[] {
  const found = new Map<string, { prefix: Prefix6; seen: Set<number>; ambiguous: boolean }>();
  for (const { type, data } of answer.answers) {
    if (type !== DNS_TYPE.AAAA || data.kind !== 'address' || data.address.length !== 16) continue;
    const fits = PREFIX64_LENGTHS.map((length) => prefixOf(data.address, length)).filter(
      (prefix) => prefix.bytes[8] === 0 && WELL_KNOWN_ADDRESSES.includes(extract4(prefix, data.address, 0)),
    );
    for (const prefix of fits) {
      const key = `${[...prefix.bytes].join('.')}/${prefix.length}`;
      const entry = found.get(key) ?? { prefix, seen: new Set<number>(), ambiguous: false };
      entry.seen.add(extract4(prefix, data.address, 0));
      entry.ambiguous ||= fits.length > 1;
      found.set(key, entry);
    }
  }
  const all = [...found.values()];
  const sure = all.filter(({ ambiguous, seen }) => !ambiguous || seen.size === WELL_KNOWN_ADDRESSES.length);
  if (sure.length > 0) return sure.map(({ prefix }) => prefix);
  return all
    .sort((a, b) => b.prefix.length - a.prefix.length)
    .slice(0, 1)
    .map(({ prefix }) => prefix);
}

function prefixOf(address: Uint8Array, length: number): Prefix6 {
  const bytes = address.slice();
  bytes.fill(0, length / 8);
  return { bytes, length };
}

/** RFC 8781 section 4: type of the option in router advertisements, its size, and the prefix lengths by code. */
export const PREF64_OPTION = 38;
const OPTION_BYTES = 16;
const LENGTH_CODES: readonly number[] = [96, 64, 56, 48, 40, 32];
const LIFETIME_UNIT_S = 8;
const MAX_LIFETIME_S = 8_191 * LIFETIME_UNIT_S;

export interface Pref64 {
  readonly prefix: Prefix6;
  /** A multiple of 8, at most 65,528; 0 means that the prefix is no longer good. */
  readonly lifetimeS: number;
}

/** The option in wire form. The lifetime is rounded up to a multiple of 8 s and cut at 65,528 s. Error: a length that has no code. */
export function buildPref64({ prefix, lifetimeS }: Pref64): Result<Uint8Array, string> {
  const code = LENGTH_CODES.indexOf(prefix.length);
  if (code < 0) return err(`a prefix of ${prefix.length} bits has no code`);
  const out = new Uint8Array(OPTION_BYTES);
  out[0] = PREF64_OPTION;
  out[1] = OPTION_BYTES / 8;
  const scaled = Math.ceil(Math.min(Math.max(0, lifetimeS), MAX_LIFETIME_S) / LIFETIME_UNIT_S);
  putU16(out, 2, (scaled << 3) | code);
  out.set(prefix.bytes.subarray(0, 12), 4);
  return ok(out);
}

/** Reads the option at `o`. Error: what is wrong with it; a receiver ignores such an option (section 5). */
export function parsePref64(b: Uint8Array, o: number, end: number): Result<Pref64, string> {
  if (end - o < OPTION_BYTES || b[o] !== PREF64_OPTION) return err('not a PREF64 option');
  if (b[o + 1] !== OPTION_BYTES / 8) return err('a PREF64 option is 16 bytes long');
  const word = u16(b, o + 2);
  const length = LENGTH_CODES[word & 7];
  if (length === undefined) return err(`prefix length code ${word & 7} is reserved`);
  const bytes = new Uint8Array(16);
  bytes.set(b.subarray(o + 4, o + 4 + length / 8));
  return ok({ prefix: { bytes, length }, lifetimeS: (word >>> 3) * LIFETIME_UNIT_S });
}

/** Offset of the options in a router advertisement (RFC 4861 section 4.2). */
const RA_HEADER_BYTES = 16;

/** All PREF64 options of the router advertisement whose ICMPv6 header is at `o`; bad ones are left out. */
export function pref64OfAdvertisement(b: Uint8Array, o: number, end: number): Pref64[] {
  const out: Pref64[] = [];
  if (end - o < RA_HEADER_BYTES || u32(b, o) >>> 24 !== 134) return out;
  for (let at = o + RA_HEADER_BYTES; at + 2 <= end;) {
    const bytes = b[at + 1]! * 8;
    if (bytes === 0 || at + bytes > end) break;
    const option = b[at] === PREF64_OPTION ? parsePref64(b, at, at + bytes) : undefined;
    if (option?.ok === true) out.push(option.value);
    at += bytes;
  }
  return out;
}
