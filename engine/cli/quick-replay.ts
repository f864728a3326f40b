import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { DEFAULT_SCENARIO, compiledScenario, summarizeRun } from '../host/plain.ts';
import { printable } from './format.ts';
import { EXIT, createOutput } from './output.ts';
import { startProgress } from './progress.ts';

export interface QuickArguments {
  readonly file: string;
  readonly scenario: string;
  readonly lanes: number | undefined;
}

/**
 * Arguments of `replay FILE --json` with nothing but a scenario's name and a number of lanes beside; undefined for all others,
 * wrong ones included, about which the full command line knows what to say.
 */
export function quickArguments(args: readonly string[]): QuickArguments | undefined {
  let file: string | undefined;
  let scenario = DEFAULT_SCENARIO;
  let lanes: number | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--json') continue;
    if (arg === '-s' || arg === '--scenario') scenario = args[++i] ?? '';
    else if (arg === '--lanes') {
      const text = args[++i] ?? '';
      if (!/^([1-9]|1[0-6])$/.test(text)) return undefined;
      lanes = Number(text);
    } else if (arg.startsWith('-') || file !== undefined) return undefined;
    else file = arg;
  }
  return file === undefined || !/^[a-z0-9][a-z0-9-]*$/.test(scenario) ? undefined : { file, scenario, lanes };
}

/**
 * `ringside replay FILE --json` of a plain pcap file through a bundled scenario, without the command tree, YAML and schemas: they would
 * take longer to load than a million packets to run. Gives the exit code, or undefined if the full command has to do it; nothing has
 * been printed then, and the result would have been the same.
 */
export async function quickReplay(args: readonly string[], signal: AbortSignal): Promise<number | undefined> {
  const wanted = quickArguments(args);
  // A file of the name goes before a bundled scenario.
  if (wanted === undefined || existsSync(wanted.scenario)) return undefined;
  const scenario = compiledScenario(wanted.scenario);
  if (scenario === undefined) return undefined;
  const output = createOutput(true);
  try {
    const progress = await startProgress(output, printable(basename(wanted.file)));
    const summary = await summarizeRun({
      path: wanted.file,
      scenario: scenario.value,
      scenarioSha256: scenario.sha256,
      lanes: wanted.lanes,
      signal,
      onProgress: (p) => {
        progress.update(p);
      },
    });
    progress.stop();
    if (summary === undefined) return undefined;
    output.record(summary);
    return summary.conservation.ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!signal.aborted) output.error(error);
    return EXIT.failed;
  }
}
