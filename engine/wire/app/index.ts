import { registerDns } from './dns.ts';

export * from './dns-build.ts';
export { parseDns, readDns } from './dns-message.ts';
export type * from './dns-message.ts';
export { DNS_TYPE, dnsTypeName } from './dns-names.ts';

let registered = false;

/** Puts every application protocol into the registry's tables, once. */
export function registerApplicationProtocols(): void {
  if (registered) return;
  registered = true;
  registerDns();
}
