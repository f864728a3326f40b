import { z } from 'zod';

/**
 * Terminals as converters: a network of IPv4, IPv6 and dual terminals in which dual ones convert addresses for the calls of others
 * (T-01 to T-20). One file describes the network, who calls whom, and what goes wrong when.
 */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a lower-case name of up to 32 letters, digits and hyphens that starts with a letter');

export const ACCESS_KINDS = ['ethernet', 'wifi', 'lte', 'nr', 'dsl'] as const;

const accessSchema = z
  .strictObject({
    kind: z.enum(ACCESS_KINDS).default('ethernet').describe('interface type, as a terminal announces it'),
    rttMs: z.number().min(0).max(10_000).default(10).describe('round trip to the core of the network, milliseconds'),
    jitterMs: z.number().min(0).max(10_000).default(0.5).describe('most that a packet is late, milliseconds; order is kept'),
    lossPercent: z.number().min(0).max(100).default(0).describe('packets lost each way, percent'),
    bandwidthBps: z.number().min(1_000).max(1e12).default(1e8).describe('bits per second each way'),
    queueMs: z.number().min(1).max(10_000).default(100).describe('longest wait for the link; packets that would wait longer are dropped'),
  })
  .describe('access link of one family');
export type AccessSpec = z.infer<typeof accessSchema>;

export const CONVERTER_NATS = ['none', 'endpoint-independent', 'peer-dependent'] as const;

const converterSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('configured to convert: one that is capable but not enabled never answers (T-03)'),
    capacity: z.int().min(1).max(10_000).default(4).describe('sessions converted at most (T-07)'),
    relayUs: z.number().min(0).max(1e6).default(40).describe('processor time for one packet, microseconds'),
    queuePackets: z.int().min(1).max(65_536).default(64).describe('packets that may wait for the processor'),
    ownCallShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('share of the capacity kept back while the terminal is in a call of its own; one session is always left (T-07)'),
    ownPriority: z.boolean().default(true).describe("packets of the terminal's own call do not wait behind relayed ones"),
    ratePps: z.number().min(1).max(1e7).default(400).describe('packets per second of one session at most (T-15)'),
    nat: z
      .enum(CONVERTER_NATS)
      .default('none')
      .describe(
        'IPv4 NAT in front of it (RFC 4787 section 4.1): with endpoint-independent mapping it gives out the address of the NAT and sends first, so that the party gets in; with another port for every peer it has to refuse',
      ),
    chargePercent: z.number().min(0).max(100).optional().describe('battery charge; left out: mains'),
  })
  .describe('the role of converter; only dual terminals have it');

const groupSchema = z.strictObject({
  id: name.describe('name of the terminal, or the front of the names of a group: phone makes phone-1, phone-2, ...'),
  count: z.int().min(1).max(20_000).default(1).describe('terminals of the group'),
  family: z.enum(['v4', 'v6', 'dual']),
  link4: accessSchema.prefault({}),
  link6: accessSchema.prefault({}),
  rttSpreadPercent: z.number().min(0).max(100).default(0).describe('by how much the round trip of each terminal of the group differs'),
  converter: converterSchema.optional(),
});

const weightsSchema = z
  .strictObject({
    free: z.number().min(0).max(100).default(1).describe('share of the capacity that is free'),
    rtt: z.number().min(0).max(100).default(1).describe('round trip through the candidate, per 100 ms'),
    loss: z.number().min(0).max(100).default(0.5).describe('loss on the path through the candidate, per percent'),
    ownCall: z.number().min(0).max(100).default(0.5).describe('in a call of its own'),
    battery: z.number().min(0).max(100).default(0.3).describe('share of the battery that is used up'),
    hysteresis: z.number().min(0).max(100).default(0.2).describe('bonus of the converter that has the session now'),
  })
  .describe('score = free - rtt - loss - own call - battery + hysteresis (T-05)');

export const SELECTION_RULES = ['score', 'rendezvous', 'least-loaded', 'rtt', 'random'] as const;

