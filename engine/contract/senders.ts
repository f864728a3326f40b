import { z } from 'zod';

/** What a closed loop asks and answers: TCP senders that react to the meter and to drops (spec 1.7, experiment 7). */

export const SENDER_ALGORITHMS = ['reno', 'cubic'] as const;
export type SenderAlgorithm = (typeof SENDER_ALGORITHMS)[number];

/** Segments that the path of a run can carry, at most: some seconds of work, and 20 MB. */
export const MAX_SENDER_SEGMENTS = 2_000_000;

const rate = z.int().min(1_000).max(1e11);

export const sendersSchema = z
  .strictObject({
    algorithm: z
      .enum(SENDER_ALGORITHMS)
      .default('cubic')
      .describe('window rules of RFC 5681 (reno) or of RFC 8312 as RFC 9438 has them (cubic)'),
    flows: z.int().min(1).max(256).default(1).describe('senders, each with all the data it can send'),
    durationS: z.number().min(0.1).max(600).default(10).describe('seconds of lab time'),
    rateBps: rate.default(80_000_000).describe('bottleneck of the network, bits per second'),
    queueBytes: z.int().min(1_500).max(1_000_000_000).default(1_500_000).describe('queue in front of the bottleneck, bytes'),
    rttMs: z.number().min(0.01).max(10_000).default(40).describe('round trip without any queue, milliseconds'),
    grantMs: z.number().min(0).max(10_000).default(40).describe('the modem hands over what has come every so often; 0: at once'),
    lineBps: rate.default(2_000_000_000).describe('rate at which the modem hands over, bits per second'),
    mss: z.int().min(64).max(16_000).default(1_400).describe('data of a segment, bytes'),
    windowBytes: z
      .int()
      .min(1_000)
      .max(1_000_000_000)
      .default(2_000_000)
      .describe('window that receivers advertise: a promise, which may exceed the receive buffer'),
    minRtoMs: z.number().min(1).max(60_000).default(200).describe('shortest retransmission timeout, milliseconds'),
  })
  .refine(({ durationS, rateBps, mss }) => (durationS * rateBps) / 8 / mss <= MAX_SENDER_SEGMENTS, {
    path: ['durationS'],
    error: `more than ${MAX_SENDER_SEGMENTS.toLocaleString('en-US')} segments: a shorter time, a lower rate or larger segments`,
  })
  .refine(({ mss, windowBytes }) => windowBytes >= mss, {
    path: ['windowBytes'],
    error: 'smaller than one segment: nothing could ever be sent',
  })
  .describe('TCP senders, and the network between them and this host');
export type SendersSpec = z.infer<typeof sendersSchema>;
export type SendersInput = z.input<typeof sendersSchema>;

/** Bins of `SendersSeries`. */
export const SENDERS_BINS = 200;

const u32 = z.instanceof(Uint32Array);
const f64 = z.instanceof(Float64Array);

/** A closed loop over time, in `SENDERS_BINS` equal bins from 0 on. */
export interface SendersSeries {
  readonly binNs: number;
  /** In-order data at the receivers. */
  readonly goodputBytes: Float64Array;
  /** Mean of the round trips that the senders measured; 0 where none was. */
  readonly rttNs: Float64Array;
  /** Windows of all senders together at the end of the bin. */
  readonly windowBytes: Float64Array;
  /** Segments lost, wherever. */
  readonly lost: Uint32Array;
}

const seriesSchema: z.ZodType<SendersSeries> = z.object({ binNs: z.number(), goodputBytes: f64, rttNs: f64, windowBytes: f64, lost: u32 });

const percentiles = { p50: z.number(), p99: z.number() };

export const sendersOutcomeSchema = z.object({
  /** In-order data at the receivers, bits per second. */
  goodputBps: z.number(),
  sent: z.number(),
  retransmits: z.number(),
  /** Retransmissions of segments that the receiver had already. */
  spurious: z.number(),
  fastRetransmits: z.number(),
  timeouts: z.number(),
  /** Losses by place: `network` for the bottleneck's queue, the others as drop reasons. */
  losses: z.record(z.string(), z.number()),
  rttMs: z.object({ base: z.number(), ...percentiles, mean: z.number() }),
  /** What pool and meter ring added to the way of a segment. */
  meterMs: z.object(percentiles),
  /** Events that found no room: segments, acknowledgments or timers that were lost to the model. */
  eventsRefused: z.number(),
  /** Segments sent that are accounted for: in the path, dropped or handed to a receiver. */
  conserved: z.boolean(),
  series: seriesSchema,
});
export type SendersOutcome = z.infer<typeof sendersOutcomeSchema>;

/** Segments lost at this host: everything but the network's queue. */
export function lostAtHost({ losses }: Pick<SendersOutcome, 'losses'>): number {
  return Object.entries(losses).reduce((sum, [place, n]) => (place === 'network' ? sum : sum + n), 0);
}
