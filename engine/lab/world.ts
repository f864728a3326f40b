import { NS_PER_S, NS_PER_US, assert } from '../base/index.ts';
import { VERDICTS, type Scenario } from '../contract/index.ts';
import {
  CachedPool,
  CompiledSelector,
  DROP_REASONS,
  FLOW_COLD_WORDS,
  FLOW_ENTRY_WORDS,
  FlowSwitch,
  HISTOGRAM_BUCKETS,
  META_WORDS,
  PKT_FLOW,
  PKT_LEN,
  PKT_NUMBER,
  PacketStore,
  Pool,
  Prefix,
  Ring,
  SEGMENT_BYTES,
  type Arena,
  type Ladder,
} from '../stack/index.ts';
import type { RecordBatch } from '../files/index.ts';
import { FlowTable } from '../wire/index.ts';
import type { Reserve } from './kernel/reserve.ts';
import { MeteredPort, isRegulated } from './metering/metered-port.ts';
import { PortCounters, PortQueue } from './port-queue.ts';
import { arrivals, poll, read } from './receive-path.ts';
import { SeriesRecorder } from './series.ts';
import { CLOCK_NEXT, CLOCK_NOW, CLOCK_UNTIL, DUE_LINGER, DUE_POLL, DUE_READERS, DUE_SERIES, NEVER } from './services.ts';
import type { Reader, Writer } from './snapshot.ts';
import type { WorldTrace } from './trace.ts';
import { StackModel } from './stack-model/index.ts';
import { offer, pollTx, transmit } from './transmit-path.ts';
import type { SeriesOptions, VerdictSink } from './types.ts';

/**
 * One device queue: a simulated world of its own, with device rings and pool, flow switch, and each port's rings, pool and
 * reader. Nothing is shared between queues, so results do not depend on how queues are spread over threads.
 *
 * Time runs by arrivals. Before a packet arrives at t, all services due at or before t run, earliest first; services due at the
 * same instant run in this order: bin edge of the series, RX poll, linger worker, the readers in the order of their ports, the
 * link, the TX polls in the order of their ports, and the stack model. A service looks at its ring when it starts, which fixes how many packets it takes; it ends after the time they
 * cost, and only then moves the packets and gives their slots back. If more packets wait, it starts again at that instant.
 *
 * What happens to a received packet is in receive-path.ts, to one that is sent in transmit-path.ts.
 */
/** Flow records of a run in all, at most: 512 MB of entries. Later flows are switched by selectors alone and counted. */
export const MAX_FLOW_RECORDS = 4_194_304;

/** Rows whose flows are looked up at once: enough to overlap cache misses, few enough to stay in the first-level cache. */
const LOOKUP_BATCH = 32;

/** Instants of a world's clock, see services.ts. */
const CLOCK_PLACES = 4;

/** Tables of a world beside flows: clock, times, and those of its kernel; and the bytes of the largest, delays, with room to a line. */
const RESERVE_TABLES = 64;
const RESERVE_TABLE_BYTES = 4 * HISTOGRAM_BUCKETS + 256;

const VERDICT_DROPPED = VERDICTS.indexOf('dropped');

export interface WorldOptions {
  readonly verdicts: VerdictSink | null;
  readonly trace: WorldTrace | null;
  readonly series: SeriesOptions | null;
  readonly ladder: Ladder;
  readonly expectedFlows: number;
  readonly aligned: boolean;
  /** Where the tables of a world are that a kernel runs; null for any memory. */
  readonly reserve: Reserve | null;
}

/** What runs received packets in a world's place, with the same outcome: see kernel/world-kernel.ts. */
export interface FeedKernel {
  feed(
    rows: Int32Array,
    order: Uint32Array,
    from: number,
    to: number,
    tsNs: Float64Array,
    lenBytes: Uint32Array,
    firstNumber: number,
  ): void;
  /** Puts the figures back into the world: before anybody looks at them, or runs the world itself. */
  settle(): void;
}

/** What a world asks where ports do more with packets than read them. */
export interface PacketHooks {
  /** A packet of the input has been given metadata `slot`; `row` is its record in the batch. */
  taken(slot: number, row: number): void;
  /** A port has read `n` packets. False: they are read as by any application. */
  read(port: PortQueue, n: number): boolean;
  /** This machine sends a packet of the input with metadata `slot`, of a flow that the switch gives to the port at `place`. Gives the place of the port that sends it. */
  sends(slot: number, row: number, place: number): number;
  /** A packet leaves a port's TX ring. False: it goes to the device. */
  send(port: PortQueue, slot: number): boolean;
}