const switchSchema = z.strictObject({
  count: z.int().min(1).max(4).default(1).describe('switches; calls are spread over them, the registry is common'),
  rttMs: z.number().min(0).max(1_000).default(2).describe('round trip from a switch to the core, milliseconds'),
  converters: z
    .enum(['terminals', 'gateway'])
    .default('terminals')
    .describe('terminals: terminals convert, the gateway is the fallback; gateway: only the central gateway converts (the baseline)'),
  discovery: z.enum(['directory', 'multicast']).default('directory').describe('ask the registry, or ask the terminals themselves (T-02)'),
  selection: z.enum(SELECTION_RULES).default('score').describe('how candidates are ranked (T-05)'),
  weights: weightsSchema.prefault({}),
  refusals: z.int().min(1).max(32).default(3).describe('candidates that may refuse before the fallback is used (T-06)'),
  answerMs: z.number().min(1).max(10_000).default(150).describe('time a candidate has to answer a reservation, milliseconds'),
  queryMs: z.number().min(1).max(10_000).default(60).describe('time for answers to a multicast query, milliseconds'),
  overlapMs: z.number().min(0).max(60_000).default(300).describe('how long the old converter goes on beside the new one (T-16)'),
});

const gatewaySchema = z
  .strictObject({
    capacity: z.int().min(1).max(1_000_000).default(200).describe('sessions at most'),
    relayUs: z.number().min(0).max(1e6).default(5).describe('processor time for one packet, microseconds'),
    link: accessSchema.prefault({ rttMs: 30 }),
  })
  .describe('central gateway that converts: the fallback, and the baseline for comparison');

const callSchema = z.strictObject({
  atS: z.number().min(0).max(86_400).describe('when it is placed, seconds'),
  from: name,
  to: name,
  holdS: z.number().min(0.01).max(86_400).default(10).describe('seconds from answer to hang-up'),
});

const loadSchema = z
  .strictObject({
    perS: z.number().min(0).max(10_000).default(0).describe('calls placed per second (Poisson)'),
    holdS: z.number().min(0.01).max(86_400).default(20).describe('mean time from answer to hang-up (exponential)'),
    untilS: z.number().min(0).max(86_400).optional().describe('no call is placed after this'),
    pairs: z
      .enum(['any', 'mixed'])
      .default('any')
      .describe('any: two terminals that are free; mixed: one that has only IPv4 and one that has only IPv6'),
  })
  .describe('calls between random terminals');

const mediaSchema = z
  .strictObject({
    packetMs: z.number().min(1).max(1_000).default(20).describe('time between two packets of a direction'),
    payloadBytes: z.int().min(1).max(1_200).default(160).describe('bytes of voice in a packet'),
    rtcp: z.boolean().default(true).describe('reports about the media, every few seconds from each party (RFC 3550 section 6)'),
    enabled: z.boolean().default(true).describe('false: calls are set up and counted, no media flows'),
  })
  .describe('RTP of a call, both ways');

export const CONVERTER_EVENTS = [
  'leave',
  'kill',
  'join',
  'enable',
  'disable',
  'own-call',
  'renumber',
  'lose-family',
  'regain-family',
] as const;

const eventSchema = z.strictObject({
  atS: z.number().min(0).max(86_400),
  kind: z.enum(CONVERTER_EVENTS).describe(
    'leave: drain, then go (T-16); kill: go without a word (T-17); join: come back; own-call: a call of its own begins (for holdS); renumber: new addresses; lose-family, regain-family: one family is gone, and back',
  ), // prettier-ignore
  terminal: name,
  family: z.enum(['v4', 'v6']).optional().describe('for lose-family and regain-family'),
  holdS: z.number().min(0.01).max(86_400).default(10).describe('for own-call'),
});

const churnSchema = z
  .strictObject({
    perMinute: z.number().min(0).max(10_000).default(0).describe('converters that leave per minute, all together (Poisson)'),
    gracefulShare: z.number().min(0).max(1).default(1).describe('share of them that drain first'),
    awayS: z.number().min(0.1).max(86_400).default(30).describe('mean time until one is back (exponential)'),
  })
  .describe('converters that come and go');

