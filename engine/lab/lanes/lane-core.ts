import { assert } from '../../base/index.ts';
import type { Scenario } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { classifyRange } from '../../wire/index.ts';
import { Reserve } from '../kernel/reserve.ts';
import { LaneKernel } from '../kernel/world-kernel.ts';
import { Pipeline, groupRows } from '../pipeline.ts';
import type { PipelineOptions, QueueResult } from '../types.ts';
import {
  ABORT_IRREGULAR,
  ABORT_NONE,
  CTL_CHUNKS,
  CTL_DONE,
  CTL_GENERATION,
  CTL_READY,
  CTL_TICKET,
  CTL_TURN,
  LANE_CHUNK_PACKETS,
  CHUNK_RESERVE_BYTES,
  NUM_NUMBER,
  NUM_OFFSET,
  type LaneMemory,
  type LaneSlot,
} from './lane-memory.ts';

/** Where a chunk starts that follows on from another: known only when the one before has been walked. */
export interface LaneTurn {
  /** Where the chunk starts, undefined as long as chunk `chunk - 1` has not said where it ended. */
  take(chunk: number): { readonly offset: number; readonly number: number } | undefined;
  /** Says where the next chunk starts, and which number its first packet has. */
  pass(chunk: number, offset: number, number: number): void;
}

export const CHUNK_END = -1;
export const CHUNK_IRREGULAR = -2;
export const CHUNK_LATER = -3;

/**
 * Gives lanes the chunks of an input. Each lane has its own, over the same bytes. `read` fills the batch with the packets of a
 * chunk and returns the number of the first; CHUNK_END after the last chunk; CHUNK_IRREGULAR where only the ordinary reader can go on;
 * CHUNK_LATER if the chunk's turn has not come: the lane does something else and calls again.
 */
export interface LaneSource {
  read(chunk: number, batch: RecordBatch, turn: LaneTurn): number;
  /** The same by a kernel, where a source has that. */
  byKernel?(kernel: LaneKernel, reserve: Reserve, queues: number): SlotSource;
  close(): void;
}

/** Puts chunks into their slots itself, classified and sorted: see LaneSource.read. */
export interface SlotSource {
  read(chunk: number, slot: LaneSlot, turn: LaneTurn): number;
  /** Packets of the chunk read last. */
  readonly count: number;
}

export type LaneStep = 'worked' | 'idle' | 'done';

/** Longest wait for a change, ms: a bound, so that a lane whose partner died can see the abort. */
const WAIT_MS = 1_000;

/** A few microseconds. */
const LOOKS_BEFORE_SLEEP = 1_000;

/** Device queues of a lane: queue q belongs to lane q modulo lanes. */
export function laneQueues(queues: number, lane: number, lanes: number): number[] {
  return Array.from({ length: queues }, (_, q) => q).filter((q) => q % lanes === lane);
}

/** Bytes of reserve that the lanes of a run need together, or those before lane `until`. */
export function lanesReserve(scenario: Scenario, lanes: number, expectedFlows: number, until = lanes): number {
  const { queues } = scenario.device;
  let bytes = 0;
  for (let lane = 0; lane < until; lane++)
    bytes += Pipeline.reserveBytes(scenario, laneQueues(queues, lane, lanes).length, expectedFlows) + CHUNK_RESERVE_BYTES;
  return Math.ceil(bytes / 128) * 128;
}

/** Chunks of any source, by way of a batch. */
class BatchSource implements SlotSource {
  private readonly source: LaneSource;
  private readonly queues: number;
  private readonly batch = new RecordBatch(LANE_CHUNK_PACKETS);
  private readonly queueOf = new Uint8Array(LANE_CHUNK_PACKETS);

  constructor(source: LaneSource, queues: number) {
    this.source = source;
    this.queues = queues;
  }

  get count(): number {
    return this.batch.count;
  }

  read(chunk: number, slot: LaneSlot, turn: LaneTurn): number {
    const { batch } = this;
    batch.count = 0;
    const first = this.source.read(chunk, batch, turn);
    if (first < 0) return first;
    assert(batch.count <= LANE_CHUNK_PACKETS, 'a chunk fits its slot');
    classifyRange(batch, 0, batch.count, slot.rows, 0);
    groupRows(slot.rows, 0, batch.count, this.queues, slot.starts, this.queueOf, slot.order);
    slot.tsNs.set(batch.tsNs.subarray(0, batch.count));
    slot.lenBytes.set(batch.origLen.subarray(0, batch.count));
    return first;
  }
}

