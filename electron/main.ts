/**
 * The desktop shell: windows, menus, dialogs, file associations, and the engine's process. No packet passes through it: every window
 * talks to the engine over a MessagePort of its own.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app } from 'electron';
import { readArguments } from './arguments.ts';

const dist = dirname(dirname(fileURLToPath(import.meta.url)));

async function start(): Promise<void> {
  const mode = readArguments(process.argv.slice(app.isPackaged ? 1 : 2), process.cwd());
  if (mode.kind === 'window') {
    const { runDesktop } = await import('./desktop.ts');
    runDesktop({ dist, file: mode.file });
    return;
  }
  // The command line and the helpers need Node alone: no window, no display.
  const script = mode.kind === 'cli' ? 'cli' : mode.name;
  process.argv = [process.argv[0] ?? 'ringside', join(dist, `${script}.js`), ...mode.args];
  await import(/* @vite-ignore */ `../${script}.js`);
}

start().catch(async (error: unknown) => {
  const version = await readFile(join(dist, '../package.json'), 'utf8').then(
    (text) => (JSON.parse(text) as { version: string }).version,
    () => 'unknown',
  );
  process.stderr.write(`Ringside ${version} could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  app.exit(1);
});
