import { z } from 'zod';
import { converterMessageSchema, convertersResultSchema } from './converters.ts';
import { scenarioIssueSchema } from './scenario.ts';
import { translationPairSchema } from './translated.ts';

const session = z.string();

/** Calls of the Converters panel. A session keeps the last run. */
export const convertersCalls = {
  'converters.list': {
    title: 'Bundled networks of terminals',
    request: z.strictObject({ session }),
    answer: z.object({ scenarios: z.array(z.object({ id: z.string(), title: z.string(), description: z.string() })) }),
  },
  'converters.text': {
    title: 'Text of a bundled network',
    request: z.strictObject({ session, id: z.string().max(64) }),
    answer: z.object({ yaml: z.string() }),
  },
  'converters.check': {
    title: 'Findings about the text of a network; empty when it is good',
    request: z.strictObject({ session, yaml: z.string().max(1_000_000) }),
    answer: z.object({ issues: z.array(scenarioIssueSchema) }),
  },
  'converters.run': {
    title: 'Run a text with some parameters changed by their dotted path; messages are asked for apart',
    request: z.strictObject({
      session,
      yaml: z.string().max(1_000_000),
      set: z.array(z.strictObject({ path: z.string().max(200), value: z.union([z.string(), z.number(), z.boolean()]) })).max(64),
      /** Whose calls: those of the scenario, or the UDP conversations of the session's capture in their place. */
      calls: z.enum(['scenario', 'capture']).default('scenario'),
    }),
    answer: convertersResultSchema,
  },
  'converters.messages': {
    title: 'Messages of call control of the last run, of all calls or of one',
    request: z.strictObject({ session, call: z.int().min(-1), first: z.int().min(0), count: z.int().min(1).max(500) }),
    answer: z.object({ total: z.int(), rows: z.array(converterMessageSchema) }),
  },
  'converters.packet': {
    title: 'A media packet of a call of the last run around an instant, before and after its converter',
    request: z.strictObject({ session, call: z.int().min(0), direction: z.union([z.literal(0), z.literal(1)]), tNs: z.number().min(0) }),
    answer: z.object({ pair: translationPairSchema.nullable() }),
  },
} as const;
