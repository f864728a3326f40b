import { z } from 'zod';

/**
 * Multicast networks: routers of both families and translation routers, links with costs, sources, receivers, timed events. A network of
 * its own, beside the scenarios of the data path. Addresses are text here; the engine refuses what does not parse and says which field it was.
 */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a lower-case name of up to 32 letters, digits and hyphens that starts with a letter');
const atS = z.number().min(0).max(100_000);
const cost = z.int().min(1).max(1_000_000);
const milliseconds = z.number().min(0).max(60_000);

export const MULTICAST_FAMILIES = ['v4', 'v6'] as const;
export type MulticastFamily = (typeof MULTICAST_FAMILIES)[number];

/** What a path choice may come to (M-14). */
export const MULTICAST_CHOICES = ['v4', 'v6', 'both', 'none'] as const;
export type MulticastChoice = (typeof MULTICAST_CHOICES)[number];

export const ROUTER_KINDS = ['v4', 'v6', 'dual', 'translation'] as const;

export const RECEIVER_PROTOCOLS = ['igmpv1', 'igmpv2', 'igmpv3', 'mldv1', 'mldv2'] as const;

export const multicastPrefixesSchema = z.strictObject({
  asm: z.string().default('ff0e::db8:0:0/96').describe('mPrefix64 of any-source groups: a /96 inside ff00::/8 (RFC 8114)'),
  ssm: z.string().default('ff3e::/96').describe('mPrefix64 of source-specific groups (232/8): a /96 inside ff30::/12'),
  source: z.string().default('2001:db8:64::/96').describe('uPrefix64: a prefix of 32, 40, 48, 56, 64 or 96 bits (RFC 6052)'),
  more: z
    .array(z.strictObject({ asm: z.string(), ssm: z.string(), source: z.string() }))
    .max(7)
    .default([])
    .describe('further prefix sets that joins are taken from; joins are sent with the first'),
  olderDraft: z.boolean().default(false).describe('also read groups of the older proposal, ffxx:8000::/17 and ff3x:0:8000::/33'),
  refuse: z.array(z.string()).max(64).default([]).describe('IPv4 group prefixes never mapped, beside 224.0.0.0/24'),
  mapLocal: z.boolean().default(true).describe('map 239/8 to the scope of its range (RFC 2365); false refuses it'),
});
export type MulticastPrefixesSpec = z.infer<typeof multicastPrefixesSchema>;

export const pathChoiceSchema = z.strictObject({
  metric: z.enum(['cost', 'hops', 'delay']).default('cost').describe('summed link cost, routers on the way, or summed link delay in ms'),
  compare: z
    .enum(['auto', 'metric-only', 'preference'])
    .default('auto')
    .describe('preference first, then metric, as PIM asserts do; metric-only; auto is metric-only where the preferences differ (M-13)'),
  scale4: z.number().min(0).max(1_000).default(1).describe('factor on the IPv4 metric'),
  scale6: z.number().min(0).max(1_000).default(1).describe('factor on the IPv6 metric'),
  bias4: z.number().min(-1_000_000).max(1_000_000).default(0).describe('added to the IPv4 metric'),
  bias6: z.number().min(-1_000_000).max(1_000_000).default(0).describe('added to the IPv6 metric'),
  translateCost: z
    .number()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe('added to a family when most interfaces behind the router want the other one, and to the announced metric (M-18)'),
  both: z.boolean().default(false).describe('allow both families at once (M-14)'),
  equalBand: z.number().min(0).max(1_000_000).default(0).describe('both only where the costs differ by no more than this'),
  prefer: z.enum(['v4', 'v6', 'none']).default('v6').describe('family at equal cost when the first join does not tell'),
  switchGain: z.number().min(0).max(1_000_000).default(1).describe('a running choice is changed only for a cost better by this (M-16)'),
  holdDownS: z.number().min(0).max(3_600).default(5).describe('and only after it has been better for so long; 0 changes at once'),
  makeBeforeBreak: z.boolean().default(true).describe('prune the old path after the new one delivers'),
  overlapMs: z.number().min(0).max(60_000).default(1_000).describe('longest time that both paths are joined during a change (M-19)'),
  fixed: z.enum(['none', 'v4', 'v6', 'both']).default('none').describe('baseline without a choice (W-05)'),
  loopGuard: z.boolean().default(true).describe('refuse a path over the interface and family the join came from (M-17)'),
  announce: z.boolean().default(true).describe('announce uPrefix64 into IPv6 routing where there is an IPv4 path (M-18)'),
});
export type PathChoiceSpec = z.infer<typeof pathChoiceSchema>;

