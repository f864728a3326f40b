import { registerApplicationProtocols } from './app/index.ts';
import { registerArp } from './arp.ts';
import { registerEthernet } from './ethernet.ts';
import { registerIcmp } from './icmp.ts';
import { registerIcmpv6 } from './icmpv6.ts';
import { registerIgmp } from './igmp.ts';
import { registerIpsec } from './ipsec.ts';
import { registerIpv4 } from './ipv4.ts';
import { registerIpv6 } from './ipv6.ts';
import { registerIpv6Extensions } from './ipv6-extensions.ts';
import { registerLlc } from './llc.ts';
import { registerLoopback } from './loopback.ts';
import { registerMpls } from './mpls.ts';
import { registerPpp } from './ppp.ts';
import { registerPppoe } from './pppoe.ts';
import { registerRawIp } from './raw-ip.ts';
import { registerSll } from './sll.ts';
import { registerTcp } from './tcp.ts';
import { registerUdp } from './udp.ts';
import { registerVlan } from './vlan.ts';

let registered = false;

/** Fills the tables, once. Called, not imported for its effect, so that a bundler cannot drop a protocol. */
export function registerAll(): void {
  if (registered) return;
  registered = true;
  registerEthernet();
  registerVlan();
  registerLlc();
  registerSll();
  registerLoopback();
  registerRawIp();
  registerPpp();
  registerPppoe();
  registerMpls();
  registerArp();
  registerIpv4();
  registerIpv6();
  registerIpv6Extensions();
  registerIpsec();
  registerIcmp();
  registerIcmpv6();
  registerIgmp();
  registerTcp();
  registerUdp();
  registerApplicationProtocols();
}
