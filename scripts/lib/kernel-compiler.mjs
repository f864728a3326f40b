// Compiles a kernel, which is AssemblyScript over a memory that threads share (see engine/lab/kernel/assembly/replay.ts), to a WebAssembly module.
// The compiler takes seconds, so a module is kept in build/kernels as long as nothing that it is made of changes.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { root } from './setup.mjs';

/** No run-time library and no checks: kernels allocate nothing, and their addresses are the engine's own. */
const OPTIONS = [
  ...['--runtime', 'stub', '--noAssert', '-O3', '--noColors'],
  ...['--importMemory', '--sharedMemory', '--enable', 'threads', '--initialMemory', '1', '--maximumMemory', '65536'],
];

/** Names imported from another folder, with the place they come from. */
const IMPORT = /^import \{([^}]*)\} from '([^']+)';/gm;

/** Source of each file of the kernel's folder, by its path from the root; and the files elsewhere that constants are wanted of. */
function sources(folder) {
  const texts = new Map();
  const wanted = new Map();
  for (const name of readdirSync(folder).toSorted()) {
    if (!name.endsWith('.ts')) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    texts.set(fromRoot(join(folder, name)), text);
    for (const [, names, place] of text.matchAll(IMPORT)) {
      const file = resolve(folder, place);
      if (dirname(file) === folder) continue;
      const known = wanted.get(file) ?? new Set();
      for (const each of names.split(',')) if (each.trim() !== '') known.add(each.trim());
      wanted.set(file, known);
    }
  }
  return { texts, wanted };
}

const fromRoot = (file) => relative(root, file).split(sep).join('/');

/**
 * What a kernel imports from the engine are constants that both share. The engine's files are not AssemblyScript, so the compiler reads a
 * file of nothing but those constants in place of each.
 */
async function constantsOf(wanted) {
  const { rolldown } = await import('rolldown');
  const code = [...wanted].map(([file, names]) => `export { ${[...names].join(', ')} } from ${JSON.stringify(file)};`).join('\n');
  const entry = '\0constants';
  const bundle = await rolldown({
    input: entry,
    platform: 'neutral',
    treeshake: { moduleSideEffects: false },
    plugins: [{ name: 'constants', resolveId: (id) => (id === entry ? id : null), load: (id) => (id === entry ? code : null) }],
    logLevel: 'silent',
    external: [/^node:/, 'zod', 'yaml'],
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  const values = await import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
  return [...wanted].map(([file, names]) => [fromRoot(file), [...names].map((name) => constant(name, values[name])).join('\n')]);
}

function constant(name, value) {
  if (typeof value !== 'number') throw new Error(`${name} is no number: kernels import constants only`);
  return `export const ${name}: ${Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 'i32' : 'f64'} = ${value};`;
}

/** All that the module of `entry` is made of: path from the root -> text. */
async function material(entry) {
  const { texts, wanted } = sources(dirname(entry));
  for (const [path, text] of await constantsOf(wanted)) texts.set(path, text);
  return texts;
}

function compilerVersion() {
  const file = join(root, 'node_modules/assemblyscript/package.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).version;
  throw new Error('node_modules has no assemblyscript, which compiles the kernels: run npm ci');
}

async function compile(entry, texts) {
  const { default: asc } = await import('assemblyscript/asc');
  let module;
  const { error, stderr } = await asc.main([fromRoot(entry), '--outFile', 'kernel.wasm', ...OPTIONS], {
    // The compiler adds its own extension to names that have one already.
    readFile: (name) => texts.get(name.replace(/\.ts\.ts$/, '.ts')) ?? null,
    writeFile: (_, bytes) => {
      module = bytes;
    },
  });
  const said = stderr.toString().trim();
  if (error !== null || said !== '') throw new Error(`${fromRoot(entry)} does not compile:\n${said || error.message}`);
  return module;
}

/** The module of the kernel whose main file is `entry`, as bytes. */
export async function compileKernel(entry, folder = join(root, 'build', 'kernels')) {
  const texts = await material(entry);
  const key = createHash('sha256')
    .update(JSON.stringify([fromRoot(entry), OPTIONS, compilerVersion(), [...texts].toSorted()]))
    .digest('hex');
  const title = basename(entry, '.ts');
  const kept = join(folder, `${title}-${key}.wasm`);
  if (existsSync(kept)) return readFileSync(kept);
  const module = await compile(entry, texts);
  mkdirSync(folder, { recursive: true });
  // Tests may compile at the same time: a file is there whole or not at all.
  const part = join(folder, `${process.pid}.part`);
  writeFileSync(part, module);
  renameSync(part, kept);
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${title}-`) && name !== basename(kept)) rmSync(join(folder, name), { force: true });
  }
  return module;
}
