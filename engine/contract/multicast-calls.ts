import { z } from 'zod';
import { multicastEventSchema } from './multicast.ts';
import {
  addressMapAnswerSchema,
  multicastLogRowSchema,
  multicastNetworkSchema,
  multicastStateSchema,
  type MulticastSeries,
} from './multicast-state.ts';

const session = z.string();
const id = z.string().max(64);
const u32 = z.instanceof(Uint32Array);

const series: z.ZodType<MulticastSeries> = z.object({
  binNs: z.number(),
  bins: z.int(),
  delivered: u32,
  dropped: u32,
  joins: u32,
  prunes: u32,
  entries: u32,
});

/** Calls of the Multicast panel. A session has one network open at a time. */
export const multicastCalls = {
  'multicast.list': {
    title: 'Bundled multicast networks',
    request: z.strictObject({ session }),
    answer: z.object({ networks: z.array(z.object({ id: z.string(), title: z.string(), description: z.string() })) }),
  },
  'multicast.open': {
    title: 'Open a network: a bundled one by its id, or a text of one',
    request: z.strictObject({ session, id, yaml: z.string().max(1_000_000).optional() }),
    answer: multicastNetworkSchema,
  },
  'multicast.state': {
    title:
      'The open network at a time, or the router of the capture at the playhead: nodes, links, entries with both paths, lists, counters',
    request: z.strictObject({ session, tNs: z.number().min(0) }),
    answer: multicastStateSchema,
  },
  'multicast.log': {
    title:
      'Joins, prunes, choices and events of the whole run, with translated fields; where a time is given up to it, or to the playhead of a capture',
    request: z.strictObject({
      session,
      first: z.int().min(0),
      count: z.int().min(1).max(1_000),
      router: z.string().optional(),
      untilNs: z.number().optional(),
    }),
    answer: z.object({ total: z.int(), rows: z.array(multicastLogRowSchema), refused: z.int() }),
  },
  'multicast.series': {
    title: 'What was delivered, dropped, joined and pruned over the whole run',
    request: z.strictObject({ session }),
    answer: series,
  },
  'multicast.set': {
    title: 'Change a cost, a bias, a delay, or what is up, from a time on; the run is made again',
    request: z.strictObject({ session, atNs: z.number().min(0), change: multicastEventSchema.omit({ atS: true }) }),
    answer: multicastNetworkSchema,
  },
  'multicast.reset': {
    title: 'Take back every change made to the open network',
    request: z.strictObject({ session }),
    answer: multicastNetworkSchema,
  },
  'multicast.map': {
    title: 'A group or a source in the other family, with every bit and what it belongs to',
    request: z.strictObject({ session, address: z.string().max(64) }),
    answer: addressMapAnswerSchema,
  },
} as const;
