import { NS_PER_S, NS_PER_US, assert } from '../base/index.ts';
import { VERDICTS, type Scenario } from '../contract/index.ts';
import {
  CompiledSelector,
  DROP_DEVICE_RX_FULL,
  DROP_DEVICE_TX_FULL,
  DROP_DST_RING_FULL,
  DROP_NOMEM,
  DROP_PORT_NOMEM,
  DROP_REASONS,
  DROP_TX_RING_FULL,
  FlowSwitch,
  META_WORDS,
  PKT_ACK,
  PKT_BUFLETS,
  PKT_FLOW,
  PKT_LEN,
  PKT_META,
  PKT_NUMBER,
  PKT_PAYLOAD,
  PKT_SEQ,
  PacketStore,
  Pool,
  Prefix,
  Ring,
  histogramBucket,
  smallBucket,
  type Arena,
  type Ladder,
} from '../stack/index.ts';
import { META_FLOW, ROW_ACK, ROW_META, ROW_PAYLOAD, ROW_SEQ, ROW_WORDS } from '../wire/index.ts';
import { PortCounters, PortQueue } from './port-queue.ts';
import { SeriesRecorder } from './series.ts';
import type { WorldTrace } from './trace.ts';
import type { SeriesOptions, VerdictSink } from './types.ts';

/**
 * One device queue: a simulated world of its own, with device rings and pool, flow switch, and each port's rings, pool and
 * reader. Nothing is shared between queues, so results do not depend on how queues are spread over threads.
 *
 * Time runs by arrivals. Before a packet arrives at t, all services due at or before t run, earliest first; services due at the
 * same instant run in this order: bin edge of the series, RX poll, linger worker, the readers in the order of their ports, the
 * link, and the TX polls in the order of their ports. A service looks at its ring when it starts, which fixes how many packets it takes; it ends after the time they
 * cost, and only then moves the packets and gives their slots back. If more packets wait, it starts again at that instant.
 *
 *     arrival -> device pool, device RX ring -> (moderation) -> poll: flow switch -> port pool, port RX ring -> (wake) -> read
 *     arrival of a packet sent here -> port pool, port TX ring -> TX poll: flow switch -> device pool, device TX ring -> link
 */
const DUE_SERIES = 0;
const DUE_POLL = 1;
const DUE_LINGER = 2;
/** Readers from here on; behind them the link, then the TX polls. */
const DUE_READERS = 3;
const NEVER = Number.POSITIVE_INFINITY;

/** Flow records of a run in all, at most: 512 MB of entries. Later flows are switched by selectors alone and counted. */
export const MAX_FLOW_RECORDS = 4_194_304;

/** Rows whose flows are looked up at once: enough to overlap cache misses, few enough to stay in the first-level cache. */
const LOOKUP_BATCH = 32;

const VERDICT_DELIVERED = VERDICTS.indexOf('delivered');
const VERDICT_DROPPED = VERDICTS.indexOf('dropped');
const VERDICT_HELD = VERDICTS.indexOf('held');

export interface WorldOptions {
  readonly verdicts: VerdictSink | null;
  readonly trace: WorldTrace | null;
  readonly series: SeriesOptions | null;
  readonly ladder: Ladder;
  readonly expectedFlows: number;
  readonly aligned: boolean;
}

export class QueueWorld {
  readonly queue: number;
  readonly deviceRx: Ring;
  readonly deviceTx: Ring;
  readonly devicePool: Pool;
  readonly store: PacketStore;
  readonly device = new PortCounters();
  readonly ports: readonly PortQueue[];
  readonly fsw: FlowSwitch;
  readonly series: SeriesRecorder | null;
  packets = 0;
  bytes = 0;
  /** Packets of this machine, which came on a port's TX ring; the others came from the link. */
  sentPackets = 0;
  sentBytes = 0;
  /** Bytes that ports have handed to the device. */
  deviceTxBytes = 0;
  /** Packets read by an application or sent on the link. */
  finished = 0;
  /** Drops by drop code. */
  readonly drops = new Float64Array(DROP_REASONS.length);
  lastArrivalNs = 0;
  /** Last thing that happened to a packet. */
  endNs = 0;
  polling = 0;
  /** See FlowSwitch.clock: the same array. */
  readonly clock: Float64Array;
  readonly due: Float64Array;
  nextDue = NEVER;
  private readonly verdict: Uint8Array | null;
  private readonly detail: Uint8Array | null;
  private readonly trace: WorldTrace | null;
  private readonly moderationNs: number;
  private readonly batch: number;
  private readonly perPacketNs: number;
  private readonly perBatchNs: number;
  private readonly linkNsPerByte: number;
  private readonly hostIndex: number;
  /** Place of the link among the services. */
  private readonly link: number;
  /** Services that can be due: without local addresses nothing is sent. */
  private readonly services: number;
  private readonly ids = new Int32Array(LOOKUP_BATCH);

