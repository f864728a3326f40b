import { z } from 'zod';
import { meterStatsSchema, socketsStatsSchema, stageStatsSchema } from './metering.ts';

const count = z.number().int().min(0);

export const RING_KINDS = ['rx', 'tx'] as const;

/** One ring at the end of a run, or at the playhead. */
export const ringStatsSchema = z.object({
  /** `device.rx.0`: port, direction, queue. */
  id: z.string(),
  port: z.string(),
  kind: z.enum(RING_KINDS),
  queue: count,
  slots: count,
  /** Slots in use now. */
  used: count,
  /** Positions 0..slots-1. The owner may read [head, tail). */
  head: count,
  tail: count,
  highWater: count,
  enqueued: count,
  dequeued: count,
  drops: count,
});
export type RingStats = z.infer<typeof ringStatsSchema>;

export const poolStatsSchema = z.object({
  id: z.string(),
  port: z.string(),
  queue: count,
  packets: count,
  bufferBytes: count,
  used: count,
  highWater: count,
  allocations: count,
  failures: count,
});
export type PoolStats = z.infer<typeof poolStatsSchema>;

export const portStatsSchema = z.object({
  id: z.string(),
  kind: z.enum(['device', 'host', 'user', 'translator', 'multicast']),
  packetsIn: count,
  bytesIn: count,
  delivered: count,
  dropped: count,
  /** Nanoseconds from the device to the reader: nearest-rank percentiles of delivered packets, from a histogram with 1/16-octave buckets. */
  delayNs: z.object({ p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() }),
});
export type PortStats = z.infer<typeof portStatsSchema>;

/** W-06: packets in = delivered + dropped + in flight, for one object. */
export const conservationSchema = z.object({
  ok: z.boolean(),
  objects: z.array(z.object({ obj: z.string(), in: count, delivered: count, dropped: count, inFlight: count, ok: z.boolean() })),
});
export type Conservation = z.infer<typeof conservationSchema>;

/**
 * What a replay came to. A pure function of input, scenario and seed: it holds nothing of the machine, the time of day, the
 * number of lanes or the size of batches.
 */
export const runSummarySchema = z.object({
  packets: count,
  bytes: count,
  flows: count,
  durationNs: z.number(),
  /** End of the run on the lab clock: the last event, at or after the last packet. */
  endNs: z.number(),
  rings: z.array(ringStatsSchema),
  pools: z.array(poolStatsSchema),
  ports: z.array(portStatsSchema),
  /** Drops by reason, in the words of the trace; reasons with no drop are left out. */
  drops: z.record(z.string(), count),
  /** Records of the input that could not be replayed, by reason. */
  skipped: z.record(z.string(), count),
  conservation: conservationSchema,
  /** Burst regulation: in runs whose host port has sockets. One meter for each queue. */
  meter: z.array(meterStatsSchema).optional(),
  sockets: socketsStatsSchema.optional(),
  stages: z.array(stageStatsSchema).optional(),
  scenario: z.object({ name: z.string(), sha256: z.string() }),
  seed: count,
});
export type RunSummary = z.infer<typeof runSummarySchema>;

/** Ring and pool occupancy over the whole run in equal bins. Row-major: object i, bin b at i * bins + b. */
export interface SeriesFrame {
  readonly startNs: number;
  readonly binNs: number;
  readonly bins: number;
  /** Ids of rings, then of pools. */
  readonly objects: readonly string[];
  /** Capacity of each object, slots or packets. */
  readonly capacity: Uint32Array;
  /** Largest and last occupancy inside the bin. */
  readonly max: Uint32Array;
  readonly last: Uint32Array;
  /** Drops inside the bin. */
  readonly drops: Uint32Array;
}

/** The input's overview for the timeline. */
export interface TimelineFrame {
  readonly startNs: number;
  readonly binNs: number;
  readonly bins: number;
  readonly packets: Uint32Array;
  readonly bytes: Float64Array;
  /** Drops of the current run by bin; all zero before it has finished. */
  readonly drops: Uint32Array;
}

/** What the panels draw in one animation frame: the state at the playhead. Objects stand in the order of `SeriesFrame.objects`. */
export interface LiveFrame {
  readonly tNs: number;
  readonly packets: number;
  readonly bytes: number;
  readonly drops: number;
  readonly flows: number;
  /** Packets inside rings now. */
  readonly held: number;
  /** Per object: used, head, tail, high-water, drops: five numbers each. */
  readonly objects: Uint32Array;
  /** Counts grow monotonically; a frame with the same revision needs no redraw. */
  readonly revision: number;
}

export const TRANSPORT_STATES = ['empty', 'indexing', 'stopped', 'playing', 'paused', 'ended', 'live'] as const;

/** Gaps longer than this are shortened to it when gaps are skipped: long enough that rings run empty before the eye, ns. */
export const SKIP_GAPS_NS = 1_000_000_000;

export const transportSchema = z.object({
  state: z.enum(TRANSPORT_STATES),
  tNs: z.number(),
  /** Number of the last packet fed, 0 before the first. */
  packet: count,
  /** Factor of capture time, or 0 for as fast as possible. */
  speed: z.number(),
  loop: z.object({ fromNs: z.number(), toNs: z.number() }).nullable(),
  /** Gaps of the input longer than this are shortened to it, ns; null plays every gap in full. */
  skipGapsNs: z.number().nullable(),
  /** The part of a gap that was left out last, since the last play; null where none was. */
  skipped: z.object({ fromNs: z.number(), toNs: z.number() }).nullable(),
  /** Wall time minus due time of replayed packets, ns; null before any was replayed to a clock. */
  errorNs: z.object({ p50: z.number(), p99: z.number(), max: z.number(), packets: count }).nullable(),
  /** False while a finished run for the current scenario is not there yet. */
  stale: z.boolean(),
});
export type Transport = z.infer<typeof transportSchema>;

export const flowRowSchema = z.object({
  id: z.int(),
  ipVersion: z.union([z.literal(0), z.literal(4), z.literal(6)]),
  protocol: z.string(),
  /** The side that was seen first. */
  source: z.string(),
  sourcePort: z.int(),
  destination: z.string(),
  destinationPort: z.int(),
  port: z.string(),
  packets: count,
  bytes: count,
  /** Sent by the first side, and by the other. */
  packetsForward: count,
  packetsBackward: count,
  drops: count,
  firstNs: z.number(),
  lastNs: z.number(),
  /** TCP state in RFC 9293 words; empty for other protocols. */
  tcpState: z.string(),
  firstPacket: z.int(),
});
export type FlowRow = z.infer<typeof flowRowSchema>;
export const FLOW_SORT_KEYS = [
  'id',
  'protocol',
  'source',
  'destination',
  'port',
  'packets',
  'bytes',
  'drops',
  'firstNs',
  'lastNs',
  'duration',
  'tcpState',
] as const;
