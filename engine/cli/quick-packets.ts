import { createOutput, runWork } from './output.ts';
import { listPackets } from './packet-list.ts';
import type { QuickListing } from './quick-arguments.ts';

/**
 * `ringside packets` of a list or of fields, without the command tree and all that other commands need, which would take longer to load than a hundred
 * thousand packets to index. The build puts this module and all that it needs into one file.
 */
export function quickPackets({ file, options, json }: QuickListing, signal: AbortSignal): Promise<number> {
  const output = createOutput(json);
  return runWork(output, () => listPackets(file, options, output, signal));
}
