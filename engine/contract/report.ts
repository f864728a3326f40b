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

/** What the numbers of a column are; a renderer gives them digits and a unit. */
export const REPORT_UNITS = ['text', 'count', 'bytes', 'memory', 'ns', 'instant', 'bps', 'ratio'] as const;
export type ReportUnit = (typeof REPORT_UNITS)[number];

export const reportTableSchema = z.object({
  title: z.string(),
  /** What the rows are, or which are left out; empty where the title says it. */
  note: z.string(),
  columns: z.array(z.object({ title: z.string(), unit: z.enum(REPORT_UNITS) })),
  /** One cell for each column: numbers as they are, null for what there is not. */
  rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
});
export type ReportTable = z.infer<typeof reportTableSchema>;

/** Strips on one time axis, one above the other. */
export const reportChartSchema = z.object({
  title: z.string(),
  startNs: z.number(),
  binNs: z.number(),
  strips: z.array(
    z.object({
      name: z.string(),
      unit: z.enum(REPORT_UNITS),
      /** `max`: a level, of which bins put together keep the largest; `sum`: an amount. */
      how: z.enum(['sum', 'max']),
      /** Strips of the same scale have the same height for the same value. */
      scale: z.string(),
      values: numbers,
    }),
  ),
});
export type ReportChart = z.infer<typeof reportChartSchema>;

/** What one module of the run did: sentences, charts, then tables. */
export const reportModuleSchema = z.object({
  id: z.enum(['bursts', 'regulation', 'offloads', 'stack', 'translators', 'multicast']),
  title: z.string(),
  text: z.array(z.string()),
  charts: z.array(reportChartSchema),
  tables: z.array(reportTableSchema),
});
export type ReportModule = z.infer<typeof reportModuleSchema>;

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
  /** The modules that the scenario has, and the bursts of the input. */
  modules: z.array(reportModuleSchema),
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
