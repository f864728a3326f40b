import { z } from 'zod';
import { MULTICAST_CHOICES, MULTICAST_FAMILIES, ROUTER_KINDS } from './multicast.ts';

/** What a multicast network looks like while it runs: answers of the `multicast.*` calls. Times are nanoseconds on the network's clock. */

const count = z.number().min(0);
const family = z.enum(MULTICAST_FAMILIES);

export const multicastKeySchema = z.object({
  /** `(192.0.2.33, 233.252.0.1)` or `(*, 233.252.0.1)`. */
  text: z.string(),
  /** Null for any source, and where the entry has no IPv4 form. */
  source4: z.string().nullable(),
  group4: z.string().nullable(),
  source6: z.string().nullable(),
  group6: z.string().nullable(),
});
export type MulticastKeyInfo = z.infer<typeof multicastKeySchema>;

/** One candidate path of a choice, in the network of one family (M-12). */
export const multicastPathSchema = z.object({
  family,
  /** Infinite is null: no route. */
  metric: z.number().nullable(),
  preference: z.number(),
  hops: z.number(),
  delayMs: z.number(),
  /** Scaled, with bias and translation cost: what is compared. Null without a route. */
  cost: z.number().nullable(),
  bias: z.number(),
  translateCost: z.number(),
  /** Link towards the next router, empty without a route. */
  link: z.string(),
  neighbour: z.string(),
  neighbourAddress: z.string(),
  /** Nodes from this router to the source or the rendezvous point, both included. */
  nodes: z.array(z.string()),
  links: z.array(z.string()),
  /** Why this path may not be used though there is a route, or empty. */
  refused: z.string(),
});
export type MulticastPath = z.infer<typeof multicastPathSchema>;

/** A decision with inputs, rule and result (W-09). */
export const multicastDecisionSchema = z.object({
  tNs: z.number(),
  router: z.string(),
  key: multicastKeySchema,
  choice: z.enum(MULTICAST_CHOICES),
  previous: z.enum(MULTICAST_CHOICES),
  /** Name of the rule that decided, such as `lower-cost`. */
  rule: z.string(),
  /** "v4 chosen because its cost 3 is lower than 5 of v6". */
  sentence: z.string(),
  /** What made the router look: `first join`, `route change`, `cost change`, `hold-down`. */
  trigger: z.string(),
  path4: multicastPathSchema,
  path6: multicastPathSchema,
});
export type MulticastDecision = z.infer<typeof multicastDecisionSchema>;

export const MULTICAST_DROPS = [
  'rpf_other_family',
  'rpf_interface',
  'no_entry',
  'ttl_expired',
  'scope',
  'too_big',
  'bad_checksum',
  'malformed',
  'unmapped',
  'udp_zero_checksum',
  'no_outgoing',
  'sink_full',
] as const;
export type MulticastDrop = (typeof MULTICAST_DROPS)[number];

/** Limits of a router that refuse something when they are reached, by the field of `limits`; `rpMappings` has a fixed one. */
export const MULTICAST_REFUSALS = [
  'entries',
  'joinsPerSecond',
  'neighbours',
  'rpMappings',
  'groupsPerInterface',
  'sourcesPerGroup',
  'unknownSources',
  'icmpErrorsPerSecond',
] as const;
export type MulticastRefusal = (typeof MULTICAST_REFUSALS)[number];

export const multicastCountersSchema = z.object({
  packetsIn: count,
  packetsOut: count,
  translated: count,
  encapsulated: count,
  decapsulated: count,
  fragments: count,
  /** By name of MULTICAST_DROPS; only those above zero. */
  drops: z.record(z.string(), count),
  /** Bytes of duplicates of the other family that were dropped here instead of sent on. */
  bytesSaved: count,
  /** Packet Too Big messages to sources (M-21). */
  tooBigSent: count,
  /** Sources that send and that nobody has joined, remembered now (M-24). */
  unknownSources: count,
  /** What was refused because a limit was reached (M-24), by name of MULTICAST_REFUSALS; only those above zero. */
  refused: z.record(z.string(), count),
});
export type MulticastCounters = z.infer<typeof multicastCountersSchema>;

