import { NS_PER_MS, NS_PER_S, NS_PER_US, putU32, type Random } from '../../base/index.ts';
import { emitArp } from '../../wire/index.ts';
import { BROADCAST_MAC, ROUTER_MAC, anyHost, groupMac, linkLocal, macOf, parseAddress, parsePrefix, solicitedNode } from './addresses.ts';
import { icmpFrame, linkFrame, reversed, udpFragments, udpFrame, type Ends } from './frames.ts';
import { DHCP, DNS_TYPE, concat, dhcpMessage, dnsMessage, dnsName, ntpMessage, randomBytes } from './payloads.ts';
import type { NoiseStreamSpec, TcpStreamSpec } from './spec.ts';
import type { ExchangeMaker, TimedFrame } from './stream.ts';
import { tcpFrames, tcpScript, turnsOf } from './tcp-script.ts';

/** Exchanges of an ordinary local network, one maker per kind. Addresses are those set aside for documentation. */

const LAN4 = parsePrefix('192.0.2.0/24');
const LAN6 = parsePrefix('2001:db8:1::/64');
const GATEWAY4 = parseAddress('192.0.2.254');
const RESOLVER4 = parseAddress('192.0.2.53');
const RESOLVER6 = parseAddress('2001:db8:1::53');
const FAR4 = parsePrefix('198.51.100.0/24');
const FAR6 = parsePrefix('2001:db8:2::/64');
/** Host numbers of ordinary machines: the fixed ones (resolver, NTP server, gateway) are outside. */
const LAN_HOSTS = 50;

function frame(tNs: number, bytes: Uint8Array): TimedFrame {
  return { tNs: Math.floor(tNs), bytes, iface: 0 };
}

function lanHost(v6: boolean, random: Random): Uint8Array {
  const address = (v6 ? LAN6 : LAN4).base.slice();
  address[address.length - 1] = random.int(1, LAN_HOSTS);
  return address;
}

function toRouter(source: Uint8Array, destination: Uint8Array, vlan: number | undefined): Ends {
  return { sourceMac: macOf(source), destinationMac: ROUTER_MAC, source, destination, vlan };
}

function onLink(source: Uint8Array, destination: Uint8Array, vlan: number | undefined, hops = 64): Ends {
  return { sourceMac: macOf(source), destinationMac: macOf(destination), source, destination, vlan, hops };
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.int(0, list.length - 1)]!;
}

export function tcpMaker(spec: TcpStreamSpec): ExchangeMaker {
  const sides = {
    4: [parsePrefix(spec.clients), parsePrefix(spec.servers)],
    6: [parsePrefix(spec.clients6), parsePrefix(spec.servers6)],
  } as const;
  const serverPort = { tls: 443, http: 80, bulk: 5_001 }[spec.application];
  return (startNs, index, random) => {
    const v6 = random.float() < spec.v6Share;
    const [clients, servers] = sides[v6 ? 6 : 4];
    const ends = toRouter(anyHost(clients, random), anyHost(servers, random), spec.vlan);
    const turns = turnsOf(spec.application, pick(spec.names, random), random.int(spec.responseBytesMin, spec.responseBytesMax), random);
    const reset = random.float() < spec.resetShare;
    const rttNs = Math.floor(spec.rttMs * NS_PER_MS * (0.8 + 0.4 * random.float()));
    const script = tcpScript({ startNs, rttNs, mss: v6 ? 1_440 : 1_460, turns, reset }, random);
    return tcpFrames(script, ends, [32_768 + ((index * 7) % 28_000), serverPort], 0, () => 0);
  };
}

function dnsMaker(spec: NoiseStreamSpec): ExchangeMaker {
  return (startNs, _index, random) => {
    const v6 = random.float() < spec.v6Share;
    const host = lanHost(v6, random);
    const ends = onLink(host, v6 ? RESOLVER6 : RESOLVER4, spec.vlan);
    const name = pick(spec.names, random);
    const port = random.int(32_768, 60_999);
    const id = random.int(0, 0xffff);
    const missing = random.float() < 0.05;
    const frames: TimedFrame[] = [];
    let t = startNs;
    for (const type of [DNS_TYPE.a, DNS_TYPE.aaaa]) {
      const query = dnsMessage(id ^ type, 0x0100, name, type);
      const data = anyHost(type === DNS_TYPE.a ? FAR4 : FAR6, random);
      const answers = missing ? [] : [{ type, ttl: 300, data }];
      const response = dnsMessage(id ^ type, missing ? 0x8183 : 0x8180, name, type, answers);
      frames.push(frame(t, udpFrame(ends, port, 53, query)));
      frames.push(frame(t + random.int(300, 24_000) * NS_PER_US, udpFrame(reversed(ends), 53, port, response)));
      t += random.int(20, 120) * NS_PER_US;
    }
    return frames.sort((a, b) => a.tNs - b.tNs);
  };
}