export const multicastRouterSchema = z.strictObject({
  id: name,
  kind: z.enum(ROUTER_KINDS).describe('IPv4 only, IPv6 only, both side by side, or both with translation and path choice'),
  drPriority: z.int().min(0).max(0xffffffff).default(1).describe('priority in the election of the designated router'),
  preference4: z.int().min(0).max(255).default(110).describe('preference of its IPv4 routes'),
  preference6: z.int().min(0).max(255).default(110).describe('preference of its IPv6 routes'),
  bias4: z.number().min(-1_000_000).max(1_000_000).optional().describe('instead of choice.bias4, at this router'),
  bias6: z.number().min(-1_000_000).max(1_000_000).optional().describe('instead of choice.bias6, at this router'),
  mode: z.enum(['translate', 'encapsulate']).default('translate').describe('how IPv4 data goes out as IPv6 (M-20)'),
  encapsulateTo: z.array(name).max(32).default([]).describe('links that get encapsulated data whatever the mode is'),
  spt: z.enum(['first-packet', 'never']).default('first-packet').describe('when to leave the shared tree for the source tree'),
  threshold: z.int().min(0).max(255).default(1).describe('data of a lower TTL or hop limit is not forwarded'),
});
export type MulticastRouterSpec = z.infer<typeof multicastRouterSchema>;

export const multicastLinkSchema = z.strictObject({
  id: name.optional().describe('name; by default the ends joined with a hyphen'),
  ends: z.array(name).min(2).max(16).describe('routers on the link; more than two make a LAN'),
  families: z.enum(['v4', 'v6', 'both']).default('both'),
  cost4: cost.default(1),
  cost6: cost.default(1),
  delayMs: milliseconds.default(1),
  rateBps: z.number().min(1_000).max(1e12).default(1e9),
  mtu: z.int().min(576).max(65_535).default(1_500),
  lossPercent: z.number().min(0).max(100).default(0),
  scopeBoundary: z.int().min(0).max(15).default(0).describe('multicast of this scope or a smaller one does not cross; 0 for no boundary'),
});
export type MulticastLinkSpec = z.infer<typeof multicastLinkSchema>;

export const multicastSourceSchema = z.strictObject({
  id: name,
  at: name.describe('router or link it is attached to'),
  v4: z.string().optional().describe('its IPv4 address; without one it sends no IPv4'),
  v6: z.string().optional().describe('its IPv6 address, or `mapped` for the IPv4-converted one of uPrefix64; without one it sends no IPv6'),
  group: z.string().describe('IPv4 group, whose mapped form is used for IPv6, or an IPv6 group without an IPv4 form'),
  ratePps: z.number().min(0.01).max(100_000).default(20),
  bytes: z.int().min(44).max(9_000).default(200).describe('length of its IPv4 packets; those of IPv6 have 20 more'),
  ttl: z.int().min(1).max(255).default(32),
  udpChecksum: z.boolean().default(true).describe('false leaves the IPv4 UDP checksum zero'),
  dontFragment: z.boolean().default(false),
  startS: atS.default(0),
  stopS: atS.optional(),
});
export type MulticastSourceSpec = z.infer<typeof multicastSourceSchema>;

export const multicastReceiverSchema = z.strictObject({
  id: name,
  at: name.describe('router or link it is attached to'),
  protocol: z.enum(RECEIVER_PROTOCOLS).describe('which family and version it joins with'),
  group: z.string().describe('group as the scenario names it: an IPv4 group is mapped for MLD'),
  source: z.string().optional().describe('one source only: an IPv4 source is mapped for MLD; needs igmpv3 or mldv2'),
  joinS: atS.default(1),
  leaveS: atS.optional(),
});
export type MulticastReceiverSpec = z.infer<typeof multicastReceiverSchema>;

export const rendezvousSchema = z.strictObject({
  router: name,
  family: z.enum(MULTICAST_FAMILIES),
  groups: z.string().optional().describe('prefix of the groups it serves; all of the family without one'),
  priority: z.int().min(0).max(255).default(192),
  bootstrap: z.boolean().default(false).describe('learned by bootstrap messages (RFC 5059) instead of configured everywhere'),
});

export const multicastEventSchema = z.strictObject({
  atS,
  link: name.optional(),
  router: name.optional(),
  up: z.boolean().optional().describe('a failure, or the end of one'),
  cost4: cost.optional(),
  cost6: cost.optional(),
  delayMs: milliseconds.optional(),
  bias4: z.number().min(-1_000_000).max(1_000_000).optional(),
  bias6: z.number().min(-1_000_000).max(1_000_000).optional(),
});
export type MulticastEventSpec = z.infer<typeof multicastEventSchema>;

