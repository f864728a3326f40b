import { z } from 'zod';

/** Virtualised offloads: what a scenario says about them, and what a run of an input through them comes to (V-01 to V-15). */

export const OFFLOAD_MODES = ['auto', 'stack', 'copy', 'hardware'] as const;
export type OffloadMode = (typeof OFFLOAD_MODES)[number];

/** Aggregation limit; 0 switches it off. */
const aggregateKiB = z.number().min(0).max(63);

export const portOffloadsSchema = z
  .strictObject({
    capabilities: z
      .array(z.enum(['csum-partial', 'tso4', 'tso6', 'rx-agg', 'large-buf']))
      .max(5)
      .default(['csum-partial', 'tso4', 'tso6', 'rx-agg', 'large-buf'])
      .describe('what the port offers the stack behind it'),
    aggregateKiB: aggregateKiB.default(16).describe('longest aggregate of received TCP segments, KiB; 0 switches aggregation off'),
    maxBuflets: z.int().min(1).max(64).default(16).describe('buflets of one packet at most'),
    exact: z.boolean().default(false).describe('merge only what segmentation would restore byte for byte'),
    lowLatency: z
      .boolean()
      .default(false)
      .describe(
        'low-latency class: packets are handed over as they come, neither copied nor summed, without a moderated interrupt and past class queues',
      ),
    releasePackets: z.int().min(1).max(4_096).default(32).describe('packets that make a batch complete'),
    releaseTimeoutUs: z
      .number()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe('longest wait of a batch for more, microseconds; 0 releases it with each poll'),
  })
  .describe('offloads of the port');
export type PortOffloads = z.infer<typeof portOffloadsSchema>;

export const deviceOffloadsSchema = z
  .strictObject({
    mode: z.enum(OFFLOAD_MODES).default('auto').describe('who takes checksums; auto: the driver if it can, else the copy, else the stack'),
    rxChecksum: z.boolean().default(false).describe('the driver checks received packets'),
    txChecksum: z.boolean().default(false).describe('the driver fills checksums of sent packets'),
    tso: z.boolean().default(false).describe('the driver cuts large packets itself'),
    mtuBytes: z.int().min(576).max(65_535).default(1_500).describe('largest IP packet the link takes'),
    gsoKiB: z.number().min(0).max(63).default(16).describe('largest packet a stack of this machine hands over; 0: it cuts by itself'),
    gsoJoinUs: z
      .number()
      .min(0)
      .max(1_000_000)
      .default(50)
      .describe('segments of this machine with no longer silence between them were one packet of its stack, microseconds'),
    gsoBatch: z.int().min(1).max(64).default(8).describe('segments handed to the driver at once'),
    wakeAfterMs: z
      .number()
      .min(0)
      .max(3_600_000)
      .default(0)
      .describe('silence after which a packet wakes the machine; 0: it does not sleep'),
    reassembly: z.boolean().default(true).describe('IP fragments are put together before the switch'),
    reassemblyDatagrams: z.int().min(1).max(4_096).default(64).describe('datagrams put together at once, per queue'),
    reassemblyKiB: z.int().min(1).max(65_536).default(1_024).describe('fragment bytes that may wait, KiB per queue'),
    reassemblyTimeoutMs: z.number().min(1).max(120_000).default(60_000).describe('longest wait for the rest of a datagram'),
  })
  .describe('offloads of the driver, and of the switch before its ports');
export type DeviceOffloads = z.infer<typeof deviceOffloadsSchema>;

const n = z.number();
const named = z.object({ name: z.string(), text: z.string(), count: n });

/** A received packet made of several, or one of this machine that was cut into several, as a list shows it. */
export const superPacketRowSchema = z.object({
  /** Names it for `offload.superPacket`. */
  index: z.int(),
  direction: z.enum(['rx', 'tx']),
  tNs: n,
  port: z.string(),
  flow: z.string(),
  /** Numbers of the packets of the input that it is made of. */
  first: z.int(),
  last: z.int(),
  members: z.int(),
  bytes: z.int(),
});
export type SuperPacketRow = z.infer<typeof superPacketRowSchema>;

