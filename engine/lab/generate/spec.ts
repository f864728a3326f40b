import { z } from 'zod';
import type { ScenarioIssue } from '../../contract/index.ts';
import { ok, type Result } from '../../base/index.ts';
import { parseYaml, prefixProblem, prefixVersion, type Finding } from '../scenario/index.ts';

/**
 * What the traffic generator makes. A spec and its seed give the same packets, byte for byte. Streams run side by side and
 * are merged by time; each has its own random numbers, so adding a stream never changes another.
 */

const share = (fallback: number) => z.number().min(0).max(1).default(fallback);
const prefix4 = (fallback: string) => z.string().default(fallback).describe('IPv4 prefix, such as 192.0.2.0/24');
const prefix6 = (fallback: string) => z.string().default(fallback).describe('IPv6 prefix, such as 2001:db8:1::/64');

/** Most flows of one stream: the flow table of the switch has room for as many. */
export const MAX_FLOWS = 4_194_304;
/** Largest frame made, in bytes: a jumbo frame. */
export const MAX_FRAME_BYTES = 9_018;

const common = {
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'lower-case letters, digits and hyphens')
    .optional()
    .describe('names the stream; its random numbers follow from this name, or from its place in the list'),
  startMs: z.number().min(0).max(1e9).default(0).describe('first packet or exchange, milliseconds from the start'),
  untilMs: z.number().min(0).max(1e9).optional().describe('no packet or exchange begins after this'),
  vlan: z.int().min(1).max(4_094).optional().describe('802.1Q VLAN id'),
};

const flows = {
  flows: z.int().min(1).max(MAX_FLOWS).default(64).describe('number of flows'),
  packets: z.int().min(0).max(1e9).optional().describe('stop after this many packets'),
  tcpShare: share(0.7).describe('share of flows that are TCP; the others are UDP'),
  v6Share: share(0.25).describe('share of flows that are IPv6'),
  serverPorts: z.array(z.int().min(1).max(65_535)).min(1).max(64).default([443, 8_443, 9_000, 7_443]),
  clients: prefix4('198.18.0.0/16'),
  servers: prefix4('198.19.0.0/16'),
  clients6: prefix6('2001:db8:18::/64'),
  servers6: prefix6('2001:db8:19::/64'),
  direction: z.enum(['up', 'down']).default('down').describe('down: packets come from the servers'),
};

const imixSchema = z.strictObject({
  kind: z.literal('imix').describe('Internet mix: many flows in random order'),
  ...common,
  ...flows,
  ratePps: z.number().min(0.001).max(1e9).default(100_000),
  gaps: z.enum(['poisson', 'constant']).default('poisson'),
  sizes: z
    .array(z.strictObject({ bytes: z.int().min(60).max(MAX_FRAME_BYTES), weight: z.number().min(0).max(1e6) }))
    .min(1)
    .max(32)
    .default([
      { bytes: 64, weight: 7 },
      { bytes: 576, weight: 4 },
      { bytes: 1_500, weight: 1 },
    ])
    .describe('frame sizes without the frame check sequence, and how often each comes'),
});

const constantSchema = z.strictObject({
  kind: z.literal('constant').describe('one packet after the other at a fixed rate, flows in turn'),
  ...common,
  ...flows,
  ratePps: z.number().min(0.001).max(1e9).default(1_000),
  bytes: z.int().min(60).max(MAX_FRAME_BYTES).default(1_000),
});

/** What a burst looks like on different links; every figure can be set apart. */
export const BURST_PATTERNS = {
  /** An LTE or NR modem hands over what several grants brought in one piece. */
  'modem-grant': { periodMs: 200, jitter: 0.1, packetsMin: 150, packetsMax: 400, lineBps: 1e9, bytes: 1_400 },
  /** A Wi-Fi A-MPDU: up to 64 frames at once, often. */
  'wifi-ampdu': { periodMs: 4, jitter: 0.4, packetsMin: 8, packetsMax: 64, lineBps: 1.2e9, bytes: 1_500 },
  /** Everything that waited while the machine slept. */
  'wake-backlog': { periodMs: 2_000, jitter: 0.2, packetsMin: 1_500, packetsMax: 2_500, lineBps: 4e9, bytes: 900 },
} as const;

const burstSchema = z.strictObject({
  kind: z.literal('burst').describe('bursts as a modem, a Wi-Fi aggregate or a wake from sleep delivers them'),
  ...common,
  ...flows,
  pattern: z.enum(['modem-grant', 'wifi-ampdu', 'wake-backlog']).default('modem-grant'),
  periodMs: z.number().min(0.001).max(1e6).optional().describe('from one burst to the next'),
  jitter: z.number().min(0).max(0.9).optional().describe('share of the period that the start of a burst moves about'),
  packetsMin: z.int().min(1).max(100_000).optional(),
  packetsMax: z.int().min(1).max(100_000).optional(),
  lineBps: z.number().min(1_000).max(1e12).optional().describe('rate inside the burst'),
  bytes: z.int().min(60).max(MAX_FRAME_BYTES).optional().describe('frame size'),
  acks: z.boolean().default(true).describe('TCP acknowledgments in the other direction after each burst, one for two packets'),
});

