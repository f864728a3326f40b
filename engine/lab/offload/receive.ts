import { u16, type Random } from '../../base/index.ts';
import type { SuperPacketRow } from '../../contract/index.ts';
import {
  Aggregator,
  BatchRelease,
  CSUM_ABSENT,
  CSUM_DATA_VALID,
  CSUM_PARTIAL,
  HISTOGRAM_BUCKETS,
  histogramBucket,
  newShape,
  readShape,
  reasonCode,
  verifyFlags,
  type OffloadMemory,
  type OutPacket,
  type ReleaseCause,
} from '../../stack/index.ts';
import { crc32, formatIpv4, formatIpv6 } from '../../wire/index.ts';
import type { CarriedPacket } from './device-packets.ts';
import { type RoundTrip, shapeOfChain } from './round-trip.ts';
import type { PortPlan } from './settings.ts';

/** A packet as it leaves the offloads, for whoever writes packets down. The bytes belong to the receiver. */
export interface OffloadOutput {
  readonly tNs: number;
  readonly direction: 'rx' | 'tx';
  readonly port: string;
  readonly linkType: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly origLen: number;
  /** Packets of the input that it was made of. */
  readonly numbers: readonly number[];
}

/** Upper ends of the member counts shown as classes. */
export const SIZE_CLASSES = [1, 2, 4, 8, 16, 32, 64, Number.POSITIVE_INFINITY];

/** Aggregates and cut packets that are remembered by the packets they are made of. */
export const MAX_SUPER_PACKETS = 100_000;

/** What all receive paths of a run share. */
export interface ReceiveShared {
  readonly memory: OffloadMemory;
  readonly roundTrip: RoundTrip | undefined;
  readonly output: ((packet: OffloadOutput) => void) | undefined;
  readonly corrupt: { readonly every: number; readonly random: Random } | undefined;
  readonly totals: ReceiveTotals;
}

export class ReceiveTotals {
  readonly sizes = new Float64Array(SIZE_CLASSES.length);
  readonly releases = new Map<ReleaseCause, number>();
  readonly delays = new Uint32Array(HISTOGRAM_BUCKETS);
  maxDelayNs = 0;
  readonly checksums = { good: 0, bad: 0, absent: 0, unchecked: 0 };
  readonly corruption = { injected: 0, caught: 0, missed: 0 };
  readonly superPackets: { row: SuperPacketRow; numbers: number[] }[] = [];
  /** Aggregates and cut packets in all: more than MAX_SUPER_PACKETS are only counted. */
  superPacketCount = 0;
  aggregates = 0;
  aggregateBytes = 0;
  largestBytes = 0;
  largestMembers = 0;
  handedOver = 0;
  private sinceCorruption = 0;

  /** Remembers a packet of several, so that it can be opened. */
  remember(direction: 'rx' | 'tx', port: string, tNs: number, memory: OffloadMemory, out: OutPacket, numbers: number[]): void {
    this.superPacketCount++;
    const index = this.superPackets.length;
    if (index >= MAX_SUPER_PACKETS) return;
    const [first, last, members, bytes] = [numbers[0]!, numbers.at(-1)!, numbers.length, out.lenBytes];
    const row = { index, direction, tNs, port, flow: flowText(memory, out), first, last, members, bytes };
    this.superPackets.push({ row, numbers });
  }

  /** Whether the next packet is the one to be damaged. */
  turn(every: number): boolean {
    if (++this.sinceCorruption < every) return false;
    this.sinceCorruption = 0;
    return true;
  }
}

/** The way from the device's pool to one port, in one queue: aggregation, copy with sum, release. */
export class ReceivePath {
  readonly aggregator: Aggregator;
  readonly release: BatchRelease;
  readonly plan: PortPlan;
  packetsIn = 0;
  packetsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  aggregates = 0;
  /** CRC-32 over all bytes given out, in order. */
  crc = 0;
  /** Told of every packet that is given out, while it is whole. */
  watch: ((out: OutPacket) => void) | undefined;
  private readonly shared: ReceiveShared;
  private readonly shape = newShape();

  constructor(plan: PortPlan, shared: ReceiveShared) {
    this.plan = plan;
    this.shared = shared;
    this.aggregator = new Aggregator(shared.memory, plan.aggregate);
    this.release = new BatchRelease(plan.release);
  }

  take(packet: CarriedPacket, tNs: number): void {
    this.packetsIn += packet.numbers.length;
    this.bytesIn += packet.lenBytes;
    if (this.plan.spec.lowLatency) {
      this.handOver(packet, tNs);
      return;
    }
    const { aggregator, shared } = this;
    if (!aggregator.take(packet)) {
      shared.memory.give(packet.first);
      return;
    }
    // What carries PSH, or is no data of a flow that could go on, is wanted at once.
    const event = aggregator.lastPushed || (aggregator.lastReason >= 0 && !aggregator.pending.at(-1)!.open);
    this.release.add(tNs, event);
    if (this.release.cause(false) !== undefined) this.out('complete', tNs);
  }

  /** The low-latency class: the reader gets the device's own buffers (V-12). */
  private handOver(packet: CarriedPacket, tNs: number): void {
    const { shared } = this;
    const { totals } = shared;
    totals.handedOver++;
    this.aggregator.reasons[reasonCode('low-latency')]!++;
    totals.checksums.unchecked++;
    totals.sizes[0]!++;
    this.delay(packet.tNs, tNs);
    this.give(packet.first, packet.lenBytes, packet, tNs, packet.numbers, packet.origLen);
    shared.memory.give(packet.first);
  }

