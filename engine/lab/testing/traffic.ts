import { Random } from '../../base/index.ts';
import { scenarioSchema, type Scenario, type ScenarioInput } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import { Pipeline } from '../pipeline.ts';
import type { PipelineOptions } from '../types.ts';

/** Test traffic: made from a seed, in memory, so that a test can replay it in any shape. */
export interface Traffic {
  readonly frames: readonly Uint8Array[];
  readonly tsNs: readonly number[];
  readonly lengths: readonly number[];
}

export interface TrafficOptions {
  readonly packets: number;
  readonly flows: number;
  readonly seed: number;
  /** Mean gap between packets, ns; packets come in bursts of up to 40 with no gap. */
  readonly gapNs?: number;
  /** Some packets are stamped earlier than the one before. */
  readonly backwards?: boolean;
}

const FLAGS = [0x02, 0x12, 0x10, 0x18, 0x11, 0x04];

/** Frames of every kind: TCP and UDP over both versions, ICMP, fragments, ARP, VLAN, jumbo lengths, and a few bytes of noise. */
export function makeTraffic(options: TrafficOptions): Traffic {
  const random = new Random(options.seed);
  const frames: Uint8Array[] = [];
  const tsNs: number[] = [];
  const lengths: number[] = [];
  let t = 0;
  let burst = 0;
  for (let i = 0; i < options.packets; i++) {
    if (burst > 0) burst--;
    else {
      t += Math.round(random.exponential(options.gapNs ?? 20_000));
      if (random.float() < 0.05) burst = random.int(2, 40);
    }
    const frame = makeFrame(random, random.int(0, options.flows - 1));
    frames.push(frame);
    tsNs.push(options.backwards === true && random.float() < 0.02 ? Math.max(0, t - 50_000) : t);
    lengths.push(random.float() < 0.01 ? random.int(3_000, 20_000) : Math.max(frame.length, random.int(60, 1_514)));
  }
  return { frames, tsNs, lengths };
}

function makeFrame(random: Random, flow: number): Uint8Array {
  const kind = random.float();
  if (kind < 0.02) return Uint8Array.from({ length: random.int(0, 40) }, () => random.u32() & 0xff);
  const v6 = flow % 3 === 2;
  const vlan = flow % 5 === 4;
  const b = new Uint8Array(14 + (vlan ? 4 : 0) + (v6 ? 40 : 20) + 20);
  const view = new DataView(b.buffer);
  if (vlan) {
    view.setUint16(12, 0x8100);
    view.setUint16(14, flow & 0xfff);
  }
  const at = vlan ? 18 : 14;
  view.setUint16(at - 2, kind < 0.04 ? 0x0806 : v6 ? 0x86dd : 0x0800);
  const reply = random.float() < 0.4;
  const protocol = flow % 7 === 0 ? (v6 ? 58 : 1) : flow % 2 === 0 ? 6 : 17;
  if (v6) {
    b[at] = 0x60;
    view.setUint16(at + 4, 20);
    b[at + 6] = protocol;
    for (const [where, last] of [
      [at + 8, reply ? 1 : flow + 2],
      [at + 24, reply ? flow + 2 : 1],
    ] as const) {
      view.setUint32(where, 0x20010db8);
      view.setUint32(where + 12, last);
    }
  } else {
    b[at] = 0x45;
    view.setUint16(at + 2, 40);
    if (flow % 11 === 3) {
      view.setUint16(at + 4, random.int(1, 4));
      view.setUint16(at + 6, random.float() < 0.5 ? 0x2000 : 0x00b9);
    }
    b[at + 9] = protocol;
    view.setUint32(at + 12, reply ? 0xc0000201 : 0x0a000000 + flow);
    view.setUint32(at + 16, reply ? 0x0a000000 + flow : 0xc0000201);
  }
  const l4 = at + (v6 ? 40 : 20);
  if (protocol === 6 || protocol === 17) {
    view.setUint16(l4, reply ? 443 : 10_000 + flow);
    view.setUint16(l4 + 2, reply ? 10_000 + flow : 443);
    view.setUint32(l4 + 4, random.u32() & 0xffff);
    view.setUint32(l4 + 8, random.u32() & 0xffff);
    b[l4 + 12] = 0x50;
    b[l4 + 13] = FLAGS[random.int(0, FLAGS.length - 1)]!;
  }
  return b;
}

