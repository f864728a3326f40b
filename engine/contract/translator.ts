import { z } from 'zod';

/**
 * Configuration of an IPv4/IPv6 translator: stateless (RFC 7915), stateful NAT64 (RFC 6146) or CLAT (RFC 6877). Prefixes
 * and addresses are text here; the translator refuses what does not parse and says which field it was.
 */

const address = (what: string) => z.string().min(2).max(64).describe(what);

export const addressMapSchema = z
  .strictObject({
    v4: address('IPv4 address or prefix, such as 192.0.2.16/28'),
    v6: address('IPv6 address or prefix, such as 2001:db8:cccc::/124; its suffix is at least as long as that of v4'),
    pool6: address('prefix of pool6 this map is bound to: it is used only beside peers under that prefix').optional(),
  })
  .describe('explicit address map (RFC 7757)');
export type AddressMapSpec = z.infer<typeof addressMapSchema>;

const seconds = (fallback: number, least: number) => z.number().min(least).max(604_800).default(fallback);

export const nat64TimersSchema = z.strictObject({
  udpS: seconds(300, 120).describe('UDP session (RFC 6146 section 4: UDP_DEFAULT 5 min, at least 2 min)'),
  icmpS: seconds(60, 1).describe('ICMP query session (ICMP_DEFAULT)'),
  tcpEstablishedS: seconds(7_200, 1).describe(
    'established TCP session (TCP_EST, 2 h; the probe and TCP_TRANS after it make the 2 h 4 min of RFC 5382)',
  ),
  tcpTransitoryS: seconds(240, 1).describe('TCP session in any other state (TCP_TRANS, 4 min)'),
  tcpIncomingSynS: seconds(6, 1).describe('SYN from the IPv4 side with no state (TCP_INCOMING_SYN)'),
  fragmentS: seconds(2, 2).describe('fragments that wait for the first one (FRAGMENT_MIN, at least 2 s)'),
});

export const pool4Schema = z.strictObject({
  prefix: address('IPv4 address or prefix of the pool'),
  ports: z
    .tuple([z.int().min(0).max(65_535), z.int().min(0).max(65_535)])
    .default([1_024, 65_535])
    .describe('first and last port or ICMP identifier of each address of the pool'),
});

export const staticBindingSchema = z.strictObject({
  protocol: z.enum(['tcp', 'udp', 'icmp']),
  v6: address('IPv6 address of the inside'),
  port6: z.int().min(0).max(65_535).describe('port or ICMP identifier of the inside'),
  v4: address('IPv4 address of the outside'),
  port4: z.int().min(0).max(65_535).describe('port or ICMP identifier of the outside'),
});

export const portBlocksSchema = z
  .strictObject({
    mode: z
      .enum(['off', 'dynamic', 'deterministic'])
      .default('off')
      .describe('ports one by one; by blocks taken as needed, each with a log record (RFC 6888); or one block by calculation (RFC 7422)'),
    size: z.int().min(1).max(65_535).default(512).describe('ports of a block, for each protocol'),
    maxPerSubscriber: z
      .int()
      .min(1)
      .max(1_024)
      .default(4)
      .describe('blocks of one subscriber; a deterministic one has one where overflowBlocks is 0'),
    overflowBlocks: z
      .int()
      .min(0)
      .max(65_535)
      .default(0)
      .describe(
        "deterministic: blocks of each address of pool4 that are nobody's by calculation; who has used up its own gets one of these, and that is logged (RFC 7422 section 2)",
      ),
    subscribers: z
      .array(address('IPv6 prefix'))
      .max(256)
      .default([])
      .describe('deterministic: prefixes of the subscribers, which are numbered in this order; pool4 has a block for each'),
  })
  .describe('port blocks of subscribers (RFC 6888, RFC 7422)');
export type PortBlocksSpec = z.infer<typeof portBlocksSchema>;

export const portRestSchema = z
  .strictObject({
    seconds: z.number().min(0).max(604_800).default(120).describe('time before a freed port goes to another subscriber'),
    maxPorts: z
      .int()
      .min(1)
      .max(4_194_304)
      .default(65_536)
      .describe('ports at rest at once, whole blocks where there are blocks; beyond, the first one ends early'),
  })
  .describe('rest of freed ports (RFC 6888 REQ-8)');

