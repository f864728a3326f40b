import { z } from 'zod';

/** What an analysis of bursts asks and answers. Times are nanoseconds on the lab clock, rates bits per second, sizes bytes. */

const count = z.number().min(0);
const rate = z.int().min(1).max(1e12);
const bucket = z
  .int()
  .min(0)
  .max(2 ** 40);

export const MAX_BURST_SCALES = 12;
export const MAX_BURST_TOP = 100;
export const MAX_BURST_FLOWS = 20;

/** A meter of RFC 2697 (`single`) or RFC 2698 (`two`) to test conformance with. */
export const markerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('single'), cirBps: rate, cbsBytes: bucket, ebsBytes: bucket }),
  z.strictObject({ kind: z.literal('two'), cirBps: rate, cbsBytes: bucket, pirBps: rate, pbsBytes: bucket }),
]);
export type MarkerSettings = z.infer<typeof markerSchema>;

export const burstSettingsSchema = z.strictObject({
  /** Scales to look at. */
  scalesNs: z.array(z.int().min(1_000).max(3.6e12)).min(1).max(MAX_BURST_SCALES).default([1e4, 1e5, 1e6, 1e7, 1e8, 1e9]),
  /** Scale whose largest bursts are listed. */
  listScaleNs: z.int().min(1_000).max(3.6e12).default(1e6),
  /** Link or drain rate of the microburst arithmetic; null for none. */
  rateBps: rate.nullable().default(null),
  marker: markerSchema.nullable().default(null),
  /** The meter heeds the colour a packet came with, by the drop precedence of its DSCP. */
  colourAware: z.boolean().default(false),
  /** Added to the length of every packet: 24 for what Ethernet takes on the line, -14 for IP bytes only. */
  overheadBytes: z.int().min(-64).max(256).default(0),
  /** Entries of each list. */
  top: z.int().min(0).max(MAX_BURST_TOP).default(10),
});
export type BurstSettings = z.infer<typeof burstSettingsSchema>;
export type BurstSettingsInput = z.input<typeof burstSettingsSchema>;

/** Percentiles are nearest-rank from a histogram with sixteen buckets an octave; count, mean and max are exact. */
export const distributionSchema = z.object({ count, mean: count, p50: count, p95: count, p99: count, max: count });
export type DistributionSummary = z.infer<typeof distributionSchema>;

/** A run of packets in which no gap is longer than the scale. `endNs` is the time of its last packet. */
export const packetBurstSchema = z.object({
  startNs: z.number(),
  endNs: z.number(),
  firstPacket: count,
  lastPacket: count,
  packets: count,
  bytes: count,
});
export type PacketBurst = z.infer<typeof packetBurstSchema>;

export const scaleSummarySchema = z.object({
  scaleNs: count,
  /** Windows [k * scale, (k + 1) * scale) from the first packet to the last. */
  windows: count,
  emptyWindows: count,
  /** Bytes of a window, empty windows too. */
  windowBytes: distributionSchema,
  /** The fullest window in steps of a tenth. */
  peak: z.object({ bytes: count, startNs: z.number(), firstPacket: count }),
  /** Peak over the mean of all windows. */
  peakToMean: count,
  /** Windows that brought more than the rate takes in that time, and by how much; null without a rate. */
  above: z.object({ windows: count, bytes: count, maxBytes: count }).nullable(),
  bursts: z.object({
    count,
    /** Bursts of one packet. */
    single: count,
    bytes: distributionSchema,
    packets: distributionSchema,
    durationNs: distributionSchema,
    /** From the last packet of a burst to the first of the next. */
    gapNs: distributionSchema,
  }),
});
export type ScaleSummary = z.infer<typeof scaleSummarySchema>;

