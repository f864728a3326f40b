import { NS_PER_MS, NS_PER_US, putU32, u32, type Random } from '../../base/index.ts';
import { ROUTER_MAC, groupMac, linkLocal, macOf, parseAddress } from './addresses.ts';
import { icmpFrame, messageFrame, udpFrame, type Ends } from './frames.ts';
import { concat, randomBytes } from './payloads.ts';
import type { MulticastStreamSpec } from './spec.ts';
import type { ExchangeMaker, TimedFrame } from './stream.ts';

/** Group membership and group data: IGMPv2 (RFC 2236), IGMPv3 (RFC 3376), MLDv2 (RFC 3810), PIM-SM joins (RFC 7761). */

const ROUTER_ALERT4 = Uint8Array.of(0x94, 4, 0, 0);
/** Hop-by-hop header with router alert (RFC 2711) and PadN; its first byte is set to the next header. */
const ROUTER_ALERT6 = Uint8Array.of(58, 0, 5, 2, 0, 0, 1, 0);
const RECORD = { include: 1, toInclude: 3, toExclude: 4, allow: 5, block: 6 } as const;
const PIM_HOLD_S = 210;
/** The other router's place among the receivers. */
const NEXT_ROUTER = 90;
/** ns from one packet of a lump to the next, for a byte: 1 Gb/s. */
const LUMP_NS_PER_BYTE = 8;

interface Group {
  readonly group: Uint8Array;
  /** Of the data, and of source-specific joins where the spec names one. */
  readonly source: Uint8Array;
  readonly specific: boolean;
  readonly v6: boolean;
}

function groupOf(spec: MulticastStreamSpec): Group {
  const v6 = spec.protocol === 'mldv2' || spec.group.includes(':');
  const group = parseAddress(spec.group !== '' ? spec.group : v6 ? 'ff3e::8000:1' : '233.252.0.1');
  const source = parseAddress(spec.source !== '' ? spec.source : v6 ? '2001:db8:2::10' : '198.51.100.10');
  return { group, source, specific: spec.source !== '', v6 };
}

function receiver(spec: MulticastStreamSpec, number: number, v6: boolean): { mac: Uint8Array; address: Uint8Array } {
  const host = parseAddress(spec.firstReceiver);
  putU32(host, 0, u32(host, 0) + number);
  const mac = macOf(host);
  return { mac, address: v6 ? linkLocal(mac) : host };
}

function multicastEnds(mac: Uint8Array, source: Uint8Array, destination: Uint8Array, vlan: number | undefined): Ends {
  return { sourceMac: mac, destinationMac: groupMac(destination), source, destination, vlan, hops: 1 };
}

/** One group record of an IGMPv3 or MLDv2 report. */
function record(type: number, group: Uint8Array, sources: readonly Uint8Array[]): Uint8Array {
  return concat([type, 0, 0, sources.length], group, ...sources);
}

function report(g: Group, mac: Uint8Array, source: Uint8Array, type: number, vlan: number | undefined): Uint8Array {
  const sources = g.specific ? [g.source] : [];
  const body = record(type, g.group, sources);
  if (g.v6) {
    const ends = multicastEnds(mac, source, parseAddress('ff02::16'), vlan);
    return icmpFrame(ends, 143, 0, 1, body, { hopByHop: ROUTER_ALERT6 });
  }
  const ends = multicastEnds(mac, source, parseAddress('224.0.0.22'), vlan);
  return messageFrame(ends, 'igmp', concat([0x22, 0, 0, 0, 0, 0, 0, 1], body), { options: ROUTER_ALERT4 });
}

/** The querier's answer to a leave: a group-specific query. */
function query(g: Group, vlan: number | undefined): Uint8Array {
  const routerSource = g.v6 ? linkLocal(ROUTER_MAC) : parseAddress('192.0.2.254');
  const ends = multicastEnds(ROUTER_MAC, routerSource, g.group, vlan);
  if (g.v6) return icmpFrame(ends, 130, 0, 1000 << 16, concat(g.group, [2, 125, 0, 0]), { hopByHop: ROUTER_ALERT6 });
  return messageFrame(ends, 'igmp', concat([0x11, 10, 0, 0], g.group, [2, 125, 0, 0]), { options: ROUTER_ALERT4 });
}

