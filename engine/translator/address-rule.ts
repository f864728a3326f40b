import { mapAddress } from './map-address.ts';
import type { TranslatorSettings } from './settings.ts';

/** What made an IPv6 address stand for an IPv4 address. */
export interface AddressRule {
  readonly because: string;
  /** Dotted path of the configuration field. */
  readonly parameter?: string;
}

/** All rules that there are, where the configuration is not known. */
export const ANY_ADDRESS_RULE: AddressRule = { because: 'RFC 6052 section 2.3, RFC 7757 section 3.3, RFC 6146 section 3.5' };

/**
 * The rule by which `v4` and `v6` stand for each other: the first one of the configuration that gives it, else the table of a stateful
 * translator. Allocates; for one packet at a time.
 */
export function addressRule(settings: TranslatorSettings, v4: string, v6: string): AddressRule {
  const mapped = mapAddress(settings, v6);
  const found = mapped.ok ? mapped.value.find(({ to }) => to === v4) : undefined;
  if (found !== undefined) return { because: found.rfc, parameter: found.field };
  const { mode, nat64 } = settings.spec;
  if (mode === 'nat64') {
    const fixed = nat64.bindings.some((binding) => binding.v4 === v4);
    return { because: 'RFC 6146 section 3.5', parameter: fixed ? 'nat64.bindings' : 'nat64.pool4' };
  }
  if (mode === 'mapt' && settings.spec.mapt.role === 'ce') return { because: 'RFC 7599 section 8.1', parameter: 'mapt.napt44' };
  return settings.errorPool4.length > 0 ? { because: 'RFC 6791', parameter: 'errorPool4' } : ANY_ADDRESS_RULE;
}
