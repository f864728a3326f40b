import type { Memento } from '../base/index.ts';
import type { LiveFrame, RunSummary, SeriesFrame, TraceRecord } from '../contract/index.ts';
import type { RecordBatch } from '../files/index.ts';
import type { Ladder } from '../stack/index.ts';
import type { QueueRegulation } from './metering/index.ts';
import type { FlowColumns } from '../wire/index.ts';
import type { Reserve } from './kernel/reserve.ts';
import type { LaneKernel } from './kernel/world-kernel.ts';
import type { PollSink } from './offload/poll-trace.ts';
import type { Pipeline } from './pipeline.ts';
import type { AdvisoryChange } from './stack-model/index.ts';

/**
 * The lab's public shapes. Times are integer nanoseconds on the lab clock in a float64 (W-01); packet numbers are 1-based and
 * count the records of the input in file order.
 */

/**
 * One verdict for each packet of the input, at index number - 1. `verdict` holds an index of VERDICTS, `detail` a drop code
 * (see DROP_REASONS) for a dropped packet and a port number (0 device, 1 host, 2.. user) for a delivered one. May be views on
 * shared memory: lanes write different bytes.
 */
export interface VerdictSink {
  readonly verdict: Uint8Array;
  readonly detail: Uint8Array;
}

/** Where trace records go. Called for every step of a packet it wants, so `wants` must be cheap. */
export interface TraceSink {
  /** Number 0 stands for events that belong to no packet. */
  wants(number: number): boolean;
  record(record: TraceRecord, number: number): void;
}

export interface SeriesOptions {
  /** End of the input on the lab clock. Left out where it is not known: bins then fold in pairs whenever time runs past them. */
  readonly durationNs?: number;
  /** Number of bins, at most MAX_SERIES_BINS, even. */
  readonly bins?: number;
}

export interface PipelineOptions {
  /** Device queues to simulate, all when left out. A lane has its own queues and skips packets of the others. */
  readonly queues?: readonly number[];
  readonly trace?: TraceSink;
  /** Told of every poll of the flow switch. */
  readonly polls?: PollSink;
  /** Left out: no series is kept. */
  readonly series?: SeriesOptions;
  readonly verdicts?: VerdictSink;
  /** How many flows to make room for at once, over all queues; more are taken as they come. */
  readonly expectedFlows?: number;
  /** Rules that user stacks have installed. */
  readonly ladder?: Ladder;
  /**
   * Put the arena into one shared WebAssembly memory and flow entries on cache lines, where the platform has it: for runs at full
   * speed. Costs address space, so short-lived pipelines do without.
   */
  readonly sharedArena?: boolean;
  /** Runs the queues where it can, out of `reserve`, which has room for all of them: see Pipeline.reserveBytes. */
  readonly kernel?: { readonly kernel: LaneKernel; readonly reserve: Reserve };
}

/** What a summary says beside the run itself. */
export interface SummaryInput {
  readonly skipped: Readonly<Record<string, number>>;
  readonly scenarioSha256: string;
}

/** State of all simulated queues at one instant. Holds only what is in use; restoring and going on equals never having stopped. */
export interface Snapshot {
  /** The instant up to which everything has happened. */
  readonly tNs: number;
  /** Number of the next packet to feed. */
  readonly nextNumber: number;
  readonly queues: readonly number[];
  /** One buffer of words for each queue, in the order of `queues`. */
  readonly words: readonly Float64Array[];
  readonly byteLength: number;
  /** What else there is to a snapshot that only the pipeline it was taken of can go back to; none for one that any can restore. */
  readonly own?: { readonly pipeline: Pipeline; readonly mementos: readonly Memento[] };
}

/** What one queue came to: everything a merge needs, plain data that can be posted between threads. */
export interface QueueResult {
  readonly queue: number;
  readonly endNs: number;
  readonly lastArrivalNs: number;
  readonly packets: number;
  readonly bytes: number;
  readonly rings: RunSummary['rings'];
  readonly pools: RunSummary['pools'];
  readonly ports: readonly QueuePortResult[];
  /** Drops by drop code. */
  readonly drops: readonly number[];
  readonly conservation: RunSummary['conservation']['objects'];
  readonly flowCount: number;
  readonly flowsExpired: number;
  readonly flowsBeyondLimit: number;
  /** Flow entries in first-seen order. */
  readonly flows: FlowColumns;
  readonly series: QueueSeries | null;
  /** Where the host port feeds sockets. */
  readonly regulation?: QueueRegulation;
  /** When flows were suspended and resumed; null without an advisory table. */
  readonly advisory: { readonly changes: readonly AdvisoryChange[]; readonly lost: number } | null;
}

export interface QueuePortResult {
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly maxDelayNs: number;
  /** Log histogram, see stack/histogram. */
  readonly delays: Uint32Array;
}

export interface QueueSeries {
  readonly binNs: number;
  readonly bins: number;
  /** Bins with a value; the rest lies after the end. */
  readonly filled: number;
  /** Object o, bin b at o * bins + b; the objects of one queue, rings then pools. */
  readonly max: Uint32Array;
  readonly last: Uint32Array;
  readonly drops: Uint32Array;
}

export interface RunOptions {
  readonly scenarioSha256: string;
  readonly series?: SeriesOptions;
  readonly verdicts?: VerdictSink;
  readonly trace?: TraceSink;
  /** Records of one executor step; has no influence on any result. */
  readonly batch?: number;
  readonly onProgress?: (packets: number, bytesRead: number, bytesTotal: number) => void;
  /** Asked once for every batch; true ends the run with `cancelled` in the result. */
  readonly shouldCancel?: () => boolean;
  readonly expectedFlows?: number;
}

/** Records of the input by number, in order, for seeking and explaining. */
export interface RecordAccess {
  /** Packets of the input. */
  readonly packets: number;
  /** Fills the batch with the records from `first` (1-based) on; returns how many, 0 after the end. */
  read(first: number, batch: RecordBatch): number;
}

export type { LiveFrame, RunSummary, SeriesFrame, TraceRecord };
