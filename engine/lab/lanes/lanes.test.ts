import { describe, expect, test } from 'vitest';
import { memoryByteSource, openSource, RecordBatch } from '../../files/index.ts';
import { Random } from '../../base/index.ts';
import type { Scenario } from '../../contract/index.ts';
import { runToEnd } from '../run.ts';
import { driveLanes, pcapOf } from '../testing/lanes.ts';
import { stackScenario } from '../testing/stack-scenario.ts';
import { batchOf, makeTraffic, randomScenario } from '../testing/traffic.ts';
import type { RecordAccess } from '../types.ts';
import { IndexedLaneSource, PcapLaneSource } from './lane-sources.ts';

function single(bytes: Uint8Array, scenario: Scenario): ReturnType<typeof runToEnd> {
  const source = openSource(memoryByteSource(bytes), 'test.pcap');
  if (!source.ok) throw source.error;
  return runToEnd(source.value, scenario, { scenarioSha256: '0', series: { bins: 32 } });
}

const json = (r: { summary: unknown; series: unknown } | undefined): string => JSON.stringify([r?.summary, r?.series]);

describe('lanes', () => {
  test.each([1, 2, 3])('scenario %i: 1, 2 and 4 lanes over a pcap file give what the ordinary reader gives', (seed) => {
    const scenario = { ...randomScenario(seed), device: { ...randomScenario(seed).device, queues: 4 } };
    const traffic = makeTraffic({ packets: 20_000, flows: 80, seed, backwards: true });
    const shifted = { ...traffic, tsNs: traffic.tsNs.map((t) => t + 5) };
    const bytes = pcapOf(shifted, seed % 2 === 0);
    const expected = json(single(bytes, scenario));
    for (const lanes of [1, 2, 4]) {
      expect(json(driveLanes(scenario, lanes, () => PcapLaneSource.open(memoryByteSource(bytes))!, seed * 10 + lanes))).toBe(expected);
    }
  });

  test('a stack section has no limits across queues: 1, 2 and 4 lanes give the same', () => {
    const scenario = stackScenario(5, 4);
    const bytes = pcapOf(makeTraffic({ packets: 6_000, flows: 80, seed: 5 }));
    const result = single(bytes, scenario);
    expect(result.summary.conservation.ok).toBe(true);
    for (const lanes of [1, 2, 4]) {
      const same = driveLanes(scenario, lanes, () => PcapLaneSource.open(memoryByteSource(bytes))!, lanes);
      expect(json(same)).toBe(json(result));
      expect(same!.queues.map((q) => q.advisory)).toEqual(result.queues.map((q) => q.advisory));
    }
  });

  test('lanes over an indexed input give the same', () => {
    const scenario = randomScenario(4);
    const made = makeTraffic({ packets: 7_000, flows: 80, seed: 4 });
    const lengths = made.lengths.map((n, i) => Math.max(n, made.frames[i]!.length));
    const traffic = { frames: made.frames, tsNs: made.tsNs.map((t) => t - made.tsNs[0]!), lengths };
    const access: RecordAccess = {
      packets: traffic.frames.length,
      read(first, batch) {
        // Short reads, as when packets are large.
        const part = batchOf(traffic, first - 1, Math.min(traffic.frames.length, first - 1 + 700));
        batch.count = part.count;
        batch.bytes = part.bytes;
        for (const column of ['offset', 'capLen', 'origLen', 'tsNs', 'linkType'] as const)
          batch[column].set(part[column].subarray(0, part.count));
        return part.count;
      },
    };
    const expected = json(single(pcapOf(traffic), scenario));
    for (const lanes of [1, 2]) {
      const same = driveLanes(scenario, lanes, () => new IndexedLaneSource(access, new RecordBatch()), lanes);
      expect(json(same)).toBe(expected);
    }
  });

  test('records that cross the ends of chunks, and larger than a chunk, are all there', () => {
    const random = new Random(1);
    const sizes = Array.from({ length: 60 }, () => random.int(0, 1) * random.int(1, 262_144) + 60);
    const one = makeTraffic({ packets: 50, flows: 5, seed: 2 }).frames.find((f) => f.length === 54)!;
    const frames = sizes.map((size) => {
      const frame = new Uint8Array(Math.min(size, 262_144));
      frame.set(one);
      return frame;
    });
    const traffic = { frames, tsNs: frames.map((_, i) => i * 1e6), lengths: frames.map((f) => f.length) };
    const bytes = pcapOf(traffic);
    const scenario = randomScenario(9);
    expect(json(driveLanes(scenario, 2, () => PcapLaneSource.open(memoryByteSource(bytes))!, 5))).toBe(json(single(bytes, scenario)));
  });

  test('a cut or absurd file is left to the ordinary reader', () => {
    const bytes = pcapOf(makeTraffic({ packets: 500, flows: 5, seed: 2 }));
    const cut = bytes.subarray(0, bytes.length - 7);
    expect(driveLanes(randomScenario(2), 2, () => PcapLaneSource.open(memoryByteSource(cut))!, 1)).toBeUndefined();
    const absurd = bytes.slice();
    new DataView(absurd.buffer).setUint32(24 + 8, 0x7fffffff, true);
    expect(driveLanes(randomScenario(2), 2, () => PcapLaneSource.open(memoryByteSource(absurd))!, 1)).toBeUndefined();
    expect(PcapLaneSource.open(memoryByteSource(new Uint8Array(100)))).toBeUndefined();
  });
});