  /** `scenario` must have a host port. */
  constructor(arena: Arena, scenario: Scenario, queue: number, options: WorldOptions) {
    const { device, flowSwitch } = scenario;
    const q = String(queue);
    this.queue = queue;
    this.deviceRx = new Ring(arena, `device.rx.${q}`, device.rxRingSlots);
    this.deviceTx = new Ring(arena, `device.tx.${q}`, device.txRingSlots);
    this.devicePool = new Pool(`device.pool.${q}`, device.poolPackets, device.bufferBytes);
    this.store = new PacketStore(arena, `packets.${q}`, packetsInside(scenario));
    const numbers = portNumbers(scenario);
    this.ports = scenario.ports.map((spec, i) => new PortQueue(arena, spec, numbers[i]!, queue, device.bufferBytes));
    this.hostIndex = scenario.ports.findIndex((p) => p.kind === 'host');
    assert(this.hostIndex >= 0, 'a scenario has a host port');
    this.fsw = new FlowSwitch({
      ports: scenario.ports.map((spec) => spec.select.map((s) => new CompiledSelector(s))),
      numbers,
      hostPort: this.hostIndex,
      local: device.local.map((text) => Prefix.parse(text)).filter((p) => p !== undefined),
      maxActive: Math.max(1, Math.floor(flowSwitch.maxFlows / device.queues)),
      lingerNs: Math.round(flowSwitch.lingerS * NS_PER_S),
      maxRecords: Math.floor(MAX_FLOW_RECORDS / device.queues),
      expected: Math.ceil(options.expectedFlows / device.queues),
      ladder: options.ladder,
      aligned: options.aligned,
    });
    this.clock = this.fsw.clock;
    this.moderationNs = Math.round(device.moderationUs * NS_PER_US);
    this.batch = flowSwitch.batch;
    this.perPacketNs = flowSwitch.perPacketNs;
    this.perBatchNs = flowSwitch.perBatchNs;
    this.linkNsPerByte = 8e9 / device.linkBps;
    this.verdict = options.verdicts?.verdict ?? null;
    this.detail = options.verdicts?.detail ?? null;
    this.trace = options.trace;
    this.series = options.series === null ? null : new SeriesRecorder(options.series, this.rings(), this.pools());
    this.link = DUE_READERS + this.ports.length;
    this.due = new Float64Array(this.link + 1 + this.ports.length).fill(NEVER);
    this.services = device.local.length === 0 ? this.link : this.due.length;
    if (this.series !== null) this.setDue(DUE_SERIES, this.series.edgeNs);
  }

  static footprint(scenario: Scenario): number {
    const { device } = scenario;
    let bytes = Ring.footprint(device.rxRingSlots) + Ring.footprint(device.txRingSlots) + PacketStore.footprint(packetsInside(scenario));
    for (const port of scenario.ports) bytes += PortQueue.footprint(port);
    return bytes;
  }

  /** Rings of the queue: the device's, then each port's, RX before TX. */
  rings(): Ring[] {
    return [this.deviceRx, this.deviceTx, ...this.ports.flatMap((p) => [p.rx, p.tx])];
  }

  pools(): Pool[] {
    return [this.devicePool, ...this.ports.map((p) => p.pool)];
  }

  /** When the next poll of the device RX ring starts or ends, ns; -1 if none is due. */
  get pollDueNs(): number {
    const due = this.due[DUE_POLL]!;
    return due === NEVER ? -1 : due;
  }

  /** Packets inside rings now. */
  get held(): number {
    let n = this.deviceRx.used + this.deviceTx.used;
    for (const port of this.ports) n += port.rx.used + port.tx.used;
    return n;
  }