const tcpSchema = z.strictObject({
  kind: z.literal('tcp').describe('whole TCP conversations: handshake, data, acknowledgments, close'),
  ...common,
  everyMs: z.number().min(0.01).max(1e6).default(100).describe('mean time between two conversations (exponential)'),
  application: z.enum(['tls', 'http', 'bulk']).default('tls'),
  names: z.array(z.string().min(1).max(253)).min(1).max(256).default(['www.example.com', 'api.example.net', 'cdn.example.org']),
  v6Share: share(0.4),
  rttMs: z.number().min(0.01).max(10_000).default(20),
  responseBytesMin: z.int().min(0).max(10_000_000).default(2_000),
  responseBytesMax: z.int().min(0).max(10_000_000).default(60_000),
  resetShare: share(0.02).describe('share of conversations that end with RST'),
  clients: prefix4('192.0.2.0/24'),
  servers: prefix4('198.51.100.0/24'),
  clients6: prefix6('2001:db8:1::/64'),
  servers6: prefix6('2001:db8:2::/64'),
});

const noiseSchema = z.strictObject({
  kind: z.enum(['dns', 'ping', 'arp', 'nd', 'dhcp', 'mdns', 'ntp', 'fragments']).describe('short exchanges of a local network'),
  ...common,
  everyMs: z.number().min(0.01).max(1e6).default(500).describe('mean time between two exchanges (exponential)'),
  v6Share: share(0.5).describe('for kinds that exist in both families'),
  names: z.array(z.string().min(1).max(253)).min(1).max(256).default(['www.example.com', 'api.example.net', 'cdn.example.org']),
});

const multicastSchema = z.strictObject({
  kind: z.literal('multicast').describe('receivers join and leave a group; the sender sends to it'),
  ...common,
  protocol: z.enum(['igmpv2', 'igmpv3', 'mldv2', 'pim']).default('igmpv3'),
  group: z.string().default('').describe('group address; empty for one of the documentation range'),
  source: z.string().default('').describe('source address for source-specific joins and for the data; empty for a default'),
  receivers: z.int().min(1).max(64).default(3),
  firstReceiver: z
    .string()
    .default('192.0.2.100')
    .describe('IPv4 address of the first receiver; the others follow, and IPv6 ones have the same hardware addresses'),
  holdMs: z.number().min(1).max(1e6).default(2_000).describe('how long each receiver stays'),
  everyMs: z.number().min(1).max(1e6).default(3_000).describe('mean time between two joins'),
  dataPps: z.number().min(0).max(100_000).default(50).describe('packets of group data a second'),
  dataBytes: z.int().min(100).max(1_500).default(1_356),
  dataBurst: z
    .int()
    .min(1)
    .max(1_000)
    .default(1)
    .describe('packets of group data that come at once, back to back at 1 Gb/s, at the same dataPps on average'),
});

const nat64Schema = z.strictObject({
  kind: z.literal('nat64').describe('IPv6 clients behind a NAT64 and the IPv4 side of the same traffic: interfaces 0 and 1'),
  ...common,
  everyMs: z.number().min(0.01).max(1e6).default(150),
  prefix: z.string().default('64:ff9b::/96').describe('NAT64 prefix, 96 bits long'),
  clients6: prefix6('2001:db8:1::/64'),
  pool: z.string().default('192.0.2.7').describe('IPv4 address of the translator'),
  servers: prefix4('198.51.100.0/24'),
  translationUs: z.number().min(0).max(1e6).default(35).describe('time the translator takes'),
  rttMs: z.number().min(0.01).max(10_000).default(25),
  sides: z
    .enum(['both', 'arriving'])
    .default('both')
    .describe(
      'both: every packet before and after translation; arriving: only what comes to the translator, IPv6 of clients and IPv4 of servers, which answer to the port that the client has',
    ),
});

export const streamSchema = z.discriminatedUnion('kind', [
  imixSchema,
  constantSchema,
  burstSchema,
  tcpSchema,
  noiseSchema,
  multicastSchema,
  nat64Schema,
]);
export type StreamSpec = z.infer<typeof streamSchema>;
export type FlowStreamSpec = Extract<StreamSpec, { kind: 'imix' | 'constant' | 'burst' }>;
export type TcpStreamSpec = z.infer<typeof tcpSchema>;
export type NoiseStreamSpec = z.infer<typeof noiseSchema>;
export type MulticastStreamSpec = z.infer<typeof multicastSchema>;
export type Nat64StreamSpec = z.infer<typeof nat64Schema>;

