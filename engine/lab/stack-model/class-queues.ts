import type { AqmSpec } from '../../contract/index.ts';
import {
  ADVISORY_WORDS,
  AQM_DROP_CODEL,
  AQM_DROP_OVERLOAD,
  AdvisoryTable,
  DROP_AQM,
  DROP_AQM_OVERLOAD,
  DROP_CLASS_QUEUE_FULL,
  E_STATE,
  FLOW_ACTIVE,
  FLOW_ENTRY_WORDS,
  FqCodel,
  HISTOGRAM_BUCKETS,
  META_WORDS,
  PKT_BUFLETS,
  PKT_FLOW,
  PKT_LEN,
  PKT_META,
  PKT_NUMBER,
  SERVICE_CLASSES,
  TRAFFIC_CLASS_ORDER,
  histogramBucket,
  serviceClassOf,
  trafficPlaceOf,
  type Arena,
} from '../../stack/index.ts';
import { trafficClassOf } from '../../wire/index.ts';
import { CLOCK_NOW } from '../services.ts';
import type { QueueWorld } from '../world.ts';

/** A change of a flow's advisory, for the strip of the panel. */
export interface AdvisoryChange {
  readonly tNs: number;
  readonly flow: number;
  readonly suspended: boolean;
}

/** Changes kept at most; more are counted in `changesLost`. */
export const MAX_ADVISORY_CHANGES = 65_536;

/**
 * The class queues between the flow switch and the device TX ring: one FQ-CoDel for each traffic class, served in the order of
 * TRAFFIC_CLASS_ORDER, the highest class with a packet first. The device TX ring is kept filled with a few packets only, so that the
 * queue stands here, where it is managed. Flows whose queue grows are suspended in the advisory table instead of losing packets.
 */
export class ClassQueues {
  readonly queues: readonly FqCodel[];
  readonly advisory: AdvisoryTable | null;
  /** Delay in the class queue by traffic class; see stack/histogram. */
  readonly sojourn: readonly Uint32Array[] = TRAFFIC_CLASS_ORDER.map(() => new Uint32Array(HISTOGRAM_BUCKETS));
  readonly maxSojournNs = new Float64Array(TRAFFIC_CLASS_ORDER.length);
  /** Packets by service class. */
  readonly byService = new Float64Array(SERVICE_CLASSES.length);
  changes: AdvisoryChange[] = [];
  changesLost = 0;
  private readonly world: QueueWorld;
  private readonly spec: AqmSpec;
  private readonly seed: number;
  private readonly resumed: () => void;
  private readonly driverPackets: number;
  /** Suspended flows by class and bucket: class * buckets + bucket. */
  private readonly suspended = new Map<number, number[]>();

  /** `resumed` is called when a flow may send again. */
  constructor(world: QueueWorld, arena: Arena, spec: AqmSpec, seed: number, resumed: () => void) {
    this.world = world;
    this.spec = spec;
    this.seed = seed;
    this.resumed = resumed;
    this.driverPackets = Math.min(spec.driverPackets, world.deviceTx.slots);
    this.queues = TRAFFIC_CLASS_ORDER.map(
      () =>
        new FqCodel(
          {
            mode: spec.mode,
            buckets: spec.flows,
            quantumBytes: spec.quantumBytes,
            targetNs: Math.round(spec.targetMs * 1e6),
            intervalNs: Math.round(spec.intervalMs * 1e6),
            limitPackets: spec.limitPackets,
            ecn: spec.ecn,
            overloadBatch: spec.overloadBatch,
          },
          world.store.capacity,
        ),
    );
    this.advisory = spec.advisory.enable
      ? new AdvisoryTable(arena.int32('flow-advisory', 'fsw', spec.advisory.entries * ADVISORY_WORDS, 'mapped'))
      : null;
  }

  /** Packets inside the class queues. */
  get packets(): number {
    let n = 0;
    for (const q of this.queues) n += q.packets;
    return n;
  }

  /** Buflets of the packets inside: counted, for the check of conservation. */
  buflets(): number {
    const { meta } = this.world.store;
    return this.queues.reduce((sum, q) => sum + q.inside().reduce((n, slot) => n + meta[slot * META_WORDS + PKT_BUFLETS]!, 0), 0);
  }

