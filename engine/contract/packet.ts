import { z } from 'zod';
import { VERDICTS } from './verdicts.ts';

/** Severity of a finding about a field, in Wireshark's words. */
export const severitySchema = z.enum(['chat', 'note', 'warn', 'error']);
export type Severity = z.infer<typeof severitySchema>;

/** One node of a packet's field tree. Byte range is [offset, offset + length) of the captured bytes; length 0 means none. */
export interface FieldNode {
  /** Wireshark's filter name, such as `ip.src`. */
  name: string;
  label: string;
  /** For display; empty for a node that only groups others. */
  value: string;
  offset: number;
  length: number;
  raw?: number | string | boolean;
  generated?: boolean;
  children?: FieldNode[];
  experts?: { severity: Severity; message: string }[];
}

export const fieldNodeSchema: z.ZodType<FieldNode> = z.lazy(() =>
  z.object({
    name: z.string(),
    label: z.string(),
    value: z.string(),
    offset: z.int(),
    length: z.int(),
    raw: z.union([z.number(), z.string(), z.boolean()]).optional(),
    generated: z.boolean().optional(),
    children: z.array(fieldNodeSchema).optional(),
    experts: z.array(z.object({ severity: severitySchema, message: z.string() })).optional(),
  }),
) as z.ZodType<FieldNode>;

export const verdictSchema = z.enum(VERDICTS);

/** One row of the packet list, decoded when it is asked for. */
export const packetRowSchema = z.object({
  /** 1-based and never changes for an input. */
  number: z.int(),
  tNs: z.number(),
  source: z.string(),
  destination: z.string(),
  protocol: z.string(),
  /** Bytes on the wire. */
  length: z.int(),
  capturedLength: z.int(),
  info: z.string(),
  ipVersion: z.union([z.literal(0), z.literal(4), z.literal(6)]),
  /** Flow number in first-seen order, -1 where the packet belongs to none. */
  flow: z.int(),
  verdict: verdictSchema,
  /** Drop or refusal reason, or where it was delivered. Empty while pending. */
  verdictText: z.string(),
});
export type PacketRow = z.infer<typeof packetRowSchema>;

/** One record of the trace (W-02): what happened, where, when and why. */
export const traceRecordSchema = z.object({
  tNs: z.number(),
  /** `device`, `fsw`, `channel`, `host`, `meter`, `translator`, `multicast`. */
  layer: z.string(),
  /** The object inside the layer, such as `device.rx.0` or `ch3.rx`. */
  obj: z.string(),
  event: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type TraceRecord = z.infer<typeof traceRecordSchema>;

/** A decision with its inputs, rule and result (W-09). */
export const explainCardSchema = z.object({
  title: z.string(),
  tone: z.enum(['neutral', 'translated', 'held', 'dropped', 'good']),
  lines: z.array(
    z.object({
      label: z.string(),
      value: z.string(),
      /** RFC section or parameter path the value follows from. */
      because: z.string().optional(),
      /** Dotted path of the scenario parameter that would change it, such as `flowSwitch.batch`. */
      parameter: z.string().optional(),
    }),
  ),
});
export type ExplainCard = z.infer<typeof explainCardSchema>;

export const packetDetailSchema = z.object({
  row: packetRowSchema,
  layers: z.array(fieldNodeSchema),
  bytes: z.instanceof(Uint8Array),
  /** Bytes of the packet as it left, where a module changed it. */
  after: z.instanceof(Uint8Array).optional(),
  path: z.array(traceRecordSchema),
  cards: z.array(explainCardSchema),
  /** Offset of the record in the input file, in bytes. */
  fileOffset: z.number(),
  comments: z.array(z.string()),
});
export type PacketDetail = z.infer<typeof packetDetailSchema>;
