import { assert } from '../base/index.ts';
import type { LiveFrame, RunSummary, Scenario, SeriesFrame } from '../contract/index.ts';
import type { RecordBatch } from '../files/index.ts';
import { Arena, DROP_REASONS, Ladder, regionFootprint, statRecords, type StatRecord } from '../stack/index.ts';
import { META_FLOW, ROW_HASH, ROW_META, ROW_WORDS, queueOfHash, type ClassifiedBatch } from '../wire/index.ts';
import { FlowList } from './flow-list.ts';
import { mergeSeries, mergeSummary } from './merge.ts';
import { objectIndex, objectTable, type ObjectTable } from './objects.ts';
import { suitsKernel } from './kernel/world-kernel.ts';
import { queueResult } from './queue-result.ts';
import { meterRecords } from './metering/regulation.ts';
import { withHostPort } from './host-port.ts';
import { restoreWorld, saveWorld } from './snapshot.ts';
import { PollTrace } from './offload/poll-trace.ts';
import { WorldTrace } from './trace.ts';
import type { PipelineOptions, QueueResult, Snapshot, SummaryInput } from './types.ts';
import { needsPacketBytes, TranslatingWorld } from './translate/world.ts';
import { QueueWorld } from './world.ts';

/**
 * The pipeline of a scenario: spreads packets over device queues and runs the queues it was given. Packets must be fed in input order;
 * how they are cut into calls has no influence on anything.
 */
export class Pipeline {
  readonly scenario: Scenario;
  readonly worlds: readonly QueueWorld[];
  /** Memory of the queues: one arena for all, or one each where stacks take and give back regions while they run. */
  readonly arenas: readonly Arena[];
  /** Flows of the simulated queues in first-seen order; call `refresh` before reading. */
  readonly flows: FlowList;
  /** Rules that user stacks have installed; the scenario's selectors come after them. With a `stack` section each queue has its own. */
  readonly ladder: Ladder;
  /** Ports have state that is put back where it is: nobody but this pipeline can go back to a snapshot of it. */
  readonly snapshotsAreOwn: boolean;
  private readonly table: ObjectTable;
  private readonly queues: number;
  /** World of each queue, undefined for queues of other lanes. */
  private readonly byQueue: readonly (QueueWorld | undefined)[];
  private readonly starts: Uint32Array;
  private order = new Uint32Array(0);
  private rowQueue = new Uint8Array(0);
  private tNs = 0;
  private nextNumber = 1;
  private revision = 0;

  constructor(scenario: Scenario, options: PipelineOptions = {}) {
    this.scenario = withHostPort(scenario);
    this.table = objectTable(this.scenario);
    this.queues = scenario.device.queues;
    this.ladder = options.ladder ?? new Ladder();
    const wanted = options.queues ?? Array.from({ length: this.queues }, (_, q) => q);
    const { kernel } = options;
    this.arenas = makeArenas(this.scenario, wanted.length, (bytes, shared) =>
      kernel === undefined
        ? Arena.create(bytes, { shared: shared && options.sharedArena === true })
        : Arena.within(kernel.reserve.buffer, kernel.reserve.take(bytes), bytes),
    );
    const portIds = this.scenario.ports.map((p) => p.id);
    const translating = needsPacketBytes(this.scenario);
    this.snapshotsAreOwn = translating;
    this.worlds = wanted.map((queue, i) => {
      assert(queue >= 0 && queue < this.queues, 'a lane has queues of the device');
      const World = translating ? TranslatingWorld : QueueWorld;
      return new World(this.arenas[i % this.arenas.length]!, this.scenario, queue, {
        verdicts: options.verdicts ?? null,
        trace: traceOf(options, portIds),
        series: options.series ?? null,
        ladder: i > 0 && scenario.stack !== undefined ? new Ladder() : this.ladder,
        expectedFlows: options.expectedFlows ?? 0,
        aligned: options.sharedArena ?? false,
        reserve: kernel?.reserve ?? null,
      });
    });
    if (kernel !== undefined) for (const world of this.worlds) if (suitsKernel(world)) kernel.kernel.adopt(world, kernel.reserve);
    this.byQueue = Array.from({ length: this.queues }, (_, q) => this.worlds.find((w) => w.queue === q));
    this.starts = new Uint32Array(this.queues + 1);
    this.flows = new FlowList(() => this.worlds.map(({ fsw }) => fsw.table.columns()), portIds);
  }