export const convertersSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens')
      .describe('name of the scenario'),
    title: z.string().max(120).default(''),
    description: z.string().max(4_000).default(''),
    seed: z.int().min(0).max(0xffffffff).default(1).describe('seed of everything random'),
    durationS: z.number().min(0.1).max(86_400).default(60).describe('no call is placed and no event happens after this'),
    switch: switchSchema.prefault({}),
    gateway: gatewaySchema.nullable().prefault({}).describe('null: there is none, and a call without a converter fails'),
    registry: z
      .strictObject({
        refreshS: z.number().min(0.1).max(3_600).default(10).describe('seconds between two announcements of a converter (T-01)'),
        expiry: z.number().min(1).max(100).default(3).describe('an announcement holds for so many refresh intervals'),
      })
      .prefault({}),
    style: z
      .enum(['binding', 'prefix'])
      .default('binding')
      .describe('binding: ports are reserved for each leg; prefix: addresses are mapped without ports (T-12)'),
    media: mediaSchema.prefault({}),
    terminals: z.array(groupSchema).min(1).max(256),
    calls: z.array(callSchema).max(100_000).default([]),
    load: loadSchema.prefault({}),
    churn: churnSchema.prefault({}),
    events: z.array(eventSchema).max(10_000).default([]),
  })
  .describe('Ringside converters scenario');
export type ConvertersSpec = z.infer<typeof convertersSchema>;
export type ConvertersInput = z.input<typeof convertersSchema>;
export type ConverterGroup = ConvertersSpec['terminals'][number];

const count = z.number().int().min(0);

/** Transmission conditions of a link (T-04). */
const linkFactsShape = {
  kind: z.enum(ACCESS_KINDS),
  rttMs: z.number(),
  lossPercent: z.number(),
  jitterMs: z.number(),
  bandwidthBps: z.number(),
};
export type ConverterLinkFacts = z.infer<z.ZodObject<typeof linkFactsShape>>;

export const CANDIDATE_OUTCOMES = ['chosen', 'refused', 'no answer', 'not asked', 'full', 'excluded'] as const;

/** T-20: one choice of a converter with everybody who could have been chosen. */
export const converterDecisionSchema = z.object({
  tNs: z.number(),
  session: z.int(),
  cause: z.enum(['set-up', 'drain', 'failure', 'overload', 'renumber']),
  rule: z.enum(SELECTION_RULES),
  /** In the order of their rank. */
  candidates: z.array(
    z.object({
      id: z.string(),
      score: z.number(),
      /** Terms of the score, signed as they were added. */
      terms: z.object({
        free: z.number(),
        rtt: z.number(),
        loss: z.number(),
        ownCall: z.number(),
        battery: z.number(),
        hysteresis: z.number(),
      }),
      rttMs: z.number(),
      /** Conditions between each party and the candidate, IPv4 first: sums of both links, the smaller bandwidth, the candidate's interface (T-04). */
      legs: z.array(z.object({ family: z.union([z.literal(4), z.literal(6)]), ...linkFactsShape })),
      freeSessions: z.int(),
      outcome: z.enum(CANDIDATE_OUTCOMES),
      /** In words: why it was chosen, or why not. */
      why: z.string(),
    }),
  ),
  /** Candidates behind those listed. */
  others: count,
  /** Known terminals that were no candidates, by reason. */
  apart: z.record(z.string(), count),
  /** Id of the converter, `gateway`, or empty where there was none. */
  chosen: z.string(),
  sentence: z.string(),
});
export type ConverterDecision = z.infer<typeof converterDecisionSchema>;

const legSchema = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  /** Where the party sends to, and what the party is. `address` and port of RTP; RTCP is one above. */
  local: z.string(),
  localPort: z.int(),
  peer: z.string(),
  peerPort: z.int(),
});
export type ConverterLeg = z.infer<typeof legSchema>;

export const CALL_STATES = ['ringing', 'active', 'ended', 'failed'] as const;

const directionSchema = z.object({
  sent: count,
  received: count,
  lost: count,
  /** RFC 3550 section 6.4.1, milliseconds. */
  jitterMs: z.number(),
  delayMs: z.object({ mean: z.number(), max: z.number() }),
  /** Longest time without a packet between the first and the last one, milliseconds. */
  longestGapMs: z.number(),
  /** Reports of the sender (RTCP). Round trip and loss as the last report of the receiver tells it; -1 before it is known. */
  reports: z.object({ sent: count, received: count, lost: count, roundTripMs: z.number(), lossPercent: z.number() }),
});

