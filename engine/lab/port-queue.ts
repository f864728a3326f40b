import { NS_PER_MS, NS_PER_US } from '../base/index.ts';
import type { PortSpec, ReaderSpec } from '../contract/index.ts';
import { HISTOGRAM_BUCKETS, Ring, histogramBucket, type Arena, type Pool } from '../stack/index.ts';
import type { MeteredPort } from './metering/metered-port.ts';

/** Counters of a port in one queue, and the delays of what it delivered. */
export class PortCounters {
  packetsIn = 0;
  /** Bytes of packets that have left the port, and of packets that it dropped. */
  bytesOut = 0;
  bytesDropped = 0;
  delivered = 0;
  dropped = 0;
  maxDelayNs = 0;
  readonly delays: Uint32Array;

  constructor(delays: Uint32Array = new Uint32Array(HISTOGRAM_BUCKETS)) {
    this.delays = delays;
  }

  /** Counts a delivered packet that came to the device `delayNs` before. */
  deliver(delayNs: number): void {
    this.delivered++;
    if (delayNs > this.maxDelayNs) this.maxDelayNs = delayNs;
    this.delays[histogramBucket(delayNs)]!++;
  }
}

/** Times of the reader of a port in integer ns. */
export class ReaderTimes {
  readonly wakeNs: number;
  readonly batch: number;
  readonly perPacketNs: number;
  readonly perByteNs: number;
  /** Cost of a packet where bytes cost nothing. */
  readonly wholeNs: number;
  /** Stalls in all. */
  readonly stalls: number;
  private readonly stallStarts: Float64Array;
  private readonly stallEnds: Float64Array;

  constructor(spec: ReaderSpec) {
    this.wakeNs = Math.round(spec.wakeUs * NS_PER_US);
    this.batch = spec.batch;
    this.perPacketNs = spec.perPacketNs;
    this.perByteNs = spec.perByteNs;
    this.wholeNs = Math.round(spec.perPacketNs);
    const stalls = [...spec.stalls].sort((a, b) => a.atMs - b.atMs);
    this.stalls = stalls.length;
    this.stallStarts = Float64Array.from(stalls, (s) => Math.round(s.atMs * NS_PER_MS));
    this.stallEnds = Float64Array.from(stalls, (s) => Math.round((s.atMs + s.forMs) * NS_PER_MS));
  }

  /** What the reader spends on a packet, ns. */
  cost(lenBytes: number): number {
    return this.perByteNs === 0 ? this.wholeNs : Math.round(this.perPacketNs + this.perByteNs * lenBytes);
  }

  /** The first instant at or after `tNs` at which the reader is not stalled. A read that has begun is finished. */
  free(tNs: number): number {
    let t = tNs;
    for (let i = 0; i < this.stallStarts.length && this.stallStarts[i]! <= t; i++) if (this.stallEnds[i]! > t) t = this.stallEnds[i]!;
    return t;
  }
}

/** One port in one queue: its rings, its pool, its reader. State of the two services lives here; the world keeps their clocks. */
export class PortQueue {
  readonly number: number;
  readonly rx: Ring;
  readonly tx: Ring;
  readonly pool: Pool;
  readonly counters: PortCounters;
  readonly reader: ReaderTimes;
  /** What it sends it has made of other packets: no application stands behind it that could be told to stop. */
  readonly makes: boolean;
  /** Low-latency class (V-12): its packets wait neither for the moderated interrupt nor in class queues. */
  readonly lowLatency: boolean;
  /** Set where packets go to sockets instead of this reader. */
  metered: MeteredPort | null = null;
  /** Packets of the read that is going on, 0 while the reader sleeps or is about to start. */
  reading = 0;
  readStartNs = 0;
  /** Packets of the TX poll that is going on. */
  polling = 0;

  constructor(arena: Arena, spec: PortSpec, number: number, queue: number, pool: Pool, delays?: Uint32Array) {
    this.number = number;
    this.counters = new PortCounters(delays);
    this.makes = spec.kind !== 'host' && spec.kind !== 'user';
    this.lowLatency = spec.offloads?.lowLatency === true;
    this.rx = new Ring(arena, `${spec.id}.rx.${String(queue)}`, spec.rxRingSlots);
    this.tx = new Ring(arena, `${spec.id}.tx.${String(queue)}`, spec.txRingSlots);
    this.pool = pool;
    this.reader = new ReaderTimes(spec.reader);
  }

  static footprint(spec: PortSpec): number {
    return Ring.footprint(spec.rxRingSlots) + Ring.footprint(spec.txRingSlots);
  }
}