  /**
   * Takes packets of this queue in input order: rows order[from..to), or rows from..to where `order` is null. Packet `row` has number
   * firstNumber + row and time tsNs[row].
   */
  feed(
    rows: Int32Array,
    order: Uint32Array | null,
    from: number,
    to: number,
    tsNs: Float64Array,
    lenBytes: Uint32Array,
    firstNumber: number,
  ): void {
    const ids = this.ids;
    let bytes = 0;
    for (let block = from; block < to; block += LOOKUP_BATCH) {
      const end = block + LOOKUP_BATCH < to ? block + LOOKUP_BATCH : to;
      this.fsw.table.internBatch(rows, order, block, end, ids);
      for (let i = block; i < end; i++) {
        const row = order === null ? i : order[i]!;
        bytes += lenBytes[row]!;
        this.arrive(rows, row * ROW_WORDS, ids[i - block]!, tsNs, row, lenBytes[row]!, firstNumber + row);
      }
    }
    this.packets += to - from;
    this.bytes += bytes;
  }

  /** Times are handed on in arrays: see FlowSwitch.clock. */
  private arrive(rows: Int32Array, base: number, id: number, tsNs: Float64Array, row: number, lenBytes: number, number: number): void {
    // Time does not run backwards in the lab: a packet stamped before the one ahead of it arrives together with that one.
    const stamp = tsNs[row]!;
    const t = stamp > this.lastArrivalNs ? stamp : this.lastArrivalNs;
    if (this.nextDue <= t) this.runUntil(t);
    this.lastArrivalNs = t;
    this.clock[0] = t;
    const meta = rows[base + ROW_META]!;
    let flow = id;
    if (id >= 0) {
      this.fsw.arrived(id, meta, number, lenBytes);
      if (this.fsw.sentHere(id, meta)) {
        this.send(rows, base, id, lenBytes, number);
        return;
      }
    } else if ((meta & META_FLOW) !== 0) {
      // No record is left for the flow: the selectors alone say where it goes.
      flow = -2 - this.fsw.choose(rows, base, meta, rows[base + ROW_ACK]!, false);
      this.fsw.withoutEntry++;
    }
    const pool = this.devicePool;
    const buflets = lenBytes <= pool.bufferBytes ? 1 : pool.bufletsFor(lenBytes);
    if (!pool.take(buflets)) {
      this.device.dropped++;
      this.drop(DROP_NOMEM, flow, number, t, 'device', pool.id);
      return;
    }
    const ring = this.deviceRx;
    const slot = this.store.alloc(buflets);
    if (!ring.push(slot, lenBytes)) {
      this.store.release(slot);
      pool.give(buflets);
      this.device.dropped++;
      this.drop(DROP_DEVICE_RX_FULL, flow, number, t, 'device', ring.id);
      return;
    }
    const m = this.store.meta;
    const w = slot * META_WORDS;
    m[w + PKT_NUMBER] = number;
    m[w + PKT_LEN] = lenBytes;
    m[w + PKT_FLOW] = flow;
    m[w + PKT_META] = meta;
    m[w + PKT_SEQ] = rows[base + ROW_SEQ]!;
    m[w + PKT_ACK] = rows[base + ROW_ACK]!;
    m[w + PKT_PAYLOAD] = rows[base + ROW_PAYLOAD]!;
    this.store.arrivalNs[slot] = t;
    if (this.verdict !== null) this.verdict[number - 1] = VERDICT_HELD;
    if (ring.used === 1 && this.polling === 0) this.setDue(DUE_POLL, t + this.moderationNs);
    if (this.trace !== null) this.trace.arrived(this, t, number, lenBytes, buflets);
  }

  private setDue(service: number, tNs: number): void {
    this.due[service] = tNs;
    if (tNs < this.nextDue) this.nextDue = tNs;
  }

  /** Runs every service due at or before `tNs`. */
  runUntil(tNs: number): void {
    const due = this.due;
    const services = this.services;
    for (;;) {
      let next = NEVER;
      let service = 0;
      for (let i = 0; i < services; i++) {
        if (due[i]! < next) {
          next = due[i]!;
          service = i;
        }
      }
      if (next > tNs || next === NEVER) {
        this.nextDue = next;
        return;
      }
      due[service] = NEVER;
      this.clock[0] = next;
      if (service === DUE_POLL) this.poll(next);
      else if (service >= DUE_READERS) {
        if (service < this.link) this.read(this.ports[service - DUE_READERS]!, service, next);
        else if (service === this.link) this.transmit(next);
        else this.pollTx(this.ports[service - this.link - 1]!, service, next);
      } else if (service === DUE_SERIES) {
        this.series!.flush();
        due[DUE_SERIES] = this.series!.edgeNs;
      } else this.expire(next);
    }
  }

