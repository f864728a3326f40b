import { z } from 'zod';

/** What a translator says of packets and addresses: verdicts with their counts, events, and how an address is mapped. */

/** What a translator said of one packet, as in the lists and in `ringside translate --json`. */
export const TRANSLATION_VERDICTS = ['translated', 'passed', 'refused', 'answered', 'held'] as const;
export type TranslationVerdict = (typeof TRANSLATION_VERDICTS)[number];

/** How often a reason was given. */
export const translationCountSchema = z.object({
  id: z.string(),
  verdict: z.enum(TRANSLATION_VERDICTS),
  rfc: z.string(),
  text: z.string(),
  packets: z.int(),
});
export type TranslationCount = z.infer<typeof translationCountSchema>;

/** How often a limit of a translator's tables or times was hit where no packet's reason tells it. */
export const limitHitSchema = z.object({ id: z.string(), text: z.string(), count: z.int().min(0) });
export type LimitHit = z.infer<typeof limitHitSchema>;

/** A drop that the RFC wants told apart from the counters (RFC 7915 sections 4.5 and 5.1.1). */
export const translationEventSchema = z.object({
  event: z.string().describe('id of the reason'),
  rfc: z.string(),
  side: z.union([z.literal(4), z.literal(6)]),
  source: z.string(),
  destination: z.string(),
  protocol: z.int().describe('of IPv4; of IPv6 the header behind the fragment header'),
  sourcePort: z.int().optional(),
  destinationPort: z.int().optional(),
});
export type TranslationEvent = z.infer<typeof translationEventSchema>;

/** What bits of an address stand for: the prefix of a rule, an IPv4 address or a part of it, a port-set identifier, nothing. */
export const ADDRESS_PART_KINDS = ['prefix', 'ipv4', 'psid', 'filler'] as const;

/** Bits of an address by what they come from, in the order of the address. */
export const addressPartSchema = z.object({
  from: z.int().min(0).describe('first bit, counted from 0'),
  to: z.int().min(0).describe('bit after the last'),
  kind: z.enum(ADDRESS_PART_KINDS),
  name: z.string().describe('prefix, IPv4 address, zero octet, EA bits, PSID, suffix'),
  value: z.string(),
});
export type AddressPart = z.infer<typeof addressPartSchema>;

/** One way in which an address is mapped. */
export const addressMappingSchema = z.object({
  from: z.string(),
  to: z.string(),
  rule: z.string().describe('the rule that says so, such as map 192.0.2.0/24 to 2001:db8::/120'),
  field: z.string().describe('dotted path of the configuration field'),
  rfc: z.string(),
  /** True for the mapping that a packet gets; others are shadowed by a rule before them. */
  used: z.boolean(),
  parts: z.array(addressPartSchema).describe('parts of the IPv6 address'),
  note: z.string(),
});
export type AddressMapping = z.infer<typeof addressMappingSchema>;
