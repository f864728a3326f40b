import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The nearest folder above this file that holds the program: its package.json, dist/ and resources/. The same from source and bundled. */
function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The program folder has no package.json.');
    folder = parent;
  }
  return folder;
}

export const rootFolder = findRoot();
export const distFolder = join(rootFolder, 'dist');
export const resourcesFolder = join(rootFolder, 'resources');
export const samplesFolder = join(resourcesFolder, 'samples');
export const scenariosFolder = join(resourcesFolder, 'scenarios');
export const translatorsFolder = join(resourcesFolder, 'translators');
export const multicastFolder = join(resourcesFolder, 'multicast');
export const convertersFolder = join(resourcesFolder, 'converters');
export const rendererFolder = join(distFolder, 'renderer');

export const sessionWorkerFile = join(distFolder, 'session-worker.js');
export const laneWorkerFile = join(distFolder, 'lane-worker.cjs');
/** The code of a plain replay in one file. */
export const replayCoreFile = join(distFolder, 'replay-core.cjs');
/** The code of a translation in one file. */
export const translateCoreFile = join(distFolder, 'translate-core.cjs');
/** The code of the packet list in one file. */
export const packetsCoreFile = join(distFolder, 'packets-core.cjs');
/** The kernel of a plain replay: see engine/lab/kernel. */
export const kernelFile = join(distFolder, 'replay-kernel.wasm');
/** The kernel of plain stateless translation: see engine/lab/translate/plain-kernel.ts. */
export const translateKernelFile = join(distFolder, 'translate-kernel.wasm');
/** Smaller files are replayed before a second thread has started. */
export const MIN_LANE_BYTES = 8 * 1024 * 1024;
/** Written by the build: see compiled-scenario.ts. */
export const compiledScenariosFile = join(distFolder, 'scenarios.json');
/** Names of all fields that the dissectors make, written by the build. */
export const fieldNamesFile = join(distFolder, 'field-names.json');
export const cliFile = join(distFolder, 'cli.js');

/** Version of the program; the build writes it into the bundle, from source it is read. */
export function programVersion(): string {
  const built = process.env.RINGSIDE_VERSION;
  if (built !== undefined) return built;
  const parsed: unknown = JSON.parse(readFileSync(join(rootFolder, 'package.json'), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
}

/** Where settings and the list of recent files live, by the custom of the platform. */
export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  const home = homedir();
  if (process.platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Ringside');
  if (process.platform === 'darwin') return join(home, 'Library', 'Application Support', 'Ringside');
  const xdg = env['XDG_CONFIG_HOME'];
  return join(xdg !== undefined && xdg.startsWith('/') ? xdg : join(home, '.config'), 'ringside');
}

/** A folder for display: the home folder shortened to `~`. */
export function displayFolder(folder: string): string {
  const home = homedir();
  if (folder === home) return '~';
  return folder.startsWith(home + '/') ? `~${folder.slice(home.length)}` : folder;
}
