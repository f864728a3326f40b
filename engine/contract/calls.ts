import { z } from 'zod';
import {
  CAPTURE_BACKENDS,
  captureBackendSchema,
  captureDeviceSchema,
  helloSchema,
  fileKindSchema,
  inputRefSchema,
  liveStatusSchema,
  sessionInfoSchema,
} from './session.ts';
import {
  FLOW_SORT_KEYS,
  flowRowSchema,
  runSummarySchema,
  transportSchema,
  type LiveFrame,
  type SeriesFrame,
  type TimelineFrame,
} from './run.ts';
import { burstCalls } from './burst.ts';
import { translatedCalls } from './translated.ts';
import { offloadCalls } from './offload.ts';
import { stackCalls } from './stack-model.ts';
import { ringCalls } from './ring-slots.ts';
import { burstAnalysisCalls } from './burst-analysis.ts';
import { multicastCalls } from './multicast-calls.ts';
import { convertersCalls } from './converters-calls.ts';
import { reportFindingSchema } from './report.ts';
import { packetDetailSchema, packetRowSchema } from './packet.ts';
import { scenarioIssueSchema } from './scenario.ts';

/**
 * The contract: every call the window may make and every event the engine may send. The client, the host's dispatcher and
 * the test doubles are derived from this one object. Requests and answers are validated at the boundary.
 */

const empty = z.strictObject({});
const session = z.string();
const ok = z.object({});

function call<Q extends z.ZodType, A extends z.ZodType>(title: string, request: Q, answer: A) {
  return { title, request, answer } as const;
}

const u32 = z.instanceof(Uint32Array);
const f64 = z.instanceof(Float64Array);

export const progressSchema = z.object({ done: z.number(), total: z.number(), unit: z.string(), message: z.string() });
export type Progress = z.infer<typeof progressSchema>;

const seriesFrame: z.ZodType<SeriesFrame> = z.object({
  startNs: z.number(),
  binNs: z.number(),
  bins: z.int(),
  objects: z.array(z.string()),
  capacity: u32,
  max: u32,
  last: u32,
  drops: u32,
});
const timelineFrame: z.ZodType<TimelineFrame> = z.object({
  startNs: z.number(),
  binNs: z.number(),
  bins: z.int(),
  packets: u32,
  bytes: f64,
  drops: u32,
});
const liveFrame: z.ZodType<LiveFrame> = z.object({
  tNs: z.number(),
  packets: z.number(),
  bytes: z.number(),
  drops: z.number(),
  flows: z.number(),
  held: z.number(),
  objects: u32,
  revision: z.number(),
});

export const STEP_UNITS = ['packet', 'burst', '1ms', '10ms', '100ms', '1s'] as const;
export type StepUnit = (typeof STEP_UNITS)[number];

