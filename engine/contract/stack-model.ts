import { z } from 'zod';

/**
 * What the Stack panel shows: nexus, ports, channels and stack instances, the arena and the caches, statistics as flat records, drops over
 * time, and the flow advisory. Times are ns on the lab clock.
 */
const count = z.number();
const session = z.string();

export const stackPortSchema = z.object({
  id: z.string(),
  number: z.int(),
  kind: z.string(),
  /** A channel is open, or it needs none. */
  open: z.boolean(),
  /** Who may open it, in words; empty for anybody. */
  binding: z.string(),
  packetsIn: count,
  delivered: count,
  dropped: count,
  rxUsed: count,
  rxSlots: count,
  txUsed: count,
  txSlots: count,
  poolUsed: count,
  poolPackets: count,
});
export type StackPort = z.infer<typeof stackPortSchema>;

export const STACK_STATES = ['running', 'closed', 'refused', 'defunct'] as const;
export const stackInstanceRowSchema = z.object({
  id: z.string(),
  port: z.string(),
  /** 0 where the scenario names no process. */
  pid: z.int(),
  executable: z.string(),
  state: z.enum(STACK_STATES),
  /** Device queues in which it runs: a worker of the switch makes its ring pair in one queue defunct alone. */
  queues: count,
  /** Why its channel was refused. */
  refusal: z.string(),
  endOfFile: z.boolean(),
  rules: count,
  reservations: count,
  /** Packets that it holds because their flows are suspended. */
  heldBack: count,
  mappedBytes: count,
  redirectedBytes: count,
});
export type StackInstanceRow = z.infer<typeof stackInstanceRowSchema>;

export const stackRuleSchema = z.object({
  name: z.string(),
  instance: z.string(),
  text: z.string(),
  installed: z.boolean(),
  reason: z.string(),
});

export const classQueueRowSchema = z.object({
  trafficClass: z.string(),
  mode: z.string(),
  packets: count,
  bytes: count,
  highWater: count,
  enqueued: count,
  dequeued: count,
  marked: count,
  spared: count,
  droppedCodel: count,
  droppedOverload: count,
  droppedTail: count,
  delayP50Ns: count,
  delayP99Ns: count,
  delayMaxNs: count,
});
export type ClassQueueRow = z.infer<typeof classQueueRowSchema>;

export const stackFaultRowSchema = z.object({
  id: z.string(),
  site: z.string(),
  port: z.string(),
  probability: z.number(),
  enabled: z.boolean(),
  asked: count,
  injected: count,
});

export const stackEventRowSchema = z.object({
  atNs: count,
  what: z.string(),
  outcome: z.enum(['waiting', 'done', 'refused', 'skipped']),
  text: z.string(),
});

export const stackTopologySchema = z.object({
  tNs: count,
  /** The scenario has a `stack` section. */
  modelled: z.boolean(),
  nexus: z.object({ activeFlows: count, maxFlows: count, rules: count, reservations: count, switched: count, queues: z.int() }),
  device: z.object({
    packetsIn: count,
    sent: count,
    dropped: count,
    rxUsed: count,
    rxSlots: count,
    txUsed: count,
    txSlots: count,
    poolUsed: count,
    poolPackets: count,
  }),
  ports: z.array(stackPortSchema),
  instances: z.array(stackInstanceRowSchema),
  rules: z.array(stackRuleSchema),
  reservations: z.array(z.object({ owner: z.string(), text: z.string() })),
  classQueues: z.array(classQueueRowSchema),
  faults: z.array(stackFaultRowSchema),
  events: z.array(stackEventRowSchema),
  worker: z.record(z.string(), count),
});
export type StackTopology = z.infer<typeof stackTopologySchema>;

export const arenaRegionSchema = z.object({
  kind: z.string(),
  owner: z.string(),
  bytes: count,
  segments: count,
  /** Segments by state; what is in none of the three is detached. */
  mapped: count,
  wired: count,
  redirected: count,
  /** False for buffers, which are counted while the bytes stay in the capture. */
  backed: z.boolean(),
});
export type ArenaRegionRow = z.infer<typeof arenaRegionSchema>;

export const cacheRowSchema = z.object({
  name: z.string(),
  objects: count,
  inUse: count,
  depotFull: count,
  depotEmpty: count,
  slabs: count,
  slabsActive: count,
  allocations: count,
  hits: count,
  swaps: count,
  exchanges: count,
  slabTakes: count,
  failures: count,
  pruned: count,
  rounds: count,
  cpus: z.array(z.object({ loaded: count, previous: count })),
});

export const stackArenaSchema = z.object({
  tNs: count,
  capacityBytes: count,
  usedBytes: count,
  segmentBytes: count,
  regions: z.array(arenaRegionSchema),
  /** Empty where the scenario has no `stack` section. */
  caches: z.array(cacheRowSchema),
});
export type StackArena = z.infer<typeof stackArenaSchema>;