export const offloadReportSchema = z.object({
  kernel: z.string(),
  mtuBytes: n,
  ports: z.array(
    z.object({
      id: z.string(),
      rx: z.string(),
      tx: z.string(),
      cut4: z.string(),
      cut6: z.string(),
      because: z.string(),
      capabilities: z.array(z.string()),
      aggregateBytes: n,
      lowLatency: z.boolean(),
      exact: z.boolean(),
      packetsIn: n,
      packetsOut: n,
      merged: n,
      aggregates: n,
      bytesIn: n,
      bytesOut: n,
    }),
  ),
  rx: z.object({
    packetsIn: n,
    packetsOut: n,
    bytesIn: n,
    bytesOut: n,
    merged: n,
    aggregates: n,
    aggregateBytes: n,
    largestBytes: n,
    largestMembers: n,
    handedOver: n,
    lost: n,
    /** Packets whose padding found no buffer. */
    unpadded: n,
    polls: n,
    fast: n,
    slow: n,
    undone: n,
  }),
  reasons: z.array(named),
  sizes: z.array(z.object({ upTo: n, packets: n })),
  checksums: z.object({ good: n, bad: n, absent: n, unchecked: n }),
  tx: z.object({
    packetsIn: n,
    packetsOut: n,
    superPackets: n,
    segments: n,
    batches: n,
    declined: n,
    nomem: n,
    filled: n,
    bytesIn: n,
    bytesOut: n,
    wakeups: n,
    wakeupsCut: n,
  }),
  /** Every aggregate cut again and compared with the packets on the wire. */
  roundTrip: z.object({ aggregates: n, segments: n, identical: n, differs: z.array(named) }),
  /** Fragments taken in, datagrams put together of them, and what became of each fragment. */
  fragments: z.object({ taken: n, datagrams: n, reasons: z.array(named) }),
  releases: z.array(z.object({ cause: z.string(), batches: n })),
  delayNs: z.object({ p50: n, p99: n, max: n }),
  corruption: z.object({ injected: n, caught: n, missed: n }),
  buffers: z.object({ defaultHigh: n, largeHigh: n, failures: n }),
  notCarried: n,
  conserved: z.boolean(),
  outCrc32: z.string(),
  /** `kept` of all aggregates can be opened; `rows` are the largest of them, by bytes. */
  superPackets: z.object({ total: n, kept: n, rows: z.array(superPacketRowSchema) }),
});
export type OffloadReport = z.infer<typeof offloadReportSchema>;

/** Costs as measured on this machine; they are no part of a result. */
export const offloadCostsSchema = z.object({
  packets: n,
  bytes: n,
  rounds: n,
  /** 0 where the machine does not say. */
  cpuHz: n,
  rows: z.array(
    z.object({ id: z.string(), title: z.string(), group: z.enum(['mode', 'passes']), nsPerPacket: n, nsPerByte: n, cyclesPerByte: n }),
  ),
});
export type OffloadCosts = z.infer<typeof offloadCostsSchema>;

const rewrittenFieldSchema = z.object({
  field: z.string(),
  label: z.string(),
  /** Bytes of the header. */
  start: z.int(),
  length: z.int(),
  before: z.string(),
  after: z.string(),
});
export type RewrittenField = z.infer<typeof rewrittenFieldSchema>;

/** One aggregate, cut into its segments again, or one packet of this machine and the segments it was cut into. */
export const superPacketSchema = z.object({
  row: superPacketRowSchema,
  segmentBytes: n,
  /** Its header bytes, link header first. */
  header: z.instanceof(Uint8Array),
  payloadBytes: n,
  layers: z.array(z.object({ name: z.string(), start: z.int(), length: z.int() })),
  segments: z.array(
    z.object({
      /** Its packet in the input; where the input has the large packet whole, that. */
      number: z.int(),
      /** The input has the segment as a packet of its own, to compare with. */
      onWire: z.boolean(),
      offset: z.int(),
      payloadBytes: z.int(),
      header: z.instanceof(Uint8Array),
      rewritten: z.array(rewrittenFieldSchema),
      /** Fields in which the packet on the wire was different; empty if it was the same byte for byte. */
      differs: z.array(rewrittenFieldSchema),
    }),
  ),
});
export type SuperPacket = z.infer<typeof superPacketSchema>;

/** What may be set for one run without changing the scenario. */
export const offloadOverridesSchema = z.strictObject({
  mode: z.enum(OFFLOAD_MODES).optional(),
  aggregateKiB: aggregateKiB.optional(),
  mtuBytes: z.int().min(576).max(65_535).optional(),
  exact: z.boolean().optional(),
  /** Packets from these prefixes are this machine's own. */
  local: z.array(z.string()).max(64).optional(),
  /** One bit is turned in every so many packets between the sum and the next reader; 0: none. */
  corruptEvery: z.int().min(0).max(1e9).optional(),
});
export type OffloadOverrides = z.infer<typeof offloadOverridesSchema>;

const session = z.string();

/** The calls of the Offload panel. */
export const offloadCalls = {
  'offload.run': {
    title: 'The input through the offloads of its scenario; progress while it runs',
    request: z.strictObject({ session, overrides: offloadOverridesSchema.default({}) }),
    answer: offloadReportSchema,
  },
  'offload.superPacket': {
    title: 'One aggregate or one cut packet of the last run, opened into its segments',
    request: z.strictObject({ session, index: z.int().min(0) }),
    answer: superPacketSchema,
  },
  'offload.costs': {
    title: 'What the modes cost on packets of the input, measured now on this machine',
    request: z.strictObject({ session, overrides: offloadOverridesSchema.default({}) }),
    answer: offloadCostsSchema,
  },
} as const;
