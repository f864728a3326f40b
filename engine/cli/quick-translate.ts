import { createOutput, runWork } from './output.ts';
import type { QuickTranslation } from './quick-arguments.ts';
import { translateCommand } from './translate.ts';

/**
 * `ringside translate` without the command tree and all that other commands need, which would take longer to load than a million packets to translate. The
 * build puts this module and all that it needs into one file.
 */
export function quickTranslate({ options, json }: QuickTranslation, signal: AbortSignal): Promise<number> {
  const output = createOutput(json);
  return runWork(output, () => translateCommand(options, output, signal));
}
