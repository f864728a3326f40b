// Builds dist/: the engine's programs with rolldown, the interface with Vite. `--if-needed` skips what is newer than its sources.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensurePackages, checkNode, root } from './lib/setup.mjs';
import { bad, dim, good, say } from './lib/say.mjs';

/** Programs that run in Node or Electron: source and output below dist/. */
const PROGRAMS = [
  { name: 'cli', input: 'engine/cli/main.ts' },
  { name: 'host', input: 'engine/host/index.ts' },
  { name: 'session-worker', input: 'engine/host/session-worker.ts' },
  { name: 'capture-helper', input: 'engine/capture/helper.ts' },
  { name: 'cache-code', input: 'engine/cli/cache-code.ts' },
  { name: 'bench', input: 'bench/main.ts' },
  { name: 'electron/main', input: 'electron/main.ts' },
  { name: 'electron/engine', input: 'electron/engine.ts' },
];
/** Programs of one file each, because loading many takes longer than what they do: source and output below dist/. */
const SINGLES = [
  { name: 'lane-worker', input: 'engine/host/lane-worker.ts' },
  // A function, as engine/host/cached-code.ts loads it.
  { name: 'replay-core', input: 'engine/cli/replay-core.ts', isFunction: true },
  { name: 'translate-core', input: 'engine/cli/translate-core.ts', isFunction: true },
  { name: 'packets-core', input: 'engine/cli/packets-core.ts', isFunction: true },
];
/** Kernels: main file and output below dist/. See lib/kernel-compiler.mjs. */
const KERNELS = [
  { name: 'replay-kernel.wasm', input: 'engine/lab/kernel/assembly/replay.ts' },
  { name: 'translate-kernel.wasm', input: 'engine/lab/translate/assembly/translate.ts' },
];
/** The capture that is replayed, translated and listed to make the code caches. */
const SAMPLE = 'resources/samples/microbursts.pcap';
const PRELOAD = { name: 'electron/preload', input: 'electron/preload.ts' };

/** Loaded at run time from node_modules: native, or optional, or Electron's own. */
const EXTERNAL = [/^node:/, 'electron', 'cap', 'node-pty', 'bufferutil', 'utf-8-validate', 'playwright-core'];

const SOURCES = {
  engine: [
    'engine',
    'resources/scenarios',
    'electron',
    'bench',
    'e2e',
    'package.json',
    'package-lock.json',
    'scripts/build.mjs',
    'scripts/lib/kernel-compiler.mjs',
  ],
  renderer: ['renderer', 'engine/contract', 'engine/base', 'package-lock.json'],
};

function newest(path) {
  const full = join(root, path);
  if (!existsSync(full)) return 0;
  const stat = statSync(full);
  if (!stat.isDirectory()) return stat.mtimeMs;
  let latest = 0;
  for (const entry of readdirSync(full, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name.endsWith('.test.ts')) continue;
    latest = Math.max(latest, newest(join(path, entry.name)));
  }
  return latest;
}

function isFresh(part) {
  const stamp = join(root, 'dist', `.${part}-stamp`);
  return existsSync(stamp) && statSync(stamp).mtimeMs >= Math.max(...SOURCES[part].map(newest));
}

function touch(part, startedMs) {
  mkdirSync(join(root, 'dist'), { recursive: true });
  const stamp = join(root, 'dist', `.${part}-stamp`);
  writeFileSync(stamp, new Date(startedMs).toISOString());
}

/** A program that is running may still load a chunk of the build before: chunks go when they are this old. */
const STALE_CHUNK_MS = 600_000;

function removeStaleChunks(current) {
  const folder = join(root, 'dist', 'chunks');
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!current.has(`chunks/${name.replace(/\.map$/, '')}`) && Date.now() - statSync(path).mtimeMs > STALE_CHUNK_MS) rmSync(path);
  }
}

/** A run of a bundled scenario starts from its meaning, not its text: the built engine reads the texts once, here. */
async function compileScenarios() {
  const host = pathToFileURL(join(root, 'dist', 'host.js'));
  // Another address for each build: a module is loaded once an address.
  host.searchParams.set('built', String(Date.now()));
  const { compileScenarios } = await import(host.href);
  writeFileSync(join(root, 'dist', 'scenarios.json'), `${JSON.stringify(compileScenarios())}\n`);
}

