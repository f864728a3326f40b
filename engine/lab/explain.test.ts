import { describe, expect, test } from 'vitest';
import { VERDICTS } from '../contract/index.ts';
import { RecordBatch } from '../files/index.ts';
import { capture, capturesMissing, haveCaptures } from '../testing/captures.ts';
import { readRawCapture } from '../testing/raw-captures.ts';
import { ClassifiedBatch, classifyBatch } from '../wire/index.ts';
import { DROP_REASONS } from '../stack/index.ts';
import { explainPacket } from './explain.ts';
import { Pipeline } from './pipeline.ts';
import { TraceWriter } from './trace-writer.ts';
import { batchOf, feedTraffic, makeTraffic, randomScenario, runTraffic, scenarioOf } from './testing/traffic.ts';
import type { RecordAccess, Snapshot, VerdictSink } from './types.ts';
import { traceRecordSchema, explainCardSchema } from '../contract/index.ts';

type Traffic = ReturnType<typeof makeTraffic>;

function accessTo(traffic: Traffic): RecordAccess {
  return {
    packets: traffic.frames.length,
    read(first, batch) {
      const part = batchOf(traffic, first - 1, Math.min(traffic.frames.length, first - 1 + 256));
      batch.count = part.count;
      batch.bytes = part.bytes;
      for (const column of ['offset', 'capLen', 'origLen', 'tsNs', 'linkType'] as const)
        batch[column].set(part[column].subarray(0, part.count));
      return part.count;
    },
  };
}

describe('explain', () => {
  test.each([1, 2, 5])('scenario %i: what is told of a packet is what the run did with it, from any snapshot', (seed) => {
    const packets = 900;
    const scenario = randomScenario(seed);
    const traffic = makeTraffic({ packets, flows: 30, seed, backwards: true });
    const verdicts: VerdictSink = { verdict: new Uint8Array(packets), detail: new Uint8Array(packets) };
    runTraffic(scenario, traffic, 64, { verdicts });
    const snapshots: Snapshot[] = [];
    const pipeline = new Pipeline(scenario);
    for (let at = 0; at < packets; at += 150) {
      snapshots.push(pipeline.snapshot());
      feedTraffic(pipeline, traffic, 50, at, at + 150);
    }
    for (let number = 1; number <= packets; number += 7) {
      const told = explainPacket(accessTo(traffic), scenario, number, snapshots)!;
      expect(told.verdict).toBe(VERDICTS[verdicts.verdict[number - 1]!]);
      const last = told.path.at(-1)!;
      if (told.verdict === 'dropped') expect(last.fields['reason']).toBe(DROP_REASONS[verdicts.detail[number - 1]!]!.name);
      for (let i = 1; i < told.path.length; i++) expect(told.path[i]!.tNs).toBeGreaterThanOrEqual(told.path[i - 1]!.tNs);
      for (const step of told.path) traceRecordSchema.parse(step);
      for (const card of told.cards) explainCardSchema.parse(card);
      if (number % 3 === 0) expect(explainPacket(accessTo(traffic), scenario, number)!.path).toEqual(told.path);
    }
  });

  test.skipIf(!haveCaptures)(haveCaptures ? 'every packet of real captures' : capturesMissing, () => {
    const scenario = { ...randomScenario(1), device: { ...randomScenario(1).device, poolPackets: 40, rxRingSlots: 8 } };
    let compared = 0;
    for (const name of ['gopacket/pcap/test_dns.pcap', 'gopacket/pcap/test_ethernet.pcap', 'gopacket/pcap/test_loopback.pcap']) {
      const packets = readRawCapture(capture(name), 200);
      const access: RecordAccess = {
        packets: packets.length,
        read(first, batch) {
          batch.count = Math.min(batch.capacity, packets.length - first + 1);
          const joined = packets.slice(first - 1, first - 1 + batch.count);
          batch.bytes = new Uint8Array(joined.flatMap((p) => [...p.bytes]));
          let at = 0;
          joined.forEach((p, i) => {
            batch.offset[i] = at;
            batch.capLen[i] = p.bytes.length;
            batch.origLen[i] = p.origLenBytes;
            batch.tsNs[i] = (first - 1 + i) * 1_000;
            batch.linkType[i] = p.linkType;
            at += p.bytes.length;
          });
          return batch.count;
        },
      };
      const verdicts: VerdictSink = { verdict: new Uint8Array(packets.length), detail: new Uint8Array(packets.length) };
      const pipeline = new Pipeline(scenario, { verdicts });
      const batch = new RecordBatch();
      const classified = new ClassifiedBatch(batch.capacity);
      access.read(1, batch);
      classifyBatch(batch, classified);
      pipeline.feed(batch, classified, 0, batch.count, 1);
      pipeline.finish();
      for (let number = 1; number <= packets.length; number++) {
        const told = explainPacket(access, scenario, number)!;
        expect(told.verdict).toBe(VERDICTS[verdicts.verdict[number - 1]!]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(40);
  });

  test('a delivered packet tells its whole way and where the time went', () => {
    const scenario = scenarioOf({
      device: { queues: 1 },
      ports: [{ id: 'ch3', kind: 'user', select: [{ ipVersion: 6 }, { protocol: 'tcp' }] }],
    });
    const made = makeTraffic({ packets: 400, flows: 10, seed: 4 });
    const at = made.frames.findIndex((f) => f[12] === 8 && f[13] === 0 && f[23] === 6 && f[20] === 0);
    const traffic = { frames: [made.frames[at]!], tsNs: [0], lengths: [60] };
    const told = explainPacket(accessTo(traffic), scenario, 1)!;
    expect(told.path.map((s) => `${s.obj} ${s.event}`)).toEqual([
      'device.rx.0 enqueue',
      'fsw.0 poll',
      'fsw.0 lookup',
      'ch3.rx.0 enqueue',
      'ch3.rx.0 read-start',
      'ch3.rx.0 read',
    ]);
    const switched = told.cards.find((c) => c.title === 'Flow switch')!;
    expect(switched.lines.find((l) => l.label === 'Selected by')).toMatchObject({ value: 'protocol tcp', parameter: 'ports.0.select.1' });
    expect(told.cards.at(-1)!.lines[0]).toMatchObject({ label: 'In all', value: '152.65 us' });
  });

  test('a number that is none, and a record that cannot be read, have no explanation', () => {
    const scenario = scenarioOf({});
    const traffic = makeTraffic({ packets: 5, flows: 2, seed: 1 });
    for (const number of [0, 6, 1.5, -1]) expect(explainPacket(accessTo(traffic), scenario, number)).toBeUndefined();
    expect(explainPacket({ packets: 5, read: () => 0 }, scenario, 2)).toBeUndefined();
  });
});

describe('trace writer', () => {
  test('writes JSON lines, samples, and stops at its limit', () => {
    const traffic = makeTraffic({ packets: 300, flows: 9, seed: 6 });
    let text = '';
    const writer = new TraceWriter((t) => (text += t), { every: 10, maxRecords: 60 });
    runTraffic(scenarioOf({}), traffic, 64, { trace: writer });
    writer.flush();
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBe(60);
    expect(writer.suppressed).toBeGreaterThan(0);
    for (const line of lines) {
      const record = JSON.parse(line) as { t_ns: number; fields: { packet?: number } };
      expect(record.t_ns).toBeGreaterThanOrEqual(0);
      if (record.fields.packet !== undefined) expect(record.fields.packet % 10).toBe(0);
    }
  });
});
