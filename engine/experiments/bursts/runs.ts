import { NS_PER_S } from '../../base/index.ts';
import {
  scenarioSchema,
  type MeterStats,
  type RunSummary,
  type Scenario,
  type ScenarioInput,
  type StageStats,
} from '../../contract/index.ts';
import { GeneratorSource, burstSeries, generatorSchema, runToEnd, type RunResult } from '../../lab/index.ts';

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
  return runToEnd(sourceOf(specs), scenario, { scenarioSha256: '' }).summary;
}

/** The same, with what happened over time. */
export function runBurstsOverTime(scenario: Scenario, ...specs: readonly BurstsSpec[]): RunResult {
  return runToEnd(sourceOf(specs), scenario, { scenarioSha256: '', series: { durationNs: specs[0]!.durationS * NS_PER_S } });
}

function sourceOf(specs: readonly BurstsSpec[]): GeneratorSource {
  const { seed, durationS } = specs[0]!;
  return new GeneratorSource(generatorSchema.parse({ name: 'bursts', seed, durationS, snapLen: 64, streams: specs.map(stream) }));
}

/** Coefficient of variation: the standard deviation of samples over their mean; 0 for a steady stream, and where there is none. */
export function variationOf(samples: ArrayLike<number>): number {
  const n = samples.length;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    sum += samples[i]!;
    squares += samples[i]! ** 2;
  }
  return sum === 0 ? 0 : Math.sqrt(Math.max(0, (n * squares) / sum ** 2 - 1));
}

/** Bytes that a run released to its sockets, in each window of `windowNs` of the input's time. */
export function releasesOf({ queues, summary }: RunResult, windowNs: number): Float64Array {
  const windows = Math.max(1, Math.floor(summary.endNs / windowNs));
  const regulation = queues.map((queue) => queue.regulation!);
  return burstSeries(regulation, 0, windows * windowNs, windows)!.releasedBytes;
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
