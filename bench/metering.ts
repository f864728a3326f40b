import { RecordBatch } from '../engine/files/index.ts';
import { GeneratorSource, Pipeline, generatorSchema, parseScenario } from '../engine/lab/index.ts';
import { ClassifiedBatch, classifyBatch } from '../engine/wire/index.ts';
import { spread, type Comparison } from './measure.ts';

/** The meter in one process, without reading and classifying: what a packet costs from the device to the application. */

const PACKETS = 200_000;

/** Packets spread evenly over flows, classified beforehand. */
interface Fed {
  readonly sockets: number;
  readonly batches: readonly RecordBatch[];
  readonly classified: readonly ClassifiedBatch[];
}

export interface MeteringRow {
  readonly id: string;
  readonly title: string;
  readonly atLeast: number;
  readonly aim: number;
  readonly comparison: Comparison;
}

function traffic(flows: number): Fed {
  const stream = { kind: 'imix', flows, packets: PACKETS, ratePps: 50_000, tcpShare: 0, v6Share: 0, sizes: [{ bytes: 500, weight: 1 }] };
  const source = new GeneratorSource(generatorSchema.parse({ name: 'sockets', seed: 1, snapLen: 64, durationS: 1e5, streams: [stream] }));
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
  return { sockets: flows, batches, classified };
}

/** Processor time of a run, ns a packet: that of other programs is not in it. */
function nsPerPacket(fed: Fed, enable: boolean): number {
  const scenario = parseScenario(
    `name: sockets
device: { queues: 1, rxRingSlots: 8192, poolPackets: 16384, moderationUs: 20, network: { profile: nr } }
ports:
  - id: host
    kind: host
    meter: { enable: ${String(enable)} }
    sockets: { by: count, count: ${String(fed.sockets)}, readerBps: 1e8, mbufs: 262144 }
`,
  );
  if (!scenario.ok) throw new Error('the scenario of the bench is wrong');
  const pipeline = new Pipeline(scenario.value, { sharedArena: true, expectedFlows: fed.sockets });
  const start = process.cpuUsage().user;
  let number = 1;
  for (const [i, batch] of fed.batches.entries()) {
    pipeline.feed(batch, fed.classified[i]!, 0, batch.count, number);
    number += batch.count;
  }
  pipeline.finish();
  return ((process.cpuUsage().user - start) * 1e3) / (number - 1);
}

/** Rounds in turn after one to warm up, as the peer over ours. */
function inTurn(ours: () => number, peer: () => number, rounds: number): Comparison {
  const a: number[] = [];
  const b: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const [first, second] = [ours() / 1e9, peer() / 1e9];
    if (round < 0) continue;
    a.push(first);
    b.push(second);
  }
  const ratio = spread(b.map((value, i) => value / a[i]!));
  return { ratio, ours: spread(a), peer: spread(b), oursPeakMiB: undefined, peerPeakMiB: undefined };
}

/** 10,000 metered sockets against 10, and the meter on against off with each. */
export function meteringRows(rounds: number): MeteringRow[] {
  const [few, many] = [traffic(10), traffic(10_000)];
  const name = (what: string, { ours, peer }: Comparison): string =>
    `${what} (${(ours.median * 1e9).toFixed(0)} ns a packet against ${(peer.median * 1e9).toFixed(0)})`;
  const sockets = inTurn(() => nsPerPacket(many, true), () => nsPerPacket(few, true), rounds); // prettier-ignore
  const rows: MeteringRow[] = [
    {
      id: 'sockets-path',
      title: name('data path, 10,000 metered sockets against 10', sockets),
      atLeast: 0.5,
      aim: 0.8,
      comparison: sockets,
    },
  ];
  for (const fed of [few, many]) {
    const onOff = inTurn(() => nsPerPacket(fed, true), () => nsPerPacket(fed, false), rounds); // prettier-ignore
    const title = name(`data path, meter on against off, ${fed.sockets.toLocaleString('en')} sockets`, onOff);
    rows.push({ id: `meter-path-${String(fed.sockets)}`, title, atLeast: 0.5, aim: 0.8, comparison: onOff });
  }
  return rows;
}
