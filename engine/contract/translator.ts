import { z } from 'zod';
import { address } from './translator-fields.ts';
import { clatSchema, dns64Schema, maptSchema, relaySchema } from './translator-modes.ts';
import { nat64Schema } from './translator-nat64.ts';

/**
 * Configuration of an IPv4/IPv6 translator: stateless (RFC 7915), stateful NAT64 (RFC 6146) or CLAT (RFC 6877). Prefixes
 * and addresses are text here; the translator refuses what does not parse and says which field it was.
 */

export const addressMapSchema = z
  .strictObject({
    v4: address('IPv4 address or prefix, such as 192.0.2.16/28'),
    v6: address('IPv6 address or prefix, such as 2001:db8:cccc::/124; its suffix is at least as long as that of v4'),
    pool6: address('prefix of pool6 this map is bound to: it is used only beside peers under that prefix').optional(),
  })
  .describe('explicit address map (RFC 7757)');
export type AddressMapSpec = z.infer<typeof addressMapSchema>;

export const icmpErrorsSchema = z
  .strictObject({
    send: z.boolean().default(true).describe('whether the translator makes errors at all'),
    ratePerS: z.number().min(0.01).max(1_000_000).default(100).describe('errors a second on average (RFC 4443 section 2.4 (f))'),
    burst: z.int().min(1).max(1_000_000).default(100).describe('errors at once'),
    drops: z
      .enum(['silent', 'ipv6', 'answer'])
      .default('silent')
      .describe(
        'which drops without an error of their own are answered: those of IPv6 with 1/1, of IPv4 with 3/13 (RFC 7915 sections 4.4, 5.4)',
      ),
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
    lowestIpv6Mtu: z.int().min(1_280).max(65_535).default(1_280).describe('size to which packets without DF are cut on the way to IPv6'),
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