export const converterSessionSchema = z.object({
  id: z.int(),
  from: z.string(),
  to: z.string(),
  /** Both ends of a conversation as the capture has them, the first to speak in front; empty for a call of the scenario. */
  conversation: z.string(),
  state: z.enum(CALL_STATES),
  /** direct, or how it was converted; or why it failed. */
  path: z.enum(['direct', 'terminal', 'gateway', 'none']),
  why: z.string(),
  converter: z.string(),
  legs: z.array(legSchema),
  placedNs: z.number(),
  answeredNs: z.number(),
  endedNs: z.number(),
  setUpMs: z.number(),
  diverts: count,
  forward: directionSchema,
  backward: directionSchema,
});
export type ConverterSession = z.infer<typeof converterSessionSchema>;

export const converterDivertSchema = z.object({
  session: z.int(),
  cause: z.enum(['drain', 'failure', 'overload', 'renumber']),
  /** When the cause was noticed, and when media flowed on the new way in both directions; -1 if it never did. */
  tNs: z.number(),
  doneNs: z.number(),
  from: z.string(),
  to: z.string(),
  /** Time without media around the change, the longer of both directions, milliseconds. */
  gapMs: z.number(),
  lost: count,
  /** By direction, caller to callee first: last packet of the old way and first one of the new way, ns; -1 where there was none. */
  lastNs: z.array(z.number()).length(2),
  firstNs: z.array(z.number()).length(2),
});
export type ConverterDivert = z.infer<typeof converterDivertSchema>;

export const converterNodeSchema = z.object({
  id: z.string(),
  role: z.enum(['v4', 'v6', 'dual', 'gateway', 'switch']),
  capable: z.boolean(),
  enabled: z.boolean(),
  capacity: count,
  address4: z.string(),
  address6: z.string(),
  rttMs: z.number(),
  /** Most sessions at once, and sessions in all. */
  peak: count,
  sessions: count,
  relayed: count,
  /** Packets not relayed, by reason. */
  refused: z.record(z.string(), count),
  /** Reservations refused, by reason. */
  refusals: z.record(z.string(), count),
  /** Largest state held for sessions, bytes, and ports in use at once. */
  stateBytes: count,
  ports: count,
});
export type ConverterNode = z.infer<typeof converterNodeSchema>;

export const converterMessageSchema = z.object({
  tNs: z.number(),
  from: z.string(),
  to: z.string(),
  name: z.string(),
  session: z.int(),
  text: z.string(),
  /** The SIP message as the switch got it and as it sent it on, where it rewrote one. */
  before: z.string(),
  after: z.string(),
});
export type ConverterMessage = z.infer<typeof converterMessageSchema>;

/** What a run came to. A pure function of the scenario. */
export const convertersResultSchema = z.object({
  name: z.string(),
  seed: count,
  endNs: z.number(),
  nodes: z.array(converterNodeSchema),
  sessions: z.array(converterSessionSchema),
  decisions: z.array(converterDecisionSchema),
  diverts: z.array(converterDivertSchema),
  messages: z.array(converterMessageSchema),
  /** Lists that were longer than their limit: how much is left out, by list. */
  leftOut: z.record(z.string(), count),
  /** At the start of each bin, for each node that can convert: sessions it converts, and sessions it would take; row-major. */
  load: z.object({
    binNs: z.number(),
    bins: z.int(),
    nodes: z.array(z.string()),
    sessions: z.instanceof(Uint16Array),
    /** Less than its full capacity while its owner is in a call (T-07), 0 while it is gone or does not convert. */
    capacity: z.instanceof(Uint16Array),
  }),
  totals: z.object({
    calls: count,
    connected: count,
    direct: count,
    byTerminal: count,
    byGateway: count,
    failed: z.record(z.string(), count),
    setUpMs: z.object({ p50: z.number(), p95: z.number(), max: z.number() }),
    delayMs: z.object({ p50: z.number(), p95: z.number(), max: z.number() }),
    gapMs: z.object({ p50: z.number(), p95: z.number(), max: z.number() }),
    /** Inequality of the load over enabled converters: 0 all equal, 1 all on one. */
    gini: z.number(),
    mediaSent: count,
    mediaReceived: count,
    mediaLost: z.record(z.string(), count),
    reportsSent: count,
    reportsReceived: count,
    reportsLost: z.record(z.string(), count),
    /** W-06: sent = received + lost, none left in flight at the end; of media and of reports. */
    conserved: z.boolean(),
  }),
});
export type ConvertersResult = z.infer<typeof convertersResultSchema>;
