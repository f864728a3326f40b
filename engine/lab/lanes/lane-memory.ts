import { KernelChunk } from '../kernel/chunk.ts';
import { ROW_WORDS, alignedSharedBuffer } from '../../wire/index.ts';

/**
 * The memory that the lanes of one run share. Chunks of the input go through a window of slots, each with everything that the
 * lanes need of a chunk's packets:
 *
 *     control | generation | ticket | turn | chunks in all | abort | done by lane ... | chunk in slot ... |
 *     numbers | offset and number at the turn | first number, count by slot ... |
 *     slot    | rows | times | lengths | order by queue | bounds of queues |
 *
 * A lane takes a ticket, reads that chunk, classifies it, sorts its packets by queue into the chunk's slot and says so in
 * "chunk in slot". Every lane then runs its own queues over chunk 0, 1, 2 ... in order and counts in "done". A slot is written again when
 * all lanes are done with what it held.
 */

/**
 * Chunks in flight at most. Enough that no lane waits for another's hiccup, nor the first lane for the threads of the others to start;
 * few enough to stay in the last-level cache. One lane needs one.
 */
export const LANE_SLOTS = 32;

/** Packets of a chunk at most: 256 KiB of records that are nothing but their header. Memory that is not used is not committed. */
export const LANE_CHUNK_PACKETS = 16_384;

/** Bytes of a chunk. As for a single lane: the chunk stays in the second-level cache while it is parsed. */
export const CHUNK_BYTES = 256 * 1024;
/** Read beyond a chunk at once, so that the record that crosses its end is there in nearly every case. */
export const BEYOND_BYTES = 4 * 1024;
/** As the ordinary reader: a record that claims more is for it to judge. */
export const MAX_CAPTURED_BYTES = 262_144;
/** Bytes of a chunk whose last record is as large as can be. */
export const LARGEST_CHUNK_BYTES = CHUNK_BYTES + BEYOND_BYTES + MAX_CAPTURED_BYTES;
/** What a lane takes of its reserve to read chunks by a kernel. */
export const CHUNK_RESERVE_BYTES = KernelChunk.reserveBytes(LARGEST_CHUNK_BYTES, LANE_CHUNK_PACKETS);

/** Lanes at most: one queue each. */
export const MAX_LANES = 16;

const QUEUE_BOUNDS = 17;

export const CTL_GENERATION = 0;
export const CTL_TICKET = 1;
export const CTL_TURN = 2;
/** Chunks of the whole input, -1 while nobody has met its end. */
export const CTL_CHUNKS = 3;
export const CTL_ABORT = 4;
export const CTL_DONE = 5;
export const CTL_READY = CTL_DONE + MAX_LANES;
const CTL_WORDS = CTL_READY + LANE_SLOTS;

export const ABORT_NONE = 0;
/** The input has something that only the ordinary reader can deal with: the run starts again in one lane. */
export const ABORT_IRREGULAR = 1;
export const ABORT_CANCELLED = 2;
/** A lane failed; the others end. */
export const ABORT_FAILED = 3;

export const NUM_OFFSET = 0;
export const NUM_NUMBER = 1;
const NUM_SLOTS = 2;

export interface LaneSlot {
  readonly rows: Int32Array;
  readonly tsNs: Float64Array;
  readonly lenBytes: Uint32Array;
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
}

const align = (n: number): number => Math.ceil(n / 128) * 128 + 128;

const CONTROL_BYTES = align(CTL_WORDS * 4) + align((NUM_SLOTS + 2 * LANE_SLOTS) * 8);
const SLOT_BYTES =
  align(LANE_CHUNK_PACKETS * ROW_WORDS * 4) + align(LANE_CHUNK_PACKETS * 8) + 2 * align(LANE_CHUNK_PACKETS * 4) + align(QUEUE_BOUNDS * 4);

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

/** The memory itself, as it is handed from thread to thread: with a reserve behind the window where a kernel is to run the lanes. */
export type LaneRoom = WebAssembly.Memory | SharedArrayBuffer;

/** Memory for a window of `slots` chunks. What is not used is not committed. */
export function laneBuffer(slots: number): SharedArrayBuffer {
  return alignedSharedBuffer(CONTROL_BYTES + slots * SLOT_BYTES);
}