  /** After a snapshot was restored into this world: what is derived from its state. */
  restored(tNs: number): void {
    this.due[DUE_LINGER] = this.fsw.wheel.nextTickNs;
    this.due[DUE_SERIES] = NEVER;
    if (this.series !== null) {
      this.series.startAt(tNs);
      this.due[DUE_SERIES] = this.series.edgeNs;
    }
    this.nextDue = Math.min(...this.due);
  }

  /** Runs services until no packet is in a ring. The linger worker and the series do not keep a run going. */
  drain(): void {
    while (this.held > 0) {
      let next = NEVER;
      for (let i = 0; i < this.due.length; i++) if (i !== DUE_SERIES && i !== DUE_LINGER && this.due[i]! < next) next = this.due[i]!;
      assert(next !== NEVER, 'packets wait in a ring that nobody serves');
      this.runUntil(next);
    }
  }

  private expire(tNs: number): void {
    const gone = this.fsw.tick(tNs);
    this.due[DUE_LINGER] = this.fsw.wheel.nextTickNs;
    if (gone > 0 && this.trace !== null) this.trace.expired(this, tNs, gone);
  }

  /** Starts or ends a poll of the device RX ring by the flow switch. */
  private poll(tNs: number): void {
    const n = this.polling;
    if (n > 0) {
      this.switchPackets(n);
      this.deviceRx.consume(n);
      this.endNs = tNs;
    }
    const waiting = this.deviceRx.used;
    if (waiting === 0) {
      this.polling = 0;
      return;
    }
    const take = waiting < this.batch ? waiting : this.batch;
    this.polling = take;
    this.due[DUE_POLL] = tNs + Math.round(this.perBatchNs + this.perPacketNs * take);
    if (this.trace !== null) this.trace.polled(this, tNs, take, this.due[DUE_POLL]);
  }

  private switchPackets(n: number): void {
    const meta = this.store.meta;
    const fsw = this.fsw;
    let buflets = 0;
    for (let i = 0; i < n; i++) {
      const slot = this.deviceRx.peek(i);
      const w = slot * META_WORDS;
      const flow = meta[w + PKT_FLOW]!;
      let port = this.hostIndex;
      if (flow >= 0) port = fsw.lookup(flow, meta, w, false);
      else if (flow < -1) port = -2 - flow;
      if (this.trace !== null) this.trace.switched(this, this.clock[0]!, meta[w + PKT_NUMBER]!, flow, port);
      buflets += meta[w + PKT_BUFLETS]!;
      this.receive(this.ports[port]!, DUE_READERS + port, slot, w);
    }
    this.devicePool.give(buflets);
    if (fsw.wheel.nextTickNs < this.due[DUE_LINGER]!) this.due[DUE_LINGER] = fsw.wheel.nextTickNs;
  }

  /** Hands a packet from the device pool over to a port's pool and RX ring. */
  private receive(port: PortQueue, service: number, slot: number, w: number): void {
    const meta = this.store.meta;
    const lenBytes = meta[w + PKT_LEN]!;
    const buflets = meta[w + PKT_BUFLETS]!;
    port.counters.packetsIn++;
    if (!port.pool.take(buflets)) {
      this.dropAt(port, DROP_PORT_NOMEM, slot, 'fsw', port.pool.id);
      return;
    }
    const ring = port.rx;
    if (!ring.push(slot, lenBytes)) {
      port.pool.give(buflets);
      this.dropAt(port, DROP_DST_RING_FULL, slot, 'fsw', ring.id);
      return;
    }
    if (ring.used === 1 && port.reading === 0) this.due[service] = port.reader.free(this.clock[0]! + port.reader.wakeNs);
    if (this.trace !== null) this.trace.enqueued(port, this.clock[0]!, meta[w + PKT_NUMBER]!, ring, this.due[service]!);
  }

  /** Drops a packet that a port had no room for, and gives its metadata back. */
  private dropAt(port: PortQueue, code: number, slot: number, layer: string, obj: string): void {
    const w = slot * META_WORDS;
    port.counters.dropped++;
    port.counters.bytesDropped += this.store.meta[w + PKT_LEN]!;
    this.drop(code, this.store.meta[w + PKT_FLOW]!, this.store.meta[w + PKT_NUMBER]!, this.clock[0]!, layer, obj);
    this.store.release(slot);
  }