/** Packs records [from, to) into one batch. */
export function batchOf(traffic: Traffic, from: number, to: number): RecordBatch {
  const batch = new RecordBatch(Math.max(1, to - from));
  const bytes = new Uint8Array(traffic.frames.slice(from, to).reduce((sum, f) => sum + f.length, 0));
  let offset = 0;
  for (let i = from; i < to; i++) {
    const frame = traffic.frames[i]!;
    bytes.set(frame, offset);
    const n = batch.count++;
    batch.offset[n] = offset;
    batch.capLen[n] = frame.length;
    batch.origLen[n] = traffic.lengths[i]!;
    batch.tsNs[n] = traffic.tsNs[i]!;
    batch.linkType[n] = 1;
    offset += frame.length;
  }
  batch.bytes = bytes;
  return batch;
}

/** Feeds records [from, to) in batches of `size`. */
export function feedTraffic(pipeline: Pipeline, traffic: Traffic, size: number, from = 0, to = traffic.frames.length): void {
  for (let at = from; at < to; at += size) {
    const batch = batchOf(traffic, at, Math.min(to, at + size));
    const classified = new ClassifiedBatch(batch.capacity);
    classifyBatch(batch, classified);
    pipeline.feed(batch, classified, 0, batch.count, at + 1);
  }
}

export function runTraffic(scenario: Scenario, traffic: Traffic, size = 256, options: PipelineOptions = {}): Pipeline {
  const pipeline = new Pipeline(scenario, options);
  feedTraffic(pipeline, traffic, size);
  pipeline.finish();
  return pipeline;
}

export function scenarioOf(input: Omit<ScenarioInput, 'name'>): Scenario {
  return scenarioSchema.parse({ name: 'test', ...input });
}

/** A scenario drawn from a seed, tight enough that every kind of drop is common. */
export function randomScenario(seed: number): Scenario {
  const r = new Random(seed);
  const port = (id: string, kind: 'host' | 'user', select: ScenarioInput['ports']): unknown => ({
    id,
    kind,
    select,
    rxRingSlots: r.int(2, 64),
    txRingSlots: r.int(2, 32),
    poolPackets: r.int(2, 80),
    reader: {
      wakeUs: r.int(0, 300),
      batch: r.int(1, 40),
      perPacketNs: r.int(0, 30_000),
      perByteNs: r.int(0, 3),
      stalls: r.float() < 0.5 ? [{ atMs: r.int(0, 20), forMs: r.int(1, 15) }] : [],
    },
  });
  return scenarioSchema.parse({
    name: 'random',
    device: {
      queues: r.int(1, 6),
      rxRingSlots: r.int(2, 64),
      txRingSlots: r.int(2, 16),
      poolPackets: r.int(4, 100),
      bufferBytes: r.int(500, 2_048),
      moderationUs: r.int(0, 300),
      linkBps: r.int(1e6, 1e9),
      local: r.float() < 0.5 ? ['192.0.2.1', '2001:db8::1'] : [],
    },
    flowSwitch: {
      batch: r.int(1, 40),
      perPacketNs: r.int(0, 20_000),
      perBatchNs: r.int(0, 20_000),
      maxFlows: 64,
      lingerS: r.int(0, 3) / 100,
    },
    ports: [
      port('ch3', 'user', [{ protocol: 'tcp' }] as never),
      port('host', 'host', [] as never),
      port('ch4', 'user', [{ protocol: 'udp', port: 443 }] as never),
    ],
  });
}
