import { z } from 'zod';
import { capabilitySchema, meterStatsSchema, socketRowSchema, stageStatsSchema, type Capability } from './metering.ts';
import { runSummarySchema } from './run.ts';
import { sendersOutcomeSchema, sendersSchema } from './senders.ts';

/** What the Burst panel shows of the meter, its sockets and the path beside them. */

const u32 = z.instanceof(Uint32Array);
const f64 = z.instanceof(Float64Array);

/** 1.5: regulation over time in equal bins. Where the bins asked for are finer than those kept, values repeat. */
export interface BurstSeriesFrame {
  readonly startNs: number;
  readonly binNs: number;
  readonly bins: number;
  /** Width of the bins the run kept, ns: 100 us or a multiple. */
  readonly keptBinNs: number;
  /** Bytes that came to the sockets' side of the switch, were released to sockets, and were read by applications. */
  readonly arrivedBytes: Float64Array;
  readonly releasedBytes: Float64Array;
  readonly readBytes: Float64Array;
  readonly drops: Uint32Array;
  readonly stalls: Uint32Array;
  /** Releases of the meter. */
  readonly wakeups: Uint32Array;
  /** Largest values in the bin: slots in use, bytes in the ring, packets waiting in the pool, buflets of the device pool, of the user ports' pools. */
  readonly ringUsed: Uint32Array;
  readonly ringBytes: Float64Array;
  readonly waiting: Uint32Array;
  readonly poolUsed: Uint32Array;
  readonly userPoolUsed: Uint32Array;
  /** Last values in the bin. */
  readonly ringSlots: Uint32Array;
  readonly rateBps: Float64Array;
  readonly tokensBytes: Float64Array;
  readonly intervalUs: Float64Array;
  readonly quality: Float64Array;
  /** Capacity of the device pool and of the user ports' pools, buflets, over all queues. */
  readonly poolPackets: number;
  readonly userPoolPackets: number;
  /** Ids of sockets whose fill was kept, and their largest fill in the bin: socket s, bin b at s * bins + b. */
  readonly sockets: readonly string[];
  readonly rcvbufBytes: number;
  readonly socketFill: Uint32Array;
}

const burstSeriesFrame: z.ZodType<BurstSeriesFrame> = z.object({
  startNs: z.number(),
  binNs: z.number(),
  bins: z.int(),
  keptBinNs: z.number(),
  arrivedBytes: f64,
  releasedBytes: f64,
  readBytes: f64,
  drops: u32,
  stalls: u32,
  wakeups: u32,
  ringUsed: u32,
  ringBytes: f64,
  waiting: u32,
  poolUsed: u32,
  userPoolUsed: u32,
  ringSlots: u32,
  rateBps: f64,
  tokensBytes: f64,
  intervalUs: f64,
  quality: f64,
  poolPackets: z.number(),
  userPoolPackets: z.number(),
  sockets: z.array(z.string()),
  rcvbufBytes: z.number(),
  socketFill: u32,
});

/** Delays of one stage as a histogram: bucket i holds `packets[i]` packets whose time was at most `upToNs[i]`, and above the one before. */
export const stageHistogramSchema = stageStatsSchema.extend({ upToNs: z.array(z.number()), counts: z.array(z.number()) });
export type StageHistogram = z.infer<typeof stageHistogramSchema>;

/** One run as the Burst panel shows it; `summary` has the `meter`, `sockets` and `stages` blocks. */
export const burstOutcomeSchema = z.object({
  summary: runSummarySchema,
  series: burstSeriesFrame,
  stages: z.array(stageHistogramSchema),
});
export type BurstOutcome = z.infer<typeof burstOutcomeSchema>;

/** The meter at the playhead. */
export const burstStateSchema = z.object({
  tNs: z.number(),
  /** One for each device queue. */
  meters: z.array(meterStatsSchema),
  pools: z.array(z.object({ id: z.string(), packets: z.number(), used: z.number(), highWater: z.number(), failures: z.number() })),
  /** The fullest sockets, at most 32. */
  sockets: z.array(socketRowSchema),
});
export type BurstState = z.infer<typeof burstStateSchema>;

export const SOCKET_SORT_KEYS = ['socket', 'drops', 'stalls', 'bytes', 'fillBytes', 'fillMaxBytes', 'longestStallNs', 'inRing'] as const;
export type SocketSortKey = (typeof SOCKET_SORT_KEYS)[number];

/** A parameter of the scenario by its dotted path, with another value: `ports.host.meter.intervalUs`, 500. */
export const overrideSchema = z.strictObject({ path: z.string().max(200), value: z.union([z.string(), z.number(), z.boolean()]) });
export type Override = z.infer<typeof overrideSchema>;

const session = z.string();
const range = { fromNs: z.number(), toNs: z.number(), bins: z.int().min(1).max(4_096) };

export const burstCalls = {
  'burst.outcome': {
    title: 'Regulation in the finished run of the session; null where its scenario has neither sockets nor a meter',
    request: z.strictObject({ session, ...range }),
    answer: burstOutcomeSchema.nullable(),
  },
  'burst.run': {
    title: 'The input with parameters changed, with the meter on and off; the session itself stays as it is. Can be cancelled',
    request: z.strictObject({
      session,
      overrides: z.array(overrideSchema).max(64),
      ...range,
      /** Only so many packets from the start, for a first look; left out: all. */
      packets: z.int().min(1).optional(),
    }),
    answer: z.object({
      on: burstOutcomeSchema,
      off: burstOutcomeSchema,
      /** Packets that were run. */
      packets: z.int(),
      /** The scenario had no sockets or no meter: defaults were put on its host port. */
      adopted: z.boolean(),
      /** The scenario that was run with the meter on, as YAML, to be used for the session if wanted. */
      yaml: z.string(),
    }),
  },
  'burst.senders': {
    title: 'TCP senders that react, into the meter and sockets of the scenario with parameters changed, meter on and off. Can be cancelled',
    request: z.strictObject({ session, overrides: z.array(overrideSchema).max(64), senders: sendersSchema }),
    answer: z.object({
      on: sendersOutcomeSchema,
      off: sendersOutcomeSchema,
      /** The scenario had no sockets or no meter: defaults were put on its host port. */
      adopted: z.boolean(),
    }),
  },
  'burst.state': {
    title: 'Meter rings, pools and sockets at the playhead; null where the scenario has neither sockets nor a meter',
    request: z.strictObject({ session }),
    answer: burstStateSchema.nullable(),
  },
  'burst.sockets': {
    title: 'Sockets of the finished run, sorted',
    request: z.strictObject({
      session,
      sort: z.enum(SOCKET_SORT_KEYS),
      descending: z.boolean(),
      first: z.int().min(0),
      count: z.int().min(1).max(500),
    }),
    answer: z.object({ total: z.int(), rows: z.array(socketRowSchema) }),
  },
  'burst.conditions': {
    title: 'Reads and checks a CSV file of channel conditions, to be tried as device.network.conditions.csv',
    request: z.strictObject({ handle: z.string() }),
    answer: z.object({ name: z.string(), csv: z.string(), rows: z.int() }),
  },
  'burst.profiles': {
    title: 'The capability records that a scenario can name',
    request: z.strictObject({}),
    answer: z.object({ profiles: z.array(z.object({ id: z.string(), title: z.string(), capability: capabilitySchema })) }),
  },
} as const;

export interface NetworkProfileInfo {
  readonly id: string;
  readonly title: string;
  readonly capability: Capability;
}
