import { expect, test } from 'vitest';
import { scenarioSchema, type Scenario } from '../../contract/index.ts';
import { suitsKernel } from '../kernel/world-kernel.ts';
import { Pipeline } from '../pipeline.ts';
import { makeTraffic, runTraffic } from '../testing/traffic.ts';
import type { TraceSink } from '../types.ts';

const input = { skipped: {}, scenarioSha256: '0' };

/** A slow interrupt, a slow link, and one port that may be of the low-latency class. */
function scenarioOf(lowLatency: boolean, local: readonly string[] = []): Scenario {
  return scenarioSchema.parse({
    name: 'low-latency',
    device: { queues: 1, moderationUs: 5_000, local: [...local], linkBps: 2e6 },
    ports: [
      { id: 'll', kind: 'user', select: [{ protocol: 'udp' }], offloads: { lowLatency } },
      { id: 'host', kind: 'host' },
    ],
    stack: { aqm: {} },
  });
}

test('packets of the low-latency class do not wait for the moderated interrupt (V-12)', () => {
  const traffic = makeTraffic({ packets: 2_000, flows: 40, seed: 4, gapNs: 1e6 });
  const delays = [true, false].map((on) => {
    const { ports, conservation } = runTraffic(scenarioOf(on), traffic, 64).summary(input);
    expect(conservation.ok).toBe(true);
    return ports.find(({ id }) => id === 'll')!;
  });
  expect(delays[0]!.delivered).toBe(delays[1]!.delivered);
  expect(delays[0]!.delivered).toBeGreaterThan(200);
  expect(delays[0]!.delayNs.max).toBeLessThan(500_000);
  expect(delays[1]!.delayNs.p50).toBeGreaterThan(1_000_000);
});

test('what it sends goes past the class queues: the others wait there as before (V-12)', () => {
  const traffic = makeTraffic({ packets: 1_500, flows: 30, seed: 9, gapNs: 2e5 });
  for (const lowLatency of [true, false]) {
    const fromPort = new Set<number>();
    const queued = new Set<number>();
    const sent = new Set<number>();
    const trace: TraceSink = {
      wants: () => true,
      record: ({ layer, event, obj }, number) => {
        if (layer === 'channel' && event === 'enqueue' && obj.startsWith('ll.tx')) fromPort.add(number);
        if (layer === 'aqm' && event === 'enqueue') queued.add(number);
        if (layer === 'device' && event === 'transmit') sent.add(number);
      },
    };
    const pipeline = runTraffic(scenarioOf(lowLatency, ['10.0.0.0/8']), traffic, 64, { trace });
    expect(pipeline.summary(input).conservation.objects.filter((o) => !o.ok)).toEqual([]);
    expect(fromPort.size).toBeGreaterThan(100);
    expect([...fromPort].filter((number) => queued.has(number))).toHaveLength(lowLatency ? 0 : fromPort.size);
    expect(queued.size).toBeGreaterThan(100);
    expect([...fromPort].every((number) => sent.has(number))).toBe(true);
  }
});

test('results do not depend on the size of batches, and the kernel of plain runs leaves such a scenario to the worlds', () => {
  const traffic = makeTraffic({ packets: 2_000, flows: 40, seed: 4, gapNs: 1e6 });
  const text = (batch: number): string => JSON.stringify(runTraffic(scenarioOf(true), traffic, batch).summary(input));
  expect(text(7)).toBe(text(512));
  const { stack: _, ...plain } = scenarioOf(true);
  expect(suitsKernel(new Pipeline(plain).worlds[0]!)).toBe(false);
  expect(suitsKernel(new Pipeline({ ...plain, ports: plain.ports.map((p) => ({ ...p, offloads: undefined })) }).worlds[0]!)).toBe(true);
});
