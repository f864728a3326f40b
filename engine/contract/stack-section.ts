import { z } from 'zod';

/**
 * The `stack` section of a scenario: stack instances beside the kernel's own, what they reserve, the class queues toward the link, caches,
 * faults, and what happens at which instant. A scenario without it has none of this and pays nothing for it.
 */
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a lower-case name of up to 32 letters, digits and hyphens that starts with a letter');

export const stackInstanceSchema = z.strictObject({
  id: name.describe('name of the instance'),
  port: z.string().describe('user port on which it opens its channel'),
  pid: z.int().min(1).max(4_194_304).describe('process that owns it'),
  executable: z.string().min(1).max(256).describe('program of that process'),
  key: z.string().max(64).optional().describe('key that it shows when it opens the channel'),
  open: z.boolean().default(true).describe('open the channel at the start; otherwise an event does'),
});

export const stackBindingSchema = z.strictObject({
  port: z.string().describe('user port that is bound'),
  pid: z.int().min(1).max(4_194_304).optional().describe('only this process may open it'),
  executable: z.string().max(256).optional().describe('only this program may open it'),
  key: z.string().max(64).optional().describe('only who shows this key may open it'),
});

export const stackFlowSchema = z.strictObject({
  id: name.describe('name of the flow, for events'),
  instance: z.string().describe('stack instance that owns it; `bsd` is the kernel'),
  protocol: z.enum(['tcp', 'udp']).describe('transport protocol'),
  ipVersion: z
    .union([z.literal(4), z.literal(6)])
    .default(4)
    .describe('IP version'),
  localPort: z.int().min(1).max(65_535).describe('local port, reserved for the instance'),
  localAddress: z.string().optional().describe('local address; every address when left out'),
  remoteAddress: z.string().optional().describe('remote address; with remotePort: a connected flow, without: a listener'),
  remotePort: z.int().min(1).max(65_535).optional().describe('remote port'),
  reuse: z.boolean().default(false).describe('may stand beside other reservations of the same instance that say so too'),
  at: z.enum(['start', 'event']).default('start').describe('installed at the start, or by an event'),
});
export type StackFlowSpec = z.infer<typeof stackFlowSchema>;

export const advisorySchema = z.strictObject({
  enable: z.boolean().default(true).describe('tell flows to stop instead of dropping their packets'),
  entries: z.int().min(1).max(4_096).default(256).describe('entries of the flow advisory table'),
  suspendBytes: z.int().min(1_500).max(16_777_216).default(49_152).describe('bytes of a flow in the class queue that suspend it'),
  resumeBytes: z.int().min(0).max(16_777_216).default(8_192).describe('bytes of it at or below which it is resumed'),
  reactUs: z.number().min(1).max(1_000_000).default(50).describe('microseconds until a resumed application sends again'),
  holdPackets: z.int().min(0).max(65_536).default(1_024).describe('packets that applications hold while suspended; more are dropped'),
});

export const aqmSchema = z.strictObject({
  mode: z.enum(['fq-codel', 'fifo']).default('fq-codel').describe('`fifo` is the baseline: one queue a class, tail drop'),
  targetMs: z.number().min(0.01).max(1_000).default(5).describe('delay that CoDel accepts, ms (RFC 8289)'),
  intervalMs: z.number().min(1).max(10_000).default(100).describe('time for which it must stand above that, ms (RFC 8289)'),
  quantumBytes: z.int().min(256).max(65_536).default(1_514).describe('bytes of a flow in one turn (RFC 8290)'),
  flows: z.int().min(1).max(65_536).default(1_024).describe('sub-queues of a class, by hash (RFC 8290)'),
  limitPackets: z.int().min(1).max(65_536).default(1_024).describe('packets of a class at most'),
  overloadBatch: z.int().min(1).max(1_024).default(64).describe('packets dropped at once from the fattest flow at the limit'),
  ecn: z.boolean().default(true).describe('mark packets that can be marked instead of dropping them (RFC 3168)'),
  driverPackets: z.int().min(1).max(1_024).default(8).describe('packets that the device TX ring is kept filled with'),
  advisory: advisorySchema.prefault({}),
});
export type AqmSpec = z.infer<typeof aqmSchema>;

export const stackMemorySchema = z.strictObject({
  magazineRounds: z.int().min(1).max(256).default(16).describe('objects of a magazine'),
  pruneS: z.number().min(1).max(3_600).default(32).describe('seconds between two prunes of the caches'),
  idleS: z
    .number()
    .min(1)
    .max(3_600)
    .default(10)
    .describe('seconds below 1,000 B/s after which a channel is drained, and purged after twice that'),
  stallS: z.number().min(1).max(3_600).default(10).describe('seconds without a read after which a waiting channel is made defunct'),
});

export const stackFaultSchema = z.strictObject({
  id: name.describe('name of the fault, for events'),
  site: z
    .enum([
      'device-pool-alloc',
      'port-pool-alloc',
      'device-ring-full',
      'port-ring-full',
      'tx-ring-full',
      'bad-head',
      'checksum-corruption',
      'lost-notification',
    ])
    .describe('where it strikes'),
  probability: z.number().min(0).max(1).describe('share of the chances that it takes'),
  port: z.string().optional().describe('port at which it strikes; every port when left out'),
  enabled: z.boolean().default(true).describe('on from the start; otherwise an event switches it on'),
});

const atMs = z.number().min(0).max(1e12).describe('instant on the lab clock, ms');
const ofInstance = { atMs, instance: z.string().describe('stack instance') };
const ofPort = { atMs, port: z.string().describe('user port') };
const ofFlow = { atMs, flow: z.string().describe('flow of the list') };
const ofFault = { atMs, fault: z.string().describe('fault of the list') };
export const stackEventSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('open-channel'), ...ofInstance }),
  z.strictObject({ do: z.literal('close-channel'), ...ofInstance }),
  z.strictObject({
    do: z.literal('defunct'),
    ...ofInstance,
    opportunistic: z.boolean().default(false).describe('not while packets are out'),
  }),
  z.strictObject({
    do: z.literal('bind-port'),
    ...ofPort,
    pid: z.int().min(1).optional(),
    executable: z.string().optional(),
    key: z.string().optional(),
  }),
  z.strictObject({ do: z.literal('unbind-port'), ...ofPort }),
  z.strictObject({ do: z.literal('add-flow'), ...ofFlow }),
  z.strictObject({ do: z.literal('remove-flow'), ...ofFlow }),
  z.strictObject({ do: z.literal('memory-pressure'), atMs }),
  z.strictObject({ do: z.literal('fault-on'), ...ofFault }),
  z.strictObject({ do: z.literal('fault-off'), ...ofFault }),
]);
export type StackEventSpec = z.infer<typeof stackEventSchema>;

export const stackSectionSchema = z
  .strictObject({
    instances: z.array(stackInstanceSchema).max(64).default([]).describe('user space stacks; a user port without one has one of its own'),
    bindings: z.array(stackBindingSchema).max(64).default([]).describe('who may open which port'),
    flows: z.array(stackFlowSchema).max(256).default([]).describe('flows and listeners that stacks install'),
    aqm: aqmSchema.optional().describe('class queues between the flow switch and the device TX ring'),
    memory: stackMemorySchema.prefault({}),
    faults: z.array(stackFaultSchema).max(64).default([]).describe('faults to inject'),
    events: z.array(stackEventSchema).max(1_000).default([]).describe('what happens when, on the lab clock'),
  })
  .describe(
    'stack instances, class queues, caches, faults and events; with several device queues each has class queues, caches and limits of its own',
  );
export type StackSection = z.infer<typeof stackSectionSchema>;