  /** Releases what has waited long enough by now. */
  timeout(tNs: number): void {
    const deadline = this.release.deadlineNs;
    if (Number.isFinite(deadline) && deadline <= tNs) this.out('timeout', deadline);
  }

  pollEnd(tNs: number): void {
    const cause = this.release.cause(true);
    if (cause !== undefined) this.out(cause, tNs);
  }

  /** Ends the batch and gives its packets out. */
  out(cause: ReleaseCause, tNs: number): void {
    const { aggregator, shared } = this;
    const { totals, memory } = shared;
    aggregator.close();
    this.release.released();
    totals.releases.set(cause, (totals.releases.get(cause) ?? 0) + 1);
    for (const out of aggregator.pending) {
      const members = out.members;
      totals.sizes[SIZE_CLASSES.findIndex((upTo) => members.length <= upTo)]!++;
      this.judge(out);
      this.watch?.(out);
      for (const member of members) this.delay(member.tNs, tNs);
      if (members.length > 1) this.aggregate(out, tNs);
      const last = members[0]! as CarriedPacket;
      const lenBytes = memory.chainBytes(out.first);
      const missing = members.length === 1 ? last.origLen - last.lenBytes : 0;
      const numbers = members.length === 1 ? last.numbers : members.flatMap((m) => m.numbers);
      this.give(out.first, lenBytes, last, tNs, numbers, lenBytes + missing);
      this.corrupt(out);
      for (const member of members) memory.give(member.first);
      aggregator.recycle(out);
    }
    aggregator.pending.length = 0;
  }

  private judge(out: OutPacket): void {
    const { checksums } = this.shared.totals;
    const flags = out.checksumFlags;
    if ((flags & CSUM_DATA_VALID) !== 0) checksums.good++;
    else if ((flags & CSUM_ABSENT) !== 0) checksums.absent++;
    else if ((flags & CSUM_PARTIAL) !== 0) checksums.bad++;
    else checksums.unchecked++;
  }

  private delay(arrivalNs: number, tNs: number): void {
    const { totals } = this.shared;
    const delayNs = Math.max(0, Math.round(tNs - arrivalNs));
    totals.delays[histogramBucket(delayNs)]!++;
    if (delayNs > totals.maxDelayNs) totals.maxDelayNs = delayNs;
  }

  private aggregate(out: OutPacket, tNs: number): void {
    const { totals, roundTrip } = this.shared;
    const numbers = out.members.flatMap((m) => m.numbers);
    totals.aggregates++;
    this.aggregates++;
    totals.aggregateBytes += out.lenBytes;
    if (out.lenBytes > totals.largestBytes) totals.largestBytes = out.lenBytes;
    if (numbers.length > totals.largestMembers) totals.largestMembers = numbers.length;
    totals.remember('rx', this.plan.id, tNs, this.shared.memory, out, numbers);
    roundTrip?.check(out);
  }

  private give(first: number, lenBytes: number, packet: CarriedPacket, tNs: number, numbers: readonly number[], origLen: number): void {
    const { memory, output } = this.shared;
    this.packetsOut++;
    this.bytesOut += lenBytes;
    const bytes = memory.read(first, 0, lenBytes);
    this.crc = crcOn(this.crc, bytes);
    output?.({ tNs, direction: 'rx', port: this.plan.id, linkType: packet.linkType, bytes, origLen, numbers });
  }

  /** Turns one bit of every so many good packets and looks whether the next reader would notice (V-13). */
  private corrupt(out: OutPacket): void {
    const { corrupt, memory, totals } = this.shared;
    if (corrupt === undefined || (out.checksumFlags & CSUM_DATA_VALID) === 0 || !totals.turn(corrupt.every)) return;
    const s = this.shape;
    shapeOfChain(memory, s, out.first, out.shape.l3);
    memory.flipRandom(out.first, s.l4, s.end, corrupt.random);
    totals.corruption.injected++;
    readShape(s, memory.bytes, memory.address(out.first), memory.dataLen[out.first]!, s.end, s.end, s.l3);
    const whole = s.kind === 'tcp' || s.kind === 'udp';
    const flags = whole ? verifyFlags(memory.bytes, memory.address(out.first), s, memory.sumChain(out.first, s.l4, s.end - s.l4)) : 0;
    if ((flags & CSUM_DATA_VALID) === 0) totals.corruption.caught++;
    else totals.corruption.missed++;
  }
}

/** `192.0.2.1:443 → 198.51.100.7:50000`. */
function flowText(memory: OffloadMemory, out: OutPacket): string {
  const { bytes } = memory;
  const { version, l3, l4 } = out.shape;
  const at = memory.address(out.first);
  const [source, destination] =
    version === 4
      ? [formatIpv4(bytes, at + l3 + 12), formatIpv4(bytes, at + l3 + 16)]
      : [`[${formatIpv6(bytes, at + l3 + 8)}]`, `[${formatIpv6(bytes, at + l3 + 24)}]`];
  return `${source}:${String(u16(bytes, at + l4))} → ${destination}:${String(u16(bytes, at + l4 + 2))}`;
}

/** CRC-32 that goes on: of the value so far and more bytes. */
export function crcOn(crc: number, bytes: Uint8Array): number {
  const own = crc32(bytes, 0, bytes.length);
  const both = new Uint8Array(8);
  const view = new DataView(both.buffer);
  view.setUint32(0, crc);
  view.setUint32(4, own);
  return crc32(both, 0, 8);
}