/** What one lane does. Knows nothing of threads but the shared memory: a test can drive several in one thread, step by step. */
export class LaneCore {
  readonly pipeline: Pipeline;
  private readonly memory: LaneMemory;
  private readonly lane: number;
  private readonly lanes: number;
  private readonly source: LaneSource;
  private readonly queues: number;
  private readonly slotSource: SlotSource;
  private consumed = 0;
  /** Chunk that this lane has taken a ticket for and not read, because its turn has not come; -1 for none. */
  private waiting = -1;
  private readonly turn: LaneTurn;

  constructor(options: {
    memory: LaneMemory;
    lane: number;
    lanes: number;
    scenario: Scenario;
    source: LaneSource;
    pipeline: Omit<PipelineOptions, 'queues'>;
    /** Code for a kernel; the memory must then have a reserve: see reserveBytes. */
    kernel?: WebAssembly.Module | undefined;
  }) {
    this.memory = options.memory;
    this.lane = options.lane;
    this.lanes = options.lanes;
    this.source = options.source;
    this.queues = options.scenario.device.queues;
    const kernel = this.kernelOf(options.kernel, options.scenario, options.pipeline.expectedFlows ?? 0);
    this.pipeline = new Pipeline(options.scenario, {
      sharedArena: true,
      ...options.pipeline,
      ...(kernel !== undefined && { kernel }),
      queues: laneQueues(this.queues, this.lane, this.lanes),
    });
    this.slotSource =
      (kernel && this.source.byKernel?.(kernel.kernel, kernel.reserve, this.queues)) ?? new BatchSource(this.source, this.queues);
    this.turn = { take: (chunk) => this.takeTurn(chunk), pass: (chunk, offset, number) => this.passTurn(chunk, offset, number) };
  }

  private kernelOf(module: WebAssembly.Module | undefined, scenario: Scenario, expectedFlows: number): PipelineOptions['kernel'] {
    const { room, reserveAt } = this.memory;
    if (module === undefined || !(room instanceof WebAssembly.Memory)) return undefined;
    const from = reserveAt + lanesReserve(scenario, this.lanes, expectedFlows, this.lane);
    const reserve = new Reserve(room.buffer, from, reserveAt + lanesReserve(scenario, this.lanes, expectedFlows, this.lane + 1));
    return { kernel: new LaneKernel({ module, memory: room }), reserve };
  }

  /** Works until the input has been run, or the run is aborted; waits where there is nothing to do. */
  run(): void {
    const { control } = this.memory;
    for (;;) {
      const generation = Atomics.load(control, CTL_GENERATION);
      const step = this.step();
      if (step === 'done') return;
      if (step === 'idle') this.wait(generation, WAIT_MS);
    }
  }

  /** The same in slices: at most `steps` steps and one wait of `waitMs`. True once nothing is left to do. */
  runSteps(steps: number, waitMs: number): boolean {
    const { control } = this.memory;
    for (let i = 0; i < steps; i++) {
      const generation = Atomics.load(control, CTL_GENERATION);
      const step = this.step();
      if (step === 'done') return true;
      if (step === 'idle' && !this.wait(generation, waitMs)) return false;
    }
    return false;
  }

  /** Waits until something has changed; looks for a while before it sleeps, since waking up takes longer. False if nothing did in time. */
  private wait(generation: number, waitMs: number): boolean {
    const { control } = this.memory;
    for (let i = 0; i < LOOKS_BEFORE_SLEEP; i++) if (Atomics.load(control, CTL_GENERATION) !== generation) return true;
    return Atomics.wait(control, CTL_GENERATION, generation, waitMs) !== 'timed-out';
  }

  /** One chunk run, or one chunk read for everybody, whichever is there to do. Others wait for a chunk that is to be read, so that goes first. */
  step(): LaneStep {
    const { memory } = this;
    if (memory.aborted !== ABORT_NONE) return 'done';
    if (this.waiting >= 0 && Atomics.load(memory.control, CTL_TURN) === this.waiting) {
      const chunk = this.waiting;
      this.waiting = -1;
      this.produce(chunk);
      return 'worked';
    }
    const slot = this.consumed % memory.slots.length;
    if (Atomics.load(memory.control, CTL_READY + slot) === this.consumed + 1) {
      this.consume(slot);
      return 'worked';
    }
    const chunks = Atomics.load(memory.control, CTL_CHUNKS);
    if (chunks >= 0 && this.consumed >= chunks) {
      this.pipeline.finish();
      return 'done';
    }
    const chunk = chunks < 0 && this.waiting < 0 ? this.claim() : -1;
    if (chunk < 0) return 'idle';
    this.produce(chunk);
    return 'worked';
  }