  /** Starts or ends a read of a port's RX ring by its application. */
  private read(port: PortQueue, service: number, tNs: number): void {
    if (port.reading > 0) this.finishRead(port, port.reading, tNs);
    const waiting = port.rx.used;
    const begin = waiting === 0 ? tNs : port.reader.free(tNs);
    if (waiting === 0 || begin > tNs) {
      port.reading = 0;
      this.due[service] = waiting === 0 ? NEVER : begin;
      return;
    }
    const reader = port.reader;
    const take = waiting < reader.batch ? waiting : reader.batch;
    let cost = 0;
    if (reader.perByteNs === 0) cost = take * reader.cost(0);
    else for (let i = 0; i < take; i++) cost += reader.cost(this.store.meta[port.rx.peek(i) * META_WORDS + PKT_LEN]!);
    port.reading = take;
    port.readStartNs = tNs;
    this.due[service] = tNs + cost;
    if (this.trace !== null) this.trace.readStarted(this, port, tNs, take, tNs + cost);
  }

  private finishRead(port: PortQueue, n: number, tNs: number): void {
    const { meta, arrivalNs } = this.store;
    const { reader, rx, counters } = port;
    const delays = counters.delays;
    let t = port.readStartNs;
    let maxDelayNs = counters.maxDelayNs;
    let buflets = 0;
    let bytes = 0;
    const wholeNs = reader.perByteNs === 0 ? reader.wholeNs : -1;
    for (let i = 0; i < n; i++) {
      const slot = rx.peek(i);
      const w = slot * META_WORDS;
      const lenBytes = meta[w + PKT_LEN]!;
      bytes += lenBytes;
      t += wholeNs >= 0 ? wholeNs : reader.cost(lenBytes);
      buflets += meta[w + PKT_BUFLETS]!;
      const delayNs = t - arrivalNs[slot]!;
      if (delayNs > maxDelayNs) maxDelayNs = delayNs;
      const bucket = delayNs >= 16 && delayNs < 0x8000_0000 ? smallBucket(delayNs | 0) : histogramBucket(delayNs);
      delays[bucket]!++;
      if (this.verdict !== null) this.judge(meta[w + PKT_NUMBER]!, VERDICT_DELIVERED, port.number);
      if (this.trace !== null) this.trace.delivered(port, t, meta[w + PKT_NUMBER]!, arrivalNs[slot]!, port.readStartNs);
      this.store.release(slot);
    }
    counters.maxDelayNs = maxDelayNs;
    counters.delivered += n;
    counters.bytesOut += bytes;
    this.finished += n;
    port.pool.give(buflets);
    rx.consume(n);
    this.endNs = tNs;
  }

  /** A packet sent by this machine: its stack has a flow before it sends, so the port is known when the packet comes. */
  private send(rows: Int32Array, base: number, id: number, lenBytes: number, number: number): void {
    const tNs = this.clock[0]!;
    const { store, fsw } = this;
    const slot = store.alloc(1);
    const w = slot * META_WORDS;
    store.meta[w + PKT_NUMBER] = number;
    store.meta[w + PKT_LEN] = lenBytes;
    store.meta[w + PKT_FLOW] = id;
    store.meta[w + PKT_META] = rows[base + ROW_META]!;
    store.meta[w + PKT_SEQ] = rows[base + ROW_SEQ]!;
    store.meta[w + PKT_ACK] = rows[base + ROW_ACK]!;
    store.meta[w + PKT_PAYLOAD] = rows[base + ROW_PAYLOAD]!;
    store.arrivalNs[slot] = tNs;
    const index = fsw.lookup(id, store.meta, w, true);
    if (fsw.wheel.nextTickNs < this.due[DUE_LINGER]!) this.setDue(DUE_LINGER, fsw.wheel.nextTickNs);
    const port = this.ports[index]!;
    const buflets = port.pool.bufletsFor(lenBytes);
    store.meta[w + PKT_BUFLETS] = buflets;
    if (this.trace !== null) this.trace.sent(this, port, tNs, number, id, lenBytes);
    this.sentPackets++;
    this.sentBytes += lenBytes;
    port.counters.packetsIn++;
    if (!port.pool.take(buflets)) {
      this.dropAt(port, DROP_PORT_NOMEM, slot, 'channel', port.pool.id);
      return;
    }
    if (!port.tx.push(slot, lenBytes)) {
      port.pool.give(buflets);
      this.dropAt(port, DROP_TX_RING_FULL, slot, 'channel', port.tx.id);
      return;
    }
    if (this.verdict !== null) this.verdict[number - 1] = VERDICT_HELD;
    if (port.tx.used === 1 && port.polling === 0) this.setDue(this.link + 1 + index, tNs);
    if (this.trace !== null) this.trace.enqueued(port, tNs, number, port.tx, tNs);
  }