export const multicastEntrySchema = z.object({
  router: z.string(),
  key: multicastKeySchema,
  choice: z.enum(MULTICAST_CHOICES),
  reason: z.string(),
  lastChangeNs: z.number(),
  createdNs: z.number(),
  path4: multicastPathSchema,
  path6: multicastPathSchema,
  /** Link from which data is taken in each family, empty for none. */
  incoming4: z.string(),
  incoming6: z.string(),
  upstream4: z.enum(['joined', 'not-joined']),
  upstream6: z.enum(['joined', 'not-joined']),
  /** Links to which data goes. */
  outgoing4: z.array(z.string()),
  outgoing6: z.array(z.string()),
  /** A change of path is under way: from which family, until when at the latest. */
  switching: z.object({ from: family, untilNs: z.number() }).nullable(),
  counters: z.object({ packets: count, bytes: count, otherFamilyDrops: count, otherInterfaceDrops: count }),
});
export type MulticastEntryInfo = z.infer<typeof multicastEntrySchema>;

/** One change of path, from the decision to the prune of the old one. Times not reached yet are null. */
export const multicastSwitchSchema = z.object({
  router: z.string(),
  key: multicastKeySchema,
  from: z.enum(MULTICAST_CHOICES),
  to: z.enum(MULTICAST_CHOICES),
  decidedNs: z.number(),
  joinSentNs: z.number().nullable(),
  firstPacketNs: z.number().nullable(),
  pruneSentNs: z.number().nullable(),
  /** Between the last packet of the old path and the first of the new one. */
  gapNs: z.number().nullable(),
  /** Packets of the old path dropped as duplicates after the change. */
  duplicates: count,
});
export type MulticastSwitch = z.infer<typeof multicastSwitchSchema>;

export const multicastNodeSchema = z.object({
  id: z.string(),
  role: z.enum(['router', 'source', 'receiver']),
  /** Routers only. */
  kind: z.enum(ROUTER_KINDS).nullable(),
  /** Sources and receivers: the router or link they are attached to. */
  at: z.string(),
  addresses: z.array(z.string()),
  up: z.boolean(),
});
export type MulticastNode = z.infer<typeof multicastNodeSchema>;

export const multicastLinkInfoSchema = z.object({
  id: z.string(),
  /** Ids of nodes on it. Links of a single host are included. */
  ends: z.array(z.string()),
  v4: z.boolean(),
  v6: z.boolean(),
  cost4: z.number(),
  cost6: z.number(),
  delayMs: z.number(),
  up: z.boolean(),
  packets4: count,
  packets6: count,
  bytes4: count,
  bytes6: count,
  /** Of those, messages of IGMP, MLD and PIM. */
  control: count,
  lost: count,
});
export type MulticastLinkInfo = z.infer<typeof multicastLinkInfoSchema>;

export const multicastReceiverInfoSchema = z.object({
  id: z.string(),
  family,
  group: z.string(),
  source: z.string().nullable(),
  joined: z.boolean(),
  received: count,
  duplicates: count,
  /** Sequence numbers that never came, between the first and the last that did. */
  missing: count,
  joinNs: z.number().nullable(),
  firstPacketNs: z.number().nullable(),
  /** Longest pause between two packets. */
  longestGapNs: z.number(),
  meanDelayNs: z.number(),
});
export type MulticastReceiverInfo = z.infer<typeof multicastReceiverInfoSchema>;

export const multicastMembershipSchema = z.object({
  router: z.string(),
  link: z.string(),
  family,
  group: z.string(),
  mode: z.enum(['include', 'exclude']),
  /** Sources asked for (include) or refused (exclude). */
  sources: z.array(z.string()),
  /** As the router speaks to the oldest member heard: `IGMPv2`, `MLDv1`. */
  protocol: z.string(),
  querier: z.string(),
});
export type MulticastMembership = z.infer<typeof multicastMembershipSchema>;

/** A router on one of its links, in one family (RFC 7761 section 4.3, RFC 9776 section 6.6). */
export const multicastInterfaceStateSchema = z.object({
  router: z.string(),
  link: z.string(),
  family,
  /** Empty where the router has none and only listens. */
  address: z.string(),
  /** Address of the designated router, empty where none was heard of. */
  designated: z.string(),
  /** Address of the querier, empty where none was heard of. */
  querier: z.string(),
  /** PIM neighbours. */
  neighbours: z.array(z.string()),
});
export type MulticastInterfaceState = z.infer<typeof multicastInterfaceStateSchema>;

/** Packets of group data that one router did not forward for one reason. */
export const multicastDropRowSchema = z.object({
  router: z.string(),
  /** Family in which they came. */
  family,
  /** Link on which they came; empty where it was inside a Register message. */
  link: z.string(),
  source: z.string(),
  group: z.string(),
  reason: z.enum(MULTICAST_DROPS),
  text: z.string(),
  /** What says that they are dropped. */
  rule: z.string(),
  packets: count,
  bytes: count,
  firstNs: z.number(),
  lastNs: z.number(),
});
export type MulticastDropRow = z.infer<typeof multicastDropRowSchema>;

