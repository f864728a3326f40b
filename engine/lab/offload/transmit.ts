import {
  Aggregator,
  Segmenter,
  checksumField,
  holdsPseudoSum,
  newShape,
  readShape,
  stuffChecksum,
  verifyFlags,
  CSUM_DATA_VALID,
  type OutPacket,
  type Shape,
} from '../../stack/index.ts';
import type { CarriedPacket } from './device-packets.ts';
import { crcOn, type ReceiveShared } from './receive.ts';
import type { OffloadPlan, PortPlan } from './settings.ts';

/** Packets that wait for more at most. */
const JOIN_PACKETS = 64;

/** A packet that a stack has handed over, for whoever wants to tell of it. Valid during the call. */
export interface HandedOver {
  readonly out: OutPacket;
  readonly shape: Shape;
  /** Payload bytes of a segment, 0 where nothing was cut. */
  readonly segmentBytes: number;
  /** First buflets of the segments. */
  readonly segments: Int32Array;
  /** Its checksum field was filled. */
  readonly filled: boolean;
}

const NO_SEGMENTS = new Int32Array(0);

/**
 * The way of this machine's packets of one port and queue, from the channel to the device: the stack hands over large packets where it may, and
 * the switch cuts them (V-08) and sums while it copies. A capture shows what a card has cut already; consecutive segments
 * with hardly a gap between them are therefore joined first, as the stack would have handed them over.
 */
export class TransmitPath {
  packetsIn = 0;
  packetsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  superPackets = 0;
  segments = 0;
  batches = 0;
  declined = 0;
  nomem = 0;
  /** Checksum fields that held the pseudo header's sum and were filled. */
  filled = 0;
  /** Packets handed to the switch, as the stack would have cut them, and with large packets. */
  wakeups = 0;
  wakeupsCut = 0;
  crc = 0;
  /** Told of every packet that is sent. */
  watch: ((packet: HandedOver) => void) | undefined;
  private lastNs = 0;
  private readonly aggregator: Aggregator;
  private readonly segmenter: Segmenter;
  private readonly plan: PortPlan;
  private readonly device: OffloadPlan['device'];
  private readonly shared: ReceiveShared;
  private readonly shape = newShape();

  constructor(plan: PortPlan, device: OffloadPlan['device'], shared: ReceiveShared) {
    this.plan = plan;
    this.device = device;
    this.shared = shared;
    this.segmenter = new Segmenter(shared.memory);
    const limitBytes = Math.floor(device.gsoKiB * 1_024);
    this.aggregator = new Aggregator(shared.memory, { ...plan.aggregate, limitBytes, exact: true, mode: 'copy' });
  }

  /** Why the last packet taken was joined to none: a place in AGGREGATE_REASONS, or negative if it was joined. */
  get lastReason(): number {
    return this.aggregator.lastReason;
  }

  take(packet: CarriedPacket, tNs: number): void {
    this.packetsIn++;
    this.lastNs = tNs;
    this.bytesIn += packet.lenBytes;
    this.wakeups++;
    if (this.plan.spec.lowLatency) {
      this.give(packet.first, packet.tNs, packet);
      this.shared.memory.give(packet.first);
    } else if (!this.aggregator.take(packet)) {
      this.nomem++;
      this.shared.memory.give(packet.first);
    }
  }

  /** Called at the end of a poll, and before what happens later: a long enough silence, or many packets, send what waits to the device. */
  pollEnd(tNs: number): void {
    const { pending } = this.aggregator;
    if (pending.length === 0) return;
    const deadline = this.lastNs + this.device.gsoJoinUs * 1_000;
    if (deadline <= tNs) this.flush(deadline);
    else if (pending.length >= JOIN_PACKETS) this.flush(tNs);
  }

  flush(tNs: number): void {
    const { aggregator, shared } = this;
    aggregator.close();
    for (const out of aggregator.pending) {
      this.wakeupsCut++;
      this.send(out, tNs);
      for (const member of out.members) shared.memory.give(member.first);
      aggregator.recycle(out);
    }
    aggregator.pending.length = 0;
  }

  private send(out: OutPacket, tNs: number): void {
    const { memory } = this.shared;
    const packet = out.members[0]! as CarriedPacket;
    const s = this.shape;
    const lenBytes = memory.chainBytes(out.first);
    const missing = out.members.length === 1 ? packet.origLen - packet.lenBytes : 0;
    readShape(s, memory.bytes, memory.address(out.first), memory.dataLen[out.first]!, lenBytes, lenBytes + missing, packet.l3);
    const room = this.device.mtuBytes - (s.payload - s.l3);
    const large = out.members.length > 1 || ((s.kind === 'tcp' || s.kind === 'udp') && s.end - s.payload > room);
    if (!large) {
      const filled = this.fill(out.first);
      this.watch?.({ out, shape: s, segmentBytes: 0, segments: NO_SEGMENTS, filled });
      this.give(out.first, tNs, packet, lenBytes + missing);
      return;
    }
    this.superPackets++;
    const segmentBytes = out.members.length > 1 ? Math.min(out.segmentBytes, room) : room;
    const cut = s.version === 4 ? this.plan.path.cut4 : this.plan.path.cut6;
    // Whoever cuts, the same packets reach the wire; only the one who pays is another.
    const outcome = this.segmenter.segment(out.first, s, segmentBytes, true);
    if (outcome === 'cut') {
      const { count, heads } = this.segmenter;
      this.segments += count;
      const numbers = out.members.flatMap((m) => (m as CarriedPacket).numbers);
      this.shared.totals.remember('tx', this.plan.id, tNs, memory, out, numbers);
      this.batches += Math.ceil(count / this.device.gsoBatch);
      if (cut === 'stack') this.wakeupsCut += count - 1;
      this.watch?.({ out, shape: s, segmentBytes, segments: heads.subarray(0, count), filled: true });
      for (let i = 0; i < count; i++) {
        this.give(heads[i]!, tNs, packet);
        memory.give(heads[i]!);
      }
    } else if (outcome === 'nomem') this.nomem++;
    else {
      this.declined++;
      this.give(out.first, tNs, packet, lenBytes + missing);
    }
  }

  /** Fills a checksum that the stack has left to the switch (V-06); true if it did. Others stay as they are: nobody asked to make them good. */
  private fill(first: number): boolean {
    const { memory } = this.shared;
    const s = this.shape;
    if ((s.kind !== 'tcp' && s.kind !== 'udp') || s.truncated || s.extensions) return false;
    const at = memory.address(first);
    if (!holdsPseudoSum(memory.bytes, at, s)) return false;
    const sum = memory.sumChain(first, s.l4, s.end - s.l4);
    if ((verifyFlags(memory.bytes, at, s, sum) & CSUM_DATA_VALID) !== 0) return false;
    this.filled++;
    stuffChecksum(memory, first, { start: s.l4, stuff: s.l4 + checksumField(s.kind), zeroInvert: s.kind === 'udp' }, sum);
    return true;
  }

  private give(first: number, tNs: number, packet: CarriedPacket, origLen?: number): void {
    const { memory, output } = this.shared;
    const bytes = memory.read(first);
    this.packetsOut++;
    this.bytesOut += bytes.length;
    this.crc = crcOn(this.crc, bytes);
    const { linkType, numbers } = packet;
    output?.({ tNs, direction: 'tx', port: this.plan.id, linkType, bytes, origLen: origLen ?? bytes.length, numbers });
  }
}