function pingMaker(spec: NoiseStreamSpec): ExchangeMaker {
  return (startNs, index, random) => {
    const v6 = random.float() < spec.v6Share;
    const ends = toRouter(lanHost(v6, random), anyHost(v6 ? FAR6 : FAR4, random), spec.vlan);
    const [request, reply] = v6 ? [128, 129] : [8, 0];
    const id = 0x1000 + (index & 0xfff);
    const rttNs = random.int(4_000, 30_000) * NS_PER_US;
    const body = concat(
      new Uint8Array(8),
      Array.from({ length: 48 }, (_, i) => 0x10 + i),
    );
    const frames: TimedFrame[] = [];
    for (let sequence = 1; sequence <= 4; sequence++) {
      const t = startNs + (sequence - 1) * 200 * NS_PER_MS;
      putU32(body, 4, Math.floor(t / NS_PER_US) >>> 0);
      const rest = ((id << 16) | sequence) >>> 0;
      frames.push(frame(t, icmpFrame(ends, request, 0, rest, body)));
      frames.push(frame(t + rttNs, icmpFrame(reversed(ends), reply, 0, rest, body)));
    }
    return frames;
  };
}

function arpMaker(spec: NoiseStreamSpec): ExchangeMaker {
  return (startNs, _index, random) => {
    const host = lanHost(false, random);
    const target = random.float() < 0.7 ? GATEWAY4 : lanHost(false, random);
    const mac = macOf(host);
    const targetMac = target === GATEWAY4 ? ROUTER_MAC : macOf(target);
    const arp = (opcode: number, senderMac: Uint8Array, senderIp: Uint8Array, toMac: Uint8Array, targetIp: Uint8Array) => {
      const b = new Uint8Array(28);
      emitArp(b, 0, { opcode, senderMac, senderIp, targetMac: toMac, targetIp });
      return b;
    };
    const ask: Ends = { sourceMac: mac, destinationMac: BROADCAST_MAC, source: host, destination: target, vlan: spec.vlan };
    const answer: Ends = { ...ask, sourceMac: targetMac, destinationMac: mac };
    return [
      frame(startNs, linkFrame(ask, 'arp', arp(1, mac, host, new Uint8Array(6), target))),
      frame(startNs + random.int(80, 400) * NS_PER_US, linkFrame(answer, 'arp', arp(2, targetMac, target, mac, host))),
    ];
  };
}

/** Neighbor solicitation and advertisement (RFC 4861 section 4.3, 4.4), and now and then a router advertisement (4.2). */
function ndMaker(spec: NoiseStreamSpec): ExchangeMaker {
  return (startNs, index, random) => {
    if (index % 4 === 0) {
      const source = linkLocal(ROUTER_MAC);
      const group = parseAddress('ff02::1');
      const ends: Ends = { sourceMac: ROUTER_MAC, destinationMac: groupMac(group), source, destination: group, vlan: spec.vlan, hops: 255 };
      const prefix = concat([3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0], LAN6.base);
      const body = concat(new Uint8Array(8), [1, 1], ROUTER_MAC, [5, 1, 0, 0, 0, 0, 0x05, 0xdc], prefix);
      return [frame(startNs, icmpFrame(ends, 134, 0, 0x40000708, body))];
    }
    const host = lanHost(true, random);
    const target = lanHost(true, random);
    const group = solicitedNode(target);
    const ask: Ends = {
      sourceMac: macOf(host),
      destinationMac: groupMac(group),
      source: host,
      destination: group,
      vlan: spec.vlan,
      hops: 255,
    };
    const answer: Ends = onLink(target, host, spec.vlan, 255);
    return [
      frame(startNs, icmpFrame(ask, 135, 0, 0, concat(target, [1, 1], macOf(host)))),
      frame(startNs + random.int(60, 300) * NS_PER_US, icmpFrame(answer, 136, 0, 0x60000000, concat(target, [2, 1], macOf(target)))),
    ];
  };
}