/** Branch of a tree: data of `key` goes over `link` from a node. */
export const multicastBranchSchema = z.object({
  key: z.string(),
  family,
  link: z.string(),
  from: z.string(),
  /** Another router joined there (PIM); otherwise only hosts did. */
  routers: z.boolean(),
});
export type MulticastBranch = z.infer<typeof multicastBranchSchema>;

export const multicastStateSchema = z.object({
  tNs: z.number(),
  /** Increases with every `multicast.open` and `multicast.set`. */
  revision: z.int(),
  nodes: z.array(multicastNodeSchema),
  links: z.array(multicastLinkInfoSchema),
  entries: z.array(multicastEntrySchema),
  branches: z.array(multicastBranchSchema),
  receivers: z.array(multicastReceiverInfoSchema),
  memberships: z.array(multicastMembershipSchema),
  interfaces: z.array(multicastInterfaceStateSchema),
  switches: z.array(multicastSwitchSchema),
  /** The last decision of every entry, newest first. */
  decisions: z.array(multicastDecisionSchema),
  /** By router id. */
  counters: z.record(z.string(), multicastCountersSchema),
  drops: z.array(multicastDropRowSchema),
  /** Packets dropped that have no row in `drops`. */
  dropsUnlisted: count,
  totals: z.object({
    joins: count,
    prunes: count,
    duplicatesDropped: count,
    duplicateBytesDropped: count,
    bytesSaved: count,
    delivered: count,
    duplicatesDelivered: count,
  }),
  /** Packets sent on links = taken by a node + lost + in flight (W-06). */
  conservation: z.object({ ok: z.boolean(), message: z.string() }),
});
export type MulticastState = z.infer<typeof multicastStateSchema>;

export const multicastLogRowSchema = z.object({
  number: z.int(),
  tNs: z.number(),
  router: z.string(),
  link: z.string(),
  direction: z.enum(['sent', 'received', 'internal']),
  family: family.nullable(),
  /** `IGMPv3`, `MLDv2`, `PIM`, `choice`, `route`, `forward`. */
  protocol: z.string(),
  /** `join`, `prune`, `report`, `query`, `hello`, `register`, `register-stop`, `assert`, `bootstrap`, `chosen`, `switch`, `failure`, ... */
  kind: z.string(),
  /** As in the message. */
  source: z.string(),
  group: z.string(),
  /** The same in the other family, empty where it has no such form. */
  translatedSource: z.string(),
  translatedGroup: z.string(),
  text: z.string(),
});
export type MulticastLogRow = z.infer<typeof multicastLogRowSchema>;

export const multicastNetworkSchema = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  yaml: z.string(),
  revision: z.int(),
  durationNs: z.number(),
  /** Times of the events of the scenario and of the changes made since. */
  events: z.array(z.object({ tNs: z.number(), text: z.string() })),
  choice: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  prefixes: z.object({ asm: z.string(), ssm: z.string(), source: z.string() }),
  /** Where changes are made that `multicast.set` does not take; empty where it takes them. */
  changedIn: z.string(),
});
export type MulticastNetworkInfo = z.infer<typeof multicastNetworkSchema>;

/** Bins over the whole run, for the timeline. */
export interface MulticastSeries {
  readonly binNs: number;
  readonly bins: number;
  /** Packets delivered to receivers, duplicates of the other family dropped, joins and prunes sent, entries at the end of each bin. */
  readonly delivered: Uint32Array;
  readonly dropped: Uint32Array;
  readonly joins: Uint32Array;
  readonly prunes: Uint32Array;
  readonly entries: Uint32Array;
}

/** A range of bits of a mapped address. */
export const mappedAddressPartSchema = z.object({
  from: z.int(),
  /** First bit after it. */
  to: z.int(),
  name: z.string(),
  value: z.string(),
});
export const addressMapAnswerSchema = z.object({
  input: z.string(),
  kind: z.enum(['group', 'source']),
  v4: z.string().nullable(),
  v6: z.string().nullable(),
  prefix: z.string(),
  /** Why it is not mapped, or empty. */
  refused: z.string(),
  bits: z.string(),
  parts: z.array(mappedAddressPartSchema),
});
export type AddressMapAnswer = z.infer<typeof addressMapAnswerSchema>;
