import { z } from 'zod';
import { address, seconds } from './translator-fields.ts';
import { nat64TimersSchema } from './translator-nat64.ts';

/** Configuration of the modes beside SIIT and NAT64: DNS64, CLAT, MAP-T, and the relay of a terminal that converts. */

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
    validates: z.boolean().default(false).describe('the resolver validates DNSSEC itself (RFC 6147 section 5.5, vDNS64)'),
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
