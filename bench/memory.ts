import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SessionInput } from '../engine/host/session/input.ts';
import { runOnce, which } from './measure.ts';

/** Bytes of index for each packet of a capture, opened exactly as a session does: with protocol and flow of every packet. */
export async function indexMemory(file: string): Promise<number> {
  const input = await SessionInput.open(file, { signal: new AbortController().signal, progress: () => undefined });
  const bytes = input.index.memoryBytes / Math.max(1, input.packets);
  input.dispose();
  return bytes;
}

/** Peak memory of a whole replay less that of a Node that does nothing, in MB; undefined without GNU time. */
export async function engineMemory(file: string): Promise<number | undefined> {
  if (which('time') === undefined) return undefined;
  const dist = dirname(fileURLToPath(import.meta.url));
  const bare = await runOnce({ label: 'bare Node', program: process.execPath, args: ['-e', '0'] });
  const replay = await runOnce({
    label: 'replay',
    program: process.execPath,
    args: [join(dist, 'cli.js'), 'replay', file, '--json', '--lanes', '1'],
  });
  if (replay.code !== 0 || bare.peakMiB === undefined || replay.peakMiB === undefined) return undefined;
  return ((replay.peakMiB - bare.peakMiB) * 2 ** 20) / 1e6;
}