function dhcpMaker(spec: NoiseStreamSpec): ExchangeMaker {
  return (startNs, _index, random) => {
    const yours = lanHost(false, random);
    const mac = macOf(yours);
    const none = new Uint8Array(4);
    const all = new Uint8Array(4).fill(255);
    const transaction = random.u32();
    const up: Ends = { sourceMac: mac, destinationMac: BROADCAST_MAC, source: none, destination: all, vlan: spec.vlan };
    const down: Ends = { sourceMac: ROUTER_MAC, destinationMac: mac, source: GATEWAY4, destination: yours, vlan: spec.vlan };
    const say = (type: number) => dhcpMessage({ type, transaction, mac, yours, server: GATEWAY4 });
    return [
      frame(startNs, udpFrame(up, 68, 67, say(DHCP.discover))),
      frame(startNs + 3 * NS_PER_MS, udpFrame(down, 67, 68, say(DHCP.offer))),
      frame(startNs + 4 * NS_PER_MS, udpFrame(up, 68, 67, say(DHCP.request))),
      frame(startNs + 7 * NS_PER_MS, udpFrame(down, 67, 68, say(DHCP.ack))),
    ];
  };
}

function mdnsMaker(spec: NoiseStreamSpec): ExchangeMaker {
  return (startNs, _index, random) => {
    const v6 = random.float() < spec.v6Share;
    const group = parseAddress(v6 ? 'ff02::fb' : '224.0.0.251');
    const from = (host: Uint8Array): Ends => {
      const source = v6 ? linkLocal(macOf(host)) : host;
      return { sourceMac: macOf(host), destinationMac: groupMac(group), source, destination: group, vlan: spec.vlan, hops: 255 };
    };
    const service = pick(['_ipp._tcp.local', '_http._tcp.local', '_airplay._tcp.local'], random);
    const answer = { type: DNS_TYPE.ptr, ttl: 4_500, data: dnsName(`device-${String(random.int(1, 20))}.${service}`) };
    const asking = lanHost(false, random);
    const answering = lanHost(false, random);
    return [
      frame(startNs, udpFrame(from(asking), 5353, 5353, dnsMessage(0, 0, service, DNS_TYPE.ptr))),
      frame(
        startNs + random.int(20, 120) * NS_PER_MS,
        udpFrame(from(answering), 5353, 5353, dnsMessage(0, 0x8400, service, DNS_TYPE.ptr, [answer])),
      ),
    ];
  };
}

function ntpMaker(spec: NoiseStreamSpec, epochS: number): ExchangeMaker {
  return (startNs, _index, random) => {
    const ends = toRouter(lanHost(false, random), parseAddress('198.51.100.123'), spec.vlan);
    const port = random.int(32_768, 60_999);
    const seconds = epochS + Math.floor(startNs / NS_PER_S);
    const fraction = random.u32();
    return [
      frame(startNs, udpFrame(ends, port, 123, ntpMessage(3, seconds, fraction))),
      frame(startNs + 18 * NS_PER_MS, udpFrame(reversed(ends), 123, port, ntpMessage(4, seconds, fraction))),
    ];
  };
}

/** UDP datagrams too large for the link, in fragments; one in four arrives with its last fragment first. */
function fragmentsMaker(spec: NoiseStreamSpec): ExchangeMaker {
  return (startNs, index, random) => {
    const v6 = random.float() < spec.v6Share;
    const ends = reversed(toRouter(lanHost(v6, random), anyHost(v6 ? FAR6 : FAR4, random), spec.vlan));
    const payload = randomBytes(random.int(1_600, 6_000), random);
    const frames = udpFragments(ends, [9_000, 40_000 + (index % 1_000)], payload, 1_500, random.u32());
    if (index % 4 === 3) frames.reverse();
    return frames.map((bytes, i) => frame(startNs + i * 13_000, bytes));
  };
}

export function noiseMaker(spec: NoiseStreamSpec, epochS: number): ExchangeMaker {
  switch (spec.kind) {
    case 'dns':
      return dnsMaker(spec);
    case 'ping':
      return pingMaker(spec);
    case 'arp':
      return arpMaker(spec);
    case 'nd':
      return ndMaker(spec);
    case 'dhcp':
      return dhcpMaker(spec);
    case 'mdns':
      return mdnsMaker(spec);
    case 'ntp':
      return ntpMaker(spec, epochS);
    case 'fragments':
      return fragmentsMaker(spec);
  }
}
