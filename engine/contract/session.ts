import { z } from 'zod';

const count = z.number().int().min(0);

export const interfaceInfoSchema = z.object({
  index: count,
  name: z.string(),
  description: z.string(),
  linkType: count,
  linkTypeName: z.string(),
  snapLen: count,
  /** Ticks a second of the time stamps, as text because 2^-n resolutions exceed a double. */
  resolution: z.string(),
  packets: count,
  /** Dropped by the interface while it was captured, from its statistics block; null where the file does not say. */
  captureDrops: z.number().nullable(),
});
export type InterfaceInfo = z.infer<typeof interfaceInfoSchema>;

export const findingSchema = z.object({ reason: z.string(), fileOffset: z.number(), message: z.string() });
export type Finding = z.infer<typeof findingSchema>;

/** One line of `ringside info --json`. */
export const captureInfoSchema = z.object({
  file: z.string(),
  /** `pcap`, `pcapng`, `snoop`, with `(gzip)` or `(zstd)` where compressed; empty where unknown. */
  format: z.string(),
  packets: count,
  /** On the wire. */
  bytes: count,
  capturedBytes: count,
  interfaces: z.array(interfaceInfoSchema),
  /** Nanoseconds since 1970 as decimal text; null in an input without packets. */
  firstNs: z.string().nullable(),
  lastNs: z.string().nullable(),
  durationNs: z.number(),
  skipped: z.record(z.string(), count),
  findings: z.array(findingSchema),
  comments: z.array(z.string()),
  sha256: z.string().optional(),
  error: z.string().nullable(),
});
export type CaptureInfo = z.infer<typeof captureInfoSchema>;

export const sessionInfoSchema = z.object({
  id: z.string(),
  kind: z.enum(['file', 'live']),
  name: z.string(),
  capture: captureInfoSchema,
  /** Where the time stamps come from and how precise they are, in words: `file, nanoseconds`, `kernel (dumpcap)`, `JavaScript (cap)`. */
  timestamps: z.string(),
  /** Digits after the decimal point that the input's times mean: 6 or 9. */
  timeDigits: z.union([z.literal(6), z.literal(9)]),
  scenario: z.object({ id: z.string(), name: z.string(), yaml: z.string() }),
});
export type SessionInfo = z.infer<typeof sessionInfoSchema>;

export const inputRefSchema = z.object({
  /** Opaque; made by the host for a path that a dialog, a drop, the command line or the list of recent files gave it. */
  handle: z.string(),
  name: z.string(),
  /** Folder for display, home shortened to `~`. */
  folder: z.string(),
  bytes: z.number(),
  title: z.string().optional(),
  description: z.string().optional(),
  scenario: z.string().optional(),
});
export type InputRef = z.infer<typeof inputRefSchema>;

/** What a file is picked for: a capture to open, or channel conditions as CSV for the meter (B-03). */
export const fileKindSchema = z.enum(['capture', 'conditions']);
export type FileKind = z.infer<typeof fileKindSchema>;

export const helloSchema = z.object({
  version: z.string(),
  runtime: z.string(),
  platform: z.string(),
  /** What this host can do, and where it cannot, the sentence that says what to install. */
  features: z.object({
    terminal: z.object({ ok: z.boolean(), why: z.string() }),
    capture: z.object({ ok: z.boolean(), why: z.string() }),
    zstd: z.object({ ok: z.boolean(), why: z.string() }),
    pdf: z.object({ ok: z.boolean(), why: z.string() }),
    /** A native dialog can pick files; otherwise the window uploads what the browser's own dialog gives. */
    nativeDialogs: z.boolean(),
  }),
  samples: z.array(inputRefSchema),
  recent: z.array(inputRefSchema),
  scenarios: z.array(z.object({ id: z.string(), title: z.string(), description: z.string() })),
  /** Input given at the start, to open at once. */
  initial: inputRefSchema.nullable(),
});
export type Hello = z.infer<typeof helloSchema>;

export const captureDeviceSchema = z.object({
  name: z.string(),
  description: z.string(),
  addresses: z.array(z.string()),
  up: z.boolean(),
  loopback: z.boolean(),
});
export type CaptureDevice = z.infer<typeof captureDeviceSchema>;

export const CAPTURE_BACKENDS = ['dumpcap', 'tcpdump', 'cap'] as const;
export const captureBackendSchema = z.object({
  id: z.enum(CAPTURE_BACKENDS),
  ok: z.boolean(),
  /** `kernel, ns`, `JavaScript, about 1 ms late under load`. */
  timestamps: z.string(),
  /** Why it cannot run and the exact command that fixes it. */
  why: z.string(),
  fix: z.string(),
});
export type CaptureBackend = z.infer<typeof captureBackendSchema>;

export const liveStatusSchema = z.object({
  device: z.string(),
  backend: z.enum(CAPTURE_BACKENDS),
  running: z.boolean(),
  packets: count,
  bytes: count,
  /** Lost by the kernel or the helper, as it reports it; null where the backend cannot tell. */
  kernelDrops: z.number().nullable(),
  /** Packets that left the bounded memory of a long capture. */
  evicted: count,
  message: z.string(),
});
export type LiveStatus = z.infer<typeof liveStatusSchema>;
