import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { RunSummary, Scenario } from '../../contract/index.ts';
import { GeneratorSource, generatorSchema, parseScenario, runToEnd } from '../../lab/index.ts';
import { BURST_EXPERIMENTS } from './index.ts';
import { drainRate } from './drain-rate.ts';
import { burstScenario, drops, meterOf, releasesOf, runBurstsOverTime, totalOf, variationOf } from './runs.ts';

/** The bundled scenarios of the burst experiments, each on a small input with the meter on and off. */
const folder = resolve(import.meta.dirname, '../../../resources/scenarios');
const files = readdirSync(folder).filter((file) => file.startsWith('burst-'));
const lines: string[] = [];

function scenarioOf(file: string): Scenario {
  const parsed = parseScenario(readFileSync(join(folder, file), 'utf8'));
  if (!parsed.ok) throw new Error(`${file}: ${parsed.error[0]?.message ?? ''}`);
  return parsed.value;
}

function run(scenario: Scenario, enable: boolean): RunSummary {
  const ports = scenario.ports.map((port) => (port.meter === undefined ? port : { ...port, meter: { ...port.meter, enable } }));
  const bursts = { kind: 'burst', flows: 4, tcpShare: 0.5, v6Share: 0.3, packetsMin: 260, packetsMax: 300, periodMs: 50, lineBps: 1e9 };
  const source = new GeneratorSource(generatorSchema.parse({ name: 'small', durationS: 0.5, snapLen: 96, streams: [bursts] }));
  return runToEnd(source, { ...scenario, ports }, { scenarioSha256: '' }).summary;
}

describe('bundled burst scenarios', () => {
  test('there is one for each experiment of the list', () => {
    expect(files.length).toBe(BURST_EXPERIMENTS.length);
  });

  test.each(files)('%s runs, with and without the meter, and conserves packets', (file) => {
    const scenario = scenarioOf(file);
    const [on, off] = [run(scenario, true), run(scenario, false)];
    for (const summary of [on, off]) expect(summary.conservation.ok).toBe(true);
    expect(meterOf(on).enabled).toBe(true);
    expect(meterOf(off).enabled).toBe(false);
    expect(drops(on)).toBeLessThanOrEqual(drops(off));
    const words = (s: RunSummary): string =>
      `${String(drops(s)).padStart(5)} dropped ${(totalOf(s).p99 / 1e6).toFixed(2).padStart(8)} ms p99`;
    lines.push(`${scenario.name.padEnd(24)} on ${words(on)}   off ${words(off)}`);
  });

  afterAll(() => {
    console.info(lines.join('\n'));
  });
});

describe('how smooth a drain is', () => {
  test('variation by hand: standard deviation over mean', () => {
    expect(variationOf([5, 5, 5])).toBe(0);
    expect(variationOf([1, 3])).toBeCloseTo(0.5, 12);
    expect(variationOf([0, 0, 0, 4])).toBeCloseTo(Math.sqrt(3), 12);
    expect(variationOf([0, 0])).toBe(0);
  });

  test('what is released in windows is all that reached the sockets while they last', () => {
    const run = runBurstsOverTime(burstScenario('windows', {}), { burstBytes: 30_000, periodMs: 5, durationS: 0.1, seed: 1 });
    const windows = releasesOf(run, 1e6);
    expect(windows.length).toBe(Math.floor(run.summary.endNs / 1e6));
    const sum = windows.reduce((a, b) => a + b, 0);
    const { releasedBytes } = meterOf(run.summary);
    expect(sum).toBeGreaterThan(0.9 * releasedBytes);
    expect(sum).toBeLessThanOrEqual(releasedBytes);
  });

  test('the page compares the laws by it, and no meter is the least even', async () => {
    const { tables, findings } = await drainRate.run({ size: 'small', seed: 1, step: () => Promise.resolve() });
    const { columns, rows } = tables[0]!;
    const at = columns.findIndex(({ name }) => name === 'variation of releases');
    const [off, fixed, channel] = rows.map((row) => Number(row[at]));
    expect(off).toBeGreaterThan(2 * Math.max(fixed!, channel!));
    expect(findings[0]).toContain(`by ${channel!.toFixed(2)} with the one that follows the channel`);
  });
});
