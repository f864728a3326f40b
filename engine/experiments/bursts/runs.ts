import {
  scenarioSchema,
  type MeterStats,
  type RunSummary,
  type Scenario,
  type ScenarioInput,
  type StageStats,
} from '../../contract/index.ts';
import { GeneratorSource, generatorSchema, runToEnd } from '../../lab/index.ts';

/** Traffic of an experiment: bursts of UDP packets at line rate. */
export interface BurstsSpec {
  readonly burstBytes: number;
  readonly periodMs: number;
  readonly durationS: number;
  readonly seed: number;
  readonly flows?: number;
  readonly lineBps?: number;
  readonly packetBytes?: number;
  readonly serverPort?: number;
}

type HostPort = NonNullable<ScenarioInput['ports']>[number];

/** A host port with sockets as an experiment varies it; other ports and the network beside it. */
export interface SocketsUnderTest {
  readonly meter?: HostPort['meter'];
  readonly sockets?: HostPort['sockets'];
  readonly network?: NonNullable<ScenarioInput['device']>['network'];
  readonly poolPackets?: number;
  readonly userPorts?: ScenarioInput['ports'];
}

/** The scenario of the burst experiments: one queue, ample device rings, sockets on the host port. */
export function burstScenario(name: string, o: SocketsUnderTest): Scenario {
  return scenarioSchema.parse({
    name,
    device: {
      queues: 1,
      rxRingSlots: 8_192,
      poolPackets: o.poolPackets ?? 16_384,
      moderationUs: 20,
      network: o.network ?? { profile: 'nr' },
    },
    ports: [...(o.userPorts ?? []), { id: 'host', kind: 'host', meter: o.meter ?? {}, sockets: { by: 'count', ...o.sockets } }],
  });
}

function stream(spec: BurstsSpec): Record<string, unknown> {
  const bytes = spec.packetBytes ?? 1_500;
  const packets = Math.max(1, Math.round(spec.burstBytes / bytes));
  return {
    kind: 'burst',
    flows: spec.flows ?? 1,
    tcpShare: 0,
    v6Share: 0,
    packetsMin: packets,
    packetsMax: packets,
    periodMs: spec.periodMs,
    jitter: 0.1,
    lineBps: spec.lineBps ?? 4e9,
    bytes,
    acks: false,
    serverPorts: [spec.serverPort ?? 9_000],
  };
}

/** Runs bursts through a scenario. */
export function runBursts(scenario: Scenario, ...specs: readonly BurstsSpec[]): RunSummary {
  const { seed, durationS } = specs[0]!;
  const source = new GeneratorSource(generatorSchema.parse({ name: 'bursts', seed, durationS, snapLen: 64, streams: specs.map(stream) }));
  return runToEnd(source, scenario, { scenarioSha256: '' }).summary;
}

export const meterOf = (summary: RunSummary): MeterStats => summary.meter![0]!;

/** The time from the device to the application of a port, ns. */
export function totalOf(summary: RunSummary, port = 'host'): StageStats {
  return summary.stages!.find((s) => s.port === port && s.stage === 'total')!;
}

export const drops = (summary: RunSummary): number => Object.values(summary.drops).reduce((a, b) => a + b, 0);
export const lostPercent = (summary: RunSummary): number => (100 * drops(summary)) / Math.max(1, summary.packets);
/** What applications read, bits per second over the length of the input. */
export const goodputBps = (summary: RunSummary): number => (summary.sockets!.readBytes * 8e9) / Math.max(1, summary.endNs);
export const poolHighWater = (summary: RunSummary): number => summary.pools.find((p) => p.port === 'device')!.highWater;
