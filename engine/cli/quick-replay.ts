import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { compiledScenario, summarizeRun, type LaneAnswer, type LaneStart, type LaneThread } from '../host/plain.ts';
import { printable } from './format.ts';
import { EXIT, createOutput, runWork } from './output.ts';
import { progressLines } from './progress-lines.ts';
import type { QuickArguments } from './quick-arguments.ts';

/**
 * `ringside replay FILE --json` of a plain pcap file through a bundled scenario, without the command tree, YAML and schemas: they would
 * take longer to load than a million packets to run. Gives the exit code, or undefined if the full command has to do it; nothing has
 * been printed then, and the result would have been the same. `thread` has been started for a second lane. The build puts this module and all
 * that it needs into one file.
 */
export async function quickReplay(
  wanted: QuickArguments,
  thread: LaneThread<LaneStart, LaneAnswer> | undefined,
  signal: AbortSignal,
): Promise<number | undefined> {
  // A file of the name goes before a bundled scenario.
  const scenario = existsSync(wanted.scenario) ? undefined : compiledScenario(wanted.scenario);
  if (scenario === undefined) {
    thread?.stop();
    return undefined;
  }
  const output = createOutput(true);
  return runWork(output, async () => {
    const progress = progressLines(printable(basename(wanted.file)));
    const summary = await summarizeRun({
      path: wanted.file,
      scenario: scenario.value,
      scenarioSha256: scenario.sha256,
      lanes: wanted.lanes,
      thread,
      signal,
      onProgress: (p) => {
        progress.update(p);
      },
    });
    progress.stop();
    if (summary === undefined) return undefined;
    output.record(summary);
    return summary.conservation.ok ? EXIT.ok : EXIT.failed;
  });
}
