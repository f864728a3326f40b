import { z } from 'zod';
import { multicastPortSchema } from './multicast-port.ts';
import { translatorSchema } from './translator.ts';
import { meterSchema, networkSchema, socketsSchema } from './metering.ts';
import { stackSectionSchema } from './stack-section.ts';
import { deviceOffloadsSchema, portOffloadsSchema } from './offload.ts';

/**
 * A scenario says which ports exist on the flow switch, what selects traffic for each, and every parameter. All counts of
 * rings and pools are per device queue: a queue is one simulated world of its own, which is why lanes (threads) can share
 * the queues between them and still give the same result, whatever their number. `device.queues: 1` makes every limit global and so asks
 * for one lane.
 */

const slots = (fallback: number, max = 65_536) => z.int().min(2).max(max).default(fallback);

export const selectorSchema = z
  .strictObject({
    ipVersion: z
      .union([z.literal(4), z.literal(6)])
      .optional()
      .describe('IP version'),
    protocol: z
      .union([z.enum(['tcp', 'udp', 'icmp', 'icmpv6', 'igmp', 'sctp', 'esp', 'gre']), z.int().min(0).max(255)])
      .optional()
      .describe('IP protocol by name or number'),
    port: z.int().min(0).max(65_535).optional().describe('either port'),
    sourcePort: z.int().min(0).max(65_535).optional(),
    destinationPort: z.int().min(0).max(65_535).optional(),
    prefix: z.string().optional().describe('either address is inside this prefix, such as 192.0.2.0/24 or 2001:db8::/32'),
    source: z.string().optional().describe('the source address is inside this prefix'),
    destination: z.string().optional().describe('the destination address is inside this prefix'),
  })
  .describe('every condition given must hold; an empty selector takes everything');
export type Selector = z.infer<typeof selectorSchema>;

export const readerSchema = z
  .strictObject({
    wakeUs: z
      .number()
      .min(0)
      .max(10_000_000)
      .default(50)
      .describe('microseconds from the notification of a ring that was empty to the first read'),
    batch: z.int().min(1).max(4_096).default(64).describe('packets taken at one read'),
    perPacketNs: z.number().min(0).max(10_000_000).default(400).describe('nanoseconds the reader spends on a packet'),
    perByteNs: z.number().min(0).max(10_000).default(0).describe('nanoseconds the reader spends on a byte'),
    stalls: z
      .array(z.strictObject({ atMs: z.number().min(0), forMs: z.number().min(0) }))
      .max(1_000)
      .default([])
      .describe('intervals in which the reader does not read, on the lab clock'),
  })
  .describe('the application at the end of a ring');
export type ReaderSpec = z.infer<typeof readerSchema>;

export const portSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a lower-case name of up to 32 letters, digits and hyphens that starts with a letter')
    .describe('name of the port, such as ch3'),
  kind: z
    .enum(['host', 'user', 'translator', 'multicast'])
    .describe(
      'host: the in-kernel BSD stack and its legacy sockets; user: a channel with its own stack; translator: what comes is translated between IPv4 and IPv6 and sent on the link; multicast: a multicast router that takes joins and forwards group data',
    ),
  select: z
    .array(selectorSchema)
    .max(64)
    .default([])
    .describe('traffic for this port; ports are asked in the order they stand, what nobody takes goes to the host'),
  rxRingSlots: slots(1_024).describe('RX ring of the port, slots per queue'),
  txRingSlots: slots(256).describe('TX ring of the port, slots per queue'),
  poolPackets: z.int().min(2).max(65_536).default(2_048).describe('packet pool of the port, packets per queue'),
  reader: readerSchema.prefault({}),
  meter: meterSchema.optional(),
  sockets: socketsSchema.optional(),
  translator: translatorSchema.optional().describe('of a translator port: its configuration; left out: stateless under 64:ff9b::/96'),
  multicast: multicastPortSchema
    .optional()
    .describe('of a multicast port: its links, routes and choice; left out: one link, on which it listens'),
  offloads: portOffloadsSchema.optional(),
});
export type PortSpec = z.infer<typeof portSchema>;

export const deviceSchema = z.strictObject({
  queues: z.int().min(1).max(16).default(4).describe('device queues; a symmetric flow hash spreads flows over them'),
  rxRingSlots: slots(1_024).describe('RX ring of the device, slots per queue'),
  txRingSlots: slots(512).describe('TX ring of the device, slots per queue'),
  poolPackets: z.int().min(2).max(65_536).default(4_096).describe('packet pool of the device, packets per queue'),
  bufferBytes: z.int().min(64).max(32_768).default(2_048).describe('bytes of one buflet; longer packets take a chain'),
  moderationUs: z
    .number()
    .min(0)
    .max(1_000_000)
    .default(100)
    .describe('interrupt moderation: microseconds from the first packet in an empty ring to the poll'),
  linkBps: z.number().min(1_000).max(1e12).default(1e10).describe('rate at which the device sends, bits per second'),
  local: z.array(z.string()).max(64).default([]).describe('prefixes of this machine: packets from them take the TX path'),
  network: networkSchema.optional(),
  offloads: deviceOffloadsSchema.optional(),
});

export const flowSwitchSchema = z.strictObject({
  batch: z.int().min(1).max(1_024).default(32).describe('packets of one poll'),
  perPacketNs: z.number().min(0).max(1_000_000).default(250).describe('nanoseconds the switch spends on a packet'),
  perBatchNs: z.number().min(0).max(10_000_000).default(2_000).describe('nanoseconds the switch spends on a poll'),
  maxFlows: z
    .int()
    .min(64)
    .max(4_194_304)
    .default(1_048_576)
    .describe('flow entries in all; flows beyond are switched without an entry and counted'),
  lingerS: z.number().min(0).max(86_400).default(60).describe('seconds after which a silent flow is forgotten by the switch'),
});

export const scenarioSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens')
      .describe('name of the scenario'),
    title: z.string().max(120).default(''),
    description: z.string().max(4_000).default(''),
    seed: z.int().min(0).max(0xffffffff).default(1).describe('seed of everything random in the run'),
    device: deviceSchema.prefault({}),
    flowSwitch: flowSwitchSchema.prefault({}),
    ports: z
      .array(portSchema)
      .max(16)
      .default([])
      .describe('ports beside the device port; a host port with defaults is added where none is given'),
    stack: stackSectionSchema.optional(),
  })
  .describe('Ringside scenario');
export type Scenario = z.infer<typeof scenarioSchema>;
export type ScenarioInput = z.input<typeof scenarioSchema>;

/** A finding about a scenario text. Lines and columns are 1-based. */
export const scenarioIssueSchema = z.object({
  line: z.int(),
  column: z.int(),
  /** Dotted path of the field, such as `ports.0.reader.batch`. */
  field: z.string(),
  message: z.string(),
});
export type ScenarioIssue = z.infer<typeof scenarioIssueSchema>;