export const contract = {
  calls: {
    hello: call('What this host is and can do', empty, helloSchema),

    'input.pick': call(
      'Open the native file dialog (Electron only)',
      z.strictObject({ kind: fileKindSchema.optional() }),
      inputRefSchema.nullable(),
    ),
    'input.forget': call('Take an input off the list of recent files', z.strictObject({ handle: z.string() }), ok),

    'session.open': call('Open an input; progress while it is indexed', z.strictObject({ handle: z.string() }), sessionInfoSchema),
    'session.close': call('Close a session and free its memory', z.strictObject({ session }), ok),
    'session.info': call('The session as it is now', z.strictObject({ session }), sessionInfoSchema),

    'packets.rows': call(
      'Rows of the packet list, decoded now',
      z.strictObject({ session, first: z.int().min(1), count: z.int().min(1).max(500) }),
      z.object({ total: z.int(), rows: z.array(packetRowSchema) }),
    ),
    'packets.detail': call(
      'One packet: tree, bytes, path, explanation',
      z.strictObject({ session, number: z.int().min(1) }),
      packetDetailSchema,
    ),
    'packets.at': call(
      'Number of the last packet at or before a time, 0 if none',
      z.strictObject({ session, tNs: z.number() }),
      z.object({ number: z.int() }),
    ),
    'packets.neighbour': call(
      'Next or previous packet of the same flow, 0 if none',
      z.strictObject({ session, number: z.int().min(1), direction: z.union([z.literal(1), z.literal(-1)]) }),
      z.object({ number: z.int() }),
    ),
    'packets.find': call(
      'Next packet whose row text contains a string, 0 if none; can be cancelled',
      z.strictObject({
        session,
        text: z.string().min(1).max(200),
        from: z.int().min(0),
        direction: z.union([z.literal(1), z.literal(-1)]),
      }),
      z.object({ number: z.int() }),
    ),

    'flows.list': call(
      'Flows up to the playhead, sorted',
      z.strictObject({
        session,
        sort: z.enum(FLOW_SORT_KEYS),
        descending: z.boolean(),
        first: z.int().min(0),
        count: z.int().min(1).max(500),
      }),
      z.object({ total: z.int(), rows: z.array(flowRowSchema) }),
    ),

    ...burstAnalysisCalls,

    timeline: call(
      'Overview of the input between two times',
      z.strictObject({ session, fromNs: z.number(), toNs: z.number(), bins: z.int().min(1).max(4_096) }),
      timelineFrame,
    ),
    series: call(
      'Occupancy of rings and pools between two times of the finished run',
      z.strictObject({ session, fromNs: z.number(), toNs: z.number(), bins: z.int().min(1).max(2_048) }),
      seriesFrame,
    ),
    frame: call('State at the playhead; asked for at most once per animation frame', z.strictObject({ session }), liveFrame),

    'run.start': call(
      'Replay the whole input with the current scenario as fast as possible; progress while it runs',
      z.strictObject({ session, lanes: z.int().min(1).max(16).optional() }),
      runSummarySchema,
    ),
    'run.summary': call(
      'Summary of the last finished run, and of the one before it',
      z.strictObject({ session }),
      z.object({ current: runSummarySchema.nullable(), previous: runSummarySchema.nullable() }),
    ),

    'run.findings': call(
      'What the last finished run says, in words: the findings of its report',
      z.strictObject({ session }),
      z.object({ findings: z.array(reportFindingSchema) }),
    ),

    'transport.get': call('State of the transport', z.strictObject({ session }), transportSchema),
    'transport.play': call(
      'Play from the playhead; speed 0 is as fast as possible',
      z.strictObject({ session, speed: z.number().min(0).max(1e6) }),
      transportSchema,
    ),
    'transport.pause': call('Hold the playhead where it is', z.strictObject({ session }), transportSchema),
    'transport.seek': call('Move the playhead to a time', z.strictObject({ session, tNs: z.number() }), transportSchema),
    'transport.seekPacket': call(
      'Move the playhead to just after a packet',
      z.strictObject({ session, number: z.int().min(0) }),
      transportSchema,
    ),
    'transport.step': call(
      'One step forward or back',
      z.strictObject({ session, unit: z.enum(STEP_UNITS), direction: z.union([z.literal(1), z.literal(-1)]) }),
      transportSchema,
    ),
    'transport.loop': call(
      'Repeat between two times, or not',
      z.strictObject({ session, range: z.object({ fromNs: z.number(), toNs: z.number() }).nullable() }),
      transportSchema,
    ),
    'transport.skipGaps': call(
      'Shorten the gaps of the input to a length, or play them in full',
      z.strictObject({ session, longerThanNs: z.number().min(1e6).nullable() }),
      transportSchema,
    ),

    ...burstCalls,
    ...convertersCalls,
    ...translatedCalls,
    ...offloadCalls,
    ...multicastCalls,
    ...stackCalls,
    ...ringCalls,

    'scenario.get': call('Text of a bundled scenario', z.strictObject({ id: z.string() }), z.object({ yaml: z.string() })),
    'scenario.check': call(
      'Findings about a scenario text; empty when it is good',
      z.strictObject({ yaml: z.string().max(1_000_000) }),
      z.object({ issues: z.array(scenarioIssueSchema) }),
    ),
    'scenario.use': call(
      'Use a scenario text for the session; the run becomes stale',
      z.strictObject({ session, id: z.string(), yaml: z.string().max(1_000_000) }),
      sessionInfoSchema,
    ),
    'scenario.set': call(
      'Change one parameter of the session scenario by its dotted path',
      z.strictObject({ session, path: z.string().max(200), value: z.union([z.string(), z.number(), z.boolean()]) }),
      sessionInfoSchema,
    ),

    'live.devices': call(
      'Interfaces that can be captured, and the backends',
      empty,
      z.object({ devices: z.array(captureDeviceSchema), backends: z.array(captureBackendSchema) }),
    ),
    'live.checkFilter': call(
      'Check a capture filter before the start',
      z.strictObject({ device: z.string(), filter: z.string().max(4_096) }),
      z.object({ ok: z.boolean(), message: z.string() }),
    ),
    'live.start': call(
      'Capture an interface as a new session',
      z.strictObject({ device: z.string(), filter: z.string().max(4_096), backend: z.enum(CAPTURE_BACKENDS).optional() }),
      sessionInfoSchema,
    ),
    'live.stop': call('Stop capturing; what was captured stays', z.strictObject({ session }), liveStatusSchema),
    'live.status': call('Counters of the capture', z.strictObject({ session }), liveStatusSchema),
    'live.save': call(
      'The capture as pcapng, for a download or the save dialog',
      z.strictObject({ session }),
      z.object({ name: z.string(), url: z.string() }),
    ),

    'report.export': call(
      'Write the session report; the answer says where it is',
      z.strictObject({ session, format: z.enum(['html', 'json', 'pdf']) }),
      z.object({
        name: z.string(),
        /** Path below the served origin, or a saved file's path for display. */ url: z.string(),
        bytes: z.int(),
      }),
    ),

    'terminal.open': call(
      'Start a shell with the ringside command ready',
      z.strictObject({ session: z.string().nullable(), cols: z.int().min(2).max(1_000), rows: z.int().min(2).max(1_000) }),
      z.object({ terminal: z.string(), shell: z.string() }),
    ),
    'terminal.write': call('Keys to the shell', z.strictObject({ terminal: z.string(), data: z.string().max(1_000_000) }), ok),
    'terminal.resize': call(
      'New size of the shell',
      z.strictObject({ terminal: z.string(), cols: z.int().min(2).max(1_000), rows: z.int().min(2).max(1_000) }),
      ok,
    ),
    'terminal.close': call('End the shell', z.strictObject({ terminal: z.string() }), ok),
  },
  events: {
    transport: z.object({ session, transport: transportSchema }),
    'run.finished': z.object({ session, summary: runSummarySchema }),
    'run.failed': z.object({ session, message: z.string() }),
    'session.changed': z.object({ session, info: sessionInfoSchema }),
    'live.status': z.object({ session, status: liveStatusSchema }),
    'terminal.data': z.object({ terminal: z.string(), data: z.string() }),
    'terminal.exit': z.object({ terminal: z.string(), code: z.number() }),
    /** Another program (a second start, the command line in the terminal) asks the window to open something. */
    'input.open': z.object({ input: inputRefSchema }),
  },
} as const;

export type CallName = keyof typeof contract.calls;
export type EventName = keyof typeof contract.events;
export type CallRequest<M extends CallName> = z.input<(typeof contract.calls)[M]['request']>;
export type CallAnswer<M extends CallName> = z.output<(typeof contract.calls)[M]['answer']>;
export type EventData<E extends EventName> = z.output<(typeof contract.events)[E]>;

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** What the window holds, and what a test double implements. */
export interface EngineClient {
  call<M extends CallName>(method: M, request: CallRequest<M>, options?: CallOptions): Promise<CallAnswer<M>>;
  on<E extends EventName>(event: E, listener: (data: EventData<E>) => void): () => void;
  /** Called once when the connection is lost for good, with the reason. */
  onClosed(listener: (reason: string) => void): () => void;
  dispose(): void;
}

/** What the host implements: one function for each call. */
export type EngineHandlers = {
  readonly [M in CallName]: (
    request: z.output<(typeof contract.calls)[M]['request']>,
    context: CallContext,
  ) => Promise<CallAnswer<M>> | CallAnswer<M>;
};

export interface CallContext {
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
}