  /** Bytes that a reserve must have for so many queues of a scenario. */
  static reserveBytes(scenario: Scenario, queues: number, expectedFlows: number): number {
    const full = withHostPort(scenario);
    return queues * QueueWorld.reserveBytes(full, expectedFlows) + arenaBytes(full, queues) + regionFootprint(0);
  }

  /** Packets fed so far, those of other lanes' queues included. */
  get fed(): number {
    return this.nextNumber - 1;
  }

  /**
   * Feeds records [from, to) of a batch. Row i of `classified` belongs to record i of the batch; record `from` has number
   * `firstNumber`, which must follow on from the last call.
   */
  feed(batch: RecordBatch, classified: ClassifiedBatch, from: number, to: number, firstNumber: number): void {
    for (const world of this.worlds) world.records(batch);
    this.feedColumns(classified.rows, from, to, batch.tsNs, batch.origLen, firstNumber);
  }

  /** The same from columns: rows, times and original lengths, in step. */
  feedColumns(rows: Int32Array, from: number, to: number, tsNs: Float64Array, lenBytes: Uint32Array, firstNumber: number): void {
    assert(firstNumber === this.nextNumber, 'packets are fed in input order, none left out');
    if (this.queues === 1) {
      this.byQueue[0]?.feed(rows, null, from, to, tsNs, lenBytes, firstNumber - from);
    } else {
      this.groupByQueue(rows, from, to);
      for (let q = 0; q < this.queues; q++) {
        const world = this.byQueue[q];
        if (world === undefined || this.starts[q] === this.starts[q + 1]) continue;
        world.feed(rows, this.order, this.starts[q]!, this.starts[q + 1]!, tsNs, lenBytes, firstNumber - from);
      }
    }
    this.nextNumber += to - from;
  }

  /** Rows by queue, in input order inside each: a counting sort into `order`, with the queues' bounds in `starts`. */
  private groupByQueue(rows: Int32Array, from: number, to: number): void {
    if (this.order.length < to - from) {
      this.order = new Uint32Array(to - from);
      this.rowQueue = new Uint8Array(to - from);
    }
    groupRows(rows, from, to, this.queues, this.starts, this.rowQueue, this.order);
  }

  /** Feeds rows that were grouped by queue elsewhere: those of queue q are order[starts[q]..starts[q + 1]). */
  feedGrouped(
    rows: Int32Array,
    order: Uint32Array,
    starts: Uint32Array,
    count: number,
    tsNs: Float64Array,
    lenBytes: Uint32Array,
    firstNumber: number,
  ): void {
    assert(firstNumber === this.nextNumber, 'packets are fed in input order, none left out');
    for (const world of this.worlds) {
      const q = world.queue;
      if (starts[q] !== starts[q + 1]) world.feed(rows, order, starts[q]!, starts[q + 1]!, tsNs, lenBytes, firstNumber);
    }
    this.nextNumber += count;
  }

  /**
   * Runs everything due at or before `tNs`. The input must have no packet left before it: feed packets in file order as long as
   * the largest time so far is not beyond `tNs`.
   */
  advanceTo(tNs: number): void {
    this.settle();
    for (const world of this.worlds) world.runUntil(tNs);
    if (tNs > this.tNs) this.tNs = tNs;
  }

  /** Runs until no packet is in a ring. Ends because every service takes at least one packet at a time and stalls end. */
  finish(): void {
    this.settle();
    for (const world of this.worlds) {
      world.drain();
      this.tNs = Math.max(this.tNs, world.endNs, world.lastArrivalNs);
    }
  }

