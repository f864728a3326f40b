import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { compileKernel } from '../../../scripts/lib/kernel-compiler.mjs';
import type { Scenario } from '../../contract/index.ts';
import { memoryByteSource } from '../../files/index.ts';
import { PcapLaneSource } from '../lanes/lane-sources.ts';
import { Pipeline } from '../pipeline.ts';
import type { RunResult } from '../run.ts';
import { driveLanes, pcapOf } from '../testing/lanes.ts';
import { makeTraffic, randomScenario, runTraffic, scenarioOf } from '../testing/traffic.ts';
import { suitsKernel } from './world-kernel.ts';

let kernel: WebAssembly.Module;

beforeAll(async () => {
  kernel = new WebAssembly.Module(await compileKernel(fileURLToPath(new URL('assembly/replay.ts', import.meta.url))));
});

/** A random scenario of what the kernel runs: readers without stalls and costs for bytes, nothing sent. */
function plainScenario(seed: number): Scenario {
  const drawn = randomScenario(seed);
  const ports = drawn.ports.map((port) => ({ ...port, reader: { ...port.reader, perByteNs: 0, stalls: [] } }));
  return { ...drawn, device: { ...drawn.device, queues: 1 + (seed % 4), local: [] }, ports };
}

/** Everything that a run leaves behind, flow entries and tails included. */
function all(result: RunResult | undefined): unknown {
  return result === undefined ? undefined : [result.summary, result.series, result.queues.map(({ flows, drops }) => [flows, drops])];
}

describe('the kernel', () => {
  test.each(Array.from({ length: 12 }, (_, i) => i + 1))('random scenario %i: the same figures, series and flows', (seed) => {
    const scenario = plainScenario(seed);
    expect(suitsKernel(new Pipeline(scenario).worlds[0]!)).toBe(true);
    const made = makeTraffic({ packets: 6_000, flows: 20 + 300 * (seed % 3), seed, backwards: seed % 2 === 0 });
    const bytes = pcapOf({ ...made, tsNs: made.tsNs.map((t) => t + 5) });
    const open = (): PcapLaneSource => PcapLaneSource.open(memoryByteSource(bytes))!;
    for (const lanes of [1, 2]) {
      const plain = driveLanes(scenario, lanes, open, seed);
      const fast = driveLanes(scenario, lanes, open, seed, kernel);
      expect(plain?.summary.packets).toBe(6_000);
      expect(all(fast)).toEqual(all(plain));
    }
  });

  test('more flows than the switch takes, delays of seconds, and packets larger than a buffer', () => {
    const scenario = scenarioOf({
      device: { queues: 1, bufferBytes: 256, poolPackets: 4_096 },
      flowSwitch: { maxFlows: 64, lingerS: 1 },
      ports: [{ id: 'host', kind: 'host', reader: { wakeUs: 1_000_000, batch: 8, perPacketNs: 10_000_000 } }],
    });
    const made = makeTraffic({ packets: 3_000, flows: 600, seed: 5 });
    const lengths = made.lengths.map((n, i) => (i % 10 === 0 ? 9_000 : n));
    const bytes = pcapOf({ ...made, lengths, tsNs: made.tsNs.map((t) => 50 * t) });
    const open = (): PcapLaneSource => PcapLaneSource.open(memoryByteSource(bytes))!;
    const fast = driveLanes(scenario, 1, open, 1, kernel);
    expect(all(fast)).toEqual(all(driveLanes(scenario, 1, open, 1)));
    expect(Object.keys(fast!.summary.drops).length).toBeGreaterThan(0);
  });

  test('is left alone by worlds that do more', () => {
    const traffic = makeTraffic({ packets: 10, flows: 2, seed: 1 });
    const stalls = [{ atMs: 1, forMs: 1 }];
    const others = [
      scenarioOf({ ports: [{ id: 'host', kind: 'host', reader: { stalls } }] }),
      scenarioOf({ ports: [{ id: 'host', kind: 'host', reader: { perByteNs: 1 } }] }),
      scenarioOf({ device: { local: ['10.0.0.0/8'] } }),
      scenarioOf({ stack: {} }),
    ];
    for (const scenario of others) expect(suitsKernel(runTraffic(scenario, traffic).worlds[0]!)).toBe(false);
    const verdicts = { verdict: new Uint8Array(10), detail: new Uint8Array(10) };
    expect(suitsKernel(runTraffic(scenarioOf({}), traffic, 256, { verdicts }).worlds[0]!)).toBe(false);
  });
});

test('a kernel that does not compile is an error that names the place, and so is an import that is no number', async () => {
  const root = fileURLToPath(new URL('../../../build', import.meta.url));
  mkdirSync(root, { recursive: true });
  const folder = mkdtempSync(join(root, 'kernel-test-'));
  try {
    const entry = join(folder, 'assembly', 'odd.ts');
    mkdirSync(dirname(entry));
    writeFileSync(join(folder, 'engine.ts'), "export const WIDTH = 4;\nexport const NAME = 'four';\n");
    writeFileSync(entry, "import { NAME } from '../engine.ts';\nexport function f(): i32 {\n  return NAME;\n}\n");
    await expect(compileKernel(entry)).rejects.toThrow('NAME is no number');
    writeFileSync(entry, "import { WIDTH } from '../engine.ts';\nexport function f(): i32 {\n  return WIDTH + height;\n}\n");
    await expect(compileKernel(entry)).rejects.toThrow(/odd\.ts does not compile:[^]*'height'[^]*odd\.ts.*\(3,18\)/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