function igmpv2(type: number, g: Group, mac: Uint8Array, source: Uint8Array, vlan: number | undefined): Uint8Array {
  const to = type === 0x17 ? parseAddress('224.0.0.2') : g.group;
  return messageFrame(multicastEnds(mac, source, to, vlan), 'igmp', concat([type, 0, 0, 0], g.group), { options: ROUTER_ALERT4 });
}

/** PIM join or prune (RFC 7761 section 4.9.5) for one group and one source. */
function pimJoinPrune(spec: MulticastStreamSpec, g: Group, join: boolean): Uint8Array {
  const family = g.v6 ? 2 : 1;
  const bits = g.v6 ? 128 : 32;
  const upstream = g.v6 ? linkLocal(ROUTER_MAC) : parseAddress('192.0.2.254');
  const router = receiver(spec, NEXT_ROUTER, g.v6);
  const encodedSource = concat([family, 0, 4, bits], g.source);
  const groupPart = concat([family, 0, 0, bits], g.group, [0, join ? 1 : 0, 0, join ? 0 : 1], encodedSource);
  const message = concat([0x23, 0, 0, 0, family, 0], upstream, [0, 1, PIM_HOLD_S >>> 8, PIM_HOLD_S & 255], groupPart);
  const to = parseAddress(g.v6 ? 'ff02::d' : '224.0.0.13');
  return messageFrame(multicastEnds(router.mac, router.address, to, spec.vlan), 'pim', message);
}

/** PIM hello with hold time and DR priority (section 4.9.2). */
function pimHello(spec: MulticastStreamSpec, g: Group): Uint8Array {
  const router = receiver(spec, NEXT_ROUTER, g.v6);
  const to = parseAddress(g.v6 ? 'ff02::d' : '224.0.0.13');
  const message = Uint8Array.of(0x20, 0, 0, 0, 0, 1, 0, 2, 0, 105, 0, 19, 0, 4, 0, 0, 0, 1);
  return messageFrame(multicastEnds(router.mac, router.address, to, spec.vlan), 'pim', message);
}

/** A receiver joins, stays for about the hold time, and leaves; or a router joins and prunes. */
export function membershipMaker(spec: MulticastStreamSpec): ExchangeMaker {
  const g = groupOf(spec);
  return (startNs, index, random: Random) => {
    const { mac, address } = receiver(spec, index % spec.receivers, g.v6);
    const leaveNs = startNs + Math.floor(spec.holdMs * NS_PER_MS * (0.5 + random.float()));
    const at = (tNs: number, bytes: Uint8Array): TimedFrame => ({ tNs, bytes, iface: 0 });
    const { vlan } = spec;
    switch (spec.protocol) {
      case 'igmpv2':
        return [at(startNs, igmpv2(0x16, g, mac, address, vlan)), at(leaveNs, igmpv2(0x17, g, mac, address, vlan))];
      case 'igmpv3':
      case 'mldv2': {
        const [join, leave] = g.specific ? [RECORD.allow, RECORD.block] : [RECORD.toExclude, RECORD.toInclude];
        return [
          at(startNs, report(g, mac, address, join, vlan)),
          at(startNs + 700 * NS_PER_US, report(g, mac, address, join, vlan)),
          at(leaveNs, report({ ...g }, mac, address, leave, vlan)),
          at(leaveNs + 400 * NS_PER_US, query(g, vlan)),
        ];
      }
      case 'pim':
        return [
          at(startNs, pimHello(spec, g)),
          at(startNs + 2 * NS_PER_MS, pimJoinPrune(spec, g, true)),
          at(leaveNs, pimJoinPrune(spec, g, false)),
        ];
    }
  };
}

/** What the group's sender sends: one packet per exchange, or a lump of them, at the rate of the spec. */
export function groupDataMaker(spec: MulticastStreamSpec): ExchangeMaker {
  const g = groupOf(spec);
  const ends: Ends = { ...multicastEnds(ROUTER_MAC, g.source, g.group, spec.vlan), hops: 16 };
  const payloadBytes = Math.max(1, spec.dataBytes - (g.v6 ? 62 : 42));
  return (startNs, _index, random) =>
    Array.from({ length: spec.dataBurst }, (_, i) => ({
      tNs: startNs + i * spec.dataBytes * LUMP_NS_PER_BYTE,
      bytes: udpFrame(ends, 40_000, 9_100, randomBytes(payloadBytes, random)),
      iface: 0,
    }));
}