export const statRecordSchema = z.object({
  table: z.string(),
  object: z.string(),
  name: z.string(),
  value: count,
  nexus: z.string().optional(),
  flow: z.int().optional(),
  pid: z.int().optional(),
  tuple: z.string().optional(),
});
export type StatisticsRecord = z.infer<typeof statRecordSchema>;

export const statFilterSchema = z.strictObject({
  table: z.string().optional(),
  /** Name of an object, or the beginning of it. */
  object: z.string().optional(),
  name: z.string().optional(),
  nexus: z.string().optional(),
  flow: z.int().min(0).optional(),
  pid: z.int().min(0).optional(),
  /** Part of a flow's tuple. */
  tuple: z.string().optional(),
});
export type StatisticsFilter = z.infer<typeof statFilterSchema>;

const traffic = { flows: count, packetsIn: count, packetsOut: count, bytesIn: count, bytesOut: count, drops: count };
const tcpConnections = z.object({ opening: count, established: count, closing: count, closed: count, outsideWindow: count });

/** The tables of S-10 that are made of flows: protocols of each stack, routes, and the logical links of the device. */
export const stackTrafficSchema = z.object({
  protocols: z.array(
    z.object({ stack: z.string(), table: z.enum(['ip', 'ip6', 'tcp', 'udp', 'quic']), ...traffic, connections: tcpConnections.nullable() }),
  ),
  /** Pairs of addresses in all, and those with the most bytes. */
  routes: z.object({ total: z.int(), rows: z.array(z.object({ here: z.string(), there: z.string(), ...traffic })) }),
  links: z.array(
    z.object({
      id: z.string(),
      rxPackets: count,
      rxBytes: count,
      rxRingDrops: count,
      txPackets: count,
      txOfferedBytes: count,
      txRingDrops: count,
      txQueued: count,
      linkBps: count,
    }),
  ),
});
export type StackTraffic = z.infer<typeof stackTrafficSchema>;

/** Drops by reason in equal bins of time: reason r, bin b at r * bins + b. */
export interface DropsOverTime {
  readonly startNs: number;
  readonly binNs: number;
  readonly bins: number;
  /** Reasons with a drop in the range, the most frequent first. */
  readonly reasons: readonly { readonly name: string; readonly text: string; readonly packets: number }[];
  readonly counts: Uint32Array;
}
const dropsOverTimeSchema: z.ZodType<DropsOverTime> = z.object({
  startNs: z.number(),
  binNs: z.number(),
  bins: z.int(),
  reasons: z.array(z.object({ name: z.string(), text: z.string(), packets: count })),
  counts: z.instanceof(Uint32Array),
});

export const advisoryFlowSchema = z.object({
  flow: z.int(),
  tuple: z.string(),
  /** Entry of the table at the playhead; null for a flow that has none now. */
  now: z.object({ suspended: z.boolean(), ceCount: count, packetCount: count }).nullable(),
  /** Times in which it was suspended, in the finished run. */
  spans: z.array(z.object({ fromNs: count, toNs: count })),
});
export type AdvisoryFlow = z.infer<typeof advisoryFlowSchema>;

export const stackAdvisoriesSchema = z.object({
  /** The scenario has an advisory table. */
  modelled: z.boolean(),
  entries: count,
  used: count,
  full: count,
  suspensions: count,
  resumptions: count,
  /** Flows in the range that were suspended, then others with an entry; at most 64. */
  flows: z.array(advisoryFlowSchema),
  /** Changes beyond what is kept. */
  changesLost: count,
});
export type StackAdvisories = z.infer<typeof stackAdvisoriesSchema>;

const range = { session, fromNs: z.number(), toNs: z.number() };
export const stackCalls = {
  'stack.topology': {
    title: 'Nexus, ports, channels and stack instances at the playhead',
    request: z.strictObject({ session }),
    answer: stackTopologySchema,
  },
  'stack.arena': {
    title: 'Regions of the arena and the caches in front of the pools, at the playhead',
    request: z.strictObject({ session }),
    answer: stackArenaSchema,
  },
  'stack.statistics': {
    title: 'Statistics at the playhead as flat records, filtered',
    request: z.strictObject({ session, filter: statFilterSchema, first: z.int().min(0), count: z.int().min(1).max(5_000) }),
    answer: z.object({ total: z.int(), records: z.array(statRecordSchema) }),
  },
  'stack.traffic': {
    title: 'IP, TCP, UDP and QUIC by stack, flow routes and logical links, at the playhead',
    request: z.strictObject({ session }),
    answer: stackTrafficSchema,
  },
  'stack.dropsOverTime': {
    title: 'Drops by reason between two times, of the finished run',
    request: z.strictObject({ ...range, bins: z.int().min(1).max(2_048) }),
    answer: dropsOverTimeSchema,
  },
  'stack.advisories': {
    title: 'Flow advisory: the table at the playhead, and when flows were suspended between two times of the finished run',
    request: z.strictObject(range),
    answer: stackAdvisoriesSchema,
  },
} as const;
