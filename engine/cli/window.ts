import { resolve } from 'node:path';
import type { RunSummary } from '../contract/index.ts';
import { count, duration, printable, table } from './format.ts';
import { askWindow, openSession } from './link-client.ts';
import { EXIT, type Output } from './output.ts';

/** Asks the window whose terminal this is to open a file. */
export async function openCommand(file: string, output: Output, signal: AbortSignal): Promise<number> {
  const input = await askWindow('open', { path: resolve(file) }, signal);
  if (output.json) output.record(input);
  else output.text(`Asked the window to open ${printable(file)}.`);
  return EXIT.ok;
}

/** What is open in the window whose terminal this is. */
export async function sessionCommand(output: Output, signal: AbortSignal): Promise<number> {
  const answer = await openSession(signal);
  if (output.json) {
    output.record(answer);
    return EXIT.ok;
  }
  const { info, transport, summary } = answer;
  const rows = [
    ['file', printable(answer.path)],
    ['packets', `${count(info.capture.packets)} in ${duration(info.capture.durationNs)}`],
    ['scenario', info.scenario.name],
    ['playhead', `${transport.state} at packet ${count(transport.packet)}, ${duration(transport.tNs)}`],
    ['last run', summary === null ? 'not finished yet' : runLine(summary)],
  ];
  for (const line of table(rows)) output.text(line);
  return EXIT.ok;
}

export function runLine(summary: RunSummary): string {
  const drops = Object.values(summary.drops).reduce((sum, n) => sum + n, 0);
  return `${count(summary.packets)} packets, ${count(summary.flows)} flows, ${count(drops)} dropped`;
}
