import { z } from 'zod';
import { multicastLimitsSchema, multicastPrefixesSchema, multicastTimersSchema, pathChoiceSchema, ssmStrict } from './multicast.ts';

/**
 * Configuration of a multicast port: a router on the flow switch, fed by the joins and the group data of a capture. Its links are told apart by
 * where packets come from; its routes are written here, since a capture does not hold them.
 */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a lower-case name of up to 32 letters, digits and hyphens that starts with a letter');

export const multicastInterfaceSchema = z.strictObject({
  id: name.describe('name of the link'),
  capture: z.int().min(0).max(255).optional().describe('packets of this interface of the capture file come in here; the first one is 0'),
  networks: z
    .array(z.string())
    .max(64)
    .default([])
    .describe(
      'prefixes on the link: what they send comes in here; what fits no interface comes in on that of its route, else on the first',
    ),
  addresses: z
    .array(z.string())
    .max(2)
    .default([])
    .describe('addresses of this router, one a family; without one it listens on the link and says nothing in that family'),
  mac: z.string().optional().describe('Ethernet address of this router: captured packets from it are its own and not taken'),
  mtu: z.int().min(576).max(65_535).default(1_500),
  scopeBoundary: z.int().min(0).max(15).default(0).describe('multicast of this scope or a smaller one does not cross; 0 for no boundary'),
  port: name.optional().describe('port of the switch that gets the copies for this link; left out: they leave by the device'),
});
export type MulticastInterfaceSpec = z.infer<typeof multicastInterfaceSchema>;

export const multicastRouteSchema = z.strictObject({
  to: z.string().describe('prefix of sources or rendezvous points'),
  interface: name.describe('interface towards it'),
  via: z.string().optional().describe('address of the next router, which joins are sent to; left out: the prefix is on the link'),
  metric: z.number().min(0).max(1_000_000).default(1),
  preference: z.int().min(0).max(255).default(110),
  hops: z.int().min(0).max(255).default(1),
  delayMs: z.number().min(0).max(60_000).default(0),
});

export const multicastPortSchema = z.strictObject({
  kind: z.enum(['translation', 'dual']).default('translation').describe('with translation and path choice, or both families side by side'),
  interfaces: z
    .array(multicastInterfaceSchema)
    .min(1)
    .max(30)
    .prefault([{ id: 'wire' }]),
  routes: z.array(multicastRouteSchema).max(1_024).default([]),
  rps: z
    .array(
      z.strictObject({ address: z.string(), groups: z.string().optional().describe('prefix of the groups it serves; all without one') }),
    )
    .max(64)
    .default([])
    .describe('rendezvous points of any-source groups'),
  joins: z
    .enum(['any', 'own'])
    .default('any')
    .describe(
      'any: every PIM join on a link counts, as if it were for this router; own: those to its address, of neighbours that said Hello',
    ),
  asserts: z
    .enum(['own', 'any'])
    .default('own')
    .describe('own: PIM asserts of neighbours that said Hello count; any: those of others too (RFC 7761 section 4.6)'),
  provision: z
    .enum(['static', 'dhcpv6', 'radius', 'diameter'])
    .default('static')
    .describe(
      'where the prefixes come from: written here, or in the place of these from the last such message that came to the port (RFC 8115, RFC 8658, RFC 7678)',
    ),
  mode: z.enum(['translate', 'encapsulate']).default('translate').describe('how IPv4 data goes out as IPv6 (M-20)'),
  encapsulateTo: z.array(name).max(30).default([]).describe('interfaces that get encapsulated data whatever the mode is'),
  spt: z.enum(['first-packet', 'never']).default('first-packet').describe('when to leave the shared tree for the source tree'),
  threshold: z.int().min(0).max(255).default(1).describe('data of a lower TTL or hop limit is not forwarded'),
  prefixes: multicastPrefixesSchema.prefault({}),
  choice: pathChoiceSchema.prefault({}),
  timers: multicastTimersSchema.prefault({}),
  limits: multicastLimitsSchema.extend({ ssmStrict: ssmStrict.default(false) }).prefault({}),
});
export type MulticastPortSpec = z.infer<typeof multicastPortSchema>;