  /** Starts or ends a poll of a port's TX ring by the flow switch. */
  private pollTx(port: PortQueue, service: number, tNs: number): void {
    if (port.polling > 0) {
      for (let i = 0; i < port.polling; i++) this.toDevice(port, port.tx.peek(i), tNs);
      port.counters.delivered += port.polling;
      port.tx.consume(port.polling);
      this.endNs = tNs;
    }
    const waiting = port.tx.used;
    const take = waiting < this.batch ? waiting : this.batch;
    port.polling = take;
    if (take > 0) this.due[service] = tNs + Math.round(this.perBatchNs + this.perPacketNs * take);
  }

  private toDevice(port: PortQueue, slot: number, tNs: number): void {
    const w = slot * META_WORDS;
    const meta = this.store.meta;
    const lenBytes = meta[w + PKT_LEN]!;
    const buflets = meta[w + PKT_BUFLETS]!;
    const pool = this.devicePool;
    this.device.packetsIn++;
    this.deviceTxBytes += lenBytes;
    port.counters.bytesOut += lenBytes;
    port.pool.give(buflets);
    const room = pool.take(buflets);
    if (!room || !this.deviceTx.push(slot, lenBytes)) {
      if (room) pool.give(buflets);
      this.device.dropped++;
      this.drop(
        room ? DROP_DEVICE_TX_FULL : DROP_NOMEM,
        meta[w + PKT_FLOW]!,
        meta[w + PKT_NUMBER]!,
        tNs,
        'fsw',
        room ? this.deviceTx.id : pool.id,
      );
      this.store.release(slot);
      return;
    }
    if (this.deviceTx.used === 1) this.due[this.link] = tNs + Math.round(lenBytes * this.linkNsPerByte);
    if (this.trace !== null) this.trace.queuedForLink(this, tNs, meta[w + PKT_NUMBER]!);
  }

  /** The link has sent the packet at the head of the device TX ring. */
  private transmit(tNs: number): void {
    const { meta, arrivalNs } = this.store;
    const slot = this.deviceTx.peek(0);
    const w = slot * META_WORDS;
    const number = meta[w + PKT_NUMBER]!;
    this.device.deliver(tNs - arrivalNs[slot]!);
    this.finished++;
    if (this.verdict !== null) this.judge(number, VERDICT_DELIVERED, 0);
    if (this.trace !== null) this.trace.transmitted(this, tNs, number, arrivalNs[slot]!);
    this.devicePool.give(meta[w + PKT_BUFLETS]!);
    this.store.release(slot);
    this.deviceTx.consume(1);
    this.endNs = tNs;
    if (this.deviceTx.used > 0) {
      const next = meta[this.deviceTx.peek(0) * META_WORDS + PKT_LEN]!;
      this.due[this.link] = tNs + Math.round(next * this.linkNsPerByte);
    }
  }

  private judge(number: number, verdict: number, detail: number): void {
    this.verdict![number - 1] = verdict;
    this.detail![number - 1] = detail;
  }

  private drop(code: number, flow: number, number: number, tNs: number, layer: string, obj: string): void {
    this.drops[code]!++;
    if (tNs > this.endNs) this.endNs = tNs;
    if (flow >= 0) this.fsw.dropped(flow);
    if (this.verdict !== null) this.judge(number, VERDICT_DROPPED, code);
    if (this.trace !== null) this.trace.dropped(layer, obj, tNs, number, code);
  }
}

/** Packets that can be inside a queue at once: each holds at least one buflet of one pool; one more while it is refused. */
function packetsInside(scenario: Scenario): number {
  return scenario.ports.reduce((sum, port) => sum + port.poolPackets, scenario.device.poolPackets) + 1;
}

/** Port numbers of the flow switch for the scenario's ports in order: 1 for the host, user ports from 2 on. 0 is the device. */
export function portNumbers(scenario: Scenario): number[] {
  let user = 2;
  return scenario.ports.map((p) => (p.kind === 'host' ? 1 : user++));
}
