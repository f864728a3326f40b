import { putU16 } from '../../base/index.ts';
import {
  checksum,
  emitEthernet,
  emitFragment,
  emitIcmp,
  emitIpv4,
  emitIpv6,
  emitTcp,
  emitUdp,
  emitVlan,
  pseudoSum4,
  pseudoSum6,
} from '../../wire/index.ts';
import { MAX_FRAME_BYTES } from './spec.ts';

/** Whole frames with valid lengths and checksums, for everything that is not made by the million. */

export interface Ends {
  readonly sourceMac: Uint8Array;
  readonly destinationMac: Uint8Array;
  /** Four or sixteen bytes, both alike. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly vlan?: number | undefined;
  /** TTL or hop limit; 64 where not given. */
  readonly hops?: number;
}

export function reversed(ends: Ends): Ends {
  return {
    ...ends,
    sourceMac: ends.destinationMac,
    destinationMac: ends.sourceMac,
    source: ends.destination,
    destination: ends.source,
  };
}

const PROTOCOL = { icmp: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58, pim: 103 } as const;
const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;
/** Frames are at least this long on Ethernet, without the frame check sequence. */
const MIN_FRAME_BYTES = 60;

/** Work space of the frame being made: one at a time, its bytes are copied out at the end. */
const scratch = new Uint8Array(MAX_FRAME_BYTES * 8);

function emitLink(ends: Ends, type: number): number {
  let o = emitEthernet(scratch, 0, {
    destination: ends.destinationMac,
    source: ends.sourceMac,
    type: ends.vlan === undefined ? type : ETHERTYPE.vlan,
  });
  if (ends.vlan !== undefined) o += emitVlan(scratch, o, { priority: 0, dropEligible: false, id: ends.vlan, type });
  return o;
}

function finish(end: number): Uint8Array {
  const length = Math.max(end, MIN_FRAME_BYTES);
  scratch.fill(0, end, length);
  return scratch.slice(0, length);
}

interface IpOptions {
  readonly identification?: number;
  /** IPv4 options, or an IPv6 extension header that is ready-made: its first byte is the next header. */
  readonly options?: Uint8Array;
  readonly hopByHop?: Uint8Array;
}

/** A frame with one IP payload; `fill` writes it at its place and returns its length, with checksum. */
function ipFrame(ends: Ends, protocol: number, payloadBytes: number, ip: IpOptions, fill: (at: number, ipAt: number) => void): Uint8Array {
  const v6 = ends.source.length === 16;
  const link = emitLink(ends, v6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4);
  let at = link;
  if (v6) {
    const extra = ip.hopByHop?.length ?? 0;
    const nextHeader = extra > 0 ? 0 : protocol;
    const { source, destination } = ends;
    at += emitIpv6(scratch, link, { source, destination, nextHeader, payloadLength: payloadBytes + extra, hopLimit: ends.hops ?? 64 });
    if (ip.hopByHop !== undefined) {
      scratch.set(ip.hopByHop, at);
      scratch[at] = protocol;
      at += extra;
    }
  } else {
    at += emitIpv4(scratch, link, {
      source: ends.source,
      destination: ends.destination,
      protocol,
      payloadLength: payloadBytes,
      ttl: ends.hops ?? 64,
      identification: ip.identification ?? 0,
      dontFragment: protocol === PROTOCOL.tcp,
      ...(ip.options === undefined ? {} : { options: ip.options }),
    });
  }
  fill(at, link);
  return finish(at + payloadBytes);
}

function pseudoSum(ipAt: number, v6: boolean, protocol: number, length: number): number {
  return v6 ? pseudoSum6(scratch, ipAt + 8, ipAt + 24, protocol, length) : pseudoSum4(scratch, ipAt + 12, ipAt + 16, protocol, length);
}

export function udpFrame(ends: Ends, sourcePort: number, destinationPort: number, payload: Uint8Array, ip: IpOptions = {}): Uint8Array {
  const length = 8 + payload.length;
  return ipFrame(ends, PROTOCOL.udp, length, ip, (at, ipAt) => {
    emitUdp(scratch, at, { sourcePort, destinationPort, payloadLength: payload.length });
    scratch.set(payload, at + 8);
    const sum = checksum(scratch, at, at + length, pseudoSum(ipAt, ends.source.length === 16, PROTOCOL.udp, length));
    putU16(scratch, at + 6, sum === 0 ? 0xffff : sum);
  });
}

