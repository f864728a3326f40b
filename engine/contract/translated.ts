import { z } from 'zod';
import {
  TRANSLATION_VERDICTS,
  addressMappingSchema,
  limitHitSchema,
  translationCountSchema,
  translationEventSchema,
} from './translation-results.ts';
import { TRANSLATOR_MODES } from './translator.ts';

/** What the Translated flows panel shows of the translator ports of a session, all at the playhead. */

const count = z.int().min(0);
const session = z.string();
const bytes: z.ZodType<Uint8Array> = z.instanceof(Uint8Array);
const port = z.string().max(64).describe('id of a translator port');

/** Sums of one translator port. */
export const translatorPortSchema = z.object({
  id: z.string(),
  mode: z.enum(TRANSLATOR_MODES),
  /** Conversations in the table, and packets of conversations for which it had no row left. */
  flows: count,
  beyondLimit: count,
  /** Packets by verdict. */
  translated: count,
  refused: count,
  answered: count,
  held: count,
  /** Of a stateful translator; null without state. */
  tables: z.object({ bindings: count, maxBindings: count, sessions: count, maxSessions: count, expired: count }).nullable(),
});
export type TranslatorPortRow = z.infer<typeof translatorPortSchema>;

const sideSchema = z.object({ source: z.string(), sourcePort: count, destination: z.string(), destinationPort: count });
export type TranslatedSide = z.infer<typeof sideSchema>;

/** One conversation through a translator port. */
export const translatedFlowSchema = z.object({
  id: count,
  port: z.string(),
  protocol: z.string(),
  /** The flow on each side, as it was seen first; null where nothing has been there yet. */
  six: sideSchema.nullable(),
  four: sideSchema.nullable(),
  /** Flow numbers as in the Flows panel, -1 for none. */
  flow6: z.int(),
  flow4: z.int(),
  /** State of the session (RFC 6146 section 3.5.2.2); `UDP` and `ICMP` have none but being there. Empty without state. */
  state: z.string(),
  /** Lab time at which the session ends if nothing more comes; null where it has ended, or without state. */
  endsNs: z.number().nullable(),
  packets64: count,
  packets46: count,
  bytes64: count,
  bytes46: count,
  refused: count,
  /** Reason of the last packet. */
  reason: z.string(),
  firstPacket: count,
  lastPacket: count,
  lastNs: z.number(),
});
export type TranslatedFlow = z.infer<typeof translatedFlowSchema>;

export const TRANSLATED_SORT_KEYS = ['id', 'last', 'packets', 'bytes', 'refused'] as const;
export type TranslatedSortKey = (typeof TRANSLATED_SORT_KEYS)[number];

export const bindingRowSchema = z.object({
  id: count,
  port: z.string(),
  protocol: z.string(),
  v6: z.string(),
  port6: count,
  v4: z.string(),
  port4: count,
  fixed: z.boolean(),
  sessions: count,
});
export type BindingRow = z.infer<typeof bindingRowSchema>;

/** Use of one IPv4 address of a pool. */
export const poolUseSchema = z.object({
  port: z.string(),
  address: z.string(),
  /** Ports of the address that may be given, for each protocol. */
  ports: count,
  tcp: count,
  udp: count,
  icmp: count,
});
export type PoolUse = z.infer<typeof poolUseSchema>;

/** A block of ports that a subscriber has (RFC 6888, RFC 7422). */
export const portBlockRowSchema = z.object({
  port: z.string(),
  address: z.string(),
  firstPort: count,
  lastPort: count,
  /** IPv6 prefix. */
  subscriber: z.string(),
  /** Ports in use. */
  tcp: count,
  udp: count,
  icmp: count,
});
export type PortBlockRow = z.infer<typeof portBlockRowSchema>;

const placeSchema = z.object({ text: z.string(), offset: count, length: count });

/** One field before and after; null where the packet has none such. */
export const fieldChangeSchema = z.object({
  label: z.string(),
  before: placeSchema.nullable(),
  after: placeSchema.nullable(),
  changed: z.boolean(),
  /** RFC section that made it so. */
  because: z.string(),
  /** Configuration field that would change it. */
  parameter: z.string().optional(),
});
export type FieldChange = z.infer<typeof fieldChangeSchema>;

/** What one translator port did with a packet. */
export const translationPairSchema = z.object({
  port: z.string(),
  number: count,
  tNs: z.number(),
  side: z.union([z.literal(4), z.literal(6)]),
  verdict: z.enum(TRANSLATION_VERDICTS),
  reason: z.string(),
  rfc: z.string(),
  text: z.string(),
  before: bytes,
  /** Packets that left, from their IP header on. */
  after: z.array(
    z.object({
      side: z.union([z.literal(4), z.literal(6)]),
      kind: z.enum(['translated', 'answer', 'hairpin']),
      bytes,
      changes: z.array(fieldChangeSchema),
    }),
  ),
});
export type TranslationPair = z.infer<typeof translationPairSchema>;

function call<Q extends z.ZodType, A extends z.ZodType>(title: string, request: Q, answer: A) {
  return { title, request, answer } as const;
}

const page = { first: z.int().min(0), count: z.int().min(1).max(500), filter: z.string().max(200) };

export const translatedCalls = {
  'translator.sessions': call(
    'Conversations through the translator ports up to the playhead, filtered and sorted',
    z.strictObject({ session, sort: z.enum(TRANSLATED_SORT_KEYS), descending: z.boolean(), ...page }),
    z.object({
      tNs: z.number(),
      total: count,
      rows: z.array(translatedFlowSchema),
    }),
  ),
  'translator.ports': call(
    'Sums of the translator ports up to the playhead',
    z.strictObject({ session }),
    z.object({ ports: z.array(translatorPortSchema) }),
  ),
  'translator.bindings': call(
    'Bindings of the stateful translator ports at the playhead',
    z.strictObject({ session, ...page }),
    z.object({ total: count, rows: z.array(bindingRowSchema) }),
  ),
  'translator.refusals': call(
    'Packets by reason, port by port, up to the playhead',
    z.strictObject({ session }),
    z.object({
      rows: z.array(translationCountSchema.extend({ port: z.string() })),
      /** The latest drops that are told one by one, the last one first. */
      events: z.array(translationEventSchema.extend({ port: z.string(), number: count, tNs: z.number() })),
      /** Earlier ones that are no longer kept. */
      moreEvents: count,
      /** Limits that were hit and that no packet's reason tells. */
      limits: z.array(limitHitSchema.extend({ port: z.string() })),
    }),
  ),
  'translator.pair': call(
    'A packet before and after each translator port it came to',
    z.strictObject({ session, number: z.int().min(1) }),
    z.object({ steps: z.array(translationPairSchema) }),
  ),
  'translator.map': call(
    'How a translator port maps an address',
    z.strictObject({ session, port, address: z.string().max(64) }),
    z.object({ mappings: z.array(addressMappingSchema) }),
  ),
  'translator.pools': call(
    'Use of the IPv4 addresses of the stateful translator ports at the playhead',
    z.strictObject({ session }),
    z.object({
      rows: z.array(poolUseSchema),
      /** Addresses that are not listed. */
      more: count,
      blocks: z.array(portBlockRowSchema),
      /** Blocks in use that are not listed. */
      moreBlocks: count,
    }),
  ),
} as const;
