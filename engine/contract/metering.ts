import { z } from 'zod';

/**
 * Burst regulation toward sockets: what a scenario says about the network, the meter and the sockets, and what a run says about
 * them. Names and defaults follow the parameter table of B-01 to B-22. Counts are per device queue, as everywhere in a scenario.
 */

const count = z.number().int().min(0);

export const NETWORK_PROFILES = ['lte', 'nr', 'wifi6', 'satellite', 'ethernet'] as const;
export type NetworkProfile = (typeof NETWORK_PROFILES)[number];

const bps = z.number().min(1_000).max(1e12);
const capabilityFields = {
  rat: z.string().max(32).describe('radio or link technology, for display'),
  peakBps: bps.describe('highest rate the network gives, bits per second'),
  sustainedBps: bps.describe('rate it gives over seconds, bits per second'),
  burstBytesMax: z.int().min(1).max(1e9).describe('largest burst it hands over at once, bytes'),
  burstPeriodUs: z.number().min(1).max(1e9).describe('usual time from burst to burst, microseconds'),
  rttUs: z.number().min(0).max(1e8).describe('usual round trip, microseconds'),
  mtu: z.int().min(576).max(65_535).describe('largest packet, bytes'),
};

/** B-02: a network capability record, complete. */
export const capabilitySchema = z.object(capabilityFields);
export type Capability = z.infer<typeof capabilitySchema>;

const capabilityOverridesSchema = z.strictObject(capabilityFields).partial().describe('fields that differ from the profile');
export type CapabilityOverrides = z.infer<typeof capabilityOverridesSchema>;

const conditionRowSchema = z.strictObject({
  atMs: z.number().min(0).max(1e9).describe('from this instant on, on the lab clock'),
  quality: z.number().min(0).max(1).default(1).describe('channel quality: 0 bad, 1 good'),
  currentBps: bps.optional().describe('rate the channel gives now; the drain rate stays below it'),
  loss: z.number().min(0).max(1).default(0).describe('share lost on the channel; lowers the quality that the drain law sees'),
  handover: z.boolean().default(false).describe('the machine moves to another cell: what was learnt of the gaps is forgotten'),
});
/** B-03 from an instant on. */

/** Largest CSV file of channel conditions, bytes: written into a scenario it still fits the scenario's own limit. */
export const MAX_CONDITIONS_FILE_BYTES = 524_288;

export const CONDITION_TRACES = ['steady', 'fading', 'handover', 'rows'] as const;

export const conditionsSchema = z.strictObject({
  trace: z
    .enum(CONDITION_TRACES)
    .default('steady')
    .describe('steady: one quality; fading: it rises and falls; handover: it falls, then jumps; rows: as given in rows, csv or csvFile'),
  quality: z.number().min(0).max(1).default(1).describe('quality of a steady channel, and the best of a generated one'),
  depth: z.number().min(0).max(1).default(0.8).describe('how far a generated channel falls below its best'),
  periodMs: z.number().min(1).max(1e6).default(2_000).describe('mean length of a fade, or time between two handovers'),
  stepMs: z.number().min(1).max(10_000).default(20).describe('time between two rows of a generated channel'),
  rows: z.array(conditionRowSchema).max(10_000).default([]).describe('channel conditions in order of time'),
  csv: z
    .string()
    .max(1_000_000)
    .default('')
    .describe('the same as CSV text with a head line: at_ms,quality and, if wanted, current_bps,loss,handover'),
  csvFile: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('a file of such text in place of csv, at most 512 KiB, found from the folder of the scenario; the command line reads it'),
});
export type ConditionsSpec = z.infer<typeof conditionsSchema>;

export const networkSchema = z
  .strictObject({
    profile: z.enum(NETWORK_PROFILES).default('ethernet').describe('capability record to begin with'),
    capability: capabilityOverridesSchema.optional(),
    changes: z
      .array(
        z.strictObject({
          atMs: z.number().min(0).max(1e9).describe('instant of the interface advisory, on the lab clock'),
          profile: z.enum(NETWORK_PROFILES).optional().describe('a whole record in place of the one before'),
          capability: capabilityOverridesSchema.optional(),
        }),
      )
      .max(1_000)
      .default([])
      .describe('interface advisories: the record changes while packets flow'),
    conditions: conditionsSchema.optional(),
  })
  .describe('the network behind the device: what the meter ring is sized and drained by');
export type NetworkSpec = z.infer<typeof networkSchema>;

export const METER_OVERFLOWS = ['tail_drop', 'head_drop', 'hold_in_pool'] as const;