  /** The worlds have their own figures again, where a kernel ran them. */
  private settle(): void {
    for (const { kernel } of this.worlds) kernel?.settle();
  }

  /** State now, for the panels. */
  frame(): LiveFrame {
    this.settle();
    const objects = new Uint32Array(this.table.ids.length * 5);
    const total = { packets: 0, bytes: 0, drops: 0, flows: 0, held: 0, tNs: this.tNs };
    for (const world of this.worlds) {
      total.packets += world.packets;
      total.bytes += world.bytes;
      for (const n of world.drops) total.drops += n;
      total.flows += world.fsw.table.count;
      total.held += world.held;
      total.tNs = Math.max(total.tNs, world.lastArrivalNs);
      this.worldObjects(world, objects);
    }
    this.revision++;
    return { ...total, objects, revision: this.revision };
  }

  private worldObjects(world: QueueWorld, objects: Uint32Array): void {
    let o = 0;
    for (const ring of world.rings()) {
      const at = 5 * objectIndex(this.table, world.queue, o++);
      objects[at] = ring.used;
      objects[at + 1] = ring.headSlot;
      objects[at + 2] = ring.tailSlot;
      objects[at + 3] = ring.highWater;
      objects[at + 4] = ring.drops;
    }
    for (const pool of world.pools()) {
      const at = 5 * objectIndex(this.table, world.queue, o++);
      objects[at] = pool.used;
      objects[at + 3] = pool.highWater;
      objects[at + 4] = pool.failures;
    }
  }

  /** Results of the simulated queues; their arrays belong to the worlds. */
  results(): QueueResult[] {
    this.settle();
    const portIds = this.scenario.ports.map((p) => p.id);
    return this.worlds.map((world) => queueResult(world, portIds));
  }

  summary(input: SummaryInput): RunSummary {
    return mergeSummary(this.scenario, this.results(), input);
  }

  series(): SeriesFrame | null {
    return mergeSeries(this.scenario, this.results());
  }

  /** Counters as flat records (S-10), queue by queue. */
  statistics(): StatRecord[] {
    this.settle();
    return this.worlds.flatMap((world) => {
      const { fsw } = world;
      const q = String(world.queue);
      const netif = { packets: world.packets, bytes: world.bytes, sent_packets: world.sentPackets, sent_bytes: world.sentBytes };
      const flows = {
        flows: fsw.table.count,
        active: fsw.active,
        created: fsw.created,
        expired: fsw.expired,
        without_entry: fsw.withoutEntry,
      };
      const drops = Object.fromEntries(DROP_REASONS.slice(1).map((r) => [r.name, world.drops[r.code]!]));
      const regulation = world.metered === null ? [] : meterRecords(world.metered, this.scenario.ports[world.hostIndex]!.id, world.queue);
      return [
        ...regulation,
        ...statRecords('netif', `device.${q}`, netif),
        ...statRecords('flow-switch', `fsw.${q}`, { ...flows, ...drops }),
        ...world.rings().flatMap((r) =>
          statRecords('ring', r.id, {
            used: r.used,
            high_water: r.highWater,
            enqueued: r.enqueued,
            dequeued: r.dequeued,
            drops: r.drops,
            errors: r.errors,
          }),
        ),
        ...world.pools().flatMap((p) => statRecords('pool', p.id, { used: p.used, high_water: p.highWater, failures: p.failures })),
        ...world.ports.flatMap((p) =>
          statRecords('port', p.rx.id.replace('.rx.', '.'), {
            packets_in: p.counters.packetsIn,
            delivered: p.counters.delivered,
            dropped: p.counters.dropped,
          }),
        ),
      ];
    });
  }