  /** Takes a packet that has its buflets from the device pool. `advised`: an application sends it, which can be told to stop. */
  enqueue(slot: number, advised: boolean): void {
    const { world } = this;
    const { meta } = world.store;
    const w = slot * META_WORDS;
    const now = world.clock[CLOCK_NOW]!;
    const flow = meta[w + PKT_FLOW]!;
    const byte = trafficClassOf(meta[w + PKT_META]!);
    const service = serviceClassOf(byte);
    const place = trafficPlaceOf(service);
    const q = this.queues[place]!;
    this.byService[service]!++;
    const hash = Math.imul((flow + 3) ^ this.seed, 0x9e37_79b1) >>> 8;
    const bucket = q.bucketOf(hash);
    const entry = this.advisory === null || flow < 0 || !advised ? -1 : this.advisory.claim(flow);
    if (entry >= 0) q.advised[bucket] = 1;
    q.enqueue(slot, meta[w + PKT_LEN]!, hash, byte & 3, now);
    const full = q.droppedCount > 0 && q.dropped[0] === slot;
    if (!full && world.trace !== null) {
      world.trace.note(meta[w + PKT_NUMBER]!, now, 'aqm', `classq.${TRAFFIC_CLASS_ORDER[place]!}`, 'enqueue', {
        service: SERVICE_CLASSES[service]!,
        bucket,
        bucketBytes: q.bucketBytes[bucket]!,
        packets: q.packets,
      });
    }
    this.dropAll(q, place);
    if (entry >= 0 && q.bucketBytes[bucket]! >= this.spec.advisory.suspendBytes) this.suspend(flow, entry, place, bucket);
    this.fill();
  }

  /** Keeps the device TX ring filled, and the link going. */
  fill(): void {
    const { world } = this;
    const { deviceTx, store, clock } = world;
    while (deviceTx.used < this.driverPackets) {
      const slot = this.dequeue();
      if (slot < 0) return;
      const lenBytes = store.meta[slot * META_WORDS + PKT_LEN]!;
      deviceTx.push(slot, lenBytes);
      const now = clock[CLOCK_NOW]!;
      if (deviceTx.used === 1) world.setDue(world.link, now + Math.round(lenBytes * world.linkNsPerByte));
      if (world.trace !== null) world.trace.queuedForLink(world, now, store.meta[slot * META_WORDS + PKT_NUMBER]!);
    }
  }

  private dequeue(): number {
    const now = this.world.clock[CLOCK_NOW]!;
    for (let place = 0; place < this.queues.length; place++) {
      const q = this.queues[place]!;
      if (q.packets === 0) continue;
      const slot = q.dequeue(now);
      const marked = q.lastMarked;
      const bucket = q.lastBucket;
      this.dropAll(q, place);
      if (slot < 0) continue;
      this.left(q, place, bucket, slot, marked);
      return slot;
    }
    return -1;
  }

  private left(q: FqCodel, place: number, bucket: number, slot: number, marked: boolean): void {
    const { world, advisory } = this;
    const { meta } = world.store;
    const flow = meta[slot * META_WORDS + PKT_FLOW]!;
    const now = world.clock[CLOCK_NOW]!;
    const sojournNs = q.lastSojournNs;
    this.sojourn[place]![histogramBucket(sojournNs)]!++;
    if (sojournNs > this.maxSojournNs[place]!) this.maxSojournNs[place] = sojournNs;
    if (world.trace !== null) {
      world.trace.note(meta[slot * META_WORDS + PKT_NUMBER]!, now, 'aqm', `classq.${TRAFFIC_CLASS_ORDER[place]!}`, 'dequeue', {
        sojournNs,
        bucket,
        marked,
      });
    }
    const entry = advisory === null || flow < 0 ? -1 : advisory.find(flow);
    if (entry >= 0) {
      advisory!.count(entry, marked);
      if (q.standing(bucket, now)) this.suspend(flow, entry, place, bucket);
    }
    this.resume(place, bucket);
  }