/** What a field is named in the dissectors' sources: `ip.src`, `arp.${name}.${suffix}`. */
const FIELD_LITERAL = /'([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)*)'|`([a-z][a-z0-9_]*\.[^`\s]*\$\{[^`\s]*)`/g;

/** The end of a field whose beginning the caller gives, such as a protocol: `${prefix}.srcport`. */
const FIELD_END = /`\$\{[^}]*\}([._][a-z][a-z0-9_.]*)`/g;
/** Ends that a helper makes of its parameter, see checksumFields. */
const CHECKSUM_ENDS = ['.checksum', '.checksum.status', '.cksum', '.cksum.status'];

/** The command line knows all field names, so that a misspelt one is said: collected from the sources, because trees are made as packets have them. */
function collectFieldNames() {
  const folder = join(root, 'engine/wire');
  const names = new Set();
  const patterns = new Set();
  const ends = new Set(CHECKSUM_ENDS);
  for (const path of readdirSync(folder, { recursive: true }).map(String)) {
    if (!path.endsWith('.ts') || /test|differences|sample-packets|fuzz/.test(path)) continue;
    const source = readFileSync(join(folder, path), 'utf8');
    for (const [, end] of source.matchAll(FIELD_END)) ends.add(end);
    for (const [, name, pattern] of source.matchAll(FIELD_LITERAL)) {
      if (name !== undefined) names.add(name);
      // Each part in braces stands for a word made of the packet.
      else patterns.add(pattern.replaceAll('.', '\\.').replaceAll(/\$\{[^}]*\}/g, '[A-Za-z0-9_-]*'));
    }
  }
  const sorted = (words) => [...words].toSorted();
  const all = { names: sorted(names), patterns: sorted(patterns), ends: sorted(ends) };
  writeFileSync(
    join(root, 'dist', 'field-names.json'),
    `${JSON.stringify(all)}
`,
  );
}

/** A CommonJS program as a function, in plain ASCII: that takes half the memory. Lines stay where they are. */
function asFunction(text) {
  const ascii = text.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `(function (exports, require, module, __filename) {${ascii}\n})\n`;
}

/** What V8 compiles of a plain replay, a translation and a packet list, written beside them by a process of its own that does them: the next one starts sooner. */
async function cacheCode() {
  for (const { name } of SINGLES.filter(({ isFunction }) => isFunction)) rmSync(join(root, 'dist', `${name}.cjs.cache`), { force: true });
  const { code } = await new Promise((done) => {
    const child = spawn(process.execPath, [join(root, 'dist', 'cache-code.js'), join(root, SAMPLE)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('close', (code) => done({ code }));
  });
  if (code !== 0) say(dim('  no code cache was made: replays, translations and lists start a little later'));
}

async function buildEngine() {
  const { rolldown } = await import('rolldown');
  const version = JSON.parse(await (await import('node:fs/promises')).readFile(join(root, 'package.json'), 'utf8')).version;
  const present = PROGRAMS.filter(({ input }) => existsSync(join(root, input)));
  const common = {
    platform: 'node',
    external: EXTERNAL,
    // Index files only name what a module offers: importing one name from them must not load the rest.
    // Node's own modules have no effect that anyone waits for: one that is left over would only be loaded.
    treeshake: { moduleSideEffects: (id) => !id.startsWith('node:') && !/[\\/]engine[\\/]\w+[\\/](\w+[\\/])?(index|plain)\.ts$/.test(id) },
    transform: { define: { 'process.env.RINGSIDE_VERSION': JSON.stringify(version) }, target: 'node20' },
    cwd: root,
    logLevel: 'warn',
  };
  const bundle = await rolldown({
    ...common,
    input: Object.fromEntries(present.map(({ name, input }) => [name, `./${input}`])),
  });
  const { output } = await bundle.write({
    dir: join(root, 'dist'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
  });
  await bundle.close();
  for (const { name, input, isFunction } of SINGLES) {
    const single = await rolldown({ ...common, input: `./${input}` });
    const file = join(root, 'dist', `${name}.cjs`);
    await single.write({ file, format: 'cjs', codeSplitting: false, sourcemap: true });
    await single.close();
    if (isFunction) writeFileSync(file, asFunction(readFileSync(file, 'utf8')));
  }
  const { compileKernel } = await import('./lib/kernel-compiler.mjs');
  for (const { name, input } of KERNELS) writeFileSync(join(root, 'dist', name), await compileKernel(join(root, input)));
  await compileScenarios();
  collectFieldNames();
  await cacheCode();
  removeStaleChunks(new Set(output.map(({ fileName }) => fileName)));
  if (existsSync(join(root, PRELOAD.input))) {
    const preload = await rolldown({ ...common, input: { [PRELOAD.name]: `./${PRELOAD.input}` } });
    await preload.write({ dir: join(root, 'dist'), format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false, sourcemap: true });
    await preload.close();
  }
}

async function buildRenderer() {
  const config = join(root, 'renderer', 'vite.config.ts');
  if (!existsSync(config)) return;
  const { build } = await import('vite');
  await build({ configFile: config, root: join(root, 'renderer'), logLevel: 'warn' });
}

/** Builds what is stale. Returns false when a build failed; the reason has been said. */
export async function build({ ifNeeded = false, quiet = false, parts = ['engine', 'renderer'] } = {}) {
  for (const part of parts) {
    if (ifNeeded && isFresh(part)) continue;
    const started = Date.now();
    try {
      await (part === 'engine' ? buildEngine() : buildRenderer());
    } catch (error) {
      say(`${bad('✕')} build ${part}`);
      say(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return false;
    }
    touch(part, started);
    if (!quiet) say(`${good('✓')} build ${part} ${dim(`${((Date.now() - started) / 1000).toFixed(1)} s`)}`);
  }
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  checkNode();
  await ensurePackages();
  const args = new Set(process.argv.slice(2));
  const parts = args.has('--engine') ? ['engine'] : args.has('--renderer') ? ['renderer'] : undefined;
  process.exitCode = (await build({ ifNeeded: args.has('--if-needed'), quiet: args.has('--quiet'), ...(parts && { parts }) })) ? 0 : 1;
}
