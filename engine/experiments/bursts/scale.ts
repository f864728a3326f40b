import { RecordBatch } from '../../files/index.ts';
import { GeneratorSource, Pipeline, generatorSchema } from '../../lab/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import type { Experiment } from '../types.ts';
import { burstScenario } from './runs.ts';

const PACKETS = { small: 3_000, full: 200_000 } as const;
const SOCKETS = { small: [1, 100], full: [1, 10, 100, 1_000, 10_000] } as const;

interface Fed {
  readonly batches: readonly RecordBatch[];
  readonly classified: readonly ClassifiedBatch[];
}

/** Packets spread over sockets evenly, classified beforehand: what is timed is the switch, the meter and the sockets. */
function traffic(flows: number, packets: number, seed: number): Fed {
  const stream = { kind: 'imix', flows, packets, ratePps: 50_000, tcpShare: 0, v6Share: 0, sizes: [{ bytes: 500, weight: 1 }] };
  const source = new GeneratorSource(generatorSchema.parse({ name: 'scale', seed, snapLen: 64, durationS: 1e5, streams: [stream] }));
  const batches: RecordBatch[] = [];
  const classified: ClassifiedBatch[] = [];
  for (;;) {
    const batch = new RecordBatch();
    if (!source.nextBatch(batch)) break;
    batch.bytes = batch.bytes.slice();
    const rows = new ClassifiedBatch(batch.capacity);
    classifyBatch(batch, rows);
    batches.push(batch);
    classified.push(rows);
  }
  return { batches, classified };
}

function runFed(fed: Fed, sockets: number, enable: boolean): { nsPerPacket: number; pipeline: Pipeline; packets: number } {
  const scenario = burstScenario('scale', { meter: { enable }, sockets: { count: sockets, readerBps: 1e8, mbufs: 262_144 } });
  const pipeline = new Pipeline(scenario, { sharedArena: true, expectedFlows: sockets });
  const start = performance.now();
  let number = 1;
  for (const [i, batch] of fed.batches.entries()) {
    pipeline.feed(batch, fed.classified[i]!, 0, batch.count, number);
    number += batch.count;
  }
  pipeline.finish();
  return { nsPerPacket: ((performance.now() - start) * 1e6) / (number - 1), pipeline, packets: number - 1 };
}

export const scale: Experiment = {
  id: 'burst-scale',
  title: 'From one socket to ten thousand',
  question: 'What does a packet cost when many sockets share the meter?',
  source: 'stack 1.7, experiment 8',
  method:
    'The same number of packets of 500 bytes at 50,000 a second, spread evenly over flows with a socket each, runs through switch, meter and sockets; packets are made and classified beforehand. Times are the best of several rounds in one process, taken in turn. The meter visits sockets that have data and no others.',
  measured: true,
  async run({ size, seed, step }) {
    const rounds = size === 'full' ? 5 : 1;
    const counts = SOCKETS[size];
    const inputs = counts.map((n) => traffic(n, PACKETS[size], seed));
    const best = new Map<string, number>();
    const work = new Map<number, number>();
    for (let round = 0; round < rounds; round++) {
      for (const [i, n] of counts.entries()) {
        await step(round * counts.length + i, rounds * counts.length, `${String(n)} sockets`);
        for (const enable of [true, false]) {
          const { nsPerPacket, pipeline, packets } = runFed(inputs[i]!, n, enable);
          const key = `${String(n)} ${String(enable)}`;
          best.set(key, Math.min(best.get(key) ?? Infinity, nsPerPacket));
          if (enable) work.set(n, pipeline.summary({ skipped: {}, scenarioSha256: '' }).meter![0]!.portions / packets);
        }
      }
    }
    const ns = (n: number, enable: boolean): number => best.get(`${String(n)} ${String(enable)}`)!;
    const from = size === 'full' ? 10 : counts[0];
    const to = counts.at(-1)!;
    return {
      tables: [
        {
          title: 'By number of sockets',
          columns: [
            { name: 'sockets' },
            { name: 'meter on', unit: 'ns/packet' },
            { name: 'meter off', unit: 'ns/packet' },
            { name: 'off / on' },
            { name: 'portions a packet' },
          ],
          rows: counts.map((n) => [n, ns(n, true), ns(n, false), ns(n, false) / ns(n, true), work.get(n)!]),
        },
      ],
      findings: [
        `A packet costs ${(ns(to, true) / ns(from, true)).toFixed(2)} times as much with ${String(to)} sockets as with ${String(from)}.`,
      ],
    };
  },
};