export const meterSchema = z
  .strictObject({
    enable: z.boolean().default(true).describe('off: the switch hands packets straight to the sockets, for comparison'),
    intervalUs: z.number().min(10).max(10_000_000).default(1_000).describe('time from one release to the next, microseconds'),
    intervalMode: z
      .enum(['fixed', 'adaptive'])
      .default('fixed')
      .describe('adaptive: the interval follows packets and bytes of 10 ms windows in five levels'),
    portionCapBytes: z.int().min(64).max(16_777_216).default(16_384).describe('largest portion a socket gets at one release, bytes'),
    slotBytes: z.int().min(64).max(65_536).default(2_048).describe('bytes that a slot of the meter ring stands for'),
    minSlots: z.int().min(2).max(65_536).default(64).describe('the meter ring is never smaller'),
    maxSlots: z.int().min(2).max(65_536).default(8_192).describe('the meter ring is never larger'),
    fixedSlots: z.int().min(2).max(65_536).optional().describe('size of the ring whatever the network can do, for comparison'),
    holdTimeMs: z.number().min(0).max(10_000).default(10).describe('time at peak rate that the ring has room for beside one burst'),
    shrinkHoldDownMs: z.number().min(0).max(600_000).default(1_000).describe('a smaller size must be wanted for this long'),
    rateMinBps: bps.optional().describe('slowest drain; left out: the sustained rate of the network'),
    rateMaxBps: bps.optional().describe('fastest drain; left out: the peak rate of the network'),
    drain: z
      .enum(['channel', 'static'])
      .default('channel')
      .describe('channel: the drain time follows the gaps between bursts and the channel; static: the burst period of the record'),
    burstGapUs: z.number().min(1).max(10_000_000).default(1_000).describe('a silence of this length ends a burst, microseconds'),
    overflow: z
      .enum(METER_OVERFLOWS)
      .default('tail_drop')
      .describe('full ring: drop what comes, drop the oldest, or leave packets in the device pool until there is room'),
    grouping: z.enum(['interface', 'socket']).default('interface').describe('one ring for all sockets of the interface, or one for each'),
    maxAddedDelayMs: z
      .number()
      .min(0.01)
      .max(60_000)
      .default(100)
      .describe('a packet that has waited this long in the ring goes to its socket whatever rate and portion say'),
    earlyWake: z.boolean().default(false).describe('a socket that drains asks for its next portion before the interval is over'),
    jitterUs: z.number().min(0).max(1_000_000).default(0).describe('the release timer is late by up to this, by the seed'),
  })
  .describe('the meter ring inside the flow switch, in front of legacy sockets');
export type MeterSpec = z.infer<typeof meterSchema>;

export const socketsSchema = z
  .strictObject({
    by: z.enum(['flow', 'count']).default('flow').describe('flow: a socket for each flow; count: flows take turns on so many sockets'),
    count: z.int().min(1).max(65_536).default(1).describe('sockets where by is count'),
    max: z.int().min(1).max(65_536).default(16_384).describe('sockets at most where by is flow; later flows share them'),
    rcvbufBytes: z.int().min(64).max(1_073_741_824).default(131_072).describe('receive buffer of a socket, bytes'),
    readerBps: z
      .number()
      .min(0)
      .max(1e12)
      .default(400_000_000)
      .describe('rate at which the application reads, bits per second; 0: at once'),
    wakeUs: z.number().min(0).max(10_000_000).default(50).describe('from data in an empty buffer to the first read, microseconds'),
    maxUnitBytes: z.int().min(64).max(1_048_576).default(65_535).describe('larger packets are dropped with a reason of their own'),
    lowatBytes: z.int().min(1).max(1_073_741_824).default(1).describe('the application is woken when so many bytes wait'),
    mbufs: z.int().min(16).max(1_048_576).default(65_536).describe('packets that all receive buffers together can hold'),
    stalls: z
      .array(
        z.strictObject({
          atMs: z.number().min(0),
          forMs: z.number().min(0),
          socket: z.int().min(0).optional().describe('which socket; left out: all'),
        }),
      )
      .max(1_000)
      .default([])
      .describe('intervals in which an application does not read, on the lab clock'),
    closes: z
      .array(z.strictObject({ atMs: z.number().min(0), socket: z.int().min(0).optional().describe('which socket; left out: all') }))
      .max(1_000)
      .default([])
      .describe('a socket is closed: what waits for it is purged'),
  })
  .describe('sockets of legacy applications on the host port');
export type SocketsSpec = z.infer<typeof socketsSchema>;

// What a run says.