  /** State of all queues at this instant. */
  snapshot(): Snapshot {
    this.settle();
    const words = this.worlds.map(saveWorld);
    const tNs = this.worlds.reduce((max, w) => Math.max(max, w.lastArrivalNs), this.tNs);
    const mementos = this.worlds.flatMap((world) => (world instanceof TranslatingWorld ? [world.remember()] : []));
    const bytes = [...words, ...mementos].reduce((sum, { byteLength }) => sum + byteLength, 0);
    return {
      tNs,
      nextNumber: this.nextNumber,
      queues: this.worlds.map((w) => w.queue),
      words,
      byteLength: bytes,
      ...(this.snapshotsAreOwn && { own: { pipeline: this, mementos } }),
    };
  }

  /** Goes back (or on) to a snapshot of the same scenario that has at least the queues simulated here; to one of its own where `snapshotsAreOwn`. */
  restore(snapshot: Snapshot): void {
    assert((snapshot.own?.pipeline === this) === this.snapshotsAreOwn, 'a snapshot of ports is restored where it was taken');
    for (const memento of snapshot.own?.mementos ?? []) memento.restore();
    for (const world of this.worlds) {
      const at = snapshot.queues.indexOf(world.queue);
      assert(at >= 0, 'the snapshot holds every queue of the pipeline');
      restoreWorld(world, snapshot.words[at]!, snapshot.tNs);
    }
    this.nextNumber = snapshot.nextNumber;
    this.tNs = snapshot.tNs;
    this.flows.reset();
  }

  /** Runs the pipeline on with a trace, from a snapshot of its own, and leaves it as it is now. */
  aside<T>(from: Snapshot, options: Pick<PipelineOptions, 'trace' | 'polls'>, work: () => T): T {
    const here = this.snapshot();
    const kept = this.worlds.map(({ verdict, detail }) => ({ verdict, detail }));
    const portIds = this.scenario.ports.map((p) => p.id);
    try {
      this.restore(from);
      for (const world of this.worlds) world.judges(null, traceOf(options, portIds));
      return work();
    } finally {
      for (const [i, world] of this.worlds.entries()) world.judges(kept[i]!, null);
      this.restore(here);
    }
  }
}

function arenaBytes(scenario: Scenario, queues: number): number {
  // A lane that has no queue has an arena all the same.
  return Math.max(1, queues) * (QueueWorld.footprint(scenario) + regionFootprint(0));
}

/**
 * What a queue may take must not depend on which other queues a lane has, so queues share an arena only where all regions are made at the
 * start. A WebAssembly memory for each (`shared`) would cost too much address space.
 */
function makeArenas(scenario: Scenario, queues: number, make: (bytes: number, shared: boolean) => Arena): Arena[] {
  if (scenario.stack === undefined || queues === 1) return [make(arenaBytes(scenario, queues), true)];
  return Array.from({ length: queues }, () => make(arenaBytes(scenario, 1), false));
}

/**
 * Sorts rows [from, to) by queue: `order` gets the row numbers, those of queue q at [starts[q], starts[q + 1]). `queueOf` is scratch
 * of the same length as `order`.
 */
export function groupRows(
  rows: Int32Array,
  from: number,
  to: number,
  queues: number,
  starts: Uint32Array,
  queueOf: Uint8Array,
  order: Uint32Array,
): void {
  starts.fill(0, 0, queues + 1);
  for (let i = from; i < to; i++) {
    const base = i * ROW_WORDS;
    const q = (rows[base + ROW_META]! & META_FLOW) === 0 ? 0 : queueOfHash(rows[base + ROW_HASH]!, queues);
    queueOf[i - from] = q;
    starts[q + 1]!++;
  }
  for (let q = 1; q <= queues; q++) starts[q]! += starts[q - 1]!;
  for (let i = from; i < to; i++) order[starts[queueOf[i - from]!]!++] = i;
  for (let q = queues; q > 0; q--) starts[q] = starts[q - 1]!;
  starts[0] = 0;
}

function traceOf(options: Pick<PipelineOptions, 'trace' | 'polls'>, portIds: readonly string[]): WorldTrace | null {
  if (options.polls !== undefined) return new PollTrace(options.polls, options.trace, portIds);
  return options.trace === undefined ? null : new WorldTrace(options.trace, portIds);
}
