import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertDefined, unwrap } from '../../base/index.ts';
import { atomicFile } from '../../files/index.ts';
import { generateTo, multicastPortsOf, parseGenerator } from '../../lab/index.ts';
import { scenarioText } from '../scenarios.ts';
import { SessionCore } from './core.ts';
import { SessionInput } from './input.ts';
import { runInSlices } from './run-in-slices.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringside-test-seek-'));
const context = { signal: new AbortController().signal, progress: () => undefined };
const nothing = (): void => undefined;

/** Some 8,700 packets: enough for a survey and two snapshots. */
const SPEC = `
name: joins
title: joins and data
start: '2024-05-14T09:40:00Z'
durationS: 7
streams:
  - { id: tv4, kind: multicast, protocol: igmpv3, source: 198.51.100.10, group: 232.10.0.1, dataPps: 600, dataBytes: 100, holdMs: 300, everyMs: 120 }
  - { id: tv6, kind: multicast, protocol: mldv2, source: '2001:db8:64::c633:640a', group: 'ff3e::e80a:1', dataPps: 600, dataBytes: 100, holdMs: 300, everyMs: 150 }
`;

let core: SessionCore;

beforeAll(async () => {
  const path = join(folder, 'joins.pcapng');
  unwrap(generateTo(unwrap(parseGenerator(SPEC)), unwrap(atomicFile(path))));
  core = new SessionCore({
    id: 's',
    name: 'joins',
    input: await SessionInput.open(path, context),
    scenario: { id: 'multicast-port', yaml: scenarioText('multicast-port') },
    runner: runInSlices,
    events: { transport: nothing, runFinished: nothing, runFailed: nothing, changed: nothing },
  });
  await core.runs.run(undefined, context);
});
afterAll(() => {
  core.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** What the router at the playhead shows, and the packets that it has met. */
function shown(): unknown {
  const { pipeline } = core.playhead;
  const { router } = assertDefined(multicastPortsOf(pipeline)[0], 'the scenario has a multicast port');
  return structuredClone({ fed: pipeline.fed, state: { ...router.state(), revision: 0 }, rows: router.log().length });
}

test('a seek back goes to a snapshot and shows what a run to there shows; the run in the background gives way', async () => {
  const { packets } = core.input;
  expect(packets).toBeGreaterThan(8_200);
  const places = [packets, 4_500, 20];
  const expected = new Map<number, unknown>();
  // Forward only: a run from the start, which nothing has been kept of yet.
  for (const place of [...places].sort((a, b) => a - b)) {
    await core.transport.seekPacket(place);
    expected.set(place, shown());
  }
  const own = core.playhead.pipeline;
  await sleep(300);
  for (const place of places) {
    await core.transport.seekPacket(place);
    expect(shown()).toEqual(expected.get(place));
    // A packet that is explained meanwhile does not move anything.
    expect(core.explained(7_000)?.path.length).toBeGreaterThan(0);
    expect(shown()).toEqual(expected.get(place));
  }
  expect(core.playhead.pipeline).not.toBe(own);
});
