import type { OffloadOverrides, OffloadReport, Scenario } from '../../contract/index.ts';
import { RecordBatch, type PacketSource } from '../../files/index.ts';
import { GeneratorSource, OffloadRun, generatorSchema } from '../../lab/index.ts';

/** Downloads in lumps over a few flows: what receive aggregation is for. `up` turns it round: this machine sends. */
export function downloads(seed: number, durationS: number, direction: 'up' | 'down' = 'down'): GeneratorSource {
  return new GeneratorSource(
    generatorSchema.parse({
      name: 'downloads',
      seed,
      durationS,
      streams: [
        {
          kind: 'burst',
          flows: 8,
          tcpShare: 1,
          v6Share: 0.25,
          packetsMin: 80,
          packetsMax: 160,
          periodMs: 4,
          jitter: 0.5,
          lineBps: 2.5e9,
          bytes: 1_500,
          acks: false,
          direction,
        },
      ],
    }),
  );
}

/** A source through the offloads to its end. */
export function runOffload(source: PacketSource, scenario: Scenario, overrides: OffloadOverrides = {}): OffloadReport {
  const run = new OffloadRun(scenario, { overrides });
  const batch = new RecordBatch();
  while (source.nextBatch(batch)) run.feed(batch);
  return run.finish();
}

/** Shortest of several runs, ns: other programs can only make a run longer. */
export function fastestNs(rounds: number, jobs: readonly (() => void)[]): number[] {
  const best = jobs.map(() => Number.POSITIVE_INFINITY);
  for (let round = -1; round < rounds; round++) {
    for (const [i, job] of jobs.entries()) {
      const started = performance.now();
      job();
      const ns = (performance.now() - started) * 1e6;
      if (round >= 0 && ns < best[i]!) best[i] = ns;
    }
  }
  return best;
}
