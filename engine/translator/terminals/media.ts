import { NS_PER_MS, putU16, putU32, u16, u32 } from '../../base/index.ts';
import { buildRtp, emitIpv4, emitIpv6, emitUdp, sealUdp, updateChecksum, updateChecksum32 } from '../../wire/index.ts';
import type { Family, Node } from './node.ts';

/** Packets of one direction that may be on their way at once; later ones take the places of the oldest. */
export const IN_FLIGHT = 256;
/** PCMU: 8,000 samples per second. */
const SAMPLES_PER_MS = 8;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;

/** Where a party sends: an address and port in its own family, at the other party or at a converter. */
export interface Remote {
  readonly node: Node;
  readonly family: Family;
  readonly address4: number;
  readonly address6: Uint8Array;
  readonly port: number;
}

/** One direction of a call's media: a sender, a receiver, and what came of the packets. */
export class MediaStream {
  readonly sender: Node;
  readonly receiver: Node;
  readonly senderPort: number;
  readonly receiverPort: number;
  remote: Remote | null = null;
  running = false;
  sent = 0;
  received = 0;
  lost = 0;
  /** RFC 3550 section 6.4.1, ns. */
  jitterNs = 0;
  delaySumNs = 0;
  delayMaxNs = 0;
  longestGapNs = 0;
  lastArrivalNs = -1;
  /** By sequence number: when it was sent, and to which node. */
  readonly sentNs = new Float64Array(IN_FLIGHT);
  readonly via = new Int32Array(IN_FLIGHT);
  private lastTransitNs = 0;
  private packet = new Uint8Array(0);
  /** Where packets went before, for those that are still on their way there. */
  private before: { readonly remote: Remote; readonly packet: Uint8Array } | null = null;
  private readonly ssrc: number;
  private readonly payloadBytes: number;
  private readonly packetMs: number;

  constructor(
    sender: Node,
    senderPort: number,
    receiver: Node,
    receiverPort: number,
    ssrc: number,
    payloadBytes: number,
    packetMs: number,
  ) {
    this.sender = sender;
    this.senderPort = senderPort;
    this.receiver = receiver;
    this.receiverPort = receiverPort;
    this.ssrc = ssrc;
    this.payloadBytes = payloadBytes;
    this.packetMs = packetMs;
  }

  /** From now on packets go there. */
  pointAt(remote: Remote): void {
    if (this.remote !== null) this.before = { remote: this.remote, packet: this.packet };
    this.remote = remote;
    const rtp = buildRtp(
      { marker: false, payloadType: 0, sequence: 0, timestamp: 0, ssrc: this.ssrc },
      new Uint8Array(this.payloadBytes).fill(0xff),
    );
    const ip = remote.family === 4 ? IPV4_BYTES : IPV6_BYTES;
    const b = new Uint8Array(ip + UDP_BYTES + rtp.length);
    const payloadLength = UDP_BYTES + rtp.length;
    if (remote.family === 4) {
      const address = new Uint8Array(8);
      putU32(address, 0, this.sender.addr4);
      putU32(address, 4, remote.address4);
      // DSCP 46 (EF): voice (RFC 4594 section 4.1).
      emitIpv4(b, 0, { source: address.subarray(0, 4), destination: address.subarray(4), protocol: 17, payloadLength, trafficClass: 0xb8, dontFragment: true }); // prettier-ignore
    } else emitIpv6(b, 0, { source: this.sender.addr6, destination: remote.address6, nextHeader: 17, payloadLength, trafficClass: 0xb8 });
    emitUdp(b, ip, { sourcePort: this.senderPort, destinationPort: remote.port, payloadLength: rtp.length });
    b.set(rtp, ip + UDP_BYTES);
    sealUdp(b, ip, remote.family, remote.family === 4 ? 12 : 8, remote.family === 4 ? 16 : 24);
    this.packet = b;
  }

  /** Bytes of a packet on the wire, IP header included. */
  get packetBytes(): number {
    return this.packet.length;
  }

  /** Where a packet under way was sent to; null where that is too long ago to know. */
  remoteOf(sequence: number): Remote | null {
    const via = this.via[sequence % IN_FLIGHT];
    if (this.remote?.node.index === via) return this.remote;
    const { before } = this;
    return before !== null && before.remote.node.index === via ? before.remote : null;
  }

  /** The packet with a sequence number as it was sent to `remote`; the same bytes are used for the next one. */
  bytesOf(sequence: number, remote: Remote): Uint8Array {
    const b = this.before?.remote === remote ? this.before.packet : this.packet;
    const udp = b.length - UDP_BYTES - 12 - this.payloadBytes;
    const rtp = udp + UDP_BYTES;
    const timestamp = (sequence * this.packetMs * SAMPLES_PER_MS) >>> 0;
    let check = u16(b, udp + 6);
    check = updateChecksum(check, u16(b, rtp + 2), sequence & 0xffff);
    check = updateChecksum32(check, u32(b, rtp + 4), timestamp);
    putU16(b, rtp + 2, sequence & 0xffff);
    putU32(b, rtp + 4, timestamp);
    putU16(b, udp + 6, check === 0 ? 0xffff : check);
    return b;
  }

  /** True if a packet that starts with its IP header is for the receiver, at its media port. */
  isFor(b: Uint8Array, offset: number, family: Family): boolean {
    const { receiver } = this;
    if (family === 4) return u32(b, offset + 16) === receiver.addr4 && u16(b, offset + IPV4_BYTES + 2) === this.receiverPort;
    for (let i = 0; i < 16; i++) if (b[offset + 24 + i] !== receiver.addr6[i]) return false;
    return u16(b, offset + IPV6_BYTES + 2) === this.receiverPort;
  }

  arrived(sequence: number, nowNs: number): void {
    const transit = nowNs - this.sentNs[sequence % IN_FLIGHT]!;
    if (this.received > 0) {
      this.jitterNs += (Math.abs(transit - this.lastTransitNs) - this.jitterNs) / 16;
      this.longestGapNs = Math.max(this.longestGapNs, nowNs - this.lastArrivalNs);
    }
    this.lastTransitNs = transit;
    this.lastArrivalNs = nowNs;
    this.received++;
    this.delaySumNs += transit;
    if (transit > this.delayMaxNs) this.delayMaxNs = transit;
  }

  /** Time between two packets, ns. */
  get periodNs(): number {
    return this.packetMs * NS_PER_MS;
  }
}