export class QueueWorld {
  /** Null in every world whose packets are known by their rows alone. */
  hooks: PacketHooks | null = null;
  kernel: FeedKernel | null = null;
  /** Packets that ports of this queue have made of others, and packets that they have used up: both stay zero without hooks. */
  made = 0;
  consumed = 0;
  readonly queue: number;
  readonly deviceRx: Ring;
  readonly deviceTx: Ring;
  readonly devicePool: Pool;
  readonly store: PacketStore;
  readonly device = new PortCounters();
  readonly ports: readonly PortQueue[];
  readonly fsw: FlowSwitch;
  readonly series: SeriesRecorder | null;
  /** What a scenario with a `stack` section has; null costs one comparison where it would be asked. */
  readonly model: StackModel | null;
  /** Where the host port feeds sockets. */
  readonly metered: MeteredPort | null = null;
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
  /** See CLOCK_NOW and its neighbours in services.ts; the flow switch's clock is the same array. */
  readonly clock: Float64Array;
  readonly due: Float64Array;
  verdict: Uint8Array | null;
  detail: Uint8Array | null;
  trace: WorldTrace | null;
  readonly moderationNs: number;
  readonly batch: number;
  readonly perPacketNs: number;
  readonly perBatchNs: number;
  readonly linkNsPerByte: number;
  /** Place of the host port among the ports. */
  readonly hostIndex: number;
  /** Place of the link among the services. */
  readonly link: number;
  /** Whether a port is of the low-latency class: only then is it asked of each packet that arrives. */
  readonly lowLatency: boolean;
  /** Whether this machine has addresses of its own: without them nothing is sent. */
  readonly haveLocal: boolean;
  /** Flows of the packets that are arriving. */
  readonly ids = new Int32Array(LOOKUP_BATCH);
  /** Services that can be due. */
  readonly services: number;

  /** `scenario` must have a host port. */
  constructor(arena: Arena, scenario: Scenario, queue: number, options: WorldOptions) {
    const { device, flowSwitch } = scenario;
    const q = String(queue);
    const { reserve } = options;
    this.queue = queue;
    this.deviceRx = new Ring(arena, `device.rx.${q}`, device.rxRingSlots);
    this.deviceTx = new Ring(arena, `device.tx.${q}`, device.txRingSlots);
    this.devicePool = makePool(scenario, `device.pool.${q}`, device.poolPackets, true);
    this.store = new PacketStore(arena, `packets.${q}`, packetsInside(scenario));
    const numbers = portNumbers(scenario);
    this.ports = scenario.ports.map(
      (spec, i) =>
        new PortQueue(
          arena,
          spec,
          numbers[i]!,
          queue,
          makePool(scenario, `${spec.id}.pool.${q}`, spec.poolPackets, false),
          reserve?.uint32(HISTOGRAM_BUCKETS),
        ),
    );
    this.hostIndex = scenario.ports.findIndex((p) => p.kind === 'host');
    assert(this.hostIndex >= 0, 'a scenario has a host port');
    this.fsw = new FlowSwitch({
      ports: scenario.ports.map((spec) => spec.select.map((s) => new CompiledSelector(s))),
      numbers,
      hostPort: this.hostIndex,
      local: device.local.map((text) => Prefix.parse(text)).filter((p) => p !== undefined),
      maxActive: Math.max(1, Math.floor(flowSwitch.maxFlows / device.queues)),
      lingerNs: Math.round(flowSwitch.lingerS * NS_PER_S),
      maxRecords: maxRecords(scenario),
      expected: Math.ceil(options.expectedFlows / device.queues),
      ladder: options.ladder,
      aligned: options.aligned,
      ...(reserve === null ? {} : { room: (words: number) => reserve.int32(words), clock: reserve.float64(CLOCK_PLACES) }),
    });
    this.clock = this.fsw.clock;
    this.lowLatency = this.ports.some((port) => port.lowLatency);
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
    const txPolls = this.link + 1 + this.ports.length;
    const routers = scenario.ports.some(({ kind }) => kind === 'multicast');
    const places = txPolls + (scenario.stack === undefined ? 0 : 1) + (routers ? 1 : 0);
    this.due = (reserve === null ? new Float64Array(places) : reserve.float64(places)).fill(NEVER);
    this.haveLocal = device.local.length > 0;
    const sends = this.haveLocal || routers || scenario.ports.some(({ kind }) => kind === 'translator') || scenario.stack !== undefined;
    this.services = sends ? this.due.length : this.link;
    this.clock[CLOCK_NEXT] = NEVER;
    this.model =
      scenario.stack === undefined
        ? null
        : new StackModel(this, arena, scenario, scenario.stack, { ladder: options.ladder, numbers, service: txPolls });
    const host = scenario.ports[this.hostIndex]!;
    if (isRegulated(host)) {
      const port = this.ports[this.hostIndex]!;
      this.metered = port.metered = new MeteredPort(this, port, host, scenario, options.series);
      this.setDue(DUE_READERS + this.hostIndex, this.metered.meter.nextDueNs);
    }
    if (this.series !== null) this.setDue(DUE_SERIES, this.series.edgeNs);
  }

