import { err, ok } from '../base/index.ts';
import type { Result } from '../base/index.ts';
import type { AddressMapping } from '../contract/index.ts';
import { formatIpv4U32, formatIpv6, parseIpv4U32 } from '../wire/index.ts';
import { PortBlockLayout } from './port-block-layout.ts';
import { PortPools } from './port-pools.ts';
import type { TranslatorSettings } from './settings.ts';

const ROW = { rule: 'deterministic port block', field: 'nat64.portBlocks', rfc: 'RFC 7422 section 2', used: true, parts: [], note: '' };

/**
 * The two functions of RFC 7422 section 2 for people: the ports outside of a subscriber's address, and the subscriber of an IPv4 address with a port
 * (`203.0.113.1:5000`). Undefined where the configuration has no deterministic blocks or the text is neither. Error: a field that cannot be used.
 */
export function mapBlock(
  settings: TranslatorSettings,
  text: string,
  v6: Uint8Array | undefined,
): Result<AddressMapping | undefined, string> {
  const { mode, nat64 } = settings.spec;
  if (mode !== 'nat64' || nat64.portBlocks.mode !== 'deterministic') return ok(undefined);
  const pools = PortPools.compile(nat64);
  const made = pools.ok ? PortBlockLayout.compile(nat64, pools.value) : pools;
  if (!made.ok) return err(`${made.error.field}: ${made.error.message}`);
  const layout = made.value;
  if (layout === undefined) return ok(undefined);
  if (v6 !== undefined) return ok(ofSubscriber(layout, v6));
  const [, address, port] = /^([\d.]+):(\d{1,5})$/.exec(text) ?? [];
  const v4 = parseIpv4U32(address ?? '');
  return ok(v4 < 0 || Number(port) > 65_535 ? undefined : ofPort(layout, text, v4, Number(port)));
}

function ofSubscriber(layout: PortBlockLayout, v6: Uint8Array): AddressMapping | undefined {
  const block = layout.blockOf(v6, 0);
  return block < 0 ? undefined : { ...ROW, from: formatIpv6(v6, 0), to: portsOf(layout, block) };
}

function ofPort(layout: PortBlockLayout, from: string, v4: number, port: number): AddressMapping {
  const block = layout.at(v4, port);
  const subscriber = block < 0 ? undefined : layout.subscriberOf(block);
  if (subscriber !== undefined)
    return { ...ROW, from, to: `${formatIpv6(subscriber, 0)}/${layout.prefixBits}`, note: portsOf(layout, block) };
  const note = block < 0 ? 'in no port block' : `${portsOf(layout, block)} is nobody's by calculation: see the log of port blocks`;
  return { ...ROW, from, to: '', note };
}

function portsOf(layout: PortBlockLayout, block: number): string {
  const first = layout.firstPort(block);
  return `${formatIpv4U32(layout.addressOf(block))} ports ${first} to ${first + layout.size - 1}`;
}
