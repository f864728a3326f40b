import type { AddressMapSpec, TranslatorSpec } from '../contract/index.ts';
import { err, ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import { parseIpv4U32, parseIpv6 } from '../wire/index.ts';
import { clatMaps } from './clat.ts';
import { EamTable, type EamEntry } from './eam-table.ts';
import { compileMapDomain, type MapDomain } from './map-rules.ts';
import {
  mask4,
  parsePrefix4,
  parsePrefix6,
  parsePrefix64,
  WELL_KNOWN_PREFIX,
  formatPrefix6,
  type Prefix4,
  type Prefix6,
} from './prefix64.ts';

/** A configuration field that cannot be used. */
export interface SettingsError {
  /** Dotted path, such as `maps.3.v6`. */
  readonly field: string;
  readonly message: string;
}

/** A translator's configuration with its addresses parsed, ready for use per packet. */
export interface TranslatorSettings {
  readonly spec: TranslatorSpec;
  readonly pool6: readonly Prefix6[];
  /** True for prefixes of pool6 that are the well-known one and must not hold addresses that are not global. */
  readonly globalOnly: readonly boolean[];
  readonly maps: EamTable;
  /** Of mode mapt, else null. */
  readonly mapDomain: MapDomain | null;
  readonly deny4: readonly Prefix4[];
  /** Prefixes of nat64.pool4. */
  readonly poolPrefixes4: readonly Prefix4[];
  readonly errorPool4: readonly Prefix4[];
  readonly own4: number;
  readonly own6: Uint8Array;
  /** From the largest down. */
  readonly plateaus: readonly number[];
}

/** A CLAT that learns the prefix of its provider: pool6 does not count. */
export function discovers({ mode, clat }: TranslatorSpec): boolean {
  return mode === 'clat' && clat.provider === 'discover';
}

/** Parses what is text in a configuration. The first field that cannot be used is the error. */
export function compileSettings(spec: TranslatorSpec): Result<TranslatorSettings, SettingsError> {
  const anyOctet = spec.reservedOctet === 'any';
  const pool6 = all('pool6', discovers(spec) ? [] : spec.pool6, (text) => parsePrefix64(text, anyOctet));
  if (!pool6.ok) return pool6;
  const deny4 = all('deny4', spec.deny4, parsePrefix4);
  if (!deny4.ok) return deny4;
  const poolPrefixes4 = all(
    'nat64.pool4',
    spec.nat64.pool4.map(({ prefix }) => prefix),
    parsePrefix4,
  );
  if (!poolPrefixes4.ok) return err({ ...poolPrefixes4.error, field: `${poolPrefixes4.error.field}.prefix` });
  const errorPool4 = all('errorPool4', spec.errorPool4, parsePrefix4);
  if (!errorPool4.ok) return errorPool4;
  const own4 = parseIpv4U32(spec.own4);
  if (own4 < 0) return err({ field: 'own4', message: `${spec.own4} is not an IPv4 address` });
  const own6 = parseIpv6(spec.own6);
  if (own6 === undefined) return err({ field: 'own6', message: `${spec.own6} is not an IPv6 address` });
  const names = pool6.value.map(formatPrefix6);
  const maps: EamEntry[] = [];
  const clat = spec.mode === 'clat' ? clatMaps(spec.clat.prefix, spec.clat.networks) : ok([]);
  if (!clat.ok) return err({ field: 'clat', message: clat.error });
  for (const [i, map] of [...spec.maps, ...clat.value].entries()) {
    const entry = compileMap(map, names, anyOctet);
    if (!entry.ok) return err({ field: `maps.${i}.${entry.error.field}`, message: entry.error.message });
    maps.push(entry.value);
  }
  const mapDomain = spec.mode === 'mapt' ? compileMapDomain(spec.mapt) : ok(null);
  if (!mapDomain.ok) return mapDomain;
  return ok({
    spec,
    pool6: pool6.value,
    globalOnly: names.map((name) => spec.wellKnownPrivate === 'refuse' && name === WELL_KNOWN_PREFIX),
    maps: new EamTable(maps),
    mapDomain: mapDomain.value,
    deny4: deny4.value,
    poolPrefixes4: poolPrefixes4.value,
    errorPool4: errorPool4.value,
    own4,
    own6,
    plateaus: [...spec.plateaus].sort((a, b) => b - a),
  });
}

function all<T>(field: string, texts: readonly string[], parse: (text: string) => Result<T, string>): Result<T[], SettingsError> {
  const out: T[] = [];
  for (const [i, text] of texts.entries()) {
    const value = parse(text);
    if (!value.ok) return err({ field: `${field}.${i}`, message: value.error });
    out.push(value.value);
  }
  return ok(out);
}

function compileMap(map: AddressMapSpec, pool6: readonly string[], anyOctet: boolean): Result<EamEntry, SettingsError> {
  const v4 = parsePrefix4(map.v4);
  if (!v4.ok) return err({ field: 'v4', message: v4.error });
  const v6 = parsePrefix6(map.v6);
  if (!v6.ok) return err({ field: 'v6', message: v6.error });
  // RFC 7757 section 3.2: the IPv6 suffix is at least as long as the IPv4 suffix.
  if (128 - v6.value.length < 32 - v4.value.length) return err({ field: 'v6', message: `${map.v6} has fewer free bits than ${map.v4}` });
  let domain = -1;
  if (map.pool6 !== undefined) {
    const prefix = parsePrefix64(map.pool6, anyOctet);
    if (!prefix.ok) return err({ field: 'pool6', message: prefix.error });
    domain = pool6.indexOf(formatPrefix6(prefix.value));
    if (domain < 0) return err({ field: 'pool6', message: `${map.pool6} is not in pool6` });
  }
  return ok({ v4: v4.value, v6: v6.value, domain });
}

/** True if a prefix of the list holds the address. */
export function inPrefixes4(prefixes: readonly Prefix4[], v4: number): boolean {
  for (let i = 0; i < prefixes.length; i++) {
    const prefix = prefixes[i]!;
    if ((v4 & mask4(prefix.length)) >>> 0 === prefix.value) return true;
  }
  return false;
}