  results(): QueueResult[] {
    return this.pipeline.results();
  }

  private consume(slot: number): void {
    const { memory } = this;
    const { rows, order, starts, tsNs, lenBytes } = memory.slots[slot]!;
    this.pipeline.feedGrouped(rows, order, starts, memory.count(slot), tsNs, lenBytes, memory.firstNumber(slot));
    this.consumed++;
    Atomics.store(memory.control, CTL_DONE + this.lane, this.consumed);
    memory.changed();
  }

  /** A chunk whose slot is free, or -1. */
  private claim(): number {
    const { control, slots } = this.memory;
    for (;;) {
      const ticket = Atomics.load(control, CTL_TICKET);
      for (let lane = 0; lane < this.lanes; lane++) if (ticket - Atomics.load(control, CTL_DONE + lane) >= slots.length) return -1;
      if (Atomics.compareExchange(control, CTL_TICKET, ticket, ticket + 1) === ticket) return ticket;
    }
  }

  private produce(chunk: number): void {
    const { memory } = this;
    const slot = chunk % memory.slots.length;
    const first = this.slotSource.read(chunk, memory.slots[slot]!, this.turn);
    if (first === CHUNK_LATER) {
      this.waiting = chunk;
      return;
    }
    if (first === CHUNK_IRREGULAR) {
      memory.abort(ABORT_IRREGULAR);
      return;
    }
    if (first === CHUNK_END) {
      this.end(chunk);
      return;
    }
    memory.setChunk(slot, first, this.slotSource.count);
    Atomics.store(memory.control, CTL_READY + slot, chunk + 1);
    memory.changed();
  }

  /** The input ends before `chunk`. Lanes may have taken later tickets and find the same; the smallest counts. */
  private end(chunk: number): void {
    const { control } = this.memory;
    for (;;) {
      const known = Atomics.load(control, CTL_CHUNKS);
      if (known >= 0 && known <= chunk) break;
      if (Atomics.compareExchange(control, CTL_CHUNKS, known, chunk) === known) break;
    }
    this.memory.changed();
  }

  private takeTurn(chunk: number): { offset: number; number: number } | undefined {
    const { control, numbers } = this.memory;
    if (Atomics.load(control, CTL_TURN) !== chunk) return undefined;
    return { offset: numbers[NUM_OFFSET]!, number: numbers[NUM_NUMBER]! };
  }

  private passTurn(chunk: number, offset: number, number: number): void {
    const { control, numbers } = this.memory;
    numbers[NUM_OFFSET] = offset;
    numbers[NUM_NUMBER] = number;
    Atomics.store(control, CTL_TURN, chunk + 1);
    this.memory.changed();
  }
}

/**
 * Copies results out of the lane's own memory, and lists the buffers to hand over when they are posted to another thread. Without `flows` the
 * entries stay behind, which can be a hundred megabytes; their number does not.
 */
export function detachResults(results: readonly QueueResult[], flows = true): { results: QueueResult[]; transfer: ArrayBuffer[] } {
  const transfer: ArrayBuffer[] = [];
  const own = <T extends Int32Array | Uint32Array>(array: T): T => {
    const copy = array.slice() as T;
    transfer.push(copy.buffer as ArrayBuffer);
    return copy;
  };
  const copies = results.map((r) => ({
    ...r,
    ports: r.ports.map((p) => ({ ...p, delays: own(p.delays) })),
    flows: flows
      ? { ...r.flows, entries: own(r.flows.entries), tails: own(r.flows.tails), cold: own(r.flows.cold) }
      : { ...r.flows, count: 0, entries: new Int32Array(0), tails: new Int32Array(0), cold: new Int32Array(0) },
    series: r.series === null ? null : { ...r.series, max: own(r.series.max), last: own(r.series.last), drops: own(r.series.drops) },
  }));
  return { results: copies, transfer };
}