export const ftpAlgSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('EPSV and EPRT of IPv6 clients become PASV and PORT for IPv4 servers'),
    port: z.int().min(1).max(65_535).default(21).describe('control port of the servers'),
    maxConnections: z.int().min(1).max(65_536).default(1_024).describe('control connections remembered; the one heard of longest ago goes'),
  })
  .describe('FTP application layer gateway (RFC 6384)');
export type FtpAlgSpec = z.infer<typeof ftpAlgSchema>;

export const subscriberRateSchema = z
  .strictObject({
    sessionsPerS: z.number().min(0.01).max(1_000_000).describe('sessions a second on average'),
    burst: z.int().min(1).max(1_000_000).default(100).describe('sessions at once'),
  })
  .describe('how fast the hosts of one subscriber may open sessions (RFC 6888 REQ-4, REQ-5); without it as fast as they like');

export const nat64Schema = z
  .strictObject({
    pool4: z.array(pool4Schema).max(64).default([]),
    bindings: z.array(staticBindingSchema).max(65_536).default([]).describe('static bindings'),
    timers: nat64TimersSchema.prefault({}),
    filtering: z
      .enum(['endpoint-independent', 'address-dependent'])
      .default('endpoint-independent')
      .describe('which IPv4 hosts may use a binding (RFC 6146 sections 3.5.1, 3.5.2.2)'),
    hairpin: z.boolean().default(true).describe('packets from inside to a pool address turn back inside (RFC 6146 section 3.8)'),
    maxSessions: z.int().min(16).max(4_194_304).default(65_536),
    maxBindings: z.int().min(16).max(4_194_304).default(65_536),
    maxBindingsPerSubscriber: z
      .int()
      .min(1)
      .max(65_536)
      .default(4_096)
      .describe('bindings of one subscriber, all protocols (RFC 6888 REQ-4)'),
    maxSessionsPerSubscriber: z
      .int()
      .min(1)
      .max(4_194_304)
      .optional()
      .describe('sessions of one subscriber (RFC 6888 REQ-5); without it maxSessions alone holds'),
    subscriberRate: subscriberRateSchema.optional(),
    subscriberPrefix: z.int().min(32).max(128).default(64).describe('bits of the IPv6 source that name a subscriber'),
    portRest: portRestSchema.prefault({}),
    portBlocks: portBlocksSchema.prefault({}),
    ftpAlg: ftpAlgSchema.prefault({}),
    maxFragments: z
      .int()
      .min(1)
      .max(4_096)
      .default(256)
      .describe('fragments held while the first one is awaited, and as many of UDP packets without checksum'),
    maxHeldSyns: z.int().min(0).max(4_096).default(64).describe('SYN packets from the IPv4 side held for a simultaneous open'),
  })
  .describe('stateful NAT64 (RFC 6146)');
export type Nat64Spec = z.infer<typeof nat64Schema>;

export const dns64Schema = z
  .strictObject({
    prefixes: z.array(address('prefix')).min(1).max(16).default(['64:ff9b::/96']).describe('prefixes of synthesized AAAA records'),
    exclude6: z
      .array(address('prefix'))
      .max(64)
      .default(['::ffff:0:0/96'])
      .describe('AAAA records inside these count as absent (RFC 6147 section 5.1.4)'),
    exclude4: z.array(address('prefix')).max(64).default([]).describe('A records inside these are not used for synthesis'),
    ranges: z
      .array(z.strictObject({ v4: address('IPv4 prefix'), prefixes: z.array(address('prefix')).min(1).max(16) }))
      .max(256)
      .default([])
      .describe('ranges of IPv4 addresses with prefixes of their own; the narrowest one holds (RFC 6147 section 5.1.7)'),
    ttlS: z.int().min(0).max(604_800).default(600).describe('upper limit of a synthetic TTL when no SOA says one (RFC 6147 section 5.1.7)'),
    validates: z.boolean().default(false).describe('the resolver validates DNSSEC itself (RFC 6147 section 3, vDNS64)'),
  })
  .describe('DNS64 (RFC 6147)');
export type Dns64Spec = z.infer<typeof dns64Schema>;

export const clatSchema = z
  .strictObject({
    prefix: address('prefix of 96 or 64 bits for the IPv4 hosts behind the CLAT').default('2001:db8:464::/96'),
    networks: z
      .array(address('prefix'))
      .min(1)
      .max(64)
      .default(['192.0.0.1/32'])
      .describe('IPv4 networks behind the CLAT; a host that is its own CLAT has 192.0.0.1 (RFC 7335)'),
    provider: z
      .enum(['pool6', 'discover'])
      .default('pool6')
      .describe('prefix of the provider side: pool6, or what router advertisements (RFC 8781) and DNS (RFC 7050) tell'),
  })
  .describe('customer side of 464XLAT (RFC 6877)');

