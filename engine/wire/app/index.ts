import { registerDhcp } from './dhcp.ts';
import { registerDhcpv6 } from './dhcpv6.ts';
import { registerDns } from './dns.ts';
import { registerHttp } from './http.ts';
import { registerNtp } from './ntp.ts';
import { registerQuic } from './quic.ts';
import { registerRtcp } from './rtcp.ts';
import { registerRtp } from './rtp.ts';
import { registerSip } from './sip.ts';
import { registerStun } from './stun.ts';
import { registerTls } from './tls.ts';

export * from './dns-build.ts';
export { parseDns, readDns } from './dns-message.ts';
export type * from './dns-message.ts';
export { DNS_TYPE, dnsTypeName } from './dns-names.ts';

export * from './tls-hello.ts';
export { buildDhcp, parseDhcp } from './dhcp.ts';
export type { DhcpError, DhcpMessage, DhcpOption } from './dhcp.ts';
export { buildDhcpv6, parseDhcpv6, parseDhcpv6Options } from './dhcpv6.ts';
export type { Dhcpv6Message, Dhcpv6Option } from './dhcpv6.ts';
export { buildNtp } from './ntp.ts';
export { buildRtp, parseRtp } from './rtp.ts';
export { buildRtcp, parseRtcpSenderReport } from './rtcp-build.ts';
export type { RtcpReportBlock, RtcpSenderInfo, RtcpSenderReport } from './rtcp-build.ts';
export { buildSip } from './sip.ts';
export { quicLongHeader } from './quic.ts';

let registered = false;

/** Puts every application protocol into the registry's tables, once. */
export function registerApplicationProtocols(): void {
  if (registered) return;
  registered = true;
  registerDns();
  registerDhcp();
  registerDhcpv6();
  registerTls();
  registerQuic();
  registerHttp();
  registerSip();
  registerNtp();
  // Heuristics are asked in the order of registration: those with most bits to check come first.
  registerStun();
  registerRtcp();
  registerRtp();
}
