import { putU16, type Random } from '../../base/index.ts';
import {
  checksum,
  foldSum,
  emitEthernet,
  emitIpv4,
  emitIpv6,
  emitTcp,
  emitUdp,
  emitVlan,
  pseudoSum4,
  pseudoSum6,
  sum16,
} from '../../wire/index.ts';
import { ROUTER_MAC } from './addresses.ts';
import { randomBytes } from './payloads.ts';

/**
 * A frame made once and patched for every packet: copy, then addresses, ports, numbers and two checksums. Sums over all that
 * does not change are kept, so a packet costs the same whatever its size.
 *
 *   0        14 (18 with VLAN)       34 / 54
 *   | Ethernet | IPv4 or IPv6         | TCP or UDP | payload, the same in all packets of the template
 */
export interface Template {
  /** What the snap length leaves of the frame. */
  readonly bytes: Uint8Array;
  readonly wireBytes: number;
  readonly payloadBytes: number;
  readonly ipAt: number;
  readonly transportAt: number;
  readonly v6: boolean;
  readonly tcp: boolean;
  /** Sum of the IPv4 header without addresses and identification; 0 for IPv6. */
  readonly ipSum: number;
  /** Sum of pseudo header and segment without addresses, ports and sequence and acknowledgment numbers. */
  readonly transportSum: number;
}

export interface TemplateParameters {
  readonly bytes: number;
  readonly v6: boolean;
  readonly tcp: boolean;
  readonly vlan: number | undefined;
  /** Base addresses: the low 32 bits are patched. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** A bare acknowledgment: no payload. */
  readonly acknowledgment: boolean;
  readonly snap: number;
}

const TCP_ACK = 16;

/** Payload that analysers of ports 443 take without complaint: a TLS record over TCP, a QUIC short header over UDP. */
function payloadOf(bytes: number, tcp: boolean, random: Random): Uint8Array {
  const payload = randomBytes(bytes, random);
  if (tcp && bytes > 5) {
    payload.set([23, 3, 3]);
    putU16(payload, 3, bytes - 5);
  } else if (tcp) payload.fill(0);
  else if (bytes > 0) payload[0] = 0x40 | (payload[0]! & 0x3f);
  return payload;
}

export function makeTemplate(p: TemplateParameters, random: Random): Template {
  const ipAt = p.vlan === undefined ? 14 : 18;
  const transportAt = ipAt + (p.v6 ? 40 : 20);
  const header = transportAt + (p.tcp ? 20 : 8);
  const end = p.acknowledgment ? header : Math.max(header, p.bytes);
  const wireBytes = Math.max(60, end);
  const b = new Uint8Array(wireBytes);
  const type = p.v6 ? 0x86dd : 0x0800;
  const mac = Uint8Array.of(0x02, 0x52, 0, 0, 1, 0);
  emitEthernet(b, 0, { destination: mac, source: ROUTER_MAC, type: p.vlan === undefined ? type : 0x8100 });
  if (p.vlan !== undefined) emitVlan(b, 14, { priority: 0, dropEligible: false, id: p.vlan, type });
  const payloadBytes = end - header;
  const length = end - transportAt;
  const source = p.source.slice();
  const destination = p.destination.slice();
  source.fill(0, source.length - 4);
  destination.fill(0, destination.length - 4);
  const protocol = p.tcp ? 6 : 17;
  if (p.v6) emitIpv6(b, ipAt, { source, destination, nextHeader: protocol, payloadLength: length, hopLimit: 58 });
  else emitIpv4(b, ipAt, { source, destination, protocol, payloadLength: length, ttl: 58, dontFragment: true });
  const ports = { sourcePort: 0, destinationPort: 0 };
  if (p.tcp) emitTcp(b, transportAt, { ...ports, sequence: 0, acknowledgment: 0, flags: TCP_ACK, window: 502 });
  else emitUdp(b, transportAt, { ...ports, payloadLength: payloadBytes });
  b.set(payloadOf(payloadBytes, p.tcp, random), header);
  const pseudo = p.v6 ? pseudoSum6(b, ipAt + 8, ipAt + 24, protocol, length) : pseudoSum4(b, ipAt + 12, ipAt + 16, protocol, length);
  // The IPv4 header's own sum, with its checksum field out of it: ~checksum is the sum of the other words.
  const ipSum = p.v6 ? 0 : ~checksum(clearWord(b, ipAt + 10), ipAt, ipAt + 20) & 0xffff;
  return {
    bytes: b.slice(0, Math.min(p.snap, wireBytes)),
    wireBytes,
    payloadBytes,
    ipAt,
    transportAt,
    v6: p.v6,
    tcp: p.tcp,
    ipSum,
    transportSum: foldSum(sum16(b, transportAt, end, pseudo)),
  };
}

function clearWord(b: Uint8Array, at: number): Uint8Array {
  b[at] = 0;
  b[at + 1] = 0;
  return b;
}

/** Bytes behind `o` that a packet may write even where the snap length keeps fewer: the headers of the largest template. */
export const PATCH_SLACK_BYTES = 96;

/** Ones' complement of a sum that fits 32 bits. */
function complement(sum: number): number {
  let s = (sum >>> 16) + (sum & 0xffff);
  s = (s >>> 16) + (s & 0xffff);
  return ~s & 0xffff;
}

/** Writes one packet at `o`. Addresses are the low 32 bits of source and destination. No allocation. */
export function patchTemplate(
  b: Uint8Array,
  o: number,
  t: Template,
  source: number,
  destination: number,
  sourcePort: number,
  destinationPort: number,
  sequence: number,
  acknowledgment: number,
  identification: number,
): void {
  b.set(t.bytes, o);
  const ip = o + t.ipAt;
  const at = o + t.transportAt;
  const addresses = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff);
  const sourceAt = ip + (t.v6 ? 20 : 12);
  const destinationAt = ip + (t.v6 ? 36 : 16);
  b[sourceAt] = source >>> 24;
  b[sourceAt + 1] = source >>> 16;
  b[sourceAt + 2] = source >>> 8;
  b[sourceAt + 3] = source;
  b[destinationAt] = destination >>> 24;
  b[destinationAt + 1] = destination >>> 16;
  b[destinationAt + 2] = destination >>> 8;
  b[destinationAt + 3] = destination;
  if (!t.v6) {
    putU16(b, ip + 4, identification);
    putU16(b, ip + 10, complement(t.ipSum + addresses + identification));
  }
  putU16(b, at, sourcePort);
  putU16(b, at + 2, destinationPort);
  let sum = t.transportSum + addresses + sourcePort + destinationPort;
  if (t.tcp) {
    putU16(b, at + 4, sequence >>> 16);
    putU16(b, at + 6, sequence & 0xffff);
    putU16(b, at + 8, acknowledgment >>> 16);
    putU16(b, at + 10, acknowledgment & 0xffff);
    sum += (sequence >>> 16) + (sequence & 0xffff) + (acknowledgment >>> 16) + (acknowledgment & 0xffff);
    putU16(b, at + 16, complement(sum));
  } else {
    const check = complement(sum);
    putU16(b, at + 6, check === 0 ? 0xffff : check);
  }
}