export const mapRuleSchema = z.strictObject({
  v6: address('IPv6 prefix of the rule'),
  v4: address('IPv4 prefix of the rule'),
  eaBits: z
    .int()
    .min(0)
    .max(48)
    .describe('embedded address bits after the IPv6 prefix: rest of the IPv4 address, then port-set identifier'),
  psidOffset: z
    .int()
    .min(0)
    .max(15)
    .default(6)
    .describe('bits of a port before the port-set identifier; ports that have zero there are not given'),
  psid: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('the port-set identifier where it is provisioned apart (RFC 7599 section 12.1); eaBits is 0 then'),
  psidBits: z.int().min(1).max(16).default(8).describe('bits of that identifier; without psid they follow from eaBits'),
  forward: z.boolean().default(false).describe('a forwarding mapping rule: customer edges reach each other without the border relay'),
});

export const napt44Schema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('whether a customer edge gives its hosts a port of its set; without, they have its address and such ports themselves'),
    filtering: z
      .enum(['endpoint-independent', 'address-dependent'])
      .default('address-dependent')
      .describe('which hosts outside may use a binding (RFC 7599 section 13)'),
    timers: nat64TimersSchema.omit({ tcpIncomingSynS: true, fragmentS: true }).prefault({}),
    maxSessions: z.int().min(16).max(1_048_576).default(16_384),
    maxBindings: z.int().min(16).max(1_048_576).default(16_384),
  })
  .describe('NAPT44 of a customer edge (RFC 7599 sections 8.1 and 11)');
export type Napt44Spec = z.infer<typeof napt44Schema>;

export const maptSchema = z
  .strictObject({
    role: z.enum(['br', 'ce']).default('br').describe('border relay, or customer edge'),
    dmr: address('prefix')
      .default('64:ff9b:1::/64')
      .describe('default mapping rule: prefix of all IPv4 addresses outside the domain; its default is for local use (RFC 8215)'),
    rules: z.array(mapRuleSchema).max(1_024).default([]).describe('mapping rules of the domain'),
    endUserPrefix: address('prefix').optional().describe('of a customer edge: the IPv6 prefix it was given'),
    napt44: napt44Schema.prefault({}),
    maxFragments: z
      .int()
      .min(1)
      .max(4_096)
      .default(256)
      .describe('fragments held while the first one is awaited, and first ones remembered'),
    fragmentS: seconds(2, 2).describe('how long they are'),
  })
  .describe('MAP-T (RFC 7599)');
export type MaptSpec = z.infer<typeof maptSchema>;

const partyPort = z.int().min(1).max(65_535);

export const relayBindingSchema = z.strictObject({
  port: z
    .int()
    .min(2)
    .max(65_534)
    .multipleOf(2)
    .describe('even port of the converter, the same in both families; RTCP has the one above (RFC 3550 section 11)'),
  v4: address('IPv4 address of one party'),
  port4: partyPort.describe('its port'),
  v6: address('IPv6 address of the other party'),
  port6: partyPort.describe('its port'),
});
export type RelayBinding = z.infer<typeof relayBindingSchema>;

export const relaySchema = z
  .strictObject({
    bindings: z.array(relayBindingSchema).max(8_000).default([]).describe('reserved sessions; nothing else is relayed'),
    ratePps: z.int().min(1).max(10_000_000).default(1_000).describe('packets a second of one session, both directions together'),
  })
  .describe('a terminal that converts UDP sessions of others (T-11, T-15)');
export type RelaySpec = z.infer<typeof relaySchema>;

export const icmpErrorsSchema = z
  .strictObject({
    send: z.boolean().default(true).describe('whether the translator makes errors at all'),
    ratePerS: z.number().min(0.01).max(1_000_000).default(100).describe('errors a second on average (RFC 4443 section 2.4 (f))'),
    burst: z.int().min(1).max(1_000_000).default(100).describe('errors at once'),
    drops: z
      .enum(['silent', 'answer'])
      .default('silent')
      .describe('packets that are dropped and have no error of their own: ICMP 3/13, ICMPv6 1/1 (RFC 7915 sections 4.4, 5.4)'),
  })
  .describe('ICMP errors the translator makes');