  /** Bytes of a reserve that a world takes at most, beside its arena. */
  static reserveBytes(scenario: Scenario, expectedFlows: number): number {
    const { queues } = scenario.device;
    const expected = Math.ceil(expectedFlows / queues);
    const flows = { entryWords: FLOW_ENTRY_WORDS, coldWords: FLOW_COLD_WORDS, limit: maxRecords(scenario), expected };
    const tables = RESERVE_TABLES + scenario.ports.length;
    return FlowTable.roomBytes(flows) + tables * RESERVE_TABLE_BYTES;
  }

  static footprint(scenario: Scenario): number {
    const { device } = scenario;
    let bytes = Ring.footprint(device.rxRingSlots) + Ring.footprint(device.txRingSlots) + PacketStore.footprint(packetsInside(scenario));
    for (const port of scenario.ports) bytes += PortQueue.footprint(port);
    return bytes + StackModel.footprint(scenario);
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

  /** Packets inside now: in rings, in class queues, and held by suspended applications. */
  get held(): number {
    let n = this.deviceRx.used + this.deviceTx.used + (this.model === null ? 0 : this.model.held);
    for (const port of this.ports) n += port.rx.used + port.tx.used;
    if (this.metered !== null) n += this.metered.meter.inside;
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
    if (this.kernel !== null && order !== null) {
      this.kernel.feed(rows, order, from, to, tsNs, lenBytes, firstNumber);
      return;
    }
    // Ports that make packets make flows too: those get their numbers in the order of time, however the input is cut.
    const makes = this.hooks !== null;
    const step = makes ? 1 : LOOKUP_BATCH;
    for (let block = from; block < to; block += step) {
      const end = block + step < to ? block + step : to;
      if (makes) this.catchUp(tsNs[order === null ? block : order[block]!]!);
      this.fsw.table.internBatch(rows, order, block, end, this.ids);
      arrivals(this, rows, order, block, end, tsNs, lenBytes, firstNumber);
    }
    let bytes = 0;
    for (let i = from; i < to; i++) bytes += lenBytes[order === null ? i : order[i]!]!;
    this.packets += to - from;
    this.bytes += bytes;
  }

  /** Runs what is due before a packet stamped `tsNs` arrives. */
  private catchUp(tsNs: number): void {
    const t = tsNs > this.lastArrivalNs ? tsNs : this.lastArrivalNs;
    if (this.clock[CLOCK_NEXT]! <= t) this.runUntil(t);
  }

  /** The batch that the next rows are of, for worlds that look at bytes. Record `i` of it is row `i`. */
  records(_batch: RecordBatch): void {
    // This one does not.
  }

  /** Where verdicts and the steps of packets go from now on. */
  judges(verdicts: { readonly verdict: Uint8Array | null; readonly detail: Uint8Array | null } | null, trace: WorldTrace | null): void {
    this.verdict = verdicts?.verdict ?? null;
    this.detail = verdicts?.detail ?? null;
    this.trace = trace;
    this.metered?.traces(trace);
  }

  /** What a world knows of the packet in `slot` beside its metadata, for a snapshot. */
  saveSlot(_slot: number, _w: Writer): void {
    // This one knows nothing more.
  }

  restoreSlot(_slot: number, _r: Reader): void {
    // See saveSlot.
  }

  setDue(service: number, tNs: number): void {
    this.due[service] = tNs;
    if (tNs < this.clock[CLOCK_NEXT]!) this.clock[CLOCK_NEXT] = tNs;
  }

  /** Runs every service due at or before `tNs`. */
  runUntil(tNs: number): void {
    this.clock[CLOCK_UNTIL] = tNs;
    this.runServices();
  }

  private runServices(): void {
    const { due, clock, services, link, ports } = this;
    for (;;) {
      let next = NEVER;
      let service = 0;
      for (let i = 0; i < services; i++) {
        if (due[i]! < next) {
          next = due[i]!;
          service = i;
        }
      }
      if (next > clock[CLOCK_UNTIL]! || next === NEVER) {
        clock[CLOCK_NEXT] = next;
        return;
      }
      due[service] = NEVER;
      clock[CLOCK_NOW] = next;
      if (service === DUE_POLL) poll(this);
      else if (service >= DUE_READERS) {
        if (service < link) read(this, ports[service - DUE_READERS]!, service);
        else if (service === link) transmit(this);
        else if (service - link - 1 < ports.length) pollTx(this, ports[service - link - 1]!, service);
        else this.runBehind(service);
      } else if (service === DUE_SERIES) {
        this.series!.flush();
        due[DUE_SERIES] = this.series!.edgeNs;
      } else this.expire(next);
    }
  }

  /** A service behind the TX polls is due: the stack model's, or that of routers in ports, which comes last. */
  protected runBehind(_service: number): void {
    this.model!.run();
  }

  /** After a snapshot was restored into this world: what is derived from its state. */
  restored(tNs: number): void {
    this.due[DUE_LINGER] = this.fsw.wheel.nextTickNs;
    this.due[DUE_SERIES] = NEVER;
    if (this.series !== null) {
      this.series.startAt(tNs);
      this.due[DUE_SERIES] = this.series.edgeNs;
    }
    this.clock[CLOCK_NEXT] = Math.min(...this.due);
  }

  /** Runs services until no packet is in a ring. The linger worker and the series do not keep a run going. */
  drain(): void {
    if (this.metered !== null) this.setDue(DUE_READERS + this.hostIndex, this.metered.endOfInput());
    while (this.held > 0) {
      let next = NEVER;
      for (let i = 0; i < this.due.length; i++) if (i !== DUE_SERIES && i !== DUE_LINGER && this.due[i]! < next) next = this.due[i]!;
      assert(next !== NEVER, 'packets wait in a ring that nobody serves');
      this.runUntil(next);
    }
  }

  expire(tNs: number): void {
    const gone = this.fsw.tick(tNs);
    this.due[DUE_LINGER] = this.fsw.wheel.nextTickNs;
    if (gone > 0 && this.trace !== null) this.trace.expired(this, tNs, gone);
  }

  /** Drops a packet that a port had no room for, and gives its metadata back. */
  dropAt(port: PortQueue, code: number, slot: number, layer: string, obj: string): void {
    const w = slot * META_WORDS;
    const { meta } = this.store;
    port.counters.dropped++;
    port.counters.bytesDropped += meta[w + PKT_LEN]!;
    this.drop(code, meta[w + PKT_FLOW]!, meta[w + PKT_NUMBER]!, layer, obj);
    this.store.release(slot);
  }

  /** A stack puts a packet that it has built into the TX ring of its port. */
  offer(place: number, slot: number): void {
    offer(this, place, slot);
  }

  judge(number: number, verdict: number, detail: number): void {
    this.verdict![number - 1] = verdict;
    this.detail![number - 1] = detail;
  }

  /** Counts a drop of packet `number`, of flow `flow` (as PKT_FLOW), which happens now. */
  drop(code: number, flow: number, number: number, layer: string, obj: string): void {
    const tNs = this.clock[CLOCK_NOW]!;
    this.drops[code]!++;
    if (tNs > this.endNs) this.endNs = tNs;
    if (flow >= 0) this.fsw.dropped(flow);
    if (this.verdict !== null) this.judge(number, VERDICT_DROPPED, code);
    if (this.trace !== null) this.trace.dropped(layer, obj, tNs, number, code);
  }
}

/** Packets that can be inside a queue at once: each holds at least one buflet of one pool; one more while it is refused. */
function packetsInside(scenario: Scenario): number {
  const aqm = scenario.stack?.aqm;
  const heldBack = aqm?.advisory.enable === true ? aqm.advisory.holdPackets : 0;
  return scenario.ports.reduce((sum, port) => sum + port.poolPackets, scenario.device.poolPackets) + heldBack + 1;
}

/** Flow records of a queue at most. */
function maxRecords({ device }: Scenario): number {
  return Math.floor(MAX_FLOW_RECORDS / device.queues);
}

/** A plain account, or one with a cache in front where the scenario has a `stack` section. */
function makePool(scenario: Scenario, id: string, packets: number, oneCpu: boolean): Pool {
  const { bufferBytes } = scenario.device;
  if (scenario.stack === undefined) return new Pool(id, packets, bufferBytes);
  const { magazineRounds } = scenario.stack.memory;
  const segmentBytes = Math.max(SEGMENT_BYTES, bufferBytes);
  return new CachedPool(id, packets, bufferBytes, { rounds: magazineRounds, segmentBytes, oneCpu });
}

/** Port numbers of the flow switch for the scenario's ports in order: 1 for the host, user ports from 2 on. 0 is the device. */
export function portNumbers(scenario: Scenario): number[] {
  let user = 2;
  return scenario.ports.map((p) => (p.kind === 'host' ? 1 : user++));
}
