import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../contract/index.ts';
import { RecordBatch } from '../../files/index.ts';
import { ClassifiedBatch, classifyBatch } from '../../wire/index.ts';
import { explainPacket } from '../explain.ts';
import { multicastPortsOf } from '../multicast/index.ts';
import { Pipeline } from '../pipeline.ts';
import { bundledScenario, sampleInput } from '../testing/sample.ts';
import type { RecordAccess, Snapshot } from '../types.ts';
import { TranslatingWorld } from './world.ts';

/** Packets between two snapshots. */
const SPACING = 50;

/** Feeds the packets up to number `last`, with a snapshot of each stretch that has none. */
function runTo(pipeline: Pipeline, input: RecordAccess, last: number, snapshots?: Map<number, Snapshot>): void {
  const batch = new RecordBatch(SPACING);
  const classified = new ClassifiedBatch(batch.capacity);
  while (pipeline.fed < last) {
    const stretch = Math.floor(pipeline.fed / SPACING);
    if (snapshots?.has(stretch) === false) snapshots.set(stretch, pipeline.snapshot());
    const count = Math.min(input.read(pipeline.fed + 1, batch), last - pipeline.fed, SPACING - (pipeline.fed % SPACING));
    classifyBatch(batch, classified);
    pipeline.feed(batch, classified, 0, count, pipeline.fed + 1);
  }
}

/** All that a person could see of a pipeline. */
function seen(pipeline: Pipeline): unknown {
  pipeline.flows.refresh();
  return structuredClone({
    summary: pipeline.summary({ skipped: {}, scenarioSha256: '0' }),
    frame: { ...pipeline.frame(), revision: 0 },
    statistics: pipeline.statistics(),
    flows: pipeline.flows.count,
    ports: multicastPortsOf(pipeline).map(({ router }) => ({
      state: { ...router.state(), revision: 0 },
      log: router.log(),
      recorder: [router.recorder.series, router.recorder.decisions, router.recorder.switches, router.recorder.refused],
      counters: router.counters,
      nextNs: router.nextNs,
    })),
    translators: pipeline.worlds
      .filter((world) => world instanceof TranslatingWorld)
      .flatMap(({ translators }) => translators.map(({ counts, events, state }) => [counts, events, state?.session()])),
  });
}

function straight(scenario: Scenario, input: RecordAccess, last: number): unknown {
  const pipeline = new Pipeline(scenario);
  runTo(pipeline, input, last);
  return seen(pipeline);
}

const CASES = [
  ['multicast-port', 'multicast-joins.pcapng'],
  ['everything', 'everything.pcapng'],
  ['nat64', 'nat64-arriving.pcapng'],
] as const;

describe.each(CASES)('snapshots of ports that look at packets: %s', (id, file) => {
  const scenario = bundledScenario(id);
  const input = sampleInput(file);

  it('after any seeks everything is as in a run that went straight there', () => {
    const places = [1, 73, Math.floor(input.packets / 2), input.packets];
    const expected = new Map(places.map((place) => [place, straight(scenario, input, place)]));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...places), { minLength: 3, maxLength: 5 }), (seeks) => {
        const pipeline = new Pipeline(scenario);
        const snapshots = new Map<number, Snapshot>();
        for (const place of seeks) {
          const from = [...snapshots.values()].filter(({ nextNumber }) => nextNumber <= place + 1).at(-1);
          if (from !== undefined) pipeline.restore(from);
          runTo(pipeline, input, place, snapshots);
          expect(seen(pipeline)).toEqual(expected.get(place));
        }
      }),
      { numRuns: 2 },
    );
  });

  it('explains a packet as a run from the start does, and the pipeline stays where it was', () => {
    const pipeline = new Pipeline(scenario);
    const snapshots = new Map<number, Snapshot>();
    runTo(pipeline, input, input.packets, snapshots);
    const before = seen(pipeline);
    for (const number of [60, input.packets - 5]) {
      const again = explainPacket(input, scenario, number, [...snapshots.values()]);
      expect(again).toEqual(explainPacket(input, scenario, number));
    }
    expect(seen(pipeline)).toEqual(before);
  });
});