export type IcmpErrorsSpec = z.infer<typeof icmpErrorsSchema>;

export const TRANSLATOR_MODES = ['siit', 'nat64', 'clat', 'mapt', 'dns64', 'relay'] as const;
export type TranslatorMode = (typeof TRANSLATOR_MODES)[number];

export const translatorSchema = z
  .strictObject({
    mode: z
      .enum(TRANSLATOR_MODES)
      .default('siit')
      .describe(
        'siit: stateless; nat64: stateful; clat: the customer side of 464XLAT; mapt: MAP-T; dns64: DNS answers only; relay: a terminal that converts reserved sessions of others',
      ),
    pool6: z
      .array(address('prefix'))
      .max(64)
      .default(['64:ff9b::/96'])
      .describe('IPv6 prefixes for IPv4 addresses (RFC 6052), the first is the default'),
    reservedOctet: z
      .enum(['zero', 'any'])
      .default('zero')
      .describe('bits 64 to 71 of a /96 in pool6: zero as RFC 6052 section 2.2 has it, or any'),
    maps: z.array(addressMapSchema).max(65_536).default([]).describe('explicit address maps (RFC 7757)'),
    hairpin: z.enum(['off', 'simple', 'intrinsic']).default('intrinsic').describe('hairpinning of explicit maps (RFC 7757 section 4.2)'),
    deny4: z.array(address('prefix')).max(1_024).default([]).describe('IPv4 addresses that pool6 never stands for'),
    wellKnownPrivate: z
      .enum(['refuse', 'allow'])
      .default('refuse')
      .describe('addresses that are not global under 64:ff9b::/96 (RFC 6052 section 3.1)'),
    errorPool4: z
      .array(address('prefix'))
      .max(64)
      .default([])
      .describe('sources of ICMP errors from routers that have no IPv4 address (RFC 6791)'),
    errorPoolExtension: z
      .boolean()
      .default(true)
      .describe('whether errors with a source of errorPool4 tell the IPv6 address of the router (RFC 6791 section 4, RFC 5837)'),
    own4: address('IPv4 address of the translator, source of the errors it makes').default('192.0.0.8'),
    own6: address('IPv6 address of the translator, source of the errors it makes').default('64:ff9b::c000:8'),
    mtu4: z.int().min(68).max(65_535).default(1_500).describe('MTU of the IPv4 next hop, bytes'),
    mtu6: z.int().min(1_280).max(65_535).default(1_500).describe('MTU of the IPv6 next hop, bytes'),
    lowestIpv6Mtu: z
      .int()
      .min(1_280)
      .max(65_535)
      .default(1_280)
      .describe('size to which packets without DF are cut on the way to IPv6, and least MTU told to IPv6 hosts'),
    plateaus: z
      .array(z.int().min(68).max(65_535))
      .max(32)
      .default([65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68])
      .describe('MTU plateaus for routers that tell none (RFC 1191 section 7)'),
    trafficClass: z.enum(['copy', 'zero']).default('copy').describe('traffic class from TOS'),
    tos: z
      .union([z.enum(['copy', 'zero']), z.int().min(0).max(255)])
      .default('copy')
      .describe('TOS from traffic class, or a fixed value'),
    df: z.enum(['by-size', 'always', 'never']).default('by-size').describe("don't-fragment flag of packets that had no fragment header"),
    identification: z.enum(['counter', 'zero']).default('counter').describe('identification of packets that had no fragment header'),
    udpZeroChecksum: z.enum(['drop', 'compute', 'forward']).default('compute').describe('UDP without checksum on the way to IPv6'),
    badHeaderChecksum: z.enum(['drop', 'forward']).default('drop').describe('IPv4 packets whose header checksum is wrong'),
    routeHopLimit: z.int().min(1).max(255).default(64).describe('TTL and hop limit of errors the translator makes'),
    icmpErrors: icmpErrorsSchema.prefault({}),
    nat64: nat64Schema.prefault({}),
    clat: clatSchema.prefault({}),
    mapt: maptSchema.prefault({}),
    dns64: dns64Schema.prefault({}),
    relay: relaySchema.prefault({}),
  })
  .describe('Ringside translator');
export type TranslatorSpec = z.infer<typeof translatorSchema>;
export type TranslatorInput = z.input<typeof translatorSchema>;

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
