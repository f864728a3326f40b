import { u16, u32 } from '../../base/index.ts';
import { IPV4_BYTES, IPV6_BYTES } from './datagram.ts';
import type { MediaPath, MediaSource, Remote } from './media-source.ts';
import type { Family, Node } from './node.ts';

/** Lost packets in a row after which a receiver says that it hears nothing (T-17). */
export const SILENT_PACKETS = 3;
const FRAGMENT_BYTES = 8;

/** One direction of a call's media: a sender, a receiver, and what came of the packets. */
export class MediaStream {
  readonly sender: Node;
  readonly receiver: Node;
  readonly senderPort: number;
  readonly receiverPort: number;
  readonly source: MediaSource;
  running = false;
  /** First instant of the media, ns. */
  startNs = 0;
  /** How much longer the first packet may take than the ones after it: the way through the network, as long as the set-up of the call took. */
  firstWaitNs = 0;
  sent = 0;
  received = 0;
  lost = 0;
  /** RFC 3550 section 6.4.1, ns. */
  jitterNs = 0;
  delaySumNs = 0;
  delayMaxNs = 0;
  longestGapNs = 0;
  lastArrivalNs = -1;
  /** Of the packets that came: the highest number; -1 before the first one. */
  highestSequence = -1;
  private firstSequence = -1;
  private lastSequence = -1;
  /** By sequence number: when it was sent, and to which node. */
  private readonly sentNs: Float64Array;
  private readonly via: Int32Array;
  private lastTransitNs = 0;
  private path: MediaPath | null = null;
  /** Where packets went before, for those that are still on their way there. */
  private before: MediaPath | null = null;

  constructor(sender: Node, senderPort: number, receiver: Node, receiverPort: number, source: MediaSource) {
    this.sender = sender;
    this.senderPort = senderPort;
    this.receiver = receiver;
    this.receiverPort = receiverPort;
    this.source = source;
    this.sentNs = new Float64Array(source.inFlight);
    this.via = new Int32Array(source.inFlight);
  }

  /** Where packets go now; null before the call is answered. */
  get remote(): Remote | null {
    return this.path?.remote ?? null;
  }

  /** From now on packets go there. */
  pointAt(remote: Remote): void {
    if (this.path !== null) this.before = this.path;
    this.path = this.source.path(this.sender, this.senderPort, remote);
  }

  /** When the next packet is due, ns on the lab clock; infinite when there is none. */
  get nextNs(): number {
    return this.startNs + this.source.dueNs(this.sent);
  }

  /** When the receiver last had what it waited for: a packet, or the start. */
  get heardNs(): number {
    return Math.max(this.lastArrivalNs, this.startNs);
  }

  /** Since when the receiver goes without a packet, a pause that the sender makes by itself left out; -1 before the first one. */
  get missedSinceNs(): number {
    return this.lastArrivalNs < 0 ? -1 : this.lastArrivalNs + this.source.pauseNs(this.lastSequence);
  }

  /** Packets that the receiver could have had by what it knows: from the first one that came to the highest (RFC 3550 appendix A.3). */
  get expected(): number {
    return this.received === 0 ? 0 : this.highestSequence - this.firstSequence + 1;
  }

  /** When the receiver takes the silence for a failure, unless a packet comes. */
  get patienceEndNs(): number {
    return this.heardNs + SILENT_PACKETS * this.source.periodNs + (this.received === 0 ? this.firstWaitNs : 0);
  }

  /** One more packet leaves for the present remote. Returns its sequence number. */
  send(nowNs: number): number {
    const sequence = this.sent++;
    const place = sequence % this.source.inFlight;
    this.sentNs[place] = nowNs;
    this.via[place] = this.path!.remote.node.index;
    return sequence;
  }

  /** Index of the node a packet was sent to. */
  viaOf(sequence: number): number {
    return this.via[sequence % this.source.inFlight]!;
  }

  /** The way that a packet took; null where that is too long ago to know. */
  pathOf(sequence: number): MediaPath | null {
    const via = this.viaOf(sequence);
    if (this.path?.remote.node.index === via) return this.path;
    return this.before?.remote.node.index === via ? this.before : null;
  }

  /** Bytes of a packet sent to the present remote, IP header included. */
  packetBytes(sequence: number): number {
    return this.path!.bytes(sequence);
  }

  /** True if a packet that starts with its IP header is for the receiver, at its media port or another one; the first of several fragments has a header for them. */
  isFor(b: Uint8Array, offset: number, family: Family, fragments = false, port = this.receiverPort): boolean {
    const { receiver } = this;
    if (family === 4) return u32(b, offset + 16) === receiver.addr4 && u16(b, offset + IPV4_BYTES + 2) === port;
    for (let i = 0; i < 16; i++) if (b[offset + 24 + i] !== receiver.addr6[i]) return false;
    return u16(b, offset + IPV6_BYTES + (fragments ? FRAGMENT_BYTES : 0) + 2) === port;
  }

  arrived(sequence: number, nowNs: number): void {
    const transit = nowNs - this.sentNs[sequence % this.source.inFlight]!;
    if (this.received > 0) {
      this.jitterNs += (Math.abs(transit - this.lastTransitNs) - this.jitterNs) / 16;
      this.longestGapNs = Math.max(this.longestGapNs, nowNs - this.lastArrivalNs);
    }
    this.lastTransitNs = transit;
    this.lastArrivalNs = nowNs;
    this.lastSequence = sequence;
    if (this.received === 0) this.firstSequence = sequence;
    this.highestSequence = Math.max(this.highestSequence, sequence);
    this.received++;
    this.delaySumNs += transit;
    if (transit > this.delayMaxNs) this.delayMaxNs = transit;
  }
}