  /** Gives the entries of flows back that the switch has forgotten. */
  expire(): void {
    if (this.advisory === null) return;
    const { entries } = this.world.fsw.table;
    for (const { flow, suspended } of this.advisory.list())
      if (!suspended && (entries[flow * FLOW_ENTRY_WORDS + E_STATE]! & FLOW_ACTIVE) === 0) this.advisory.free(flow);
  }

  /** Packets that the last call to a queue has dropped. */
  private dropAll(q: FqCodel, place: number): void {
    const { world } = this;
    const { meta } = world.store;
    for (let i = 0; i < q.droppedCount; i++) {
      const slot = q.dropped[i]!;
      const w = slot * META_WORDS;
      const why = q.droppedWhy[i];
      const code = why === AQM_DROP_CODEL ? DROP_AQM : why === AQM_DROP_OVERLOAD ? DROP_AQM_OVERLOAD : DROP_CLASS_QUEUE_FULL;
      world.device.dropped++;
      world.drop(code, meta[w + PKT_FLOW]!, meta[w + PKT_NUMBER]!, 'aqm', `classq.${TRAFFIC_CLASS_ORDER[place]!}`);
      world.devicePool.give(meta[w + PKT_BUFLETS]!);
      world.store.release(slot);
    }
    // A bucket may have run short by drops alone.
    if (q.droppedCount > 0)
      for (const key of [...this.suspended.keys()]) this.resume(Math.floor(key / this.spec.flows), key % this.spec.flows);
  }

  private suspend(flow: number, entry: number, place: number, bucket: number): void {
    if (!this.advisory!.suspend(entry)) return;
    const key = place * this.spec.flows + bucket;
    const list = this.suspended.get(key);
    if (list === undefined) this.suspended.set(key, [flow]);
    else list.push(flow);
    this.changed(flow, true);
  }

  /** Hysteresis: a flow is resumed once its queue is short and what is left of it is young. */
  private resume(place: number, bucket: number): void {
    const q = this.queues[place]!;
    if (this.suspended.size === 0 || q.bucketBytes[bucket]! > this.spec.advisory.resumeBytes) return;
    const key = place * this.spec.flows + bucket;
    const list = this.suspended.get(key);
    if (list === undefined || q.headWaitNs(bucket, this.world.clock[CLOCK_NOW]!) > q.spec.targetNs) return;
    this.suspended.delete(key);
    for (const flow of list) {
      const entry = this.advisory!.find(flow);
      if (entry >= 0 && this.advisory!.resume(entry)) this.changed(flow, false);
    }
    this.resumed();
  }

  private changed(flow: number, suspended: boolean): void {
    const tNs = this.world.clock[CLOCK_NOW]!;
    if (this.changes.length < MAX_ADVISORY_CHANGES) this.changes.push({ tNs, flow, suspended });
    else this.changesLost++;
    if (this.world.trace !== null) this.world.trace.note(0, tNs, 'aqm', 'advisory', suspended ? 'suspend' : 'resume', { flow });
  }

  save(slotOf: (slot: number) => number): number[] {
    const out = this.queues.flatMap((q) => q.save(slotOf));
    if (this.advisory !== null) out.push(...this.advisory.save());
    out.push(this.suspended.size);
    for (const [key, flows] of this.suspended) out.push(key, flows.length, ...flows);
    for (const histogram of this.sojourn) {
      const used: number[] = [];
      histogram.forEach((n, b) => {
        if (n > 0) used.push(b, n);
      });
      out.push(used.length / 2, ...used);
    }
    out.push(...this.maxSojournNs, ...this.byService);
    return out;
  }

  restore(get: () => number, slotAt: (place: number) => number): void {
    for (const q of this.queues) q.restore(get, slotAt);
    this.advisory?.restore(get);
    this.suspended.clear();
    for (let n = get(); n > 0; n--) {
      const key = get();
      this.suspended.set(key, Array.from({ length: get() }, get));
    }
    for (const histogram of this.sojourn) {
      histogram.fill(0);
      for (let n = get(); n > 0; n--) {
        const bucket = get();
        histogram[bucket] = get();
      }
    }
    for (let i = 0; i < this.maxSojournNs.length; i++) this.maxSojournNs[i] = get();
    for (let i = 0; i < this.byService.length; i++) this.byService[i] = get();
    this.changes = [];
    this.changesLost = 0;
  }
}
