import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scenarioSchema } from '../contract/index.ts';
import { capture, capturesMissing, haveCaptures } from '../testing/captures.ts';
import { runLanes } from './lanes.ts';
import { runFile } from './run-file.ts';

const here = dirname(fileURLToPath(import.meta.url));
const scenario = scenarioSchema.parse({
  name: 'threads',
  device: { rxRingSlots: 16 },
  ports: [
    { id: 'ch3', kind: 'user', select: [{ protocol: 'tcp' }], rxRingSlots: 8 },
    { id: 'host', kind: 'host' },
  ],
});

/** The title, with the reason where the test cannot run. */
const titled = (title: string): string => (haveCaptures ? title : `${title} (${capturesMissing})`);

describe('lanes in threads', () => {
  let folder = '';
  let workerFile = '';

  beforeAll(async () => {
    const tests = resolve(here, '../../build/test');
    mkdirSync(tests, { recursive: true });
    folder = mkdtempSync(join(tests, 'lanes-'));
    workerFile = join(folder, 'lane-worker.mjs');
    const entry = join(folder, 'entry.ts');
    const served = JSON.stringify(join(here, 'lane-serve.ts'));
    writeFileSync(
      entry,
      `import { parentPort } from 'node:worker_threads';\nimport { serveLane } from ${served};\nserveLane(parentPort!);\n`,
    );
    const bundle = await rolldown({ input: entry, platform: 'node', external: [/^node:/] });
    await bundle.write({ file: workerFile, format: 'esm', codeSplitting: false });
    await bundle.close();
  });

  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  test.skipIf(!haveCaptures)(titled('one, two and four threads give the same bytes'), async () => {
    const folderOfCaptures = capture('tcpreplay');
    const files = readdirSync(folderOfCaptures, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.pcap'))
      .slice(0, 4)
      .map((name) => join(folderOfCaptures, name));
    expect(files.length).toBeGreaterThan(0);
    for (const path of files) {
      const run = (lanes: number, inline: boolean): Promise<string> =>
        runFile({ path, scenario, scenarioSha256: '0', lanes, workerFile, inline, series: { bins: 64 } }).then((r) =>
          JSON.stringify([r.summary, r.series]),
        );
      const expected = await run(1, false);
      expect(await run(2, true)).toBe(expected);
      expect(await run(4, false)).toBe(expected);
    }
  });

  test.skipIf(!haveCaptures)(titled('a cancelled run ends and says so'), async () => {
    const controller = new AbortController();
    controller.abort();
    const name = readdirSync(capture('tcpreplay'), { recursive: true, encoding: 'utf8' }).find((n) => n.endsWith('.pcap'))!;
    const running = runLanes({
      input: { kind: 'pcap', path: join(capture('tcpreplay'), name) },
      scenario,
      scenarioSha256: '0',
      lanes: 2,
      workerFile,
      signal: controller.signal,
    });
    const result = await running;
    expect(result?.cancelled).toBe(true);
  });

  test('a file that is not there is an error with a sentence', async () => {
    const path = join(tmpdir(), 'no-such-capture.pcap');
    await expect(runFile({ path, scenario, scenarioSha256: '0', lanes: 2, workerFile })).rejects.toThrow('no such file');
  });
});