/** W-09: why the meter ring has the size it has. */
export const ringSizeSchema = z.object({
  tNs: z.number(),
  /** What happened: the run began, the record asks for more, for less, or less was wanted for the hold-down. */
  event: z.enum(['start', 'grow', 'shrink-wanted', 'shrink']),
  rat: z.string(),
  capability: capabilitySchema,
  /** Bytes for one burst and for `holdTimeMs` at peak rate. */
  burstBytes: z.number(),
  holdBytes: z.number(),
  /** Slots those bytes ask for, and slots in force after the event. */
  wantedSlots: count,
  slots: count,
  /** What decided: the larger term, a limit, or a fixed size. */
  drivenBy: z.enum(['burstBytesMax', 'peakBps', 'minSlots', 'maxSlots', 'fixedSlots']),
  /** The rule with its figures, in words. */
  rule: z.string(),
});
export type RingSizeRecord = z.infer<typeof ringSizeSchema>;

/** B-10 and 1.5: the meter of one queue at the end of a run, or at the playhead. */
export const meterStatsSchema = z.object({
  /** `host.meter.0`. */
  id: z.string(),
  port: z.string(),
  queue: count,
  enabled: z.boolean(),
  grouping: z.enum(['interface', 'socket']),
  overflow: z.enum(METER_OVERFLOWS),
  capability: capabilitySchema,
  /** Rings: 1, or one for each socket. Slots of one ring. */
  rings: count,
  slots: count,
  slotBytes: count,
  /** Slots in use over all rings; head and tail of the ring (of the first where there are several), positions 0..slots-1. */
  used: count,
  head: count,
  tail: count,
  bytes: count,
  /** Packets left in the device pool because the ring was full (hold_in_pool). */
  waiting: count,
  highWaterSlots: count,
  oldestNs: z.number(),
  // Meter clock (B-09) and drain law (B-16).
  intervalNs: z.number(),
  level: count,
  lastReleaseNs: z.number(),
  nextReleaseNs: z.number(),
  tokensBytes: z.number(),
  rateBps: z.number(),
  rateMinBps: z.number(),
  rateMaxBps: z.number(),
  targetNs: z.number(),
  expectedGapNs: z.number(),
  quality: z.number(),
  // Counters.
  rxPkts: count,
  rxBytes: count,
  bursts: count,
  burstMaxBytes: count,
  ringEnq: count,
  ringDeq: count,
  ringFullDrop: count,
  headDrop: count,
  heldInPool: count,
  waitingMax: count,
  sockFullDrop: count,
  oversizeDrop: count,
  closedDrop: count,
  mbufDrop: count,
  purge: count,
  stall: count,
  flushed: count,
  holdBytesMax: count,
  /** Releases: how often the meter woke, how often it gave nothing, portions, bytes. */
  wakeups: count,
  idleWakeups: count,
  portions: count,
  releasedBytes: count,
  /** Time in pool and ring beyond the switch: nearest-rank percentiles, microseconds. */
  addedDelayUs: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
  /** Sizes of the ring in order of time, the newest last; at most 64. */
  sizes: z.array(ringSizeSchema),
});
export type MeterStats = z.infer<typeof meterStatsSchema>;

export const socketRowSchema = z.object({
  /** `host.socket.0.7`: port, queue, socket. */
  id: z.string(),
  queue: count,
  socket: count,
  rcvbufBytes: count,
  fillBytes: count,
  fillMaxBytes: count,
  packets: count,
  bytes: count,
  readPackets: count,
  readBytes: count,
  /** Packets of this socket in the meter ring. */
  inRing: count,
  stalls: count,
  /** Longest time that the meter had to hold data for this socket, ns. */
  longestStallNs: z.number(),
  drops: count,
  closed: z.boolean(),
});
export type SocketRow = z.infer<typeof socketRowSchema>;

export const socketsStatsSchema = z.object({
  sockets: count,
  rcvbufBytes: count,
  deliveredPackets: count,
  deliveredBytes: count,
  readPackets: count,
  readBytes: count,
  drops: count,
  stalls: count,
  /** Sockets whose data was held for more than 10 s: a reader that has stopped. */
  stalledSockets: count,
  fillMaxBytes: count,
  /** Bytes and packets in all receive buffers at once, at most. */
  memoryMaxBytes: count,
  mbufsMax: count,
  /** The sockets with most drops, then stalls, then bytes; at most 64. */
  top: z.array(socketRowSchema),
});
export type SocketsStats = z.infer<typeof socketsStatsSchema>;

export const STAGES = ['device-switch', 'switch-ring', 'ring-release', 'release-read', 'channel', 'total'] as const;
export type Stage = (typeof STAGES)[number];

/** B-22: time that packets of a port spent in one stage, delivered packets only. Percentiles by nearest rank. */
export const stageStatsSchema = z.object({
  port: z.string(),
  kind: z.enum(['host', 'user']),
  stage: z.enum(STAGES),
  packets: count,
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  p999: z.number(),
  max: z.number(),
  mean: z.number(),
});
export type StageStats = z.infer<typeof stageStatsSchema>;