export const generatorSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens'),
    title: z.string().max(120).default(''),
    description: z.string().max(4_000).default(''),
    seed: z.int().min(0).max(0xffffffff).default(1),
    start: z.iso.datetime().default('2024-05-14T09:00:00Z').describe('date and time of the first instant'),
    durationS: z.number().min(0).max(1e6).default(10).describe('no packet or exchange begins after this; open exchanges finish'),
    packets: z.int().min(0).max(1e9).optional().describe('stop after this many packets in all'),
    snapLen: z.int().min(64).max(262_144).default(262_144).describe('bytes kept of a packet'),
    format: z.enum(['pcapng', 'pcap']).default('pcapng').describe('both with nanoseconds'),
    interfaces: z.array(z.string().min(1).max(64)).min(1).max(8).default(['lab0']).describe('names of the interfaces'),
    streams: z.array(streamSchema).min(1).max(64),
  })
  .describe('Ringside traffic generator');
export type GeneratorSpec = z.infer<typeof generatorSchema>;

const PREFIX_FIELDS = { clients: 4, servers: 4, clients6: 6, servers6: 6 } as const;

function checkStream(stream: StreamSpec, index: number): Finding[] {
  const findings: Finding[] = [];
  const values: Readonly<Record<string, unknown>> = stream;
  for (const [field, version] of Object.entries(PREFIX_FIELDS)) {
    const text = values[field];
    if (typeof text !== 'string') continue;
    const problem = prefixProblem(text) ?? (prefixVersion(text) === version ? undefined : `must be an IPv${String(version)} prefix`);
    if (problem !== undefined) findings.push({ path: ['streams', index, field], message: problem });
  }
  if (stream.kind === 'burst' && (stream.packetsMax ?? Infinity) < (stream.packetsMin ?? 0)) {
    findings.push({ path: ['streams', index, 'packetsMax'], message: 'must not be below packetsMin' });
  }
  if (stream.kind === 'tcp' && stream.responseBytesMax < stream.responseBytesMin) {
    findings.push({ path: ['streams', index, 'responseBytesMax'], message: 'must not be below responseBytesMin' });
  }
  if (stream.kind === 'multicast') {
    const version = stream.protocol === 'mldv2' ? 6 : 4;
    if (
      stream.firstReceiver.includes('/') ||
      prefixProblem(stream.firstReceiver) !== undefined ||
      prefixVersion(stream.firstReceiver) !== 4
    ) {
      findings.push({ path: ['streams', index, 'firstReceiver'], message: 'must be an IPv4 address' });
    }
    for (const field of ['group', 'source'] as const) {
      const text = stream[field];
      if (text === '') continue;
      const bad = text.includes('/') || prefixProblem(text) !== undefined || (stream.protocol !== 'pim' && prefixVersion(text) !== version);
      if (bad) findings.push({ path: ['streams', index, field], message: `must be an IPv${String(version)} address` });
    }
  }
  if (stream.kind === 'nat64') {
    if (prefixProblem(stream.prefix) !== undefined || !stream.prefix.endsWith('/96')) {
      findings.push({ path: ['streams', index, 'prefix'], message: 'must be an IPv6 prefix of 96 bits' });
    }
    if (stream.pool.includes('/') || prefixProblem(stream.pool) !== undefined || prefixVersion(stream.pool) !== 4) {
      findings.push({ path: ['streams', index, 'pool'], message: 'must be an IPv4 address' });
    }
  }
  return findings;
}

function checkGenerator(spec: GeneratorSpec): Finding[] {
  const findings = spec.streams.flatMap(checkStream);
  const second = spec.streams.findIndex((s) => s.kind === 'nat64');
  if (second >= 0 && spec.interfaces.length < 2) {
    findings.push({ path: ['interfaces'], message: 'a nat64 stream needs two interfaces, such as [lan6, wan4]' });
  }
  if (spec.format === 'pcap' && spec.interfaces.length > 1) {
    findings.push({ path: ['format'], message: 'pcap holds one interface; write pcapng' });
  }
  return findings;
}

/** A generator text with defaults filled in, or every finding with line, column and field. */
export function parseGenerator(yaml: string): Result<GeneratorSpec, ScenarioIssue[]> {
  const parsed = parseYaml(yaml, generatorSchema, checkGenerator);
  return parsed.ok ? ok(parsed.value.value) : parsed;
}

/** The schema as JSON Schema (draft 2020-12) for editors. */
export function generatorJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(generatorSchema, { io: 'input' }), title: 'Ringside traffic generator' };
}
