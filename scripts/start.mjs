// Opens the workbench: a desktop window where Electron's runtime can be had, otherwise the same interface served on loopback.
//   npm start                 replays a bundled sample
//   npm start -- FILE         opens FILE
//   npm start -- --serve      never opens the desktop window
import { existsSync, readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { FOR_START, ensureReady, findChromium, root } from './lib/setup.mjs';
import { bold, dim, say, step, warm } from './lib/say.mjs';

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  say('npm start [-- [FILE] [--serve] [--port N]]\n\nOpens the workbench with FILE, or with a bundled sample.');
  say('--serve   serve the interface on loopback even where a desktop window could be opened');
  say('--port N  port to serve on; without it, a free one');
  process.exit(0);
}
const portAt = args.indexOf('--port');
const port = portAt >= 0 ? args[portAt + 1] : undefined;
const file = args.find((word, i) => !word.startsWith('-') && !(portAt >= 0 && i === portAt + 1));
const input =
  file === undefined ? join(root, 'resources/samples/burst-lte.pcapng') : resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
if (!existsSync(input)) {
  say(`There is no file ${input}.`);
  process.exit(2);
}

await ensureReady(FOR_START);
const { build } = await import('./build.mjs');
if (!(await build({ ifNeeded: true }))) process.exit(1);

const hasDisplay = process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']);

/** Path of Electron's program, downloading the runtime once where a display asks for it and the network allows it. */
async function electronProgram() {
  const folder = join(root, 'node_modules', 'electron');
  if (!existsSync(folder) || !hasDisplay || args.includes('--serve')) return undefined;
  const read = () => {
    const pathFile = join(folder, 'path.txt');
    if (!existsSync(pathFile)) return undefined;
    const program = join(folder, 'dist', readFileSync(pathFile, 'utf8').trim());
    return existsSync(program) ? program : undefined;
  };
  const present = read();
  if (present !== undefined) return present;
  const { code } = await step("Electron's runtime (downloaded once)", process.execPath, [join(folder, 'install.js')], {
    cwd: folder,
    timeoutMs: 300_000,
    quiet: true,
  });
  if (code !== 0) say(warm("Electron's runtime could not be downloaded; serving the same interface instead."));
  return read();
}

const electron = await electronProgram();
if (electron !== undefined) {
  say(`Opening the desktop window with ${bold(input)}`);
  const child = spawn(electron, [root, input], { stdio: 'inherit' });
  child.on('exit', (code) => process.exit(code ?? 0));
} else {
  const cli = join(root, 'dist', 'cli.js');
  // The sample is shown with a scenario in which something happens.
  const scenario = file === undefined ? ['--scenario', 'small-rings'] : [];
  await step('replay', process.execPath, [cli, 'replay', input, ...scenario], { show: true, quiet: true });
  say('');
  const chromium = hasDisplay ? findChromium() : undefined;
  say(
    chromium === undefined
      ? dim('No display or no Chromium here: open the address below in a browser on this machine.')
      : dim(`Opening the interface in ${chromium}.`),
  );
  const serve = [
    cli,
    'serve',
    input,
    ...scenario,
    ...(port === undefined ? [] : ['--port', port]),
    ...(chromium === undefined ? [] : ['--open']),
  ];
  const child = spawn(process.execPath, serve, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 0));
}
