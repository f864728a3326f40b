import { percentileOfSorted } from '../../base/index.ts';
import { scenarioSchema, type RunSummary, type ScenarioInput, type TraceRecord } from '../../contract/index.ts';
import { GeneratorSource, Pipeline, generatorSchema, runToEnd, type QueueResult } from '../../lab/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';

export const LINK_BPS = 10e6;
/** Packets of the thin flow are shorter than this; those of the bulk flows are not. */
const THIN_BYTES = 300;

/** What happened to one kind of packets between the application and the link. */
export interface KindFigures {
  sent: number;
  transmitted: number;
  dropped: number;
  bytes: number;
  readonly delaysNs: number[];
}

export interface QueueRun {
  readonly thin: KindFigures;
  readonly bulk: KindFigures;
  readonly summary: RunSummary;
  readonly queue: QueueResult;
  /** Delays in the class queues, without what applications held back. */
  readonly sojournNs: number[];
  /** From the first packet to the last that was sent. */
  readonly durationS: number;
}

type Stream = Record<string, unknown>;

/** A thin flow of small packets beside bulk flows, all of them sent by this machine onto a link of 10 Mb/s. */
export function queueRun(stack: ScenarioInput['stack'], bulk: Stream, seed: number, durationS: number): QueueRun {
  const source = new GeneratorSource(
    generatorSchema.parse({
      name: 'queues',
      seed,
      durationS,
      streams: [
        { id: 'thin', kind: 'constant', flows: 1, v6Share: 0, ratePps: 50, bytes: 200, serverPorts: [5060] },
        { id: 'bulk', v6Share: 0, serverPorts: [443], ...bulk },
      ],
    }),
  );
  const scenario = scenarioSchema.parse({
    name: 'queues',
    seed,
    device: { queues: 1, linkBps: LINK_BPS, local: ['198.19.0.0/16'], txRingSlots: 1_024, poolPackets: 16_384 },
    flowSwitch: { perPacketNs: 100, perBatchNs: 500 },
    ports: [{ id: 'host', kind: 'host', txRingSlots: 4_096, poolPackets: 16_384 }],
    ...(stack === undefined ? {} : { stack }),
  });
  const kinds = { thin: figures(), bulk: figures() };
  const sojournNs: number[] = [];
  const lengths = new Map<number, number>();
  const record = (step: TraceRecord, number: number): void => {
    if (step.event === 'send') lengths.set(number, Number(step.fields['lenBytes']));
    const lenBytes = lengths.get(number);
    if (lenBytes === undefined) return;
    const kind = lenBytes < THIN_BYTES ? kinds.thin : kinds.bulk;
    if (step.event === 'send') kind.sent++;
    else if (step.event === 'drop') kind.dropped++;
    else if (step.event === 'dequeue') sojournNs.push(Number(step.fields['sojournNs']));
    else if (step.event === 'transmit') {
      kind.transmitted++;
      kind.bytes += lenBytes;
      kind.delaysNs.push(Number(step.fields['delayNs']));
    }
  };
  const { summary, queues } = runToEnd(source, scenario, { scenarioSha256: '', trace: { wants: (number) => number > 0, record } });
  return { ...kinds, summary, queue: queues[0]!, sojournNs, durationS: summary.endNs / 1e9 };
}

function figures(): KindFigures {
  return { sent: 0, transmitted: 0, dropped: 0, bytes: 0, delaysNs: [] };
}

/** Nearest-rank percentile in ms; NaN where there is nothing. */
export function percentileMs(delaysNs: readonly number[], p: number): number {
  const sorted = [...delaysNs].sort((a, b) => a - b);
  return percentileOfSorted(sorted, p) / 1e6;
}

/** Runs a generated capture through a pipeline that stays, so that it can be looked at afterwards. */
export function runPipeline(streams: readonly Stream[], scenario: ScenarioInput, seed: number, durationS: number): Pipeline {
  const source = new GeneratorSource(generatorSchema.parse({ name: 'defunct', seed, durationS, streams }));
  const pipeline = new Pipeline(scenarioSchema.parse(scenario));
  const batch = new RecordBatch();
  const classified = new ClassifiedBatch(batch.capacity);
  for (let number = 1; source.nextBatch(batch); number += batch.count) {
    classifyBatch(batch, classified);
    pipeline.feed(batch, classified, 0, batch.count, number);
  }
  pipeline.finish();
  return pipeline;
}