/** The same with `reserveBytes` behind it; undefined where there is no WebAssembly memory of that size. */
export function laneRoom(slots: number, reserveBytes: number): WebAssembly.Memory | undefined {
  const pages = Math.ceil((align(CONTROL_BYTES + slots * SLOT_BYTES) + reserveBytes) / PAGE_BYTES);
  if (pages > MAX_PAGES) return undefined;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch {
    return undefined;
  }
}

/** Views on the shared memory; each lane makes its own from the one buffer. */
export class LaneMemory {
  readonly room: LaneRoom;
  readonly buffer: ArrayBufferLike;
  readonly control: Int32Array;
  readonly numbers: Float64Array;
  /** The window: chunk n goes through slot n modulo its length. */
  readonly slots: readonly LaneSlot[];

  constructor(room: LaneRoom = laneBuffer(LANE_SLOTS), slots = LANE_SLOTS) {
    this.room = room;
    const buffer = room instanceof WebAssembly.Memory ? room.buffer : room;
    this.buffer = buffer;
    this.control = new Int32Array(buffer, 0, CTL_WORDS);
    this.numbers = new Float64Array(buffer, align(CTL_WORDS * 4), NUM_SLOTS + 2 * LANE_SLOTS);
    this.slots = Array.from({ length: slots }, (_, i) => {
      let at = CONTROL_BYTES + i * SLOT_BYTES;
      const take = (bytes: number): number => {
        const from = at;
        at += align(bytes);
        return from;
      };
      return {
        rows: new Int32Array(buffer, take(LANE_CHUNK_PACKETS * ROW_WORDS * 4), LANE_CHUNK_PACKETS * ROW_WORDS),
        tsNs: new Float64Array(buffer, take(LANE_CHUNK_PACKETS * 8), LANE_CHUNK_PACKETS),
        lenBytes: new Uint32Array(buffer, take(LANE_CHUNK_PACKETS * 4), LANE_CHUNK_PACKETS),
        order: new Uint32Array(buffer, take(LANE_CHUNK_PACKETS * 4), LANE_CHUNK_PACKETS),
        starts: new Uint32Array(buffer, take(QUEUE_BOUNDS * 4), QUEUE_BOUNDS),
      };
    });
  }

  /** Where the reserve begins. */
  get reserveAt(): number {
    return align(CONTROL_BYTES + this.slots.length * SLOT_BYTES);
  }

  /** Makes the memory ready for a run. `offset` is where the first record of the input begins. */
  start(offset: number): void {
    this.control.fill(0);
    this.control[CTL_CHUNKS] = -1;
    this.numbers[NUM_OFFSET] = offset;
    this.numbers[NUM_NUMBER] = 1;
  }

  /** First packet number of the chunk in a slot, and how many packets it has. */
  firstNumber(slot: number): number {
    return this.numbers[NUM_SLOTS + 2 * slot]!;
  }

  count(slot: number): number {
    return this.numbers[NUM_SLOTS + 2 * slot + 1]!;
  }

  setChunk(slot: number, firstNumber: number, count: number): void {
    this.numbers[NUM_SLOTS + 2 * slot] = firstNumber;
    this.numbers[NUM_SLOTS + 2 * slot + 1] = count;
  }

  get aborted(): number {
    return Atomics.load(this.control, CTL_ABORT);
  }

  /** Ends the run for all lanes; the first reason stays. */
  abort(reason: number): void {
    Atomics.compareExchange(this.control, CTL_ABORT, ABORT_NONE, reason);
    this.changed();
  }

  /** Wakes whoever waits for something to change. */
  changed(): void {
    Atomics.add(this.control, CTL_GENERATION, 1);
    Atomics.notify(this.control, CTL_GENERATION);
  }

  /** Packets that every lane has run. */
  packetsDone(lanes: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (let lane = 0; lane < lanes; lane++) least = Math.min(least, Atomics.load(this.control, CTL_DONE + lane));
    if (least === 0) return 0;
    const slot = (least - 1) % this.slots.length;
    return this.firstNumber(slot) + this.count(slot) - 1;
  }
}