/** A busy period of a queue drained at a rate: from the packet that found it empty until it is empty again. */
export const microburstSchema = z.object({
  startNs: z.number(),
  endNs: z.number(),
  firstPacket: count,
  lastPacket: count,
  packets: count,
  bytes: count,
  /** Largest level: the buffer that loses nothing of it. */
  peakBytes: count,
  peakNs: z.number(),
  peakPacket: count,
  /** Time the queue needs at the peak to run empty. */
  drainNs: count,
});
export type Microburst = z.infer<typeof microburstSchema>;

export const queueSummarySchema = z.object({
  rateBps: rate,
  /** Smallest buffer, and smallest token bucket, that loses nothing at this rate. */
  bufferBytes: count,
  /** Time that buffer takes to drain: the longest delay it adds. */
  bufferNs: count,
  peakNs: z.number(),
  peakPacket: count,
  busyPeriods: count,
  busyNs: count,
  /** Peaks of the busy periods. */
  peakBytes: distributionSchema,
  microbursts: z.array(microburstSchema),
});
export type QueueSummary = z.infer<typeof queueSummarySchema>;

const colourTotals = z.object({
  packets: count,
  bytes: count,
  /** Number of the first packet of the colour, 0 for none. */
  firstPacket: count,
});
export type ColourTotals = z.infer<typeof colourTotals>;

export const markerSummarySchema = z.object({
  marker: markerSchema,
  colourAware: z.boolean(),
  green: colourTotals,
  yellow: colourTotals,
  red: colourTotals,
  /**
   * Smallest bucket that finds every packet conforming at the committed rate, and at the peak rate of a two rate meter. Color-aware: that
   * keeps every packet green which came green, and turns none red which did not come red.
   */
  smallestCommittedBytes: count,
  smallestPeakBytes: count.nullable(),
});
export type MarkerSummary = z.infer<typeof markerSummarySchema>;

/** Smallest bucket at a rate; null where the queue grew beyond what is counted exactly, 562 MB or more. */
export const curvePointSchema = z.object({ rateBps: rate, bucketBytes: count.nullable() });
export type CurvePoint = z.infer<typeof curvePointSchema>;

export const burstReportSchema = z.object({
  packets: count,
  /** With the overhead. */
  bytes: count,
  overheadBytes: z.int(),
  startNs: z.number(),
  durationNs: count,
  /** Bytes over the time from the first packet to the last; 0 where that is no time. */
  meanBps: count,
  maxPacketBytes: count,
  /** Packets stamped before the one in front of them: they count at its time. */
  backwards: count,
  /** Between packets. */
  gapNs: distributionSchema,
  scales: z.array(scaleSummarySchema),
  listScaleNs: count,
  /** The largest bursts by bytes at that scale. */
  top: z.array(packetBurstSchema),
  queue: queueSummarySchema.nullable(),
  conformance: markerSummarySchema.nullable(),
  /** Six rates a decade, 1 kbit/s to 1 Tbit/s. */
  curve: z.array(curvePointSchema),
});
export type BurstReport = z.infer<typeof burstReportSchema>;

/** One direction of a flow, with its bursts. */
export const flowBurstsSchema = z.object({
  ipVersion: z.union([z.literal(0), z.literal(4), z.literal(6)]),
  protocol: z.string(),
  source: z.string(),
  sourcePort: count,
  destination: z.string(),
  destinationPort: count,
  report: burstReportSchema,
});
export type FlowBursts = z.infer<typeof flowBurstsSchema>;

export const burstAnalysisSchema = z.object({
  report: burstReportSchema,
  /** The flows with most bytes, each direction by itself. */
  flows: z.array(flowBurstsSchema),
});
export type BurstAnalysisAnswer = z.infer<typeof burstAnalysisSchema>;

export const burstAnalysisCalls = {
  'bursts.analyse': {
    title: 'Bursts of the input: scales, microbursts at a rate, conformance, smallest bucket; can be cancelled',
    request: z.strictObject({
      session: z.string(),
      settings: burstSettingsSchema.prefault({}),
      flows: z.int().min(0).max(MAX_BURST_FLOWS).default(0),
    }),
    answer: burstAnalysisSchema,
  },
} as const;
