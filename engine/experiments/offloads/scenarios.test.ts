import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OffloadReport, Scenario } from '../../contract/index.ts';
import { parseScenario, runToEnd } from '../../lab/index.ts';
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
