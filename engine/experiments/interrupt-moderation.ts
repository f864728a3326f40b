import { scenarioSchema, type RunSummary } from '../contract/index.ts';
import { GeneratorSource, generatorSchema, runToEnd } from '../lab/index.ts';
import { meanInterval, seedsFrom } from './statistics.ts';
import type { Experiment } from './types.ts';

const MODERATION_US = [0, 25, 50, 100, 200, 400, 800];
const RING_SLOTS = 128;

/** One run: packets in bursts at one device queue with a small ring. */
function run(moderationUs: number, seed: number, durationS: number): RunSummary {
  const source = new GeneratorSource(
    generatorSchema.parse({
      name: 'moderation',
      seed,
      durationS,
      streams: [
        { kind: 'burst', flows: 50, packetsMin: 150, packetsMax: 250, periodMs: 2, jitter: 0.5, lineBps: 4e9, bytes: 900, acks: false },
      ],
    }),
  );
  const scenario = scenarioSchema.parse({
    name: 'moderation',
    device: { queues: 1, moderationUs, rxRingSlots: RING_SLOTS },
    ports: [{ id: 'host', kind: 'host', reader: { perPacketNs: 100 } }],
  });
  return runToEnd(source, scenario, { scenarioSha256: '' }).summary;
}

export const interruptModeration: Experiment = {
  id: 'interrupt-moderation',
  title: 'Interrupt moderation: delay against drops',
  question: 'How much delay does interrupt moderation add, and from when on does it cost packets?',
  source: '',
  method: `Bursts of about 200 packets every 2 ms arrive at one device queue whose RX ring has ${String(RING_SLOTS)} slots. The time from the first packet in an empty ring to the poll is varied; everything else stays. Each row is the mean of several seeds with its 95 % confidence interval.`,
  measured: false,
  async run({ size, seed, step }) {
    const seeds = seedsFrom(seed, size === 'full' ? 10 : 3);
    const durationS = size === 'full' ? 5 : 0.1;
    const rows: number[][] = [];
    for (const [i, us] of MODERATION_US.entries()) {
      await step(i, MODERATION_US.length, `${String(us)} µs`);
      const runs = seeds.map((s) => run(us, s, durationS));
      const host = runs.map((r) => r.ports.find((p) => p.id === 'host')!);
      const median = meanInterval(host.map((p) => p.delayNs.p50 / 1e3));
      const p99 = meanInterval(host.map((p) => p.delayNs.p99 / 1e3));
      const dropped = meanInterval(runs.map((r) => (100 * Object.values(r.drops).reduce((a, b) => a + b, 0)) / r.packets));
      const highWater = Math.max(...runs.map((r) => r.rings.find((ring) => ring.id === 'device.rx.0')!.highWater));
      rows.push([us, median.mean, median.plusMinus, p99.mean, p99.plusMinus, dropped.mean, dropped.plusMinus, highWater]);
    }
    const safe = rows.filter((row) => row[5] === 0);
    const most = safe.at(-1)?.[0];
    return {
      tables: [
        {
          title: 'By moderation time',
          columns: [
            { name: 'moderation', unit: 'µs' },
            { name: 'delay p50', unit: 'µs' },
            { name: '±' },
            { name: 'delay p99', unit: 'µs' },
            { name: '±' },
            { name: 'dropped', unit: '%' },
            { name: '±' },
            { name: 'ring high-water', unit: 'slots' },
          ],
          rows,
        },
      ],
      findings: [
        most === undefined
          ? 'Packets were dropped at every moderation time.'
          : `Up to ${String(most)} µs nothing was dropped${most === MODERATION_US.at(-1) ? '' : '; beyond, the ring overflows before the poll'}.`,
      ],
    };
  },
};
