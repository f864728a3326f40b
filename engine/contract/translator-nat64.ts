import { z } from 'zod';
import { address, seconds } from './translator-fields.ts';

/** Configuration of stateful NAT64 (RFC 6146): timers, pools, bindings, port blocks, limits of subscribers, the FTP gateway. */

export const nat64TimersSchema = z.strictObject({
  udpS: seconds(300, 120).describe('UDP session (RFC 6146 section 4: UDP_DEFAULT 5 min, at least 2 min)'),
  icmpS: seconds(60, 60).describe('ICMP query session (ICMP_DEFAULT; RFC 5508 REQ-2: at least 60 s)'),
  tcpEstablishedS: seconds(7_200, 7_200).describe(
    'established TCP session (TCP_EST, 2 h; the probe and TCP_TRANS after it make the 2 h 4 min of RFC 5382)',
  ),
  tcpTransitoryS: seconds(240, 240).describe('TCP session in any other state (TCP_TRANS, at least 4 min)'),
  tcpIncomingSynS: seconds(6, 6).describe('SYN from the IPv4 side with no state (TCP_INCOMING_SYN, at least 6 s)'),
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
    noop: z
      .enum(['close', 'accept'])
      .default('close')
      .describe(
        'a server that answers a NOOP of the gateway with anything but 200: reset the connection (RFC 6384 section 12), or take it as done',
      ),
  })
  .describe('FTP application layer gateway (RFC 6384)');
export type FtpAlgSpec = z.infer<typeof ftpAlgSchema>;

export const portChoiceSchema = z
  .strictObject({
    mode: z
      .enum(['preserve', 'random'])
      .default('preserve')
      .describe(
        "the host's own port where it is free, or any port of the same range and parity by chance (RFC 6888 REQ-15, RFC 7422 section 2)",
      ),
    seed: z.int().min(0).max(4_294_967_295).default(1).describe('of that chance: the same seed gives the same ports'),
  })
  .describe('which of the free ports a binding gets');

export const alarmsSchema = z
  .strictObject({
    bindings: z.int().min(1).max(4_194_304).optional().describe('bindings in use at which the log has a threshold event'),
    bindingsPerSubscriber: z
      .int()
      .min(1)
      .max(65_536)
      .optional()
      .describe('bindings of one subscriber at which it has one (RFC 7422 section 2.2)'),
    everyS: z
      .number()
      .min(0)
      .max(604_800)
      .default(10)
      .describe('least time between two events that say the same of the same (RFC 8158 section 5.2)'),
  })
  .describe('what the log tells of limits that are reached (RFC 8158 sections 4.4 and 4.5, RFC 6888 REQ-11)');

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
    maxSessionsPerBinding: z
      .int()
      .min(1)
      .max(4_194_304)
      .optional()
      .describe('sessions of one binding (RFC 6888 REQ-5); without it the limits above alone hold'),
    subscriberRate: subscriberRateSchema.optional(),
    subscriberPrefix: z.int().min(32).max(128).default(64).describe('bits of the IPv6 source that name a subscriber'),
    portChoice: portChoiceSchema.prefault({}),
    portRest: portRestSchema.prefault({}),
    portBlocks: portBlocksSchema.prefault({}),
    ftpAlg: ftpAlgSchema.prefault({}),
    alarms: alarmsSchema.prefault({}),
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
