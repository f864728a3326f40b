import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { OffloadReport, Scenario } from '../../contract/index.ts';
import { parseScenario, runToEnd, setParameter, type ParameterValue } from '../../lab/index.ts';
import { downloads, runOffload } from './inputs.ts';

/** The bundled scenarios of the offload experiments, each on a small input. */
const folder = resolve(import.meta.dirname, '../../../resources/scenarios');
const files = readdirSync(folder).filter((file) => file.startsWith('offload-'));
const DURATION_S = 0.02;

function scenarioOf(file: string): Scenario {
  const parsed = parseScenario(readFileSync(join(folder, file), 'utf8'));
  if (!parsed.ok) throw new Error(`${file}: ${parsed.error[0]?.message ?? ''}`);
  return parsed.value;
}

/** What each scenario is compared with. */
const WITHOUT: Readonly<Record<string, { readonly path: string; readonly value: ParameterValue }>> = {
  'offload-aggregation.yaml': { path: 'ports.host.offloads.aggregateKiB', value: 0 },
  'offload-checksum-driver.yaml': { path: 'device.offloads.rxChecksum', value: false },
  'offload-checksum-stack.yaml': { path: 'device.offloads.mode', value: 'copy' },
  'offload-segmentation.yaml': { path: 'device.offloads.gsoKiB', value: 0 },
};

function reportWithout(file: string): OffloadReport {
  const { path, value } = WITHOUT[file]!;
  const edited = setParameter(readFileSync(join(folder, file), 'utf8'), path, value);
  if (!edited.ok) throw new Error(`${file}: ${edited.error[0]?.message ?? ''}`);
  const parsed = parseScenario(edited.value);
  if (!parsed.ok) throw new Error(`${file}: ${parsed.error[0]?.message ?? ''}`);
  return runOffload(downloads(1, DURATION_S), parsed.value);
}

const reportOf = (name: string): OffloadReport => runOffload(downloads(1, DURATION_S), scenarioOf(`${name}.yaml`));

describe('bundled offload scenarios', () => {
  test.each(files)('%s is replayed, and conserves packets', (file) => {
    const { summary } = runToEnd(downloads(1, DURATION_S), scenarioOf(file), { scenarioSha256: '' });
    expect(summary.conservation.ok).toBe(true);
    expect(summary.packets).toBeGreaterThan(50);
  });

  test('segmentation spares hand-overs, and the same packets reach the wire', () => {
    const { tx } = reportOf('offload-segmentation');
    expect(tx.packetsOut).toBeGreaterThan(50);
    expect(tx.wakeups / tx.wakeupsCut).toBeGreaterThan(2);
  });

  test('aggregation hands over far fewer packets', () => {
    const { rx } = reportOf('offload-aggregation');
    expect(rx.packetsIn / rx.packetsOut).toBeGreaterThan(2);
  });

  test('driver or stack takes the checksums, and the same bytes come out', () => {
    const [driver, stack] = [reportOf('offload-checksum-driver'), reportOf('offload-checksum-stack')];
    expect(driver.ports[0]?.rx).toBe('hardware');
    expect(stack.ports[0]?.rx).toBe('stack');
    expect(driver.outCrc32).toBe(stack.outCrc32);
  });
});

describe('with and without', () => {
  const lines: string[] = [];
  const words = ({ rx, tx, ports }: OffloadReport): string =>
    `${String(rx.packetsOut).padStart(5)} received, ${String(tx.wakeupsCut).padStart(5)} handed over to be sent, ${ports[0]?.rx ?? ''} sums`;

  test.each(files)('%s differs from what it is compared with, and both conserve packets', (file) => {
    const [on, off] = [reportOf(file.replace('.yaml', '')), reportWithout(file)];
    for (const report of [on, off]) expect(report.conserved).toBe(true);
    expect(words(on)).not.toBe(words(off));
    lines.push(`${file.padEnd(30)} with ${words(on)}   without ${words(off)}`);
  });

  afterAll(() => {
    console.info(lines.join('\n'));
  });
});
