import { parseIpv4U32 } from '../wire/index.ts';
import { mapAddress } from './map-address.ts';
import { inPrefixes4, type TranslatorSettings } from './settings.ts';

/** What made an IPv6 address stand for an IPv4 address, or gave a port. */
export interface AddressRule {
  readonly because: string;
  /** Dotted path of the configuration field. */
  readonly parameter?: string;
}

/** All rules that there are, where the configuration is not known. */
export const ANY_ADDRESS_RULE: AddressRule = { because: 'RFC 6052 section 2.3, RFC 7757 section 3.3, RFC 6146 section 3.5' };

const NAPT_RULE: AddressRule = { because: 'RFC 7599 section 8.1, 8.2', parameter: 'mapt.napt44' };
const RELAY_RULE: AddressRule = { because: 'T-11', parameter: 'relay.bindings' };

/**
 * The rule by which `v4` and `v6` stand for each other: the first one of the configuration that gives it, else the table of a stateful
 * translator. Allocates; for one packet at a time.
 */
export function addressRule(settings: TranslatorSettings, v4: string, v6: string): AddressRule {
  const mapped = mapAddress(settings, v6);
  const found = mapped.ok ? mapped.value.find(({ to }) => to === v4) : undefined;
  if (found !== undefined) return { because: found.rfc, parameter: found.field };
  if (inPrefixes4(settings.errorPool4, parseIpv4U32(v4))) return { because: 'RFC 6791 section 3.2, 5', parameter: 'errorPool4' };
  const { mode, nat64 } = settings.spec;
  if (mode === 'nat64') {
    const fixed = nat64.bindings.some((binding) => binding.v4 === v4);
    return { because: 'RFC 6146 section 3.5', parameter: fixed ? 'nat64.bindings' : 'nat64.pool4' };
  }
  if (mode === 'relay') return RELAY_RULE;
  return isNaptEdge(settings) ? NAPT_RULE : ANY_ADDRESS_RULE;
}

const isNaptEdge = ({ spec: { mode, mapt } }: TranslatorSettings): boolean => mode === 'mapt' && mapt.role === 'ce' && mapt.napt44.enabled;

/**
 * The rule of a port or identifier: `stateless` is the section by which it stays where no table gives one. Without settings a changed one was given by
 * a table.
 */
export function portRule(
  settings: TranslatorSettings | undefined,
  changed: boolean,
  stateless: string,
  stateful = 'RFC 6146 section 3.5',
): AddressRule {
  if (settings === undefined) return { because: changed ? stateful : stateless };
  if (settings.spec.mode === 'nat64') return { because: stateful };
  if (settings.spec.mode === 'relay') return RELAY_RULE;
  return isNaptEdge(settings) ? NAPT_RULE : { because: stateless };
}