export interface TcpSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  readonly options: Uint8Array;
}

export function tcpFrame(
  ends: Ends,
  segment: TcpSegment,
  payload: Uint8Array,
  from: number,
  to: number,
  identification: number,
): Uint8Array {
  const length = 20 + ((segment.options.length + 3) & ~3) + to - from;
  return ipFrame(ends, PROTOCOL.tcp, length, { identification }, (at, ipAt) => {
    const header = emitTcp(scratch, at, segment);
    scratch.set(payload.subarray(from, to), at + header);
    putU16(scratch, at + 16, checksum(scratch, at, at + length, pseudoSum(ipAt, ends.source.length === 16, PROTOCOL.tcp, length)));
  });
}

/** ICMP or ICMPv6, after the addresses: the types differ, the caller chooses. */
export function icmpFrame(ends: Ends, type: number, code: number, rest: number, body: Uint8Array, ip: IpOptions = {}): Uint8Array {
  const v6 = ends.source.length === 16;
  const length = 8 + body.length;
  const protocol = v6 ? PROTOCOL.icmpv6 : PROTOCOL.icmp;
  return ipFrame(ends, protocol, length, ip, (at, ipAt) => {
    emitIcmp(scratch, at, { type, code, rest });
    scratch.set(body, at + 8);
    putU16(scratch, at + 2, checksum(scratch, at, at + length, v6 ? pseudoSum(ipAt, true, protocol, length) : 0));
  });
}

/** A message of IGMP or PIM whose checksum field is bytes 2 and 3. Over IPv6 PIM's includes the pseudo header (RFC 7761 4.9). */
export function messageFrame(ends: Ends, protocol: 'igmp' | 'pim', message: Uint8Array, ip: IpOptions = {}): Uint8Array {
  return ipFrame(ends, PROTOCOL[protocol], message.length, ip, (at, ipAt) => {
    scratch.set(message, at);
    putU16(scratch, at + 2, 0);
    const initial = ends.source.length === 16 ? pseudoSum(ipAt, true, PROTOCOL[protocol], message.length) : 0;
    putU16(scratch, at + 2, checksum(scratch, at, at + message.length, initial));
  });
}

export function linkFrame(ends: Ends, type: 'arp', payload: Uint8Array): Uint8Array {
  const at = emitLink(ends, ETHERTYPE[type]);
  scratch.set(payload, at);
  return finish(at + payload.length);
}

/** The fragments of a UDP datagram with `mtu` bytes of IP packet at most each (RFC 791 section 3.2, RFC 8200 section 4.5). */
export function udpFragments(ends: Ends, ports: readonly [number, number], payload: Uint8Array, mtu: number, id: number): Uint8Array[] {
  const v6 = ends.source.length === 16;
  const whole = udpFrame({ ...ends, vlan: undefined }, ports[0], ports[1], payload);
  const transport = whole.slice(14 + (v6 ? 40 : 20), 14 + (v6 ? 40 : 20) + 8 + payload.length);
  const room = (mtu - (v6 ? 48 : 20)) & ~7;
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < transport.length; offset += room) {
    const bytes = Math.min(room, transport.length - offset);
    const more = offset + bytes < transport.length;
    const link = emitLink(ends, v6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4);
    let at = link;
    const { source, destination } = ends;
    if (v6) {
      at += emitIpv6(scratch, at, { source, destination, nextHeader: 44, payloadLength: bytes + 8 });
      at += emitFragment(scratch, at, { nextHeader: PROTOCOL.udp, offset, more, identification: id });
    } else {
      const fragment = { payloadLength: bytes, identification: id & 0xffff, moreFragments: more, fragmentOffset: offset };
      at += emitIpv4(scratch, at, { source, destination, protocol: PROTOCOL.udp, ...fragment });
    }
    scratch.set(transport.subarray(offset, offset + bytes), at);
    frames.push(finish(at + bytes));
  }
  return frames;
}
