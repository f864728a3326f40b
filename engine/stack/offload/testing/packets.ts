import type { Random } from '../../../base/index.ts';
import { TCP_FLAG, emitEthernet, emitIpv4, emitIpv6, emitTcp, emitUdp, sealTcp, sealUdp } from '../../../wire/index.ts';
import type { DevicePacket } from '../aggregate.ts';
import type { OffloadMemory } from '../memory.ts';

/** A TCP or UDP packet over Ethernet for tests, checksums good. */
export interface PacketSpec {
  readonly version?: 4 | 6;
  readonly protocol?: 'tcp' | 'udp';
  readonly sourcePort?: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly id?: number;
  readonly ttl?: number;
  readonly tcpOptions?: Uint8Array;
  readonly payload: Uint8Array;
}

const MAC = new Uint8Array([2, 0, 0, 0, 0, 1]);
const PEER = new Uint8Array([2, 0, 0, 0, 0, 2]);
const V4 = [new Uint8Array([192, 0, 2, 1]), new Uint8Array([192, 0, 2, 9])] as const;
const V6 = [
  new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
  new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
] as const;
export const L3 = 14;

export function makePacket(spec: PacketSpec): Uint8Array<ArrayBuffer> {
  const version = spec.version ?? 4;
  const tcp = spec.protocol !== 'udp';
  const ipBytes = version === 4 ? 20 : 40;
  const headerBytes = tcp ? 20 + (((spec.tcpOptions?.length ?? 0) + 3) & ~3) : 8;
  const l4 = L3 + ipBytes;
  const l4Bytes = headerBytes + spec.payload.length;
  const b = new Uint8Array(l4 + l4Bytes);
  emitEthernet(b, 0, { source: MAC, destination: PEER, type: version === 4 ? 0x0800 : 0x86dd });
  const protocol = tcp ? 6 : 17;
  const ports = { sourcePort: spec.sourcePort ?? 443, destinationPort: 50_000 };
  if (version === 4) {
    emitIpv4(b, L3, {
      source: V4[0],
      destination: V4[1],
      protocol,
      ttl: spec.ttl ?? 64,
      identification: spec.id ?? 1,
      payloadLength: l4Bytes,
    });
  } else {
    emitIpv6(b, L3, {
      source: V6[0],
      destination: V6[1],
      nextHeader: protocol,
      hopLimit: spec.ttl ?? 64,
      payloadLength: l4Bytes,
    });
  }
  b.set(spec.payload, l4 + headerBytes);
  const [source, destination] = version === 4 ? [L3 + 12, L3 + 16] : [L3 + 8, L3 + 24];
  if (tcp) {
    emitTcp(b, l4, {
      ...ports,
      sequence: spec.seq ?? 1,
      acknowledgment: spec.ack ?? 1,
      flags: spec.flags ?? TCP_FLAG.ack,
      window: spec.window ?? 4_096,
      ...(spec.tcpOptions !== undefined && { options: spec.tcpOptions }),
    });
    sealTcp(b, l4, l4Bytes, version, source, destination);
  } else {
    emitUdp(b, l4, { ...ports, payloadLength: spec.payload.length });
    sealUdp(b, l4, version, source, destination);
  }
  return b;
}

/** NOP, NOP, timestamps. */
export function timestamps(value: number, echo: number): Uint8Array {
  const b = new Uint8Array(12);
  const view = new DataView(b.buffer);
  view.setUint32(0, 0x0101080a);
  view.setUint32(4, value);
  view.setUint32(8, echo);
  return b;
}

export function randomBytes(random: Random, lenBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: lenBytes }, () => random.u32() & 0xff);
}

let number = 0;

/** Puts bytes into a device's pool. */
export function toDevice(memory: OffloadMemory, b: Uint8Array, extra: Partial<DevicePacket> = {}): DevicePacket {
  const first = memory.load(b, 0, b.length);
  number++;
  return {
    first,
    lenBytes: b.length,
    origLen: b.length,
    l3: L3,
    hash: 2,
    numbers: [number],
    tNs: 0,
    deviceSum: 0,
    wake: false,
    plainLink: true,
    ...extra,
  };
}