export const multicastTimersSchema = z.strictObject({
  helloS: z.number().min(0.1).max(18_000).default(30).describe('PIM Hello_Period; the hold time is 3.5 times that'),
  triggeredHelloS: z.number().min(0).max(60).default(0.1).describe('Triggered_Hello_Delay; RFC 7761 has 5 for links with many routers'),
  joinPruneS: z.number().min(1).max(18_000).default(60).describe('t_periodic; the hold time is 3.5 times that'),
  propagationMs: z.int().min(0).max(32_767).default(500),
  overrideMs: z.int().min(0).max(65_535).default(2_500),
  assertS: z.number().min(3).max(3_600).default(180),
  keepaliveS: z.number().min(1).max(3_600).default(210),
  registerSuppressionS: z.number().min(5).max(3_600).default(60),
  queryS: z.number().min(1).max(31_744).default(125).describe('query interval of IGMP and MLD'),
  responseS: z.number().min(0.1).max(3_174).default(10).describe('query response interval'),
  lastMemberS: z.number().min(0.1).max(25.5).default(1).describe('last member query interval'),
  robustness: z.int().min(1).max(7).default(2),
  queryVersion: z
    .int()
    .min(1)
    .max(3)
    .default(3)
    .describe('IGMP version of the queries, for links with older routers (RFC 9776 section 7.3.1); in MLD 1 and 2 are version 1'),
  bsrOverride: z
    .enum(['short', 'weight'])
    .default('short')
    .describe('wait of a candidate before it elects itself: 0.5 to 1 s, or BS_Rand_Override by weight, 5 to 23 s (RFC 5059 section 5)'),
  routeDelayMs: z.number().min(0).max(60_000).default(50).describe('from a failure or a changed cost to new routes everywhere'),
});
export type MulticastTimersSpec = z.infer<typeof multicastTimersSchema>;

/** On in networks; off in a port, so that the membership of a capture is what its hosts and their kernel made of it. */
export const ssmStrict = z
  .boolean()
  .describe('reports of IGMPv1, IGMPv2 and MLDv1 and EXCLUDE records do not count for source-specific groups (RFC 4604 section 2.2)');

export const multicastLimitsSchema = z.strictObject({
  entries: z
    .int()
    .min(1)
    .max(4_194_304)
    .default(131_072)
    .describe('translated entries of a router; with unknownSources, its trees in each family'),
  joinsPerSecond: z.int().min(1).max(10_000_000).default(100_000).describe('joins an interface takes in a second (M-24)'),
  neighbours: z.int().min(1).max(65_535).default(256).describe('PIM neighbours of an interface in each family (M-24)'),
  groupsPerInterface: z.int().min(1).max(4_194_304).default(65_536),
  sourcesPerGroup: z.int().min(1).max(65_535).default(1_024),
  unknownSources: z
    .int()
    .min(1)
    .max(1_048_576)
    .default(4_096)
    .describe('sources without a join that a router remembers, in each family (M-24)'),
  icmpErrorsPerSecond: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10)
    .describe('Packet Too Big messages a router sends in a second (RFC 4443 section 2.4 f)'),
  attachedOnly: z
    .boolean()
    .default(false)
    .describe('IGMP reports count of hosts on the networks of the link alone, and of 0.0.0.0 (RFC 3376 section 9.2, RFC 4607 section 7.3)'),
  fastLeave: z.boolean().default(false).describe('an interface with one receiver is left without a query'),
  ssmStrict: ssmStrict.default(true),
});
export type MulticastLimitsSpec = z.infer<typeof multicastLimitsSchema>;

export const randomTopologySchema = z.strictObject({
  routers: z.int().min(2).max(200),
  links: z.int().min(1).max(1_000).describe('at least routers - 1, so that the network is whole'),
  v6Share: z.number().min(0).max(1).default(1).describe('share of the links that carry IPv6'),
  v4Share: z.number().min(0).max(1).default(1).describe('share of the links that carry IPv4'),
  translationShare: z.number().min(0).max(1).default(1).describe('share of translation routers; the others are dual'),
  receivers: z.int().min(0).max(500).default(4),
  v6Receivers: z.number().min(0).max(1).default(0.5).describe('share of the receivers that join with MLD'),
  maxCost: cost.default(10),
  maxDelayMs: milliseconds.default(5),
});
export type RandomTopologySpec = z.infer<typeof randomTopologySchema>;

export const multicastScenarioSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens')
      .describe('name of the network'),
    title: z.string().max(120).default(''),
    description: z.string().max(4_000).default(''),
    seed: z.int().min(0).max(0xffffffff).default(1).describe('seed of everything random in the run'),
    durationS: z.number().min(0.1).max(100_000).default(30),
    prefixes: multicastPrefixesSchema.prefault({}),
    choice: pathChoiceSchema.prefault({}),
    timers: multicastTimersSchema.prefault({}),
    limits: multicastLimitsSchema.prefault({}),
    routers: z.array(multicastRouterSchema).max(200).default([]),
    links: z.array(multicastLinkSchema).max(1_000).default([]),
    sources: z.array(multicastSourceSchema).max(200).default([]),
    receivers: z.array(multicastReceiverSchema).max(500).default([]),
    rps: z.array(rendezvousSchema).max(64).default([]).describe('rendezvous points of any-source groups'),
    events: z.array(multicastEventSchema).max(1_000).default([]).describe('failures and changes at a time'),
    random: randomTopologySchema.optional().describe('routers, links, one source and receivers drawn with the seed, instead of lists'),
  })
  .describe('Ringside multicast network');
export type MulticastScenario = z.infer<typeof multicastScenarioSchema>;
export type MulticastScenarioInput = z.input<typeof multicastScenarioSchema>;
