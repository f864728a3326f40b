import { z } from 'zod';
import { captureInfoSchema } from './session.ts';
import { flowRowSchema, runSummarySchema } from './run.ts';

/**
 * The report of a run. Two reports of the same input, scenario and program version are equal byte for byte: nothing of the
 * machine or the time of day is in it. What was measured on the wall clock, the timing of a paced replay, stands apart in
 * `paced` and is null where the replay was not paced.
 */

export const REPORT_TONES = ['good', 'note', 'warn', 'bad'] as const;

export const reportFindingSchema = z.object({
  tone: z.enum(REPORT_TONES),
  /** What happened, in one or two sentences with figures. */
  text: z.string(),
  /** What to change, with values; empty where there is nothing to advise. */
  advice: z.string(),
  /** Dotted paths of the scenario parameters the advice names. */
  parameters: z.array(z.string()),
  /** Where on the lab clock, for a link to the moment. */
  tNs: z.number().nullable(),
  objects: z.array(z.string()),
});
export type ReportFinding = z.infer<typeof reportFindingSchema>;

const numbers = z.array(z.number());

export const reportSchema = z.object({
  kind: z.literal('ringside-report'),
  version: z.literal(1),
  /** Version of the program that made the run. */
  program: z.string(),
  title: z.string(),
  input: captureInfoSchema,
  timestamps: z.string(),
  timeDigits: z.union([z.literal(6), z.literal(9)]),
  scenario: z.object({ name: z.string(), title: z.string(), sha256: z.string(), yaml: z.string() }),
  summary: runSummarySchema,
  findings: z.array(reportFindingSchema),
  drops: z.array(z.object({ reason: z.string(), text: z.string(), parameter: z.string(), packets: z.number(), share: z.number() })),
  timeline: z.object({ startNs: z.number(), binNs: z.number(), packets: numbers, bytes: numbers, drops: numbers }),
  series: z.object({
    startNs: z.number(),
    binNs: z.number(),
    objects: z.array(z.object({ id: z.string(), capacity: z.number(), max: numbers, drops: numbers })),
  }),
  flows: z.object({ total: z.number(), rows: z.array(flowRowSchema) }),
  protocols: z.array(z.object({ protocol: z.string(), packets: z.number(), bytes: z.number() })),
  /** The command line that gives the same numbers again, and what it needs beside the input. */
  reproduce: z.object({ command: z.string(), needs: z.array(z.string()) }),
  paced: z
    .object({
      speed: z.number(),
      waitStrategy: z.string(),
      errorNs: z.object({ p50: z.number(), p99: z.number(), max: z.number(), packets: z.number() }),
      clockJumps: z.number(),
      gapsSkipped: z.number(),
      /** Time of the input left out by that, ns. */
      gapsSkippedNs: z.number(),
    })
    .nullable(),
});
export type ReportModel = z.infer<typeof reportSchema>;
