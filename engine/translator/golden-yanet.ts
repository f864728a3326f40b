import { readdirSync } from 'node:fs';
import type { AddressMapSpec, TranslatorInput } from '../contract/index.ts';
import { capture } from '../testing/captures.ts';
import { readJson } from './test-support.ts';

/** Folder of the translator units of YANET among the captures. */
export const YANET_UNITS = 'yanet/autotest/units/001_one_port';

interface YanetTranslation {
  readonly ipv6Address: string;
  readonly ipv6DestinationAddress: string;
  readonly ipv4Address: string;
}

interface YanetModule {
  readonly type: string;
  readonly translations?: readonly (YanetTranslation | string)[];
}

function translationsOf(unit: string, list: readonly (YanetTranslation | string)[]): YanetTranslation[] {
  return list.flatMap((item) =>
    typeof item === 'string'
      ? translationsOf(unit, readJson(`${YANET_UNITS}/${unit}/${item.replace(/^\//, '')}`) as YanetTranslation[])
      : [item],
  );
}

/**
 * Configuration of ours that does what a unit's `nat64stateless` modules do together: each translation is an explicit map that
 * belongs to its destination prefix. YANET sets neither identification nor DF, answers nothing and looks at no MTU.
 */
export function yanetConfig(unit: string, more: TranslatorInput = {}): TranslatorInput {
  const { modules } = readJson(`${YANET_UNITS}/${unit}/controlplane.conf`) as { modules: Record<string, YanetModule> };
  const maps: AddressMapSpec[] = [];
  for (const module of Object.values(modules)) {
    if (module.type !== 'nat64stateless') continue;
    for (const item of translationsOf(unit, module.translations ?? [])) {
      maps.push({ v4: item.ipv4Address, v6: item.ipv6Address, pool6: `${item.ipv6DestinationAddress}/96` });
    }
  }
  return {
    pool6: [...new Set(maps.map((map) => map.pool6 ?? ''))],
    maps,
    hairpin: 'off',
    reservedOctet: 'any',
    df: 'never',
    identification: 'zero',
    mtu4: 65_535,
    mtu6: 65_535,
    lowestIpv6Mtu: 65_535,
    ...more,
  };
}

/** Numbers of the steps of a unit that have something to send or to expect. */
export function yanetSteps(unit: string): string[] {
  return [
    ...new Set(readdirSync(capture(`${YANET_UNITS}/${unit}`)).flatMap((name) => /^(\d+)-(?:send|expect)\.pcap$/.exec(name)?.[1] ?? [])),
  ].sort();
}
