import { NS_PER_MS, NS_PER_S, assert, putU16, putU32, u16, u32 } from '../../base/index.ts';
import { buildRtp, updateChecksum, updateChecksum32 } from '../../wire/index.ts';
import { IPV6_BYTES, UDP_BYTES, VOICE, datagram, headerBytes, writeHeaders, type UdpTarget } from './datagram.ts';
import type { Node } from './node.ts';

/** PCMU: 8,000 samples per second. */
export const SAMPLES_PER_MS = 8;

/** Nobody takes a pause of less than three packets of common voice for a failure, however dense a capture is. */
const SHORTEST_PERIOD_NS = 20 * NS_PER_MS;

/** Where a party sends: an address and port in its own family, at the other party or at a converter. */
export interface Remote extends UdpTarget {
  readonly node: Node;
}

/** What reports about a stream of RTP say of it. */
export interface RtpFacts {
  readonly ssrc: number;
  readonly payloadBytes: number;
}

/** What one direction of a call sends, and when. */
export interface MediaSource {
  /** Packets that may be on their way at once and be told apart. */
  readonly inFlight: number;
  /** Longest time without a packet while all is well, ns; the wait for the first one counts. */
  readonly periodNs: number;
  /** Bits per second, headers of IPv6 included; the mean of a captured one. */
  readonly rateBps: number;
  /** Null for what is not known to be RTP: nobody reports about it. */
  readonly rtp: RtpFacts | null;
  /** Time from the first instant of the media to a packet, ns; infinite for one that will not come. */
  dueNs(sequence: number): number;
  /** How much longer than at its usual pace the source waits after a packet, ns. */
  pauseNs(sequence: number): number;
  /** Packets from a sender to a remote. */
  path(sender: Node, senderPort: number, remote: Remote): MediaPath;
}

/** The packets of a source on one way through the network. */
export interface MediaPath {
  readonly remote: Remote;
  /** Bytes of a packet on the wire, IP header included. */
  bytes(sequence: number): number;
  /** A packet; the same memory is used for the next one. */
  packet(sequence: number): Uint8Array;
}

const RTP_BYTES = 12;

/** Bits per second of one direction of a call, over IPv6. */
export function voiceBps({ payloadBytes, packetMs }: { readonly payloadBytes: number; readonly packetMs: number }): number {
  return ((IPV6_BYTES + UDP_BYTES + RTP_BYTES + payloadBytes) * 8_000) / packetMs;
}

/** Voice: RTP of one size at a steady pace, without an end. */
export class RtpSource implements MediaSource {
  readonly inFlight = 256;
  readonly periodNs: number;
  readonly rateBps: number;
  readonly rtp: RtpFacts;
  private readonly bytes: Uint8Array;
  private readonly ticks: number;

  constructor(ssrc: number, payloadBytes: number, packetMs: number) {
    this.periodNs = packetMs * NS_PER_MS;
    this.rateBps = voiceBps({ payloadBytes, packetMs });
    this.ticks = packetMs * SAMPLES_PER_MS;
    const voice = new Uint8Array(payloadBytes).fill(0xff);
    this.rtp = { ssrc, payloadBytes };
    this.bytes = buildRtp({ marker: false, payloadType: 0, sequence: 0, timestamp: 0, ssrc }, voice);
  }

  dueNs(sequence: number): number {
    return sequence * this.periodNs;
  }

  pauseNs(): number {
    return 0;
  }

  path(sender: Node, senderPort: number, remote: Remote): MediaPath {
    const { bytes, ticks } = this;
    const b = datagram(sender, senderPort, remote, bytes, VOICE);
    const at = headerBytes(remote.family);
    return {
      remote,
      bytes: () => b.length,
      packet: (sequence) => {
        const timestamp = (sequence * ticks) >>> 0;
        let check = u16(b, at - 2);
        check = updateChecksum(check, u16(b, at + 2), sequence & 0xffff);
        check = updateChecksum32(check, u32(b, at + 4), timestamp);
        putU16(b, at + 2, sequence & 0xffff);
        putU32(b, at + 4, timestamp);
        putU16(b, at - 2, check === 0 ? 0xffff : check);
        return b;
      },
    };
  }
}

/** One direction of a conversation of a capture. */
export interface CapturedPackets {
  /** When each packet came, ns since the first packet of the conversation; in order. */
  readonly atNs: Float64Array;
  /** UDP payloads one behind the other, and where each starts: one more entry than packets. */
  readonly payload: Uint8Array;
  readonly start: Uint32Array;
}

/** A UDP conversation of a capture that is run as a call: its packets at their times, with their payloads. */
export interface CapturedConversation {
  /** Both ends as the capture has them, the one that spoke first in front. */
  readonly name: string;
  /** First packet, ns since the first packet of any conversation of the capture. */
  readonly startNs: number;
  readonly lastNs: number;
  readonly forward: CapturedPackets;
  readonly backward: CapturedPackets;
}

/** The packets of one direction of a conversation. */
export class CapturedSource implements MediaSource {
  readonly inFlight: number;
  readonly periodNs: number;
  readonly rateBps: number;
  readonly rtp = null;
  private readonly packets: CapturedPackets;
  private readonly largest: number;

  constructor(packets: CapturedPackets) {
    const { atNs, start } = packets;
    assert(start.length === atNs.length + 1, 'every payload has a start and an end');
    this.packets = packets;
    this.inFlight = Math.max(1, atNs.length);
    let period = SHORTEST_PERIOD_NS;
    let largest = 0;
    for (let i = 0; i < atNs.length; i++) {
      period = Math.max(period, atNs[i]! - (i === 0 ? 0 : atNs[i - 1]!));
      largest = Math.max(largest, start[i + 1]! - start[i]!);
    }
    this.periodNs = period;
    this.largest = largest;
    const bits = 8 * (start.at(-1)! + (IPV6_BYTES + UDP_BYTES) * atNs.length);
    this.rateBps = (bits * NS_PER_S) / Math.max(NS_PER_S, atNs.at(-1) ?? 0);
  }

  dueNs(sequence: number): number {
    return this.packets.atNs[sequence] ?? Infinity;
  }

  pauseNs(sequence: number): number {
    const waitNs = this.dueNs(sequence + 1) - this.dueNs(sequence);
    return Number.isFinite(waitNs) ? Math.max(0, waitNs - SHORTEST_PERIOD_NS) : 0;
  }

  path(sender: Node, senderPort: number, remote: Remote): MediaPath {
    const { payload, start } = this.packets;
    const headers = headerBytes(remote.family);
    const b = new Uint8Array(headers + this.largest);
    const length = (sequence: number): number => start[sequence + 1]! - start[sequence]!;
    return {
      remote,
      bytes: (sequence) => headers + length(sequence),
      packet: (sequence) => {
        b.set(payload.subarray(start[sequence], start[sequence + 1]), headers);
        writeHeaders(b, sender, senderPort, remote, length(sequence), VOICE);
        return b.subarray(0, headers + length(sequence));
      },
    };
  }
}
